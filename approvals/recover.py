"""After a worker died: what it was sending when its lease ended has an unknown outcome, and is read back, not sent.

A claim without any intent is not touched here: `claim.py` takes it over, judging everything again. Nor is a change
with nothing out: `proceed.py` goes on with it, or, where there is no more to send, has it read back too.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import Session, col, exists, select

from approvals.expire import Moment
from approvals.move import move
from approvals.states import State
from approvals.store import Effect, Proposal
from audit.event import Actor, ActorKind, Event
from audit.transaction import Begin


def recover(begin: Begin, *, worker: str) -> list[str]:
    """Moves every proposal whose request was out when its worker's lease ended to UNKNOWN and returns the ids."""
    with begin() as (session, now):
        query = select(Proposal).where(lost(now))
        return [
            proposal.id
            for proposal in session.exec(query.order_by(col(Proposal.id))).all()
            if to_read_back(session, proposal, worker, now)
        ]


def lost(now: Moment) -> ColumnElement[bool]:
    """EXECUTING under an ended lease with a request out; a rehearsal that was interrupted counts too."""
    return and_(_without_lease(now), _out())


def between_steps(now: Moment) -> ColumnElement[bool]:
    """EXECUTING with every request answered and more to come: anybody may go on."""
    return and_(_without_lease(now), ~_out())


def _without_lease(now: Moment) -> ColumnElement[bool]:
    lease = col(Proposal.lease_until)
    return and_(col(Proposal.state) == State.EXECUTING.value, or_(lease.is_(None), lease <= now))


def _out() -> ColumnElement[bool]:
    open_or_rehearsed = or_(col(Effect.outcome).is_(None), col(Effect.rehearsal).is_(True))
    return exists().where(col(Effect.proposal) == col(Proposal.id), open_or_rehearsed)


def to_read_back(session: Session, proposal: Proposal, worker: str, now: datetime) -> bool:
    """Nobody is left who would say how it went: EXECUTING → UNKNOWN, so that it is read back. False if it moved on."""
    reason = "the worker that carried it out is gone; its outcome is read back"
    return move(
        session,
        proposal,
        to=State.UNKNOWN,
        event=Event.EXECUTION_UNKNOWN,
        actor=Actor(ActorKind.WORKER, worker),
        now=now,
        data={"reason": reason, "lost": proposal.claimed_by, "fence": proposal.fence},
        reason=reason,
        code="worker_lost",
        look_at=now,
    )
