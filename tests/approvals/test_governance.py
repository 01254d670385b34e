"""What stops, lends, replaces, hurries and changes the gate itself: each on the real rows, through the same claim."""

import json
from typing import Any

import pytest

from approvals.changes.governance import ReleaseKillSwitch
from approvals.claim import Refusal
from approvals.executors.local import LocalExecutor
from approvals.executors.port import Refused
from approvals.lease import Claim
from approvals.posted import posted
from approvals.rollback import roll_back
from approvals.states import State
from approvals.store import ClaimRecord
from approvals.switch import newest_turn
from tests.approvals.gate_stubs import (
    ARJUN,
    DANA,
    EDITH,
    FIELDS,
    OLIVIA,
    RULES,
    SAM,
    STOP,
)
from tests.approvals.governing import (
    MORE_PEOPLE,
    OTHER,
    carried_out,
    claimed,
    document,
    of_the_gate,
    sealed,
    through,
    turn_of,
    turn_on,
    vote_all,
)

# -- the claim spends the approval ---------------------------------------------------------------------------------


def test_a_claim_spends_the_nonce_under_which_people_voted(gate: Any) -> None:
    row = gate.approved()
    assert isinstance(claimed(gate, row), Claim)
    with gate.reading() as (session, _):
        record = session.get(ClaimRecord, row.id)
    assert (record.nonce, record.digest) == (document(row)["nonce"], row.digest)


# -- the kill switch -----------------------------------------------------------------------------------------------


def test_with_the_kill_switch_on_nothing_is_claimed_and_what_was_approved_ends(gate: Any) -> None:
    row = gate.approved()
    assert turn_on(gate).allowed
    got = claimed(gate, row)
    assert isinstance(got, Refusal)
    assert (got.state, got.verdict.code) == (State.VETOED, "kill_switch")
    assert gate.cloud.effects() == []


def test_a_switch_for_another_account_stops_nothing_here(gate: Any) -> None:
    row = gate.approved()
    assert turn_on(gate, scope="999999999999").allowed
    assert isinstance(claimed(gate, row), Claim)


@pytest.mark.parametrize(("person", "scope", "code"), [
    (EDITH, "*", "no_role"), (None, "*", "unknown_person"), (SAM, "production", "no_scope"),
])  # fmt: skip
def test_who_may_not_stop_is_told_and_logged(gate: Any, person: str | None, scope: str, code: str) -> None:
    assert turn_on(gate, person, scope).code == code
    assert gate.events()[-1] == "killswitch.refused"


def test_the_switch_goes_off_only_by_votes(gate: Any) -> None:
    gate.adopt("people", MORE_PEOPLE)
    turn_on(gate)
    assert turn_on(gate).code == "already_on"
    with gate.reading() as (session, _):
        turn = newest_turn(session, "*")
    assert turn is not None
    row = of_the_gate(gate, ReleaseKillSwitch(scope="*", turn=turn.id or 0))
    assert vote_all(gate, row) == State.APPROVED
    assert through(gate, row) == State.VERIFIED
    with gate.reading() as (session, _):
        turned = newest_turn(session, "*")
        assert turned is not None
        assert turned.engaged is False
    assert isinstance(claimed(gate, gate.approved()), Claim)


def test_a_release_is_of_one_turn_of_the_switch_and_no_later_one(gate: Any) -> None:
    turn_on(gate)
    request = ReleaseKillSwitch(scope="*", turn=turn_of(gate).id).steps()[0].request
    hands = LocalExecutor(gate.begin)
    hands.send(request, token="one")
    turn_on(gate)
    assert hands.send(request, token="one").request_id is not None
    with pytest.raises(Refused, match="turned since"):
        hands.send(request, token="two")
    assert turn_of(gate).engaged


# -- freezes and caps ----------------------------------------------------------------------------------------------


def test_a_freeze_holds_until_it_is_over(gate: Any) -> None:
    freeze = (
        '\n[[freeze]]\nname = "close"\nzone = "Europe/Berlin"\nstart = 2026-11-20T09:00:00\nend = 2026-11-20T11:30:00\n'
    )
    gate.adopt("rules", RULES + freeze)
    row = gate.approved()
    got = claimed(gate, row)
    assert (got.state, got.verdict.code) == (State.HELD, "frozen")
    assert "close" in got.verdict.reason
    gate.later(hours=1, minutes=29)
    assert claimed(gate, row).state == State.HELD
    gate.later(minutes=1)
    assert isinstance(claimed(gate, row), Claim)
    events = gate.events(row.id)
    assert (events.count("approval.held"), events.count("approval.released")) == (1, 1)


def test_a_cap_holds_the_second_change_of_the_hour(gate: Any) -> None:
    gate.adopt("rules", RULES.replace("changes_per_hour = 30", "changes_per_hour = 1"))
    first = gate.approved()
    gate.cloud.put(FIELDS | {"instance_id": OTHER})
    second = gate.approved(change={**json.loads(first.change), "instance_id": OTHER})
    assert isinstance(claimed(gate, first), Claim)
    got = claimed(gate, second, "w2")
    assert isinstance(got, Refusal), "a cap is for all workers together"
    assert (got.state, got.verdict.code) == (State.HELD, "cap_changes")
    gate.later(hours=1)
    assert isinstance(claimed(gate, second), Claim)


