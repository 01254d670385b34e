"""What each change would set in Terraform's configuration: the resource types of its AWS provider, and their arguments.

Source: the documentation of the provider hashicorp/aws, arguments and attributes of each resource.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from approvals.changes.address import ReleaseAddress
from approvals.changes.endpoint import DeleteEndpoint
from approvals.changes.log_retention import SetLogRetention
from approvals.changes.resize import ResizeInstance
from approvals.changes.scaling_group import SetGroupMinimum
from approvals.changes.snapshot import DeleteSnapshot
from approvals.changes.terminate import TerminateInstance
from approvals.changes.terraform import USUAL_SPEED
from approvals.changes.throughput import DeleteThroughput
from approvals.changes.volume import DeleteVolume
from approvals.changes.volume_type import ChangeVolumeType
from approvals.inspectors.log_group import NEVER


@dataclass(frozen=True)
class Argument:
    """One argument and its values; `before` is None where what stands there now is not known beforehand."""

    name: str
    before: str | int | None
    after: str | int


@dataclass(frozen=True)
class Wanted:
    """A resource of this type with this id, and what is to be set in it; nothing to set means that it is to go."""

    type: str
    id: str
    sets: tuple[Argument, ...] = ()


def wanted(change: Any, fields: Mapping[str, Any] | None = None) -> Wanted:
    """What the change is in Terraform's words; with the `fields` of its resource, what stands there now too where the
    change does not say it. Raises TypeError for one that Terraform does not own."""
    match change:
        case ResizeInstance():
            set_type = Argument("instance_type", change.from_type, change.to_type)
            return Wanted("aws_instance", change.instance_id, (set_type,))
        case ChangeVolumeType():
            return Wanted("aws_ebs_volume", change.volume_id, _disk(change))
        case SetLogRetention():
            return Wanted("aws_cloudwatch_log_group", change.log_group,
                          (Argument("retention_in_days", _days_kept(fields or {}), change.days),))  # fmt: skip
        case SetGroupMinimum():
            return Wanted("aws_autoscaling_group", change.group,
                          (Argument("min_size", change.before, change.after),))  # fmt: skip
        case TerminateInstance():
            return Wanted("aws_instance", change.instance_id)
        case DeleteSnapshot():
            return Wanted("aws_ebs_snapshot", change.snapshot_id)
        case DeleteVolume():
            return Wanted("aws_ebs_volume", change.volume_id)
        case ReleaseAddress():
            return Wanted("aws_eip", change.allocation_id)
        case DeleteEndpoint():
            return Wanted("aws_sagemaker_endpoint", change.endpoint)
        case DeleteThroughput():
            return Wanted("aws_bedrock_provisioned_model_throughput", change.throughput)
    raise TypeError(f"{type(change).__name__} is nothing that Terraform owns")


def _days_kept(fields: Mapping[str, Any]) -> int | None:
    """As the provider writes it: 0 is for ever."""
    kept = fields.get("retention_days")
    return None if kept is None else 0 if kept == NEVER else int(kept)


def _disk(change: ChangeVolumeType) -> tuple[Argument, ...]:
    """Its type, and the speed where that is another than every gp3 has."""
    sets = [Argument("type", change.from_type, change.to_type)]
    if change.to_type == "gp3":
        speed = (("iops", change.iops), ("throughput", change.throughput))
        sets += [
            Argument(name, None, value)
            for (name, value), usual in zip(speed, USUAL_SPEED, strict=True)
            if value != usual
        ]
    return tuple(sets)
