"""The numbers of the rules, each with its source; settings may change them, the rules may not."""

from dataclasses import dataclass, field

from tools.rules.machine_thresholds import (
    GroupMinimumThresholds,
    IdleGpuThresholds,
    IdleMachineThresholds,
    LongStoppedThresholds,
    OffHoursThresholds,
    OldGenerationThresholds,
    RightsizeThresholds,
    UnusedCapacityThresholds,
)
from tools.rules.model_thresholds import (
    BatchWorkThresholds,
    CheaperModelThresholds,
    GatewayThresholds,
    ProjectRunawayThresholds,
    PromptCachingThresholds,
)
from tools.rules.serving_thresholds import (
    EndpointScalingThresholds,
    EndpointTypeThresholds,
    IdleEndpointThresholds,
    NotebookThresholds,
    OversizedEndpointThresholds,
    UnusedThroughputThresholds,
)
from tools.rules.storage_thresholds import (
    IdleAddressThresholds,
    LogRetentionThresholds,
    OldDiskThresholds,
    OldSnapshotThresholds,
    UnattachedDiskThresholds,
    UnusedKeyThresholds,
)


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
    oversized_endpoint_type: EndpointTypeThresholds = field(default_factory=EndpointTypeThresholds)
    endpoint_without_scaling: EndpointScalingThresholds = field(default_factory=EndpointScalingThresholds)
    unused_throughput: UnusedThroughputThresholds = field(default_factory=UnusedThroughputThresholds)
    group_minimum: GroupMinimumThresholds = field(default_factory=GroupMinimumThresholds)
    unused_capacity: UnusedCapacityThresholds = field(default_factory=UnusedCapacityThresholds)
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
