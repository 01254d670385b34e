"""Rules and people are rows: a file counts once, at the beginning, and afterwards only when it is adopted."""

import json
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from app.database import open_database, writing
from app.migrate import create
from approvals.active import active
from approvals.adopt import adopt, initialise
from approvals.errors import GateError, PolicyError
from approvals.sealed import decode
from audit.event import Actor, ActorKind
from tests.approvals.gate_stubs import PEOPLE, RULES

ACTOR = Actor(ActorKind.SERVICE, "test")


def test_the_first_files_are_version_one_and_later_ones_are_without_force(gate: Any) -> None:
    edited = RULES.replace("vote_within_hours = 72", "vote_within_hours = 1")
    with gate.writing() as (session, now):
        done = initialise(session, now=now, rules_text=edited, people_text=PEOPLE, actor=ACTOR)
        assert done == (1, 1, ("rules",))
        assert active(session).rules.vote_within.total_seconds() == 72 * 3600
    assert [event for event in gate.events() if event.startswith(("log", "policy"))] == [
        "log.started",
        "policy.changed",
        "policy.changed",
    ]


def test_adopting_is_logged_with_both_digests(gate: Any) -> None:
    gate.adopt("rules", RULES.replace("vote_within_hours = 72", "vote_within_hours = 1"))
    told = json.loads(gate.log()[-1].body)["data"]
    assert (told["kind"], told["version"]) == ("rules", 2)
    assert told["digest"] != told["replaces"]
    with gate.reading() as (session, _):
        assert active(session).rules_version == 2


def test_adopting_what_is_in_force_changes_nothing(gate: Any) -> None:
    before = len(gate.log())
    gate.adopt("rules", RULES)
    assert len(gate.log()) == before


def test_a_file_with_a_fault_is_not_adopted(gate: Any) -> None:
    with pytest.raises(PolicyError, match="needs no vote"):
        gate.adopt("rules", RULES.replace('["cfo"]]', "[]]", 1))
    with gate.reading() as (session, _):
        assert active(session).rules_version == 1
    assert gate.events()[-1] == "policy.changed"
    assert len(gate.log()) == 3


def test_there_are_only_rules_and_people(gate: Any) -> None:
    with pytest.raises(GateError, match="cannot be adopted"):
        gate.adopt("budget", "")


def test_a_sealed_proposal_keeps_the_rules_it_was_sealed_under(gate: Any) -> None:
    row = gate.pending()
    gate.adopt("rules", RULES.replace("vote_within_hours = 72", "vote_within_hours = 1"))
    gate.later(hours=2)
    sealed = decode(row.sealed, row.digest)
    assert (sealed.policy.rules_version, gate.row(row.id).policy_version) == (1, 1)
    from tests.approvals.gate_stubs import ARJUN

    assert gate.vote(row, ARJUN).verdict.allowed


def test_without_rules_and_people_nobody_can_do_anything(tmp_path: Any) -> None:
    engine = open_database(tmp_path / "empty.db")
    create(engine)
    with writing(engine) as (session, _), pytest.raises(GateError, match="spendgate db init"):
        active(session)


def test_nobody_in_the_people_file_is_allowed(tmp_path: Any) -> None:
    engine = open_database(tmp_path / "empty.db")
    create(engine)
    with writing(engine) as (session, now):
        assert initialise(session, now=now, rules_text=RULES, people_text="", actor=ACTOR).people_version == 1
        assert active(session).people.by_id == {}


def test_two_processes_cannot_both_make_version_two(gate: Any) -> None:
    with gate.writing() as (session, now):
        row = adopt(session, now=now, kind="people", text=PEOPLE.replace("sre", "peer"), actor=ACTOR)
        twin = type(row)(kind="people", version=2, digest="x", body="", active_since=now)
        session.add(twin)
        with pytest.raises(IntegrityError, match=r"(?i)unique"):
            session.flush()
        session.rollback()
