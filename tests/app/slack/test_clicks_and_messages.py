"""Slack's door with real clients on loopback: who may do what, and what a repeated or hostile request changes."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from time import time as machine_time
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import Engine
from sqlmodel import col, select

from app.database import reading, writing
from app.drawn import CardMessage
from app.home import Home
from app.inbox import Message, conversation
from app.processes.serve import build
from app.settings import SlackSettings
from app.slack import admission, bolt
from app.slack.people import Speaker
from app.turns import StoredAnswer
from approvals.store import Proposal, Vote, proposal_of
from audit.log import LogEntry
from audit.verify import verify
from sandbox.slack.clock import Clock
from sandbox.slack.driver import SlackDriver, buttons, shown_text
from sandbox.slack.seed import Seed
from sandbox.slack.seed import default_seed as default_seed
from sandbox.slack.server import create_app, create_site, listening_socket
from sandbox.slack.settings import SiteSettings
from sandbox.slack.trial import served
from tests.app.slack.full_disk import full_once
from tests.app.slack.pressing import cast
from tests.app.slack.settings import settings_at as settings_at

OLIVIA, ARJUN, EDITH, STRANGER = "U0OLIVIA", "U0ARJUN", "U0EDITH", "U0STRANGER"
CHANNEL = "C0APPROVE"


@dataclass
class Floor:
    """A sandbox workspace and `serve` behind it."""

    slack: SlackDriver
    http: httpx.AsyncClient
    engine: Engine
    settings: SlackSettings

    async def card(self, proposal: str) -> dict[str, Any]:
        return await self.slack.until_message(
            CHANNEL, lambda m: proposal in json.dumps(m) and "approve" in buttons(m), seconds=60, hint="no card"
        )

    def events(self) -> list[str]:
        with reading(self.engine) as (session, _):
            return [str(entry.event) for entry in session.exec(select(LogEntry).order_by(col(LogEntry.seq))).all()]

    def state(self, proposal: str) -> str:
        with reading(self.engine) as (session, _):
            return proposal_of(session, proposal).state

    async def becomes(self, proposal: str, state: str, seconds: float = 60) -> None:
        """Waits until the proposal is in a state: a press is acknowledged first, and judged then."""
        ends = asyncio.get_running_loop().time() + seconds
        while (found := await asyncio.to_thread(self.state, proposal)) != state:
            assert asyncio.get_running_loop().time() < ends, f"{proposal} is {found}, not {state}"
            await asyncio.sleep(0.02)


@asynccontextmanager
async def opened(
    engine: Engine, home: Home, clock: Any, *, seed: Seed | None = None, time: Clock = machine_time, **more: Any
) -> AsyncIterator[Floor]:
    """A workspace, and `serve` behind it, for the length of the block. `more` is about the workspace, whose time is
    `time`."""
    clock.running = True  # the workspace signs with the machine's time
    async with AsyncExitStack() as stack:
        with listening_socket(0) as free:
            port = free.getsockname()[1]
        slack = settings_at(port)
        api = build(engine=engine, home=home, slack=slack, client=bolt.slack_client(slack))
        app_port = await stack.enter_async_context(served(api))
        address = f"http://127.0.0.1:{app_port}"
        settings = SiteSettings(
            port=port, app_url=f"{address}/slack/events", signing_secret="s3", retry_scale=0.001, **more
        )
        site = create_site(settings=settings, seed=seed or default_seed(), clock=time)
        await stack.enter_async_context(served(create_app(site), port))
        driver = await stack.enter_async_context(SlackDriver(f"http://127.0.0.1:{port}"))
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=address, trust_env=False))
        yield Floor(driver, http, engine, slack)


@pytest_asyncio.fixture
async def floor(engine: Engine, home: Home, clock: Any) -> AsyncIterator[Floor]:
    async with opened(engine, home, clock) as one:
        yield one


def thread(engine: Engine) -> str:
    with writing(engine) as (session, _):
        place = conversation(session, surface="slack", team="T0BANK", channel="D0", thread_ts="1.1", private=True)
        return place.thread


async def test_a_message_is_a_row_before_slack_is_told_so(floor: Floor) -> None:
    said = await floor.slack.say(OLIVIA, "@app", "What did AI cost?")
    deadline = asyncio.get_running_loop().time() + 5
    while not (answered := [d for d in await floor.slack.deliveries(event_id=said.event_ids[0]) if d["status"] == 200]):
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.05)
    assert said.event_ids
    with reading(floor.engine) as (session, _):
        stored = session.exec(select(Message)).all()
    assert [(message.id, message.person) for message in stored] == [(said.event_ids[0], "p-0a11ce01")]
    again = await floor.slack.replay(answered[0]["id"])
    assert again.status == 200
    with reading(floor.engine) as (session, _):
        assert len(session.exec(select(Message)).all()) == 1


async def test_a_message_that_could_not_be_stored_is_not_acknowledged_and_comes_again(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_once(monkeypatch)
    said = await floor.slack.say(OLIVIA, "@app", "What did AI cost?")
    deadline = asyncio.get_running_loop().time() + 10
    while 200 not in (statuses := [d["status"] for d in await floor.slack.deliveries(event_id=said.event_ids[0])]):
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.05)
    assert statuses[0] == 500
    with reading(floor.engine) as (session, _):
        assert [message.id for message in session.exec(select(Message)).all()] == [said.event_ids[0]]


async def test_an_answer_that_slack_refuses_for_ever_holds_up_nobody(floor: Floor, engine: Engine) -> None:
    with writing(engine) as (session, now):
        for number, channel in enumerate(("C0GONE", "D0OLIVIA")):
            place = conversation(session, surface="slack", team="T0BANK", channel=channel, thread_ts="", private=True)
            values = {"answer": f"answer {number}", "tools": [], "model": "offline"}
            session.add(StoredAnswer(turn=f"m:{number}", thread=place.thread, body=values, answered_at=now))
        for number in range(60):
            here = conversation(session, surface="cli", team="", channel="p-1", thread_ts=str(number), private=True)
            session.add(StoredAnswer(turn=f"c:{number}", thread=here.thread, body={}, answered_at=now))
    await floor.slack.until_message("@app", lambda m: "answer 1" in shown_text(m), user=OLIVIA, seconds=60)
    with reading(engine) as (session, _):
        gone = session.get_one(StoredAnswer, "m:0")
    assert gone.refused == "channel_not_found"
    assert "slack.undelivered" in floor.events()


async def test_a_deleted_card_is_posted_anew(floor: Floor, engine: Engine, sealed: Callable[[str], str]) -> None:
    proposal = sealed(thread(engine))
    card = await floor.card(proposal)
    with writing(engine) as (session, _):
        session.get_one(CardMessage, proposal).ts = "1.000001"
    await floor.slack.click(ARJUN, "approve", channel=CHANNEL, ts=card["ts"])
    anew = await floor.slack.until_message(
        CHANNEL, lambda m: m["ts"] != card["ts"] and "pproved" in shown_text(m), seconds=60, hint="no new card"
    )
    assert proposal in json.dumps(anew)
    assert "slack.undelivered" in floor.events()


async def test_the_right_person_approves_and_the_wrong_ones_are_told_why(
    floor: Floor, engine: Engine, sealed: Callable[[str], str]
) -> None:
    proposal = sealed(thread(engine))
    card = await floor.card(proposal)
    for wrong in (OLIVIA, EDITH):
        await floor.slack.click(wrong, "approve", channel=CHANNEL, ts=card["ts"])
        told = await floor.slack.until_message(
            CHANNEL, lambda m: "not counted" in shown_text(m), user=wrong, seconds=60, hint=f"{wrong} was not told"
        )
        assert "not counted" in told["text"]
        assert floor.state(proposal) == "pending"
    pressed = await floor.slack.click(ARJUN, "approve", channel=CHANNEL, ts=card["ts"])
    assert pressed.acknowledged
    await floor.becomes(proposal, "approved")
    assert floor.events().count("vote.refused") == 2
    await floor.slack.replay(pressed.delivery_id)
    assert floor.events().count("approval.quorum_met") == 1
    with reading(engine) as (session, _):
        assert len(session.exec(select(Vote)).all()) == 1
        assert verify(session).ok


async def test_a_click_that_could_not_be_stored_is_not_acknowledged(
    floor: Floor, engine: Engine, sealed: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack never repeats a click: whoever is told that it arrived believes that the vote is there."""
    proposal = sealed(thread(engine))
    card = await floor.card(proposal)

    def failing(*_: Any, **__: Any) -> None:
        threading.Event().wait(1)  # a disk that takes its time: whoever does not wait for it has answered by then
        raise OSError("the disk is full")

    monkeypatch.setattr(admission, "take_in", failing)
    pressed = await floor.slack.click(ARJUN, "approve", channel=CHANNEL, ts=card["ts"])
    assert not pressed.acknowledged
    assert floor.state(proposal) == "pending"


