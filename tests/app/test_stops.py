"""A stop is a row that the agent and its drafts obey: stored once, by the gate alone, and never taken back."""

from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError
from sqlmodel import select

from agent.ports import Seat
from agent.said import Answer
from app import stops
from app.database import reading, writing
from app.database_roles import AGENT, GATE, POWERS
from app.home import Home
from app.seat import draft_ids, sit, stable_id
from app.turns import WakeUp, finish, note_due
from approvals.propose import DraftRequest, propose
from approvals.store import Draft
from audit.event import Event
from audit.log import LogEntry
from lake.engine import Lake
from tests.app.conftest import STOP
from tests.app.test_agent_process import OLIVIA, ask
from tools.desk import Wanted


def stop(engine: Engine, thread: str, *turns: str) -> None:
    with writing(engine) as (session, now):
        stops.stop(session, turns=turns, thread=thread, person="p-0b0b0002", via="slack", now=now)


def draft(engine: Engine, thread: str, key: str) -> str:
    name = stable_id(thread, key)
    with writing(engine) as (session, now):
        evidence = {"amount": "40000", "currency": "USD", "saving": "38000"}
        wanted = DraftRequest(id=name, thread=thread, requester=OLIVIA, change=STOP, evidence=evidence)
        assert propose(session, now=now, draft=wanted).verdict.allowed
    return name


def test_open_turns_are_those_without_an_answer_or_a_stop(engine: Engine) -> None:
    thread = ask(engine, "one")
    with writing(engine) as (session, now):
        assert stops.open_turns(session, thread) == [stops.Open("m:one", OLIVIA)], "before the agent has seen it"
        note_due(session, now)
    with writing(engine) as (session, now):
        wake = session.exec(select(WakeUp)).one()
        assert stops.open_turns(session, thread) == [stops.Open("m:one", OLIVIA)]
    stop(engine, thread, "m:one")
    with reading(engine) as (session, _):
        assert stops.open_turns(session, thread) == []
    other = ask(engine, "two")
    with writing(engine) as (session, now):
        note_due(session, now)
        wake = session.get_one(WakeUp, "m:two")
        assert finish(session, wake=wake, body={"answer": "x"}, now=now)
        assert stops.open_turns(session, other) == []


def test_a_stopped_turn_drafts_nothing_more(engine: Engine, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    thread = ask(engine, "one")
    seat = Seat(thread=thread, turn="m:one", speaker=OLIVIA, key="m:one/1", next_number=1)
    held: list[Any] = []

    def bound(desk: Any) -> list[Any]:
        held.append(desk)
        return []

    monkeypatch.setattr("app.seat.bind", bound)
    sit(engine, home, Lake(home.lake))(seat)
    stop(engine, thread, "m:one")

    receipt = held[0].propose(Wanted(STOP, {}, "train-1"))
    assert (receipt.accepted, receipt.reason) == (False, stops.PROPOSED)
    with reading(engine) as (session, _):
        assert session.exec(select(Draft)).all() == []
        assert len(session.exec(select(LogEntry).where(LogEntry.event == "proposal.refused")).all()) == 1


def test_what_was_drafted_before_is_named_even_where_the_turn_does_not_know_of_it(engine: Engine) -> None:
    thread = ask(engine, "one")
    name = draft(engine, thread, "m:one/1")
    stop(engine, thread, "m:one")
    with reading(engine) as (session, _):
        found = stops.stopped(session, "m:one")
        assert found is not None
        said = stops.instead(session, Answer("m:one", "secret", tools=["x"]), found, draft_ids(thread, "m:one"))
    assert said.proposals == [name]
    assert name in said.answer
    assert "Nothing was proposed" not in said.answer
    assert (said.tools, said.refused) == ([], True)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM turn_stop",
        "UPDATE turn_stop SET person = 'p-0a11ce01'",
        "INSERT INTO turn_stop SELECT turn, thread, 'p-0a11ce01', stopped_at FROM turn_stop",
        "INSERT OR REPLACE INTO turn_stop SELECT turn, thread, 'p-0a11ce01', stopped_at FROM turn_stop",
    ],
)
def test_the_database_lets_no_stop_change(engine: Engine, statement: str) -> None:
    stop(engine, ask(engine, "one"), "m:one")
    with pytest.raises(DatabaseError), engine.begin() as connection:
        connection.exec_driver_sql(statement)
    with reading(engine) as (session, _):
        assert session.exec(select(stops.TurnStop)).one().person == "p-0b0b0002"


def test_the_agent_can_neither_make_a_stop_nor_write_its_entry() -> None:
    assert "turn_stop" in POWERS[AGENT].select
    assert "turn_stop" not in POWERS[AGENT].insert
    assert Event.QUESTION_STOPPED not in POWERS[AGENT].words
    assert Event.QUESTION_STOPPED in POWERS[GATE].words
