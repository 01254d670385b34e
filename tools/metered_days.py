"""Costs of days as one meter of a resource, for what is told by its days and not by a price and a quantity."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from lake.metered import Meter, MonthOfMeter
from lake.money import add
from lake.period import Period


def meter_of_days(name: str, by_day: Mapping[int, Decimal], period: Period, *, unit: str) -> Meter:
    """A meter that counts money in the currency `unit`; `by_day` holds the days that cost anything."""
    days = list(by_day.values()) or [Decimal(0)]
    spent, last = add(days), period.end - timedelta(days=1)
    return Meter(
        name=name, unit=unit, months=(MonthOfMeter(last.replace(day=1), spent, len(days)),), list_cost=None,
        effective=spent, uncovered=spent, least_day=min(days), most_day=max(days), least_quantity=min(days),
        most_quantity=max(days), first_day=period.start, last_day=last,
    )  # fmt: skip
