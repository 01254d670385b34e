"""Shows the newest checkpoint to every witness, each in a thread of its own: a witness that hangs holds up nobody.

Only the newest counts: what was signed while a witness was busy, or had its pause, is contained in it. A refusal that
contradicts the log is an alarm, told once in the log, beside it and on the process's own output.
"""

import logging
import threading
import time
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from app.database import beside, reading, writing
from app.witnesses.port import Contradicted, NotShown, Witness
from audit import log
from audit.alarm import LogAlarm
from audit.checkpoint import Checkpoint, parse
from audit.event import Event
from audit.note import UnverifiedNote
from audit.prove import prove_growth
from audit.signer import SIGNER
from audit.stored_tree import LogWitness, StoredTree

logger = logging.getLogger(__name__)
MOST_PAUSE_SECONDS = 300.0
WELL, FAILING, ALARM = "well", "failing", "alarm"


class Line:
    """One witness and what it has still to be shown."""

    def __init__(self, engine: Engine, witness: Witness) -> None:
        self.witness, self.state, self.failures = witness, WELL, 0
        self._engine = engine
        self._newest: Checkpoint | None = None
        self._shown: tuple[str, int] | None = None
        self._next_at = float("-inf")
        self._changed = threading.Condition()
        self._ended = False

    def offer(self, checkpoint: Checkpoint) -> None:
        """Has it shown as soon as the pause is over, instead of what still waits."""
        with self._changed:
            self._newest = checkpoint
            self._changed.notify()

    def end(self) -> None:
        """Makes `run` return after what it is doing now."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def run(self) -> None:
        """Shows what is offered until the end."""
        while True:
            with self._changed:
                while not self._ended and (wait := self.due_in(time.monotonic())) != 0:
                    self._changed.wait(wait)
                if self._ended:
                    return
            self.step(time.monotonic())

    def due_in(self, now: float) -> float | None:
        """In how many seconds there is something to do; None while nothing is offered that it was not shown."""
        newest = self._newest
        if newest is None or (newest.origin, newest.size) == self._shown:
            return None
        return max(0.0, self._next_at - now)

    def step(self, now: float) -> bool:
        """Shows the newest once, if it is time to; whether the witness has it now."""
        if self.due_in(now) != 0 or (newest := self._newest) is None:
            return False
        try:
            line = self.witness.publish(newest, lambda old: self._proof(old, newest))
            self._note(newest, line)
        except Contradicted as error:
            self._went_wrong(now, ALARM, str(error))
            self._alarm(newest, error)
            return False
        except Exception as error:  # noqa: BLE001 (a thread that ends would leave the log without its witness)
            self._went_wrong(now, FAILING, str(error) if isinstance(error, NotShown) else repr(error))
            return False
        self._shown, self._next_at = (newest.origin, newest.size), now + self.witness.pause
        if self.state != WELL:
            logger.warning("witness %s has the newest checkpoint again, after %d tries", self.name, self.failures)
        self.state, self.failures = WELL, 0
        return True

    @property
    def name(self) -> str:
        """The witness's name."""
        return self.witness.name

    def _went_wrong(self, now: float, state: str, why: str) -> None:
        self.failures += 1
        self._next_at = now + min(self.witness.pause * 2 ** min(self.failures, 10), MOST_PAUSE_SECONDS)
        if state != self.state:
            level = logging.CRITICAL if state == ALARM else logging.WARNING
            logger.log(level, "witness %s: %s", self.name, why)
        self.state = state

    def _proof(self, old: int, newest: Checkpoint) -> list[bytes]:
        """The proof, checked here first: a damaged tile must not look like a log that was rewritten."""
        with reading(self._engine) as (session, _):
            try:
                return prove_growth(session, old, newest.size, StoredTree(session).root(0, old), newest.root)
            except UnverifiedNote as error:
                raise NotShown("the proof for a witness cannot be made", why=error.why, do=error.do) from error

    def _note(self, shown: Checkpoint, line: str | None) -> None:
        with beside(self._engine) as (session, now):
            note_shown(session, shown, witness=self.name, cosignature=line, now=now)

    def _alarm(self, newest: Checkpoint, error: Contradicted) -> None:
        """A row and an entry, once; a database that cannot take them must not silence the next try."""
        try:
            with writing(self._engine) as (session, now):
                if session.get(LogAlarm, (newest.origin, self.name, error.code)) is not None:
                    return
                session.add(LogAlarm(origin=newest.origin, witness=self.name, what=error.code, at=now))
                data = {
                    "origin": newest.origin,
                    "size": newest.size,
                    "root": newest.root.hex(),
                    "witness": self.name,
                    "what": error.code,
                    "known": error.known,
                }
                log.append(session, now=now, event=Event.LOG_ALARM, actor=SIGNER, data=data)
        except Exception as failure:  # noqa: BLE001 (said aloud already; tried again with the next refusal)
            logger.critical("the alarm of witness %s could not be stored: %r", self.name, failure)


class Publisher:
    """All witnesses of one log."""

    def __init__(self, engine: Engine, witnesses: Iterable[Witness]) -> None:
        self.lines = [Line(engine, witness) for witness in witnesses]

    def start(self) -> None:
        """Begins the threads; they end with the process, also while a witness hangs."""
        for line in self.lines:
            threading.Thread(target=line.run, name=f"witness {line.name}", daemon=True).start()

    def offer(self, note: str) -> None:
        """Offers what was just signed and stored; returns at once."""
        checkpoint = parse(note)
        for line in self.lines:
            line.offer(checkpoint)

    def end(self) -> None:
        """Tells the threads to end; waits for none."""
        for line in self.lines:
            line.end()


def note_shown(session: Session, shown: Checkpoint, *, witness: str, cosignature: str | None, now: datetime) -> None:
    """Writes down that a witness has this checkpoint; the first time stays."""
    key = (shown.origin, shown.size, witness)
    if session.get(LogWitness, key) is None:
        session.add(LogWitness(origin=shown.origin, size=shown.size, witness=witness, cosignature=cosignature, at=now))
