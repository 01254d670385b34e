"""Looks at EC2 instances with describe and dry-run calls only.

A dry run asks AWS whether the request would be permitted, without making it. It answers by an error whatever happens:
`DryRunOperation` is the yes.
"""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from approvals.changes.change import AnyChange
from approvals.changes.instance import StopInstance
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from audit.canonical import sha256

Clients = Callable[[str, str], Any]
"""(account, region) → EC2 client: which credential is for which account is the worker's wiring."""

NO_ANSWER = (BotoCoreError, ResponseParserError)
"""A page of HTML from a proxy is no answer either, and botocore tells it by an error of another family."""

GONE = frozenset({"InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed"})
DENIED = frozenset({"UnauthorizedOperation", "AuthFailure", "AccessDenied", "OperationNotPermitted"})
ENVIRONMENT_TAGS = ("environment", "env", "stage")
GROUP_TAG = "aws:autoscaling:groupName"


class Ec2Inspector:
    """`clients` gives an EC2 client; its credential should be able to describe and nothing else."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def look(self, change: AnyChange) -> Snapshot | NotSealable:
        """Every precondition of stopping or starting, then the dry run."""
        client = self._clients(change.account, change.region)
        found = _describe(client, change)
        if isinstance(found, NotSealable):
            return found
        instance, owner = found
        fields = _fields(client, instance, owner)
        tags = {tag["Key"].lower(): tag["Value"] for tag in instance.get("Tags", [])}
        refused = _unfit(change, fields)
        if refused is not None:
            return NotSealable(refused[1], refused[0], fields)
        denied = _dry_run(client, change)
        if denied is not None:
            return NotSealable(f"the worker would not be permitted to do it: {denied}", "not_permitted", fields)
        environment = next((tags[key] for key in ENVIRONMENT_TAGS if key in tags), None)
        radius = (f"{change.resource} ({fields['type']})", *(f"attached disk {disk}" for disk in fields["disks"]))
        return Snapshot(fields, name=tags.get("name"), environment=environment, blast_radius=radius)

    def read_back(self, change: AnyChange) -> dict[str, Any]:
        """The fields as they stand; `{"state": "gone"}` for an instance that is no longer there."""
        client = self._clients(change.account, change.region)
        found = _describe(client, change)
        if isinstance(found, NotSealable):
            return {"state": "gone"}
        return _fields(client, *found)


def _describe(client: Any, change: AnyChange) -> tuple[dict[str, Any], str] | NotSealable:
    try:
        answer = client.describe_instances(InstanceIds=[change.instance_id])
    except ClientError as error:
        if _code(error) in GONE:
            return NotSealable(f"there is no instance {change.instance_id} in {change.region}", "not_found")
        raise CannotLook(_told(error)) from error
    except NO_ANSWER as error:
        raise CannotLook(type(error).__name__) from error
    found = [(each, group.get("OwnerId", "")) for group in answer["Reservations"] for each in group["Instances"]]
    if len(found) != 1:
        return NotSealable(f"{change.instance_id} is {len(found)} instances in {change.region}", "not_found")
    if found[0][1] != change.account:
        why = f"{change.instance_id} belongs to account {found[0][1]}, not {change.account}"
        return NotSealable(why, "other_account")
    return found[0]


def _fields(client: Any, instance: dict[str, Any], owner: str) -> dict[str, Any]:
    """What must not change. Tags as fingerprints: their values often are people's names, and sealed bytes stay."""
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
    disks = [disk["Ebs"]["VolumeId"] for disk in instance.get("BlockDeviceMappings", []) if "Ebs" in disk]
    return {
        "account": owner,
        "instance_id": instance["InstanceId"],
        "state": instance["State"]["Name"],
        "type": instance["InstanceType"],
        "launched_at": instance["LaunchTime"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lifecycle": instance.get("InstanceLifecycle", "on-demand"),
        "root_device": instance.get("RootDeviceType", "unknown"),
        "stop_protection": _attribute(client, instance["InstanceId"], "disableApiStop", "DisableApiStop"),
        "termination_protection": _attribute(
            client, instance["InstanceId"], "disableApiTermination", "DisableApiTermination"
        ),
        "scaling_group": tags.get(GROUP_TAG, "none"),
        "tags": {key: sha256(f"{key}\0{value}".encode())[:16] for key, value in tags.items()},
        "disks": sorted(disks),
    }


def _attribute(client: Any, instance_id: str, name: str, key: str) -> bool:
    try:
        answer = client.describe_instance_attribute(InstanceId=instance_id, Attribute=name)
    except (ClientError, *NO_ANSWER) as error:
        raise CannotLook(_told(error) if isinstance(error, ClientError) else type(error).__name__) from error
    return bool(answer.get(key, {}).get("Value", False))


def _unfit(change: AnyChange, fields: dict[str, Any]) -> tuple[str, str] | None:
    """The first reason why this change must not be made to an instance that looks so: (code, sentence)."""
    which = fields["instance_id"]
    if fields["state"] != change.from_state():
        return (
            "wrong_state",
            f"{which} is {fields['state']}, and only one that is {change.from_state()} can be changed so",
        )
    if fields["scaling_group"] != "none":
        return (
            "in_scaling_group",
            f"{which} belongs to the scaling group {fields['scaling_group']}, which would replace it",
        )
    if fields["lifecycle"] != "on-demand":
        return "not_on_demand", f"{which} is a {fields['lifecycle']} instance; its request decides, not a stop or start"
    if fields["root_device"] != "ebs":
        return (
            "no_ebs_root",
            f"{which} has its root disk in the machine ({fields['root_device']}); a stop would lose it",
        )
    if isinstance(change, StopInstance) and fields["stop_protection"]:
        return "stop_protection", f"{which} has stop protection; whoever set it must lift it first"
    return None


def _dry_run(client: Any, change: AnyChange) -> str | None:
    """None if it would be permitted, otherwise AWS's word for why not."""
    call = client.stop_instances if isinstance(change, StopInstance) else client.start_instances
    try:
        call(InstanceIds=[change.instance_id], DryRun=True)
    except ClientError as error:
        code = _code(error)
        if code == "DryRunOperation":
            return None
        if code in DENIED or 400 <= _status(error) < 500:
            return code
        raise CannotLook(_told(error)) from error
    except NO_ANSWER as error:
        raise CannotLook(type(error).__name__) from error
    return "the dry run was answered as if it had been carried out"


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _told(error: ClientError) -> str:
    return f"{_code(error)} (HTTP {_status(error)})"
