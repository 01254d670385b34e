"""One card in every state of the gate: as it was looked at and found right, inside Slack's limits, and inspectable.

The golden files hold each card's blocks. After a change that is meant, write them anew with SPENDGATE_GOLDEN=write and
look at the difference.
"""

import json
import os
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from approvals.card import Card, SlotShown, VoteShown
from approvals.risk import Risk
from approvals.states import TERMINAL, WORDS, State
from sandbox.slack.limits import MESSAGE
from sandbox.slack.validation import findings_in_message, findings_in_view
from tests.app.slack.hostile_names import NAMES
from tests.app.slack.test_cards import card, drawn, offered

GOLDEN = Path(__file__).parent / "golden"
VOTED = (VoteShown("p-0b0b0002", "approve", datetime(2026, 11, 23, 9, 30, tzinfo=UTC)),)
OPEN_TO_VOTES = frozenset({State.PENDING, State.PARTIAL})
REJECTABLE = OPEN_TO_VOTES | {State.APPROVED, State.HELD}
UNDOABLE = frozenset({State.VERIFIED, State.DIVERGED, State.REVIEW_DUE, State.REVIEWED_OK, State.REVIEWED_BAD})


def in_state(state: State, **more: Any) -> Card:
    """The sample card as `approvals.card.project` tells it in this state."""
    told: dict[str, Any] = {
        "state": state,
        "words": WORDS[state],
        "approvable": state in OPEN_TO_VOTES,
        "rejectable": state in REJECTABLE,
        "withdrawable": state in REJECTABLE | {State.SEALED},
        "undoable": state in UNDOABLE,
        "terminal": state in TERMINAL,
        "votes": () if state in (State.PENDING, State.SEALED) else VOTED,
        "slots": (SlotShown("approver or manager", None if state in OPEN_TO_VOTES else "p-0b0b0002"),),
        "reason": "the instance was started by somebody else" if state in (State.STALE, State.DIVERGED) else None,
    }
    return card(**(told | more))


SHOWN = {
    **{state.value: in_state(state) for state in State if state not in (State.DRAFT, State.UNSEALABLE)},
    "pending, medium risk": in_state(State.PENDING, risk=Risk.MEDIUM),
    "pending, high risk": in_state(State.PENDING, risk=Risk.HIGH),
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_card_looks_as_it_did_when_it_was_found_right(name: str) -> None:
    text, blocks = drawn(SHOWN[name])
    assert findings_in_message(blocks) == []
    assert sum(len(json.dumps(block)) for block in blocks) < MESSAGE.all_block_text
    assert len(text) <= 300
    file = GOLDEN / f"card {name}.json"
    now = json.dumps({"text": text, "blocks": blocks}, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("SPENDGATE_GOLDEN") == "write":
        file.write_text(now)
    assert now == file.read_text()


@pytest.mark.parametrize("name", SHOWN)
def test_a_card_says_its_state_first_and_labels_every_button(name: str) -> None:
    text, blocks = drawn(SHOWN[name])
    said = SHOWN[name].words
    assert text.lower().startswith(said[:40])
    assert blocks[0]["text"]["text"].lower().startswith(said[:40])
    elements = [one for block in blocks if block["type"] == "actions" for one in block["elements"]]
    visible = [one for one in elements if one["type"] == "button"]
    assert len(visible) <= 3
    assert all(one["accessibility_label"] for one in visible)
    assert len(elements) == len({one["action_id"] for one in elements})


def test_every_way_of_approving_goes_by_the_risk() -> None:
    assert offered(drawn(in_state(State.PENDING))[1])[0] == "approve"
    assert offered(drawn(in_state(State.PENDING, risk=Risk.MEDIUM))[1])[0] == "approve_reason"
    assert offered(drawn(in_state(State.PENDING, risk=Risk.HIGH))[1])[0] == "approve_page"


def test_without_pages_a_change_of_high_risk_says_where_it_is_decided() -> None:
    from app.slack.cards import card_blocks
    from tests.app.slack.test_cards import PEOPLE

    _, blocks = card_blocks(in_state(State.PENDING, risk=Risk.HIGH), people=PEOPLE, team="T0BANK", pages=False)
    assert offered(blocks) == ["reject", "ask", "more"]
    assert "spendgate decide P-0000000001" in json.dumps(blocks)


# -- names from outside ----------------------------------------------------------------------------------------------


def hidden(text: str) -> list[str]:
    """Characters that a reader cannot see, or that turn the direction in which the rest is read."""
    return [one for one in text if unicodedata.category(one) in ("Cf", "Cc", "Co", "Cs", "Cn") and one != "\n"]


def mentions(text: str) -> list[str]:
    """What Slack would make a mention or a link of, besides the people and times that the card itself names."""
    found = []
    for part in text.split("<")[1:]:
        if not part.startswith(("@U0ARJUN>", "!date^")):
            found.append(part[:30])
    return found


def strings(value: Any) -> list[str]:
    """Every text that is shown, wherever it stands."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for one in value for text in strings(one)]
    if isinstance(value, dict):
        return [
            text for key, one in value.items() if key not in ("value", "block_id", "action_id") for text in strings(one)
        ]
    return []


def test_the_corpus_is_large_and_has_no_name_twice() -> None:
    assert len(NAMES) >= 2000
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("every", [20, pytest.param(1, marks=pytest.mark.slow)])
def test_no_hostile_name_acts_on_a_card_and_nearly_all_can_be_inspected(every: int) -> None:
    """Each name as a resource's name, a team, a step and an effect: nothing silent, and under one in a hundred so long
    that the card cannot show it whole (it is then not approvable, and says so)."""
    plain = in_state(State.PENDING)
    names, uninspectable = NAMES[::every], 0
    for name in names:
        step = replace(plain.steps[0], sentence=f"ec2:StopInstances {name}")
        evil = replace(plain, resource_name=name, team=name, blast_radius=(name,), steps=(step,), title=f"Stop {name}")
        text, blocks = drawn(evil)
        assert findings_in_message(blocks) == [], name
        for said in [text, *strings(blocks)]:
            assert hidden(said) == [], ascii(name)
            assert mentions(said) == [], ascii(name)
        approvable = any(one.startswith("approve") for one in offered(blocks))
        told = "cannot be approved from Slack" in json.dumps(blocks)
        assert approvable != told, ascii(name)
        uninspectable += told
    assert uninspectable / len(names) < 0.01


def test_every_dialog_is_valid_with_the_longest_and_the_most_hostile() -> None:
    from app.slack.dialogs import About, approve_view, ask_view, lend_view, reject_view, withdraw_view

    it = About("P-0000000001", "ab" * 32, "C0APPROVE")
    views = [reject_view(it), ask_view(it), withdraw_view(it), lend_view(it, roles=["approver", "owner"])]
    views += [approve_view(it, title=name) for name in NAMES[:300]]
    for view in views:
        assert findings_in_view(view) == []
