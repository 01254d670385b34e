"""Looks at one EBS volume before it is deleted for good: unattached, of nobody's stack, and what it was made from."""

from collections.abc import Callable
from typing import Any

from approvals.inspectors.aws import fingerprints, tags_of
from approvals.inspectors.ec2 import Ec2Inspector, managed_by, the_one


class OnVolume(Ec2Inspector):
    """What every look at a volume shares."""

    what = "volume"

    def described(self, client: Any, change: Any) -> dict[str, Any] | None:
        """As EC2 describes it."""
        return the_one(client.describe_volumes, "Volumes", "VolumeId", change.volume_id, "InvalidVolume.NotFound")

    def fields(self, _client: Any, found: dict[str, Any], owner: str) -> dict[str, Any]:
        """What must not change, whatever is to happen to it."""
        return {
            "account": owner,
            "volume_id": found["VolumeId"],
            "state": found["State"],
            "attached_to": sorted(str(one.get("InstanceId")) for one in found.get("Attachments", [])),
            "size_gib": int(found["Size"]),
            "type": found.get("VolumeType", "unknown"),
            "created_at": found["CreateTime"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tags": fingerprints(tags_of(found)),
        }


class VolumeInspector(OnVolume):
    """Before a deletion: also what it was made from and how it is encrypted."""

    def fields(self, client: Any, found: dict[str, Any], owner: str) -> dict[str, Any]:
        """What must not change."""
        return super().fields(client, found, owner) | {
            "snapshot": found.get("SnapshotId") or "none",
            "encrypted": bool(found.get("Encrypted", False)),
            "key": found.get("KmsKeyId") or "none",
        }

    def unfit(self, change: Any, fields: dict[str, Any], tags: dict[str, str]) -> tuple[str, str] | None:
        """Attached, busy, of somebody's stack, or locked with a key that AWS does not tell."""
        which = change.volume_id
        if fields["attached_to"]:
            told = f"{which} is attached to {', '.join(fields['attached_to'])}; only an unattached one may go"
            return "attached", told
        if fields["state"] != "available":
            return "wrong_state", f"{which} is {fields['state']}, and only one that is available can be deleted"
        if managed := managed_by(which, tags):
            return managed
        if fields["encrypted"] and fields["key"] == "none":
            return "unknown_key", f"{which} is encrypted and AWS does not tell with which key"
        return None

    def request(self, client: Any, change: Any) -> tuple[Callable[..., Any], dict[str, Any]]:
        """The deletion."""
        return client.delete_volume, {"VolumeId": change.volume_id}

    def radius(self, fields: dict[str, Any]) -> str:
        """Its size and what it was made from."""
        kept = f"made from {fields['snapshot']}" if fields["snapshot"] != "none" else "made from no snapshot"
        return f" ({fields['size_gib']} GiB {fields['type']}, {kept})"