def test_what_is_split_is_judged_by_its_sum(gate: Any) -> None:
    evidence = {"amount": "600", "currency": "USD", "team": "fraud"}
    first = gate.sealed(evidence=evidence)
    gate.cloud.put(FIELDS | {"instance_id": OTHER})
    second = gate.sealed(
        change={**json.loads(first.change), "instance_id": OTHER}, evidence=evidence | {"amount": "9700"}
    )
    slots = [document(row)["policy"]["slots"] for row in (first, second)]
    assert slots == [[["owner"]], [["approver", "manager"]]]
    assert "10,300 USD with 1 other" in document(second)["policy"]["reason"]


def test_a_later_proposal_of_the_scope_changes_nothing_about_an_earlier_one(gate: Any) -> None:
    evidence = {"amount": "600", "currency": "USD", "team": "fraud"}
    first = gate.approved(SAM, evidence=evidence)
    gate.cloud.put(FIELDS | {"instance_id": OTHER})
    gate.sealed(change={**json.loads(first.change), "instance_id": OTHER}, evidence=evidence | {"amount": "9700"})
    assert isinstance(claimed(gate, first), Claim)


def test_nobody_approves_more_in_an_hour_than_can_be_read(gate: Any) -> None:
    gate.adopt("rules", RULES.replace("votes_per_person_per_hour = 40", "votes_per_person_per_hour = 1"))
    gate.approved()
    gate.cloud.put(FIELDS | {"instance_id": OTHER})
    second = gate.pending(change={**STOP, "instance_id": OTHER})
    assert gate.vote(second, ARJUN).verdict.code == "cap_votes"
    assert gate.vote(second, ARJUN, "reject").verdict.allowed


# -- edits and rollbacks -------------------------------------------------------------------------------------------


def test_an_edit_is_another_proposal_and_voids_the_votes(gate: Any) -> None:
    gate.cloud.put(gate.cloud.read()["fields"], environment="production")
    old = gate.pending()
    assert gate.vote(old, ARJUN).verdict.allowed
    new = gate.sealed(requester=SAM, supersedes=old.id)
    assert (gate.state(old), new.state) == (State.SUPERSEDED, State.SEALED)
    assert document(new)["editors"] == [OLIVIA]
    assert gate.vote(old, DANA).verdict.code == "closed"
    with gate.writing() as (session, now):
        posted(session, now=now, proposal_id=new.id, where="test")
    assert gate.vote(gate.row(new.id), ARJUN, digest=old.digest).verdict.code == "digest_differs"
    assert gate.vote(gate.row(new.id), OLIVIA).verdict.code == "own_proposal"


def test_what_is_being_carried_out_cannot_be_replaced(gate: Any) -> None:
    row = gate.approved()
    draft = gate.draft(supersedes=row.id)
    assert draft.verdict.allowed
    assert isinstance(claimed(gate, row), Claim)
    new = sealed(gate, draft)
    assert (new.state, new.code) == (State.UNSEALABLE, "too_late")
    assert gate.state(row) == State.CLAIMED


def test_undoing_is_a_proposal_of_the_sealed_inverse(gate: Any) -> None:
    row = gate.approved()
    assert carried_out(gate, row) == State.VERIFIED
    with gate.writing() as (session, now):
        drafted = roll_back(session, now=now, proposal_id=row.id, person=OLIVIA)
    assert drafted.verdict.allowed
    back = sealed(gate, drafted)
    assert (back.state, document(back)["inverse_of"]) == (State.SEALED, row.id)
    assert document(back)["steps"][0]["request"] == document(row)["steps"][0]["inverse"]
    with gate.writing() as (session, now):
        posted(session, now=now, proposal_id=back.id, where="test")
    assert gate.vote(gate.row(back.id), ARJUN).verdict.allowed
    assert carried_out(gate, gate.row(back.id)) == State.VERIFIED
    assert [line.split()[0] for line in gate.cloud.effects()] == ["ec2:StopInstances", "ec2:StartInstances"]


def test_a_rollback_that_is_not_the_sealed_inverse_cannot_be_sealed(gate: Any) -> None:
    row = gate.approved()
    carried_out(gate, row)
    start = {**json.loads(row.change), "kind": "start_instance"}
    foreign = gate.draft(change=start | {"instance_id": OTHER}, inverse_of=row.id)
    gate.cloud.put(FIELDS | {"instance_id": OTHER, "state": "stopped"})
    found = sealed(gate, foreign)
    assert (found.state, found.code) == (State.UNSEALABLE, "not_the_inverse")


def test_what_did_nothing_cannot_be_undone(gate: Any) -> None:
    row = gate.approved()
    with gate.writing() as (session, now):
        assert roll_back(session, now=now, proposal_id=row.id, person=OLIVIA).verdict.code == "nothing_to_undo"
        assert roll_back(session, now=now, proposal_id="P-NOTHERE000", person=OLIVIA).verdict.code == "not_found"
