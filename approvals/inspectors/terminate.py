"""Looks at one stopped EC2 instance before an image of it is made and it is terminated for good."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from approvals.changes.kept import UNDELETED, held_by_tag
from approvals.changes.terminate import TerminateInstance
from approvals.inspectors.aws import (
    ask,
    code_of,
    dry_run,
    environment_of,
    listed,
    name_of,
    tags_of,
    team_of,
)
from approvals.inspectors.ec2 import managed_by
from approvals.inspectors.image import NONE, image_seen
from approvals.inspectors.instance import described_instance, instance_fields, unfit
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from approvals.inspectors.trail import Trail

CLUSTER = ("eks:", "k8s.io/", "karpenter.sh/", "AmazonECSManaged")
"""Tags with these beginnings are set by a cluster, which would miss the machine or start another."""
LAUNCHED_FROM = "aws:ec2launchtemplate:"
"""Only tells what it was launched from; a template misses no machine."""
ENDED = "terminated"
CALLS = {"ec2:CreateImage": "create_image", "ec2:TerminateInstances": "terminate_instances"}


class TerminateInspector(Trail):
    """`clients` gives an EC2 client; its credential should be able to describe and nothing else."""

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition, then a dry run of both steps; the machine's disks become part of the change."""
        client = self._clients(change.account, change.region, "ec2")
        found = described_instance(client, change)
        if isinstance(found, NotSealable):
            return found
        instance, owner = found
        fields, tags = _fields(client, instance, owner, change), tags_of(instance)
        refused = unfit(change, fields) or _kept(change, fields, tags)
        if refused is not None:
            return NotSealable(refused[1], refused[0], fields)
        resolved = change.model_copy(update={"disks": tuple(fields["disks"])})
        for step in resolved.steps():
            denied = dry_run(getattr(client, CALLS[step.request.operation]), **step.request.parameters)
            if denied is not None:
                why = f"the worker would not be permitted to do it: {step.request.operation}: {denied}"
                return NotSealable(why, "not_permitted", fields, resolved)
        return Snapshot(
            fields, name=name_of(tags), environment=environment_of(tags), team=team_of(tags),
            blast_radius=_radius(change, fields, instance), resolved=resolved,
        )  # fmt: skip

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; a machine that is terminated, or that AWS has forgotten since, is gone."""
        client = self._clients(change.account, change.region, "ec2")
        found = described_instance(client, change)
        if not isinstance(found, NotSealable) and found[0]["State"]["Name"] != ENDED:
            return _fields(client, *found, change)
        if isinstance(found, NotSealable) and found.code == "other_account":
            raise CannotLook(found.reason)
        return {"state": "gone", "image": image_seen(client, change)}


def _fields(client: Any, instance: dict[str, Any], owner: str, change: TerminateInstance) -> dict[str, Any]:
    """What must not change: the machine, what of it is lost or stays, and that no image of the name is there."""
    mappings = [disk["Ebs"] for disk in instance.get("BlockDeviceMappings", []) if "Ebs" in disk]
    return instance_fields(client, instance, owner) | {
        "image": image_seen(client, change),
        "disks_that_stay": sorted(one["VolumeId"] for one in mappings if not one.get("DeleteOnTermination", False)),
        "private_address": instance.get("PrivateIpAddress") or NONE,
        "elastic_addresses": _elastic(client, change),
    }


def _elastic(client: Any, change: TerminateInstance) -> list[str]:
    """The elastic addresses that it holds: they are freed, and from then on cost as unused."""
    wanted = [{"Name": "instance-id", "Values": [change.instance_id]}]
    try:
        found = listed(ask(client.describe_addresses, Filters=wanted), "Addresses")
    except ClientError as error:
        raise CannotLook(code_of(error)) from error
    return sorted(str(one["PublicIp"]) for one in found)


def _kept(change: TerminateInstance, fields: dict[str, Any], tags: Mapping[str, str]) -> tuple[str, str] | None:
    """The first reason why this machine is not terminated, besides those of every change of a machine."""
    which = change.instance_id
    if fields["termination_protection"]:
        return "termination_protection", f"{which} has termination protection; whoever set it must lift it first"
    held = held_by_tag(tags, UNDELETED)
    if held is not None:
        return "held", f"{which} must be kept, as its tag {held} says"
    clustered = sorted(key for key in tags if key.startswith(CLUSTER))
    if clustered:
        return "managed", f"{which} belongs to a cluster that would miss it, as its tag {clustered[0]} says"
    if managed := managed_by(which, {key: tags[key] for key in tags if not key.startswith(LAUNCHED_FROM)}):
        return managed
    if not fields["disks"]:
        return "no_disks", f"{which} has no EBS disk that an image could hold"
    if change.disks and sorted(change.disks) != fields["disks"]:
        return "wrong_disks", f"the disks of {which} are {', '.join(fields['disks'])}, and this change is for others"
    if fields["image"] != NONE:
        told = f"there is an image {change.image_name} already ({fields['image']}): choose another name"
        return "image_exists", told
    return None


def _radius(change: TerminateInstance, fields: dict[str, Any], instance: dict[str, Any]) -> tuple[str, ...]:
    """Each thing that is lost, that stays and goes on costing, or that comes into being."""
    stays = fields["disks_that_stay"]
    lines = [f"{change.resource} ({fields['type']}): its id and its private address {fields['private_address']} end"]
    lines += [f"disk {disk} is deleted with it" for disk in fields["disks"] if disk not in stays]
    lines += [f"disk {disk} stays, and goes on costing" for disk in stays]
    lines += [f"elastic address {one} is freed, and goes on costing" for one in fields["elastic_addresses"]]
    lines += [f"made from the paid image {one['ProductCodeId']}: AWS may refuse an image of it"
              for one in instance.get("ProductCodes", [])]  # fmt: skip
    return (*lines, f"the image {change.image_name} and its {len(fields['disks'])} snapshots cost until deleted")
