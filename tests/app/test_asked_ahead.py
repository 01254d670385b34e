"""The agent asks a new bill before people do: for each scope, between turns, without a model and without a trace."""

import asyncio
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from langchain_core.tools import BaseTool, StructuredTool
from sqlalchemy import Engine
from sqlmodel import select

from agent.ports import Seat
from app.asked_ahead import MOST_SCOPES, QUESTIONS, AskedAhead
from app.database import reading, writing
from app.home import Home
from app.inbox import conversation
from app.seat import scope_of, seated_with, sit
from app.turns import StoredAnswer, TokenUse
from approvals.active import PEOPLE as PEOPLE_KIND
from approvals.adopt import adopt
from approvals.store import Draft
from audit.event import Actor, ActorKind
from audit.log import LogEntry
from lake.engine import Lake
from lake.load import ingest
from tests.app.conftest import PEOPLE
from tests.lake.queries import noted_queries
from tests.tools.small_bill import NOW, charge, days_of, written

pytestmark = pytest.mark.slow

TINA, OLIVIA = "p-00000042", "p-0a11ce01"
NARROW = f"""
[[person]]
id = "{TINA}"
name = "Tina Treasury"
roles = ["ops_manager"]
sees_teams = ["treasury"]
"""
ROWS = [
    charge(day, f"{40 + day.day}", team=team) for day in days_of(date(2026, 9, 1), 61) for team in ("treasury", "fraud")
]


@pytest.fixture
def lake(home: Home, engine: Engine) -> Lake:
    with writing(engine) as (session, now):
        adopt(session, now=now, kind=PEOPLE_KIND, text=PEOPLE + NARROW, actor=Actor(ActorKind.SERVICE, "test"))
    made = Lake(home.lake)
    ingest(made, [written(home.folder / "bill.csv", ROWS)], now=NOW)
    return made


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return noted_queries(monkeypatch)


def ahead(engine: Engine, home: Home, lake: Lake, idle: asyncio.Event | None = None) -> AskedAhead:
    if idle is None:
        idle = asyncio.Event()
        idle.set()
    return AskedAhead(engine, lake, seated=seated_with(engine, home, lake), idle=idle)


def use(
    engine: Engine, home: Home, lake: Lake, speaker: str, name: str, arguments: dict[str, Any], thread: str = ""
) -> str:
    box = sit(engine, home, lake)(Seat(thread=thread, turn="t", speaker=speaker, key="t/1", next_number=1))
    tool = next(tool for tool in box.tools if tool.name == name)
    return str(tool.invoke(arguments))


async def test_after_it_the_usual_questions_of_every_scope_read_nothing(
    engine: Engine, home: Home, lake: Lake, queries: list[str]
) -> None:
    asked = await ahead(engine, home, lake).once()
    assert asked > 2 * len(QUESTIONS)
    assert queries
    queries.clear()
    for speaker in (OLIVIA, TINA):
        for name, arguments in QUESTIONS:
            use(engine, home, lake, speaker, name, arguments)
            assert queries == [], (speaker, name, arguments)


async def test_each_scope_is_answered_by_its_own_teams(engine: Engine, home: Home, lake: Lake) -> None:
    await ahead(engine, home, lake).once()
    told = use(engine, home, lake, TINA, "query_spend", {"by": ["team"], "period": "2026-10"})
    assert "treasury" in told
    assert "fraud" not in told
    assert "fraud" in use(engine, home, lake, OLIVIA, "query_spend", {"by": ["team"], "period": "2026-10"})


async def test_after_it_a_channels_first_questions_read_nothing_however_the_teams_are_listed(
    engine: Engine, home: Home, lake: Lake, queries: list[str]
) -> None:
    both = NARROW.replace('["treasury"]', '["treasury", "fraud"]')
    channel = '\n[[channel]]\nteam = "T0BANK"\nid = "C0FRAUD"\nsees_teams = ["fraud"]\n'
    with writing(engine) as (session, now):
        adopt(session, now=now, kind=PEOPLE_KIND, text=PEOPLE + both + channel, actor=Actor(ActorKind.SERVICE, "test"))
        place = conversation(session, surface="slack", team="T0BANK", channel="C0FRAUD", thread_ts="1", private=False)
        thread = str(place.thread)
    await ahead(engine, home, lake).once()
    queries.clear()
    for where in (thread, ""):
        for name, arguments in QUESTIONS:
            told = use(engine, home, lake, TINA, name, arguments, thread=where)
            assert queries == [], (where, name, arguments)
            assert where == "" or "treasury" not in told
    with reading(engine) as (session, _):
        assert scope_of(session, speaker=TINA, thread="") == ("fraud", "treasury")


