"""What the proxy of the gateway's tests holds, a change of each kind, and what is done with one."""

from collections.abc import Callable
from typing import Any

from approvals.claim import claim
from approvals.lease import Claim
from sandbox.litellm.proxy import hash_of, key_row, team_row
from tests.approvals.gate_stubs import SAM

MASTER = "sk-master-3f9a"
TAGS = {"environment": "development", "team": "Risk Models"}
CHAT, AGENT, SHUT, SPENT, SHARED, OLD, GONE, ODD, EVER, LEFT = (
    f"sk-{name}" for name in ("chat", "agent", "shut", "spent", "shared", "old", "gone", "odd", "ever", "left")
)
KEYS = [
    key_row(CHAT, key_alias="chat", spend=312.4051, metadata=TAGS, team_id="fraud"),
    key_row(AGENT, key_alias="agent", spend=10.0, max_budget=500.0, budget_duration="30d", metadata=TAGS),
    key_row(SHUT, blocked=True, metadata=TAGS),
    key_row(SPENT, spend=900.0, metadata={"tags": ["environment:development", "team: Risk Models", "loose"]}),
    key_row(SHARED, budget_id="b-1", metadata=TAGS),
    key_row(OLD, status="expired", metadata=TAGS),
    key_row(GONE, status="deleted", deleted_at="2026-11-01T00:00:00Z"),
    key_row(ODD, max_budget=0.123456789, metadata=TAGS),
    key_row(EVER, max_budget=500.0, metadata=TAGS),
    key_row(LEFT, budget_duration="1d", metadata=TAGS),
    key_row(MASTER, metadata=TAGS),
]
TEAMS = [team_row("fraud", team_alias="Fraud", spend=4000.0, max_budget=12000.0, metadata=TAGS)]
CHEAP = {"amount": "900", "currency": "USD"}
PLACE = {"account": "litellm"}


def block(key: str = CHAT, **more: Any) -> dict[str, Any]:
    return {"kind": "block_gateway_key", **PLACE, "key": hash_of(key)} | more


def unblock(key: str = SHUT, **more: Any) -> dict[str, Any]:
    return {"kind": "unblock_gateway_key", **PLACE, "key": hash_of(key)} | more


def budget(key: str = AGENT, **more: Any) -> dict[str, Any]:
    after = {"max_budget": "24.5", "duration": "1d"}
    return {"kind": "set_gateway_budget", **PLACE, "key": hash_of(key), "after": after} | more


def first_budget(key: str = CHAT, **more: Any) -> dict[str, Any]:
    """As the rules about keys propose it: the key had none before."""
    return budget(key, **more)


def team_budget(team: str = "fraud", **more: Any) -> dict[str, Any]:
    after = {"max_budget": "8000", "duration": "30d"}
    return {"kind": "set_gateway_budget", **PLACE, "team": team, "after": after} | more


Make = Callable[[], dict[str, Any]]
EACH: list[tuple[Make, str, tuple[str, str, str], tuple[str, str, str]]] = [
    (block, "BlockKey", (f"{hash_of(CHAT)} blocked", "False", "True"), (f"{hash_of(CHAT)} blocked", "True", "False")),
    (unblock, "UnblockKey", (f"{hash_of(SHUT)} blocked", "True", "False"),
     (f"{hash_of(SHUT)} blocked", "False", "True")),
    (budget, "UpdateKey", (f"{hash_of(AGENT)} budget", "500.0 30d", "24.5 1d"),
     (f"{hash_of(AGENT)} budget", "24.5 1d", "500.0 30d")),
    (first_budget, "UpdateKey", (f"{hash_of(CHAT)} budget", "None None", "24.5 1d"),
     (f"{hash_of(CHAT)} budget", "24.5 1d", "None 1d")),
    (team_budget, "UpdateTeam", ("fraud budget", "12000.0 None", "8000.0 30d"),
     ("fraud budget", "8000.0 30d", "12000.0 None")),
]  # fmt: skip
IDS = ["block", "unblock", "key budget", "first budget", "team budget"]


def claimed(gate: Any, change: dict[str, Any]) -> Claim:
    row = gate.approved(SAM, change=change, evidence=CHEAP)
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    assert isinstance(got, Claim), got
    return got
