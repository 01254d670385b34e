"""The numbers of the rules, each with its source; settings may change them, the rules may not."""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import get_args

from approvals.changes.kept import KEPT_NAMES
from approvals.changes.log_retention import Days
from tools.rules.office_hours import OfficeHours, office_hours


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
class OldDiskThresholds:
    """When a gp2 disk is worth changing; prices as shares, so that they hold in any region and currency."""

    gp3_price_percent: Decimal = Decimal(80)  # 0.08 against 0.10 dollars a GB-month
    gp3_iops_percent: Decimal = Decimal("6.25")  # 0.005 dollars an IOPS-month against 0.08
    gp3_throughput_percent: Decimal = Decimal(50)  # 0.040 dollars a MB/s-month against 0.08
    least_per_month: Decimal = Decimal(1)


@dataclass(frozen=True)
class IdleAddressThresholds:
    """How long an address must have been idle."""

    least_days: int = 14


@dataclass(frozen=True)
class NotebookThresholds:
    """When a notebook counts as left on."""

    least_hours_per_day: Decimal = Decimal(23)
    working_hours_per_week: Decimal = Decimal(50)


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
class LogRetentionThresholds:
    """For how long lines are to be kept, and of which log groups they always are."""

    keep_days: int = 365
    stored_percent: Decimal = Decimal(15)
    kept_names: tuple[str, ...] = KEPT_NAMES
    least_per_month: Decimal = Decimal(20)

    def __post_init__(self) -> None:
        """ValueError for a number of days that CloudWatch does not offer: no change could be made of it."""
        if self.keep_days not in get_args(Days):
            raise ValueError(f"keep_days must be one of {', '.join(map(str, get_args(Days)))}")


@dataclass(frozen=True)
class UnusedThroughputThresholds:
    """When a provisioned throughput counts as unused: as an endpoint does."""

    most_invocations: int = 0
    least_metric_hours: int = 30
    least_metric_share_percent: Decimal = Decimal(80)
    freshest_metric_hours: int = 48


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
class CheaperModelThresholds:
    """For which work another model was evaluated, and when a change of model is worth a release."""

    evaluated: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    more_tokens_percent: Decimal = Decimal(5)
    least_percent: Decimal = Decimal(10)
    least_per_month: Decimal = Decimal(50)

    def __post_init__(self) -> None:
        """ValueError for what cannot be read: it would be passed over in silence."""
        self.routes()
        self.gateways()

    def routes(self) -> dict[tuple[str, str], str]:
        """(use case, model), in small letters → the model that does the same work as well."""
        found: dict[tuple[str, str], str] = {}
        for text in self.evaluated:
            use_case, colon, models = text.rpartition(":")
            own, arrow, other = (part.strip() for part in models.partition(">"))
            key = (use_case.strip().casefold(), own.casefold())
            if not (colon and arrow and all(key) and other) or own.casefold() == other.casefold():
                raise ValueError(f"evaluated: '{text}' is not of the form 'USE CASE: MODEL > OTHER MODEL'")
            if key in found:
                raise ValueError(f"evaluated: '{use_case.strip()}: {own}' stands there twice")
            found[key] = other
        return found

    def gateways(self) -> dict[str, tuple[str, str, str]]:
        """Use case, in small letters → (gateway, "team" or "key", its id) through which all of it calls models."""
        found: dict[str, tuple[str, str, str]] = {}
        for text in self.through:
            named = _THROUGH.fullmatch(text)
            if named is None or (named[3] == "key" and not _KEY.fullmatch(named[4])):
                raise ValueError(f"through: '{text}' is not of the form 'USE CASE: GATEWAY team ID' or '... key HASH'")
            use_case = named[1].strip().casefold()
            if use_case in found:
                raise ValueError(f"through: '{named[1].strip()}' stands there twice")
            found[use_case] = (named[2], named[3], named[4])
        return found


