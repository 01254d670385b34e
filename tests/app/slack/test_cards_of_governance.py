"""The card in every situation besides the plain one: whole or not approvable, within Slack's limits, and readable."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.card import Card, SlotShown, StepShown
from approvals.states import State
from sandbox.slack.validation import findings_in_message
from tests.app.slack.test_cards import actions, card, drawn
from tools.shown import one_line, shown

DIFFERENCE = (
    "--- in force",
    "+++ proposed",
    "@@ -1,3 +1,3 @@",
    ' [[class]] # {a} *b* ~c~ <d> & "e"',
    '-votes = [["risk", "finops"]]',
    '+votes = [["owner"]]',
)
DUE = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
SITUATIONS: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "an emergency": (
        {"authority": "break_glass", "incident": "INC-20417", "reversibility": "reversible: can be started again"},
        ["*Emergency*", "break-glass for INC-20417"],
        ["approve", "reject"],
    ),
    "an emergency whose review is due": (
        {
            "authority": "break_glass", "incident": "INC-20417", "state": State.REVIEW_DUE, "until": DUE,
            "words": "carried out in an emergency, review due", "approvable": False, "rejectable": False,
            "terminal": True, "undoable": True, "reason": "verified; to be reviewed by 2026-11-26 09:00 UTC",
        },
        ["review by <!date^1795683600^", "2026-11-26 09:00 UTC", "Carried out in an emergency, review due"],
        ["undo"],
    ),
    "one that replaces another": (
        {"supersedes": "P-0000000009"}, ["*Replaces*", "P-0000000009, and its votes"], ["approve", "reject"],
    ),
    "one that undoes another": (
        {"inverse_of": "P-0000000008"}, ["*Undoes*", "P-0000000008"], ["approve", "reject"],
    ),
    "other rules": (
        {"difference": DIFFERENCE}, ["*What changes:*", '+votes = [["owner"]]'], ["approve", "reject"],
    ),
    "a second reading": (
        {"advice": "model: the team is a stranger", "advised_by": "gpt-5"},
        ["Second reading by gpt-5, advice only", "the team is a stranger"],
        ["approve", "reject"],
    ),
    "done, and can be undone": (
        {"state": State.VERIFIED, "words": "done and checked", "approvable": False, "rejectable": False,
         "terminal": True, "undoable": True},
        ["Done and checked", "Undo…"],
        ["undo"],
    ),
    "done, and cannot be undone": (
        {"state": State.VERIFIED, "words": "done and checked", "approvable": False, "rejectable": False,
         "terminal": True, "reversibility": "irreversible: the data is lost"},
        ["irreversible: the data is lost"],
        [],
    ),
    "on hold": (
        {"state": State.HELD, "words": "approved, on hold", "approvable": False,
         "reason": "the kill switch for everything is on", "hint": "no worker since 14:02 UTC"},
        ["*Reason:* the kill switch", "*Waiting:* no worker since 14:02"],
        ["reject"],
    ),
    "everything at once": (
        {"authority": "break_glass", "incident": "INC-1", "supersedes": "P-0000000009", "inverse_of": "P-0000000008",
         "difference": DIFFERENCE, "advice": "look twice", "advised_by": "offline", "hint": "no worker"},
        ["*Touches*", "*Replaces*", "*Undoes*", "*Emergency*"],
        ["approve", "reject"],
    ),
}  # fmt: skip


def texts(blocks: list[dict[str, Any]]) -> str:
    """What a person reads, as Slack would unescape it."""
    found = []
    for block in blocks:
        parts = [*block.get("fields", ()), *block.get("elements", ()), block.get("text")]
        found += [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
        found += [
            part["text"]["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), dict)
        ]
    return "\n".join(found).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_situation_is_told_in_full_within_slacks_limits(name: str) -> None:
    more, says, offers = SITUATIONS[name]
    _, blocks = drawn(card(**more))
    assert findings_in_message(blocks) == []
    read = texts(blocks)
    for words in says:
        assert words in read
    assert actions(blocks) == offers
    assert all(len(block["block_id"]) <= 255 for block in blocks if block["type"] == "actions")


def test_a_difference_of_rules_is_read_to_the_letter_line_by_line() -> None:
    """What is adopted is the text: a bracket shown as another character would be another rule."""
    _, blocks = drawn(card(difference=DIFFERENCE))
    read = texts(blocks)
    assert all(f"\n{line}\n" in read for line in DIFFERENCE)


def test_a_long_difference_takes_several_sections_and_one_too_long_is_not_approvable() -> None:
    line = '+   role = "something that is about this long"'
    _, blocks = drawn(card(difference=(line,) * 100))
    assert texts(blocks).count(line) == 100
    assert actions(blocks) == ["approve", "reject"]
    assert findings_in_message(blocks) == []
    _, blocks = drawn(card(difference=(line,) * 1000))
    assert actions(blocks) == ["reject"]
    assert "cannot be shown here completely" in texts(blocks)
    assert findings_in_message(blocks) == []


def test_a_difference_cannot_end_its_own_quotation_or_hide_a_line() -> None:
    evil = ("+a ``` <!channel> \u202e", "+\u200bb\r-c")
    _, blocks = drawn(card(difference=evil))
    read = texts(blocks)
    assert read.count("```") == 2
    assert "<!channel>" not in json.dumps(blocks)
    assert re.search(r"\\u202e.*\n.*\\u200bb\\u000d-c", read)


# Each was cut at 2,500 characters without a word, and could be approved all the same.
LONG = "x" * 2700
STEP = StepShown(1, f"ec2:Thing {LONG}!", "00", "state: a", "state: b", "ec2:Back", "not sent")
CUT: dict[str, dict[str, Any]] = {
    "a step that just fits": {"steps": (STEP,)},
    "a step that does not": {"steps": (replace(STEP, sentence=STEP.sentence + LONG),)},
    "a resource of many": {"blast_radius": tuple(f"i-{n:017x}" for n in range(150))},
    "a name": {"resource_name": LONG},
    "a title": {"title": LONG + LONG},
    "a way back": {"reversibility": LONG},
    "a figure's label": {"figures": ({"label": LONG, "display": LONG, "period": "p"},)},
    "a slot": {"slots": (SlotShown(LONG, None), SlotShown(LONG, None))},
}


@pytest.mark.parametrize("name", CUT)
def test_what_is_cut_is_not_approvable_and_what_is_approvable_is_whole(name: str) -> None:
    one = card(**CUT[name])
    _, blocks = drawn(one)
    assert findings_in_message(blocks) == []
    if "approve" in actions(blocks):
        read = texts(blocks)
        assert all(step.sentence in read for step in one.steps)
        assert "…" not in read.replace("Reject…", "").replace("Ask…", "")
    else:
        assert name != "a step that just fits"
        assert "cannot be shown here completely" in texts(blocks)


words = st.text(max_size=3000)


def visible(text: str) -> str:
    """`text` with nothing hidden in it, and nothing left out."""
    return shown(text, 100_000)


@settings(max_examples=60)
@given(sentence=words, radius=st.lists(words, max_size=4), difference=st.lists(words, max_size=6), incident=words)
def test_no_approvable_card_has_lost_a_character(
    sentence: str, radius: list[str], difference: list[str], incident: str
) -> None:
    step = replace(STEP, sentence=f"ec2:Thing {sentence}!")
    one = card(steps=(step,), blast_radius=tuple(radius), difference=tuple(difference), incident=incident)
    _, blocks = drawn(replace(one, authority="break_glass"))
    assert findings_in_message(blocks) == []
    if "approve" in actions(blocks):
        whole = [visible(step.sentence), *map(visible, radius), visible(incident or "unknown")]
        whole += [one_line(line).replace("`", "\\u0060") for line in difference]
        read = texts(blocks)
        assert all(text in read for text in whole)


def test_a_confirmation_that_would_be_cut_names_the_card() -> None:
    def asked(one: Card) -> str:
        _, blocks = drawn(one)
        return str(next(b for b in blocks if b["type"] == "actions")["elements"][0]["confirm"]["text"]["text"])

    assert asked(card()).startswith("Stop EC2 instance")
    assert asked(card(title="Undo " + "x" * 300)) == "Exactly what the card with the digest abababab shows."
