"""Legal holds: while one is in force, nobody's words may be erased, however old they are.

A row is only ever lifted, once; placing and lifting are entries of the log in the same transaction, against which the
rows are compared (`in_force`), so that a hold cannot be ended by whoever can write into the table.
"""

import json
import secrets
from datetime import datetime

from sqlmodel import Field, Session, SQLModel, col, select

from audit.errors import AuditError
from audit.event import Actor, Event
from audit.log import LogEntry, append
from audit.private import reference
from audit.stored import UtcTime

EVERYBODY = "*"


class LegalHold(SQLModel, table=True):
    """One hold on a person's data, or on everybody's ("*"). The reason is a text of whoever placed it."""

    __tablename__ = "legal_hold"

    id: str = Field(primary_key=True)
    person: str = Field(index=True)
    reason_ref: str
    placed_by: str
    placed_at: datetime = Field(sa_type=UtcTime)
    lifted_by: str | None = None
    lifted_at: datetime | None = Field(default=None, sa_type=UtcTime)


def place_hold(session: Session, *, now: datetime, person: str, reason: str, by: Actor) -> LegalHold:
    """Places a hold on `person` ("*" for everybody), with its entry."""
    written = reference(session, person=by.id, text=reason, now=now)
    row = LegalHold(
        id=f"h-{secrets.token_hex(5)}", person=person, reason_ref=written["ref"], placed_by=by.id, placed_at=now
    )
    session.add(row)
    data = {"hold": row.id, "person": person, "reason": written}
    append(session, now=now, event=Event.HOLD_PLACED, actor=by, data=data)
    session.flush()
    return row


def lift_hold(session: Session, *, now: datetime, hold: str, by: Actor) -> LegalHold:
    """Lifts a hold, with its entry; an AuditError where there is none, or it was lifted before.

    The log decides which it is, as everywhere: a row that somebody marked as lifted is lifted by this alone.
    """
    row = session.get(LegalHold, hold, populate_existing=True)
    if row is None or hold not in in_force(session):
        why = "no hold has this id" if row is None else "it was lifted before"
        raise AuditError(
            f"the hold {hold[:40]!r} cannot be lifted", why=why, do="`spendgate audit hold list` shows those in force"
        )
    if row.lifted_at is None:
        row.lifted_at, row.lifted_by = now, by.id
        session.add(row)
    data = {"hold": row.id, "person": row.person}
    append(session, now=now, event=Event.HOLD_LIFTED, actor=by, data=data)
    session.flush()
    return row


def holds(session: Session) -> list[LegalHold]:
    """Every hold that was ever placed, oldest first."""
    return list(session.exec(select(LegalHold).order_by(col(LegalHold.placed_at), col(LegalHold.id))))


def in_force(session: Session) -> dict[str, str]:
    """The holds in force (id → person), as the log tells of them: a row that somebody changed ends none."""
    found: dict[str, str] = {}
    wanted = [Event.HOLD_PLACED.value, Event.HOLD_LIFTED.value]
    rows = select(LogEntry.event, LogEntry.body).where(col(LogEntry.event).in_(wanted)).order_by(col(LogEntry.seq))
    for event, body in session.exec(rows):
        data = json.loads(body)["data"]
        if event == Event.HOLD_PLACED:
            found[data["hold"]] = data["person"]
        else:
            found.pop(data["hold"], None)
    return found


def holding(session: Session, person: str) -> list[str]:
    """The ids of the holds in force that are about this person, or about everybody."""
    return [hold for hold, about in in_force(session).items() if about in (person, EVERYBODY)]
