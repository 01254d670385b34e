"""What following a rule saves a month: at list price, at what is paid, and in cash, with an interval.

Three numbers, since they answer three questions. List is what brochures count. Effective is what the resource cost
after discounts. Cash is what the next invoice lacks: a part that a commitment covers is paid all the same, so it counts
nothing unless something else takes the freed commitment over. People decide on cash.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from lake.metered import Meter
from tools.detection.contributions import EXACT, add
from tools.rules.saving import MONTHS_PER_YEAR

HOURS_PER_DAY = 24
_PLACES = Decimal("0.000001")


class Confidence(StrEnum):
    """How sure the figure is: of what it rests on, in words."""

    HIGH = "high"  # every day billed alike, at a price that the bill itself tells
    MEDIUM = "medium"  # the days differ, or a price comes from a table and not from the bill
    LOW = "low"  # part of it is covered by a commitment, whose reuse nobody knows


@dataclass(frozen=True)
class Money:
    """A month's saving in the bill's currency; `list_price` is None where the bill lacks it.

    `low` to `high` holds the cash saving; the year is twelve months.
    """

    list_price: Decimal | None
    effective: Decimal
    cash: Decimal
    low: Decimal
    high: Decimal
    confidence: Confidence
    annual_cost: Decimal

    @property
    def per_year(self) -> Decimal:
        return self.cash * MONTHS_PER_YEAR


def money(
    meters: tuple[Meter, ...],
    *,
    days: int,
    share: Decimal,
    hours_per_month: int,
    less: Decimal = Decimal(0),
    priced_by_bill: bool = True,
) -> Money:
    """The saving when `share` (0 to 1) of these meters' cost goes and `less` a month is paid for its replacement.

    `days` are those of the look-back on which the resource could have been billed. Low assumes the cheapest day and
    that no freed commitment finds another use, high the dearest day and that all of it does.
    """
    month = EXACT.divide(Decimal(hours_per_month), Decimal(HOURS_PER_DAY))
    per_day = EXACT.divide(EXACT.multiply(month, share), Decimal(days))

    def a_month(cost: Decimal) -> Decimal:
        return _exact(max(EXACT.multiply(cost, per_day) - less, Decimal(0)))

    effective, uncovered = _sum(meters, "effective"), _sum(meters, "uncovered")
    bare = EXACT.divide(uncovered, effective) if effective > 0 else Decimal(0)
    least, most = (EXACT.multiply(_sum(meters, name), Decimal(days)) for name in ("least_day", "most_day"))
    cash = a_month(uncovered)
    listed = [meter.list_cost for meter in meters if meter.list_cost is not None]
    return Money(
        list_price=a_month(add(listed)) if len(listed) == len(meters) else None,
        effective=a_month(effective),
        cash=cash,
        low=min(cash, a_month(EXACT.multiply(least, bare))),
        high=max(cash, a_month(most)),
        confidence=_confidence(meters, bare=bare, days=days, priced_by_bill=priced_by_bill),
        annual_cost=_exact(EXACT.divide(EXACT.multiply(effective * MONTHS_PER_YEAR, month), Decimal(days))),
    )


def _confidence(meters: tuple[Meter, ...], *, bare: Decimal, days: int, priced_by_bill: bool) -> Confidence:
    if bare < 1:
        return Confidence.LOW
    alike = all(meter.days == days and meter.least_day * 10 >= meter.most_day * 9 for meter in meters)
    return Confidence.HIGH if alike and priced_by_bill else Confidence.MEDIUM


def _sum(meters: tuple[Meter, ...], name: str) -> Decimal:
    return add(getattr(meter, name) for meter in meters)


def _exact(value: Decimal) -> Decimal:
    return EXACT.quantize(value, _PLACES)
