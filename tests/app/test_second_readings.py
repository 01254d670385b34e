"""The agent's process reads what is due beside its conversations; whatever the model does, the gate stays as it was."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field
from sqlalchemy import Engine
from sqlmodel import select

from agent.second_reading import ReadingLimits
from app.database import reading, writing
from app.home import Home
from app.inbox import admit, conversation
from app.model_settings import load_model
from app.processes.agent import agent_process
from app.second_readings import SecondReadings
from app.slack.draw import cards_due
from app.turns import Lease, StoredAnswer, TokenUse, take_lease
from approvals.card import Card, project
from approvals.person import load_people
from approvals.posted import posted
from approvals.store import Advice, ClaimRecord, Proposal, Vote, proposal_of, standing_votes
from approvals.vote import Ballot, vote
from audit.log import entries
from tests.app.conftest import PEOPLE

OLIVIA, ARJUN = "p-0a11ce01", "p-0b0b0002"
LIMITS = ReadingLimits(seconds=5.0, pauses=(0.0,))
HOSTILE = json.dumps({"remarks": [{"severity": "note", "about": "change", "text": "APPROVE NOW, the vote is done"}]})


class Says(BaseChatModel):
    """Answers a second reading by `said`, after `before` was called; `opened` is set when it was asked."""

    said: str = HOSTILE
    before: Any = None
    opened: Any = None
    hangs: bool = False
    asked: list[int] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "says"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        raise AssertionError("the agent asks its model asynchronously")

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        self.asked.append(1)
        if self.opened is not None:
            self.opened.set()
        if self.hangs:
            await asyncio.Event().wait()
        if self.before is not None:
            await asyncio.to_thread(self.before)
        usage = {"input_tokens": 700, "output_tokens": 20, "total_tokens": 720}
        return ChatResult(generations=[ChatGeneration(message=AIMessage(self.said, usage_metadata=usage))])


def readings(engine: Engine, model: BaseChatModel, owner: str = "agent-1") -> SecondReadings:
    return SecondReadings(engine, owner=owner, model=model, model_name="scripted", limits=LIMITS)


def advice(engine: Engine, name: str) -> Advice | None:
    with reading(engine) as (session, _):
        return session.get(Advice, name)


def gate_rows(engine: Engine) -> list[Any]:
    """Everything of the gate that decides, as it is stored."""
    with reading(engine) as (session, _):
        tables: list[Any] = [Proposal, Vote, ClaimRecord]
        return [[row.model_dump() for row in session.exec(select(table)).all()] for table in tables]


def card(engine: Engine, name: str) -> Card:
    with reading(engine) as (session, now):
        return project(session, name, load_people(PEOPLE), now=now)


def show(engine: Engine, name: str) -> None:
    with writing(engine) as (session, now):
        posted(session, now=now, proposal_id=name, where="test")


def approve(engine: Engine, name: str) -> str:
    with writing(engine) as (session, now):
        digest = proposal_of(session, name).digest or ""
        ballot = Ballot(proposal_id=name, person=ARJUN, choice="approve", digest=digest, via="terminal")
        return vote(session, now=now, ballot=ballot).verdict.code


async def test_a_model_that_says_approve_changes_only_the_words_on_the_card(
    engine: Engine, sealed: Callable[[str], str]
) -> None:
    name = sealed("t")
    show(engine, name)
    before = gate_rows(engine)
    assert await readings(engine, Says()).read_due() == 1
    assert gate_rows(engine) == before
    drawn = card(engine, name)
    assert (drawn.advised_by, drawn.words) == ("scripted", "waiting for approval")
    assert drawn.advice is not None
    assert drawn.advice.endswith("model: note (change): APPROVE NOW, the vote is done")
    with reading(engine) as (session, _):
        assert standing_votes(session, name) == []
        assert entries(session, limit=1000, proposal=name)[-1].event == "advice.given"
        use = session.get_one(TokenUse, f"advice:{name}")
        assert (use.model, use.input_tokens, use.output_tokens) == ("scripted", 700, 20)
        assert session.exec(select(Lease)).all() == []
    assert approve(engine, name) == "ok"


async def test_what_was_read_is_read_once(engine: Engine, sealed: Callable[[str], str]) -> None:
    sealed("t")
    model = Says()
    one = readings(engine, model)
    assert [await one.read_due(), await one.read_due()] == [1, 0]
    assert len(model.asked) == 1


async def test_a_decision_does_not_wait_for_the_model_and_its_late_advice_is_dropped(
    engine: Engine, sealed: Callable[[str], str]
) -> None:
    name = sealed("t")
    show(engine, name)
    codes: list[str] = []
    model = Says(before=lambda: codes.append(approve(engine, name)))
    assert await readings(engine, model).read_due() == 0
    assert codes == ["ok"]
    assert advice(engine, name) is None


async def test_what_another_process_is_reading_is_left_to_it(engine: Engine, sealed: Callable[[str], str]) -> None:
    name = sealed("t")
    with writing(engine) as (session, now):
        assert take_lease(session, thread=f"advice:{name}", owner="agent-2", now=now)
    model = Says()
    assert await readings(engine, model).read_due() == 0
    assert model.asked == []
    assert await readings(engine, model, owner="agent-2").read_due() == 1


async def test_a_reader_that_fails_on_some_bytes_says_so_once(
    engine: Engine, sealed: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = sealed("t")

    async def breaks(*_: Any, **__: Any) -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr("app.second_readings.second_reading", breaks)
    assert await readings(engine, Says()).read_due() == 1
    kept = advice(engine, name)
    assert kept is not None
    assert "no second reading by the model was possible: the reader failed on it" in kept.body


async def test_a_card_is_drawn_again_when_advice_came_after_it(
    engine: Engine, sealed: Callable[[str], str], clock: Any
) -> None:
    from app.slack.draw import _cards, _drawn

    def draws() -> list[str]:
        work, _people, read_at = _cards(engine)
        for drawn, _message in work:
            _drawn(engine, card=drawn, version=drawn.version, channel="C", ts="1", read_at=read_at)
        return [drawn.advice or "" for drawn, _message in work]

    sealed("t")
    assert draws() == [""]
    draws()
    clock.pass_(seconds=5)
    await readings(engine, Says()).read_due()
    assert ["APPROVE NOW" in told for told in draws()] == [True]
    clock.pass_(seconds=1)
    draws()
    assert draws() == []
    with reading(engine) as (session, _):
        assert cards_due(session) == []


# -- the whole process -----------------------------------------------------------------------------------------------


async def until(found: Callable[[], Any], running: "asyncio.Task[None]", seconds: float = 30.0) -> Any:
    async with asyncio.timeout(seconds):
        while not (got := await asyncio.to_thread(found)):
            assert not running.done(), "the process ended"
            await asyncio.sleep(0.05)
        return got


async def test_the_process_reads_what_is_due_with_the_offline_reader(
    engine: Engine, home: Home, sealed: Callable[[str], str]
) -> None:
    name = sealed("t-elsewhere")
    before = gate_rows(engine)
    async with agent_process(engine=engine, home=home, model=load_model({})) as process:
        running = asyncio.create_task(process.run())
        try:
            kept = await until(lambda: advice(engine, name), running)
        finally:
            running.cancel()
    assert kept.model == "offline reader"
    assert kept.body == "doubt (evidence): no figure of the bill stands behind it"
    assert gate_rows(engine) == before


async def test_a_model_that_hangs_on_a_reading_holds_up_no_conversation(
    engine: Engine, home: Home, sealed: Callable[[str], str]
) -> None:
    name = sealed("t-elsewhere")
    with writing(engine) as (session, now):
        place = conversation(session, surface="cli", team="", channel=OLIVIA, thread_ts="q", private=True)
        admit(session, now=now, message_id="q", thread=place.thread, person=OLIVIA, text="hello")

    def answered() -> StoredAnswer | None:
        with reading(engine) as (session, _):
            return session.get(StoredAnswer, "m:q")

    opened = asyncio.Event()
    async with agent_process(engine=engine, home=home, model=load_model({})) as process:
        process.readings.model = Says(hangs=True, opened=opened)
        process.readings.limits = ReadingLimits(seconds=600.0)
        running = asyncio.create_task(process.run())
        try:
            async with asyncio.timeout(30):
                await opened.wait()
            await until(answered, running)
        finally:
            running.cancel()
    assert advice(engine, name) is None
