"""When each column of a grid is, and which earlier ones it may be compared with: months, holidays, seasons, years.

What comes again is expected. Without the days of the month, half of all alarms are invoices that come every month;
without calendars, every holiday and every quarter's end is one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Columns = NDArray[np.int64]
T = TypeVar("T")
DAY = timedelta(days=1)
FIRST_DAYS, LAST_DAYS = 3, 2  # of a month: when invoices, true-ups and batches come
MONTHS_BACK = 3
YEAR, QUARTER = 364, 91  # days: whole weeks, so that weekdays meet
LONG_RUN = 3  # days of a calendar kind in a row; more is a season, not a holiday
BEFORE_DAYS = 28  # of a bill before a run, without which nobody knows what it changed
AFTERMATH = 42  # days after a season in which its end is still expected


@dataclass(frozen=True)
class Clock:
    """The first moment, the step between columns, and by column the kinds of a calendar (`holiday`, `quarter_end`, or
    any other word that comes again)."""

    first: date
    step: timedelta = DAY
    kinds: Mapping[int, Sequence[str]] = field(default_factory=dict)
    _kept: dict[tuple[str, int], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def a_day(self) -> int:
        """Columns a day; 1 for daily and coarser grids."""
        return max(int(DAY / self.step), 1)

    def _once(self, count: int, make: Callable[["Clock", int], T]) -> T:
        """What `make` finds, kept: every block of series asks for the same."""
        key = (make.__name__, count)
        if key not in self._kept:
            self._kept[key] = make(self, count)
        kept: T = self._kept[key]
        return kept

    def days(self, count: int) -> list[date]:
        """The day of each column."""
        start = self.first if isinstance(self.first, datetime) else datetime.combine(self.first, datetime.min.time())
        step = DAY if self.a_day == 1 else self.step
        return [(start + step * column).date() for column in range(count)]

    def month_twins(self, count: int) -> list[Columns]:
        """For the edges of a month, the same edge of each of the last three: [T] columns, -1 where there is none."""
        return self._once(count, _month_twins)

    def run_twins(self, count: int) -> tuple[list[Columns], NDArray[np.bool_]]:
        """For days within or soon after a run of a calendar kind, the days at the same distance from the beginning of
        the last two runs of that kind; and the days of a long run before which no run of its kind was learnt from."""
        return self._once(count, _run_twins)

    def season_twins(self, count: int) -> list[Columns]:
        """The same weekday one year ago, one quarter ago, two quarters ago; -1 before the beginning."""
        back = [np.arange(count) - days * self.a_day for days in (YEAR, QUARTER, 2 * QUARTER)]
        return [np.where(earlier >= 0, earlier, -1) for earlier in back]

    def rest_days(self, count: int) -> Columns:
        """For each holiday the last Sunday before it, whose shape of the day it may have; -1 elsewhere."""
        return self._once(count, _rest_days)


def _month_twins(clock: Clock, count: int) -> list[Columns]:
    twins = [np.full(count, -1) for _ in range(MONTHS_BACK)]
    if clock.a_day > 1:
        return twins
    days = clock.days(count)
    column = {day: position for position, day in enumerate(days)}
    for position, day in enumerate(days):
        for back, earlier in enumerate(same_slot(day)):
            twins[back][position] = column.get(earlier, -1)
    return twins


def _run_twins(clock: Clock, count: int) -> tuple[list[Columns], NDArray[np.bool_]]:
    twins, unknown = [np.full(count, -1), np.full(count, -1)], np.zeros(count, dtype=bool)
    for kind in sorted({kind for kinds in clock.kinds.values() for kind in kinds}):
        runs = _runs(sorted(column for column, kinds in clock.kinds.items() if kind in kinds), gap=2 * clock.a_day)
        learnt: list[int] = []  # beginnings, the newest first
        for start, end in runs:
            long = end - start >= LONG_RUN * clock.a_day
            stop = end + (AFTERMATH * clock.a_day if long else 0)
            for column in range(max(start, 0), min(stop + 1, count)):
                for back, earlier in enumerate(learnt[:2]):
                    if (twin := earlier + column - start) < start:
                        twins[back][column] = twin
                unknown[column] |= long and not learnt
            if start >= BEFORE_DAYS * clock.a_day:
                learnt.insert(0, start)
    return twins, unknown


def _rest_days(clock: Clock, count: int) -> Columns:
    found = np.full(count, -1)
    days = clock.days(count)
    for column, kinds in clock.kinds.items():
        if 0 <= column < count and "holiday" in kinds:
            back = ((days[column].weekday() - 6) % 7 or 7) * clock.a_day
            found[column] = column - back if column >= back else -1
    return found


def _runs(columns: Sequence[int], *, gap: int) -> list[tuple[int, int]]:
    """First and last of each stretch of `columns`, with no gap of `gap` columns or more inside."""
    runs: list[tuple[int, int]] = []
    for column in columns:
        if runs and column - runs[-1][1] < gap:
            runs[-1] = (runs[-1][0], column)
        else:
            runs.append((column, column))
    return runs


def is_month_edge(day: date) -> bool:
    """Whether `day` is one of the first three or last two of its month."""
    if not 1 < day.year < 9999:
        return False  # a damaged date; the calendar ends there
    return day.day <= FIRST_DAYS or (_month_start(day, 1) - day).days <= LAST_DAYS


def same_slot(day: date) -> list[date]:
    """The same edge day of the last three months; none for a day in the middle."""
    if not is_month_edge(day):
        return []
    from_end = (_month_start(day, 1) - day).days
    back = range(1, MONTHS_BACK + 1)
    if day.day <= FIRST_DAYS:
        return [_month_start(day, -months) + timedelta(days=day.day - 1) for months in back]
    return [_month_start(day, 1 - months) - timedelta(days=from_end) for months in back]


def _month_start(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)
