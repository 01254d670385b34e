"""Looks at one EBS volume before its type is changed: type, size, speed, and whether AWS is at it already."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from approvals.inspectors.aws import ask, code_of, listed
from approvals.inspectors.port import CannotLook
from approvals.inspectors.volume import OnVolume

USABLE = ("in-use", "available")
STACK = "aws:cloudformation:stack-name"
NEVER_MODIFIED = frozenset({"InvalidVolumeModification.NotFound"})
ON_THE_WAY = {"modifying": "modifying", "optimizing": "done", "completed": "done"}
"""A volume has its new type and speed from the phase "optimizing" on (Amazon EBS user guide)."""


class VolumeTypeInspector(OnVolume):
    """What is read is enough to see whether the new type can be had and undone."""

    def fields(self, client: Any, found: dict[str, Any], owner: str) -> dict[str, Any]:
        """What must not change; numbers as text, as the steps expect them."""
        return super().fields(client, found, owner) | {
            "size_gib": str(found["Size"]),
            "iops": str(found.get("Iops", "unknown")),
            "throughput": str(found.get("Throughput", "unknown")),
            "modification": _modification(client, found["VolumeId"]),
        }

    def unfit(self, change: Any, fields: dict[str, Any], tags: dict[str, str]) -> tuple[str, str] | None:
        """Of a stack, in no usable state, of another type or size, or being changed already."""
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

    def request(self, client: Any, change: Any) -> tuple[Callable[..., Any], dict[str, Any]]:
        """The change of type."""
        return client.modify_volume, dict(change.steps()[0].request.parameters)

    def radius(self, fields: dict[str, Any]) -> str:
        """Who uses it, and that it stays usable."""
        used = f"in use by {', '.join(fields['attached_to'])}" if fields["attached_to"] else "attached to nothing"
        return f" ({fields['size_gib']} GiB, {used}): stays usable, may be slower for hours"


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
