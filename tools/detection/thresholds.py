"""What is worth telling: numbers of the anomaly rule that settings may change."""

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True)
class HourThresholds:
    """A burst of hours is told once it cost, by estimate, at least `least_excess` and at least `least_percent` beyond
    what was expected; of the last `news_hours`."""

    least_excess: Decimal = Decimal(25)
    least_percent: Decimal = Decimal(50)
    news_hours: int = 72


@dataclass(frozen=True)
class AnomalyThresholds:
    """An event is told if it cost at least `least_excess` or `least_share_percent` of the last thirty days, whichever
    is more, and at least `least_percent` beyond what was expected."""

    least_excess: Decimal = Decimal(100)
    least_share_percent: Decimal = Decimal("0.1")
    least_percent: Decimal = Decimal(10)
    news_days: int = 60  # a lasting event that began longer before the period is no news in it,
    leak_news_days: int = 120  # except one that goes on growing
    hours: HourThresholds = field(default_factory=HourThresholds)
