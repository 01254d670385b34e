"""Looks at one public address before it is released for good: that nothing has it and no stack keeps it."""

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
from approvals.inspectors.volume import MANAGED

GONE = frozenset({"InvalidAllocationID.NotFound"})
ATTACHED_BY = ("AssociationId", "InstanceId", "NetworkInterfaceId")


class AddressInspector(Trail):
    """`clients` gives EC2 and STS clients."""

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition, then the dry run."""
        client, owner = self._clients(change.account, change.region, "ec2"), account_seen(self._clients, change)
        if owner != change.account:
            return NotSealable(f"the worker sees account {owner}, not {change.account}", "other_account")
        address = _describe(client, change.allocation_id)
        if address is None:
            return NotSealable(f"there is no address {change.allocation_id} in {change.region}", "not_found")
        fields, tags = _fields(address, owner), tags_of(address)
        if fields["state"] != "unattached":
            return NotSealable(f"{change.allocation_id} is attached to {fields['attached_to']}", "attached", fields)
        managed = sorted(key for key in tags if key.startswith(MANAGED))
        if managed:
            told = f"{change.allocation_id} belongs to something that would miss it, as its tag {managed[0]} says"
            return NotSealable(told, "managed", fields)
        denied = dry_run(client.release_address, AllocationId=change.allocation_id)
        if denied is not None:
            return NotSealable(f"the worker would not be permitted to do it: {denied}", "not_permitted", fields)
        radius = (f"{change.resource}: {fields['public_ip']}, and whatever outside still names it",)
        return Snapshot(
            fields, name=name_of(tags), environment=environment_of(tags), team=team_of(tags), blast_radius=radius
        )

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; `{"state": "gone"}` where AWS knows no such address in this very account."""
        client, owner = self._clients(change.account, change.region, "ec2"), account_seen(self._clients, change)
        if owner != change.account:
            raise CannotLook(f"the worker sees account {owner}, not {change.account}")
        address = _describe(client, change.allocation_id)
        return {"state": "gone"} if address is None else _fields(address, owner)


def _describe(client: Any, allocation_id: str) -> dict[str, Any] | None:
    try:
        found = listed(ask(client.describe_addresses, AllocationIds=[allocation_id]), "Addresses")
    except ClientError as error:
        if code_of(error) in GONE:
            return None
        raise CannotLook(code_of(error)) from error
    if [one.get("AllocationId") for one in found] != [allocation_id]:
        raise CannotLook(f"asked for {allocation_id}, the answer is about {len(found)} others")
    return found[0]


def _fields(address: dict[str, Any], owner: str) -> dict[str, Any]:
    """What must not change."""
    holder = next((str(address[key]) for key in ATTACHED_BY if address.get(key)), "")
    return {
        "account": owner,
        "allocation_id": address["AllocationId"],
        "public_ip": address["PublicIp"],
        "state": "attached" if holder else "unattached",
        "attached_to": holder or "none",
        "tags": fingerprints(tags_of(address)),
    }
