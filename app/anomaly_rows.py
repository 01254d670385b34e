"""Unusual spend as it is stored: one row an event, growing in place; what people said of it; what an owner is due.

Whether an owner was told is a row and not a memory: a process that dies between finding and telling leaves the message
due, and the next one sends it.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ColumnElement
from sqlmodel import Field, Session, SQLModel, col, select

from audit.stored import UtcTime
from tools.detection.marks import Mark, MarkKind, Names, quiet_because

OPEN, CLOSED = "open", "closed"
BURST = "burst"
"""The kind of an event of hours, estimated before any bill; every other kind is of the bill's days."""


class Anomaly(SQLModel, table=True):
    """One event of one series (`series`: its names as a JSON object, sorted). Money and days are text, exact."""

    __tablename__ = "anomaly"

    id: str = Field(primary_key=True)
    series: str = Field(index=True)
    currency: str
    owner: str
    """the team whose cost it is; empty where the event is wider than one team"""
    kind: str
    state: str = Field(index=True)
    started: str
    last_day: str
    actual: str
    expected: str
    excess: str
    told_excess: str
    """what it had cost beyond what was expected when its owner was last due a message; empty: never"""
    found_at: datetime = Field(sa_type=UtcTime)
    changed_at: datetime = Field(sa_type=UtcTime)
    first_hour: str | None = None
    """of a burst: the start of its first hour, and of its last; days have none"""
    last_hour: str | None = None
    proposal: str | None = None
    """the last one that a scan drafted for what is behind it (`app.scan_drafts`)"""

    @property
    def names(self) -> Names:
        return tuple(sorted(json.loads(self.series).items()))


class AnomalyScan(SQLModel, table=True):
    """One state of the bill that was scanned, by whom; its key lets only one scan of it store what it found."""

    __tablename__ = "anomaly_scan"

    slot: str = Field(primary_key=True)
    taken_by: str
    taken_at: datetime = Field(sa_type=UtcTime)


class AnomalyMark(SQLModel, table=True):
    """What one person said of one event; never changed, the latest counts. The reason is a private text."""

    __tablename__ = "anomaly_mark"

    id: str = Field(primary_key=True)
    anomaly: str = Field(index=True)
    person: str
    kind: str
    first_day: str | None = None
    until_day: str | None = None
    excess: str
    reason_ref: str
    marked_at: datetime = Field(sa_type=UtcTime)


class AnomalyDue(SQLModel, table=True):
    """One message due to one owner after one scan: the ids of its events as a JSON list."""

    __tablename__ = "anomaly_due"

    slot: str = Field(primary_key=True)
    owner: str = Field(primary_key=True)
    anomalies: str
    due_at: datetime = Field(sa_type=UtcTime)
    posted_at: datetime | None = Field(default=None, sa_type=UtcTime)
    """when it was told, or found not to be told any more (`refused`)"""
    channel: str | None = None
    ts: str | None = None
    """where it stands in Slack"""
    drawn: str | None = None
    """the print of what it shows there"""
    refused: str | None = None
    """why it does not stand there, or is not drawn again"""


def quieted(row: Anomaly, said: Sequence[Mark], today: date) -> Mark | None:
    """What people said for which the event, as large as it is now, is no news."""
    return quiet_because(
        said,
        event=row.id,
        names=row.names,
        currency=row.currency,
        start=date.fromisoformat(row.started),
        excess=Decimal(row.excess),
        today=today,
    )


def seen_by(row: Anomaly, teams: Sequence[str]) -> bool:
    """Whether it may be told to whoever sees these teams; what is wider than one team, to whoever sees everything."""
    return "*" in teams or bool(row.owner and row.owner in teams)


def series_text(names: Names) -> str:
    """The names of a series as they are stored."""
    return json.dumps(dict(names), sort_keys=True, ensure_ascii=False)


def stored(session: Session, *, state: str | None = None, bursts: bool | None = None) -> list[Anomaly]:
    """Stored events, newest first; only those in `state`, only bursts of hours or only the bill's, if it is given."""
    wanted = select(Anomaly).order_by(col(Anomaly.started).desc(), col(Anomaly.id))
    if bursts is not None:
        wanted = wanted.where(_lane(bursts))
    return list(session.exec(wanted if state is None else wanted.where(Anomaly.state == state)))


def _lane(bursts: bool) -> ColumnElement[bool]:
    return col(Anomaly.kind) == BURST if bursts else col(Anomaly.kind) != BURST


def marks(session: Session, *, bursts: bool | None = None) -> list[Mark]:
    """Everything that people said, of bursts or of the bill's events if it is given, oldest first. What was said of an
    estimate says nothing of a bill, nor the other way round."""
    found = select(AnomalyMark, Anomaly).join(Anomaly, col(Anomaly.id) == col(AnomalyMark.anomaly))
    if bursts is not None:
        found = found.where(_lane(bursts))
    rows = session.exec(found.order_by(col(AnomalyMark.marked_at), col(AnomalyMark.id)))
    return [
        Mark(
            kind=MarkKind(mark.kind),
            names=anomaly.names,
            currency=anomaly.currency,
            event=anomaly.id,
            excess=Decimal(mark.excess),
            person=mark.person,
            at=mark.marked_at.date(),
            first=date.fromisoformat(mark.first_day) if mark.first_day else None,
            until=date.fromisoformat(mark.until_day) if mark.until_day else None,
        )
        for mark, anomaly in rows
    ]
