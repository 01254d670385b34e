"""Whose turn it is: which conversations are due, who is serving them, and what was answered.

Nothing is enqueued. A conversation is due when a message of its thread has no wake-up yet, or when one of its
proposals was sealed or ended since it was last woken; the agent's process writes the wake-up row itself. One lease a
thread, in the database: two processes that resumed one thread would run the same turn twice.
"""

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import JSON, Column
from sqlmodel import Field, Session, SQLModel, col, func, select

from app.inbox import Conversation, Message
from approvals.states import TERMINAL, State
from approvals.store import Proposal
from audit.stored import UtcTime, insert_into

LEASE = timedelta(seconds=30)
MOST_ATTEMPTS = 3
DIGEST = "digest:"
"""With what the id of a week's digest begins: no turn of anybody's, and posted like an answer."""
TO_A_MESSAGE = "m:"
"""With what the id of a turn begins that answers somebody's message."""


class WakeUp(SQLModel, table=True):
    """One reason to take a turn; its id is unique, so the same reason never wakes twice."""

    __tablename__ = "wakeup"
    id: str = Field(primary_key=True)
    thread: str = Field(index=True)
    kind: str
    ref: str
    attempts: int = 0
    due_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    done_at: datetime | None = Field(default=None, sa_column=Column(UtcTime, nullable=True))


class Woken(SQLModel, table=True):
    """Up to which version of a proposal its conversation has been woken."""

    __tablename__ = "woken"
    proposal: str = Field(primary_key=True)
    version: int


class Lease(SQLModel, table=True):
    """Who serves a thread, and until when that holds."""

    __tablename__ = "lease"
    thread: str = Field(primary_key=True)
    owner: str
    until: datetime = Field(sa_column=Column(UtcTime, nullable=False))


class TurnStep(SQLModel, table=True):
    """What a turn is doing, for the steps and the status words in Slack."""

    __tablename__ = "turn_step"
    turn: str = Field(primary_key=True)
    thread: str = Field(index=True)
    words: str
    at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    steps: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    """each call of a tool so far: {number, state, words}; null while the turn has not lasted long enough to tell"""


class StoredAnswer(SQLModel, table=True):
    """What a turn said, once; posted by `serve` when `posted_at` is null."""

    __tablename__ = "answer"
    turn: str = Field(primary_key=True)
    thread: str = Field(index=True)
    body: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    answered_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    posted_at: datetime | None = Field(default=None, sa_column=Column(UtcTime, nullable=True))
    refused: str | None = None
    """Slack's word for why it can never be posted"""


class TokenUse(SQLModel, table=True):
    """What one model took in tokens for a turn or for the second reading of a proposal: read and written, all calls.

    `turn` is the turn's id in the row of the model that answered, and `turn/model` for one that failed before it.
    """

    __tablename__ = "token_use"
    turn: str = Field(primary_key=True)
    model: str
    input_tokens: int
    output_tokens: int
    at: datetime | None = Field(default=None, sa_column=Column(UtcTime, nullable=True, index=True))
    """when it was counted; null for what an older version counted"""


def anything_due(session: Session) -> bool:
    """Whether there is anything to note or to serve: most looks find nothing, and need no write lock."""
    waiting = select(WakeUp.id).where(col(WakeUp.done_at).is_(None)).limit(1)
    return any(session.exec(statement.limit(1)).first() is not None for statement in (waiting, _unseen(), _behind()))


def note_due(session: Session, now: datetime) -> None:
    """Writes the wake-up rows of whatever has become due."""
    for message in session.exec(_unseen().order_by(col(Message.said_at))).all():
        _wake(session, id=f"{TO_A_MESSAGE}{message.id}", thread=message.thread, kind="message", ref=message.id, now=now)
    found = cast("list[tuple[Proposal, Woken | None]]", session.exec(_behind()).all())
    for proposal, woken in found:
        # In Slack the card follows within a second: then "waiting for approval" is true and can be told.
        place = session.get(Conversation, proposal.thread) if proposal.state == State.SEALED else None
        if place is not None and place.surface == "slack":
            continue
        # A row that is seen for the first time was sealed, or could not be; after that only an end is told.
        news = woken is None or proposal.state in TERMINAL
        if woken is None:
            session.add(Woken(proposal=proposal.id, version=proposal.version))
        else:
            woken.version = proposal.version
        if proposal.thread and news:
            wake_id = f"{proposal.id}:{proposal.version}"
            _wake(session, id=wake_id, thread=proposal.thread, kind="outcome", ref=proposal.id, now=now)
    session.flush()


