"""Ends what nobody decided or carried out in time. Waiting never leads to an effect."""

from datetime import datetime

from sqlalchemy import BindParameter, ColumnElement, and_, or_
from sqlmodel import Session, col, select

from approvals.move import move
from approvals.states import UNDECIDED, State
from approvals.store import Proposal
from audit.event import Actor, ActorKind, Event

Moment = datetime | BindParameter[datetime]
"""A time, or the place for one in a statement that is made once."""

_LATE = (State.APPROVED.value, State.HELD.value)


def expire(session: Session, *, now: datetime, worker: str = "worker") -> list[str]:
    """Moves what is over its time to EXPIRED and returns the ids."""
    ended = []
    for proposal in overdue(session, now=now):
        decided = proposal.state in _LATE
        reason = "approved, but not carried out in time" if decided else "not decided in time"
        if move(
            session,
            proposal,
            to=State.EXPIRED,
            event=Event.PROPOSAL_EXPIRED,
            actor=Actor(ActorKind.WORKER, worker),
            now=now,
            data={"reason": reason},
            reason=reason,
            code="expired",
        ):
            ended.append(proposal.id)
    return ended


def late(now: Moment) -> ColumnElement[bool]:
    """Undecided past `expires_at`, or approved past `execute_by`."""
    undecided = [state.value for state in UNDECIDED]
    return or_(
        and_(col(Proposal.state).in_(undecided), col(Proposal.expires_at) <= now),
        and_(col(Proposal.state).in_(_LATE), col(Proposal.execute_by) <= now),
    )


def overdue(session: Session, *, now: datetime) -> list[Proposal]:
    """The proposals that are over their time."""
    return list(session.exec(select(Proposal).where(late(now)).order_by(col(Proposal.id))))
