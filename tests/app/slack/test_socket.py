"""Socket Mode through the SDK's own client: the same story as by HTTP, and connections that come and go."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Engine
from sqlmodel import select

from app.database import reading
from app.home import Home
from app.inbox import Message
from app.settings import SlackSettings
from sandbox.slack.driver import shown_text
from tests.app.slack import test_clicks_and_messages as door
from tests.app.slack.full_disk import full_once
from tests.app.slack.test_clicks_and_messages import ARJUN, CHANNEL, OLIVIA, Floor, thread

pytestmark = pytest.mark.slow


@pytest_asyncio.fixture
async def wired(engine: Engine, home: Home, clock: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Floor]:
    """The floor without any address that Slack could call."""
    made = door.settings_at

    def by_socket(port: int) -> SlackSettings:
        return SlackSettings(**{**vars(made(port)), "app_token": "xapp-sandbox", "signing_secret": ""})

    monkeypatch.setattr(door, "settings_at", by_socket)
    async with door.opened(engine, home, clock, socket_mode=True, ack_seconds=5.0) as one:
        yield one


def stored(engine: Engine) -> list[str]:
    with reading(engine) as (session, _):
        return [message.id for message in session.exec(select(Message)).all()]


async def until_stored(engine: Engine, count: int) -> list[str]:
    for _ in range(200):
        if len(found := await asyncio.to_thread(stored, engine)) >= count:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{len(stored(engine))} messages instead of {count}")


async def test_people_ask_and_approve_and_reject_down_the_connection(
    wired: Floor, engine: Engine, sealed: Callable[[str], str]
) -> None:
    said = await wired.slack.say(OLIVIA, "@app", "What did AI cost?")
    assert await until_stored(engine, 1) == list(said.event_ids)
    name = sealed(thread(engine))
    card = await wired.card(name)
    pressed = await wired.slack.click(ARJUN, "approve", channel=CHANNEL, ts=card["ts"])
    assert pressed.acknowledged
    await wired.becomes(name, "approved")
    await wired.slack.replay(pressed.delivery_id)
    assert wired.events().count("approval.quorum_met") == 1
    await wired.slack.until_message(
        CHANNEL, lambda m: "approved" in shown_text(m) and m["ts"] != card["ts"], seconds=60
    )
    assert (await wired.http.post("/slack/events", content=b"{}")).status_code == 404


@pytest.mark.slow
async def test_a_connection_that_slack_ends_is_opened_again_and_nothing_is_lost(wired: Floor, engine: Engine) -> None:
    await wired.slack.say(OLIVIA, "@app", "one")
    await until_stored(engine, 1)
    await wired.slack.disconnect("refresh_requested")
    await wired.slack.say(OLIVIA, "@app", "two")
    assert len(await until_stored(engine, 2)) == 2


@pytest.mark.slow
async def test_what_could_not_be_stored_is_not_acknowledged_and_comes_again(
    wired: Floor, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = full_once(monkeypatch)
    said = await wired.slack.say(OLIVIA, "@app", "What did AI cost?")
    assert await until_stored(engine, 1) == list(said.event_ids)
    assert len(tries) == 2


async def told(one: Floor, user: str, says: str) -> None:
    await one.slack.until_message("@app", lambda m: says in shown_text(m), user=user, seconds=60)


async def test_guests_and_people_who_left_are_told_so_and_nothing_of_theirs_is_taken(
    engine: Engine, home: Home, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = door.default_seed()
    people = tuple(
        one.model_copy(update={"guest": one.id == OLIVIA, "deleted": one.id == ARJUN}) for one in seed.people
    )
    monkeypatch.setattr(door, "default_seed", lambda: seed.model_copy(update={"people": people}))
    async with door.opened(engine, home, clock) as one:
        for user, says in ((OLIVIA, "guests of the workspace"), (ARJUN, "was deactivated")):
            await one.slack.say(user, "@app", "What did AI cost?")
            await told(one, user, says)
    assert stored(engine) == []
    assert one.events().count("slack.refused") == 2
