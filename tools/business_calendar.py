"""The calendar of an organisation: its holidays, seasons and quarter ends, so that what comes with them is expected.

A bill does not say that the shops were full in December. Without a calendar, the first such December is one alarm for
each service that shoppers use; with it, what comes again is held against the last time that it came.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from lake.errors import LakeError
from tools.detection.clock import Clock
from tools.fiscal import FiscalCalendar

COLUMNS = ("date", "kind")
QUARTER_END, QUARTER_END_DAYS = "quarter_end", 3
MOST_DAYS, LONGEST_KIND = 100_000, 60


@dataclass(frozen=True)
class BusinessCalendar:
    """Kinds by day: `holiday`, whose days may look like Sundays, or any other word for what comes again; a kind on
    many days in a row is a season. `fiscal`: whose quarters end."""

    days: Mapping[date, tuple[str, ...]] = field(default_factory=dict)
    fiscal: FiscalCalendar = field(default_factory=FiscalCalendar)

    def kinds(self, day: date) -> tuple[str, ...]:
        """What kind of day it is; most are of none."""
        return (*self.days.get(day, ()), *((QUARTER_END,) if self._ends_quarter(day) else ()))

    def clock(self, first: date, count: int) -> Clock:
        """The clock of a grid of `count` days from `first`."""
        kinds: dict[int, tuple[str, ...]] = {}
        for column in range(count):
            day = first + timedelta(days=column)
            if here := self.kinds(day):
                kinds[column] = here
        return Clock(first, kinds=kinds)

    def _ends_quarter(self, day: date) -> bool:
        later = day + timedelta(days=QUARTER_END_DAYS)
        begins = later.replace(day=1)
        return begins > day and (begins.month - self.fiscal.first_month) % 3 == 0


def parsed(text: str, name: str, fiscal: FiscalCalendar | None = None) -> BusinessCalendar:
    """The calendar of a CSV file with a heading and the columns `date` (2026-12-25) and `kind`, a line a day and kind.
    `name`: what the file is called. Raises LakeError, with the line, for what cannot be read."""
    lines = csv.reader(text.lstrip("\ufeff").splitlines())
    try:
        return BusinessCalendar(_days(lines, name), fiscal or FiscalCalendar())
    except csv.Error as error:
        raise _unreadable(name, f"Line {max(lines.line_num, 1)} is no line of a CSV file: {error}.") from None


def _days(lines: Any, name: str) -> dict[date, tuple[str, ...]]:
    days: dict[date, tuple[str, ...]] = {}
    heading = [column.strip().lower() for column in next(lines, [])]
    if missing := [column for column in COLUMNS if column not in heading]:
        raise _unreadable(name, f"Its first line has no column {' and no column '.join(missing)}.")
    at, of = (heading.index(column) for column in COLUMNS)
    for number, cells in enumerate(lines, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) <= max(at, of):
            raise _unreadable(name, f"Line {number} has fewer columns than the heading.")
        try:
            day = date.fromisoformat(cells[at].strip())
        except ValueError:
            raise _unreadable(name, f"Line {number} has no date such as 2026-12-25.") from None
        kind = cells[of].strip().lower()
        if not kind or len(kind) > LONGEST_KIND:
            raise _unreadable(name, f"Line {number} has no kind of at most {LONGEST_KIND} letters.")
        days[day] = tuple(sorted({*days.get(day, ()), kind}))
        if len(days) > MOST_DAYS:
            raise _unreadable(name, f"It names more than {MOST_DAYS:,} days.")
    return days


def _unreadable(name: str, why: str) -> LakeError:
    return LakeError(
        f"The calendar {name} cannot be used.",
        why=why,
        do="Write a heading date,kind and a line for each day, such as 2026-12-25,holiday.",
    )
