"""The numbers of the rules, each with its source; settings may change them, the rules may not."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class IdleGpuThresholds:
    """When a G or P instance counts as idle: AWS Compute Optimizer, idle recommendations, EC2 G and P families.

    All five must hold over the whole look-back. Percentages are 0..100; network is megabytes (10^6 bytes) a day.
    """

    look_back_days: int = 14
    gpu_active_percent: Decimal = Decimal(1)  # "not actively working" for more than 99 % of the look-back
    encoder_active_percent: Decimal = Decimal(1)  # encoder unused for at least 99 % of the run time
    gpu_memory_percent: Decimal = Decimal(5)  # the highest seen
    cpu_percent: Decimal = Decimal(5)  # the highest seen
    network_mb_per_day: Decimal = Decimal(5)  # on every day
    families: tuple[str, ...] = ("g", "gr", "p")
    least_metric_hours: int = 30  # AWS: at least 30 hours of metrics in 14 days
    least_metric_share_percent: Decimal = Decimal(80)  # of the billed hours; stricter than AWS
    freshest_metric_hours: int = 48  # AWS's last day and one day of delivery; older no longer describes the machine
    hours_per_month: int = 730  # AWS's own month; stated with every saving
    source: str = "AWS Compute Optimizer, idle G and P instances"
