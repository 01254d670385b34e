"""The log: entries in one chain, each written in the same transaction as the deed it tells of.

The body's bytes are the truth and are what is hashed; the columns beside them are views for queries, and verifying
compares each of them with the body. An entry carries `proposal_version` if and only if it is the entry of that
proposal's move, which lets the database itself refuse a move without one (see `approvals/guards.py`).
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import Index, LargeBinary, Table, desc, insert
from sqlalchemy.exc import OperationalError
from sqlmodel import Field, Session, SQLModel, col, select

from audit.canonical import canonical, sha256
from audit.errors import AuditError
from audit.event import Actor, ActorKind, Event
from audit.stored import UtcTime

SCHEMA = "spendgate.entry.v1"
NO_HASH = "0" * 64
MAX_BODY = 64 * 1024
LEAF = b"\x00"


class Head(NamedTuple):
    """The last entry's number and hash: where the next one stands, and what it names."""

    seq: int
    hash: str


class LogEntry(SQLModel, table=True):
    """One thing that happened. `body` is the truth, `hash` is over it, `prev` is the hash of the entry before."""

    __tablename__ = "log_entry"
    __table_args__ = (
        Index("ix_log_entry_move", "proposal", "proposal_version"),
        Index("ix_log_entry_event", "event", "seq"),
    )

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    hash: str = Field(unique=True, max_length=64)
    prev: str = Field(unique=True, max_length=64)
    event: str
    actor_kind: str
    actor: str
    proposal: str | None = None
    proposal_version: int | None = None
    recorded_at: datetime = Field(sa_type=UtcTime)
    body: bytes = Field(sa_type=LargeBinary)
    writer: str | None = None
    """the database role that wrote it, stamped by PostgreSQL: a witness beside the entry, not covered by its hash"""


_INSERT = insert(cast("Table", LogEntry.__table__))  # type: ignore[attr-defined]
"""Past the unit of work: an entry is never changed, so nothing needs to be kept track of."""


_LAST = cast("Table", LogEntry.__table__).alias("last")  # type: ignore[attr-defined]
_HEAD = select(LogEntry.seq, LogEntry.hash).order_by(desc(col(LogEntry.seq))).limit(1)
"""Made once: every entry asks for it."""

HEAD = tuple(
    select(column).order_by(_LAST.c.seq.desc()).limit(1).scalar_subquery() for column in (_LAST.c.seq, _LAST.c.hash)
)
"""The same as two columns, for a question that asks for something else besides: one trip to the database less."""


def append(
    session: Session,
    *,
    now: datetime,
    event: Event,
    actor: Actor,
    proposal: str | None = None,
    proposal_version: int | None = None,
    data: dict[str, Any] | None = None,
    after: Head | None = None,
) -> Head:
    """Adds the next entry to the chain, in the caller's transaction (whose write lock orders the writers).

    The entry is the log's head then, which is what comes back.

    `after` is the log's head, where the caller has just read it together with something else in this transaction.
    `data` may hold text, whole numbers, decimals, times, lists and objects of them; people only as opaque ids; what a
    person wrote only as a reference (`private.reference`).
    """
    seq, prev = head(session) if after is None else after
    body = canonical(
        {
            "schema": SCHEMA,
            "seq": seq + 1,
            "prev": prev,
            "event": Event(event),
            "actor": {"kind": actor.kind, "id": actor.id},
            "proposal": proposal,
            "proposal_version": proposal_version,
            "recorded_at": now,
            "data": data or {},
        }
    )
    if len(body) > MAX_BODY:
        raise AuditError(
            f"the entry {event} was not written",
            why=f"its body has {len(body)} bytes, more than the {MAX_BODY} that an entry may have",
            do="Store the long part elsewhere and put its SHA-256 into the entry",
        )
    entry: dict[str, Any] = {
        "seq": seq + 1,
        "hash": sha256(LEAF, body),
        "prev": prev,
        "event": event.value,
        "actor_kind": actor.kind.value,
        "actor": actor.id,
        "proposal": proposal,
        "proposal_version": proposal_version,
        "recorded_at": now,
        "body": body,
    }
    session.flush()  # what the entry tells of stands before it, where it is a row that was added
    session.connection().execute(_INSERT, entry)
    return Head(entry["seq"], entry["hash"])


def head(session: Session) -> Head:
    """The last entry's number and hash; (0, sixty-four zeros) for an empty log."""
    return head_of(session.execute(_HEAD).first())


def head_of(last: Sequence[Any] | None) -> Head:
    """The head from what `HEAD` told; none, or nothing in it, is an empty log."""
    return Head(0, NO_HASH) if last is None or last[0] is None else Head(last[0], last[1])


def tell_reading(session: Session, *, now: datetime, person: str, data: dict[str, Any]) -> None:
    """Enters that a person read the log, and what of it (`data`): reading is itself an event (PCI DSS 10.2.1.3)."""
    append(session, now=now, event=Event.LOG_READ, actor=Actor(ActorKind.PERSON, person), data=data)


def data_of(entry: LogEntry) -> dict[str, Any]:
    """What the entry's body tells beside the columns."""
    told: dict[str, Any] = document_of(entry)["data"]
    return told


def document_of(entry: LogEntry) -> dict[str, Any]:
    """What the entry's body says; one that cannot be read is an AuditError."""
    try:
        told = json.loads(entry.body)
        if isinstance(told, dict) and isinstance(told.get("data"), dict):
            return told
    except (ValueError, TypeError, RecursionError):
        pass
    raise AuditError(
        f"entry {entry.seq} cannot be shown",
        why="its body is not in the form of an entry",
        do="Keep the database as evidence and run `spendgate audit verify`",
    )


def entries(
    session: Session,
    *,
    after: int = 0,
    limit: int = 100,
    event: Event | None = None,
    proposal: str | None = None,
) -> list[LogEntry]:
    """Entries in order, from the one after number `after`; a damaged one is an AuditError, since it cannot be shown."""
    query = select(LogEntry).where(col(LogEntry.seq) > after).order_by(col(LogEntry.seq)).limit(limit)
    if event is not None:
        query = query.where(LogEntry.event == event.value)
    if proposal is not None:
        query = query.where(LogEntry.proposal == proposal)
    try:
        return list(session.exec(query))
    except (ValueError, OperationalError) as error:
        raise AuditError(
            "the log cannot be listed",
            why=f"the columns of an entry after number {after} are not what was written",
            do="Run `spendgate audit verify`, which names the entry",
        ) from error


def rows(
    session: Session, *, first: int = 1, last: int, proposal: str | None = None, batch: int = 2_000
) -> Iterator[tuple[int, str, bytes]]:
    """Number, hash and stored bytes of entries `first` to `last`, in order and read in batches: a log may be long."""
    seq, after = col(LogEntry.seq), first - 1
    wanted = select(LogEntry.seq, LogEntry.hash, LogEntry.body).where(seq <= last).order_by(seq).limit(batch)
    if proposal is not None:
        wanted = wanted.where(LogEntry.proposal == proposal)
    while found := session.execute(wanted.where(seq > after)).all():
        for number, entry_hash, body in found:
            yield number, entry_hash, bytes(body)
        after = found[-1][0]
