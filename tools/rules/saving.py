"""What stopping a machine saves: only the hours that no commitment covers, at the machine's own effective rate.

A covered hour is paid whether the machine runs or not; counting it would promise money that never arrives
(finance's cash-realisable saving with no reuse of the freed commitment). Disks stay and are not counted.
"""

from dataclasses import dataclass
from decimal import Decimal

from tools.detection.contributions import EXACT

MONTHS_PER_YEAR = 12


@dataclass(frozen=True)
class MachineCost:
    """Compute hours of one machine over the look-back, disks excluded; `span_hours` from its first hour on."""

    hours: Decimal
    uncovered_hours: Decimal
    effective: Decimal
    uncovered_effective: Decimal
    span_hours: Decimal


@dataclass(frozen=True)
class Saving:
    """Per month and year, in the bill's currency, with the parts of the formula."""

    hourly_rate: Decimal
    hours_per_month: Decimal
    per_month: Decimal
    per_year: Decimal
    annual_cost: Decimal


def saving(cost: MachineCost, *, hours_per_month: int) -> Saving | None:
    """The saving of stopping; None without a single metered hour. `annual_cost` is covered hours included."""
    if cost.hours <= 0 or cost.span_hours <= 0:
        return None
    month = Decimal(hours_per_month)
    rate = EXACT.divide(cost.uncovered_effective, cost.uncovered_hours) if cost.uncovered_hours > 0 else Decimal(0)
    share = min(Decimal(1), EXACT.divide(cost.uncovered_hours, cost.span_hours))
    per_month = _money(EXACT.multiply(EXACT.multiply(rate, month), share))
    ran = min(Decimal(1), EXACT.divide(cost.hours, cost.span_hours))
    always = yearly_cost(cost.effective, cost.hours, hours_per_month=hours_per_month)
    annual = _money(EXACT.multiply(always, ran))
    return Saving(_money(rate), _hours(month * share), per_month, per_month * MONTHS_PER_YEAR, annual)


def yearly_cost(effective: Decimal, hours: Decimal, *, hours_per_month: int) -> Decimal:
    """What a machine that ran `hours` for `effective` costs in a year of running all the time."""
    hourly = EXACT.divide(effective, hours)
    return _money(EXACT.multiply(hourly, Decimal(hours_per_month * MONTHS_PER_YEAR)))


def _money(value: Decimal) -> Decimal:
    return EXACT.quantize(value, Decimal("0.000001"))


def _hours(value: Decimal) -> Decimal:
    return EXACT.quantize(value, Decimal("0.01"))
