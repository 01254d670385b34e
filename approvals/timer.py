"""A timer that goes off once, however many replicas look at the clock: whoever stores its row first, has it.

The row of a slot is its primary key, so the database decides between replicas, as it does for a claim. Take it in the
transaction that does the work where the work is rows only: a death then leaves neither, and the next replica takes it.
Where the work is outside (a read-back) the row comes first: the work may then be lost with its process, but is never
done twice; so such work is asked again in a later slot, or is one whose loss harms nobody. A message that must stand
once is not such work: it has a row of its own, which says that it may be there already.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Insert, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from approvals.store import TimerSlot
from audit.moment import utc_text

_BEGIN = datetime(2000, 1, 1, tzinfo=UTC)


def take(session: Session, *, name: str, slot: str, by: str, now: datetime) -> bool:
    """Whether this caller is the one for whom the timer goes off in this slot; false for everybody after it."""
    insert = _insert(session, name=name, slot=slot, taken_by=by, taken_at=now)
    # SQLAlchemy forgets an INSERT's row count unless asked, and then says -1 on PostgreSQL
    return session.connection().execute(insert, execution_options={"preserve_rowcount": True}).rowcount == 1


def slot_of(now: datetime, every: timedelta) -> str:
    """The slot of `every` that `now` is in, by its beginning; the same in every process that is told the same time."""
    return utc_text(_BEGIN + (now - _BEGIN) // every * every)


def prune(session: Session, *, name: str, before: datetime) -> int:
    """Forgets the slots of this timer that were taken earlier; only those that nobody can come to again."""
    old = delete(TimerSlot).where(col(TimerSlot.name) == name, col(TimerSlot.taken_at) < before)
    return session.connection().execute(old).rowcount


def _insert(session: Session, **row: object) -> Insert:
    make = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    return make(TimerSlot).values(**row).on_conflict_do_nothing()
