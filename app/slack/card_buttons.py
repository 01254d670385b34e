"""What a card offers: at most three buttons, the rest in a menu; a pure function of the card.

What is offered is presentation. Whether this person may, on exactly these bytes and by this way, is judged when the
press arrives; so everybody sees the same buttons, and whoever may not is told why.
"""

import json
from typing import Any

from approvals.card import Card
from approvals.risk import Risk
from approvals.states import BEFORE_CLAIM, State
from tools.shown import shown

Block = dict[str, Any]
CONFIRM_LIMIT, LABEL_LIMIT = 300, 75
ASKABLE = BEFORE_CLAIM - {State.SEALED} | {
    State.CLAIMED,
    State.EXECUTING,
    State.UNKNOWN,
    State.RECONCILING,
    State.SUCCEEDED,
}


def decisions(card: Card, *, complete: bool, pages: bool) -> list[Block]:
    """The row of buttons; none for what is over and cannot be undone. `complete`: all that is approved is shown."""
    elements: list[Block] = []
    if card.approvable and complete:
        elements += _approve(card, pages)
    if card.rejectable:
        elements.append(_button(card, "reject", "Reject…", "Reject", style="danger"))
    if card.undoable:
        elements.append(_undo(card))
    if card.state in ASKABLE:
        elements.append(_button(card, "ask", "Ask…", "Ask about"))
    menu = _menu(card)
    if len(menu) > 1:
        more = {"type": "overflow", "action_id": "more", "options": menu}
        elements.append(more)
    if not elements:
        return []
    # A new block id at each version: Slack keeps the state of elements whose block id it knows.
    return [{"type": "actions", "block_id": f"decide-{card.proposal}-{card.version}", "elements": elements}]


def way(card: Card, *, pages: bool) -> str | None:
    """How a change of high risk is approved, where no button does it; None where one does."""
    if not card.approvable or card.risk != Risk.HIGH or pages:
        return None
    return (
        "A change of this risk is not approved by a click. On the machine that runs Spendgate: "
        f"`spendgate decide {card.proposal}`. (With SPENDGATE_PUBLIC_URL there is a page for it.)"
    )


def value(card: Card) -> str:
    """What a button carries: which proposal, and the digest of the bytes that were shown."""
    return json.dumps({"proposal": card.proposal, "digest": card.digest}, separators=(",", ":"))


def _approve(card: Card, pages: bool) -> list[Block]:
    match card.risk:
        case Risk.LOW:
            return [_button(card, "approve", "Approve", "Approve", style="primary", confirm=_confirm(card))]
        case Risk.MEDIUM:
            return [_button(card, "approve_reason", "Approve…", "Approve", style="primary")]
        case _:
            if not pages:
                return []
            return [_button(card, "approve_page", "Review and approve…", "Review and approve", style="primary")]


def _button(
    card: Card, action: str, text: str, verb: str, *, style: str | None = None, confirm: Block | None = None
) -> Block:
    button: Block = {
        "type": "button",
        "action_id": action,
        "text": {"type": "plain_text", "text": text},
        "value": value(card),
        "accessibility_label": shown(f"{verb}: {card.title}", LABEL_LIMIT),
    }
    return button | ({"style": style} if style else {}) | ({"confirm": confirm} if confirm else {})


def _confirm(card: Card) -> Block:
    """What is asked again; one that would be cut names the card instead."""
    told = shown(f"{card.title}. {card.reversibility}.", 10 * CONFIRM_LIMIT)
    whole = told if len(told) <= CONFIRM_LIMIT else f"Exactly what the card with the digest {card.digest8} shows."
    return _asked("Approve this change?", whole, "Approve", "Not yet")


def _undo(card: Card) -> Block:
    """One click asks for the way back that was sealed with the way there; people vote on it like on anything else."""
    told = "This makes a proposal of exactly the inverse that was sealed with it. People vote on it."
    confirm = _asked("Propose to undo this?", told, "Propose", "Not now")
    return _button(card, "undo", "Undo…", "Propose to undo", confirm=confirm)


def _asked(title: str, text: str, yes: str, no: str) -> Block:
    return {
        "title": {"type": "plain_text", "text": title},
        "text": {"type": "plain_text", "text": text},
        "confirm": {"type": "plain_text", "text": yes},
        "deny": {"type": "plain_text", "text": no},
    }


def _menu(card: Card) -> list[Block]:
    """What is needed seldom. Everybody sees it; each entry is its own person's verb."""
    entries = []
    if card.withdrawable:
        entries.append(("withdraw", "Withdraw this proposal…"))
    if card.rejectable and any(vote.choice == "approve" for vote in card.votes):
        entries.append(("take_back", "Take back my approval"))
    if card.approvable:
        entries.append(("lend", "Lend my vote to somebody…"))
    return [
        {
            "text": {"type": "plain_text", "text": text},
            "value": json.dumps({"do": verb, "proposal": card.proposal, "digest": card.digest}, separators=(",", ":")),
        }
        for verb, text in entries
    ]
