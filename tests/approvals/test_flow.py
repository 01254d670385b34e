"""The whole way of a proposal through the gate, and what must not happen on it."""

from typing import Any

import pytest

from approvals.claim import Refusal, claim
from approvals.due import due
from approvals.execute import execute
from approvals.lease import Claim, LostClaim
from approvals.reconcile import reconcile
from approvals.states import State
from tests.approvals.gate_stubs import ARJUN


def claimed(gate: Any, row: Any, worker: str = "w1") -> Claim:
    got = claim(gate.begin, proposal_id=row.id, worker=worker, inspector=gate.inspector)
    assert isinstance(got, Claim), got
    return got


def test_from_a_draft_to_a_verified_change(gate: Any) -> None:
    row = gate.approved()
    got = claimed(gate, row)
    assert execute(gate.begin, claim=got, executor=gate.executor) == State.SUCCEEDED
    assert reconcile(gate.begin, proposal_id=row.id, inspector=gate.inspector) == State.VERIFIED
    assert gate.cloud.effects() == [f"ec2:StopInstances i-0123456789abcdef0 {effect_token(gate, row)}"]
    assert gate.events(row.id) == [
        "proposal.drafted",
        "proposal.sealed",
        "proposal.posted",
        "vote.approved",
        "approval.quorum_met",
        "execution.claimed",
        "execution.intended",
        "execution.answered",
        "execution.succeeded",
        "execution.verified",
    ]


def effect_token(gate: Any, row: Any) -> str:
    from approvals.store import effects_of

    with gate.reading() as (session, _):
        return effects_of(session, row.id)[0].token


def test_a_second_claim_and_a_second_execution_of_the_same_claim_send_nothing(gate: Any) -> None:
    row = gate.approved()
    got = claimed(gate, row)
    assert isinstance(claim(gate.begin, proposal_id=row.id, worker="w2", inspector=gate.inspector), Refusal)
    execute(gate.begin, claim=got, executor=gate.executor)
    with pytest.raises(LostClaim, match="not carried out by this worker"):
        execute(gate.begin, claim=got, executor=gate.executor)
    assert len(gate.cloud.effects()) == 1


def test_what_is_due_follows_the_rows(gate: Any) -> None:
    def names(**lists: list[str]) -> dict[str, list[str]]:
        with gate.reading() as (session, now):
            found = due(session, now=now)._asdict()
        return {key: value for key, value in found.items() if value}

    drafted = gate.draft()
    assert names() == {"to_seal": [drafted.proposal_id]}
    from approvals.seal import seal

    row = seal(gate.begin, draft_id=drafted.proposal_id, inspector=gate.inspector)
    assert row is not None
    assert names() == {}
    from approvals.posted import posted

    with gate.writing() as (session, now):
        posted(session, now=now, proposal_id=row.id, where="test")
    assert gate.vote(row, ARJUN).verdict.allowed
    assert names() == {"to_claim": [row.id]}
    got = claimed(gate, row)
    assert names() == {}
    execute(gate.begin, claim=got, executor=gate.executor)
    assert names() == {"to_reconcile": [row.id]}
    reconcile(gate.begin, proposal_id=row.id, inspector=gate.inspector)
    assert names() == {}
