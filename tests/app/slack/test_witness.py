"""The log's checkpoint in a channel: once an hour, only if it grew, from one of several replicas."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine
from sqlmodel import select

from app.database import open_database, reading, writing
from app.home import Home
from app.log_key import KeyFolder
from app.processes.signer import Following
from app.slack import bolt
from app.slack.witness import post_checkpoint
from audit import log
from audit.checkpoint import parse, verify
from audit.event import Actor, ActorKind, Event
from audit.stored_tree import LogWitness
from sandbox.slack.driver import SlackDriver, shown_text
from sandbox.slack.seed import default_seed
from sandbox.slack.server import create_app, create_site, listening_socket
from sandbox.slack.settings import SiteSettings
from sandbox.slack.trial import served
from tests.app.slack.settings import settings_at

CHANNEL = "C0APPROVE"


@dataclass
class Room:
    """A workspace, replicas of `serve`, and a signer."""

    slack: SlackDriver
    clients: list[AsyncWebClient]
    engines: list[Engine]
    following: Following

    def grow(self) -> None:
        """An entry, signed."""
        with writing(self.engines[0]) as (session, now):
            log.append(session, now=now, event=Event.LOG_READ, actor=Actor(ActorKind.SERVICE, "test"), data={})
        assert self.following.round()

    async def replicas(self) -> int:
        """All look at once; how many posted."""
        both = zip(self.engines, self.clients, strict=True)
        looks = [
            post_checkpoint(engine, client, channel=CHANNEL, by=f"s-{at}") for at, (engine, client) in enumerate(both)
        ]
        return sum(await asyncio.gather(*looks))

    async def said(self) -> list[str]:
        return [shown_text(message) for message in await self.slack.messages(CHANNEL)]

    def rows(self) -> list[LogWitness]:
        with reading(self.engines[0]) as (session, _):
            return list(session.exec(select(LogWitness)))


@pytest_asyncio.fixture
async def room(engine: Engine, home: Home, clock: Any) -> AsyncIterator[Room]:
    with listening_socket(0) as free:
        port = free.getsockname()[1]
    site = create_site(
        settings=SiteSettings(port=port, app_url="http://127.0.0.1:9/slack/events", signing_secret="s3"),
        seed=default_seed(),
    )
    settings = settings_at(port)
    engines = [open_database(home.database, clock=clock) for _ in range(3)]
    following = Following(engine, KeyFolder(home.folder / "signer"))
    async with served(create_app(site), port), SlackDriver(f"http://127.0.0.1:{port}") as driver:
        yield Room(driver, [bolt.slack_client(settings) for _ in engines], engines, following)


async def test_once_an_hour_and_only_if_it_grew(room: Room, clock: Any) -> None:
    assert await room.replicas() == 0, "nothing is signed yet"
    room.following.round()
    before = len(await room.said())
    assert await room.replicas() == 1
    room.grow()
    clock.pass_(minutes=59, seconds=59)
    assert await room.replicas() == 0
    clock.pass_(seconds=1)
    assert await room.replicas() == 1
    clock.pass_(hours=5)
    assert await room.replicas() == 0, "it did not grow"
    assert len(await room.said()) == before + 2
    assert [row.witness for row in room.rows()] == [f"slack:{CHANNEL}"] * 2


async def test_what_is_posted_is_the_note_to_the_letter(room: Room) -> None:
    note = room.following.round()
    assert note is not None
    assert await room.replicas() == 1
    text = (await room.said())[-1]
    copied = text.split("```")[1].strip("\n") + "\n"
    assert copied == note
    assert verify(copied, room.following.key.verifier).size == room.rows()[0].size


async def test_what_slack_refuses_is_tried_again(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.following.round()
    real = AsyncWebClient.chat_postMessage

    async def refuse(*_: Any, **__: Any) -> Any:
        raise SlackApiError("no", {"ok": False, "error": "ratelimited"})  # type: ignore[no-untyped-call]

    monkeypatch.setattr(AsyncWebClient, "chat_postMessage", refuse)
    assert await room.replicas() == 0
    assert room.rows() == []
    monkeypatch.setattr(AsyncWebClient, "chat_postMessage", real)
    assert await room.replicas() == 1


async def test_a_checkpoint_whose_answer_was_lost_is_found_and_known_as_it_was_posted(room: Room, clock: Any) -> None:
    note = room.following.round()
    await room.slack.faults({"fault": "lost_answer", "method": "chat.postMessage"})
    # One alone: of several at once, a late one may find the message in the same round, and rightly so.
    assert not await post_checkpoint(room.engines[0], room.clients[0], channel=CHANNEL, by="s-0")
    room.grow()
    assert await room.replicas() == 1
    assert len([text for text in await room.said() if "signed checkpoint" in text]) == 1
    assert [row.size for row in room.rows()] == [parse(str(note)).size], "not the longer log of now"
