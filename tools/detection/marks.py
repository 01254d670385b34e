"""What people said of unusual spend, and what follows: which later event need not be told to its owner again.

A mark quietens the message and nothing else: the event is stored and listed all the same, with the mark beside it. A
mark that hid an event would be the first thing to look for after a fraud.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

Names = tuple[tuple[str, str], ...]
GROWN = Decimal("1.5")  # an event this many times as large as what was marked is news again
REMEMBERED = timedelta(days=180)


class MarkKind(StrEnum):
    """What a person says of an event."""

    NOT_AN_ANOMALY = "not an anomaly"
    PLANNED = "planned"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"


@dataclass(frozen=True)
class Mark:
    """One person's word on one event of the series `names`. `first` to `until`: the days of a plan, or how long it is
    snoozed; `excess`: of the event when it was marked; `at`: the day of the mark."""

    kind: MarkKind
    names: Names
    currency: str
    event: str
    excess: Decimal
    person: str
    at: date
    first: date | None = None
    until: date | None = None


def quiet_because(
    marks: Iterable[Mark], *, event: str, names: Names, currency: str, start: date, excess: Decimal, today: date
) -> Mark | None:
    """The mark by which this event need not be told now, the latest of several; None if it must be told."""
    mine = [mark for mark in marks if mark.names == names and mark.currency == currency]
    holds = [mark for mark in mine if _holds(mark, event=event, start=start, excess=excess, today=today)]
    return max(holds, key=lambda mark: mark.at, default=None)


def _holds(mark: Mark, *, event: str, start: date, excess: Decimal, today: date) -> bool:
    grown = abs(excess) >= GROWN * abs(mark.excess) or (excess > 0) != (mark.excess > 0)
    if mark.kind is MarkKind.PLANNED:
        return mark.first is not None and mark.until is not None and mark.first <= start <= mark.until
    if mark.kind is MarkKind.SNOOZED:
        return mark.until is not None and today <= mark.until
    if mark.kind is MarkKind.ACKNOWLEDGED:
        return event == mark.event and not grown
    return today - mark.at <= REMEMBERED and not grown
