"""Application Auto Scaling of endpoints as it stands in moto, which follows no load, and what AWS does and moto does
not.

AWS deletes the policies of a target that is deregistered, and takes none for one that is not there.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from moto.applicationautoscaling.models import applicationautoscaling_backends

from sandbox.aws.endpoints import endpoints

NEEDS_TARGET = ("PutScalingPolicy", "DeregisterScalableTarget")


def endpoint_in(resource: str) -> str:
    """The endpoint's name in `endpoint/NAME/variant/VARIANT`; anything else as it is."""
    kind, _, rest = resource.partition("/")
    return rest.partition("/")[0] if kind == "endpoint" else resource


def scalings() -> dict[str, str]:
    """The bounds of each endpoint that is scaled, and at how many calls for each machine."""
    told = {}
    for backend in _backends():
        for resource, target in _targets(backend):
            at = [
                str(policy.target_tracking_scaling_policy_configuration["TargetValue"])
                for policy in backend.policies.values()
                if policy.resource_id == resource and policy.target_tracking_scaling_policy_configuration
            ]
            bounds = f"{target.min_capacity} to {target.max_capacity}"
            told[f"{endpoint_in(resource)} scaling"] = f"{bounds} at {', '.join(at)}" if at else bounds
    return told


def hold_scalings() -> Callable[[], None]:
    """Remembers what there is; the function that it returns puts it back."""
    kept = [
        (backend, {name: dict(known) for name, known in backend.targets.items()}, dict(backend.policies))
        for backend in _backends()
    ]
    bounds = [(one, one.min_capacity, one.max_capacity) for backend, _, _ in kept for _, one in _targets(backend)]

    def put_back() -> None:
        for backend, targets, policies in kept:
            backend.targets.clear()
            backend.targets.update(targets)
            backend.policies.clear()
            backend.policies.update(policies)
        for target, least, most in bounds:
            target.min_capacity, target.max_capacity = least, most

    return put_back


def forget_scalings() -> None:
    """Nothing of what moto held."""
    for backend in _backends():
        backend.reset()


def drop_rules_without_target() -> None:
    """As AWS does it: policies and schedules go with their target."""
    for backend in _backends():
        there = {resource for resource, _ in _targets(backend)}
        for name in [name for name, policy in backend.policies.items() if policy.resource_id not in there]:
            del backend.policies[name]
        backend.scheduled_actions[:] = [one for one in backend.scheduled_actions if one.resource_id in there]


def scaling_fault(action: str, body: bytes) -> tuple[str, str] | None:
    """(AWS's name of the error, its sentence) where AWS would refuse this; None where it would not."""
    if action not in (*NEEDS_TARGET, "RegisterScalableTarget"):
        return None
    told = json.loads(body or b"{}")
    resource = str(told.get("ResourceId", ""))
    if action == "RegisterScalableTarget" and endpoint_in(resource) not in endpoints():
        return "ValidationException", f"SageMaker endpoint does not exist: {resource}"
    there = any(known == resource for backend in _backends() for known, _ in _targets(backend))
    if action in NEEDS_TARGET and not there:
        return "ObjectNotFoundException", f"No scalable target found for resource ID: {resource}"
    return None


def _targets(backend: Any) -> Iterator[tuple[str, Any]]:
    for known in list(backend.targets.values()):
        yield from list(known.items())


def _backends() -> Iterator[Any]:
    for account in list(applicationautoscaling_backends):
        for region in list(applicationautoscaling_backends[account]):
            yield applicationautoscaling_backends[account][region]
