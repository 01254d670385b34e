"""Where a conversation stands for Slack: at work, waiting for people, at rest, or done; and what Slack was last told.

What is true is read from the turns and proposals; the row only remembers what was said of it, so that whoever starts
after a kill says what is different, and nothing else.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel, col, select

from app.inbox import Conversation
from app.turns import TurnStep
from approvals.states import OPEN, TERMINAL
from approvals.store import Proposal
from audit.stored import UtcTime, insert_into


class Status(StrEnum):
    """Slack's own words for a session."""

    PROCESSING = "processing"
    SUSPENDED = "suspended"
    ACTIVE = "active"
    CLOSED = "closed"


UNSURE = ""
"""Stored where Slack may have changed it: ending a stream does, by a default of its own."""


class SlackSession(SQLModel, table=True):
    """What Slack was last told of a conversation."""

    __tablename__ = "slack_session"
    thread: str = Field(primary_key=True)
    status: str = Field(index=True)
    told_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))


def status_of(session: Session, thread: str) -> Status:
    """At work while a turn is taken; waiting for people while one of its proposals is open, done once all that it
    proposed have ended; at rest otherwise."""
    if session.exec(select(TurnStep.turn).where(TurnStep.thread == thread).limit(1)).first() is not None:
        return Status.PROCESSING
    states = session.exec(select(Proposal.state).where(Proposal.thread == thread)).all()
    if any(state not in TERMINAL for state in states):
        return Status.SUSPENDED
    return Status.CLOSED if states else Status.ACTIVE


def told(session: Session, thread: str, status: Status, now: datetime) -> None:
    """Notes what Slack was told, in the caller's writing transaction."""
    row = {"thread": thread, "status": status.value, "told_at": now}
    statement = insert_into(session, SlackSession).values(**row)
    changed = {"status": status.value, "told_at": now}
    session.execute(statement.on_conflict_do_update(index_elements=["thread"], set_=changed))


def unsure(session: Session, thread: str) -> None:
    """Slack may think otherwise than it was told: it is told again."""
    row = session.get(SlackSession, thread)
    if row is not None:
        row.status = UNSURE
        session.add(row)


def untold(session: Session) -> list[tuple[Conversation, Status]]:
    """The conversations in Slack of which it was last told something else than is true, with what is."""
    unsettled = col(SlackSession.status).in_([UNSURE, Status.PROCESSING.value, Status.SUSPENDED.value])
    waiting = (
        select(SlackSession.thread)
        .join(Proposal, col(Proposal.thread) == col(SlackSession.thread))
        .where(col(Proposal.state).in_([one.value for one in OPEN]))
    )
    # The few that are not at rest, each found by an index: this is asked four times a second.
    threads = {*session.exec(select(TurnStep.thread)), *session.exec(select(SlackSession.thread).where(unsettled))}
    threads |= set(session.exec(waiting))
    if not threads:
        return []
    statement = (
        select(Conversation, SlackSession)
        .join(SlackSession, col(SlackSession.thread) == col(Conversation.thread), isouter=True)
        .where(Conversation.surface == "slack", Conversation.thread_ts != "", col(Conversation.thread).in_(threads))
    )
    found = [(place, row, status_of(session, place.thread)) for place, row in session.exec(statement)]
    return [(place, status) for place, row, status in found if row is None or row.status != status.value]
