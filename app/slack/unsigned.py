"""Tells the approvers' channel, once, that the log is no longer being signed: a log nobody signs is an alarm.

Once for each place at which the signer stopped, however many replicas of `serve` look; an alarm that may be lost by a
connection that broke would be none, so it is looked for and posted again like every message that must stand once.
"""

import asyncio
import logging
from datetime import datetime

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine
from sqlmodel import Session

from app.database import reading
from app.posting import settled
from app.slack.deliver import Letter, Standing, deliver
from app.slack.patience import Patience, attempt
from audit.lag import Lag, lag

logger = logging.getLogger(__name__)


async def watch_signer(
    engine: Engine, client: AsyncWebClient, *, channel: str, by: str, patience: Patience | None = None
) -> bool:
    """Looks once; True if the alarm was posted."""
    found = await asyncio.to_thread(_late, engine)
    if found is None:
        return False
    said = []

    async def post() -> None:
        logger.error("the log is not signed: %s", found.sentence())
        text = f":rotating_light: The action log is not being signed. {found.sentence()}"
        letter = Letter(_key(found), channel, text, payload={"kind": "unsigned"})
        await deliver(engine, client, letter, by=by, note=noted)

    def noted(_session: Session, where: Standing, _now: datetime) -> None:
        said.append(where.ts)

    await attempt(patience or Patience(), _key(found), post)
    return bool(said)


def _late(engine: Engine) -> Lag | None:
    with reading(engine) as (session, now):
        found = lag(session, now=now)
        return found if found.alarm and not settled(session, key=_key(found)) else None


def _key(found: Lag) -> str:
    return f"unsigned {found.signed}"
