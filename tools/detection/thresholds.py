"""What is worth telling: numbers of the anomaly rule that settings may change."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class AnomalyThresholds:
    """An event is told if it cost at least `least_excess` or `least_share_percent` of the last thirty days, whichever
    is more, and at least `least_percent` beyond what was expected."""

    least_excess: Decimal = Decimal(100)
    least_share_percent: Decimal = Decimal("0.1")
    least_percent: Decimal = Decimal(10)
    news_days: int = 60  # a lasting event that began longer before the period is no news in it,
    leak_news_days: int = 120  # except one that goes on growing