async def test_a_rejection_asks_why_and_keeps_the_reason_out_of_the_log(
    floor: Floor, engine: Engine, sealed: Callable[[str], str]
) -> None:
    proposal = sealed(thread(engine))
    card = await floor.card(proposal)
    await floor.slack.click(ARJUN, "reject", channel=CHANNEL, ts=card["ts"])
    modal = await floor.slack.until(lambda s: s["modal"], user=ARJUN, seconds=60, hint="no dialog")
    submitted = await floor.slack.submit(ARJUN, modal["id"], {"text": "we train again on Monday"})
    assert submitted.closed
    await floor.becomes(proposal, "rejected")
    with reading(engine) as (session, _):
        bodies = b"".join(entry.body for entry in session.exec(select(LogEntry)).all())
    assert b"Monday" not in bodies
    await floor.slack.until_message(
        CHANNEL, lambda m: proposal in json.dumps(m) and "rejected" in shown_text(m).lower(), seconds=60
    )


async def test_a_digest_that_is_not_the_shown_one_counts_for_nothing(
    floor: Floor, engine: Engine, sealed: Callable[[str], str]
) -> None:
    proposal = sealed(thread(engine))
    await floor.card(proposal)
    value = json.dumps({"proposal": proposal, "digest": "0" * 64})
    body = {"type": "block_actions", "trigger_id": "t-1", "actions": [{"value": value}]}
    told = cast(engine, body=body, speaker=Speaker("T0BANK", ARJUN, CHANNEL), choice="approve")
    assert told is not None
    assert "not counted" in told
    assert floor.state(proposal) == "pending"


