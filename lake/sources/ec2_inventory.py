"""What stands in one account and region of EC2: machines, disks, and the account's own snapshots and images.

Only listed: nothing is changed, and neither user data nor any console output is asked for.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from lake.inventory import AttachedDisk, Inventory, ListedDisk, ListedImage, ListedMachine, ListedSnapshot
from lake.sources.aws_client import told

GONE = frozenset({"terminated", "shutting-down"})
_STOPPED = re.compile(r"\((\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}) (?:GMT|UTC)\)$")
"""how EC2 ends the reason of a stop that somebody asked for: `User initiated (2026-01-02 03:04:05 GMT)`"""


def listed(client: Any, *, account: str, region: str, now: datetime) -> Inventory:
    """All of it; LakeError where EC2 does not tell everything, since half a list would look like a whole."""
    with told("The machines, disks, snapshots and images could not be listed."):
        return Inventory(
            account=account,
            region=region,
            loaded_at=now,
            machines=tuple(_machines(client)),
            disks=tuple(_disk(one) for one in _all(client, "describe_volumes", "Volumes")),
            snapshots=tuple(_snapshot(one) for one in _all(client, "describe_snapshots", "Snapshots", **_OURS[0])),
            images=tuple(_image(one) for one in _all(client, "describe_images", "Images", **_OURS[1])),
        )


_OURS: tuple[dict[str, Any], dict[str, Any]] = (
    {"OwnerIds": ["self"]},
    # an image that is deprecated or disabled still needs its snapshots
    {"Owners": ["self"], "IncludeDeprecated": True, "IncludeDisabled": True},
)


def stopped_at(reason: str) -> datetime | None:
    """When a machine was stopped, by EC2's `StateTransitionReason`; None for a reason that tells no time."""
    found = _STOPPED.search(reason)
    if found is None:
        return None
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2]}").replace(tzinfo=UTC)
    except ValueError:
        return None


def _all(client: Any, operation: str, name: str, **wanted: Any) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(operation).paginate(**wanted):
        yield from page.get(name, ())


def _machines(client: Any) -> Iterator[ListedMachine]:
    for reservation in _all(client, "describe_instances", "Reservations"):
        for one in reservation["Instances"]:
            if one["State"]["Name"] not in GONE:
                yield _machine(client, one)


def _machine(client: Any, one: dict[str, Any]) -> ListedMachine:
    name, state = str(one["InstanceId"]), str(one["State"]["Name"])
    stopped = state == "stopped"
    disks = [block["Ebs"] for block in one.get("BlockDeviceMappings", ()) if "Ebs" in block]
    return ListedMachine(
        instance_id=name,
        state=state,
        instance_type=str(one.get("InstanceType", "")),
        stopped_at=stopped_at(str(one.get("StateTransitionReason", ""))) if stopped else None,
        root=str(one.get("RootDeviceType", "")),
        lifecycle=str(one.get("InstanceLifecycle", "")),
        protected=_protected(client, name) if stopped else None,
        product_codes=tuple(str(code["ProductCodeId"]) for code in one.get("ProductCodes", ())),
        disks=tuple(AttachedDisk(str(disk["VolumeId"]), bool(disk.get("DeleteOnTermination"))) for disk in disks),
        tags=_tags(one),
    )


def _protected(client: Any, name: str) -> bool:
    """Whether EC2 would refuse to terminate it; no list tells that."""
    told_of = client.describe_instance_attribute(InstanceId=name, Attribute="disableApiTermination")
    return bool(told_of["DisableApiTermination"]["Value"])


def _disk(one: dict[str, Any]) -> ListedDisk:
    return ListedDisk(
        volume_id=str(one["VolumeId"]), size_gib=int(one["Size"]), type=str(one.get("VolumeType", "")),
        state=str(one["State"]), created_at=one["CreateTime"], tags=_tags(one),
    )  # fmt: skip


def _snapshot(one: dict[str, Any]) -> ListedSnapshot:
    return ListedSnapshot(
        snapshot_id=str(one["SnapshotId"]), volume_id=str(one.get("VolumeId", "")), size_gib=int(one["VolumeSize"]),
        state=str(one["State"]), started_at=one["StartTime"], tags=_tags(one),
    )  # fmt: skip


def _image(one: dict[str, Any]) -> ListedImage:
    disks = [block["Ebs"] for block in one.get("BlockDeviceMappings", ()) if "Ebs" in block]
    return ListedImage(str(one["ImageId"]), tuple(str(disk["SnapshotId"]) for disk in disks if disk.get("SnapshotId")))


def _tags(one: dict[str, Any]) -> dict[str, str]:
    return {str(tag["Key"]): str(tag["Value"]) for tag in one.get("Tags", ())}
