"""What is stored agrees with the log: any row that carries authority, changed beside a perfect chain, is found."""

from typing import Any

import pytest

from approvals.agree import disagreements
from approvals.claim import Refusal, claim
from approvals.engage import engage
from approvals.execute import execute
from approvals.lease import Claim
from approvals.reconcile import reconcile
from approvals.states import State
from approvals.withdraw import withdraw
from audit.verify import verify
from tests.approvals.gate_stubs import ARJUN, OLIVIA, PEOPLE, SAM, STOP


def carried_out(gate: Any) -> str:
    row = gate.approved()
    got = claim(gate.begin, proposal_id=row.id, worker="w", inspector=gate.inspector)
    assert isinstance(got, Claim)
    execute(gate.begin, claim=got, executor=gate.executor)
    assert reconcile(gate.begin, proposal_id=row.id, inspector=gate.inspector) == State.VERIFIED
    return str(row.id)


def tamper(gate: Any, statement: str) -> None:
    """As somebody would who has the database."""
    gate.tamper(statement)


def differing(gate: Any) -> list[str]:
    with gate.reading() as (session, _):
        assert verify(session).ok
        return disagreements(session)


def test_a_whole_life_agrees(gate: Any) -> None:
    carried_out(gate)
    gate.vote(gate.pending(change=OTHER), ARJUN, "reject")
    assert differing(gate) == []


OTHER = STOP | {"instance_id": "i-00000000000000001"}

TAMPERING = [
    ("a vote given to another person", "UPDATE vote SET person = 'p-99999999'", "vote"),
    ("a vote deleted", "DELETE FROM vote", "vote"),
    ("a vote turned round", "UPDATE vote SET choice = 'reject'", "vote"),
    (
        "a vote invented",
        "INSERT INTO vote (proposal, person, choice, digest, via, cast_at) "
        "SELECT proposal, 'p-99999999', choice, digest, via, cast_at FROM vote",
        "vote",
    ),
    ("an effect deleted", "DELETE FROM effect", "effect"),
    ("an effect called a rehearsal", "UPDATE effect SET rehearsal = true", "effect"),
    ("a proposal set back", "UPDATE proposal SET state = 'approved'", "proposal"),
    ("a proposal deleted", "DELETE FROM proposal", "proposal"),
    ("a digest exchanged", "UPDATE proposal SET digest = '0'", "digest"),
    (
        "other bytes under the digest",
        "UPDATE proposal SET sealed = (SELECT body FROM log_entry WHERE seq = 1)",
        "sealed bytes",
    ),
    ("a draft for somebody else", "UPDATE draft SET requester = 'p-99999999'", "draft"),
    ("rules edited in place", "UPDATE policy_version SET body = body || ' ' WHERE kind = 'rules'", "policy"),
    ("a claim deleted", "DELETE FROM claim_record", "claim"),
    ("a claim of other bytes", "UPDATE claim_record SET digest = '0'", "claim"),
    (
        "a role lent by nobody",
        "INSERT INTO delegation (id, giver, receiver, roles, starts_at, ends_at, granted_at) VALUES ('D-1',"
        " 'p-0b0b0002', 'p-0d1e0004', '[\"approver\"]', '2026-11-20T00:00:00.000000Z', '2026-12-20T00:00:00.000000Z',"
        " '2026-11-20T00:00:00.000000Z')",
        "delegation",
    ),
    (
        "a kill switch turned by nobody",
        "INSERT INTO kill_switch (scope, engaged, by, turned_at)"
        " VALUES ('*', false, 'p-1', '2026-11-20T00:00:00.000000Z')",
        "kill switch",
    ),
    (
        "somebody marked as forgotten",
        "UPDATE person_key SET key = NULL, name_key = NULL, erased_at = '2026-11-20T09:00:00.000000Z'",
        "forgotten",
    ),
    ("people removed", "DELETE FROM policy_version WHERE kind = 'people'", "policy"),
]


@pytest.mark.parametrize(("_sentence", "statement", "word"), TAMPERING, ids=[row[0] for row in TAMPERING])
def test_a_changed_row_is_named(gate: Any, _sentence: str, statement: str, word: str) -> None:
    carried_out(gate)
    tamper(gate, statement)
    found = differing(gate)
    assert found
    assert all(word in sentence for sentence in found)


def refused(gate: Any, row: Any) -> str:
    got = claim(gate.begin, proposal_id=row.id, worker="w", inspector=gate.inspector)
    assert isinstance(got, Refusal), got
    assert gate.cloud.effects() == []
    return got.verdict.code


def test_a_vote_moved_to_somebody_else_who_may_moves_no_hand(gate: Any) -> None:
    """Nothing but the log tells that this person, who holds the role, never voted."""
    other = "p-0c0c0009"
    gate.adopt("people", PEOPLE + f'\n[[person]]\nid = "{other}"\nname = "Carla Other"\nroles = ["approver"]\n')
    row = gate.approved()
    tamper(gate, f"UPDATE vote SET person = '{other}'")
    assert refused(gate, row) == "altered"


def test_a_switch_turned_off_by_a_row_alone_moves_no_hand(gate: Any) -> None:
    row = gate.approved()
    with gate.writing() as (session, now):
        assert engage(session, now=now, person=SAM, scope="*", reason="runaway").allowed
    columns, then = "scope, engaged, by, turned_at", "2026-11-20T09:00:00.000000Z"
    tamper(gate, f"INSERT INTO kill_switch ({columns}) VALUES ('*', false, 'w', '{then}')")
    assert refused(gate, row) == "altered"


def test_an_approval_that_the_log_does_not_know_moves_no_hand(gate: Any) -> None:
    row = gate.approved()
    tamper(gate, "UPDATE vote SET person = 'p-0b0b0002x'")
    got = claim(gate.begin, proposal_id=row.id, worker="w", inspector=gate.inspector)
    assert not isinstance(got, Claim)
    assert got.verdict.code in ("altered", "no_quorum")
    assert gate.cloud.effects() == []


def test_a_vote_that_was_taken_back_counts_no_more_because_a_row_says_so(gate: Any) -> None:
    row = gate.approved()
    assert gate.vote(row, ARJUN, "withdraw").verdict.allowed
    assert differing(gate) == []
    tamper(gate, "UPDATE vote SET withdrawn_at = NULL")
    assert any("vote in force" in sentence for sentence in differing(gate))
    tamper(gate, "UPDATE proposal SET state = 'approved'")
    got = claim(gate.begin, proposal_id=row.id, worker="w", inspector=gate.inspector)
    assert isinstance(got, Refusal)
    assert got.verdict.code == "altered"


def test_a_proposal_that_ended_is_not_carried_out_because_a_row_says_so(gate: Any) -> None:
    row = gate.approved()
    with gate.writing() as (session, now):
        assert withdraw(session, now=now, proposal_id=row.id, person=OLIVIA).allowed
    tamper(gate, "UPDATE proposal SET state = 'approved'")
    got = claim(gate.begin, proposal_id=row.id, worker="w", inspector=gate.inspector)
    assert isinstance(got, Refusal)
    assert got.verdict.code == "altered"
