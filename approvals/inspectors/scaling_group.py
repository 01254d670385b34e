"""Looks at one Auto Scaling group before its minimum is changed. Auto Scaling has no dry run.

How many machines it runs is left out of what must not change: a group changes that by itself all day.
"""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from approvals.changes.scaling_group import SetGroupMinimum
from approvals.inspectors.aws import ask, code_of, environment_of, fingerprints, listed, tags_of, team_of
from approvals.inspectors.ec2 import managed_by
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from approvals.inspectors.trail import Trail
from audit.canonical import sha256

NEEDED = frozenset({"Launch", "Terminate", "AlarmNotification"})
"""The processes without which a group does not follow its load."""

REST = "at rest"
MOST_PAGES = 10
OWN = "AmazonECSManaged"
"""A tag of groups whose size a cluster of containers sets; Kubernetes marks its own by another beginning."""
CLUSTERS = ("k8s.io/", "eks:", OWN)


class ScalingGroupInspector(Trail):
    """`clients` gives an Auto Scaling client; its credential should be able to describe and nothing else."""

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition: it is there, in this account, has this minimum, and follows its load by itself."""
        client = self._clients(change.account, change.region, "autoscaling")
        group = _described(client, change)
        if group is None:
            return NotSealable(f"there is no scaling group {change.group} in {change.region}", "not_found")
        fields, tags = _fields(client, change, group), tags_of(group)
        refused = _unfit(change, fields, tags)
        if refused is not None:
            return NotSealable(refused[1], refused[0], fields)
        runs, fewer = len(group.get("Instances") or []), change.before - change.after
        goes = f"up to {fewer} machines may go when there is little to do" if fewer > 0 else f"{-fewer} more always run"
        radius = (f"{change.resource}: {runs} machines run now; {goes}",)
        return Snapshot(
            fields, name=change.group, environment=environment_of(tags), team=team_of(tags), blast_radius=radius
        )

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; `{"status": "gone"}` for a group that is no longer there."""
        client = self._clients(change.account, change.region, "autoscaling")
        group = _described(client, change)
        if group is None:
            return {"status": "gone"}
        fields = _fields(client, change, group)
        if fields["account"] != change.account:
            raise CannotLook(f"the worker sees account {fields['account']}, not {change.account}")
        return fields


def _unfit(change: SetGroupMinimum, fields: dict[str, Any], tags: dict[str, str]) -> tuple[str, str] | None:
    """The first reason why its minimum is left alone: (code, sentence)."""
    if fields["account"] != change.account:
        return "other_account", f"{change.group} belongs to account {fields['account']}, not {change.account}"
    if fields["status"] != REST:
        return "wrong_state", f"{change.group} is on its way out: {fields['status']}"
    if fields["min"] != str(change.before):
        return "wrong_min", f"the minimum of {change.group} is {fields['min']}, and this change is for {change.before}"
    if int(fields["max"]) < change.after:
        return "above_max", f"{change.group} may have {fields['max']} machines at most"
    cluster = next((key for key in sorted(tags) if key.startswith(CLUSTERS)), None)
    if cluster is not None:
        return "managed", f"the size of {change.group} is set by a cluster, as its tag {cluster} says"
    if fields["scheduled"]:
        told = f"{change.group} has a schedule that sets its minimum ({', '.join(fields['scheduled'])})"
        return "scheduled", f"{told}: it would undo this"
    if change.after < change.before and not fields["policies"]:
        return "no_policy", f"{change.group} has no scaling policy that is on: nothing would take machines away"
    stopped = sorted(NEEDED & set(fields["suspended"]))
    if stopped:
        return "suspended", f"{change.group} does not follow its load: {', '.join(stopped)} suspended"
    return managed_by(change.group, tags)


def _described(client: Any, change: SetGroupMinimum) -> dict[str, Any] | None:
    answer = _asked(client.describe_auto_scaling_groups, AutoScalingGroupNames=[change.group])
    found = listed(answer, "AutoScalingGroups")
    if not found:
        return None
    if [one.get("AutoScalingGroupName") for one in found] != [change.group]:
        raise CannotLook(f"asked for {change.group}, the answer is not about it")
    return found[0]


def _fields(client: Any, change: SetGroupMinimum, group: dict[str, Any]) -> dict[str, Any]:
    """What must not change; the minimum as text, as the steps expect it."""
    named = {"AutoScalingGroupName": change.group}
    policies = _every(client.describe_policies, "ScalingPolicies", named)
    actions = _every(client.describe_scheduled_actions, "ScheduledUpdateGroupActions", named)
    launches = {key: group.get(key) for key in ("LaunchTemplate", "LaunchConfigurationName", "MixedInstancesPolicy")}
    return {
        "account": (str(group.get("AutoScalingGroupARN", "")).split(":") + [""] * 5)[4],
        "name": change.group,
        "min": str(group["MinSize"]),
        "max": str(group["MaxSize"]),
        "status": str(group.get("Status") or REST),
        "created_at": group["CreatedTime"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "launches": _digest(launches),
        "policies": {str(one["PolicyName"]): _digest(one) for one in policies if one.get("Enabled", True)},
        "scheduled": sorted(str(one["ScheduledActionName"]) for one in actions if one.get("MinSize") is not None),
        "suspended": sorted(str(one["ProcessName"]) for one in group.get("SuspendedProcesses") or []),
        "tags": fingerprints(tags_of(group)),
    }


def _every(call: Callable[..., Any], key: str, named: dict[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    asked = dict(named)
    for _ in range(MOST_PAGES):
        answer = _asked(call, **asked)
        found += listed(answer, key)
        if not answer.get("NextToken"):
            return found
        asked["NextToken"] = answer["NextToken"]
    raise CannotLook(f"the list of {key} does not end")


def _asked(call: Callable[..., Any], **parameters: Any) -> dict[str, Any]:
    try:
        return ask(call, **parameters)
    except ClientError as error:
        raise CannotLook(code_of(error)) from error


def _digest(told: Any) -> str:
    return sha256(json.dumps(told, sort_keys=True, default=str).encode())[:16]
