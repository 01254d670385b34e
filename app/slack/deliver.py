"""Posts one message, once: held by one process at a time, found again by its metadata where nobody knows.

A process may die, and a connection may break, after Slack has taken a message and before its timestamp is stored. The
next attempt finds the row that was taken and never finished, looks for the message by the key in its metadata, and
adopts it; only where it is not there, another is posted.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine
from sqlmodel import Session

from app.database import writing
from app.posting import WORK_SECONDS, Held, Hold, hold, let_go, stands
from app.slack.patience import LOST, asked_to_wait, unknown, word
from app.slack.streams import LOOK_BACK, Grown

logger = logging.getLogger(__name__)
Note = Callable[[Session, "Standing", datetime], None]
EVENT_TYPE = "spendgate_message"
ABOUT_THE_MESSAGE = frozenset({"invalid_blocks", "msg_blocks_too_long", "msg_too_long", "is_archived"})
PAGES = 5
AS_WRITTEN: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False, "parse": "none"}
"""Slack makes no links and previews of its own out of names that came from a bill."""


class Attachment(NamedTuple):
    """A file. Slack takes no metadata with one, so its name, nobody else's, is what an earlier attempt is found by."""

    name: str
    title: str
    content: bytes


@dataclass(frozen=True)
class Letter:
    """A message with the key by which it is known; `payload` goes into its metadata, which anybody there may read.

    With a file its text stands above the file, and where it stands is told by the file's id.
    """

    key: str
    channel: str
    text: str
    blocks: list[dict[str, Any]] | None = None
    thread_ts: str | None = None
    broadcast: bool = False
    payload: dict[str, Any] = field(default_factory=dict)
    attached: Attachment | None = None
    grown: Grown | None = None
    """a stream that is to end as this message"""

    def metadata(self) -> dict[str, Any]:
        """What makes it findable."""
        return {"event_type": EVENT_TYPE, "event_payload": {"key": self.key, **self.payload}}


class Standing(NamedTuple):
    """Where a message stands, and the payload of its metadata as it was posted; empty where nobody looked."""

    channel: str
    ts: str
    payload: dict[str, Any]


async def deliver(
    engine: Engine, client: AsyncWebClient, letter: Letter, *, by: str, note: Note | None = None
) -> Standing | None:
    """Posts it unless it stands there; None while somebody else is at it.

    `note` is stored in the transaction that stores where it stands, so that nobody finds the one without the other.
    Raises SlackApiError where Slack refused it, and an error of `LOST` where nobody knows: the next call looks first.
    """
    held = await asyncio.to_thread(_hold, engine, letter.key, by)
    if held.hold == Hold.TAKEN:
        return None
    if held.hold == Hold.STANDS:
        await asyncio.to_thread(_let_go, engine, letter.key, by, False)
        return Standing(held.channel or "", held.ts or "", {})
    try:
        async with asyncio.timeout(WORK_SECONDS):
            found = await _find(client, letter, held) if held.hold == Hold.AGAIN else None
            found = found or await _post(client, letter)
    except SlackApiError as error:
        await asyncio.to_thread(_let_go, engine, letter.key, by, held.hold == Hold.FIRST and not unknown(error))
        raise
    except LOST:
        await asyncio.to_thread(_let_go, engine, letter.key, by, False)
        raise
    await asyncio.to_thread(_stands, engine, letter.key, found, note)
    return found


async def _post(client: AsyncWebClient, letter: Letter) -> Standing:
    if letter.attached is not None:
        return await _upload(client, letter, letter.attached)
    if letter.grown is not None and (ended := await _end(client, letter, letter.grown)) is not None:
        return ended
    answer = await client.chat_postMessage(
        channel=letter.channel,
        text=letter.text,
        blocks=letter.blocks,
        thread_ts=letter.thread_ts,
        reply_broadcast=letter.broadcast or None,
        metadata=letter.metadata(),
        **AS_WRITTEN,
    )
    return Standing(str(answer["channel"]), str(answer["ts"]), letter.payload)


