"""Steps are stored beside a turn that lasts, by nobody whom the turn waits for, and never for one that is over."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from agent.steps import Step, StepState
from app import steps
from app.database import reading, writing
from app.steps import Steps, steps_of, store_steps
from app.turns import TurnStep, WakeUp, finish, note_due, show_step
from tests.app.test_agent_process import ask

RUNNING, DONE, FAILED = StepState.RUNNING, StepState.DONE, StepState.FAILED


def begin(engine: Engine) -> WakeUp:
    ask(engine, "one")
    with writing(engine) as (session, now):
        note_due(session, now)
        wake = session.exec(select(WakeUp)).one()
        show_step(session, turn=wake.id, thread=wake.thread, words="is reading the bill…", now=now)
        return wake


def stored(engine: Engine) -> list[tuple[int, str]]:
    with reading(engine) as (session, _):
        return [(one["number"], one["state"]) for one in steps_of(session, "m:one")]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(steps, "NEXT_SECONDS", 0.01)


async def becomes(engine: Engine, what: list[tuple[int, str]]) -> None:
    async with asyncio.timeout(60):
        while stored(engine) != what:  # noqa: ASYNC110 (a thread stores it)
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("quick")
async def test_each_call_is_one_step_that_ends(engine: Engine) -> None:
    told, wake = Steps(engine), begin(engine)
    async with told.of(wake, []):
        told.note(Step(wake.id, 1, "query_spend", RUNNING))
        await becomes(engine, [(1, "in_progress")])
        told.note(Step(wake.id, 1, "query_spend", DONE))
        told.note(Step(wake.id, 2, "derive", RUNNING))
        await becomes(engine, [(1, "complete"), (2, "in_progress")])
        with reading(engine) as (session, _):
            assert session.get_one(TurnStep, wake.id).words == "is at it: comparing figures…"
    assert [(one["number"], one["state"]) for one in told.taken(wake.id)] == [(1, "complete"), (2, "error")]
    assert told.taken(wake.id) == []


async def test_a_turn_that_is_over_at_once_stores_none(engine: Engine) -> None:
    told, wake = Steps(engine), begin(engine)
    async with told.of(wake, []):
        told.note(Step(wake.id, 1, "query_spend", DONE))
        await asyncio.sleep(0.05)
    assert stored(engine) == []
    assert len(told.taken(wake.id)) == 1


@pytest.mark.usefixtures("quick")
async def test_an_attempt_after_a_kill_goes_on_with_the_numbers(engine: Engine) -> None:
    wake = begin(engine)
    died = Steps(engine)
    async with died.of(wake, []):
        died.note(Step(wake.id, 1, "query_spend", DONE))
        died.note(Step(wake.id, 2, "derive", RUNNING))
        await becomes(engine, [(1, "complete"), (2, "in_progress")])
    with reading(engine) as (session, _):
        earlier = steps_of(session, wake.id)
    again = Steps(engine)
    async with again.of(wake, earlier):
        again.note(Step(wake.id, 2, "derive", DONE))
        await becomes(engine, [(1, "complete"), (2, "complete")])
    assert [number for number, *_ in stored(engine)] == [1, 2], "and none is there twice"


def test_nothing_is_stored_of_a_turn_that_is_over(engine: Engine) -> None:
    wake = begin(engine)
    with writing(engine) as (session, now):
        assert finish(session, wake=wake, body={"answer": "x"}, now=now)
        store_steps(session, turn=wake.id, steps=[{"number": 1, "state": "complete", "words": "x"}], now=now)
        assert session.exec(select(TurnStep)).all() == []


async def test_no_more_steps_are_told_than_slack_takes(engine: Engine) -> None:
    told, wake = Steps(engine), begin(engine)
    async with told.of(wake, []):
        for number in range(1, 100):
            told.note(Step(wake.id, number, "query_spend", DONE))
        told.note(Step("m:another", 1, "query_spend", DONE))
    assert len(told.taken(wake.id)) == steps.MOST
    assert told.taken("m:another") == []


@pytest.mark.usefixtures("quick")
async def test_a_busy_database_holds_up_no_turn(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told, wake = Steps(engine), begin(engine)
    kept: Callable[..., None] = told._store
    tries: list[int] = []

    def busy(*given: Any) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("the disk is full")
        kept(*given)

    monkeypatch.setattr(told, "_store", busy)
    async with told.of(wake, []):
        told.note(Step(wake.id, 1, "query_spend", RUNNING))
        await becomes(engine, [(1, "in_progress")])
    assert len(tries) == 2
