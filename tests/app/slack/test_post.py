"""What is nice to have in Slack, or read from it, stops nothing when a connection breaks in the middle."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from slack_sdk.web.async_client import AsyncWebClient

from app.inbox import Conversation
from app.slack.groups import SlackGroups
from app.slack.post import set_status, whisper
from approvals.directory import DirectoryDown
from approvals.person import Group


@pytest_asyncio.fixture
async def broken() -> AsyncIterator[AsyncWebClient]:
    """A client of a server that takes each request and closes the connection without a word."""

    async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(closes, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield AsyncWebClient(token="xoxb-1", base_url=f"http://127.0.0.1:{port}/api/", timeout=5)
    server.close()


async def test_a_note_and_a_status_that_were_not_shown_are_no_failure(
    broken: AsyncWebClient, caplog: pytest.LogCaptureFixture
) -> None:
    place = Conversation(thread="t-1", surface="slack", team="T", channel="C", thread_ts="1.1", private=True)
    caplog.set_level("INFO")
    await whisper(broken, channel="C", user="U", text="hello")
    await set_status(broken, place, "looks at the bill")
    assert "a private note was not shown" in caplog.text
    assert "would not show a status: the connection broke" in caplog.text


async def test_groups_that_were_not_answered_are_a_directory_that_is_down(broken: AsyncWebClient) -> None:
    with pytest.raises(DirectoryDown, match="S0APPROVE"):
        await SlackGroups(broken).members([Group("T0BANK", "S0APPROVE", "approver")])
