"""Whether an image of a machine is there, and whole: a completed snapshot of each of its disks.

A name is one image's alone within an account and a region; what other accounts have under it is not looked at.
"""

from typing import Any

from botocore.exceptions import ClientError

from approvals.changes.terminate import IMAGE_OF, TerminateInstance
from approvals.inspectors.aws import ask, code_of, listed, tags_of
from approvals.inspectors.port import CannotLook

NONE, OTHER, INCOMPLETE, PENDING, AVAILABLE = "none", "of something else", "incomplete", "pending", "available"


def image_seen(client: Any, change: TerminateInstance) -> str:
    """`available` only for an image of this very machine with a completed snapshot of each disk of the change; else
    `none`, `of something else`, `incomplete`, or the state that AWS tells."""
    found = [one for one in _answered(client, change) if one.get("Name") == change.image_name]
    if not found:
        return NONE
    if len(found) > 1 or found[0].get("OwnerId") != change.account:
        raise CannotLook(f"asked for {change.image_name}, the answer is about {len(found)} images or another account's")
    (image,) = found
    if tags_of(image).get(IMAGE_OF, image.get("SourceInstanceId")) != change.instance_id:
        return OTHER
    state = str(image["State"])
    return _whole(client, image, change) if state == AVAILABLE else state


def _answered(client: Any, change: TerminateInstance) -> list[dict[str, Any]]:
    wanted = [{"Name": "name", "Values": [change.image_name]}]
    try:
        return listed(ask(client.describe_images, Owners=["self"], Filters=wanted), "Images")
    except ClientError as error:
        raise CannotLook(code_of(error)) from error


def _whole(client: Any, image: dict[str, Any], change: TerminateInstance) -> str:
    """By the snapshots themselves: an image may stand as available over one that somebody has deleted since."""
    mappings = [one["Ebs"] for one in image.get("BlockDeviceMappings", []) if "Ebs" in one]
    named = sorted(str(one["SnapshotId"]) for one in mappings if one.get("SnapshotId"))
    if not named or not change.disks:
        return INCOMPLETE
    try:
        wanted = [{"Name": "snapshot-id", "Values": named}]
        found = listed(ask(client.describe_snapshots, OwnerIds=["self"], Filters=wanted), "Snapshots")
    except ClientError as error:
        raise CannotLook(code_of(error)) from error
    held = [(str(one["VolumeId"]), str(one["State"])) for one in found if str(one["SnapshotId"]) in named]
    states = {state for disk, state in held if disk in change.disks}
    states |= {"missing"} if set(change.disks) - {disk for disk, _ in held} else set()
    if states == {"completed"}:
        return AVAILABLE
    return PENDING if states <= {"completed", "pending"} else INCOMPLETE
