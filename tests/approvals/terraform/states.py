"""Terraform states made by hand, in both forms that are read; each resource holds a secret beside its id."""

from typing import Any

from tests.approvals.savings.estate import ACCOUNT, REGION

SECRET = "hunter2-db-password"
__all__ = ["ACCOUNT", "REGION", "SECRET", "as_shown", "resource", "state"]


def resource(
    type_: str, name: str, *, module: str = "", index: Any = None, mode: str = "managed", **values: Any
) -> dict[str, Any]:
    """One resource with one instance, as a state of version 4 holds it."""
    instance: dict[str, Any] = {"schema_version": 1, "attributes": {**values, "password": SECRET}}
    if index is not None:
        instance["index_key"] = index
    made = {"mode": mode, "type": type_, "name": name, "instances": [instance],
            "provider": 'provider["registry.terraform.io/hashicorp/aws"]'}  # fmt: skip
    return made | ({"module": module} if module else {})


def state(resources: list[dict[str, Any]]) -> dict[str, Any]:
    """What `terraform state pull` prints."""
    return {"version": 4, "terraform_version": "1.9.0", "serial": 7, "lineage": "x", "outputs": {},
            "resources": resources}  # fmt: skip


def as_shown(resources: list[dict[str, Any]]) -> dict[str, Any]:
    """What `terraform show -json` prints of the same resources."""
    root: dict[str, Any] = {"resources": [], "child_modules": []}
    for one in resources:
        (instance,) = one["instances"]
        told = {"mode": one["mode"], "type": one["type"], "name": one["name"], "values": instance["attributes"]}
        if "index_key" in instance:
            told["index"] = instance["index_key"]
        if "module" in one:
            root["child_modules"].append({"address": one["module"], "resources": [told]})
        else:
            root["resources"].append(told)
    return {"format_version": "1.0", "terraform_version": "1.9.0", "values": {"root_module": root}}
