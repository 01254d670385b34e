"""A channel as a witness: the log's newest checkpoint, at most once an hour and only if the log grew.

Slack keeps what was posted, and everybody in the channel has seen it; whoever rewrites the log later would have to
rewrite that too. Copied from there, it is what `spendgate audit verify --checkpoint` takes.
"""

import asyncio
import logging
from datetime import datetime, timedelta

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.database import reading, writing
from app.slack.deliver import AS_WRITTEN
from app.slack.patience import Patience, word
from app.witnesses.publish import note_shown
from approvals.timer import give_back, prune, slot_of, take
from audit.checkpoint import Checkpoint, parse
from audit.stored_tree import LogWitness, newest_checkpoint

logger = logging.getLogger(__name__)
TIMER = "witness"
EVERY = timedelta(hours=1)


def checkpoint_due(session: Session, *, channel: str, now: datetime) -> Checkpoint | None:
    """The newest checkpoint, if it is another than the one posted last and that was an hour ago or more."""
    newest = newest_checkpoint(session)
    if newest is None:
        return None
    mine = select(LogWitness).where(LogWitness.witness == _name(channel)).order_by(col(LogWitness.at).desc()).limit(1)
    last = session.exec(mine).first()
    if last is not None and ((last.origin, last.size) == (newest.origin, newest.size) or now - last.at < EVERY):
        return None
    return parse(newest.note)


async def post_checkpoint(
    engine: Engine, client: AsyncWebClient, *, channel: str, by: str, patience: Patience | None = None
) -> bool:
    """Posts it where it is due and no other replica took the hour; whether it was posted."""
    patience = patience or Patience()
    key = f"checkpoint in {channel}"
    due = await asyncio.to_thread(_take, engine, channel, by) if patience.ready(key) else None
    if due is None:
        return False
    try:
        await client.chat_postMessage(channel=channel, text=_text(due), **AS_WRITTEN)
    except SlackApiError as error:
        said = word(error)
        logger.warning("Slack would not take the checkpoint (%s); trying again in %.0f s", said, patience.failed(key))
        await asyncio.to_thread(_give_back, engine, by)
        return False
    patience.done(key)
    await asyncio.to_thread(_posted, engine, channel, due)
    return True


def _take(engine: Engine, channel: str, by: str) -> Checkpoint | None:
    """What is due, with the hour's slot taken: a replica that dies now leaves this hour without a message."""
    with reading(engine) as (session, now):
        if checkpoint_due(session, channel=channel, now=now) is None:
            return None
    with writing(engine) as (session, now):
        due = checkpoint_due(session, channel=channel, now=now)
        if due is None or not take(session, name=TIMER, slot=slot_of(now, EVERY), by=by, now=now):
            return None
        prune(session, name=TIMER, before=now - 2 * EVERY)
        return due


def _give_back(engine: Engine, by: str) -> None:
    with writing(engine) as (session, now):
        give_back(session, name=TIMER, slot=slot_of(now, EVERY), by=by)


def _posted(engine: Engine, channel: str, shown: Checkpoint) -> None:
    with writing(engine) as (session, now):
        note_shown(session, shown, witness=_name(channel), cosignature=None, now=now)


def _name(channel: str) -> str:
    return f"slack:{channel}"


def _text(shown: Checkpoint) -> str:
    said = f"The log has {shown.size} entries. Its signed checkpoint, to be compared by anyone at any time:"
    return f"{said}\n```\n{str(shown.note).rstrip()}\n```"
