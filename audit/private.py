"""What people wrote, kept so that it can be erased without touching the log.

Text is encrypted (AES-256-GCM) under a key of the person's own; an entry holds only a reference and a salted
commitment. Erasing a person destroys the key, the salt and the cipher text: what remains in the log can neither be
read nor be guessed by trying likely sentences, and every hash still verifies.
"""

import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import LargeBinary
from sqlmodel import Field, Session, SQLModel, col, select

from audit.errors import AuditError
from audit.event import Actor, ActorKind, Event
from audit.log import append
from audit.stored import UtcTime

COMMITMENT = b"spendgate.text.v1\0"


class PersonKey(SQLModel, table=True):
    """One person's key; the row is gone once the person was erased."""

    __tablename__ = "person_key"

    person: str = Field(primary_key=True)
    key: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=UtcTime)


class PrivateText(SQLModel, table=True):
    """One text of a person, encrypted; its last three columns are empty once the person was erased."""

    __tablename__ = "private_text"

    ref: str = Field(primary_key=True)
    person: str = Field(index=True)
    kept_at: datetime = Field(sa_type=UtcTime)
    nonce: bytes | None = Field(default=None, sa_type=LargeBinary)
    cipher: bytes | None = Field(default=None, sa_type=LargeBinary)
    salt: bytes | None = Field(default=None, sa_type=LargeBinary)


def keep(session: Session, *, person: str, text: str, now: datetime) -> str:
    """Encrypts `text` under the person's key (made at the first text) and returns its reference."""
    holder = session.get(PersonKey, person)
    if holder is None:
        holder = PersonKey(person=person, key=AESGCM.generate_key(bit_length=256), created_at=now)
        session.add(holder)
    ref, nonce = f"t-{secrets.token_hex(10)}", secrets.token_bytes(12)
    cipher = AESGCM(holder.key).encrypt(nonce, text.encode(), _bound_to(ref, person))
    row = PrivateText(ref=ref, person=person, kept_at=now, nonce=nonce, cipher=cipher, salt=secrets.token_bytes(32))
    session.add(row)
    session.flush()
    return ref


def open_text(session: Session, ref: str) -> str | None:
    """The text behind a reference, or None where it was erased or never was; a changed text is an AuditError."""
    row = session.get(PrivateText, ref)
    holder = None if row is None else session.get(PersonKey, row.person)
    if row is None or holder is None or row.cipher is None or row.nonce is None:
        return None
    try:
        return AESGCM(holder.key).decrypt(row.nonce, row.cipher, _bound_to(ref, row.person)).decode()
    except InvalidTag:
        raise AuditError(
            f"the text {ref} cannot be read",
            why="its stored bytes are not those that were written",
            do="Compare the database with a backup; the log's commitment tells which is the original",
        ) from None


def commitment(session: Session, ref: str) -> str | None:
    """HMAC-SHA-256 of the text under its salt: proves the text while the salt is there, tells nothing afterwards."""
    row = session.get(PrivateText, ref)
    text = open_text(session, ref)
    if row is None or row.salt is None or text is None:
        return None
    return hmac.new(row.salt, COMMITMENT + text.encode(), hashlib.sha256).hexdigest()


def reference(session: Session, *, person: str, text: str, now: datetime) -> dict[str, Any]:
    """Keeps `text` and returns what an entry's data may hold about it."""
    ref = keep(session, person=person, text=text, now=now)
    return {"ref": ref, "commitment": commitment(session, ref)}


def erase(session: Session, *, person: str, now: datetime, by: Actor | None = None) -> int:
    """Destroys the person's key, salts and texts, logs that it was done, and returns how many texts there were.

    The caller's database must run with `secure_delete`; on SQLite the write-ahead log holds old pages until its next
    checkpoint, so whoever runs this as a command checkpoints afterwards.
    """
    texts = session.exec(select(PrivateText).where(col(PrivateText.person) == person)).all()
    erased = 0
    for text in texts:
        erased += text.cipher is not None
        text.nonce = text.cipher = text.salt = None
        session.add(text)
    holder = session.get(PersonKey, person)
    if holder is not None:
        session.delete(holder)
    actor = by or Actor(ActorKind.SERVICE, "privacy")
    append(session, now=now, event=Event.PRIVACY_ERASED, actor=actor, data={"person": person, "texts": erased})
    session.flush()
    return erased


def _bound_to(ref: str, person: str) -> bytes:
    """Ties a cipher text to its place, so that one person's words cannot be moved under another's name."""
    return f"{ref}\0{person}".encode()
