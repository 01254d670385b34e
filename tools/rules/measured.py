"""Whether enough of a machine was measured to call it idle: most of its billed hours, and lately.

Hours that nobody measured may be the busy ones, and metrics that ended some days ago no longer describe the machine.
"""

from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Protocol


class Coverage(Protocol):
    """The limits: hours with metrics at least, their share of the billed hours at least, age of the last at most."""

    @property
    def least_metric_hours(self) -> int: ...
    @property
    def least_metric_share_percent(self) -> Decimal: ...
    @property
    def freshest_metric_hours(self) -> int: ...


def least_hours(billed: Decimal, limits: Coverage) -> Decimal:
    """How many hours with metrics are needed for so many billed hours: not only the provider's own least."""
    share = billed * limits.least_metric_share_percent / 100
    return max(Decimal(limits.least_metric_hours), share.to_integral_value(ROUND_FLOOR))


def missing_metrics(
    hours: int, last: datetime | None, *, billed: Decimal, limits: Coverage, now: datetime
) -> tuple[str, ...]:
    """What is missing for a verdict, in words; nothing if `hours` with metrics, the last of them at `last`, will do."""
    least = least_hours(billed, limits)
    if hours < least:
        return (f"metrics of at least {least} hours (there are {hours})",)
    if last is None or now - last > timedelta(hours=limits.freshest_metric_hours):
        seen = last.strftime("%Y-%m-%d %H:%M UTC") if last else "unknown"
        return (f"a metric of the last {limits.freshest_metric_hours} hours (the last one: {seen})",)
    return ()
