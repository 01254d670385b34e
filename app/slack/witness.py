"""A channel as a witness: the log's newest checkpoint, at most once an hour and only if the log grew.

Slack keeps what was posted, and everybody in the channel has seen it; whoever rewrites the log later would have to
rewrite that too. Copied from there, it is what `spendgate audit verify --checkpoint` takes.
"""

import asyncio
from datetime import datetime, timedelta
from typing import NamedTuple

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.database import reading
from app.posting import prune, settled
from app.slack.deliver import Letter, Standing, deliver
from app.slack.patience import Patience, attempt
from app.witnesses.publish import note_shown
from approvals.timer import slot_of
from audit.checkpoint import Checkpoint, parse
from audit.stored_tree import LogWitness, newest_checkpoint

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
    due = await asyncio.to_thread(_due, engine, channel)
    if due is None:
        return False
    said: list[str] = []

    async def post() -> None:
        payload = {"kind": "checkpoint", "note": str(due.shown.note)}
        letter = Letter(due.key, channel, _text(due.shown), payload=payload)
        await deliver(engine, client, letter, by=by, note=noted)

    def noted(session: Session, where: Standing, now: datetime) -> None:
        # What was adopted shows the log as it was when it was posted, which may be shorter than now.
        note_shown(session, parse(str(where.payload["note"])), witness=_name(channel), cosignature=None, now=now)
        prune(session, prefix=_prefix(channel), before=now - 2 * EVERY)
        said.append(where.ts)

    await attempt(patience or Patience(), f"checkpoint in {channel}", post)
    return bool(said)


class Due(NamedTuple):
    """A checkpoint to be posted, and the key of its message: one an hour, whichever replica comes to it."""

    shown: Checkpoint
    key: str


def _due(engine: Engine, channel: str) -> Due | None:
    with reading(engine) as (session, now):
        shown = checkpoint_due(session, channel=channel, now=now)
        key = _prefix(channel) + slot_of(now, EVERY)
        return Due(shown, key) if shown is not None and not settled(session, key=key) else None


def _prefix(channel: str) -> str:
    return f"checkpoint {channel} "


def _name(channel: str) -> str:
    return f"slack:{channel}"


def _text(shown: Checkpoint) -> str:
    said = f"The log has {shown.size} entries. Its signed checkpoint, to be compared by anyone at any time:"
    return f"{said}\n```\n{str(shown.note).rstrip()}\n```"
