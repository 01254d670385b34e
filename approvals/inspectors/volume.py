"""Looks at one EBS volume before it is deleted for good: unattached, of nobody's stack, and what it was made from."""

from typing import Any

from botocore.exceptions import ClientError

from approvals.changes.volume import DeleteVolume
from approvals.changes.volume_type import ChangeVolumeType
from approvals.inspectors.aws import (
    account_seen,
    ask,
    code_of,
    dry_run,
    environment_of,
    fingerprints,
    listed,
    name_of,
    tags_of,
    team_of,
)
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from approvals.inspectors.trail import Trail

GONE = frozenset({"InvalidVolume.NotFound"})
MANAGED = ("aws:", "kubernetes.io/", "ebs.csi.aws.com/")
"""Tags with these beginnings are set by a stack, a backup plan or a cluster that would miss the volume."""


class VolumeInspector(Trail):
    """`clients` gives EC2 and STS clients: a volume does not tell its account, so the credential is asked for its."""

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition, then the dry run."""
        client = self._clients(change.account, change.region, "ec2")
        owner = account_seen(self._clients, change)
        if owner != change.account:
            return NotSealable(f"the worker sees account {owner}, not {change.account}", "other_account")
        volume = describe_volume(client, change)
        if volume is None:
            return NotSealable(f"there is no volume {change.volume_id} in {change.region}", "not_found")
        fields, tags = _fields(volume, owner), tags_of(volume)
        refused = _unfit(change, fields, tags)
        if refused is not None:
            return NotSealable(refused[1], refused[0], fields)
        denied = dry_run(client.delete_volume, VolumeId=change.volume_id)
        if denied is not None:
            return NotSealable(f"the worker would not be permitted to do it: {denied}", "not_permitted", fields)
        kept = f"made from {fields['snapshot']}" if fields["snapshot"] != "none" else "made from no snapshot"
        radius = (f"{change.resource} ({fields['size_gib']} GiB {fields['type']}, {kept})",)
        return Snapshot(
            fields, name=name_of(tags), environment=environment_of(tags), team=team_of(tags), blast_radius=radius
        )

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; `{"state": "gone"}` where AWS knows no such volume in this very account."""
        client, owner = self._clients(change.account, change.region, "ec2"), account_seen(self._clients, change)
        if owner != change.account:
            raise CannotLook(f"the worker sees account {owner}, not {change.account}")
        volume = describe_volume(client, change)
        return {"state": "gone"} if volume is None else _fields(volume, owner)


def describe_volume(client: Any, change: DeleteVolume | ChangeVolumeType) -> dict[str, Any] | None:
    """The volume as EC2 describes it; None where it knows none of this id, CannotLook for no answer."""
    try:
        found = listed(ask(client.describe_volumes, VolumeIds=[change.volume_id]), "Volumes")
    except ClientError as error:
        if code_of(error) in GONE:
            return None
        raise CannotLook(code_of(error)) from error
    if [volume.get("VolumeId") for volume in found] != [change.volume_id]:
        raise CannotLook(f"asked for {change.volume_id}, the answer is about {len(found)} others")
    return found[0]


def _fields(volume: dict[str, Any], owner: str) -> dict[str, Any]:
    """What must not change."""
    return {
        "account": owner,
        "volume_id": volume["VolumeId"],
        "state": volume["State"],
        "attached_to": sorted(str(one.get("InstanceId")) for one in volume.get("Attachments", [])),
        "size_gib": int(volume["Size"]),
        "type": volume.get("VolumeType", "unknown"),
        "created_at": volume["CreateTime"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "snapshot": volume.get("SnapshotId") or "none",
        "encrypted": bool(volume.get("Encrypted", False)),
        "key": volume.get("KmsKeyId") or "none",
        "tags": fingerprints(tags_of(volume)),
    }


def _unfit(change: DeleteVolume, fields: dict[str, Any], tags: dict[str, str]) -> tuple[str, str] | None:
    which = change.volume_id
    if fields["attached_to"]:
        return "attached", f"{which} is attached to {', '.join(fields['attached_to'])}; only an unattached one may go"
    if fields["state"] != "available":
        return "wrong_state", f"{which} is {fields['state']}, and only one that is available can be deleted"
    managed = sorted(key for key in tags if key.startswith(MANAGED))
    if managed:
        return "managed", f"{which} belongs to something that would miss it, as its tag {managed[0]} says"
    if fields["encrypted"] and fields["key"] == "none":
        return "unknown_key", f"{which} is encrypted and AWS does not tell with which key"
    return None
