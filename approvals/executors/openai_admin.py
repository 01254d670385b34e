"""What OpenAI's administration interface is sent: its own paths and fields, and what its answer to each must say.

A limit that is to be none is deleted, since the interface has no other word for it.
"""

from collections.abc import Mapping
from typing import Any

from approvals.changes.step import Request
from approvals.executors.admin import Call, Interface

_PROJECT = "/organization/projects/"


def _spend_limit(request: Request) -> Call:
    given, path = request.parameters, f"{_PROJECT}{request.parameters['project_id']}/spend_limit"
    if given["threshold_amount"] is None:
        return Call("DELETE", path, {})
    body = {"threshold_amount": given["threshold_amount"], "currency": "USD", "interval": "month"}
    return Call("POST", path, body)


def _rate_limit(request: Request) -> Call:
    given = dict(request.parameters)
    path = f"{_PROJECT}{given.pop('project_id')}/rate_limits/{given.pop('rate_limit_id')}"
    return Call("POST", path, given)


def _models(request: Request) -> Call:
    given, path = request.parameters, f"{_PROJECT}{request.parameters['project_id']}/model_permissions"
    if given["mode"] is None:
        return Call("DELETE", path, {})
    return Call("POST", path, {"mode": given["mode"], "model_ids": list(given["model_ids"])})


CALLS = {
    "openai:SetSpendLimit": _spend_limit,
    "openai:SetRateLimit": _rate_limit,
    "openai:SetModelPermissions": _models,
}
"""How each operation that OpenAI is sent becomes a request."""


def _fault_of(request: Request, answer: Mapping[str, Any]) -> str | None:
    """What is wrong with the answer, in words; None if it says that this very setting was taken."""
    call = CALLS[request.operation](request)
    if call.method == "DELETE":
        return None if answer.get("deleted") is True else "it does not say that it was deleted"
    if request.operation == "openai:SetRateLimit" and answer.get("id") != request.parameters["rate_limit_id"]:
        return "it is about another rate limit, or none"
    for name, wanted in call.body.items():
        told = answer.get(name)
        same = sorted(told) == sorted(wanted) if isinstance(told, list) and isinstance(wanted, list) else told == wanted
        if not same:
            return f"its {name} is another one than was asked for, or missing"
    return None


OPENAI = Interface("openai", CALLS, _fault_of)
