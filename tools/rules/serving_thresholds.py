"""The numbers of the rules about what SageMaker and Bedrock serve models with, each with its source."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class NotebookThresholds:
    """When a notebook counts as left on."""

    least_hours_per_day: Decimal = Decimal(23)
    working_hours_per_week: Decimal = Decimal(50)


@dataclass(frozen=True)
class IdleEndpointThresholds:
    """When an endpoint counts as idle: AWS Compute Optimizer, no invocation in 14 days."""

    most_invocations: int = 0
    least_metric_hours: int = 30
    least_metric_share_percent: Decimal = Decimal(80)
    freshest_metric_hours: int = 48


@dataclass(frozen=True)
class OversizedEndpointThresholds:
    """When an endpoint runs more machines than its load needs."""

    target_percent: Decimal = Decimal(80)
    needed_in_percent: Decimal = Decimal(99)
    least_machines: int = 2
    minimum_tag: str = "min-instances"
    most_apart_percent: Decimal = Decimal(1)
    least_metric_hours: int = 30
    least_metric_share_percent: Decimal = Decimal(80)
    freshest_metric_hours: int = 48
    least_per_month: Decimal = Decimal(20)

    def __post_init__(self) -> None:
        """ValueError for a use at which nothing could run, a share of hours that is none, and no machine at all."""
        if not 0 < self.target_percent <= 100:
            raise ValueError("target_percent must be above 0 and at most 100")
        if not 0 < self.needed_in_percent <= 100:
            raise ValueError("needed_in_percent must be above 0 and at most 100")
        if self.least_machines < 1:
            raise ValueError("least_machines must be at least 1: without a machine an endpoint answers nobody")


@dataclass(frozen=True)
class EndpointTypeThresholds:
    """When a smaller size holds the load of an endpoint's machines: as of other machines."""

    percentile: Decimal = Decimal(99)
    most_percent: Decimal = Decimal(80)
    least_metric_hours: int = 30
    least_metric_share_percent: Decimal = Decimal(80)
    freshest_metric_hours: int = 48
    least_per_month: Decimal = Decimal(20)
    least_percent: Decimal = Decimal(20)

    def __post_init__(self) -> None:
        """ValueError for a percentile that is none, and for a load that nothing could hold."""
        if not 50 <= self.percentile <= 100 or not 0 < self.most_percent <= 100:
            raise ValueError("percentile must be from 50 to 100, and most_percent above 0 and at most 100")


@dataclass(frozen=True)
class EndpointScalingThresholds:
    """When an endpoint's number of machines should follow its calls."""

    quiet_percent: Decimal = Decimal(5)
    busy_percent: Decimal = Decimal(95)
    most_quiet_share_percent: Decimal = Decimal(40)
    target_percent: Decimal = Decimal(50)
    loaded_percent: Decimal = Decimal(50)
    most_percent: Decimal = Decimal(80)
    needed_in_percent: Decimal = Decimal(99)
    least_metric_hours: int = 30
    least_metric_share_percent: Decimal = Decimal(80)
    freshest_metric_hours: int = 48
    least_per_month: Decimal = Decimal(20)

    def __post_init__(self) -> None:
        """ValueError for a use at which nothing could run, and for shares of hours that are none."""
        if not 0 < self.target_percent <= self.most_percent <= 100:
            raise ValueError("target_percent must be above 0 and at most most_percent, and that at most 100")
        if not 0 < self.quiet_percent < self.busy_percent <= 100 or not 0 < self.needed_in_percent <= 100:
            raise ValueError("quiet_percent must be below busy_percent, and shares of hours above 0 and at most 100")


@dataclass(frozen=True)
class UnusedThroughputThresholds:
    """When a provisioned throughput counts as unused: as an endpoint does."""

    most_invocations: int = 0
    least_metric_hours: int = 30
    least_metric_share_percent: Decimal = Decimal(80)
    freshest_metric_hours: int = 48
