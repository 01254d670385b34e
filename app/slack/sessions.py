"""Tells Slack where each conversation stands: its own stop button is there while a turn runs, and only then.

Slack changes nothing of it by itself, and what it was told last is a row: so a kill leaves no conversation at work in
which nobody works.
"""

import asyncio
import logging
import time

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine

from app.database import reading, writing
from app.inbox import Conversation
from app.sessions import Status, told, untold
from app.slack.clients import at
from app.slack.patience import HOPELESS, Patience, attempt, word

logger = logging.getLogger(__name__)
OFF_SECONDS = 600.0
NOT_HERE = frozenset(
    {"access_denied", "feature_not_enabled", "missing_scope", "not_allowed_token_type", "unknown_method"}
)
"""Slack's words for a workspace or an app that has no sessions."""
NO_THREAD = HOPELESS | {"thread_not_found", "message_not_found", "method_not_supported_for_channel_type"}


class Sessions:
    """Tells what Slack was last told otherwise; leaves a workspace alone that knows of no sessions."""

    def __init__(self, engine: Engine, client: AsyncWebClient) -> None:
        self._engine, self._client, self._patience = engine, client, Patience()
        self._off_until: dict[str, float] = {}

    async def tell(self) -> int:
        """Tells what is due; returns how many were."""
        due = await asyncio.to_thread(self._due)
        for place, status in due:
            if time.monotonic() >= self._off_until.get(place.team, 0.0):
                await self._one(place, status)
        return len(due)

    async def _one(self, place: Conversation, status: Status) -> None:
        said: list[bool] = []

        async def tell() -> None:
            try:
                await at(self._client, place.team).agents_sessions_setStatus(
                    channel_id=place.channel, thread_ts=place.thread_ts, status=status.value
                )
            except SlackApiError as error:
                if word(error) not in NOT_HERE:
                    raise
                self._off_until[place.team] = time.monotonic() + OFF_SECONDS
                logger.info("Slack has no sessions here (%s): there is no stop button", word(error))
                return
            said.append(True)

        refused = await attempt(self._patience, place.thread, tell)
        if said or refused in NO_THREAD:
            await asyncio.to_thread(self._told, place.thread, status)

    def _due(self) -> list[tuple[Conversation, Status]]:
        with reading(self._engine) as (session, _):
            return untold(session)

    def _told(self, thread: str, status: Status) -> None:
        with writing(self._engine) as (session, now):
            told(session, thread, status, now)
