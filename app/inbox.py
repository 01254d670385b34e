"""What people said, admitted before Slack is told so: a message is a row, or it was never accepted.

Slack repeats an event until it is acknowledged and never repeats a click; so an event's id and its message are stored
in one transaction before the acknowledgement, and a repeated id changes nothing.
"""

from collections.abc import Collection
from datetime import datetime
from secrets import token_hex
from typing import Any

from sqlalchemy import Column, UniqueConstraint
from sqlmodel import Field, Session, SQLModel, col, select

from audit import log, private
from audit.event import Actor, ActorKind, Event
from audit.stored import UtcTime, insert_into


class Delivery(SQLModel, table=True):
    """One request of Slack's that has been taken in; its key is Slack's own id for it."""

    __tablename__ = "slack_delivery"
    key: str = Field(primary_key=True)
    kind: str
    received_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))


class Conversation(SQLModel, table=True):
    """Where a thread takes place. Its id says nothing: a direct channel's id would name a person in entries."""

    __tablename__ = "conversation"
    __table_args__ = (UniqueConstraint("surface", "team", "channel", "thread_ts"),)
    thread: str = Field(primary_key=True)
    surface: str
    team: str
    channel: str
    thread_ts: str
    private: bool


class Message(SQLModel, table=True):
    """One message to the agent. The text itself is encrypted under its author's key (`audit.private`)."""

    __tablename__ = "message"
    id: str = Field(primary_key=True)
    thread: str = Field(index=True)
    person: str
    text_ref: str
    said_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))


def first_time(session: Session, *, key: str, kind: str, now: datetime) -> bool:
    """Takes in a delivery; False if this one was taken in before."""
    row = {"key": key, "kind": kind, "received_at": now}
    statement = insert_into(session, Delivery).values(**row).on_conflict_do_nothing().returning(col(Delivery.key))
    return session.execute(statement).scalar_one_or_none() is not None


def known(session: Session, key: str) -> bool:
    """Whether a delivery was taken in already."""
    return session.get(Delivery, key) is not None


def known_among(session: Session, keys: Collection[str]) -> set[str]:
    """Those of the deliveries that were taken in already."""
    if not keys:
        return set()
    return set(session.exec(select(Delivery.key).where(col(Delivery.key).in_(keys))))


def conversation(
    session: Session, *, surface: str, team: str, channel: str, thread_ts: str, private: bool
) -> Conversation:
    """The conversation at this place, begun if there is none yet."""
    here = (
        Conversation.surface == surface,
        Conversation.team == team,
        Conversation.channel == channel,
        Conversation.thread_ts == thread_ts,
    )
    found = session.exec(select(Conversation).where(*here)).first()
    if found is None:
        found = Conversation(
            thread=f"t-{token_hex(8)}",
            surface=surface,
            team=team,
            channel=channel,
            thread_ts=thread_ts,
            private=private,
        )
        session.add(found)
        session.flush()
    return found


def admit(
    session: Session,
    *,
    now: datetime,
    message_id: str,
    thread: str,
    person: str,
    text: str,
    proposal: str | None = None,
) -> bool:
    """Stores a message and its log entry; False if it was there already. `proposal`: the one that it asks about."""
    if session.get(Message, message_id) is not None:
        return False
    text = text.encode("utf-8", "replace").decode()  # half of a surrogate pair is text to JSON, but to nothing else
    ref = private.keep(session, person=person, text=text, now=now)
    session.add(Message(id=message_id, thread=thread, person=person, text_ref=ref, said_at=now))
    data: dict[str, Any] = {
        "message": message_id,
        "thread": thread,
        "text": ref,
        "text_commitment": private.commitment(session, ref),
        "characters": len(text),
    }
    actor = Actor(ActorKind.PERSON, person)
    log.append(session, now=now, event=Event.QUESTION_ASKED, actor=actor, proposal=proposal, data=data)
    session.flush()
    return True


def in_thread(session: Session, thread: str) -> list[Message]:
    """A thread's messages, oldest first."""
    return list(
        session.exec(select(Message).where(Message.thread == thread).order_by(col(Message.said_at), col(Message.id)))
    )
