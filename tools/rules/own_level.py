"""The newest hours or days of something that spends, held against its own level before them.

What runs away is told from what is merely dear by its own past alone; what it costs if it goes on is no cost yet, and
counts in no total.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Generic, Protocol, TypeVar

from tools.detection.contributions import EXACT, add
from tools.rules.evidence import Check
from tools.rules.money import Confidence, Money
from tools.rules.saving import MONTHS_PER_YEAR

_PLACES = Decimal("0.000001")


class Spending(Protocol):
    """What spends: hours or days are whole numbers, `end` is the first that is not told; one in `known` without a cost
    cost nothing, any other is not known."""

    @property
    def currency(self) -> str: ...
    @property
    def end(self) -> int: ...
    @property
    def known(self) -> frozenset[int]: ...
    @property
    def costs(self) -> Mapping[int, Decimal]: ...


S = TypeVar("S", bound=Spending)


@dataclass(frozen=True)
class Held(Generic[S]):
    """Its newest hours or days (`window`) and the known ones before them (`history`), each by its number."""

    use: S
    window: tuple[int, ...]
    history: tuple[int, ...]

    def cost(self, at: int) -> Decimal:
        """What a known hour or day cost; one without a charge cost nothing."""
        return self.use.costs.get(at, Decimal(0))

    @property
    def pace(self) -> Decimal:
        """The mean of the newest."""
        return EXACT.divide(add(self.cost(at) for at in self.window), Decimal(len(self.window)))

    @property
    def usual(self) -> Decimal:
        """The mean of those before them, nights and weekends among them."""
        return EXACT.divide(add(self.cost(at) for at in self.history), Decimal(len(self.history)))


def parted(use: S, *, first: int, newest: int) -> Held[S]:
    """Its `newest` hours or days, and the known ones from `first` on before them."""
    window = tuple(range(use.end - newest, use.end))
    return Held(use, window, tuple(sorted(at for at in use.known if first <= at < window[0])))


def rank(values: Iterable[Decimal], share: Decimal) -> Decimal:
    """The value below or at which this share of them lies, by nearest rank; 0 of none."""
    ordered = sorted(values)
    if not ordered:
        return Decimal(0)
    place = (share * len(ordered)).to_integral_value(ROUND_CEILING)
    return ordered[max(int(place), 1) - 1]


def far_above(it: Held[S], level: Decimal, times: Decimal, *, each: str) -> Check:
    """Whether each of the newest cost so many times the level; not measured where there is none. `each`: hour, day."""
    least = min(it.cost(at) for at in it.window)
    measured = EXACT.divide(least, level) if level > 0 else None
    return Check("times_level", f"cost of its cheapest newest {each} ÷ its level", measured, times, "times",
                 at_most=False)  # fmt: skip


def going_on(it: Held[S], beyond: Decimal, *, per_month: Decimal, noticed: Decimal) -> Money:
    """What it costs to let it go on: `beyond` each hour or day, for a month of `per_month` of them; at least what it
    costs until somebody notices, after so many."""
    dearest = max(max((it.cost(at) for at in it.window), default=Decimal(0)) - it.usual, beyond)
    cash = _exact(EXACT.multiply(beyond, per_month))
    return Money(
        list_price=None,
        effective=cash,
        cash=cash,
        low=_exact(min(EXACT.multiply(beyond, noticed), cash)),
        high=_exact(EXACT.multiply(dearest, per_month)),
        confidence=Confidence.LOW,
        annual_cost=_exact(EXACT.multiply(it.usual, per_month * MONTHS_PER_YEAR)),
    )


def _exact(value: Decimal) -> Decimal:
    return EXACT.quantize(value, _PLACES)
