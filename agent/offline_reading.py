"""The offline reader: plain observations on a sealed document, by tables. No language is understood here.

They stand before every model's remarks as well, since what is computed from fields cannot be talked out of its result:
a hostile name may silence a model, and "this cannot be undone" is said all the same.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from agent.remarks import MOST_TEXT, About, Remark, Severity, in_order, plain_text
from audit.moment import utc_time

SIGNED = "offline reader"
MANY = 5
SOON = timedelta(hours=2)
FINAL = ("irreversible", "commitment")
_PROTECTED = {"stop_protection": "stop protection", "termination_protection": "termination protection"}
_PRODUCTION = frozenset({"production", "prod", "live"})
Document = Mapping[str, Any]
_Found = Iterable[tuple[Severity, About, str]]


def observations(document: Document) -> tuple[Remark, ...]:
    """What the fields of the document say that an approver should not overlook, gravest first."""
    found = (*_of_the_change(document), *_of_the_policy(document), *_of_the_amount(document), *_of_the_rest(document))
    return in_order(
        Remark(severity=severity, about=about, text=plain_text(text)[:MOST_TEXT]) for severity, about, text in found
    )


def _of_the_change(document: Document) -> _Found:
    class_name = str(_table(document, "policy").get("class_name", ""))
    final = str(document.get("reversibility", "")).startswith(FINAL) or class_name in FINAL
    steps = [step for step in _list(document, "steps") if isinstance(step, Mapping)]
    if final:
        yield "danger", "reversibility", "it cannot be undone"
    elif any(step.get("inverse") is None for step in steps):
        yield "doubt", "steps", "not every step has an inverse that was sealed with it"
    if _table(document, "change").get("provider") == "spendgate":
        yield "danger", "policy", "it changes the gate itself"
    if document.get("supersedes"):
        yield "note", "change", "it replaces an earlier proposal"
    if document.get("inverse_of"):
        yield "note", "change", "it undoes an earlier change"


def _of_the_policy(document: Document) -> _Found:
    policy, evidence = _table(document, "policy"), _table(document, "evidence")
    if policy.get("authority") == "break_glass":
        yield "danger", "incident", "it was asked for as an emergency and is reviewed only afterwards"
    environment, told = policy.get("environment"), evidence.get("environment")
    if environment == "production":
        yield "note", "policy", "it counts as production"
    if (
        isinstance(told, str)
        and told.strip()
        and (told.strip().lower() in _PRODUCTION) != (environment == "production")
    ):
        yield "doubt", "evidence", f"the bill calls its environment {_short(told)}, the gate counts it otherwise"


def _of_the_amount(document: Document) -> _Found:
    amount, evidence = _table(document, "amount"), _table(document, "evidence")
    of_the_gate = _table(document, "change").get("provider") == "spendgate"
    if amount.get("value") is None and not of_the_gate:
        yield "doubt", "amount", "what it costs in a year is not known"
    together = _table(_table(document, "policy"), "together")
    if together.get("others"):
        yield "note", "amount", "it was judged together with other proposals of the same scope"
    cost, saving = _decimal(amount.get("value")), _decimal(evidence.get("saving"))
    if cost is not None and saving is not None and saving > abs(cost):
        yield "doubt", "evidence", "the saving that is told is more than what it costs"
    if not of_the_gate and not _list(evidence, "figures"):
        yield "doubt", "evidence", "no figure of the bill stands behind it"


def _of_the_rest(document: Document) -> _Found:
    fields, evidence = _table(document, "preconditions"), _table(document, "evidence")
    for name, words in _PROTECTED.items():
        if fields.get(name) is True:
            yield "doubt", "preconditions", f"it has {words}: somebody wanted it kept as it is"
    if fields.get("scaling_group", "none") != "none":
        yield "doubt", "preconditions", "it belongs to a scaling group, which may replace it"
    if len(_list(document, "blast_radius")) > MANY:
        yield "doubt", "blast_radius", "it reaches many resources; read the whole list"
    tagged, told = _team(str(document.get("scope", ""))), str(evidence.get("team") or "").strip().lower()
    if tagged and told and tagged != told:
        yield "doubt", "evidence", f"its tags say team {_short(tagged)}, the evidence says team {_short(told)}"
    try:
        span = utc_time(str(document["expires_at"])) - utc_time(str(document["sealed_at"]))
    except (KeyError, ValueError):
        return
    if span <= SOON:
        yield "note", "expiry", "there is little time to decide"


def _team(scope: str) -> str:
    """The team in "reversible · team fraud"; empty where the scope is an account."""
    _, mark, team = scope.rpartition(" · team ")
    return team if mark else ""


def _short(text: str) -> str:
    return repr(" ".join(text.split())[:40])


def _table(document: Document, name: str) -> Document:
    value = document.get(name)
    return value if isinstance(value, Mapping) else {}


def _list(document: Document, name: str) -> list[Any]:
    value = document.get(name)
    return list(value) if isinstance(value, list | tuple) else []


def _decimal(value: Any) -> Decimal | None:
    try:
        return Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None