_THROUGH = re.compile(r"(.*\S.*):\s*([a-z][a-z0-9-]{0,30})\s+(team|key)\s+([A-Za-z0-9][A-Za-z0-9_.:@-]{0,127})\s*")
_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class BatchWorkThresholds:
    """Which workloads may wait for a day, and when that is worth a release."""

    workloads: tuple[str, ...] = ("evaluation", "backfill", "batch", "batch inference", "embedding backfill")
    least_percent: Decimal = Decimal(10)
    least_per_month: Decimal = Decimal(50)


@dataclass(frozen=True)
class PromptCachingThresholds:
    """Of which work somebody measured how much of the input repeats, and when a change is worth a release."""

    repeated: tuple[str, ...] = ()
    least_percent: Decimal = Decimal(5)
    least_per_month: Decimal = Decimal(50)

    def __post_init__(self) -> None:
        """ValueError for a measurement that cannot be read: it would be passed over in silence."""
        self.uses()

    def uses(self) -> dict[tuple[str, str], tuple[Decimal, int]]:
        """(use case, model), in small letters → % of the new input that repeats, and within how many requests."""
        found: dict[tuple[str, str], tuple[Decimal, int]] = {}
        for text in self.repeated:
            named = _REPEATED.fullmatch(text)
            if named is None or not 0 < Decimal(named[3]) <= 100 or int(named[4]) < 2:
                raise ValueError(f"repeated: '{text}' is not of the form 'USE CASE: MODEL = 60 %, 8 requests'")
            key = (named[1].strip().casefold(), named[2].strip().casefold())
            if key in found:
                raise ValueError(f"repeated: '{named[1].strip()}: {named[2].strip()}' stands there twice")
            found[key] = (Decimal(named[3]), int(named[4]))
        return found


_REPEATED = re.compile(r"(.+):([^:=]+)=\s*([0-9]{1,3}(?:\.[0-9]{1,3})?)\s*%\s*,\s*([0-9]{1,6})\s+requests\s*")


@dataclass(frozen=True)
class GatewayThresholds:
    """When a key of a gateway runs away: its newest hours against its own hours before them. Money in US dollars."""

    window_hours: int = 6
    least_history_hours: int = 168
    freshest_hours: int = 6
    least_per_hour: Decimal = Decimal(1)
    level_percent: Decimal = Decimal("99.5")
    times_level: Decimal = Decimal(3)
    failed_percent: Decimal = Decimal(5)
    times_requests: Decimal = Decimal("1.3")
    least_calls: int = 120
    times_calls: Decimal = Decimal(3)
    headroom_percent: Decimal = Decimal(10)
    noticed_hours: int = 24

    def __post_init__(self) -> None:
        """ValueError for limits by which nothing could be judged."""
        if not 1 <= self.window_hours <= 48:
            raise ValueError("window_hours must be from 1 to 48")
        if self.level_percent > 100:
            raise ValueError("level_percent must be at most 100")


@dataclass(frozen=True)
class ProjectRunawayThresholds:
    """When a project at OpenAI runs away: its newest days against its own days before them. Money in US dollars."""

    organisation: str = "openai"
    window_days: int = 2
    history_days: int = 28
    least_history_days: int = 14
    freshest_days: int = 2
    level_percent: Decimal = Decimal(95)
    times_level: Decimal = Decimal(3)
    least_per_day: Decimal = Decimal(20)
    headroom_percent: Decimal = Decimal(10)
    noticed_days: int = 3

    def __post_init__(self) -> None:
        """ValueError for limits by which nothing could be judged."""
        if not 1 <= self.window_days <= 7:
            raise ValueError("window_days must be from 1 to 7")
        if self.level_percent > 100:
            raise ValueError("level_percent must be at most 100")


@dataclass(frozen=True)
class UnusedKeyThresholds:
    """When an access key counts as unused, and how old the list of keys may be."""

    unused_days: int = 90
    freshest_hours: int = 48


