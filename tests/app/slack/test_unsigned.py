"""A log that nobody signs is told of in the approvers' channel, once however many replicas of `serve` there are."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ServerDisconnectedError
from slack_sdk.web.async_client import AsyncWebClient

from app.log_key import KeyFolder
from app.processes.signer import Following
from app.slack.unsigned import watch_signer
from tests.app.slack.test_remind import CHANNEL, Room, room  # noqa: F401


async def looks(room: Room) -> list[bool]:  # noqa: F811
    both = zip(room.engines, room.clients, strict=True)
    every = [watch_signer(engine, client, channel=CHANNEL, by=f"s-{at}") for at, (engine, client) in enumerate(both)]
    return sorted(await asyncio.gather(*every))


async def test_the_alarm_is_raised_once_for_each_place_where_signing_stopped(
    room: Room,  # noqa: F811
    clock: Any,
    tmp_path: Path,
) -> None:
    assert await looks(room) == [False] * 3
    clock.pass_(seconds=61)
    assert await looks(room) == [False, False, True]
    assert await looks(room) == [False] * 3
    text = (await room.slack.calls("chat.postMessage"))[-1]["arguments"]["text"]
    assert "None of" in text
    assert "spendgate signer" in text
    following = Following(room.engines[0], KeyFolder(tmp_path / "signer"))
    following.round()
    clock.pass_(hours=1)
    assert await looks(room) == [False] * 3, "everything is signed, however long ago"
    with_more = Following(room.engines[0], KeyFolder(tmp_path / "other"))  # its key is an entry
    assert with_more.signer.size == 0
    clock.pass_(seconds=61)
    assert await looks(room) == [False, False, True]
    text = (await room.slack.calls("chat.postMessage"))[-1]["arguments"]["text"]
    assert "1 of" in text


async def test_an_alarm_is_neither_lost_nor_doubled_by_a_connection_that_breaks(
    room: Room,  # noqa: F811
    clock: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock.pass_(seconds=61)

    async def breaks(*_: Any, **__: Any) -> Any:
        raise ServerDisconnectedError

    with monkeypatch.context() as broken:
        broken.setattr(AsyncWebClient, "chat_postMessage", breaks)
        with pytest.raises(ServerDisconnectedError):
            await watch_signer(room.engines[0], room.clients[0], channel=CHANNEL, by="s-0")
    await room.slack.faults({"fault": "lost_answer", "method": "chat.postMessage"})
    # One alone: of several at once, a late one may find the message in the same round, and rightly so.
    assert not await watch_signer(room.engines[0], room.clients[0], channel=CHANNEL, by="s-0"), "nobody knows"
    assert await looks(room) == [False, False, True]
    said = [message for message in await room.slack.messages(CHANNEL) if "not being signed" in message["text"]]
    assert len(said) == 1
