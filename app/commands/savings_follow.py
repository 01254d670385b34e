"""`spendgate savings --proposed|--approved|--realised|--shadow`: how far savings got, and what the bill says of them.

Promised and realised never stand in one column: the first is a rate that people decided on, the second was measured.
"""

from decimal import Decimal
from typing import Any

from app.commands.console import hint, print_json, print_table
from app.commands.desk import desk_here
from app.commands.here import place
from app.database import reading
from app.saved import Stage, saved
from tools.desk import Desk
from tools.realised import Deed, Followed, follow, shadow, together
from tools.result import display
from tools.shown import shown

MEASURED = (Stage.REALISED, Stage.SHADOW)
NONE = {
    Stage.PROPOSED: "No saving waits for votes.",
    Stage.APPROVED: "No saving is approved and not yet carried out.",
    Stage.REALISED: "No saving was carried out and checked yet.",
    Stage.SHADOW: "Nothing was rehearsed yet: run the worker with SPENDGATE_WORKER_EXECUTOR=rehearsal.",
}


def run(stage: Stage, *, person: str | None = None, as_json: bool = False) -> None:
    """Lists the savings of one stage, oldest first; sums by currency and remarks go to stderr."""
    desk = desk_here(person)
    with reading(place("ask the bill").engine) as (session, _):
        deeds = saved(session, stage, scope=desk.scope)
    report(desk, stage, deeds, as_json=as_json)


def report(desk: Desk, stage: Stage, deeds: list[Deed], *, as_json: bool) -> None:
    """Prints these; what was carried out or rehearsed is first held against the bill."""
    if stage in MEASURED:
        _measured(desk, stage, follow(desk, deeds, rehearsed=stage is Stage.SHADOW), as_json=as_json)
        return
    sums = together([(deed.currency, deed.promised) for deed in deeds])
    if as_json:
        told = [{**_named(deed), "promised_per_month": _text(deed.promised)} for deed in deeds]
        print_json({"stage": str(stage), "savings": told, "per_month": {k: _text(v) for k, v in sums.items()}})
        return
    rows = [(deed.proposal, deed.name, deed.rule, deed.team, display(deed.promised, deed.currency)) for deed in deeds]
    print_table(("Proposal", "Name", "Rule", "Team", "Promised a month"), rows, right=frozenset({"Promised a month"}))
    if not deeds:
        hint(NONE[stage])
    for currency, value in sums.items():
        hint(f"Promised a month, {stage}: {display(value, currency)}.")


def _measured(desk: Desk, stage: Stage, told: list[Followed], *, as_json: bool) -> None:
    saved_so_far = {
        one.deed.proposal: shadow(one) if stage is Stage.SHADOW else one.measured.cash
        for one in told
        if one.measured is not None
    }
    sums = together(
        [(one.deed.currency, value) for one in told if (value := saved_so_far.get(one.deed.proposal)) is not None]
    )
    if as_json:
        told_json = [_json(one, saved_so_far.get(one.deed.proposal)) for one in told]
        print_json({"stage": str(stage), "savings": told_json, "saved": {k: _text(v) for k, v in sums.items()}})
        return
    what = "Would have saved" if stage is Stage.SHADOW else "Saved in cash"
    headings = ("Proposal", "Name", "Rule", "Since", "Days", "Promised", what, "Why it differs, or why it is not known")
    rows = [_row(one, stage, saved_so_far.get(one.deed.proposal)) for one in told]
    print_table(headings, rows, right=frozenset({"Days", "Promised", what}))
    if not told:
        hint(NONE[stage])
    for currency, value in sums.items():
        hint(f"{what}: {display(value, currency)}, measured on the bill.")
    for one in told:
        if stage is Stage.REALISED and one.measured is not None and one.measured.dearer:
            hint(
                f"{shown(one.deed.name)} costs more since {one.deed.proposal}. Ask people to undo it with: "
                f"spendgate proposals undo {one.deed.proposal}"
            )
    if told:
        hint(
            "Measured: the same weekdays before the change, less what was billed since. All of it is reduction of what "
            "was paid before; nothing here is avoidance."
        )


def _row(one: Followed, stage: Stage, value: Decimal | None) -> tuple[str, ...]:
    deed, found = one.deed, one.measured
    head = (deed.proposal, shown(deed.name), deed.rule, deed.at.isoformat())
    if found is None:
        return (*head, "", "", "", one.why)
    why = found.cause if stage is Stage.REALISED else ""
    shown_value = "" if value is None else display(value, deed.currency)
    return (*head, str(found.days), display(found.promised, deed.currency), shown_value, why)


def _json(one: Followed, value: Decimal | None) -> dict[str, Any]:
    found = one.measured
    head = {**_named(one.deed), "since": one.deed.at, "saved": None if value is None else _text(value)}
    if found is None:
        return {**head, "why": one.why}
    return {
        **head,
        "days": found.days,
        "counterfactual": _text(found.counterfactual),
        "actual": _text(found.actual),
        "realised": _text(found.realised),
        "promised": _text(found.promised),
        "gap": _text(found.gap),
        "why": found.cause,
        "dearer": found.dearer,
        "booked_as": "reduction",
    }


def _named(deed: Deed) -> dict[str, Any]:
    return {
        "proposal": deed.proposal,
        "name": deed.name,
        "rule": deed.rule,
        "team": deed.team,
        "change": deed.title,
        "currency": deed.currency,
    }


def _text(value: Decimal) -> str:
    return format(value, "f")
