"""What OpenAI's organisation of the gateway's tests holds, and a change of each kind."""

from typing import Any

from sandbox.openai.organisation import project_row

ADMIN = "sk-admin-77c1"
PLACE = {"account": "openai"}
MODELS = ("gpt-4.1", "gpt-5", "gpt-5-mini")
CHAT, OLD = "proj_chat", "proj_old"
PROJECTS = [
    project_row(CHAT, "KYC assistant", models=MODELS),
    project_row(OLD, "Trial", models=MODELS, status="archived", archived_at=1_700_000_001),
]


def spend_limit(project: str = CHAT, **more: Any) -> dict[str, Any]:
    return {"kind": "set_openai_spend_limit", **PLACE, "project": project, "after": {"cents": 250_000}} | more


def rate_limit(project: str = CHAT, **more: Any) -> dict[str, Any]:
    after = {"requests": 60, "tokens": 20_000}
    given = {"project": project, "rate_limit": "rl-gpt-5-mini", "after": after}
    return {"kind": "set_openai_rate_limit", **PLACE, **given} | more


def models(project: str = CHAT, **more: Any) -> dict[str, Any]:
    after = {"mode": "allow_list", "models": ["gpt-5", "gpt-5-mini"]}
    return {"kind": "set_openai_models", **PLACE, "project": project, "after": after} | more


OPENAI_MAKES = (spend_limit, rate_limit, models)
OPENAI_EACH = [
    (spend_limit, "SetSpendLimit", (f"{CHAT} spend_limit", "none", "250000"),
     (f"{CHAT} spend_limit", "250000", "none")),
    (rate_limit, "SetRateLimit", ("rl-gpt-5-mini", "500 30000", "60 20000"),
     ("rl-gpt-5-mini", "60 20000", "500 30000")),
    (models, "SetModelPermissions", (f"{CHAT} model_permissions", "none", "allow_list gpt-5 gpt-5-mini"),
     (f"{CHAT} model_permissions", "allow_list gpt-5 gpt-5-mini", "none")),
]  # fmt: skip
OPENAI_IDS = ["spend limit", "rate limit", "models"]
