"""What the proxy of the gateway's tests holds, a change of each kind, and what is done with one."""

from collections.abc import Callable
from typing import Any

from approvals.claim import claim
from approvals.lease import Claim
from sandbox.litellm.proxy import hash_of, key_row, model_table, team_row
from tests.approvals.gate_stubs import SAM

MASTER = "sk-master-3f9a"
TAGS = {"environment": "development", "team": "Risk Models"}
CHAT, AGENT, SHUT, SPENT, SHARED, OLD, GONE, ODD, EVER, LEFT, BOT, FREE = (
    f"sk-{name}"
    for name in ("chat", "agent", "shut", "spent", "shared", "old", "gone", "odd", "ever", "left", "bot", "free")
)
LISTED = ["gpt-4.1", "gpt-4.1-mini", "gpt-5"]
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
    key_row(BOT, models=LISTED, aliases={"fast": "gpt-4.1-mini", "gpt-5": "gpt-4.1"}, team_id="fraud", metadata=TAGS),
    key_row(FREE, models=["all-team-models"], team_id="claims", metadata=TAGS),
    key_row(MASTER, metadata=TAGS),
]
TEAMS = [
    team_row("fraud", team_alias="Fraud", spend=4000.0, max_budget=12000.0, metadata=TAGS, models=LISTED, model_id=4,
             litellm_model_table=model_table(4, {"kyc": "gpt-5"})),
    team_row("claims", models=LISTED, metadata=TAGS),
    team_row("open", models=["*"], metadata=TAGS),
    team_row("odd", models=LISTED, model_id=5, litellm_model_table=model_table(5, {"kyc": "a model"}), metadata=TAGS),
    team_row("itself", models=LISTED, model_id=6, litellm_model_table=model_table(6, {"gpt-4.1": "gpt-4.1"}),
             metadata=TAGS),
    team_row("nothing", models=LISTED, model_id=7, litellm_model_table=model_table(7, {"gpt-4.1": "none"}),
             metadata=TAGS),
]  # fmt: skip
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


def team_alias(team: str = "fraud", **more: Any) -> dict[str, Any]:
    """One more alias of a team that has others."""
    return {
        "kind": "set_model_alias",
        **PLACE,
        "team": team,
        "model": "gpt-4.1",
        "after": {"model": "gpt-4.1-mini"},
    } | more


def first_alias(**more: Any) -> dict[str, Any]:
    """The first alias of a team, as the rule about cheaper models proposes it."""
    return team_alias("claims", **more)


def key_alias(key: str = BOT, **more: Any) -> dict[str, Any]:
    """Another target of an alias that a key has, beside another one."""
    named = {"key": hash_of(key), "model": "gpt-5", "after": {"model": "gpt-4.1-mini"}}
    return {"kind": "set_model_alias", **PLACE, **named} | more


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
    (team_alias, "UpdateTeamAliases", ("fraud aliases", "kyc > gpt-5", "gpt-4.1 > gpt-4.1-mini, kyc > gpt-5"),
     ("fraud aliases", "gpt-4.1 > gpt-4.1-mini, kyc > gpt-5", "kyc > gpt-5")),
    (first_alias, "UpdateTeamAliases", ("claims aliases", "none", "gpt-4.1 > gpt-4.1-mini"),
     ("claims aliases", "gpt-4.1 > gpt-4.1-mini", "none")),
    (key_alias, "UpdateKeyAliases",
     (f"{hash_of(BOT)} aliases", "fast > gpt-4.1-mini, gpt-5 > gpt-4.1", "fast > gpt-4.1-mini, gpt-5 > gpt-4.1-mini"),
     (f"{hash_of(BOT)} aliases", "fast > gpt-4.1-mini, gpt-5 > gpt-4.1-mini", "fast > gpt-4.1-mini, gpt-5 > gpt-4.1")),
]  # fmt: skip
IDS = [
    "block", "unblock", "key budget", "first budget", "team budget", "team alias", "first alias", "key alias",
]  # fmt: skip


def claimed(gate: Any, change: dict[str, Any]) -> Claim:
    row = gate.approved(SAM, change=change, evidence=CHEAP)
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    assert isinstance(got, Claim), got
    return got