def _unseen() -> Any:
    return select(Message).where(col(Message.id).not_in(select(WakeUp.ref).where(WakeUp.kind == "message")))


def _behind() -> Any:
    return (
        select(Proposal, Woken)
        .join(Woken, col(Woken.proposal) == col(Proposal.id), isouter=True)
        .where(col(Woken.version).is_(None) | (col(Proposal.version) > col(Woken.version)))
    )


def _wake(session: Session, *, id: str, thread: str, kind: str, ref: str, now: datetime) -> None:
    row = {"id": id, "thread": thread, "kind": kind, "ref": ref, "attempts": 0, "due_at": now}
    session.execute(insert_into(session, WakeUp).values(**row).on_conflict_do_nothing())


def due(session: Session, thread: str | None = None) -> list[WakeUp]:
    """Wake-ups that wait to be served, oldest first."""
    waiting = select(WakeUp).where(col(WakeUp.done_at).is_(None))
    if thread is not None:
        waiting = waiting.where(WakeUp.thread == thread)
    return list(session.exec(waiting.order_by(col(WakeUp.due_at), col(WakeUp.id))).all())


def take_lease(session: Session, *, thread: str, owner: str, now: datetime) -> bool:
    """True if `owner` holds the thread from now on: it was free, its holder's time had run out, or it was ours."""
    row = {"thread": thread, "owner": owner, "until": now + LEASE}
    free_or_ours = (col(Lease.until) < now) | (col(Lease.owner) == owner)
    statement = (
        insert_into(session, Lease)
        .values(**row)
        .on_conflict_do_update(
            index_elements=["thread"], set_={"owner": owner, "until": now + LEASE}, where=free_or_ours
        )
        .returning(col(Lease.owner))
    )
    return session.execute(statement).scalar_one_or_none() == owner


def drop_lease(session: Session, *, thread: str, owner: str) -> None:
    """Lets the thread go, if it is still ours."""
    lease = session.get(Lease, thread)
    if lease is not None and lease.owner == owner:
        session.delete(lease)


def begin_attempt(session: Session, wake_id: str) -> int:
    """Counts an attempt at a wake-up; a turn that keeps dying must not be tried for ever."""
    wake = session.get_one(WakeUp, wake_id)
    wake.attempts += 1
    session.flush()
    return wake.attempts


def show_step(session: Session, *, turn: str, thread: str, words: str, now: datetime) -> None:
    """What the turn is doing now, in words for the person who waits."""
    row = {"turn": turn, "thread": thread, "words": words, "at": now}
    session.execute(
        insert_into(session, TurnStep)
        .values(**row)
        .on_conflict_do_update(index_elements=["turn"], set_={"words": words, "at": now})
    )


def finish(session: Session, *, wake: WakeUp, body: dict[str, Any] | None, now: datetime) -> bool:
    """Closes a wake-up and stores its answer, if there is one; False if it was closed before and says nothing twice."""
    row = session.get_one(WakeUp, wake.id)
    if row.done_at is not None:
        return False
    row.done_at = now
    step = session.get(TurnStep, wake.id)
    if step is not None:
        session.delete(step)
    if body is not None:
        values = {"turn": wake.id, "thread": wake.thread, "body": body, "answered_at": now}
        session.execute(insert_into(session, StoredAnswer).values(**values).on_conflict_do_nothing())
    session.flush()
    return True


def unposted(session: Session, *, surface: str, limit: int = 50) -> list[tuple[StoredAnswer, Conversation]]:
    """Answers of conversations on this surface that are not shown there yet, oldest first: at most `limit` of each
    workspace, so that what waits for one which has removed the app keeps no other's from being shown."""
    place = func.row_number().over(partition_by=col(Conversation.team), order_by=col(StoredAnswer.answered_at))
    in_line = (
        select(StoredAnswer.turn, place.label("place"))
        .join(Conversation, col(Conversation.thread) == col(StoredAnswer.thread))
        .where(Conversation.surface == surface, col(StoredAnswer.posted_at).is_(None))
    ).subquery()
    waiting = (
        select(StoredAnswer, Conversation)
        .join(Conversation, col(Conversation.thread) == col(StoredAnswer.thread))
        .join(in_line, in_line.c.turn == col(StoredAnswer.turn))
        .where(in_line.c.place <= limit)
    )
    found = session.exec(waiting.order_by(col(StoredAnswer.answered_at))).all()
    return [(answer, place) for answer, place in found]
