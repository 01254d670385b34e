"""What is due follows from rows: each reason wakes once, one holder a thread, one answer a turn."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.database import reading, writing
from app.inbox import Message, admit, conversation, first_time
from app.processes.worker import Worker
from app.turns import (
    StoredAnswer,
    WakeUp,
    begin_attempt,
    drop_lease,
    due,
    finish,
    note_due,
    take_lease,
    unposted,
)
from approvals.posted import posted
from approvals.store import proposal_of
from approvals.vote import Ballot, vote
from audit import private
from audit.log import LogEntry

OLIVIA = "p-0a11ce01"


def say(session: Session, now: datetime, message: str, text: str = "what did AI cost?") -> str:
    place = conversation(session, surface="slack", team="T0BANK", channel="D0OLIVIA", thread_ts="1.0", private=True)
    admit(session, now=now, message_id=message, thread=place.thread, person=OLIVIA, text=text)
    return place.thread


def test_a_message_wakes_its_conversation_once(engine: Engine) -> None:
    with writing(engine) as (session, now):
        thread = say(session, now, "Ev1")
        note_due(session, now)
        note_due(session, now)
        wakes = due(session, thread)
    assert [(wake.id, wake.kind, wake.ref) for wake in wakes] == [("m:Ev1", "message", "Ev1")]


def test_a_delivery_that_comes_again_stores_nothing_more(engine: Engine) -> None:
    with writing(engine) as (session, now):
        assert first_time(session, key="event_callback:Ev1", kind="message", now=now)
        assert not first_time(session, key="event_callback:Ev1", kind="message", now=now)
        say(session, now, "Ev1")
        say(session, now, "Ev1")
    with reading(engine) as (session, _):
        assert len(session.exec(select(Message)).all()) == 1
        asked = session.exec(select(LogEntry).where(LogEntry.event == "question.asked")).all()
        assert len(asked) == 1


def test_text_that_is_no_text_is_still_taken_in(engine: Engine) -> None:
    with writing(engine) as (session, now):
        say(session, now, "Ev1", text="cost of \ud83d and \x00")
        message = session.get_one(Message, "Ev1")
        assert private.open_text(session, message.text_ref) == "cost of ? and \x00"


def test_what_a_person_wrote_stands_nowhere_in_clear(engine: Engine) -> None:
    with writing(engine) as (session, now):
        say(session, now, "Ev1", text="a very private question")
    path = engine.url.database
    assert path is not None
    with open(path, "rb") as file:
        stored = file.read()
    try:
        with open(path + "-wal", "rb") as file:
            stored += file.read()
    except FileNotFoundError:
        pass
    assert b"very private" not in stored


def test_one_holder_a_thread_until_its_time_runs_out(engine: Engine, clock: Any) -> None:
    with writing(engine) as (session, now):
        assert take_lease(session, thread="t-1", owner="a", now=now)
        assert not take_lease(session, thread="t-1", owner="b", now=now)
        assert take_lease(session, thread="t-1", owner="a", now=now)
        assert take_lease(session, thread="t-2", owner="b", now=now)
    clock.pass_(seconds=31)
    with writing(engine) as (session, now):
        assert take_lease(session, thread="t-1", owner="b", now=now)
        drop_lease(session, thread="t-1", owner="a")
        assert not take_lease(session, thread="t-1", owner="a", now=now)
        drop_lease(session, thread="t-1", owner="b")
        assert take_lease(session, thread="t-1", owner="a", now=now)


def test_a_turn_that_ran_twice_answers_once(engine: Engine) -> None:
    with writing(engine) as (session, now):
        thread = say(session, now, "Ev1")
        note_due(session, now)
        wake = due(session, thread)[0]
        assert begin_attempt(session, wake.id) == 1
        assert finish(session, wake=wake, body={"answer": "first"}, now=now)
        assert not finish(session, wake=wake, body={"answer": "second"}, now=now)
    with reading(engine) as (session, _):
        assert [answer.body for answer, _place in unposted(session, surface="slack")] == [{"answer": "first"}]
        assert session.get_one(StoredAnswer, "m:Ev1").posted_at is None
        assert due(session) == []


def test_what_waits_for_one_workspace_keeps_no_other_from_its_answers(engine: Engine) -> None:
    with writing(engine) as (session, now):
        for number in range(5):
            team = "T0LAB" if number < 4 else "T0BANK"
            place = conversation(
                session, surface="slack", team=team, channel="D01", thread_ts=f"{number}", private=True
            )
            later = now + timedelta(seconds=number)
            session.add(StoredAnswer(turn=f"m:{number}", thread=place.thread, body={}, answered_at=later))
    with reading(engine) as (session, _):
        found = [answer.turn for answer, _place in unposted(session, surface="slack", limit=2)]
    assert found == ["m:0", "m:1", "m:4"]


def outcomes(engine: Engine) -> list[str]:
    with writing(engine) as (session, now):
        note_due(session, now)
        found = session.exec(select(WakeUp).where(WakeUp.kind == "outcome").order_by(col(WakeUp.due_at))).all()
        return [wake.id for wake in found]


def thread_of(engine: Engine) -> str:
    with writing(engine) as (session, now):
        return say(session, now, "Ev1")


def approve(engine: Engine, proposal: str) -> None:
    with writing(engine) as (session, now):
        posted(session, now=now, proposal_id=proposal, where="test")
        digest = proposal_of(session, proposal).digest or ""
        ballot = Ballot(proposal_id=proposal, person="p-0b0b0002", choice="approve", digest=digest, via="terminal")
        assert vote(session, now=now, ballot=ballot).verdict.allowed


def test_a_conversation_hears_of_the_sealing_and_of_the_end_and_of_nothing_between(
    engine: Engine, sealed: Callable[[str], str], worker: Worker, clock: Any
) -> None:
    name = sealed(thread_of(engine))
    assert outcomes(engine) == []  # the card is not shown yet
    with writing(engine) as (session, now):
        posted(session, now=now, proposal_id=name, where="test")
    assert outcomes(engine) == [f"{name}:2"]
    approve(engine, name)
    assert outcomes(engine) == [f"{name}:2"]
    for _ in range(3):
        clock.pass_(seconds=1)
        worker.round()
    with reading(engine) as (session, _now):
        row = proposal_of(session, name)
        assert row.state == "verified"
        ended = f"{name}:{row.version}"
    assert outcomes(engine) == [f"{name}:2", ended]
    assert outcomes(engine) == [f"{name}:2", ended]


def test_an_agent_that_slept_through_the_sealing_still_tells_of_it(
    engine: Engine, sealed: Callable[[str], str]
) -> None:
    name = sealed(thread_of(engine))
    approve(engine, name)
    assert outcomes(engine) == [f"{name}:3"]