async def test_somebody_unknown_is_told_how_to_be_linked_and_is_in_the_log(
    floor: Floor, engine: Engine, sealed: Callable[[str], str]
) -> None:
    proposal = sealed(thread(engine))
    await floor.card(proposal)
    with reading(engine) as (session, _):
        digest = session.get_one(Proposal, proposal).digest
    value = json.dumps({"proposal": proposal, "digest": digest})
    body = {"type": "block_actions", "trigger_id": "t-2", "actions": [{"value": value}]}
    told = cast(engine, body=body, speaker=Speaker("T0BANK", STRANGER, CHANNEL), choice="approve")
    assert told is not None
    assert "people.toml" in told
    assert floor.events()[-1] == "vote.refused"
    assert floor.state(proposal) == "pending"


async def test_requests_that_are_not_slacks_change_nothing_and_are_counted(floor: Floor) -> None:
    before = len(floor.events())
    answers = [
        await floor.http.post("/slack/events", content=b"{"),
        await floor.http.post("/slack/events", content=b"x" * 2_000_000),
        await floor.http.post(
            "/slack/events",
            content=b"{}",
            headers={"x-slack-request-timestamp": "abc", "x-slack-signature": "v0=00"},
        ),
        await floor.http.post(
            "/slack/events",
            content=b"{}",
            headers={"x-slack-request-timestamp": "1", "x-slack-signature": "v0=00"},
        ),
    ]
    assert [answer.status_code for answer in answers] == [401, 413, 401, 401]
    assert len(floor.events()) == before


@pytest.mark.parametrize("value", ["", "no JSON", "[]", "{}", '{"proposal": null}', "\ud83d"])
async def test_a_button_that_is_not_ours_is_a_refused_vote(floor: Floor, engine: Engine, value: str) -> None:
    body = {"type": "block_actions", "trigger_id": f"t-{len(value)}-{value.isascii()}", "actions": [{"value": value}]}
    told = await asyncio.to_thread(cast, engine, body=body, speaker=Speaker("T0BANK", ARJUN, CHANNEL), choice="approve")
    assert told is not None
    assert "not counted" in told
    assert floor.events()[-1] == "vote.refused"
