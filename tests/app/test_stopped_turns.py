"""A turn that somebody stopped goes no further, whatever died meanwhile, and what it took of the model is counted."""

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from sqlalchemy import Engine
from sqlmodel import select

from app.database import reading
from app.home import Home
from app.model_settings import load_model
from app.processes.agent import agent_process
from app.turns import TokenUse
from tests.app.test_agent_process import ask
from tests.app.test_halt import conversation_goes_on, said, scripted
from tests.app.test_stops import stop

SAM_STOPPED = "p-0b0b0002 stopped this before there was an answer. Nothing was proposed or changed."


async def test_what_was_stopped_after_its_process_died_is_not_thought_on_by_the_next_turn(
    engine: Engine, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread, thinking = ask(engine, "one", "What did AI cost?"), asyncio.Event()

    async def never_ends(*_: Any, **__: Any) -> Any:
        thinking.set()
        await asyncio.sleep(60)

    async with agent_process(engine=engine, home=home, model=load_model({})) as process:
        scripted(process)
        with monkeypatch.context() as patched:
            patched.setattr("agent.turns.ask_again", never_ends)
            dying = asyncio.create_task(process.drain(thread))
            await asyncio.wait_for(thinking.wait(), 20)
            dying.cancel()
            await asyncio.gather(dying, return_exceptions=True)
    await asyncio.to_thread(stop, engine, thread, "m:one")
    async with agent_process(engine=engine, home=home, model=load_model({})) as process:
        model = scripted(process, "Which month do you mean?", "Which team do you mean?")
        await process.drain(thread)
        assert said(engine, "one") == SAM_STOPPED
        again = conversation_goes_on(engine, thread)
        await process.drain(thread)
    assert said(engine, again) == "Which month do you mean?"
    assert len(model.asked) == 1, "the stopped question was asked of a model"


async def test_what_a_stopped_turn_took_of_the_model_is_counted(
    engine: Engine, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a month's budget would know nothing of whoever stops each turn before its end."""
    monkeypatch.setattr("app.halt.LOOK_SECONDS", 0.01)
    thread = ask(engine, "one", "What did AI cost?")

    async def stopped_meanwhile(call: Any, box: Any, run: Any) -> str:
        await asyncio.to_thread(stop, engine, thread, "m:one")
        await asyncio.sleep(60)
        return ""

    used = {"input_tokens": 900, "output_tokens": 100, "total_tokens": 1000}
    asks = AIMessage("", tool_calls=[{"id": "1", "name": "query_spend", "args": {}}], usage_metadata=used)
    async with agent_process(engine=engine, home=home, model=load_model({})) as process:
        scripted(process, asks)
        with monkeypatch.context() as patched:
            patched.setattr("agent.turns._carry_out", stopped_meanwhile)
            async with asyncio.timeout(60):
                await process.drain(thread)
    assert said(engine, "one") == SAM_STOPPED
    with reading(engine) as (session, _):
        uses = session.exec(select(TokenUse)).all()
        assert [(one.model, one.input_tokens, one.output_tokens) for one in uses] == [("scripted", 900, 100)]
