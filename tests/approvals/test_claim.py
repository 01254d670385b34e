"""The claim: everything is judged again, and what changed since the approval ends it before anything is sent."""

from datetime import timedelta
from typing import Any

import pytest

from approvals.active import newest
from approvals.claim import Refusal, claim
from approvals.due import due
from approvals.errors import Altered
from approvals.execute import execute
from approvals.lease import Claim, LostClaim
from approvals.states import State
from audit.canonical import sha256
from tests.approvals.gate_stubs import ARJUN, FIELDS, PEOPLE, RULES, STOP


def refused(gate: Any, row: Any) -> Refusal:
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    assert isinstance(got, Refusal), got
    assert gate.cloud.effects() == []
    return got


CHANGED: dict[str, Any] = {
    "account": "210987654321",
    "state": "stopped",
    "type": "g5.48xlarge",
    "launched_at": "2026-11-20T08:59:00Z",
    "lifecycle": "spot",
    "root_device": "instance-store",
    "stop_protection": True,
    "termination_protection": True,
    "scaling_group": "web",
    "tags": {"environment": "aa", "team": "cc"},
    "disks": ["vol-1", "vol-2"],
}


def test_the_table_below_covers_every_precondition() -> None:
    assert set(CHANGED) == set(FIELDS) - {"instance_id"}


@pytest.mark.parametrize("field", sorted(CHANGED))
def test_any_precondition_that_changed_after_the_approval_makes_it_stale(gate: Any, field: str) -> None:
    row = gate.approved()
    gate.cloud.change(**{field: CHANGED[field]})
    got = refused(gate, row)
    assert (got.state, got.verdict.code) == (State.STALE, "drift")
    assert field in got.verdict.reason
    assert gate.row(row.id).reason == got.verdict.reason
    assert gate.events(row.id)[-1] == "proposal.stale"


def test_a_new_precondition_that_was_not_there_before_makes_it_stale(gate: Any) -> None:
    row = gate.approved()
    gate.cloud.change(hibernating="yes")
    assert refused(gate, row).state == State.STALE


def test_an_instance_that_is_gone_makes_it_stale(gate: Any) -> None:
    row = gate.approved()
    (gate.folder / f"{FIELDS['instance_id']}.json").unlink()
    got = refused(gate, row)
    assert (got.state, "there is no i-" in got.verdict.reason) == (State.STALE, True)


def test_an_environment_that_became_production_makes_it_stale(gate: Any) -> None:
    row = gate.approved()
    gate.cloud.put(FIELDS, environment="production")
    assert refused(gate, row).verdict.code == "policy_changed"


def test_an_approver_who_lost_the_role_makes_it_stale(gate: Any) -> None:
    row = gate.approved()
    gate.adopt("people", PEOPLE.replace('roles = ["approver", "owner"]', 'roles = ["auditor"]'))
    got = refused(gate, row)
    assert (got.state, got.verdict.code) == (State.STALE, "entitlement_lost")
    assert ARJUN in got.verdict.reason


def test_rules_that_changed_what_it_needs_make_it_stale(gate: Any) -> None:
    row = gate.approved()
    gate.adopt("rules", RULES.replace('["manager|approver"]', '["manager|approver", "sre"]'))
    assert refused(gate, row).verdict.code == "policy_changed"


def test_rules_that_changed_something_else_leave_it_approved(gate: Any) -> None:
    row = gate.approved()
    gate.adopt("rules", RULES.replace("vote_within_hours = 72", "vote_within_hours = 48"))
    assert isinstance(claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector), Claim)


def test_an_approval_is_not_carried_out_late(gate: Any) -> None:
    row = gate.approved()
    gate.later(hours=4)
    got = refused(gate, row)
    assert (got.state, got.verdict.code) == (State.EXPIRED, "expired")


def test_it_can_be_carried_out_until_just_before(gate: Any) -> None:
    row = gate.approved()
    gate.later(hours=4, microseconds=-1)
    assert isinstance(claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector), Claim)


