"""What was done when: deploys that somebody tells, proposals that were carried out.

No rule of the gate and no part of the bill: it is shown beside a change of cost (`nearby.py`), and hides nothing.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from lake.errors import LakeError
from lake.period import Period
from tools.shown import shown

COLUMNS = ("date", "what")
MOST_LINES, LONGEST = 100_000, 120


@dataclass(frozen=True)
class Happening:
    """Something that was done on a day; `team` and `service` empty: it may touch any."""

    day: date
    what: str
    team: str = ""
    service: str = ""


CarriedOut = Callable[[Period], Sequence[Happening]]
"""Reads the proposals that were carried out in these days, as far as the speaker may hear of them."""


def nothing_carried_out(_days: Period) -> Sequence[Happening]:
    """The port of a desk that has no proposals beside it."""
    return ()


def parsed(text: str, name: str) -> tuple[Happening, ...]:
    """The deploys of a CSV file with a heading and the columns `date` (2026-11-25) and `what`, and `team` and `service`
    where they are known, a line each. `name`: what the file is called. Raises LakeError, with the line, for what cannot
    be read."""
    lines = csv.reader(text.lstrip("\ufeff").splitlines())
    try:
        return _parsed(lines, name)
    except csv.Error as error:
        raise _unreadable(name, f"Line {max(lines.line_num, 1)} is no line of a CSV file: {error}.") from None


def _parsed(lines: Any, name: str) -> tuple[Happening, ...]:
    heading = [column.strip().lower() for column in next(lines, [])]
    if missing := [column for column in COLUMNS if column not in heading]:
        raise _unreadable(name, f"Its first line has no column {' and no column '.join(missing)}.")
    found: list[Happening] = []
    for number, cells in enumerate(lines, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(heading):
            raise _unreadable(name, f"Line {number} has {len(cells)} columns, the heading {len(heading)}.")
        line = dict(zip(heading, (cell.strip() for cell in cells), strict=True))
        try:
            day = date.fromisoformat(line["date"])
        except ValueError:
            raise _unreadable(name, f"Line {number} has no date such as 2026-11-25.") from None
        if not line["what"]:
            raise _unreadable(name, f"Line {number} does not say what was done.")
        what = shown(line["what"], LONGEST)
        found.append(Happening(day, what, line.get("team", ""), line.get("service", "")))
        if len(found) > MOST_LINES:
            raise _unreadable(name, f"It has more than {MOST_LINES:,} lines.")
    return tuple(sorted(found, key=lambda one: (one.day, one.what)))


def _unreadable(name: str, why: str) -> LakeError:
    return LakeError(
        f"The deploys {name} cannot be used.",
        why=why,
        do="Write a heading date,what,team,service and a line for each, such as 2026-11-25,retriever v2,fraud,.",
    )
