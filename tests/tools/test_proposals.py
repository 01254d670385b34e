"""Where proposals stand: which are told, in which order, with which figures; nothing is told of those left out."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

import pytest

from tools.desk import Desk, ProposalLine, SlotLine, VoteLine
from tools.proposals import DECIDED_BY_BUTTON, find_proposals


def line(id: str, **more: Any) -> ProposalLine:
    given: dict[str, Any] = {
        "words": "waiting for approval", "title": "Stop EC2 instance i-0123456789abcdef0", "resource": f"ec2:{id}",
        "instance": "i-0123456789abcdef0", "requester": "Olivia Ortiz", "created": date(2026, 11, 20),
        "changed": date(2026, 11, 21), "open": True, "awaits_votes": True, "resource_name": f"name-{id}",
    }  # fmt: skip
    return ProposalLine(id=id, **{**given, **more})


WAITS = line(
    "P-AAAAAAAAAA",
    mine=True,
    requester="you",
    team="fraud",
    saving=Decimal("38000.5"),
    amount=Decimal("40000"),
    currency="USD",
    window="9 to 22 November 2026",
    slots=(SlotLine("owner", "Arjun Rao"), SlotLine("director or vp")),
    votes=(VoteLine("Arjun Rao", "approved", date(2026, 11, 21)),),
    expires=datetime(2026, 11, 24, 12, tzinfo=UTC),
)
APPROVED = line("P-BBBBBBBBBB", words="approved, waiting to be carried out", awaits_votes=False)
DONE = line("P-CCCCCCCCCC", words="done and checked", open=False, awaits_votes=False, changed=date(2026, 11, 22))
LINES = [DONE, APPROVED, WAITS]


def desk(lines: list[ProposalLine] = LINES, **more: Any) -> Desk:
    now = datetime(2026, 11, 23, 9, tzinfo=UTC)
    return Desk(lake=cast("Any", None), now=now, speaker="p-0a11ce01", proposals=lambda _which: lines, **more)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, ["A", "B"]),
        ({"state": "open"}, ["A", "B"]),
        ({"state": "ended"}, ["C"]),
        ({"state": "all"}, ["A", "B", "C"]),
        ({"mine": True}, ["A"]),
        ({"mine": True, "state": "ended"}, []),
        ({"which": "P-CCCCCCCCCC"}, ["C"]),
        ({"which": "name-p-bbbbbbbbbb"}, ["B"]),
        ({"which": "i-0123456789abcdef0"}, ["A", "B", "C"]),
        ({"which": "fraud"}, ["A"]),
    ],
)
def test_which_are_told_those_that_wait_first(given: dict[str, Any], told: list[str]) -> None:
    found = find_proposals(desk(), **given)
    assert [row.names["proposal"] for row in found.rows] == [f"P-{letter * 10}" for letter in told]
    count = found.figure(f"{found.id}.t1.count")
    assert count is not None
    assert count.value == len(told)


def test_a_row_says_who_voted_what_is_missing_and_what_it_saves() -> None:
    found = find_proposals(desk(), which="P-AAAAAAAAAA")
    (row,) = found.rows
    assert row.texts["asked"] == "asked by you on 20 November 2026"
    assert row.texts["votes"] == "approved by Arjun Rao on 21 November 2026"
    assert row.texts["needs"] == "director or vp"
    assert row.texts["expires"] == "24 November 2026 at 12:00 UTC"
    figures = {figure.id: figure for figure in found.figures}
    saving = figures[row.figures["per_year"]]
    assert (saving.display, saving.label) == ("$38,000.50", "Saving a year, name-P-AAAAAAAAAA")
    assert saving.period == "at the rate of 9 to 22 November 2026"
    assert figures[row.figures["annual_cost"]].display == "$40,000.00"
    assert DECIDED_BY_BUTTON in found.notes


def test_what_has_ended_needs_and_expires_no_more() -> None:
    (row,) = find_proposals(desk(), state="ended").rows
    assert row.texts["ended"] == "22 November 2026"
    assert not {"needs", "expires", "waits_for"} & set(row.texts)
    assert DECIDED_BY_BUTTON not in find_proposals(desk(), state="ended").notes


def test_an_unknown_one_is_a_problem_with_near_names() -> None:
    found = find_proposals(desk(), which="name-P-CCCCCCCCCD")
    assert found.error is not None
    assert "name-P-CCCCCCCCCC" in found.error.why
    nothing = find_proposals(desk([]), which="P-AAAAAAAAAA")
    assert nothing.error is not None
    assert "AAAA" not in nothing.error.why


def test_a_narrow_reader_is_told_so_and_none_is_said() -> None:
    found = find_proposals(desk([], scope=("treasury",)))
    assert found.title == "No proposal that you may see is open."
    assert any("team treasury" in note for note in found.notes)
