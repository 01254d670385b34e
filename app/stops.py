"""Who stopped which turn: a row, stored before anybody is told so, that the agent and its drafts obey.

A stop and the end of a turn are two writers of one database, one after the other: either the stop is first, and the
turn ends in the sentence that says so, or the answer is, and the stop comes too late and is told so.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel, col, select

from agent.said import Answer
from app.inbox import Message
from app.turns import TO_A_MESSAGE, WakeUp
from approvals.policy import Verdict, no, yes
from approvals.store import Draft
from audit import log
from audit.event import Actor, ActorKind, Event
from audit.stored import UtcTime

PROPOSED = "its turn was stopped before"
"""Why a draft of a stopped turn is refused."""


class TurnStop(SQLModel, table=True):
    """A turn that is to end, by whom and since when; never changed and never taken back."""

    __tablename__ = "turn_stop"
    turn: str = Field(primary_key=True)
    thread: str = Field(index=True)
    person: str
    stopped_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))


class Open(NamedTuple):
    """A turn that is not answered yet, and whose it is."""

    turn: str
    asker: str


def open_turns(session: Session, thread: str) -> list[Open]:
    """The messages of a thread that wait for an answer, oldest first; what was stopped already is not among them."""
    said = session.exec(select(Message).where(Message.thread == thread).order_by(col(Message.said_at)))
    turns = [Open(f"{TO_A_MESSAGE}{message.id}", message.person) for message in said]
    names = [one.turn for one in turns]
    over = set(session.exec(select(WakeUp.id).where(col(WakeUp.id).in_(names), col(WakeUp.done_at).is_not(None))))
    over |= set(session.exec(select(TurnStop.turn).where(col(TurnStop.turn).in_(names))))
    return [one for one in turns if one.turn not in over]


def stop(session: Session, *, turns: Collection[str], thread: str, person: str, via: str, now: datetime) -> None:
    """Stops these turns with their entries, in the caller's writing transaction, which found them open."""
    for turn in turns:
        session.add(TurnStop(turn=turn, thread=thread, person=person, stopped_at=now))
        data = {"turn": turn, "thread": thread, "via": via}
        log.append(session, now=now, event=Event.QUESTION_STOPPED, actor=Actor(ActorKind.PERSON, person), data=data)
    session.flush()


def stopped(session: Session, turn: str) -> TurnStop | None:
    """The stop of this turn, if there is one."""
    return session.get(TurnStop, turn)


def may_draft(session: Session, turn: str) -> Verdict:
    """Whether this turn may still draft, asked in the transaction that stores the draft."""
    return no("stopped", PROPOSED) if turn and stopped(session, turn) is not None else yes()


def instead(session: Session, answer: Answer, stop: TurnStop, drafts: Collection[str]) -> Answer:
    """What is stored in place of a stopped turn's answer. `drafts` are ids that the turn may have drafted under: those
    that were stored before it was stopped are named, since they stand."""
    there = sorted(session.exec(select(Draft.id).where(col(Draft.id).in_(drafts)))) if drafts else []
    said = f"{stop.person} stopped this before there was an answer."
    if there:
        said += f" Proposed before that, and still to be decided: {', '.join(there)}; withdraw it where it stands."
    else:
        said += " Nothing was proposed or changed."
    blank = replace(answer, answer=said, figures=[], tables=[], tools=[], proposals=there)
    return replace(blank, asked_back=False, refused=True)
