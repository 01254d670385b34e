"""The one way a proposal changes: a compare-and-set on (id, state, version) with its log entry, or nothing at all.

The entry is written first and carries the new version; the database's trigger refuses the update without it. When the
row has moved on meanwhile, the savepoint takes the entry back: no entry without a move, no move without an entry.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col

from approvals.errors import GateError
from approvals.states import MOVES, State
from approvals.store import Proposal, proposal_of
from audit.event import Actor, Event
from audit.log import append


def create(
    session: Session, row: Proposal, *, event: Event, actor: Actor, now: datetime, data: Mapping[str, Any] | None = None
) -> Proposal:
    """Inserts a proposal that comes from a draft, as version 1, with its entry."""
    _allowed(State.DRAFT, State(row.state), event)
    append(
        session,
        now=now,
        event=event,
        actor=actor,
        proposal=row.id,
        proposal_version=1,
        data={"from": State.DRAFT, "to": State(row.state), **(data or {})},
    )
    row.version = 1
    session.add(row)
    session.flush()
    return row


def move(
    session: Session,
    proposal: Proposal,
    *,
    to: State,
    event: Event,
    actor: Actor,
    now: datetime,
    data: Mapping[str, Any] | None = None,
    **columns: Any,
) -> bool:
    """Moves the row as it was read to `to`, setting `columns` besides; False if it is no longer as it was read."""
    start, version = State(proposal.state), proposal.version
    _allowed(start, to, event)
    savepoint = session.begin_nested()
    append(
        session,
        now=now,
        event=event,
        actor=actor,
        proposal=proposal.id,
        proposal_version=version + 1,
        data={"from": start, "to": to, **(data or {})},
    )
    done = session.connection().execute(
        update(Proposal)
        .where(col(Proposal.id) == proposal.id, col(Proposal.state) == start.value, col(Proposal.version) == version)
        .values(state=to.value, version=version + 1, changed_at=now, **columns)
    )
    if done.rowcount != 1:
        savepoint.rollback()
        return False
    savepoint.commit()
    proposal_of(session, proposal.id)
    return True


def _allowed(start: State, to: State, event: Event) -> None:
    if event not in MOVES.get((start, to), frozenset()):
        raise GateError(
            f"a proposal cannot go from {start} to {to} by {event}",
            why="there is no such move",
            do="approvals/states.py lists every move there is",
        )
