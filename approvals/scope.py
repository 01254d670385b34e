"""What belongs together for the limits: the same class of change for the same team, or account where no team is known.

A change that is cut into pieces, each below a limit, is judged by the sum of the pieces.
"""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from approvals.split import Earlier
from approvals.states import DECIDED, State
from approvals.store import Proposal

SEPARATOR = " · "
WITHOUT_EFFECT = (*DECIDED, State.UNSEALABLE, State.FAILED, State.REHEARSED)


def scope_of(class_name: str, team: str | None, account: str) -> str:
    """The scope's name: "reversible · team fraud" or "reversible · account 123456789012"."""
    named = f"team {team.strip().lower()}" if team and team.strip() else f"account {account}"
    return f"{class_name}{SEPARATOR}{named}"


def told(scope: str) -> str:
    """The scope without its class, for a sentence that names the class already."""
    return scope.rpartition(SEPARATOR)[2]


def earlier_in(session: Session, scope: str, *, now: datetime, window: timedelta) -> list[Earlier]:
    """What was sealed in this scope within the window and had, or may still have, an effect."""
    states = [state.value for state in WITHOUT_EFFECT]
    query = select(Proposal).where(
        Proposal.scope == scope, col(Proposal.created_at) > now - window, col(Proposal.state).not_in(states)
    )
    rows = session.exec(query.order_by(col(Proposal.id)))
    return [Earlier(resource=row.resource, amount=row.amount, currency=row.currency) for row in rows]
