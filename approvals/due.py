"""What waits for the worker now, found in the rows. Nothing is enqueued, so nothing can be forgotten."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select

from approvals.expire import overdue
from approvals.recover import between_steps, lost
from approvals.review import used
from approvals.states import State
from approvals.store import Draft, Effect, Proposal


class Due(NamedTuple):
    """Ids by what is to be done with them, each in the order in which it became due."""

    to_seal: list[str]
    to_claim: list[str]
    to_recover: list[str]
    to_proceed: list[str]
    to_reconcile: list[str]
    to_expire: list[str]
    to_review: list[str]

    def anything(self) -> bool:
        """Whether there is work."""
        return any(self)


def due(session: Session, *, now: datetime) -> Due:
    """All that is due at `now`, the database's time."""
    over = col(Proposal.lease_until) <= now
    no_intent = col(Proposal.id).not_in(select(Effect.proposal))
    looked = or_(col(Proposal.look_at).is_(None), col(Proposal.look_at) <= now)
    claimable = or_(
        col(Proposal.state) == State.APPROVED.value,
        and_(col(Proposal.state) == State.HELD.value, looked),
        and_(col(Proposal.state) == State.CLAIMED.value, over, no_intent),
    )
    readable = [State.SUCCEEDED.value, State.UNKNOWN.value, State.RECONCILING.value]
    drafts = select(Draft.id).where(col(Draft.id).not_in(select(Proposal.id))).order_by(col(Draft.created_at))

    def found(*conditions: object) -> list[str]:
        query = select(Proposal.id).where(*conditions).order_by(col(Proposal.changed_at))  # type: ignore[arg-type]
        return list(session.exec(query))

    return Due(
        to_seal=list(session.exec(drafts)),
        to_claim=found(claimable),
        to_recover=found(lost(now)),
        to_proceed=found(between_steps(now), looked),
        to_reconcile=found(col(Proposal.state).in_(readable), looked),
        to_expire=[proposal.id for proposal in overdue(session, now=now)],
        to_review=[proposal.id for proposal in used(session)],
    )