async def _end(client: AsyncWebClient, letter: Letter, grown: Grown) -> Standing | None:
    """The stream ends as the message; one that is over already becomes it by an update. None where neither can be,
    and a new message says it: the same key is in each, so that the answer is found whichever way it went."""
    at: dict[str, Any] = {"channel": grown.channel, "ts": grown.ts, "metadata": letter.metadata()}
    blocks = letter.blocks or []
    try:
        await client.chat_stopStream(**at, chunks=grown.chunks, blocks=blocks)
    except SlackApiError as error:
        _pass_on(error)
        try:
            await client.chat_update(**at, text=letter.text, blocks=[*grown.plan, *blocks], parse="none")
        except SlackApiError as refused:
            _pass_on(refused)
            logger.info("a stream could not become the answer (%s): it is posted", word(refused))
            return None
    return Standing(grown.channel, grown.ts, letter.payload)


def _pass_on(error: SlackApiError) -> None:
    """Raises what is about the message itself, or about the moment: another way would fare no better."""
    if unknown(error) or asked_to_wait(error) is not None or word(error) in ABOUT_THE_MESSAGE:
        raise error


async def _upload(client: AsyncWebClient, letter: Letter, attached: Attachment) -> Standing:
    """In Slack's three steps; only the last, the sharing, shows anything to anybody."""
    try:
        answer = await client.files_upload_v2(
            filename=attached.name,
            title=attached.title,
            content=attached.content,
            channel=letter.channel,
            thread_ts=letter.thread_ts,
            initial_comment=letter.text,
        )
    except SlackRequestError as error:
        raise ConnectionError(f"the bytes of a file were not taken: {str(error)[:200]}") from error
    return Standing(letter.channel, str(answer["files"][0]["id"]), letter.payload)


def _as_posted(message: dict[str, Any], letter: Letter) -> Standing | None:
    """Where this letter stands, if it is this message: by the key in its metadata, or by its file's name."""
    if letter.attached is not None:
        files = [one for one in message.get("files") or [] if one.get("name") == letter.attached.name]
        return Standing(letter.channel, str(files[0]["id"]), letter.payload) if files else None
    told = message.get("metadata") or {}
    payload = told.get("event_payload") or {}
    if told.get("event_type") != EVENT_TYPE or payload.get("key") != letter.key:
        return None
    return Standing(letter.channel, str(message["ts"]), payload)


async def _find(client: AsyncWebClient, letter: Letter, held: Held) -> Standing | None:
    """The message that an earlier attempt may have posted, by us: whoever may post in a channel can give a message any
    metadata, and one of theirs must not pass for ours. Where Slack will not let us look, it counts as not there: a
    second message is the smaller harm than none."""
    oldest = f"{(held.begun_at - LOOK_BACK).timestamp():.6f}"
    cursor: str | None = None
    try:
        us = str((await client.auth_test())["bot_id"])
        for _ in range(PAGES):
            answer = await _page(client, letter, oldest, cursor)
            for message in answer.get("messages") or []:
                if message.get("bot_id") == us and (found := _as_posted(message, letter)) is not None:
                    return found
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
    except SlackApiError as error:
        said = word(error)
        if said in ("ratelimited", "internal_error") or unknown(error):
            raise
        logger.warning("Slack would not let us look for %s (%s): it is posted again", letter.key, said)
    return None


async def _page(client: AsyncWebClient, letter: Letter, oldest: str, cursor: str | None) -> Any:
    asked: dict[str, Any] = {"oldest": oldest, "limit": 200, "include_all_metadata": True, "cursor": cursor}
    if letter.thread_ts:
        return await client.conversations_replies(channel=letter.channel, ts=letter.thread_ts, **asked)
    return await client.conversations_history(channel=letter.channel, **asked)


def _hold(engine: Engine, key: str, by: str) -> Held:
    with writing(engine) as (session, now):
        return hold(session, key=key, owner=by, now=now)


def _let_go(engine: Engine, key: str, by: str, nothing_there: bool) -> None:
    with writing(engine) as (session, now):
        let_go(session, key=key, owner=by, now=now, nothing_there=nothing_there)


def _stands(engine: Engine, key: str, found: Standing, note: Note | None) -> None:
    with writing(engine) as (session, now):
        if note is not None:
            note(session, found, now)
        stands(session, key=key, channel=found.channel, ts=found.ts, now=now)
