"""The narrowest slices of a bill that a change comes from, as rows of its explanation.

A split by one dimension shows that a team and a service grew; which of the team's services did, or that one model rose
by what another fell, only several dimensions at once can show (`tools.detection.root_cause`).
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tools.asked import Asked
from tools.cells import Cells
from tools.detection.contributions import EXACT, ZERO, add
from tools.detection.root_cause import Cause, Part, root_causes
from tools.sheet import Sheet
from tools.spend import Line, write, write_share

SECTION = "the narrowest causes"
LEAST_EXPLAINED = 0.5
"""Of all that moved, without its sign: slices that leave more than half of it unexplained would mislead."""


def write_causes(sheet: Sheet, definite: Asked, of: Cells, *, currency: str) -> None:
    """Adds the slices of these cells' dimensions and what they leave, which sum to the change exactly; nothing where
    no slice of several names explains it."""
    answer, names = of.answer, of.by
    found = root_causes([_part(row, names) for row in answer.rows])
    if found.explained < LEAST_EXPLAINED or all(len(cause.names) < 2 for cause in found.named):
        return
    for cause in found.named:
        after, before = None if cause.gone else cause.after, None if cause.new else cause.before
        row = write(
            sheet, definite, Line(dict(cause.names), currency, after, before), texts={"within": SECTION, **_note(cause)}
        )
        write_share(sheet, definite, row, cause.change, found.change)
    if found.remainder or len(found.named) > 1:
        left = _left(answer.totals, [cause.after for cause in found.named], currency)
        before = _left(answer.previous_totals, [cause.before for cause in found.named], currency)
        row = write(sheet, definite, Line({names[0]: "all else"}, currency, left, before), texts={"within": SECTION})
        write_share(sheet, definite, row, found.remainder, found.change)


def _part(row: dict[str, Any], names: Sequence[str]) -> Part:
    named = {name: str(row[name]) for name in names if not str(row[name]).startswith("(")}  # (none), (untagged)
    return Part(named, Decimal(row["previous"] or ZERO), Decimal(row["value"] or ZERO))


def _note(cause: Cause) -> dict[str, str]:
    return {"note": "new"} if cause.new else {"note": "gone"} if cause.gone else {}


def _left(totals: Sequence[tuple[str, Decimal]], named: Sequence[Decimal], currency: str) -> Decimal:
    return EXACT.subtract(add(value for unit, value in totals if unit == currency), add(named))