def test_altered_sealed_bytes_are_never_claimed(gate: Any) -> None:
    row = gate.approved()
    gate.sql("DROP TRIGGER proposal_sealed")
    gate.sql("UPDATE proposal SET sealed = CAST(replace(sealed, 'i-01', 'i-02') AS BLOB) WHERE id = ?", row.id)
    assert refused(gate, row).verdict.code == "altered"


def test_an_altered_digest_is_never_claimed(gate: Any) -> None:
    row = gate.approved()
    gate.sql("DROP TRIGGER proposal_sealed")
    gate.sql("UPDATE proposal SET digest = ? WHERE id = ?", "0" * 64, row.id)
    assert refused(gate, row).verdict.code == "altered"


def test_bytes_and_digest_altered_together_do_not_fit_the_votes(gate: Any) -> None:
    from approvals.sealed import digest

    row = gate.approved()
    other = row.sealed.replace(b'"running"', b'"stopped"')
    gate.sql("DROP TRIGGER proposal_sealed")
    gate.sql("UPDATE proposal SET sealed = ?, digest = ? WHERE id = ?", other, digest(other), row.id)
    assert refused(gate, row).verdict.code == "altered"


@pytest.mark.parametrize("kind", ["rules", "people"])
def test_a_policy_rewritten_under_its_version_claims_nothing(gate: Any, kind: str) -> None:
    row = gate.approved()
    with gate.reading() as (session, _):
        stored = newest(session, kind)
    assert stored is not None
    body = stored.body + "\n# rewritten\n"
    gate.sql("DROP TRIGGER policy_no_update")
    gate.sql("UPDATE policy_version SET body = ? WHERE kind = ?", body, kind)
    assert gate.vote(row, ARJUN, "reject").verdict.code == "altered"
    with pytest.raises(Altered, match="not the text that was adopted"):
        claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    gate.sql("UPDATE policy_version SET digest = ? WHERE kind = ?", sha256(body.encode()), kind)
    assert refused(gate, row).verdict.code == "altered"


def test_a_claim_with_an_intent_beside_it_is_never_taken_over(gate: Any) -> None:
    """An intent moves the proposal on in the same transaction, so this needs a hand in the database."""
    row = gate.approved()
    claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    gate.sql(
        "INSERT INTO effect (proposal, step, attempt, token, fence, executor, rehearsal, request_hash, intended_at)"
        " VALUES (?, 1, 'a', 't', 1, 'stub', false, 'h', '2026-11-20T09:00:00.000000Z')",
        row.id,
    )
    gate.later(seconds=90)
    assert refused(gate, row).verdict.code == "intent_stored"
    with gate.reading() as (session, now):
        assert due(session, now=now).to_claim == []


def test_a_vote_slipped_in_behind_the_gate_does_not_count(gate: Any) -> None:
    row = gate.approved()
    gate.sql("DROP TRIGGER vote_stays")
    gate.sql("UPDATE vote SET person = ? WHERE proposal = ?", row.requester, row.id)
    assert refused(gate, row).verdict.code == "altered"


def test_no_answer_holds_it_once_and_an_answer_releases_it(gate: Any) -> None:
    row = gate.approved()
    gate.inspector.down = True
    for _ in range(3):
        got = refused(gate, row)
        assert (got.state, got.verdict.code) == (State.HELD, "cannot_look")
        gate.later(seconds=20)
    assert gate.events(row.id).count("approval.held") == 1
    gate.inspector.down = False
    assert isinstance(claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector), Claim)
    assert gate.events(row.id)[-2:] == ["approval.released", "execution.claimed"]


def test_a_held_proposal_can_still_be_rejected(gate: Any) -> None:
    row = gate.approved()
    gate.inspector.down = True
    refused(gate, row)
    assert gate.vote(row, ARJUN, "reject").proposal_state == State.REJECTED


def test_a_rejection_while_the_worker_looks_wins(gate: Any) -> None:
    row = gate.approved()
    gate.inspector.after_look = lambda: gate.vote(row, ARJUN, "reject")
    assert refused(gate, row).verdict.code == "not_approved"
    assert gate.state(row) == State.REJECTED


