"""The public keys of the log's signer, as the log itself tells them.

What a log says of its own keys proves nothing to whoever was given another: they find a key, they do not vouch for it.
"""

import json

from sqlmodel import Session, col, select

from audit.event import Event
from audit.log import LogEntry
from audit.note import VerifierKey


def told_keys(session: Session, *, upto: int | None = None) -> list[VerifierKey]:
    """Every key that an entry tells of (up to number `upto`), oldest first; the last one signs now."""
    seq = col(LogEntry.seq)
    wanted = select(LogEntry.body).where(LogEntry.event == Event.LOG_KEY_CHANGED.value).order_by(seq)
    bodies = session.exec(wanted if upto is None else wanted.where(seq <= upto))
    return [VerifierKey.read(json.loads(body)["data"]["key"]) for body in bodies]
