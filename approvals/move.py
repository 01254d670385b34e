"""The one way a proposal changes: a compare-and-set on (id, state, version) with its log entry, or nothing at all.

The entry is written first and carries the new version; the database's trigger refuses the update without it. So the
compare comes before the entry, and the set compares again: a row that moved on since it was read leaves no entry, and
one that moved between the two, which the one write lock rules out, ends the whole transaction.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session

from approvals.errors import GateError
from approvals.states import MOVES, State
from approvals.store import Proposal
from audit.event import Actor, Event
from audit.log import HEAD, append, head_of


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
    as_read = {"which": proposal.id, "from_state": start.value, "from_version": version}
    found = connection.execute(_STILL_AS_READ, as_read).first()
    if found is None:
        return False
    append(
        session,
        now=now,
        event=event,
        actor=actor,
        proposal=proposal.id,
        proposal_version=version + 1,
        data={"from": start, "to": to, **(data or {})},
        after=head_of(found),
    )
    done = connection.execute(_SET.values(**written), as_read)
    if done.rowcount != 1:
        raise GateError(
            f"proposal {proposal.id} moved while it was moved",
            why="another writer was not kept waiting by the write lock",
            do="Nothing was changed; every writer must open its transaction with app.database.writing",
        )
    for name, value in written.items():
        set_committed_value(proposal, name, value)
    return True


_ROWS = cast("Table", Proposal.__table__)  # type: ignore[attr-defined]
_AS_READ = (
    _ROWS.c.id == bindparam("which"),
    _ROWS.c.state == bindparam("from_state"),
    _ROWS.c.version == bindparam("from_version"),
)
"""The compare of the compare-and-set: the row as it was read, or none."""

_STILL_AS_READ = select(*HEAD).where(*_AS_READ)
"""Tells of the log's last entry, after which this move's will stand: both are looked at in one trip."""

_SET = update(_ROWS).where(*_AS_READ)


def _allowed(start: State, to: State, event: Event) -> None:
    if event not in MOVES.get((start, to), frozenset()):
        raise GateError(
            f"a proposal cannot go from {start} to {to} by {event}",
            why="there is no such move",
            do="approvals/states.py lists every move there is",
        )
