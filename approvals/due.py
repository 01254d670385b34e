"""What waits for the worker now, found in the rows. Nothing is enqueued, so nothing can be forgotten."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from approvals.expire import late
from approvals.recover import between_steps, lost
from approvals.review import ended_unasked
from approvals.states import State
from approvals.store import Draft, Effect, Proposal
from audit.stored import UtcTime


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
    found = {name: list(session.execute(query, {"now": now}).scalars()) for name, query in _STATEMENTS.items()}
    return Due(**found)


def _statements() -> dict[str, SelectOfScalar[str]]:
    now = bindparam("now", type_=UtcTime)
    over = col(Proposal.lease_until) <= now
    no_intent = col(Proposal.id).not_in(select(Effect.proposal))
    looked = or_(col(Proposal.look_at).is_(None), col(Proposal.look_at) <= now)
    claimable = or_(
        col(Proposal.state) == State.APPROVED.value,
        and_(col(Proposal.state) == State.HELD.value, looked),
        and_(col(Proposal.state) == State.CLAIMED.value, over, no_intent),
    )
    readable = [State.SUCCEEDED.value, State.UNKNOWN.value, State.RECONCILING.value]

    def proposals(*conditions: ColumnElement[bool]) -> SelectOfScalar[str]:
        return select(Proposal.id).where(*conditions).order_by(col(Proposal.changed_at))

    return {
        "to_seal": select(Draft.id).where(col(Draft.id).not_in(select(Proposal.id))).order_by(col(Draft.created_at)),
        "to_claim": proposals(claimable),
        "to_recover": proposals(lost(now)),
        "to_proceed": proposals(between_steps(now), looked),
        "to_reconcile": proposals(col(Proposal.state).in_(readable), looked),
        "to_expire": proposals(late(now)),
        "to_review": proposals(ended_unasked()),
    }


_STATEMENTS = _statements()
"""Made once: every worker asks several times a second."""
