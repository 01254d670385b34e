"""Work of a language model that a cheaper model does as well, by an evaluation that the home names.

Price alone recommends the worst model for everything. Whether another one does this work as well, and may be used for
it, nobody can read from a bill; so the rule speaks only of uses for which somebody wrote down that both are so.
"""

from dataclasses import replace
from typing import Any

from lake.metered import Metered
from tools.rules.form import Form, Limit
from tools.rules.judged import Judgement, Look
from tools.rules.model_work import judge_at

OURS = "ours"
FORM = Form(
    number="21",
    name="cheaper_model",
    title="Work of a language model that a cheaper one does as well",
    evidence=(
        "tokens by class, with their list cost, on the bill",
        "a price of the other model for each of these classes, from the price list of models",
        "an evaluation of the other model for this use case, named in `evaluated`",
    ),
    fires="the use is named in `evaluated`, and the other model's tokens cost less",
    limits=(
        Limit("evaluated", "uses as `USE CASE: MODEL > OTHER MODEL`, evaluated as no worse and allowed", "yours"),
        Limit("through", "uses as `USE CASE: GATEWAY team ID` or `USE CASE: GATEWAY key HASH`, all of whose requests go"
              " through that team or key of LiteLLM; without it people carry the change out", "yours"),
        Limit("more_tokens_percent", "% of tokens that the other model needs besides (retries)", OURS),
        Limit("least_percent", "% cheaper, at least", "ours: below it a release costs more"),
        Limit("least_per_month", "of the bill's currency a month", "ours: below it a release costs more"),
    ),
    saving="for each class of tokens, its cost × (1 - price of the other model, retries included ÷ own price)",
    risk="high: answers may be worse where the evaluation did not look",
    reversibility="reversible: the earlier model can be named again",
    kind="set_model_alias",
    undo="set_model_alias with what answered before",
    drift=("model_alias", "other_aliases", "team_alias", "models", "resource", "named", "team", "blocked", "expires",
           "tags"),
    order=30,
    otherwise="Name the gateway's team or key that it calls through in savings.toml (through), or change it where the"
    " model is called.",
)  # fmt: skip


def judge(resource: Metered, look: Look) -> Judgement | None:
    """The verdict on a use of a model that the home names as evaluated; None for any other."""
    limits = look.limits.cheaper_model
    other = limits.routes().get((resource.use_case.casefold(), resource.model.casefold()))
    if other is None or not resource.model:
        return None
    why = f"{resource.model} for {resource.use_case}: {other} was evaluated for it"
    more = limits.more_tokens_percent / 100
    said = judge_at(FORM, resource, look, model=other, prices=look.model_prices, limits=limits, why=why, more=more)
    if not said.finding.verdict.saves:
        return said
    there = limits.gateways().get(resource.use_case.casefold())
    if there is None:
        untold = "no gateway is named that it calls through, so people change it where the model is called"
        return replace(said, why=f"{why}; {untold}")
    return replace(said, change=_alias(resource.model, other, *there))


def _alias(model: str, other: str, gateway: str, whose: str, name: str) -> dict[str, Any]:
    """The change that lets the other model answer there."""
    return {"kind": FORM.kind, "account": gateway, whose: name, "model": model, "after": {"model": other}}
