"""Tells the approvers' channel, once, that the log is no longer being signed: a log nobody signs is an alarm.

Once for each place at which the signer stopped, by whichever replica of `serve` takes that slot; a replica that Slack
refuses gives it back.
"""

import asyncio
import logging

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine

from app.database import reading, writing
from app.slack.deliver import AS_WRITTEN
from approvals.timer import give_back, take
from audit.lag import Lag, lag

logger = logging.getLogger(__name__)
TIMER = "unsigned"


async def watch_signer(engine: Engine, client: AsyncWebClient, *, channel: str, by: str) -> bool:
    """Looks once; True if the alarm was posted."""
    found = await asyncio.to_thread(_late, engine, by)
    if found is None:
        return False
    logger.error("the log is not signed: %s", found.sentence())
    text = f":rotating_light: The action log is not being signed. {found.sentence()}"
    try:
        await client.chat_postMessage(channel=channel, text=text, **AS_WRITTEN)
    except (SlackApiError, OSError):
        await asyncio.to_thread(_again, engine, by, found)
        raise
    return True


def _late(engine: Engine, by: str) -> Lag | None:
    with reading(engine) as (session, now):
        found = lag(session, now=now)
    if not found.alarm:
        return None
    with writing(engine) as (session, now):
        return found if take(session, name=TIMER, slot=str(found.signed), by=by, now=now) else None


def _again(engine: Engine, by: str, found: Lag) -> None:
    with writing(engine) as (session, _):
        give_back(session, name=TIMER, slot=str(found.signed), by=by)
