"""A card shows the whole decision, within Slack's limits, and nothing that came from outside can act in it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from app.database import reading
from app.slack.answers import answer_blocks, parts
from app.slack.cards import card_blocks
from app.slack.dialogs import About, reject_view
from approvals.active import active
from approvals.card import Card, SlotShown, StepShown, project
from approvals.person import People, Person
from approvals.states import State
from sandbox.slack.validation import findings_in_message, findings_in_view

PEOPLE = People(by_id={"p-0b0b0002": Person("p-0b0b0002", "Arjun Rao", slack=(("T0BANK", "U0ARJUN"),))})


def card(**more: Any) -> Card:
    made = Card(
        proposal="P-0000000001",
        version=2,
        state=State.PENDING,
        words="waiting for approval",
        title="Stop EC2 instance i-0123456789abcdef0 in us-east-1 (account 471852036911)",
        resource="arn:aws:ec2:us-east-1:471852036911:instance/i-0123456789abcdef0",
        resource_name="train-1",
        environment="non_production",
        requester="p-0a11ce01",
        reversibility="reversible",
        blast_radius=("i-0123456789abcdef0",),
        steps=(
            StepShown(
                1,
                "ec2:StopInstances i-0123456789abcdef0",
                "00",
                "state: running",
                "state: stopped",
                "ec2:StartInstances",
                "not sent",
            ),
        ),
        preconditions={},
        amount="46208.6496",
        saving="46208.6496",
        currency="USD",
        window="9 to 22 November 2026",
        team="credit-risk",
        figures=({"label": "train-1: CPU, highest", "display": "2.9 %", "period": "9 to 22 November 2026"},),
        policy="reversible in non-production",
        slots=(SlotShown("approver or manager", None),),
        votes=(),
        digest="ab" * 32,
        digest8="abababab",
        expires_at=datetime(2026, 11, 26, tzinfo=UTC),
        execute_by=None,
        reason=None,
        hint=None,
        approvable=True,
        rejectable=True,
        withdrawable=True,
        terminal=False,
        rehearsal=False,
    )
    return replace(made, **more)


def drawn(one: Card) -> tuple[str, list[dict[str, Any]]]:
    return card_blocks(one, people=PEOPLE, team="T0BANK", pages=True)


def offered(blocks: list[dict[str, Any]]) -> list[str]:
    """Every button and menu, in order."""
    return [e["action_id"] for block in blocks if block["type"] == "actions" for e in block["elements"]]


def actions(blocks: list[dict[str, Any]]) -> list[str]:
    """What is offered to decide, whichever way an approval takes; asking and the menu decide nothing."""
    return [name.split("_")[0] for name in offered(blocks) if name not in ("ask", "more")]


def test_the_decision_stands_on_the_card_and_in_its_text() -> None:
    text, blocks = drawn(card())
    shown = json.dumps(blocks)
    for word in ("Waiting for approval", "46,208.65 USD", "CPU, highest", "2.9 %", "approver or manager", "abababab"):
        assert word in shown
    assert text.startswith("Waiting for approval: Stop EC2 instance i-0123456789abcdef0")
    assert offered(blocks) == ["approve", "reject", "ask", "more"]


def test_an_ended_proposal_offers_nothing() -> None:
    _, blocks = drawn(card(state=State.VERIFIED, words="done and checked", approvable=False, rejectable=False))
    assert actions(blocks) == []
    assert blocks[0]["text"]["text"].startswith("Done and checked")


def test_what_cannot_be_shown_whole_cannot_be_approved() -> None:
    _, blocks = drawn(card(blast_radius=tuple(f"i-{n:017x}" for n in range(600))))
    assert actions(blocks) == ["reject"]
    assert "cannot be approved from Slack" in json.dumps(blocks)


HOSTILE = [
    "<!channel> look", "<https://evil.example|Approve>", "*bold* `code` ~gone~", "\u202egnp.exe", "zero\u200bwidth",
    "{q1.r1.effective}", "a" * 4000, "line\nbreak", "<@U0ARJUN>",
]  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_names_from_outside_are_data(hostile: str) -> None:
    evil = card(resource_name=hostile, team=hostile, reason=hostile, blast_radius=(hostile,))
    text, blocks = drawn(evil)
    shown = json.dumps(blocks, ensure_ascii=False) + text
    assert "<!channel>" not in shown
    assert "<https:" not in shown
    assert "<@U0ARJUN>" not in shown
    assert "\u202e" not in shown
    assert "\u200b" not in shown
    assert findings_in_message(blocks) == []


words = st.text(max_size=400)


@given(
    name=words, team=words, reason=words, title=st.text(min_size=1, max_size=400), figures=st.lists(words, max_size=40)
)
def test_no_card_breaks_slacks_limits(name: str, team: str, reason: str, title: str, figures: list[str]) -> None:
    told = tuple({"label": label, "display": label, "period": label[:20]} for label in figures)
    _, blocks = drawn(card(resource_name=name, team=team, reason=reason, title=title, figures=told))
    assert findings_in_message(blocks) == []


@given(answer=st.text(max_size=9000), model=words)
def test_no_answer_breaks_slacks_limits(answer: str, model: str) -> None:
    _, blocks = answer_blocks({"answer": answer, "tools": ["query_spend"], "model": model})
    assert findings_in_message(blocks) == []
    assert "".join(parts(answer)).replace("\n", "") == (answer or "(no text)").replace("\n", "")


def test_the_rejections_dialog_is_valid() -> None:
    assert findings_in_view(reject_view(About("P-0000000001", "ab" * 32, "C0APPROVE"))) == []


def test_a_stored_proposal_is_drawn(engine: Engine, sealed: Callable[[str], str]) -> None:
    name = sealed("t-1")
    with reading(engine) as (session, now):
        people = active(session).people
        text, blocks = card_blocks(project(session, name, people, now=now), people=people, team="T0BANK")
    assert name in text
    assert actions(blocks) == []
    assert "<@U0OLIVIA>" in json.dumps(blocks)
