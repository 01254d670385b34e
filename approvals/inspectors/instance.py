"""Looks at one EC2 instance before it is stopped, started, resized or set back: describe and dry-run calls only."""

from typing import Any

from botocore.exceptions import ClientError

from approvals.changes.instance import OnInstance, StartInstance, StopInstance
from approvals.changes.resize import ResizeInstance
from approvals.changes.step import Request
from approvals.changes.undo import UndoInstance
from approvals.inspectors.aws import (
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

InstanceChange = StopInstance | StartInstance | ResizeInstance | UndoInstance

GONE = frozenset({"InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed"})
GROUP_TAG = "aws:autoscaling:groupName"
CALLS = {
    "ec2:StopInstances": "stop_instances",
    "ec2:StartInstances": "start_instances",
    "ec2:ModifyInstanceAttribute": "modify_instance_attribute",
}


class InstanceInspector(Trail):
    """`clients` gives an EC2 client; its credential should be able to describe and nothing else."""

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition, then whether the wanted type can be had, then a dry run of every step."""
        client = self._clients(change.account, change.region, "ec2")
        found = described_instance(client, change)
        if isinstance(found, NotSealable):
            return found
        instance, owner = found
        fields, tags = instance_fields(client, instance, owner), tags_of(instance)
        for refused in (unfit(change, fields), _no_such_type(client, change, instance)):
            if refused is not None:
                return NotSealable(refused[1], refused[0], fields)
        for step in change.steps():
            denied = _denied(client, step.request)
            if denied is not None:
                why = f"the worker would not be permitted to do it: {step.request.operation}: {denied}"
                return NotSealable(why, "not_permitted", fields)
        radius = (f"{change.resource} ({fields['type']})", *(f"attached disk {disk}" for disk in fields["disks"]))
        return Snapshot(
            fields, name=name_of(tags), environment=environment_of(tags), team=team_of(tags), blast_radius=radius
        )

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; `{"state": "gone"}` for an instance that is no longer there."""
        client = self._clients(change.account, change.region, "ec2")
        found = described_instance(client, change)
        if isinstance(found, NotSealable):
            if found.code == "other_account":
                raise CannotLook(found.reason)
            return {"state": "gone"}
        return instance_fields(client, *found)


def described_instance(client: Any, change: OnInstance) -> tuple[dict[str, Any], str] | NotSealable:
    """The instance as EC2 describes it and whose it is; NotSealable for one that is gone or another account's."""
    try:
        answer = ask(client.describe_instances, InstanceIds=[change.instance_id])
    except ClientError as error:
        if code_of(error) in GONE:
            return NotSealable(f"there is no instance {change.instance_id} in {change.region}", "not_found")
        raise CannotLook(code_of(error)) from error
    groups = listed(answer, "Reservations")
    found = [(each, str(group.get("OwnerId", ""))) for group in groups for each in group.get("Instances", [])]
    if len(found) != 1:
        return NotSealable(f"{change.instance_id} is {len(found)} instances in {change.region}", "not_found")
    if found[0][0].get("InstanceId") != change.instance_id:
        raise CannotLook(f"asked for {change.instance_id}, the answer is about {found[0][0].get('InstanceId')}")
    if found[0][1] != change.account:
        why = f"{change.instance_id} belongs to account {found[0][1]}, not {change.account}"
        return NotSealable(why, "other_account")
    return found[0]


def instance_fields(client: Any, instance: dict[str, Any], owner: str) -> dict[str, Any]:
    """What must not change."""
    tags, which = tags_of(instance), instance["InstanceId"]
    disks = [disk["Ebs"]["VolumeId"] for disk in instance.get("BlockDeviceMappings", []) if "Ebs" in disk]
    return {
        "account": owner,
        "instance_id": which,
        "state": instance["State"]["Name"],
        "type": instance["InstanceType"],
        "launched_at": instance["LaunchTime"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lifecycle": instance.get("InstanceLifecycle", "on-demand"),
        "root_device": instance.get("RootDeviceType", "unknown"),
        "stop_protection": _attribute(client, which, "disableApiStop", "DisableApiStop"),
        "termination_protection": _attribute(client, which, "disableApiTermination", "DisableApiTermination"),
        "scaling_group": tags.get(GROUP_TAG, "none"),
        "tags": fingerprints(tags),
        "disks": sorted(disks),
    }


def _attribute(client: Any, instance_id: str, name: str, key: str) -> bool:
    try:
        answer = ask(client.describe_instance_attribute, InstanceId=instance_id, Attribute=name)
    except ClientError as error:
        raise CannotLook(code_of(error)) from error
    return bool(answer.get(key, {}).get("Value", False))


def unfit(change: InstanceChange, fields: dict[str, Any]) -> tuple[str, str] | None:
    """The first reason why this change must not be made to an instance that looks so: (code, sentence)."""
    which, operations = fields["instance_id"], {step.request.operation for step in change.steps()}
    for name, wanted in change.starts_from().items():
        if fields[name] != wanted:
            told = f"{which} is {fields[name]}, and only one that is {wanted} can be changed so"
            return ("wrong_state" if name == "state" else f"wrong_{name}"), told
    if fields["scaling_group"] != "none":
        group = fields["scaling_group"]
        return "in_scaling_group", f"{which} belongs to the scaling group {group}, which would replace it"
    if fields["lifecycle"] != "on-demand":
        told = f"{which} is a {fields['lifecycle']} instance; its request decides, not a stop or start"
        return "not_on_demand", told
    if fields["root_device"] != "ebs":
        told = f"{which} has its root disk in the machine ({fields['root_device']}); a stop would lose it"
        return "no_ebs_root", told
    if "ec2:StopInstances" in operations and fields["stop_protection"]:
        return "stop_protection", f"{which} has stop protection; whoever set it must lift it first"
    return None


def _no_such_type(client: Any, change: InstanceChange, instance: dict[str, Any]) -> tuple[str, str] | None:
    """Why the wanted type cannot be had here: unknown, of another architecture, or not offered in the zone."""
    if not isinstance(change, ResizeInstance):
        return None
    zone = instance.get("Placement", {}).get("AvailabilityZone", "")
    filters = [{"Name": "instance-type", "Values": [change.to_type]}, {"Name": "location", "Values": [zone]}]
    try:
        known = listed(ask(client.describe_instance_types, InstanceTypes=[change.to_type]), "InstanceTypes")
        offers = ask(
            client.describe_instance_type_offerings, LocationType="availability-zone", Filters=filters
        )  # fmt: skip
    except ClientError as error:
        return "no_such_type", f"{change.to_type} cannot be had in {change.region}: {code_of(error)}"
    architecture = instance.get("Architecture", "x86_64")
    built = known[0].get("ProcessorInfo", {}).get("SupportedArchitectures", []) if known else []
    if architecture not in built:
        told = ", ".join(built) or "no architecture that is known"
        return "other_architecture", f"{change.instance_id} is {architecture}, and {change.to_type} is {told}"
    network = known[0].get("NetworkInfo", {}) if known else {}
    if network.get("EnaSupport") == "required" and instance.get("EnaSupport") is False:
        told = f"{change.to_type} needs the ENA network driver, and the image of {change.instance_id} has none"
        return "no_driver", told
    if not listed(offers, "InstanceTypeOfferings"):
        return "not_offered", f"{change.to_type} is not offered in {zone}"
    return None


def _denied(client: Any, request: Request) -> str | None:
    return dry_run(getattr(client, CALLS[request.operation]), **request.parameters)
