"""Looks at one EBS volume before its type is changed: type, size, speed, and whether AWS is at it already."""

from typing import Any

from botocore.exceptions import ClientError

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
from approvals.inspectors.volume import describe_volume

USABLE = ("in-use", "available")
STACK = "aws:cloudformation:stack-name"
NEVER_MODIFIED = frozenset({"InvalidVolumeModification.NotFound"})
ON_THE_WAY = {"modifying": "modifying", "optimizing": "done", "completed": "done"}
"""A volume has its new type and speed from the phase "optimizing" on (Amazon EBS user guide)."""


class VolumeTypeInspector(Trail):
    """`clients` gives EC2 and STS clients; what is read is enough to see whether the new type can be had and undone."""

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition, then the dry run."""
        client, owner = self._clients(change.account, change.region, "ec2"), account_seen(self._clients, change)
        if owner != change.account:
            return NotSealable(f"the worker sees account {owner}, not {change.account}", "other_account")
        volume = describe_volume(client, change)
        if volume is None:
            return NotSealable(f"there is no volume {change.volume_id} in {change.region}", "not_found")
        fields, tags = _fields(client, volume, owner), tags_of(volume)
        refused = _unfit(change, fields, tags)
        if refused is not None:
            return NotSealable(refused[1], refused[0], fields)
        denied = dry_run(client.modify_volume, **change.steps()[0].request.parameters)
        if denied is not None:
            return NotSealable(f"the worker would not be permitted to do it: {denied}", "not_permitted", fields)
        used = f"in use by {', '.join(fields['attached_to'])}" if fields["attached_to"] else "attached to nothing"
        radius = (f"{change.resource} ({fields['size_gib']} GiB, {used}): stays usable, may be slower for hours",)
        return Snapshot(
            fields, name=name_of(tags), environment=environment_of(tags), team=team_of(tags), blast_radius=radius
        )

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; `{"state": "gone"}` where AWS knows no such volume in this very account."""
        client, owner = self._clients(change.account, change.region, "ec2"), account_seen(self._clients, change)
        if owner != change.account:
            raise CannotLook(f"the worker sees account {owner}, not {change.account}")
        volume = describe_volume(client, change)
        return {"state": "gone"} if volume is None else _fields(client, volume, owner)


def _fields(client: Any, volume: dict[str, Any], owner: str) -> dict[str, Any]:
    """What must not change; numbers as text, as the steps expect them."""
    return {
        "account": owner,
        "volume_id": volume["VolumeId"],
        "state": volume["State"],
        "attached_to": sorted(str(one.get("InstanceId")) for one in volume.get("Attachments", [])),
        "size_gib": str(volume["Size"]),
        "type": volume.get("VolumeType", "unknown"),
        "iops": str(volume.get("Iops", "unknown")),
        "throughput": str(volume.get("Throughput", "unknown")),
        "created_at": volume["CreateTime"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "modification": _modification(client, volume["VolumeId"]),
        "tags": fingerprints(tags_of(volume)),
    }


def _modification(client: Any, volume_id: str) -> str:
    """How far the newest change of the volume is: none, modifying, done or failed."""
    try:
        found = listed(ask(client.describe_volumes_modifications, VolumeIds=[volume_id]), "VolumesModifications")
    except ClientError as error:
        if code_of(error) in NEVER_MODIFIED:
            return "none"
        raise CannotLook(code_of(error)) from error
    mine = [one for one in found if one.get("VolumeId") == volume_id]
    if not mine:
        return "none"
    newest = max(mine, key=lambda one: str(one.get("StartTime", "")))
    return ON_THE_WAY.get(str(newest.get("ModificationState")), "failed")


def _unfit(change: Any, fields: dict[str, Any], tags: dict[str, str]) -> tuple[str, str] | None:
    """The first reason why this change must not be made to a volume that looks so: (code, sentence)."""
    which = change.volume_id
    if STACK in tags:
        # A change past the stack is undone by its next run, and until then nobody's template is true.
        told = f"{which} belongs to the stack {tags[STACK]}: change its template, or the next run undoes this"
        return "managed", told
    if fields["state"] not in USABLE:
        return "wrong_state", f"{which} is {fields['state']}"
    for name, wanted in change.starts_from().items():
        if fields[name] != wanted:
            told = f"the {name} of {which} is {fields[name]}, and this change is for {wanted}"
            return f"wrong_{name}", told
    if fields["modification"] == "modifying":
        return "busy", f"AWS is changing {which} already"
    return None
