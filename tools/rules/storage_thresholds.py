"""The numbers of the rules about disks, snapshots, addresses, logs and keys, each with its source."""

from dataclasses import dataclass
from decimal import Decimal
from typing import get_args

from approvals.changes.kept import KEPT_NAMES
from approvals.changes.log_retention import Days


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
class OldSnapshotThresholds:
    """When a snapshot may go."""

    least_days: int = 365
    freshest_hours: int = 48
    keep_tags: tuple[str, ...] = KEEP_TAGS
    least_per_month: Decimal = Decimal(5)
