"""Roles that are lent, and groups that a directory gives: who may vote by them, and for how long."""

import json
from typing import Any

from sqlmodel import select

from approvals.active import active
from approvals.delegate import end_delegation
from approvals.directory import READ_WITHIN, keep_reading
from approvals.lease import Claim
from approvals.states import State
from approvals.store import Delegation
from tests.approvals.gate_stubs import (
    ARJUN,
    DANA,
    EDITH,
    PEOPLE,
    RULES,
    SAM,
)
from tests.approvals.governing import LENDING, SERVE, claimed, lend

# -- delegation ----------------------------------------------------------------------------------------------------


def test_a_lent_role_votes_while_it_is_lent(gate: Any) -> None:
    gate.adopt("rules", RULES + LENDING)
    assert lend(gate, ARJUN, DANA, "approver").verdict.allowed
    row = gate.approved(DANA)
    told = [entry for entry in gate.log(row.id) if entry.event == "vote.approved"]
    assert json.loads(told[0].body)["data"]["lent"][0]["by"] == ARJUN
    gate.later(days=8)
    assert claimed(gate, row).state == State.EXPIRED


def test_an_approval_by_a_lent_role_does_not_outlive_the_lending(gate: Any) -> None:
    gate.adopt("rules", RULES + LENDING)
    lending = lend(gate, ARJUN, DANA, "approver")
    row = gate.approved(DANA)
    with gate.writing() as (session, now):
        assert end_delegation(session, now=now, delegation_id=lending.delegation, person=ARJUN).allowed
    got = claimed(gate, row)
    assert (got.state, got.verdict.code) == (State.STALE, "entitlement_lost")


def test_nobody_decides_on_their_own_request_by_lending(gate: Any) -> None:
    gate.adopt("rules", RULES + LENDING)
    lend(gate, ARJUN, DANA, "approver")
    row = gate.pending(requester=ARJUN)
    assert gate.vote(row, DANA).verdict.code == "no_role"


def test_nobody_votes_twice_by_lending(gate: Any) -> None:
    gate.adopt("rules", RULES + LENDING)
    gate.cloud.put(gate.cloud.read()["fields"], environment="production")
    lend(gate, SAM, DANA, "owner")
    row = gate.pending(evidence={"amount": "9000", "currency": "USD"})
    assert gate.vote(row, SAM).verdict.allowed
    assert gate.vote(row, DANA).verdict.code in ("slot_taken", "no_role")
    assert gate.state(row) == State.PARTIAL


def test_one_person_does_not_become_two_votes_by_lending_to_two_people(gate: Any) -> None:
    gate.adopt("rules", RULES + LENDING.replace('"approver"]', '"approver", "sre"]'))
    assert lend(gate, SAM, DANA, "owner").verdict.allowed
    assert lend(gate, SAM, EDITH, "sre").verdict.code == "lent_already"
    assert lend(gate, SAM, DANA, "sre").verdict.allowed
    with gate.writing() as (session, now):
        for row in session.exec(select(Delegation)).all():
            assert end_delegation(session, now=now, delegation_id=row.id, person=SAM).allowed
    assert lend(gate, SAM, EDITH, "sre").verdict.allowed


def test_a_delegation_is_ended_by_its_two_people_alone(gate: Any) -> None:
    gate.adopt("rules", RULES + LENDING)
    lending = lend(gate, ARJUN, DANA, "approver")
    with gate.writing() as (session, now):
        assert end_delegation(session, now=now, delegation_id=lending.delegation, person=SAM).code == "not_yours"
        assert end_delegation(session, now=now, delegation_id=lending.delegation, person=DANA).allowed
        assert end_delegation(session, now=now, delegation_id=lending.delegation, person=DANA).code == "ended"


# -- groups of the directory ---------------------------------------------------------------------------------------

GROUPED = (
    PEOPLE.replace('roles = ["approver", "owner"]', "roles = []")
    + '\n[[group]]\nteam = "T0BANK"\nid = "S0APPROVE"\nrole = "approver"\n'
)


def read(gate: Any, *accounts: str) -> bool:
    with gate.writing() as (session, now):
        return keep_reading(
            session,
            now=now,
            members={("T0BANK", "S0APPROVE"): accounts},
            people=active(session).people,
            actor=SERVE,
        )


def test_a_group_gives_its_members_the_role_and_takes_it(gate: Any) -> None:
    gate.adopt("people", GROUPED)
    assert read(gate, "U0ARJUN")
    row = gate.approved(ARJUN)
    assert read(gate, "U0OLIVIA")
    got = claimed(gate, row)
    assert (got.state, got.verdict.code) == (State.STALE, "entitlement_lost")
    assert gate.events().count("membership.changed") == 2


def test_a_directory_that_cannot_be_read_means_no(gate: Any) -> None:
    gate.adopt("people", GROUPED)
    row = gate.pending()
    assert gate.vote(row, ARJUN).verdict.code == "directory_down"
    read(gate, "U0ARJUN")
    assert gate.vote(row, ARJUN).verdict.allowed
    gate.later(seconds=READ_WITHIN.total_seconds())
    got = claimed(gate, row)
    assert (got.state, got.verdict.code) == (State.HELD, "directory_down")
    read(gate, "U0ARJUN")
    assert isinstance(claimed(gate, row), Claim)
