"""Looks at one EBS volume before it is deleted for good: unattached, of nobody's stack, and what it was made from."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from approvals.changes.kept import UNDELETED, held_by_tag
from approvals.changes.volume import COPY, COPY_OF
from approvals.inspectors.aws import ask, code_of, dry_run, fingerprints, listed, tags_of
from approvals.inspectors.ec2 import Ec2Inspector, managed_by, the_one
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot

NONE = "none"


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
    """Before a deletion: also what it was made from, how it is encrypted, and how far the snapshot of it is that this
    change makes first."""

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition and the dry runs; where a snapshot is made first, which one it will be."""
        seen = super().look(change)
        if change.snapshot == NONE or not seen.fields:
            return seen
        client = self._clients(change.account, change.region, "ec2")
        copies = _copies(client, change)
        number = change.copy_number or next(one for one in range(1, 10_000) if str(one) not in copies)
        numbered = change.model_copy(update={"copy_number": number})
        fields = seen.fields | {"copy": copies.get(str(number), NONE)}
        if isinstance(seen, NotSealable):
            return replace(seen, fields=fields, resolved=numbered)
        if fields["copy"] != NONE:
            told = f"there is a snapshot of {change.volume_id} with the number {number} already ({fields['copy']})"
            return NotSealable(told, "copy_exists", fields)
        denied = dry_run(client.create_snapshot, **numbered.steps()[0].request.parameters)
        if denied is not None:
            why = f"the worker would not be permitted to do it: ec2:CreateSnapshot: {denied}"
            return NotSealable(why, "not_permitted", fields, numbered)
        more = f"a snapshot of it with the tags {COPY_OF} {change.volume_id} and {COPY} {number}: costs until deleted"
        return replace(seen, fields=fields, resolved=numbered, blast_radius=(*seen.blast_radius, more))

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; with the snapshot's state also where the volume is gone."""
        fields = super().read_back(change)
        if change.snapshot == NONE:
            return fields
        client = self._clients(change.account, change.region, "ec2")
        return fields | {"copy": _copies(client, change).get(str(change.copy_number), NONE)}

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
        held = held_by_tag(tags, UNDELETED)
        if held is not None:
            return "held", f"{which} must be kept, as its tag {held} says"
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


def _copies(client: Any, change: Any) -> dict[str, str]:
    """The snapshots that changes like this one made of the volume: their state by their number."""
    wanted = [{"Name": f"tag:{COPY_OF}", "Values": [change.volume_id]}]
    try:
        found = listed(ask(client.describe_snapshots, OwnerIds=["self"], Filters=wanted), "Snapshots")
    except ClientError as error:
        raise CannotLook(code_of(error)) from error
    mine = [(tags_of(one).get(COPY, ""), one) for one in found if one.get("VolumeId") == change.volume_id]
    told = [(number, one) for number, one in mine if number]  # without a number it is no change's
    if len({number for number, _ in told}) != len(told):
        raise CannotLook(f"two snapshots of {change.volume_id} bear the same number in their tag {COPY}")
    return {number: str(one["State"]) for number, one in told}
