"""The card: everything that is approved stands on it in full, and nothing that is not stored."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from approvals.card import Card, project
from approvals.claim import claim
from approvals.errors import NotFound
from approvals.execute import execute
from approvals.executors.rehearsal import Rehearsal
from approvals.person import load_people
from approvals.seal import seal
from approvals.states import State
from tests.approvals.gate_stubs import ARJUN, DANA, INSTANCE, OLIVIA, PEOPLE, STOP

KNOWN = load_people(PEOPLE)
EVIDENCE = {
    "amount": "40000.00",
    "currency": "USD",
    "saving": "38000.50",
    "window": "2026-11-06 to 2026-11-20",
    "team": "fraud",
    "resource_name": "not the cloud's name",
    "figures": [{"id": "q1.r1.gpu", "label": "GPU active", "value": "0.2", "unit": "%", "query": "SELECT …"}],
}


def card_of(gate: Any, proposal: str, **more: Any) -> Card:
    with gate.reading() as (session, _):
        return project(session, proposal, KNOWN, **more)


def test_what_is_approved_stands_on_the_card_in_full(gate: Any) -> None:
    row = gate.pending(evidence=EVIDENCE)
    card = card_of(gate, row.id)
    assert (card.state, card.words) == (State.PENDING, "waiting for approval")
    assert card.title == f"Stop EC2 instance {INSTANCE} in eu-central-1 (account 123456789012)"
    assert card.resource_name == "trainer"
    (step,) = card.steps
    assert step.sentence == f"ec2:StopInstances in eu-central-1 of account 123456789012: InstanceIds {INSTANCE}"
    assert (step.before, step.after, step.undo) == ("state: running", "state: stopped", "ec2:StartInstances")
    assert (card.amount, card.saving, card.currency) == ("40000.00", "38000.50", "USD")
    assert card.figures == tuple(EVIDENCE["figures"])
    assert [(slot.role, slot.person) for slot in card.slots] == [("approver or manager", None)]
    assert (card.digest, card.digest8) == (row.digest, row.digest[:8])
    assert card.expires_at == gate.now + timedelta(hours=72)
    assert (card.approvable, card.rejectable, card.withdrawable, card.terminal) == (True, True, True, False)


def test_votes_fill_slots_by_opaque_id(gate: Any) -> None:
    gate.cloud.put(gate.cloud.read()["fields"], environment="production")
    row = gate.pending()
    gate.vote(row, DANA)
    card = card_of(gate, row.id)
    assert {slot.role: slot.person for slot in card.slots} == {"director": DANA, "owner": None}
    assert [(vote.person, vote.choice) for vote in card.votes] == [(DANA, "approve")]
    assert card.words == "partly approved, waiting for more votes"


def test_no_name_of_a_person_stands_on_it(gate: Any) -> None:
    row = gate.approved(evidence=EVIDENCE)
    told = repr(dataclasses.asdict(card_of(gate, row.id)))
    assert OLIVIA in told
    assert ARJUN in told
    assert "Olivia" not in told
    assert "Arjun" not in told


def test_what_was_not_sealed_is_named_with_its_reason_and_not_approvable(gate: Any) -> None:
    drafted = gate.draft(change=STOP | {"instance_id": "i-00000000000000000"}, evidence=EVIDENCE)
    seal(gate.begin, draft_id=drafted.proposal_id, inspector=gate.inspector)
    card = card_of(gate, drafted.proposal_id)
    assert card.words == "cannot be proposed"
    assert "there is no i-" in (card.reason or "")
    assert (card.approvable, card.rejectable, card.terminal, card.digest) == (False, False, True, "")


def test_altered_bytes_are_said_and_not_approvable(gate: Any) -> None:
    row = gate.pending()
    gate.sql("DROP TRIGGER proposal_sealed")
    gate.sql("UPDATE proposal SET sealed = CAST(replace(sealed, 'g5', 'p5') AS BLOB) WHERE id = ?", row.id)
    card = card_of(gate, row.id)
    assert "do not have the digest" in (card.reason or "")
    assert (card.approvable, card.steps) == (False, ())


WAITS = [
    ("just approved", 5, None, None),
    ("approved, and no worker was ever seen", 60, None, "no worker was seen yet"),
    ("approved, and the worker was seen a minute ago", 120, 60, "no worker since"),
    ("approved, and the worker is there", 60, 58, None),
]


@pytest.mark.parametrize(("what", "waited", "seen_after", "says"), WAITS, ids=[row[0] for row in WAITS])
def test_a_hint_says_when_it_waits_for_a_process_that_is_not_there(
    gate: Any, what: str, waited: int, seen_after: int | None, says: str | None
) -> None:
    row = gate.approved()
    seen = None if seen_after is None else gate.now + timedelta(seconds=seen_after)
    card = card_of(gate, row.id, now=gate.now + timedelta(seconds=waited), worker_seen_at=seen)
    assert (card.hint is None) == (says is None)
    assert says is None or (says in str(card.hint) and "spendgate worker" in str(card.hint))


def test_progress_and_outcome_follow_the_rows(gate: Any) -> None:
    row = gate.approved()
    assert card_of(gate, row.id).steps[0].progress == "not sent"
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    execute(gate.begin, claim=got, executor=Rehearsal())  # type: ignore[arg-type]
    card = card_of(gate, row.id)
    assert (card.words, card.steps[0].progress) == ("rehearsed only, nothing was changed", "done")
    assert (card.rehearsal, card.terminal, card.withdrawable) == (True, True, False)


def test_there_is_no_card_of_nothing(gate: Any) -> None:
    with pytest.raises(NotFound, match="proposals list"):
        card_of(gate, "P-NOTHING000")
