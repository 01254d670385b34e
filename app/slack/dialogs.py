"""The dialogs that a card opens: why it is approved or rejected, a question, a withdrawal, a vote lent.

Each carries which proposal it is about, the digest that was shown and the channel in which it was opened; what it is
worth is judged when it is submitted.
"""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from tools.shown import shown

View = dict[str, Any]
LEAST_REASON, MOST_REASON = 3, 1000
KEPT = "Kept encrypted under your own key; the log holds a reference."
DAYS = (1, 3, 7, 14)
WHY_NOT = "why_not_helpful"
MARK = "mark_anomaly"


class About(NamedTuple):
    """What a dialog is about, and where it was opened."""

    proposal: str
    digest: str
    channel: str


def about(view: dict[str, Any]) -> About:
    """What a submitted dialog says that it is about; empty texts for one that is not ours."""
    try:
        held = json.loads(view["private_metadata"])
        return About(plain(held["proposal"], 40), plain(held["digest"], 80), plain(held.get("channel", ""), 40))
    except (KeyError, TypeError, ValueError):
        return About("", "", "")


def plain(value: object, most: int) -> str:
    """An id as it comes back from Slack; empty for anything that is none of ours, so that no query ever sees it."""
    text = str(value)
    return text[:most] if text.isascii() and text.isprintable() else ""


def written(view: dict[str, Any], block: str = "reason") -> str:
    """What was written into the dialog's field."""
    try:
        return str(view["state"]["values"][block]["text"]["value"] or "")
    except (KeyError, TypeError):
        return ""


def chosen(view: dict[str, Any], block: str) -> str:
    """What was chosen in the dialog's list: an option's value or a user's id."""
    try:
        state = view["state"]["values"][block]["choice"]
        return str(state.get("selected_user") or state["selected_option"]["value"])
    except (KeyError, TypeError, AttributeError):
        return ""


def reject_view(it: About) -> View:
    """The dialog that asks why not."""
    return _modal(
        it, "reject_reason", "Reject", "Reject", [_text(f"Why should {it.proposal} not be done?"), _small(KEPT)]
    )


def approve_view(it: About, *, title: str) -> View:
    """The dialog of a change of medium risk: what it is once more, and why it is right."""
    lead = {"type": "section", "text": {"type": "plain_text", "text": shown(title, 2900)}}
    asked = _text("Why is this right?")
    return _modal(it, "approve_with_reason", "Approve", "Approve", [lead, asked, _small(KEPT)])


def ask_view(it: About) -> View:
    """The dialog for a question about a proposal."""
    note = "Your question stands in the card's thread, where everybody there reads it. Spendgate answers what it knows."
    return _modal(
        it, "ask_question", "Ask", "Ask", [_text(f"What do you want to know about {it.proposal}?"), _small(note)]
    )


def withdraw_view(it: About) -> View:
    """The dialog before a requester takes a proposal back."""
    told = f"{it.proposal} ends, with all its votes, and nothing is changed. Only whoever asked for it can do this."
    lead = {"type": "section", "text": {"type": "plain_text", "text": told}}
    return _modal(it, "withdraw_proposal", "Withdraw", "Withdraw", [lead])


def lend_view(it: About, *, roles: Sequence[str]) -> View:
    """The dialog by which somebody lends a role for some days."""
    person = {"type": "users_select", "action_id": "choice", "placeholder": _plain("Choose a person")}
    blocks = [
        {"type": "input", "block_id": "person", "label": _plain("Who votes in your place?"), "element": person},
        _list("role", "Which role?", [(role, role) for role in roles]),
        _list("days", "For how long?", [(str(days), f"{days} day{'s' if days > 1 else ''}") for days in DAYS]),
        _small(
            "It ends by itself; `spendgate delegations end` ends it earlier. A lent role never makes two votes of one."
        ),
    ]
    return _modal(it, "lend_vote", "Lend my vote", "Lend", blocks)


def day(view: dict[str, Any], block: str) -> date | None:
    """The day that was chosen in the dialog; None where none was, or what came back is no day."""
    try:
        return date.fromisoformat(view["state"]["values"][block]["day"]["selected_date"])
    except (KeyError, TypeError, ValueError):
        return None


def mark_view(held: str, *, what: str, title: str, days: Sequence[tuple[str, str, date]]) -> View:
    """The dialog in which somebody says what unusual spend is: which event, the days that are asked for, each with its
    label and the day that is proposed, and why."""
    lead = {"type": "section", "text": _plain(shown(what, 2900))}
    asked = [_day(block, label, proposed) for block, label, proposed in days]
    note = f"It stays listed, and is not told again for as long as that holds. {KEPT}"
    return _dialog(held, MARK, title, "Note", [lead, *asked, _text("Why?"), _small(note)])


def why_not_view(turn: str, channel: str) -> View:
    """The dialog that asks why an answer was not helpful; it may be left empty."""
    asked = {**_text("What was wrong or missing?"), "optional": True}
    lead = {"type": "section", "text": _plain("Your rating is noted already. A reason helps whoever mends it.")}
    small = "Kept encrypted under your own key, and never shown to the model."
    held = json.dumps({"turn": turn, "channel": channel})
    return _dialog(held, WHY_NOT, "Not helpful", "Send", [lead, asked, _small(small)])


def _modal(it: About, callback: str, title: str, submit: str, blocks: list[View]) -> View:
    return _dialog(json.dumps(it._asdict()), callback, title, submit, blocks)


def _dialog(held: str, callback: str, title: str, submit: str, blocks: list[View]) -> View:
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": held,
        "title": _plain(title),
        "submit": _plain(submit),
        "close": _plain("Cancel"),
        "blocks": blocks,
    }


def _text(label: str) -> View:
    field = {
        "type": "plain_text_input",
        "action_id": "text",
        "multiline": True,
        "min_length": LEAST_REASON,
        "max_length": MOST_REASON,
    }
    return {"type": "input", "block_id": "reason", "label": _plain(label), "element": field}


def _list(block: str, label: str, options: Sequence[tuple[str, str]]) -> View:
    select = {
        "type": "static_select",
        "action_id": "choice",
        "options": [{"text": _plain(text), "value": value} for value, text in options],
    }
    return {"type": "input", "block_id": block, "label": _plain(label), "element": select}


def _day(block: str, label: str, proposed: date) -> View:
    picker = {"type": "datepicker", "action_id": "day", "initial_date": proposed.isoformat()}
    return {"type": "input", "block_id": block, "label": _plain(label), "element": picker}


def _small(text: str) -> View:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def _plain(text: str) -> View:
    return {"type": "plain_text", "text": text}
