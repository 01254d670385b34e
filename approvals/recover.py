"""After a worker died: what it was sending when its lease ended has an unknown outcome, and is read back, not sent.

A claim without any intent is not touched here: `claim.py` takes it over, judging everything again.
"""

from datetime import datetime

from sqlmodel import Session, col, select

from approvals.move import move
from approvals.states import State
from approvals.store import Proposal
from audit.event import Actor, ActorKind, Event
from audit.transaction import Begin


def recover(begin: Begin, *, worker: str) -> list[str]:
    """Moves every proposal that is EXECUTING under an ended lease to UNKNOWN and returns the ids."""
    with begin() as (session, now):
        query = select(Proposal).where(
            Proposal.state == State.EXECUTING.value,
            (col(Proposal.lease_until).is_(None)) | (col(Proposal.lease_until) <= now),
        )
        return [
            proposal.id
            for proposal in session.exec(query.order_by(col(Proposal.id))).all()
            if _lost(session, proposal, worker, now)
        ]


def _lost(session: Session, proposal: Proposal, worker: str, now: datetime) -> bool:
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
