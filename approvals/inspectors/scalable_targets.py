"""What Application Auto Scaling knows of a SageMaker endpoint: which of its variants it scales, and by which rules."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from approvals.changes.endpoint_scaling import NAMESPACE, NONE, POLICY, OnScaling
from approvals.inspectors.aws import ask, code_of, listed
from approvals.inspectors.port import CannotLook

MOST_PAGES = 20


def targets_of(client: Any, endpoint: str) -> list[dict[str, Any]]:
    """Those of its variants that are registered for scaling."""
    mine = f"endpoint/{endpoint}/"
    told = _every(client.describe_scalable_targets, "ScalableTargets")
    return [one for one in told if str(one["ResourceId"]).startswith(mine)]


def scaling_of(client: Any, change: OnScaling) -> str:
    """How the endpoint is scaled, in the change's own words where it is as the change has it."""
    targets = targets_of(client, change.endpoint)
    if not targets:
        return NONE
    resource = f"endpoint/{change.endpoint}/variant/{change.variant}"
    if [str(one["ResourceId"]) for one in targets] != [resource]:
        return f"another variant: {targets[0]['ResourceId']}"
    (target,) = targets
    if any((target.get("SuspendedState") or {}).values()):
        return "suspended"
    between = f"{target['MinCapacity']} to {target['MaxCapacity']} machines"
    named = {"ResourceId": resource}
    policies = _every(client.describe_scaling_policies, "ScalingPolicies", **named)
    if _every(client.describe_scheduled_actions, "ScheduledActions", **named):
        return f"{between}, by schedules"
    if not policies:
        return f"{between}, no policy"
    return change.words() if between == change.between() and _ours(policies, change) else f"{between}, another policy"


def _ours(policies: list[dict[str, Any]], change: OnScaling) -> bool:
    (policy, *more) = policies
    told = policy.get("TargetTrackingScalingPolicyConfiguration") or {}
    same = all(told.get(name) == value for name, value in change.wanted().items())
    return not more and policy["PolicyName"] == POLICY and same


def _every(call: Callable[..., Any], key: str, **named: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"ServiceNamespace": NAMESPACE, **named}
    for _ in range(MOST_PAGES):
        try:
            answer = ask(call, **asked)
        except ClientError as error:
            raise CannotLook(code_of(error)) from error
        found += listed(answer, key)
        if not answer.get("NextToken"):
            return found
        asked["NextToken"] = answer["NextToken"]
    raise CannotLook(f"the list of {key} does not end")
