"""One message that must stand in Slack once: who is at it, and where it stands.

Slack cannot be asked to do something exactly once. So whoever is about to post takes the message's row first; a row
that was taken and never finished says that a message may be there already, and it is looked for before another is
posted.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel, col, select

from audit.stored import UtcTime

LEASE = timedelta(seconds=30)
WORK_SECONDS = 25.0
"""How long everything that is asked of Slack under the lease may take, together: what took longer would post beside
whoever has it next."""


class Posting(SQLModel, table=True):
    """One message by its own key; `ts` is set once it is known to stand there."""

    __tablename__ = "slack_posting"
    key: str = Field(primary_key=True)
    owner: str
    until: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    begun_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    channel: str | None = None
    ts: str | None = None


class Hold(StrEnum):
    """What taking a message's row found."""

    FIRST = "nobody ever tried"
    AGAIN = "somebody tried, and nobody knows whether it stands there"
    STANDS = "it stands there"
    TAKEN = "somebody else is at it"


class Held(NamedTuple):
    """The finding, since when it has been tried, and where it stands if it does."""

    hold: Hold
    begun_at: datetime
    channel: str | None = None
    ts: str | None = None


def hold(session: Session, *, key: str, owner: str, now: datetime) -> Held:
    """Takes the row for `LEASE`, in the caller's writing transaction, unless somebody else has it."""
    row = session.get(Posting, key, populate_existing=True)
    if row is None:
        session.add(Posting(key=key, owner=owner, until=now + LEASE, begun_at=now))
        session.flush()
        return Held(Hold.FIRST, now)
    if row.until > now and row.owner != owner:
        return Held(Hold.TAKEN, row.begun_at)
    row.owner, row.until = owner, now + LEASE
    session.flush()
    return Held(Hold.STANDS if row.ts else Hold.AGAIN, row.begun_at, row.channel, row.ts)


def stands(session: Session, *, key: str, channel: str, ts: str, now: datetime) -> None:
    """Notes where the message stands, and lets the row go."""
    row = session.get_one(Posting, key)
    row.channel, row.ts, row.until = channel, ts, now
    session.flush()


def let_go(session: Session, *, key: str, owner: str, now: datetime, nothing_there: bool) -> None:
    """Ends the hold; with `nothing_there` the row goes too, since Slack said that nothing was posted."""
    row = session.get(Posting, key)
    if row is None or row.owner != owner:
        return
    if nothing_there and row.ts is None:
        session.delete(row)
    else:
        row.until = now
    session.flush()


def settled(session: Session, *, key: str) -> bool:
    """Whether nothing is to be posted under this key any more: it stands, or was given up."""
    row = session.get(Posting, key)
    return row is not None and row.ts is not None


def give_up(session: Session, *, key: str, owner: str, now: datetime) -> bool:
    """Notes that it will never stand anywhere, whatever an earlier attempt left behind; False where it is settled."""
    row = session.get(Posting, key)
    if row is None:
        session.add(Posting(key=key, owner=owner, until=now, begun_at=now, channel="", ts=""))
    elif row.ts is None:
        row.channel, row.ts, row.until = "", "", now
    else:
        return False
    session.flush()
    return True


def prune(session: Session, *, prefix: str, before: datetime) -> None:
    """Forgets what stands since earlier, of the keys that begin so; only those that nobody can come to again."""
    old = col(Posting.key).startswith(prefix, autoescape=True) & (col(Posting.begun_at) < before)
    for row in session.exec(select(Posting).where(old)):
        session.delete(row)
    session.flush()


def forget(session: Session, *, key: str) -> None:
    """Somebody deleted the message: the next one is posted anew."""
    row = session.get(Posting, key)
    if row is not None:
        session.delete(row)
        session.flush()
