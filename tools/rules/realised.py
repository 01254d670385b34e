"""What a change that was carried out has saved, measured on the bill: what would have been paid, less what was paid.

The promise is not the proof. A stopped machine that somebody started again saved little, whatever its proposal said; so
each day after the change is held against the same weekday before it, and the gap to the promise is told with its cause.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from tools.detection.contributions import EXACT, add

AS_BEFORE = Decimal("0.9")
"""A day that costs at least this share of what it would have cost counts as not saved on."""

NEAR = Decimal("0.05")
"""A gap below this share of the promise is none."""

LONGEST = 365
"""Days after which a saving is no longer counted: by then the resource would have been looked at anyway."""

_PLACES = Decimal("0.000001")


@dataclass(frozen=True)
class Cost:
    """One day of one resource; `uncovered` is what no commitment covers."""

    effective: Decimal
    uncovered: Decimal


@dataclass(frozen=True)
class Measured:
    """Over `days` after the change: what it would have cost, what it cost, and the difference twice.

    `realised` is effective cost; `cash` leaves out what a commitment covered before, since that is paid all the same.
    `promised` is the proposal's promise for as many days. `dearer` says that the change made things cost more.
    """

    days: int
    counterfactual: Decimal
    actual: Decimal
    realised: Decimal
    cash: Decimal
    promised: Decimal
    cause: str
    dearer: bool

    @property
    def gap(self) -> Decimal:
        """What the promise lacks; negative if more was saved."""
        return EXACT.subtract(self.promised, self.cash)


def window(at: date, *, look_back: int, last: date) -> tuple[list[date], list[date]]:
    """The days before the change and those after it that the bill reaches; the day itself is neither."""
    before = [at - timedelta(days=back) for back in range(look_back, 0, -1)]
    reach = min((last - at).days, LONGEST)
    return before, [at + timedelta(days=on) for on in range(1, reach + 1)]


def measure(
    costs: Mapping[date, Cost], before: Sequence[date], after: Sequence[date], *, promised_per_month: Decimal,
    hours_per_month: int,
) -> Measured | None:  # fmt: skip
    """None where the bill has nothing to hold against: no day after the change yet, or no cost before it."""
    earlier = add(_of(costs, day).effective for day in before)
    if not after or earlier <= 0:
        return None
    expected = [_expected(costs, before, day) for day in after]
    paid = [_of(costs, day) for day in after]
    bare = EXACT.divide(add(_of(costs, day).uncovered for day in before), earlier)
    counterfactual, actual = add(expected), add(day.effective for day in paid)
    realised = EXACT.subtract(counterfactual, actual)
    cash = EXACT.quantize(EXACT.multiply(realised, bare), _PLACES)
    month = EXACT.divide(Decimal(hours_per_month), Decimal(24))
    promised = EXACT.quantize(EXACT.multiply(EXACT.divide(promised_per_month, month), Decimal(len(after))), _PLACES)
    as_before = sum(
        one.effective >= EXACT.multiply(AS_BEFORE, due) for one, due in zip(paid, expected, strict=True) if due > 0
    )
    return Measured(
        days=len(after),
        counterfactual=EXACT.quantize(counterfactual, _PLACES),
        actual=EXACT.quantize(actual, _PLACES),
        realised=EXACT.quantize(realised, _PLACES),
        cash=cash,
        promised=promised,
        cause=_cause(promised - cash, promised, as_before=as_before, days=len(after), bare=bare, realised=realised),
        dearer=realised < 0,
    )


def _of(costs: Mapping[date, Cost], day: date) -> Cost:
    return costs.get(day, Cost(Decimal(0), Decimal(0)))


def _expected(costs: Mapping[date, Cost], before: Sequence[date], day: date) -> Decimal:
    """The mean of the same weekdays before: a machine that rests on Sundays would have rested on this one too."""
    same = [one for one in before if one.weekday() == day.weekday()] or list(before)
    return EXACT.divide(add(_of(costs, one).effective for one in same), Decimal(len(same)))


def _cause(
    gap: Decimal, promised: Decimal, *, as_before: int, days: int, bare: Decimal, realised: Decimal
) -> str:  # fmt: skip
    """Why it is not what was promised, as far as the bill tells."""
    if realised < 0:
        return "it costs more than before the change"
    if abs(gap) <= NEAR * promised:
        return "as promised"
    if gap < 0:
        return "more than promised: it cost more just before the change than when it was proposed"
    if as_before:
        return f"it was billed as before on {as_before} of {days} days: it runs again, or never stopped"
    if bare < 1:
        return "a commitment covered part of it, which is paid all the same"
    return "part of it is still billed, or it cost less just before the change than when it was proposed"
