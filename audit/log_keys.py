"""The public keys of the log's signer, as the log itself tells them.

What a log says of its own keys proves nothing to whoever was given another: they find a key, they do not vouch for it.
What is told in another form than the signer's is passed over: it is no key of the log.
"""

import json
from collections.abc import Iterable, Iterator

from sqlalchemy import LargeBinary, cast
from sqlmodel import Session, col, select

from audit.errors import AuditError
from audit.event import Event
from audit.log import LogEntry
from audit.note import LOG, VerifierKey


def told_keys(session: Session, *, upto: int | None = None) -> list[VerifierKey]:
    """Every key that an entry tells of (up to number `upto`), oldest first; the last one signs now."""
    return [key for seq, key in _told(session) if upto is None or seq <= upto]


def known_keys(session: Session, given: Iterable[VerifierKey] = ()) -> dict[VerifierKey, int]:
    """The keys that were given, each known from entry 0 on; if none was, those told, from the entry that tells them."""
    return dict.fromkeys(given, 0) or {key: seq for seq, key in reversed(list(_told(session)))}


def _told(session: Session) -> Iterator[tuple[int, VerifierKey]]:
    body = cast(col(LogEntry.body), LargeBinary)  # an entry that somebody turned into text is read all the same
    wanted = select(LogEntry.seq, body).where(LogEntry.event == Event.LOG_KEY_CHANGED.value)
    for seq, told in session.exec(wanted.order_by(col(LogEntry.seq))):
        try:
            key = VerifierKey.read(json.loads(told)["data"]["key"])
        except (AuditError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
        if key.kind == LOG:
            yield seq, key
