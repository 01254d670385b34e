"""Looks at one EBS snapshot before it is deleted for good: that nothing is made of it and nobody else needs it."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from approvals.changes.kept import held_by_tag
from approvals.inspectors.aws import ask, code_of, fingerprints, listed, tags_of
from approvals.inspectors.ec2 import Ec2Inspector, managed_by, the_one
from approvals.inspectors.port import CannotLook

GONE = "InvalidSnapshot.NotFound"
EXPIRED, NONE = "expired", "none"
PLANNED = "dlm:"
"""Tags with this beginning are set by a plan of Data Lifecycle Manager, which deletes what it made."""


class SnapshotInspector(Ec2Inspector):
    """A snapshot; one of an image, a plan, a lock, or that others may read, is not deleted."""

    what = "snapshot"

    def described(self, client: Any, change: Any) -> dict[str, Any] | None:
        """As EC2 describes it; one that another account shares is none of ours."""
        found = the_one(client.describe_snapshots, "Snapshots", "SnapshotId", change.snapshot_id, GONE)
        return found if found is not None and found.get("OwnerId") == change.account else None

    def fields(self, client: Any, found: dict[str, Any], owner: str) -> dict[str, Any]:
        """What must not change."""
        which = found["SnapshotId"]
        return {
            "account": owner,
            "snapshot_id": which,
            "state": str(found["State"]),
            "volume_id": str(found["VolumeId"]),
            "size_gib": int(found["VolumeSize"]),
            "started_at": found["StartTime"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tier": str(found.get("StorageTier") or "standard"),
            "images": _images(client, which),
            "shared_with": _shared_with(client, which),
            "lock": _lock(client, which),
            "tags": fingerprints(tags_of(found)),
        }

    def unfit(self, change: Any, fields: dict[str, Any], tags: dict[str, str]) -> tuple[str, str] | None:
        """Not complete, of an image, shared, locked, or kept by a plan or by somebody's tag."""
        which = change.snapshot_id
        if fields["state"] != "completed":
            return "wrong_state", f"{which} is {fields['state']}, and only one that is completed is deleted"
        if fields["images"]:
            told = f"{which} is what {', '.join(fields['images'])} is made of: deregister the image first"
            return "in_use", told
        if fields["shared_with"]:
            told = ", ".join(fields["shared_with"])
            return "shared", f"{which} may be read by others ({told}): end that first, and they will tell"
        if fields["lock"] not in (NONE, EXPIRED):
            return "locked", f"{which} is locked ({fields['lock']}), so AWS refuses to delete it"
        planned = sorted(key for key in tags if key.startswith(PLANNED))
        if planned:
            return "managed", f"{which} belongs to a plan that deletes it itself, as its tag {planned[0]} says"
        held = held_by_tag(tags)
        if held is not None:
            return "held", f"{which} must be kept, as its tag {held} says"
        return managed_by(which, tags)

    def request(self, client: Any, change: Any) -> tuple[Callable[..., Any], dict[str, Any]]:
        """The deletion."""
        return client.delete_snapshot, {"SnapshotId": change.snapshot_id}

    def radius(self, fields: dict[str, Any]) -> str:
        """What it is of, and from when."""
        return f" ({fields['size_gib']} GiB of {fields['volume_id']}, made on {fields['started_at']})"


def _images(client: Any, snapshot_id: str) -> list[str]:
    """The images that are made of it; those that are disabled too, since one may be enabled again."""
    wanted = [{"Name": "block-device-mapping.snapshot-id", "Values": [snapshot_id]}]
    asked = {"Owners": ["self"], "Filters": wanted, "IncludeDisabled": True, "IncludeDeprecated": True}
    found = _told(client.describe_images, "Images", **asked)
    return sorted(str(one["ImageId"]) for one in found)


def _shared_with(client: Any, snapshot_id: str) -> list[str]:
    """The accounts that may make disks of it; `all` where everybody may."""
    asked = {"SnapshotId": snapshot_id, "Attribute": "createVolumePermission"}
    found = _told(client.describe_snapshot_attribute, "CreateVolumePermissions", **asked)
    return sorted(str(one.get("UserId") or one.get("Group")) for one in found)


def _lock(client: Any, snapshot_id: str) -> str:
    found = _told(client.describe_locked_snapshots, "Snapshots", SnapshotIds=[snapshot_id])
    return str(found[0].get("LockState", "unknown")) if found else NONE


def _told(call: Callable[..., Any], key: str, **asked: Any) -> list[dict[str, Any]]:
    try:
        return listed(ask(call, **asked), key)
    except ClientError as error:
        raise CannotLook(code_of(error)) from error
