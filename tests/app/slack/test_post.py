"""What is nice to have in Slack, or read from it, stops nothing when a connection breaks in the middle."""

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
import pytest_asyncio
from slack_sdk.web.async_client import AsyncWebClient

from app.inbox import Conversation
from app.slack.at_work import set_status
from app.slack.groups import SlackGroups
from app.slack.post import whisper
from approvals.directory import DirectoryDown
from approvals.person import Group


class Broken(NamedTuple):
    """A client of a server that takes each request and closes the connection without a word; what it was asked."""

    client: AsyncWebClient
    asked: list[str]


@pytest_asyncio.fixture
async def broken() -> AsyncIterator[Broken]:
    asked: list[str] = []

    async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split()[1].decode().removeprefix("/api/"))
        writer.close()

    server = await asyncio.start_server(closes, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield Broken(AsyncWebClient(token="xoxb-1", base_url=f"http://127.0.0.1:{port}/api/", timeout=5), asked)
    server.close()


async def test_a_note_and_a_status_that_were_not_shown_are_no_failure(broken: Broken) -> None:
    place = Conversation(thread="t-1", surface="slack", team="T", channel="C", thread_ts="1.1", private=True)
    await whisper(broken.client, channel="C", user="U", text="hello")
    await set_status(broken.client, place, "looks at the bill")
    assert set(broken.asked) == {"chat.postEphemeral", "assistant.threads.setStatus"}


async def test_groups_that_were_not_answered_are_a_directory_that_is_down(broken: Broken) -> None:
    with pytest.raises(DirectoryDown, match="S0APPROVE"):
        await SlackGroups(broken.client).members([Group("T0BANK", "S0APPROVE", "approver")])
