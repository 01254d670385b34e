"""The app was removed from a workspace, or its token revoked: its installation goes, and the log says so.

Slack tells of a removal in two events, and each again where it was not acknowledged. One that happened before the app
was installed anew is of the past, and takes nothing away.
"""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

from slack_bolt.async_app import AsyncApp
from sqlalchemy import Engine

from app.database import writing
from app.inbox import first_time
from app.installations import SlackInstallation, remove
from app.slack.people import team_of
from audit.event import Actor, ActorKind

logger = logging.getLogger(__name__)
SLACK = Actor(ActorKind.SERVICE, "slack")


def register(app: AsyncApp, engine: Engine) -> None:
    """Binds the two events."""

    @app.event("app_uninstalled")
    async def _uninstalled(ack: Any, body: dict[str, Any]) -> None:
        await asyncio.to_thread(gone, engine, body=body, why="the app was removed")
        await ack()

    @app.event("tokens_revoked")
    async def _revoked(ack: Any, body: dict[str, Any], event: dict[str, Any]) -> None:
        if event["tokens"].get("bot"):  # tokens of people are none of ours
            await asyncio.to_thread(gone, engine, body=body, why="its token was revoked")
        await ack()


def gone(engine: Engine, *, body: dict[str, Any], why: str) -> bool:
    """Forgets the installation of the workspace that the event is of, once; whether it was there."""
    team, happened = team_of(body), datetime.fromtimestamp(int(body["event_time"]), UTC)
    with writing(engine) as (session, now):
        if not first_time(session, key=f"event_callback:{body['event_id']}", kind="removal", now=now):
            return False
        row = session.get(SlackInstallation, team)
        if row is None or happened < row.installed_at.replace(microsecond=0):
            return False
        removed = remove(session, team, why=why, actor=SLACK, now=now)
    logger.warning("the app is not installed in %s any more: %s; what is due there waits", team, why)
    return removed
