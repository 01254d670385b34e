"""`spendgate signer`: follows the log within a second, checks every entry, signs the tree. Holds the log's key.

It writes no decision and no proposal. If it is killed, the next start reads the log from its first entry, meets the
checkpoint that it signed last, and goes on; if the log is not the one it signed, it signs nothing and says so.
"""

import json
import logging
import sys
import threading
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from app.database import beside, reading, writing
from app.log_key import KeyFolder
from app.seen import EVERY, sign_of_life
from app.witnesses.port import Witness
from app.witnesses.publish import Publisher
from audit import log
from audit.event import Event
from audit.log_keys import told_keys
from audit.note import SigningKey, VerifierKey
from audit.signer import SIGNER, NotSigned, Signer

logger = logging.getLogger(__name__)
POLL_SECONDS = 0.2
MOST_PAUSE_SECONDS = 30.0


class Following:
    """One signer at work on one database."""

    def __init__(self, engine: Engine, files: KeyFolder, *, origin: str | None = None, restored: bool = False) -> None:
        self.engine, self.files = engine, files
        name = origin or own_origin(engine)
        self.key = files.key() or files.new_key(name)
        self.signer = Signer(self.key, origin=name, last=files.last(self.key), restored=restored)
        self._seen_at: datetime | None = None
        self._signed: tuple[str, int] | None = None
        _tell_of_key(engine, self.key)

    def round(self) -> str | None:
        """Reads what is new and signs it; None where nothing was new. NotSigned where the log is not what it was."""
        with reading(self.engine) as (session, now):
            self.signer.read(session)
        place = (self.signer.origin, self.signer.size)
        if self._signed == place:
            self._live(now)
            return None
        note = self.signer.sign()
        self.files.keep(note)
        with beside(self.engine) as (session, now):
            self.signer.store(session, note, now)
            sign_of_life(session, process="signer", now=now)
        self.signer.stored()
        self._signed, self._seen_at = place, now
        return note

    def _live(self, now: datetime) -> None:
        if self._seen_at is None or now - self._seen_at > EVERY:
            with beside(self.engine) as (session, at):
                sign_of_life(session, process="signer", now=at)
            self._seen_at = now


def own_origin(engine: Engine) -> str:
    """A name that no other log has, without anybody choosing one: by the first entry, which says when it began."""
    with reading(engine) as (session, _):
        first = log.entries(session, limit=1)
    if not first:
        raise NotSigned(
            "there is no log to sign",
            why="it is empty, and every log begins with an entry",
            do="Run `spendgate db init`; if there was a log, restore it from a backup",
        )
    return f"spendgate/{first[0].hash[:16]}"


def _tell_of_key(engine: Engine, key: SigningKey) -> None:
    """An entry for a key that the log does not know yet, naming the one before."""
    with reading(engine) as (session, _):
        known = [str(one) for one in told_keys(session)][-1:]
    told = str(key.verifier)
    if known != [told]:
        with writing(engine) as (session, now):
            data = {"key": told, "before": known[0] if known else None}
            log.append(session, now=now, event=Event.LOG_KEY_CHANGED, actor=SIGNER, data=data)


def run(
    *,
    engine: Engine,
    files: KeyFolder,
    origin: str | None,
    restored: bool = False,
    witnesses: Callable[[VerifierKey], list[Witness]],
) -> None:
    """Signs until it is told to stop, or until the log is not what was signed; shows it to the witnesses beside."""
    following = Following(engine, files, origin=origin, restored=restored)
    key: VerifierKey = following.key.verifier
    publisher = Publisher(engine, witnesses(key))
    publisher.start()
    _round(following, publisher)
    ready = {"ready": "signer", "origin": following.signer.origin, "size": following.signer.size, "key": str(key)}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    pause, stopped = POLL_SECONDS, threading.Event()
    try:
        while not stopped.wait(pause):
            try:
                _round(following, publisher)
                pause = POLL_SECONDS
            except (DBAPIError, OSError) as error:
                pause = min(pause * 2, MOST_PAUSE_SECONDS)
                logger.warning("a round did not work (%s: %s); again in %.1f s", type(error).__name__, error, pause)
    finally:
        publisher.end()


def _round(following: Following, publisher: Publisher) -> None:
    note = following.round()
    if note is not None:
        publisher.offer(note)
