"""What LiteLLM's proxy is sent: its own paths and fields, and what its answer to each must say.

A request body names a key by its hash, which the proxy takes in place of the key. Both parts of a budget are always
sent, since a part that is left out would stay as it was; aliases are always sent whole, since one that is left out is
taken away.
"""

from collections.abc import Mapping
from typing import Any

from approvals.changes.step import Request
from approvals.executors.admin import Call, Interface, amount

PATHS = {
    "litellm:BlockKey": "/key/block",
    "litellm:UnblockKey": "/key/unblock",
    "litellm:UpdateKey": "/key/update",
    "litellm:UpdateTeam": "/team/update",
    "litellm:UpdateKeyAliases": "/key/update",
    "litellm:UpdateTeamAliases": "/team/update",
}
"""The path of each operation that LiteLLM is sent."""


def _call(request: Request) -> Call:
    body: dict[str, Any] = dict(request.parameters)
    if body.get("max_budget") is not None:
        body["max_budget"] = amount(body["max_budget"])
    return Call("POST", PATHS[request.operation], body)


def _fault_of(request: Request, answer: Mapping[str, Any]) -> str | None:
    """What is wrong with the answer, in words; None if it says that this very request was taken."""
    wanted = request.parameters.get("key") or request.parameters["team_id"]
    named = [answer.get(name) for name in ("token", "key", "team_id")]
    if wanted not in named:
        return "it names another key or team, or none"
    if request.operation in ("litellm:BlockKey", "litellm:UnblockKey"):
        blocked = answer.get("blocked")
        return None if blocked is (request.operation == "litellm:BlockKey") else f"it says that blocked is {blocked}"
    return None


LITELLM = Interface("litellm", dict.fromkeys(PATHS, _call), _fault_of, marked_by="litellm-changed-by")