KEEP_TAGS = (
    "keep", "do-not-delete", "retain", "legal-hold", "standby", "dr", "disaster-recovery", "backup", "golden-image",
)  # fmt: skip
"""what a tag's key or value says where somebody wants a thing to stay although nothing uses it"""


@dataclass(frozen=True)
class UnattachedDiskThresholds:
    """When a disk that is attached to nothing may go, and what the snapshot costs that is taken first."""

    least_days: int = 30
    freshest_hours: int = 48
    keep_tags: tuple[str, ...] = KEEP_TAGS
    snapshot_price_percent: Decimal = Decimal("62.5")  # 0.05 dollars a GB-month against 0.08 of gp3
    least_per_month: Decimal = Decimal(5)


@dataclass(frozen=True)
class LongStoppedThresholds:
    """When a stopped machine may go, and what the image costs that is made first."""

    least_days: int = 30
    freshest_hours: int = 48
    keep_tags: tuple[str, ...] = KEEP_TAGS
    snapshot_price_percent: Decimal = Decimal("62.5")  # 0.05 dollars a GB-month against 0.08 of gp3
    least_per_month: Decimal = Decimal(5)


@dataclass(frozen=True)
class OldSnapshotThresholds:
    """When a snapshot may go."""

    least_days: int = 365
    freshest_hours: int = 48
    keep_tags: tuple[str, ...] = KEEP_TAGS
    least_per_month: Decimal = Decimal(5)


@dataclass(frozen=True)
class SavingsThresholds:
    """The limits of all rules; `look_back_days` holds for each of them (AWS's own 14).

    `hours_per_month` turns an hourly rate into a month's, and is stated with it.
    """

    look_back_days: int = 14
    hours_per_month: int = 730  # AWS's own month; stated with every saving
    settle_days: int = 2  # the bill's newest days, which providers still restate: nothing is measured on them
    idle_gpu: IdleGpuThresholds = field(default_factory=IdleGpuThresholds)
    idle_machine: IdleMachineThresholds = field(default_factory=IdleMachineThresholds)
    old_disk: OldDiskThresholds = field(default_factory=OldDiskThresholds)
    idle_address: IdleAddressThresholds = field(default_factory=IdleAddressThresholds)
    rightsize: RightsizeThresholds = field(default_factory=RightsizeThresholds)
    old_generation: OldGenerationThresholds = field(default_factory=OldGenerationThresholds)
    notebook: NotebookThresholds = field(default_factory=NotebookThresholds)
    idle_endpoint: IdleEndpointThresholds = field(default_factory=IdleEndpointThresholds)
    oversized_endpoint: OversizedEndpointThresholds = field(default_factory=OversizedEndpointThresholds)
    endpoint_without_scaling: EndpointScalingThresholds = field(default_factory=EndpointScalingThresholds)
    unused_throughput: UnusedThroughputThresholds = field(default_factory=UnusedThroughputThresholds)
    group_minimum: GroupMinimumThresholds = field(default_factory=GroupMinimumThresholds)
    off_hours: OffHoursThresholds = field(default_factory=OffHoursThresholds)
    cheaper_model: CheaperModelThresholds = field(default_factory=CheaperModelThresholds)
    batch_work: BatchWorkThresholds = field(default_factory=BatchWorkThresholds)
    log_retention: LogRetentionThresholds = field(default_factory=LogRetentionThresholds)
    prompt_caching: PromptCachingThresholds = field(default_factory=PromptCachingThresholds)
    gateway: GatewayThresholds = field(default_factory=GatewayThresholds)
    project_runaway: ProjectRunawayThresholds = field(default_factory=ProjectRunawayThresholds)
    unused_key: UnusedKeyThresholds = field(default_factory=UnusedKeyThresholds)
    unattached_disk: UnattachedDiskThresholds = field(default_factory=UnattachedDiskThresholds)
    long_stopped: LongStoppedThresholds = field(default_factory=LongStoppedThresholds)
    old_snapshot: OldSnapshotThresholds = field(default_factory=OldSnapshotThresholds)