@pytest.mark.parametrize("state", ["sealed", "pending", "rejected"])
def test_nothing_else_is_claimed(gate: Any, state: str) -> None:
    row = gate.sealed() if state == "sealed" else gate.pending()
    if state == "rejected":
        gate.vote(row, ARJUN, "reject")
    assert refused(gate, row).verdict.code == "not_approved"


def test_only_an_ended_lease_without_an_intent_is_taken_over(gate: Any) -> None:
    row = gate.approved()
    first = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    assert isinstance(first, Claim)
    assert isinstance(claim(gate.begin, proposal_id=row.id, worker="w2", inspector=gate.inspector), Refusal)
    gate.later(seconds=90)
    second = claim(gate.begin, proposal_id=row.id, worker="w2", inspector=gate.inspector)
    assert isinstance(second, Claim)
    assert (second.worker, second.fence) == ("w2", first.fence + 1)
    with pytest.raises(LostClaim):
        execute(gate.begin, claim=first, executor=gate.executor)
    assert gate.executor.sent == 0
    assert execute(gate.begin, claim=second, executor=gate.executor) == State.SUCCEEDED
    assert len(gate.cloud.effects()) == 1


def test_a_take_over_judges_everything_again(gate: Any) -> None:
    row = gate.approved()
    claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    gate.later(seconds=90)
    gate.cloud.change(type="g5.48xlarge")
    assert refused(gate, row).state == State.STALE


def test_a_claim_whose_lease_ended_sends_nothing(gate: Any) -> None:
    row = gate.approved()
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector, lease=timedelta(seconds=10))
    assert isinstance(got, Claim)
    gate.later(seconds=10)
    with pytest.raises(LostClaim):
        execute(gate.begin, claim=got, executor=gate.executor)
    assert gate.executor.sent == 0


@pytest.mark.parametrize("column", ["nonce", "digest"])
def test_an_approval_that_was_spent_is_not_spent_again(gate: Any, monkeypatch: Any, column: str) -> None:
    """As if the claim that is there were another's, and the log were not asked: the one that comes takes nothing."""
    monkeypatch.setattr("approvals.claim.claims_agree", lambda *_, **__: True)
    row = gate.approved()
    claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    gate.later(seconds=90)
    gate.tamper(f"UPDATE claim_record SET {column} = 'another'")
    before = gate.events(row.id)
    with pytest.raises(RuntimeError, match="was used before"):
        claim(gate.begin, proposal_id=row.id, worker="w2", inspector=gate.inspector)
    assert gate.events(row.id) == before
    assert gate.row(row.id).claimed_by == "w1"


def test_a_claim_that_was_taken_out_of_the_caps_stops_the_next(gate: Any) -> None:
    claim(gate.begin, proposal_id=gate.approved().id, worker="w1", inspector=gate.inspector)
    gate.cloud.put(FIELDS | {"instance_id": "i-0fedcba9876543210"})
    second = gate.approved(change=STOP | {"instance_id": "i-0fedcba9876543210"})
    gate.tamper("DELETE FROM claim_record")
    assert refused(gate, second).verdict.code == "altered"


def test_a_requester_who_left_asks_for_nothing_any_more(gate: Any) -> None:
    row = gate.approved()
    gate.adopt("people", "[[person]]".join(part for part in PEOPLE.split("[[person]]") if row.requester not in part))
    got = refused(gate, row)
    assert (got.state, got.verdict.code) == (State.STALE, "requester")


def test_an_answer_that_took_a_minute_says_nothing_of_now(gate: Any) -> None:
    """A worker that slept between the look and the claim looks again; it does not act on how things were."""
    row = gate.approved()
    gate.inspector.after_look = lambda: gate.later(seconds=61)
    got = refused(gate, row)
    assert (got.state, got.verdict.code) == (State.HELD, "cannot_look")
    gate.inspector.after_look = lambda: gate.later(seconds=59)
    assert isinstance(claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector), Claim)
