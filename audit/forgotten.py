"""Whether all that is gone of people went because an entry says so: the rows of forgetting held against the log.

Who has the database can empty a text or mark a person as forgotten, and it would read as if it had been done as it must
be: a decision's reason would be missing, an approver would count no more. So each of these rows needs its entry, and
each text that an entry commits to needs its row.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlmodel import Session, col, select

from audit.event import ActorKind, Event
from audit.log import LogEntry
from audit.private import PersonRecord, PrivateText, erased_people

REFERENCE = b'"t-'
"""How a text's reference begins in an entry's bytes; only entries that hold it are taken apart."""
COMMITTED = (("ref", "commitment"), ("text", "text_commitment"))
"""Under which two names an entry's data holds a text's reference and the commitment to it."""


class _Kept(NamedTuple):
    """Whose a row is, and whether its text is gone."""

    person: str
    emptied: bool


def undue(session: Session) -> list[str]:
    """Sentences, each naming what is gone without its entry, or is there against it; empty where all agree."""
    told, stored = _told(session), erased_people(session)
    texts, records = _kept(session, PrivateText), _kept(session, PersonRecord)
    return [
        *(f"{one} is stored as forgotten, and the log does not tell of it" for one in sorted(stored - told)),
        *(f"the log tells that {one} was forgotten, and is not stored so" for one in sorted(told - stored)),
        *_gone("text", texts, told),
        *_gone("record", records, told),
        *_lost(session, texts),
    ]


def _told(session: Session) -> frozenset[str]:
    """Everybody who was forgotten by an entry."""
    bodies = session.exec(select(LogEntry.body).where(LogEntry.event == Event.PRIVACY_ERASED.value))
    return frozenset(str(json.loads(body)["data"]["person"]) for body in bodies)


def _kept(session: Session, table: type[PrivateText] | type[PersonRecord]) -> dict[str, _Kept]:
    """By reference. An auditor may read no cipher text and no salt; a row that lacks only these is spoilt, not gone."""
    rows = session.execute(select(table.ref, table.person, col(table.nonce).is_(None)))
    return {ref: _Kept(person, bool(emptied)) for ref, person, emptied in rows}


def _gone(what: str, rows: dict[str, _Kept], told: frozenset[str]) -> Iterator[str]:
    for ref, row in sorted(rows.items()):
        if row.emptied and row.person not in told:
            yield f"the {what} {ref} of {row.person} is gone, and the log does not tell that anybody forgot them"
        if not row.emptied and row.person in told:
            yield f"the {what} {ref} of {row.person} is there, and the log tells that they were forgotten"


def _lost(session: Session, texts: dict[str, _Kept]) -> Iterator[str]:
    """Texts that an entry commits to and that are not stored, or are stored as another's than whose entry it is."""
    rows = session.execute(
        select(LogEntry.seq, LogEntry.actor_kind, LogEntry.actor, LogEntry.body).order_by(col(LogEntry.seq))
    )
    for seq, kind, actor, body in rows.yield_per(1000):
        if REFERENCE not in body:
            continue
        for ref in _committed(json.loads(body)["data"]):
            row = texts.get(ref)
            if row is None:
                yield f"the log tells of a text {ref} (entry {seq}) that is not stored"
            elif kind == ActorKind.PERSON.value and row.person != actor:
                yield f"the text {ref} of {actor} (entry {seq}) is stored as one of {row.person}"


def _committed(data: Any) -> Iterator[str]:
    """The references of texts in an entry's data, at any depth."""
    if isinstance(data, dict):
        for ref, commitment in COMMITTED:
            if commitment in data and str(data.get(ref)).startswith("t-"):
                yield str(data[ref])
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    for one in inner:
        yield from _committed(one)
