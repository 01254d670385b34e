"""Looks at one public address before it is released for good: that nothing has it and no stack keeps it."""

from collections.abc import Callable
from typing import Any

from approvals.inspectors.aws import fingerprints, tags_of
from approvals.inspectors.ec2 import Ec2Inspector, managed_by, the_one

ATTACHED_BY = ("AssociationId", "InstanceId", "NetworkInterfaceId")


class AddressInspector(Ec2Inspector):
    """An elastic address; one that is attached, or that a stack keeps, is not released."""

    what = "address"

    def described(self, client: Any, change: Any) -> dict[str, Any] | None:
        """As EC2 describes it."""
        gone = "InvalidAllocationID.NotFound"
        return the_one(client.describe_addresses, "Addresses", "AllocationId", change.allocation_id, gone)

    def fields(self, _client: Any, found: dict[str, Any], owner: str) -> dict[str, Any]:
        """What must not change."""
        holder = next((str(found[key]) for key in ATTACHED_BY if found.get(key)), "")
        return {
            "account": owner,
            "allocation_id": found["AllocationId"],
            "public_ip": found["PublicIp"],
            "state": "attached" if holder else "unattached",
            "attached_to": holder or "none",
            "tags": fingerprints(tags_of(found)),
        }

    def unfit(self, change: Any, fields: dict[str, Any], tags: dict[str, str]) -> tuple[str, str] | None:
        """Attached, or of somebody's stack."""
        if fields["state"] != "unattached":
            return "attached", f"{change.allocation_id} is attached to {fields['attached_to']}"
        return managed_by(change.allocation_id, tags)

    def request(self, client: Any, change: Any) -> tuple[Callable[..., Any], dict[str, Any]]:
        """The release."""
        return client.release_address, {"AllocationId": change.allocation_id}

    def radius(self, fields: dict[str, Any]) -> str:
        """The address itself, and who still names it."""
        return f": {fields['public_ip']}, and whatever outside still names it"
