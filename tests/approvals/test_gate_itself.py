"""Emergencies, other rules and other people: what changes the gate itself, and the ways round the right people."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from approvals.active import newest
from approvals.changes.change import parse_change
from approvals.claim import Refusal, claim
from approvals.executors.local import LocalExecutor
from approvals.executors.port import Refused
from approvals.inspectors.local import LocalInspector
from approvals.posted import posted
from approvals.review import fall_due, review
from approvals.rollback import roll_back
from approvals.seal import seal
from approvals.states import State
from approvals.store import Draft, Proposal
from tests.approvals.gate_stubs import (
    ARJUN,
    DANA,
    DELETE,
    EDITH,
    FIELDS,
    OLIVIA,
    PEOPLE,
    RESIZE,
    RULES,
    SAM,
    VOLUME_FIELDS,
)
from tests.approvals.governing import (
    GLASS,
    LENDING,
    MORE_PEOPLE,
    OTHER,
    RITA,
    carried_out,
    claimed,
    document,
    emergency,
    lend,
    of_the_gate,
    offered,
    sealed,
    through,
    turn_on,
    vote_all,
)

# -- break-glass ---------------------------------------------------------------------------------------------------


def test_an_emergency_takes_two_people_runs_in_a_freeze_and_is_reviewed(gate: Any) -> None:
    freeze = '\n[[freeze]]\nname = "close"\nzone = "UTC"\nstart = 2026-11-20T00:00:00\nend = 2026-11-21T00:00:00\n'
    gate.adopt("rules", RULES + GLASS + freeze)
    gate.adopt("people", MORE_PEOPLE)
    row = sealed(gate, emergency(gate))
    assert row.expires_at == gate.now + timedelta(hours=1)
    with gate.writing() as (session, now):
        posted(session, now=now, proposal_id=row.id, where="test")
    assert gate.vote(gate.row(row.id), SAM).proposal_state == State.PARTIAL
    assert gate.vote(gate.row(row.id), DANA).proposal_state == State.APPROVED
    assert carried_out(gate, gate.row(row.id)) == State.VERIFIED
    assert "breakglass.used" in gate.events(row.id)
    with gate.writing() as (session, now):
        assert fall_due(session, now=now) == [row.id]
    assert (gate.row(row.id).state, gate.row(row.id).outcome) == (State.REVIEW_DUE, State.VERIFIED)

    def judge(person: str | None, reason: str = "the node pool burned 4 GPUs an hour") -> str:
        with gate.writing() as (session, now):
            return review(session, now=now, proposal_id=row.id, person=person, justified=True, reason=reason).code

    # While a review is due the glass stays shut, for whatever resource.
    gate.cloud.put(FIELDS | {"instance_id": OTHER})
    again = {**json.loads(row.change), "instance_id": OTHER}
    assert emergency(gate, change=again).verdict.code == "review_due"
    assert [judge(SAM), judge(OLIVIA), judge(EDITH), judge(None), judge(RITA, " ")] == [
        "own_proposal", "own_proposal", "no_role", "unknown_person", "no_reason",
    ]  # fmt: skip
    assert judge(RITA) == "ok"
    assert gate.state(row) == State.REVIEWED_OK
    assert emergency(gate, change=again).verdict.allowed


@pytest.mark.parametrize(("more", "code"), [
    ({"incident": "because"}, "no_incident"), ({"incident": None}, "no_incident"), ({"requester": ARJUN}, "no_role"),
])  # fmt: skip
def test_an_emergency_is_refused(gate: Any, more: dict[str, Any], code: str) -> None:
    gate.adopt("rules", RULES + GLASS)
    assert emergency(gate, **more).verdict.code == code


def test_without_rules_for_it_there_is_no_break_glass(gate: Any) -> None:
    assert emergency(gate).verdict.code == "break_glass_off"


def test_break_glass_that_is_abolished_before_the_claim_is_no_quorum(gate: Any) -> None:
    gate.adopt("rules", RULES + GLASS)
    row = sealed(gate, emergency(gate))
    with gate.writing() as (session, now):
        posted(session, now=now, proposal_id=row.id, where="test")
    gate.vote(gate.row(row.id), SAM)
    gate.vote(gate.row(row.id), DANA)
    gate.adopt("rules", RULES)
    assert claimed(gate, gate.row(row.id)).state == State.STALE


# -- rules and people ----------------------------------------------------------------------------------------------


def test_other_rules_come_into_force_by_votes_alone_and_go_back_by_votes(gate: Any) -> None:
    gate.adopt("people", MORE_PEOPLE)
    row = of_the_gate(gate, offered(gate, "rules", RULES + GLASS))
    assert gate.vote(row, ARJUN).verdict.code == "no_role"
    assert vote_all(gate, row) == State.APPROVED
    assert through(gate, row) == State.VERIFIED
    with gate.reading() as (session, _):
        in_force = newest(session, "rules")
        assert in_force is not None
        assert in_force.body == RULES + GLASS
    with gate.writing() as (session, now):
        drafted = roll_back(session, now=now, proposal_id=row.id, person=OLIVIA)
    back = sealed(gate, drafted, LocalInspector(gate.begin))
    assert document(back)["change"]["replaces"] == json.loads(row.change)["digest"]


def test_an_adoption_takes_effect_once_for_a_token(gate: Any) -> None:
    gate.adopt("people", MORE_PEOPLE)
    change = offered(gate, "rules", RULES + GLASS)
    request = change.steps()[0].request
    hands = LocalExecutor(gate.begin)
    first = hands.send(request, token="one")
    assert hands.send(request, token="one") == first
    assert gate.events().count("policy.changed") == 4
    with pytest.raises(Refused, match="other rules"):
        hands.send(request, token="two")


def test_people_who_could_never_be_changed_again_are_not_sealed(gate: Any) -> None:
    row = of_the_gate(gate, offered(gate, "people", PEOPLE.replace("Sam Reliable", "Sam R.")))
    assert (row.state, row.code) == (State.UNSEALABLE, "locks_out")
    assert "risk" in (row.reason or "")


def test_rules_in_force_that_changed_meanwhile_end_the_adoption(gate: Any) -> None:
    gate.adopt("people", MORE_PEOPLE)
    row = of_the_gate(gate, offered(gate, "rules", RULES + GLASS))
    vote_all(gate, row)
    gate.adopt("rules", RULES + LENDING)
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=LocalInspector(gate.begin))
    assert isinstance(got, Refusal)
    assert got.state == State.STALE


def test_every_row_of_all_this_agrees_with_the_log(gate: Any) -> None:
    from approvals.agree import disagreements

    gate.adopt("people", MORE_PEOPLE)
    gate.adopt("rules", RULES + LENDING + GLASS)
    lend(gate, ARJUN, DANA, "approver")
    row = gate.approved()
    carried_out(gate, row)
    turn_on(gate)
    with gate.reading() as (session, _):
        assert disagreements(session) == []
        assert len(list(session.exec(select(Proposal)))) == 1


# -- ways round the right people -----------------------------------------------------------------------------------

POLICY_VOTES = ", ".join(['["risk", "finops"]'] * 5)
LAST_COLUMN = POLICY_VOTES.rpartition(", [")[0] + ', ["cfo", "board"]'


def test_the_gate_is_changed_by_the_last_column_whatever_amount_is_stated(gate: Any) -> None:
    gate.adopt("people", MORE_PEOPLE)
    gate.adopt("rules", RULES.replace(POLICY_VOTES, LAST_COLUMN))
    change = offered(gate, "rules", RULES).model_dump()
    row = gate.draft(change=change, evidence={"amount": "1", "currency": "USD"})
    again = sealed(gate, row, LocalInspector(gate.begin))
    # Nobody could vote on the way back either, so such rules are not sealed in the first place (below).
    assert document(again)["policy"]["slots"] == [["cfo"], ["board"]]


def test_rules_whose_last_column_nobody_can_fill_lock_out(gate: Any) -> None:
    gate.adopt("people", MORE_PEOPLE)
    row = of_the_gate(gate, offered(gate, "rules", RULES.replace(POLICY_VOTES, LAST_COLUMN)))
    assert (row.state, row.code) == (State.UNSEALABLE, "locks_out")


def test_two_adoptions_that_lock_out_together_are_not_both_carried_out(gate: Any) -> None:
    rules = offered(gate, "rules", RULES.replace(POLICY_VOTES, POLICY_VOTES.replace("finops", "cfo")))
    gate.adopt("people", MORE_PEOPLE)
    with pytest.raises(Refused, match="nobody could change"):
        LocalExecutor(gate.begin).send(rules.steps()[0].request, token="one")


def test_a_group_that_can_never_be_read_can_be_taken_out_again(gate: Any) -> None:
    gate.adopt("people", MORE_PEOPLE + '\n[[group]]\nteam = "T0BANK"\nid = "S0TYPO"\nrole = "risk"\n')
    row = of_the_gate(gate, offered(gate, "people", MORE_PEOPLE))
    assert gate.vote(gate.pending(), ARJUN).verdict.code == "directory_down"
    assert vote_all(gate, row) == State.APPROVED
    assert through(gate, row) == State.VERIFIED


def test_nobody_has_their_own_emergency_reviewed_by_lending(gate: Any) -> None:
    gate.adopt("rules", RULES + GLASS + LENDING.replace('"approver"', '"approver", "risk"'))
    gate.adopt("people", MORE_PEOPLE.replace('roles = ["sre", "owner"]', 'roles = ["sre", "owner", "risk"]'))
    row = sealed(gate, emergency(gate))
    with gate.writing() as (session, now):
        posted(session, now=now, proposal_id=row.id, where="test")
    gate.vote(row, SAM)
    gate.vote(row, DANA)
    assert carried_out(gate, row) == State.VERIFIED
    assert lend(gate, SAM, EDITH, "risk").verdict.allowed
    with gate.writing() as (session, now):
        fall_due(session, now=now)
        found = review(session, now=now, proposal_id=row.id, person=EDITH, justified=True, reason="it was one")
    assert found.code == "no_role"


def test_a_lent_role_is_not_lent_on(gate: Any) -> None:
    gate.adopt("rules", RULES + LENDING)
    assert lend(gate, ARJUN, DANA, "approver").verdict.allowed
    assert lend(gate, DANA, EDITH, "approver").verdict.code == "not_held"


def test_a_draft_that_only_says_it_is_an_emergency_is_not_sealed(gate: Any) -> None:
    gate.adopt("rules", RULES + GLASS)
    gate.cloud.put(VOLUME_FIELDS)
    change = parse_change(DELETE)
    with gate.writing() as (session, now):
        session.add(
            Draft(
                id="P-FORGED0000", thread="", requester=OLIVIA, kind=change.kind, resource=change.resource,
                change=json.dumps(change.model_dump()), evidence="{}", authority="break_glass", incident="INC-1",
                created_at=now,
            )
        )  # fmt: skip
    row = seal(gate.begin, draft_id="P-FORGED0000", inspector=gate.inspector)
    assert row is not None
    assert (row.state, row.code) == (State.UNSEALABLE, "not_covered")


def test_an_emergency_whose_asker_may_ask_no_more_is_not_carried_out(gate: Any) -> None:
    gate.adopt("rules", RULES + GLASS)
    row = sealed(gate, emergency(gate))
    with gate.writing() as (session, now):
        posted(session, now=now, proposal_id=row.id, where="test")
    gate.vote(row, SAM)
    gate.vote(row, DANA)
    gate.adopt("rules", RULES + GLASS.replace('roles = ["ops_manager"]', 'roles = ["vp"]'))
    got = claimed(gate, gate.row(row.id))
    assert (got.state, got.verdict.code) == (State.STALE, "no_emergency")


def test_a_freeze_of_the_resources_own_team_holds_whatever_the_evidence_says(gate: Any) -> None:
    freeze = '\n[[freeze]]\nname = "close"\nzone = "UTC"\nteams = ["fraud"]\n'
    freeze += "start = 2026-11-20T00:00:00\nend = 2026-11-21T00:00:00\n"
    gate.adopt("rules", RULES + freeze)
    look = gate.inspector.look
    gate.inspector.look = lambda change: replace(look(change), team="Fraud")
    row = gate.approved(evidence={"amount": "40000", "currency": "USD", "team": "payments"})
    assert claimed(gate, row).verdict.code == "frozen"


def test_what_cannot_be_sealed_ends_nobodys_votes(gate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    row = gate.approved()
    draft = gate.draft(change=RESIZE, requester=ARJUN, supersedes=row.id)
    monkeypatch.setattr("approvals.adopt._checked", lambda *given: given[3])
    gate.adopt("rules", RULES.replace('resize_instance = "reversible"\n', ""))  # as before the program knew of it
    assert sealed(gate, draft).code == "no_class"
    assert gate.state(row) == State.APPROVED


def test_the_switch_takes_no_account_in_other_digits(gate: Any) -> None:
    assert turn_on(gate, scope="１２３４５６７８９０１２").code == "no_scope"
