"""Votes on stored proposals: each guard at the door, what is stored, and what stands in the log."""

import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from approvals import vote as voting
from approvals.risk import Risk
from approvals.states import State
from approvals.store import standing_votes
from approvals.vote import Ballot, vote
from audit.private import keep, open_text
from tests.approvals.gate_stubs import ARJUN, DANA, EDITH, OLIVIA, PEOPLE, SAM


def last(gate: Any) -> dict[str, Any]:
    entry = gate.log()[-1]
    return {"event": entry.event, "actor": entry.actor, "kind": entry.actor_kind, **json.loads(entry.body)["data"]}


def production(gate: Any) -> Any:
    """A proposal that needs a director and an owner."""
    gate.cloud.put(gate.cloud.read()["fields"], environment="production")
    return gate.pending()


REFUSED = [
    ("the requester", OLIVIA, "own_proposal"),
    ("the auditor", EDITH, "no_role"),
    ("somebody unknown", "p-ffffffff", "unknown_person"),
    ("nobody knows whom", None, "unknown_person"),
]


@pytest.mark.parametrize("choice", ["approve", "reject"])
@pytest.mark.parametrize(("what", "person", "code"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_refused_vote_changes_nothing_and_stands_in_the_log(
    gate: Any, what: str, person: str | None, code: str, choice: str
) -> None:
    row = gate.pending()
    result = gate.vote(row, person, choice)
    assert (result.verdict.code, result.proposal_state, result.already) == (code, State.PENDING, False)
    told = last(gate)
    assert (told["event"], told["code"], told["choice"]) == ("vote.refused", code, choice)
    assert told["actor"] == (person or "unknown")
    assert gate.row(row.id).version == row.version
    with gate.reading() as (session, _):
        assert standing_votes(session, row.id) == []


def test_a_vote_on_another_digest_is_refused(gate: Any) -> None:
    row = gate.pending()
    assert gate.vote(row, ARJUN, digest="0" * 64).verdict.code == "digest_differs"
    assert gate.state(row) == State.PENDING


def test_a_vote_on_no_proposal_is_refused_and_what_was_asked_for_is_kept_harmless(gate: Any) -> None:
    ballot = Ballot(proposal_id="<!channel> ' OR 1", person=ARJUN, choice="approve", digest="x", via="slack")
    with gate.writing() as (session, now):
        result = vote(session, now=now, ballot=ballot)
    assert (result.verdict.code, result.proposal_state) == ("not_found", None)
    assert last(gate)["asked_for"] == "??channel????OR?1"


def test_a_way_that_is_not_known_is_judged_like_a_click(gate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A way that is added later must not be enough for everything because nobody thought of listing it."""
    row = gate.pending()
    ballot = Ballot(proposal_id=row.id, person=ARJUN, choice="approve", digest=row.digest or "", via="slack")
    with pytest.raises(ValidationError, match="via"):
        Ballot(**{**ballot.model_dump(), "via": "mail"})
    monkeypatch.setattr(voting, "risk_of", lambda *_: Risk.HIGH)
    with gate.writing() as (session, now):
        result = vote(session, now=now, ballot=ballot.model_copy(update={"via": "mail"}))
    assert (result.verdict.allowed, result.verdict.code) == (False, "needs_link")


def test_the_same_vote_again_is_already_there_and_not_an_error(gate: Any) -> None:
    row = gate.pending()
    gate.vote(row, ARJUN)
    version = gate.row(row.id).version
    again = gate.vote(row, ARJUN)
    assert (again.verdict.allowed, again.already, again.proposal_state) == (True, True, State.APPROVED)
    assert gate.row(row.id).version == version
    assert last(gate)["event"] == "vote.repeated"


def test_an_approval_counts_even_when_the_same_click_arrives_after_the_end(gate: Any) -> None:
    row = gate.approved()
    gate.vote(row, ARJUN, "reject")
    assert gate.vote(row, ARJUN, "reject").already


def test_two_slots_need_two_people(gate: Any) -> None:
    row = production(gate)
    assert gate.vote(row, ARJUN).proposal_state == State.PARTIAL
    assert gate.vote(row, SAM).verdict.code == "slot_taken"
    assert gate.vote(row, DANA).proposal_state == State.APPROVED
    assert gate.events(row.id)[-4:] == ["vote.approved", "vote.refused", "vote.approved", "approval.quorum_met"]


def test_a_rejection_wins_over_approvals_until_the_claim(gate: Any) -> None:
    row = gate.approved()
    result = gate.vote(row, SAM, "reject", reason="not now")
    assert result.verdict.code == "no_role"  # the slot asks for an approver or manager
    assert gate.vote(row, ARJUN, "reject").proposal_state == State.REJECTED


def test_a_reason_stands_in_the_log_only_as_a_reference(gate: Any) -> None:
    row = gate.pending()
    gate.vote(row, ARJUN, "reject", reason="Mr Smith still needs it")
    entry = gate.log()[-1]
    assert b"Smith" not in entry.body
    told = json.loads(entry.body)["data"]["reason"]
    with gate.reading() as (session, _):
        assert open_text(session, told["ref"]) == "Mr Smith still needs it"


def test_an_approval_can_be_taken_back_and_given_again_until_the_claim(gate: Any) -> None:
    row = gate.approved()
    assert gate.vote(row, ARJUN, "withdraw").proposal_state == State.PENDING
    assert gate.vote(row, ARJUN, "withdraw").verdict.code == "no_vote"
    assert gate.vote(row, ARJUN).proposal_state == State.APPROVED


def test_after_an_approval_the_time_to_carry_it_out_is_short_and_starts_with_the_last_one(gate: Any) -> None:
    row = gate.pending()
    sealed_last = row.execute_by
    gate.vote(row, ARJUN)
    assert gate.row(row.id).execute_by == gate.now + timedelta(hours=4)
    gate.vote(row, ARJUN, "withdraw")
    gate.later(hours=71)
    gate.vote(row, ARJUN)
    assert gate.row(row.id).execute_by == gate.now + timedelta(hours=4)
    assert gate.row(row.id).execute_by <= sealed_last


def test_one_of_two_taken_back_leaves_the_other(gate: Any) -> None:
    row = production(gate)
    gate.vote(row, ARJUN)
    gate.vote(row, DANA)
    assert gate.vote(row, ARJUN, "withdraw").proposal_state == State.PARTIAL
    assert gate.vote(row, SAM).proposal_state == State.APPROVED


def test_roles_are_those_of_the_moment_of_the_vote(gate: Any) -> None:
    row = gate.pending()
    gate.adopt("people", PEOPLE.replace('roles = ["approver", "owner"]', 'roles = ["auditor"]'))
    assert gate.vote(row, ARJUN).verdict.code == "no_role"


def test_a_proposal_that_was_not_shown_takes_no_vote(gate: Any) -> None:
    row = gate.sealed()
    assert gate.vote(row, ARJUN).verdict.code == "not_open"


def test_after_the_time_to_decide_no_vote_counts_even_before_it_is_ended(gate: Any) -> None:
    row = gate.pending()
    gate.later(hours=72)
    assert gate.vote(row, ARJUN).verdict.code == "expired"
    assert gate.state(row) == State.PENDING


def test_tampered_sealed_bytes_take_no_vote(gate: Any) -> None:
    row = gate.pending()
    gate.sql("DROP TRIGGER proposal_sealed")
    gate.sql("UPDATE proposal SET sealed = CAST(replace(sealed, 'stopped', 'running') AS BLOB) WHERE id = ?", row.id)
    assert gate.vote(row, ARJUN).verdict.code == "altered"
    assert last(gate)["event"] == "vote.refused"
    assert gate.state(row) == State.PENDING


@pytest.mark.parametrize("choice", ["approve", "reject"])
def test_words_that_somebody_else_wrote_are_nobodys_reason(gate: Any, choice: str) -> None:
    row = gate.pending()
    with gate.writing() as (session, now):
        ref = keep(session, person=SAM, text="the words of Sam", now=now)
    result = gate.vote(row, ARJUN, choice, reason="the words of Sam", reason_ref=ref)
    assert (result.verdict.code, gate.state(row)) == ("not_your_words", State.PENDING)
    assert gate.vote(row, ARJUN, choice, reason="x", reason_ref="t-unknown").verdict.code == "not_your_words"
