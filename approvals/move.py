"""The one way a proposal changes: a compare-and-set on (id, state, version) with its log entry, or nothing at all.

The entry is written first and carries the new version; the database's trigger refuses the update without it. When the
row has moved on meanwhile, the savepoint takes the entry back: no entry without a move, no move without an entry.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, update
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session

from approvals.errors import GateError
from approvals.states import MOVES, State
from approvals.store import Proposal
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
    session.flush()
    written = {"state": to.value, "version": version + 1, "changed_at": now, **columns}
    connection = session.connection()
    savepoint = connection.begin_nested()
    append(
        session,
        now=now,
        event=event,
        actor=actor,
        proposal=proposal.id,
        proposal_version=version + 1,
        data={"from": start, "to": to, **(data or {})},
    )
    done = connection.execute(
        _AS_READ.values(**written), {"which": proposal.id, "from_state": start.value, "from_version": version}
    )
    if done.rowcount != 1:
        savepoint.rollback()
        return False
    savepoint.commit()
    for name, value in written.items():
        set_committed_value(proposal, name, value)
    return True


_ROWS = cast("Table", Proposal.__table__)  # type: ignore[attr-defined]
_AS_READ = update(_ROWS).where(
    _ROWS.c.id == bindparam("which"),
    _ROWS.c.state == bindparam("from_state"),
    _ROWS.c.version == bindparam("from_version"),
)
"""The compare of the compare-and-set: the row as it was read, or none."""


def _allowed(start: State, to: State, event: Event) -> None:
    if event not in MOVES.get((start, to), frozenset()):
        raise GateError(
            f"a proposal cannot go from {start} to {to} by {event}",
            why="there is no such move",
            do="approvals/states.py lists every move there is",
        )