async def test_it_leaves_nothing_in_the_database(engine: Engine, home: Home, lake: Lake) -> None:
    def rows() -> list[int]:
        with reading(engine) as (session, _):
            return [len(session.exec(select(kind)).all()) for kind in (StoredAnswer, TokenUse, Draft, LogEntry)]

    before = rows()
    await ahead(engine, home, lake).once()
    assert rows() == before


async def test_it_waits_while_a_turn_is_under_way(engine: Engine, home: Home, lake: Lake, queries: list[str]) -> None:
    idle = asyncio.Event()
    task = asyncio.create_task(ahead(engine, home, lake, idle).once())
    await asyncio.sleep(0.2)
    assert queries == []
    idle.set()
    async with asyncio.timeout(60):
        assert await task > 0


async def test_a_bill_is_asked_once_and_a_new_one_again(
    engine: Engine, home: Home, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.asked_ahead.LOOK_SECONDS", 0.01)
    made, rounds = ahead(engine, home, lake), []

    async def once() -> int:
        rounds.append(len(lake.current()))
        if len(rounds) == 1:
            raise OSError("the disk was away")
        return 0

    monkeypatch.setattr(made, "once", once)
    task = asyncio.create_task(made.run())
    try:
        await asyncio.sleep(0.3)
        assert len(rounds) == 2, "a fault is tried again, what was asked is not"
        ingest(lake, [written(home.folder / "more.csv", [charge(date(2026, 11, 2), "3", team="fraud")])], now=NOW)
        async with asyncio.timeout(60):
            while len(rounds) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        task.cancel()


async def test_a_question_that_always_fails_stops_no_other_and_is_asked_ever_less_often(
    engine: Engine, home: Home, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.asked_ahead.LOOK_SECONDS", 0.01)
    made, pauses, asked = ahead(engine, home, lake), list[float](), list[str]()
    real, sleep = made._seated, asyncio.sleep

    def broken(name: str) -> BaseTool:
        def use() -> str:
            asked.append(name)
            if name == QUESTIONS[0][0]:
                raise MemoryError("too large a question")
            return ""

        return StructuredTool.from_function(use, name=name, description="broken")

    def seated(seat: Seat, *judged: Any) -> Any:
        box = real(seat, *judged)
        return replace(box, tools=[broken(tool.name) for tool in box.tools])

    async def noted(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 4:
            raise asyncio.CancelledError
        await sleep(0)

    monkeypatch.setattr(made, "_seated", seated)
    monkeypatch.setattr("app.asked_ahead.asyncio.sleep", noted)
    with pytest.raises(asyncio.CancelledError):
        await made.run()
    assert asked.count("find_savings") == 4 * 2, "for each scope, each time"
    assert pauses == [0.02, 0.04, 0.08, 0.16]


async def test_of_many_scopes_only_some_are_asked_for(engine: Engine, home: Home, lake: Lake) -> None:
    many = "".join(
        NARROW.replace(TINA, f"p-{number:08}").replace('"treasury"', f'"team-{number}"') for number in range(100, 120)
    )
    with writing(engine) as (session, now):
        adopt(session, now=now, kind=PEOPLE_KIND, text=PEOPLE + many, actor=Actor(ActorKind.SERVICE, "test"))
    made = ahead(engine, home, lake)
    seen: list[tuple[str, ...]] = []
    real = made._seated

    def counted(seat: Seat, scope: tuple[str, ...], now: datetime) -> Any:
        seen.append(scope)
        box = real(seat, scope, now)
        return replace(box, tools=[_deaf(tool.name) for tool in box.tools])

    made._seated = counted
    await made.once()
    assert len(set(seen)) == len(seen) == MOST_SCOPES


def _deaf(name: str) -> BaseTool:
    """A tool that does nothing."""
    return StructuredTool.from_function(lambda: "", name=name, description="nothing")
