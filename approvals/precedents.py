"""What was asked for and claimed before, as the caps and the split detection take it: rows read, nothing judged."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, or_, select

from approvals.caps import DAY, Claimed
from approvals.governance import POLICY
from approvals.split import Earlier
from approvals.states import DECIDED, State
from approvals.store import ClaimRecord, Proposal

WITHOUT_EFFECT = DECIDED | {State.FAILED, State.REHEARSED, State.UNSEALABLE, State.DRAFT}
"""What ended like this costs nothing, and splits nothing."""


def recent_claims(session: Session, *, now: datetime, but: str = "") -> list[Claimed]:
    """The claims of the last 24 hours, without the one named `but` and the gate's own, which no cap counts."""
    query = (
        select(ClaimRecord)
        .join(Proposal, col(Proposal.id) == col(ClaimRecord.proposal))
        .where(col(ClaimRecord.claimed_at) > now - DAY, ClaimRecord.proposal != but)
        .where(or_(col(Proposal.class_name).is_(None), col(Proposal.class_name) != POLICY))
        .order_by(col(ClaimRecord.claimed_at))
    )
    return [Claimed(row.claimed_at, row.account or None, row.amount, row.currency) for row in session.exec(query)]


def earlier_proposals(
    session: Session, *, now: datetime, scope: str | None, class_name: str, days: int, but: str = ""
) -> list[Earlier]:
    """The proposals of this scope and class of the last `days`, open or carried out, without the one named `but`."""
    if scope is None:
        return []
    query = (
        select(Proposal)
        .where(Proposal.scope == scope, Proposal.class_name == class_name, Proposal.id != but)
        .where(col(Proposal.created_at) > now - timedelta(days=days))
        .where(col(Proposal.state).not_in([state.value for state in WITHOUT_EFFECT]))
    )
    return [Earlier(row.resource, row.amount, row.currency) for row in session.exec(query)]
