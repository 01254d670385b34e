"""Whether somebody is a full member of the workspace: guests, people of other organisations and those who left are not.

People are linked by whoever runs Spendgate, so this is a second look, for when an account became something else since.
What Slack does not tell (a missing scope, an outage) changes nothing: the link in people.toml stays what counts.
"""

import asyncio
import time

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from app.slack.clients import at
from app.slack.patience import LOST

MOST_WAIT_SECONDS = 1.0
"""Slack waits three seconds for us; what it does not tell in one is not waited for."""
REMEMBER_SECONDS = 600.0
MOST_REMEMBERED = 10_000


class Members:
    """Asks Slack at most once in ten minutes for each account."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._known: dict[tuple[str, str], tuple[float, str | None]] = {}

    async def why_not(self, team: str, user: str) -> str | None:
        """Why this account may not take part, in words; None for a member, and where Slack does not tell."""
        asked, reason = self._known.get((team, user), (0.0, None))
        if (team, user) in self._known and time.monotonic() - asked < REMEMBER_SECONDS:
            return reason
        try:
            async with asyncio.timeout(MOST_WAIT_SECONDS):
                told = (await at(self._client, team).users_info(user=user)).get("user") or {}
        except (SlackApiError, *LOST):
            return None
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[(team, user)] = (time.monotonic(), reason := _reason(told))
        return reason


def _reason(told: dict[str, object]) -> str | None:
    if told.get("deleted"):
        return "this account was deactivated"
    if told.get("is_restricted") or told.get("is_ultra_restricted"):
        return "guests of the workspace neither ask nor decide"
    if told.get("is_stranger"):
        return "people of other organisations neither ask nor decide"
    return None
