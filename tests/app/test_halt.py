"""The kill switch and the agent: no model is asked while it is on, and none goes on that was being asked."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from sqlalchemy import Engine
from sqlmodel import col, select

from agent.second_reading import ReadingLimits
from app.database import reading, writing
from app.halt import HALTED, Halted, unless_halted
from app.home import Home
from app.model_settings import load_model
from app.processes.agent import AgentProcess, agent_process
from app.turns import StoredAnswer, WakeUp
from approvals.engage import engage
from approvals.store import Draft, KillSwitch
from audit.log import LogEntry
from tests.agent.conftest import ScriptedModel
from tests.app.test_agent_process import ask
from tests.app.test_second_readings import Says, advice, readings

SAM = "p-0b0b0002"


def stop_everything(engine: Engine, scope: str = "*") -> None:
    with writing(engine) as (session, now):
        verdict = engage(session, now=now, person=SAM, scope=scope, reason="runaway")
    assert verdict.allowed, verdict


def release(engine: Engine) -> None:
    """As the worker stores it once people have voted for it."""
    with writing(engine) as (session, now):
        session.add(KillSwitch(scope="*", engaged=False, by="worker", token="t1", turned_at=now))


def said(engine: Engine, message: str) -> str | None:
    with reading(engine) as (session, _):
        row = session.get(StoredAnswer, f"m:{message}")
        return str(row.body["answer"]) if row is not None else None


def scripted(process: AgentProcess, *script: Any) -> ScriptedModel:
    from dataclasses import replace

    model = ScriptedModel(script=list(script))
    process.ports = replace(process.ports, model=model, model_name="scripted")
    return model


async def test_while_it_is_on_no_model_is_asked_and_the_answer_is_a_fixed_sentence(engine: Engine, home: Home) -> None:
    stop_everything(engine)
    thread = ask(engine, "one", "What did AI cost?")
    async with agent_process(engine=engine, home=home, model=load_model({})) as process:
        model = scripted(process, "An answer that must not be heard.")
        await process.drain(thread)
    assert said(engine, "one") == HALTED
    assert model.asked == []
    with reading(engine) as (session, _):
        last = session.exec(select(LogEntry).order_by(col(LogEntry.seq).desc())).first()
        assert last is not None
        assert last.event == "question.declined"
        assert session.exec(select(WakeUp).where(col(WakeUp.done_at).is_(None))).all() == []


async def test_a_switch_for_one_account_stops_no_conversation(engine: Engine, home: Home) -> None:
    stop_everything(engine, scope="999999999999")
    thread = ask(engine, "one", "hello")
    async with agent_process(engine=engine, home=home, model=load_model({})) as process:
        model = scripted(process, "Hello. What would you like to know?")
        await process.drain(thread)
    assert len(model.asked) >= 1
    assert said(engine, "one") != HALTED


async def test_a_turn_that_is_being_thought_is_cut_off_and_never_goes_on(
    engine: Engine, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Turned on while the model thinks: its words are dropped, and what it would have called is not called later."""
    monkeypatch.setattr("app.halt.LOOK_SECONDS", 0.01)
    thread = ask(engine, "one", "Stop train-1, please.")
    asked: list[Any] = []

    async def never_ends(*_: Any, **__: Any) -> Any:
        asked.append(1)
        stop_everything(engine)
        await asyncio.sleep(60)

    async with agent_process(engine=engine, home=home, model=load_model({})) as process:
        model = scripted(process, AIMessage("", tool_calls=[{"id": "1", "name": "propose_change", "args": {}}]))
        with monkeypatch.context() as patched:
            patched.setattr("agent.turns.ask_again", never_ends)
            async with asyncio.timeout(60):
                await process.drain(thread)
        assert said(engine, "one") == HALTED
        assert asked == [1]
        release(engine)
        again = conversation_goes_on(engine, thread)
        model.script[:] = ["Which machine do you mean?"]
        await process.drain(thread)
    assert said(engine, again) not in (None, HALTED)
    questions = [message.text for messages in model.asked for message in messages[1:] if message.type == "human"]
    assert not any("Stop train-1" in str(text) for text in questions[-1:])
    with reading(engine) as (session, _):
        assert session.exec(select(Draft)).all() == []


def conversation_goes_on(engine: Engine, thread: str) -> str:
    from app.inbox import admit

    with writing(engine) as (session, now):
        admit(session, now=now, message_id="two", thread=thread, person="p-0a11ce01", text="hello again")
    return "two"


async def test_an_answer_that_was_ready_when_it_was_turned_on_is_not_said(
    engine: Engine, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = ask(engine, "one", "hello")
    async with agent_process(engine=engine, home=home, model=load_model({})) as process:
        scripted(process, "Hello. What would you like to know?")
        kept = process._finish

        def late(row: WakeUp, answer: Any) -> None:
            stop_everything(engine)
            kept(row, replace(answer, tables=[{"title": "Cost", "head": ["team"], "rows": [["risk"]] * 101}]))

        monkeypatch.setattr(process, "_finish", late)
        await process.drain(thread)
    assert said(engine, "one") == HALTED
    with reading(engine) as (session, _):
        assert [row.body["tables"] for row in session.exec(select(StoredAnswer))] == [[]], "nor attached as a file"


async def test_outcomes_wait_until_it_is_off(engine: Engine, home: Home, sealed: Callable[[str], str]) -> None:
    thread = ask(engine, "one", "hello")
    async with agent_process(engine=engine, home=home, model=load_model({})) as process:
        await process.drain(thread)
        name = sealed(thread)
        stop_everything(engine)
        assert process._due_threads() == []
        await process.drain(thread)
        with reading(engine) as (session, _):
            waiting = session.exec(select(WakeUp).where(col(WakeUp.done_at).is_(None))).all()
        assert [wake.ref for wake in waiting] == [name]
        release(engine)
        assert process._due_threads() == [thread]
        await process.drain(thread)
    with reading(engine) as (session, _):
        told = [json.dumps(row.body) for row in session.exec(select(StoredAnswer))]
    assert any(name in text for text in told)


async def test_a_watch_that_cannot_look_fails_the_turn(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    def look(_engine: Engine, _turn: str, _begun: bool) -> None:
        looks.append(1)
        if len(looks) > 1:
            raise OSError("the database is away")

    monkeypatch.setattr("app.halt._why", look)
    with pytest.raises(OSError, match="away"):
        await unless_halted(engine, asyncio.sleep(30))


async def test_work_that_ends_first_gives_its_result_or_its_fault(engine: Engine) -> None:
    async def fails() -> None:
        raise ValueError("of its own")

    async def gives() -> int:
        return 7

    assert await unless_halted(engine, gives()) == 7
    with pytest.raises(ValueError, match="of its own"):
        await unless_halted(engine, fails())
    stop_everything(engine)
    with pytest.raises(Halted) as halt:
        await unless_halted(engine, gives())
    assert not halt.value.begun


async def test_no_second_reading_is_begun_or_kept_while_it_is_on(
    engine: Engine, sealed: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.halt.LOOK_SECONDS", 0.01)
    name, opened = sealed("t"), asyncio.Event()
    model = Says(hangs=True, opened=opened)
    due = readings(engine, model)
    due.limits = ReadingLimits(seconds=600.0)
    going_on = asyncio.create_task(due.read_due())
    await asyncio.wait_for(opened.wait(), 20)
    await asyncio.to_thread(stop_everything, engine)
    assert await asyncio.wait_for(going_on, 20) == 0
    assert advice(engine, name) is None
    assert await readings(engine, Says()).read_due() == 0
    release(engine)
    assert await readings(engine, Says()).read_due() == 1
