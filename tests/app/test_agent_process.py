"""The agent's process: one unreadable question, a busy database or a dead turn stops nobody else's answer."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from agent.said import Answer
from app.database import reading, writing
from app.home import Home
from app.inbox import admit, conversation
from app.model_settings import load_model
from app.processes.agent import AgentProcess, agent_process
from app.turns import StoredAnswer, TokenUse, WakeUp
from approvals.posted import posted

OLIVIA = "p-0a11ce01"


def ask(engine: Engine, message: str, text: str = "hello") -> str:
    with writing(engine) as (session, now):
        place = conversation(session, surface="cli", team="", channel=OLIVIA, thread_ts=message, private=True)
        admit(session, now=now, message_id=message, thread=place.thread, person=OLIVIA, text=text)
        return place.thread


async def answers(process: AgentProcess, engine: Engine, count: int, seconds: float = 30.0) -> dict[str, str]:
    running = asyncio.create_task(process.run())
    try:
        async with asyncio.timeout(seconds):
            while True:
                with reading(engine) as (session, _):
                    found = {row.turn: str(row.body["answer"]) for row in session.exec(select(StoredAnswer)).all()}
                if len(found) >= count:
                    return found
                assert not running.done(), "the process ended"
                await asyncio.sleep(0.05)
    finally:
        running.cancel()


async def test_a_damaged_question_is_said_so_and_the_next_is_answered(engine: Engine, home: Home) -> None:
    ask(engine, "bad")
    ask(engine, "good")
    with sqlite3.connect(home.database) as connection:
        connection.execute("DROP TRIGGER private_text_only_emptied")
        connection.execute("UPDATE private_text SET cipher = x'00' WHERE rowid = 1")
    async with agent_process(engine=engine, home=home, model=load_model({})) as process:
        found = await answers(process, engine, 2)
    assert "cannot be read any more" in found["m:bad"]
    assert "cannot be read" not in found["m:good"]


async def test_a_busy_database_ends_nothing(engine: Engine, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    async with agent_process(engine=engine, home=home, model=load_model({})) as process:
        kept, tries = process._due_threads, []

        def busy() -> Any:
            tries.append(1)
            if len(tries) < 3:
                raise sqlite3.OperationalError("database is locked")
            return kept()

        monkeypatch.setattr(process, "_due_threads", busy)
        ask(engine, "patient")
        assert set(await answers(process, engine, 1)) == {"m:patient"}


async def test_each_models_tokens_stand_in_a_row_of_its_own(
    engine: Engine, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def told(*_: Any, **__: Any) -> Answer:
        used = {"dear": {"input": 700, "output": 9}, "cheap": {"input": 40, "output": 3}}
        return Answer("m:one", "Here.", model="cheap", tokens={"input": 740, "output": 12}, used=used)

    ask(engine, "one")
    monkeypatch.setattr("app.processes.agent.serve", told)
    async with agent_process(engine=engine, home=home, model=load_model({})) as process:
        await answers(process, engine, 1)
    with reading(engine) as (session, _):
        rows = {row.turn: (row.model, row.input_tokens, row.output_tokens) for row in session.exec(select(TokenUse))}
    assert rows == {"m:one": ("cheap", 40, 3), "m:one/dear": ("dear", 700, 9)}


async def test_a_turn_that_always_dies_is_given_up_with_a_sentence(
    engine: Engine, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: Any, **__: Any) -> None:
        raise RuntimeError("killed")

    async def at_once(_seconds: float) -> None:
        await kept(0)

    kept = asyncio.sleep
    monkeypatch.setattr("app.processes.agent.serve", dies)
    thread = ask(engine, "hard")
    async with agent_process(engine=engine, home=home, model=load_model({})) as process:
        monkeypatch.setattr("app.processes.agent.asyncio.sleep", at_once)
        for _ in range(4):
            await process.drain(thread)
    with reading(engine) as (session, _):
        answer = session.get_one(StoredAnswer, "m:hard")
        wake = session.get_one(WakeUp, "m:hard")
    assert "three times" in answer.body["answer"]
    assert wake.done_at is not None


async def test_an_answer_about_people_is_stored_without_their_names(
    engine: Engine, home: Home, sealed: Callable[[str], str]
) -> None:
    name = sealed("t-elsewhere")
    with writing(engine) as (session, now):
        posted(session, now=now, proposal_id=name, where="test")
        place = conversation(session, surface="cli", team="", channel="p-0b0b0002", thread_ts="1", private=True)
        text = "Which proposals are open?"
        admit(session, now=now, message_id="who", thread=place.thread, person="p-0b0b0002", text=text)
    async with agent_process(engine=engine, home=home, model=load_model({})) as process:
        told = (await answers(process, engine, 2))["m:who"]
    assert name in told
    assert OLIVIA in told
    assert "Olivia" not in told
    assert b"Olivia Ortiz" not in home.checkpoints.read_bytes()
