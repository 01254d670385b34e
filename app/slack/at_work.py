"""What a turn is doing, shown while it does it: its steps as a stream, or else the line of words under the composer."""

import asyncio
import logging
from datetime import datetime
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine

from app.database import reading
from app.inbox import Conversation
from app.slack.clients import at
from app.slack.patience import LOST, word
from app.slack.streams import Streams, Work, under_way

logger = logging.getLogger(__name__)


class AtWork:
    """Shows the turns that are under way; remembers which words were said last."""

    def __init__(self, engine: Engine, client: AsyncWebClient, *, by: str) -> None:
        self._engine, self._client = engine, client
        self._streams = Streams(engine, client, by=by)
        self._said: dict[str, str] = {}

    async def show(self) -> None:
        """Brings streams and words up to date."""
        works, now = await asyncio.to_thread(self._look)
        for gone in set(self._said) - {work.turn for work in works}:
            del self._said[gone]
        streamed = await self._streams.show(works, now)
        for work in works:
            if work.turn not in streamed and self._said.get(work.turn) != work.words:
                self._said[work.turn] = work.words
                await set_status(at(self._client, work.place.team), work.place, work.words)

    def _look(self) -> tuple[list[Work], datetime]:
        with reading(self._engine) as (session, now):
            return under_way(session), now


async def set_status(client: AsyncWebClient, place: Conversation, words: str) -> None:
    """The line under the composer that says what is going on; nice to have, so its failure is only noted."""
    arguments: dict[str, Any] = {"channel_id": place.channel, "thread_ts": place.thread_ts, "status": words}
    try:
        await client.assistant_threads_setStatus(**arguments)
    except (SlackApiError, *LOST) as error:
        said = word(error) if isinstance(error, SlackApiError) else "the connection broke"
        logger.info("Slack would not show a status: %s", said)
