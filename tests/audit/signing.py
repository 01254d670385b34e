"""A log that is signed by one key, for tests of what is signed and of what a restore excuses."""

from typing import Any

from app.database import beside, reading, writing
from audit import checkpoint
from audit.checkpoint import Checkpoint
from audit.event import Actor, ActorKind, Event
from audit.log import append
from audit.note import SigningKey
from audit.signer import Signer
from tests.audit.conftest import START

KEY = SigningKey.new("bank.example/log")
AUDITOR = Actor(ActorKind.PERSON, "p-0a0d1703")


def signed(log: Any, last: Checkpoint | None = None, *, restored: bool = False, key: SigningKey = KEY) -> Checkpoint:
    """The log read from its beginning, signed and stored."""
    signer = Signer(key, origin="bank.example/log", last=last, restored=restored)
    with reading(log.engine) as (session, _):
        signer.read(session)
    note = signer.sign()
    with beside(log.engine) as (session, _):
        signer.store(session, note, START)
    return checkpoint.verify(note, [key.verifier])


def bodies(log: Any) -> list[bytes]:
    with reading(log.engine) as (session, _):
        return [row[0] for row in session.connection().exec_driver_sql("SELECT body FROM log_entry ORDER BY seq")]


def tell_key(log: Any, key: SigningKey) -> None:
    with writing(log.engine) as (session, now):
        data = {"key": str(key.verifier), "before": None}
        append(session, now=now, event=Event.LOG_KEY_CHANGED, actor=AUDITOR, data=data)
