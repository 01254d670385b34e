"""SageMaker's endpoints as they stand in moto, and what AWS refuses about them and moto does not.

moto makes and deletes them at once; here a fault may let them be seen on their way.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from moto.sagemaker.models import sagemaker_backends

from sandbox.aws.endpoint_updates import begin_update, finish_update

UNDER_WAY = frozenset({"Creating", "Updating", "Deleting", "RollingBack"})
KNOWN = "ml.m5.xlarge"
"""A type that moto lets through: its list is older than the machines that AWS offers."""
_held: dict[int, dict[str, Any]] = {}
"""The endpoints as they stood before the change under way; one change runs at a time."""


def make_endpoint(told: dict[str, Any]) -> None:
    """An endpoint of one variant, with the configuration and the model that it needs."""
    account = str(told["account"])
    backend = sagemaker_backends[account][told["region"]]
    role, config = f"arn:aws:iam::{account}:role/models", told["config"]
    if config not in backend.endpoint_configs:
        backend.create_model(
            model_name=config, execution_role_arn=role, primary_container={}, vpc_config={}, containers=[], tags=[]
        )
        count = told.get("machines", 1)
        variant = {"VariantName": "main", "ModelName": config, "InstanceType": KNOWN, "InitialInstanceCount": count}
        made = backend.create_endpoint_config(config, [variant], {}, {}, [], "")
        made.production_variants[0]["InstanceType"] = told["instance_type"]
    tags = [{"Key": key, "Value": value} for key, value in told.get("tags", {}).items()]
    backend.create_endpoint(told["endpoint"], config, tags)


def endpoints() -> dict[str, str]:
    """The status of every endpoint in all accounts and regions, by name."""
    return {name: str(one.endpoint_status) for backend in _backends() for name, one in backend.endpoints.items()}


def endpoint_configs() -> dict[str, str]:
    """Which configuration every endpoint runs, by name, and the type of each configuration's machines."""
    told: dict[str, str] = {}
    for backend in _backends():
        told |= {f"{name} config": str(one.endpoint_config_name) for name, one in backend.endpoints.items()}
        told |= {
            f"{name} (configuration)": ", ".join(str(each.get("InstanceType")) for each in one.production_variants)
            for name, one in backend.endpoint_configs.items()
        }
    return told


def endpoint_machines() -> dict[str, str]:
    """How many machines every endpoint runs, by name."""
    return {
        f"{name} machines": ", ".join(str(variant["CurrentInstanceCount"]) for variant in one.production_variants)
        for backend in _backends()
        for name, one in backend.endpoints.items()
    }


def hold_endpoints() -> Callable[[], None]:
    """Remembers how they stand; the function that it returns puts them back."""
    kept = [(backend, dict(backend.endpoints)) for backend in _backends()]
    configs = [(backend, dict(backend.endpoint_configs)) for backend, _ in kept]
    running = [(one, one.endpoint_config_name, one.endpoint_status) for _, known in kept for one in known.values()]
    counts = [
        (one, [dict(variant) for variant in one.production_variants]) for _, known in kept for one in known.values()
    ]
    _held.clear()
    _held.update({id(backend): known for backend, known in kept})

    def put_back() -> None:
        for backend, known in kept:
            backend.endpoints.clear()
            backend.endpoints.update(known)
        for backend, known in configs:
            backend.endpoint_configs.clear()
            backend.endpoint_configs.update(known)
        for one, config, status in running:
            one.endpoint_config_name, one.endpoint_status = config, status
        for one, variants in counts:
            one.production_variants[:] = [dict(variant) for variant in variants]

    return put_back


def linger_endpoints(changed: set[str]) -> None:
    """Lets those that just came or went be seen on their way."""
    for backend in _backends():
        before = _held.get(id(backend), {})
        for name in changed & (before.keys() | backend.endpoints.keys()):
            one = backend.endpoints.setdefault(name, before.get(name))
            one.endpoint_status = "Deleting" if name in before else "Creating"
        for name in {told.removesuffix(" machines") for told in changed if told.endswith(" machines")}:
            if name in backend.endpoints and name in before and name not in changed:
                backend.endpoints[name].endpoint_status = "Updating"
        for name in {told.removesuffix(" config") for told in changed if told.endswith(" config")}:
            if name in backend.endpoints and name in before and name not in changed:
                begin_update(backend.endpoints[name])


def arrive_endpoints() -> list[str]:
    """Lets those on their way arrive, and returns their names."""
    arrived = []
    for backend in _backends():
        for name, one in list(backend.endpoints.items()):
            if one.endpoint_status == "Deleting":
                del backend.endpoints[name]
            elif one.endpoint_status in UNDER_WAY:
                finish_update(one)
            else:
                continue
            arrived.append(name)
    return arrived


def endpoint_fault(action: str, name: str) -> str | None:
    """AWS's sentence where it would refuse this about the endpoint; None where it would not."""
    status = endpoints().get(name)
    if action == "DeleteEndpoint" and status in UNDER_WAY:
        return f"Cannot delete endpoint {name}: it is {status}."
    if action in ("UpdateEndpointWeightsAndCapacities", "UpdateEndpoint") and status in UNDER_WAY:
        return f"Cannot update in-progress endpoint {name}: it is {status}."
    if action == "CreateEndpoint" and status is not None:
        return f"Cannot create already existing endpoint {name}."
    return None


def config_fault(action: str, body: bytes) -> str | None:
    """AWS's sentence for a configuration whose name is taken, or that is not there to be deleted."""
    if action not in ("CreateEndpointConfig", "DeleteEndpointConfig"):
        return None
    name = str(json.loads(body or b"{}").get("EndpointConfigName"))
    there = any(name in backend.endpoint_configs for backend in _backends())
    if action == "CreateEndpointConfig" and there:
        return f"Cannot create already existing endpoint configuration {name}."
    return f"Could not find endpoint configuration {name}." if action == "DeleteEndpointConfig" and not there else None


def _backends() -> Iterator[Any]:
    for account in list(sagemaker_backends):
        for region in list(sagemaker_backends[account]):
            yield sagemaker_backends[account][region]
