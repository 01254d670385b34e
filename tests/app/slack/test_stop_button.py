"""The stop button: who may press it, what then ends and how soon, and what comes too late."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from sqlalchemy import Engine
from sqlmodel import select

from agent import turns
from app.database import reading, writing
from app.home import Home
from app.inbox import Conversation
from app.model_settings import load_model
from app.processes.agent import AgentProcess, agent_process
from app.slack import stop_button, streams
from app.slack.people import Speaker
from app.stops import TurnStop
from app.turns import StoredAnswer
from approvals.withdraw import withdraw
from audit.log import LogEntry
from sandbox.slack.driver import DriverError, shown_text
from tests.agent.conftest import ScriptedModel
from tests.app.slack.test_clicks_and_messages import Floor
from tests.app.slack.turns import answered, begun, doing, step

OLIVIA, ARJUN, EDITH, STRANGER = "U0OLIVIA", "U0ARJUN", "U0EDITH", "U0STRANGER"
Json = dict[str, Any]


@asynccontextmanager
async def agent(engine: Engine, home: Home, *script: Any) -> AsyncIterator[AgentProcess]:
    """An agent at work, whose model says what it is told to."""
    async with agent_process(engine=engine, home=home, model=load_model({})) as process:
        process.ports = replace(process.ports, model=ScriptedModel(script=list(script)), model_name="scripted")
        running = asyncio.create_task(process.run())
        try:
            yield process
        finally:
            running.cancel()


def entries(engine: Engine, event: str) -> list[tuple[str, Json]]:
    with reading(engine) as (session, _):
        found = session.exec(select(LogEntry).where(LogEntry.event == event))
        return [(entry.actor, json.loads(entry.body)["data"]) for entry in found]


async def at_work(floor: Floor, status: str = "processing") -> str:
    """The thread whose session stands so."""

    def look(state: Json) -> str | None:
        found = [one for room in state["rooms"] for one in room["sessions"] if one["status"] == status]
        return str(found[0]["thread_ts"]) if found else None

    return str(await floor.slack.until(look, seconds=60, hint=f"no session is {status}"))


async def stopped_until_refused(floor: Floor, thread: str) -> None:
    """Slack is told a moment after the answer that nobody is at work any more."""
    ends = time.monotonic() + 5
    while time.monotonic() < ends:
        await floor.slack.stop(OLIVIA, "@app", thread)
        await asyncio.sleep(0.1)


@pytest.mark.slow
@pytest.mark.alone
async def test_a_turn_ends_within_two_seconds_in_one_sentence(
    floor: Floor, engine: Engine, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never_ends(*_: Any, **__: Any) -> Any:
        await asyncio.sleep(60)

    monkeypatch.setattr("agent.turns.ask_again", never_ends)
    async with agent(engine, home, "x"):
        said = await floor.slack.say(OLIVIA, "@app", "What did AI cost?")
        assert await at_work(floor) == said.ts
        pressed = time.monotonic()
        await floor.slack.stop(OLIVIA, "@app", said.ts)
        told = await floor.slack.until_message(
            "@app", lambda m: "stopped this before there was an answer" in shown_text(m), user=OLIVIA, seconds=5
        )
        assert time.monotonic() - pressed < 2
        assert "Olivia Ortiz stopped this" in told["text"]
        assert "Nothing was proposed or changed." in told["text"]
        await at_work(floor, "active")
        monkeypatch.undo()
        await floor.slack.say(OLIVIA, "@app", "hello", thread_ts=said.ts)
        await floor.slack.until_message("@app", lambda m: m.get("bot_id") and m["ts"] > told["ts"], user=OLIVIA)
    assert [(actor, data["turn"]) for actor, data in entries(engine, "question.stopped")] == [
        ("p-0a11ce01", f"m:{said.event_ids[0]}")
    ]
    assert [data["turn"] for _, data in entries(engine, "question.declined")] == [f"m:{said.event_ids[0]}"]
    with pytest.raises(DriverError, match="not at work"):
        await stopped_until_refused(floor, said.ts)


async def test_the_stream_that_slack_ended_says_that_it_was_stopped(
    floor: Floor, engine: Engine, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "AFTER", timedelta(0))
    kept, asked = turns._carry_out, list[int]()

    async def hangs(*given: Any) -> Any:
        asked.append(1)
        if len(asked) == 1:
            await asyncio.sleep(60)
        return await kept(*given)

    monkeypatch.setattr("agent.turns._carry_out", hangs)
    call = AIMessage("", tool_calls=[{"id": "1", "name": "query_spend", "args": {}}])
    async with agent(engine, home, call, "done"):
        said = await floor.slack.say(OLIVIA, "@app", "What did AI cost?")
        stream = await floor.slack.until_message("@app", lambda m: m.get("streaming"), user=OLIVIA)
        assert "Looking up what was spent" in shown_text(stream)
        await at_work(floor)
        assert (await floor.slack.stop(OLIVIA, "@app", said.ts))["streaming_message_ts"] == [stream["ts"]]
        told = await floor.slack.until_message("@app", lambda m: "stopped this" in shown_text(m), user=OLIVIA)
    assert told["ts"] == stream["ts"]
    plan = told["blocks"][0]
    assert (plan["title"], plan["tasks"][0]["status"]) == ("Stopped", "error")
    assert len([one for one in await floor.slack.messages("@app", user=OLIVIA) if one.get("bot_id")]) == 1


async def test_one_that_comes_too_late_is_told_so(floor: Floor, engine: Engine) -> None:
    said = await floor.slack.say(OLIVIA, "@app", "What did AI cost?")
    wake = await begun(engine)
    await at_work(floor)
    await floor.slack.faults({"fault": "error", "method": "agents.sessions.setStatus", "error": "fatal", "times": 99})
    answered(engine, wake)
    await floor.slack.until_message("@app", lambda m: "12,000" in shown_text(m), user=OLIVIA)
    await floor.slack.stop(OLIVIA, "@app", said.ts)
    await floor.slack.until_message("@app", lambda m: "too late" in shown_text(m), user=OLIVIA)
    assert entries(engine, "question.stopped") == []


def pressed(engine: Engine, user: str, channel: str, thread_ts: str, event: str = "Ev1") -> str | None:
    speaker = Speaker("T0BANK", user, channel)
    return stop_button.take(engine, body={"event_id": event}, speaker=speaker, thread_ts=thread_ts)


async def test_only_who_may_see_the_answer_may_stop_it(floor: Floor, engine: Engine) -> None:
    said = await floor.slack.say(OLIVIA, "C0AIOPS", "<@U0SPENDGATE> what did AI cost?")
    await begun(engine)
    with writing(engine) as (session, _):
        place = session.exec(select(Conversation)).one()
        assert not place.private
    at = ("C0AIOPS", said.ts)
    assert "do not know who you are" in str(pressed(engine, STRANGER, *at, "Ev1"))
    assert pressed(engine, OLIVIA, "C0AIOPS", "1.000001", "Ev2") == stop_button.TOO_LATE
    assert entries(engine, "question.stopped") == []
    assert [data["reason"] for _, data in entries(engine, "slack.refused")] == ["person not linked"]
    assert pressed(engine, ARJUN, *at, "Ev3") is None, "he sees all that she does"
    assert [actor for actor, _ in entries(engine, "question.stopped")] != ["p-0a11ce01"]
    assert pressed(engine, OLIVIA, *at, "Ev4") == stop_button.TOO_LATE
    assert pressed(engine, ARJUN, *at, "Ev3") is None, "the same delivery again"
    assert len(entries(engine, "question.stopped")) == 1


@pytest.mark.slow
async def test_whoever_sees_less_than_the_asker_stops_nothing(
    floor: Floor, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = await floor.slack.say(OLIVIA, "C0AIOPS", "<@U0SPENDGATE> what did AI cost?")
    await begun(engine)
    scopes = {"p-0a11ce01": ("fraud", "risk"), "p-0b0b0002": ("risk",)}
    monkeypatch.setattr(stop_button, "scope_of", lambda _session, *, speaker, thread: scopes.get(speaker, ("risk",)))
    assert pressed(engine, ARJUN, "C0AIOPS", said.ts) == stop_button.NOT_YOURS
    assert [data["reason"] for _, data in entries(engine, "slack.refused")] == ["not theirs to stop"]
    assert pressed(engine, OLIVIA, "C0AIOPS", said.ts, "Ev2") is None


async def test_an_accepted_stop_is_never_answered_otherwise(floor: Floor, engine: Engine, home: Home) -> None:
    """It may be stored after the model has answered and before the answer is: then the sentence is stored."""
    async with agent_process(engine=engine, home=home, model=load_model({})) as process:
        process.ports = replace(process.ports, model=ScriptedModel(script=["Hello."]), model_name="scripted")
        said = await floor.slack.say(OLIVIA, "@app", "hello")
        wake = await begun(engine)
        kept = process._finish

        def late(row: Any, answer: Any) -> None:
            assert pressed(engine, OLIVIA, "D0OLIVIA", said.ts) is None
            kept(row, answer)

        process._finish = late  # type: ignore[method-assign]
        await process.drain(wake.thread)
    with reading(engine) as (session, _):
        answer = session.exec(select(StoredAnswer)).one()
        assert session.exec(select(TurnStop)).one().turn == answer.turn
    assert (
        answer.body["answer"] == "p-0a11ce01 stopped this before there was an answer. Nothing was proposed or changed."
    )


async def test_a_session_waits_for_people_while_a_proposal_is_open(
    floor: Floor, engine: Engine, sealed: Callable[[str], str]
) -> None:
    said = await floor.slack.say(OLIVIA, "@app", "Stop train-1")
    wake = await begun(engine)
    assert await at_work(floor) == said.ts
    doing(engine, wake, step(1, state="complete"))
    proposal = sealed(wake.thread)
    answered(engine, wake, step(1, state="complete"))
    assert await at_work(floor, "suspended") == said.ts
    await floor.card(proposal)
    with writing(engine) as (session, now):
        withdraw(session, now=now, proposal_id=proposal, person="p-0a11ce01")
    assert await at_work(floor, "closed") == said.ts


async def test_a_workspace_without_sessions_is_left_alone(floor: Floor, engine: Engine) -> None:
    await floor.slack.faults(
        {"fault": "error", "method": "agents.sessions.setStatus", "error": "unknown_method", "times": 50}
    )
    await floor.slack.say(OLIVIA, "@app", "What did AI cost?")
    wake = await begun(engine)
    await asyncio.sleep(0.8)
    answered(engine, wake)
    await floor.slack.until_message("@app", lambda m: "12,000" in shown_text(m), user=OLIVIA)
    assert len(await floor.slack.calls("agents.sessions.setStatus")) == 1
