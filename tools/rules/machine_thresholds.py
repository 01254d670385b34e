"""The numbers of the rules about machines, each with its source."""

from dataclasses import dataclass
from decimal import Decimal

from tools.rules.office_hours import OfficeHours, office_hours
from tools.rules.storage_thresholds import KEEP_TAGS


@dataclass(frozen=True)
class IdleGpuThresholds:
    """When a G or P instance counts as idle: AWS Compute Optimizer, idle recommendations, EC2 G and P families.

    All five must hold over the whole look-back. Percentages are 0..100; network is megabytes (10^6 bytes) a day.
    """

    gpu_active_percent: Decimal = Decimal(1)  # "not actively working" for more than 99 % of the look-back
    encoder_active_percent: Decimal = Decimal(1)  # encoder unused for at least 99 % of the run time
    gpu_memory_percent: Decimal = Decimal(5)  # the highest seen
    cpu_percent: Decimal = Decimal(5)  # the highest seen
    network_mb_per_day: Decimal = Decimal(5)  # on every day
    families: tuple[str, ...] = ("g", "gr", "p")
    least_metric_hours: int = 30  # AWS: at least 30 hours of metrics in 14 days
    least_metric_share_percent: Decimal = Decimal(80)  # of the billed hours; stricter than AWS
    freshest_metric_hours: int = 48  # AWS's last day and one day of delivery; older no longer describes the machine
    source: str = "AWS Compute Optimizer, idle G and P instances"


@dataclass(frozen=True)
class OldGenerationThresholds:
    """When a newer type is worth a restart."""

    least_per_month: Decimal = Decimal(10)
    least_percent: Decimal = Decimal(5)


@dataclass(frozen=True)
class RightsizeThresholds:
    """When a smaller size holds a machine's load. OptScale: what is at least as high in 1 % of the hours, projected on
    the smaller size, is at most 80 %."""

    percentile: Decimal = Decimal(99)
    most_percent: Decimal = Decimal(80)
    least_metric_hours: int = 30
    least_metric_share_percent: Decimal = Decimal(80)
    freshest_metric_hours: int = 48
    least_per_month: Decimal = Decimal(20)
    least_percent: Decimal = Decimal(20)

    def __post_init__(self) -> None:
        """ValueError for a percentile that is none, and for a load that nothing could hold."""
        if not 50 <= self.percentile <= 100:
            raise ValueError("percentile must be at least 50 and at most 100")
        if not 0 < self.most_percent <= 100:
            raise ValueError("most_percent must be above 0 and at most 100")


@dataclass(frozen=True)
class IdleMachineThresholds:
    """When a machine without GPUs counts as idle: AWS Compute Optimizer, idle EC2 instances. Both must hold."""

    cpu_percent: Decimal = Decimal(5)
    network_mb_per_day: Decimal = Decimal(5)
    least_metric_hours: int = 30
    least_metric_share_percent: Decimal = Decimal(80)
    freshest_metric_hours: int = 48
    accelerator_families: tuple[str, ...] = ("dl", "f", "inf", "trn", "vt")  # beside the GPU families: never judged


@dataclass(frozen=True)
class GroupMinimumThresholds:
    """When a scaling group's minimum counts as too high."""

    target_cpu_percent: Decimal = Decimal(50)
    needed_in_percent: Decimal = Decimal(95)
    spare_machines: int = 1
    least_machines: int = 2
    least_metric_hours: int = 30
    least_metric_share_percent: Decimal = Decimal(80)
    freshest_metric_hours: int = 48
    most_apart_percent: Decimal = Decimal(10)
    least_per_month: Decimal = Decimal(20)

    def __post_init__(self) -> None:
        """ValueError for a CPU at which nothing could run, and for a share of hours that is none."""
        if not 0 < self.target_cpu_percent <= 100:
            raise ValueError("target_cpu_percent must be above 0 and at most 100")
        if not 0 < self.needed_in_percent <= 100:
            raise ValueError("needed_in_percent must be above 0 and at most 100")


@dataclass(frozen=True)
class OffHoursThresholds:
    """When a machine for development is wanted, and when it counts as unused."""

    working_hours: str = "07:00-20:00"
    working_days: tuple[str, ...] = ("mon", "tue", "wed", "thu", "fri")
    time_zone: str = "UTC"
    cpu_percent: Decimal = Decimal(5)
    network_mb_per_hour: Decimal = Decimal("3.6")
    gpu_active_percent: Decimal = Decimal(1)
    most_busy_hours: int = 0
    least_hours_per_day: Decimal = Decimal(23)
    scheduler_role: str = ""
    schedule_days: int = 92
    opt_out_tags: tuple[str, ...] = ("always-on", "no-off-hours", "standby")
    least_metric_hours: int = 30
    least_metric_share_percent: Decimal = Decimal(80)
    freshest_metric_hours: int = 48
    least_per_month: Decimal = Decimal(10)

    def __post_init__(self) -> None:
        """ValueError for hours, days or a zone that are none."""
        self.office()

    def office(self) -> OfficeHours:
        """The working hours as they are reckoned with."""
        return office_hours(self.working_hours, self.working_days, self.time_zone)


@dataclass(frozen=True)
class UnusedCapacityThresholds:
    """When a capacity reservation in which nothing ran counts as waste."""

    least_days: int = 7
    least_per_month: Decimal = Decimal(20)


@dataclass(frozen=True)
class LongStoppedThresholds:
    """When a stopped machine may go, and what the image costs that is made first."""

    least_days: int = 30
    freshest_hours: int = 48
    keep_tags: tuple[str, ...] = KEEP_TAGS
    snapshot_price_percent: Decimal = Decimal("62.5")  # 0.05 dollars a GB-month against 0.08 of gp3
    least_per_month: Decimal = Decimal(5)
