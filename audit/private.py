"""What people wrote, kept so that it can be erased without touching the log.

Text is encrypted (AES-256-GCM) under a key of the person's own; an entry holds only a reference and a salted
commitment. Erasing a person destroys the key, the salt and the cipher text: what remains in the log can neither be
read nor be guessed by trying likely sentences, and every hash still verifies.

Two tables under two keys: what a person wrote (`PrivateText`), and what a person is called (`PersonRecord`: name and
accounts). Every process must know who somebody is; few must read what somebody wrote. Both keys are destroyed together.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import LargeBinary
from sqlmodel import Field, Session, SQLModel, col, select

from audit.errors import AuditError
from audit.event import Actor, ActorKind, Event
from audit.log import append
from audit.stored import UtcTime

COMMITMENT = b"spendgate.text.v1\0"
SAME = b"spendgate.record.v1\0"
AT_ONCE = 1000
Row = TypeVar("Row", bound=SQLModel)


class PersonKey(SQLModel, table=True):
    """One person's keys: `key` for what the person wrote, `name_key` for what the person is called.

    An erased person's row stays without them, so that the id is never given a key again.
    """

    __tablename__ = "person_key"

    person: str = Field(primary_key=True)
    key: bytes | None = Field(default=None, sa_type=LargeBinary)
    name_key: bytes | None = Field(default=None, sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=UtcTime)
    erased_at: datetime | None = Field(default=None, sa_type=UtcTime, index=True)


class _Encrypted(SQLModel):
    ref: str = Field(primary_key=True)
    person: str = Field(index=True)
    kept_at: datetime = Field(sa_type=UtcTime)
    nonce: bytes | None = Field(default=None, sa_type=LargeBinary)
    cipher: bytes | None = Field(default=None, sa_type=LargeBinary)
    salt: bytes | None = Field(default=None, sa_type=LargeBinary)


class PrivateText(_Encrypted, table=True):
    """One text of a person, encrypted; its last three columns are empty once the person was erased."""

    __tablename__ = "private_text"


class PersonRecord(_Encrypted, table=True):
    """What a person is called (name, accounts), encrypted; emptied like a text. One row for each different content."""

    __tablename__ = "person_record"


def keep(session: Session, *, person: str, text: str, now: datetime) -> str:
    """Encrypts `text` under the person's key (made at the first text) and returns its reference.

    An AuditError for somebody who was erased: the words of an unknown could otherwise gather under the old id.
    """
    key = _holder(session, session.get(PersonKey, person), person, now).key or b""
    ref = f"t-{secrets.token_hex(10)}"
    session.add(PrivateText(ref=ref, person=person, kept_at=now, **_encrypted(key, ref, person, text)))
    session.flush()
    return ref


def keep_records(session: Session, called: Mapping[str, str], *, now: datetime) -> dict[str, tuple[str, str]]:
    """Keeps what people are called (person → content) and returns (reference, commitment) of each; the same content of
    a person is kept once.

    The reference is an HMAC of the content under the person's own key: the same while the key is there, which lets a
    file be compared with what is stored, and telling nothing once it is not.
    """
    holders = {row.person: row for row in _rows(session, PersonKey, col(PersonKey.person), called)}
    keys = {person: _holder(session, holders.get(person), person, now).name_key or b"" for person in called}
    refs = {
        person: f"r-{hmac.new(keys[person], SAME + content.encode(), hashlib.sha256).hexdigest()[:32]}"
        for person, content in called.items()
    }
    known = {row.ref: row for row in _rows(session, PersonRecord, col(PersonRecord.ref), refs.values())}
    told: dict[str, tuple[str, str]] = {}
    for person, content in called.items():
        ref = refs[person]
        row = known.get(ref)
        if row is None:
            row = PersonRecord(ref=ref, person=person, kept_at=now, **_encrypted(keys[person], ref, person, content))
            session.add(row)
        told[person] = (ref, _committed(row.salt or b"", content))
    session.flush()
    return told


def open_records(session: Session, refs: Mapping[str, str]) -> dict[str, str]:
    """The contents of `refs` (reference → the commitment that it must have) by reference; an erased one is left out.

    One that is missing, or is not what was committed to, is an AuditError: a person could be found under another's
    account.
    """
    rows = {row.ref: row for row in _rows(session, PersonRecord, col(PersonRecord.ref), refs)}
    keys = _name_keys(session, {row.person for row in rows.values()})
    told: dict[str, str] = {}
    for ref, expected in refs.items():
        row = rows.get(ref)
        if row is not None and row.person in keys and keys[row.person] is None:
            continue
        text = None if row is None else _decrypted(row, keys.get(row.person))
        if row is None or text is None or _committed(row.salt or b"", text) != expected:
            raise _spoilt(ref)
        told[ref] = text
    return told


def records_of(session: Session, person: str) -> list[str]:
    """Every content that was ever kept of what this person is called; none once they were erased."""
    key = _name_keys(session, [person]).get(person)
    rows = session.exec(select(PersonRecord).where(col(PersonRecord.person) == person).order_by(PersonRecord.ref))
    return [text for row in rows if (text := _decrypted(row, key)) is not None]


def _name_keys(session: Session, people: Iterable[str]) -> dict[str, bytes | None]:
    """The keys of their names, None for an erased one. By column: not every process may read the other key."""
    names, found = list(people), dict[str, bytes | None]()
    for at in range(0, len(names), AT_ONCE):
        wanted = col(PersonKey.person).in_(names[at : at + AT_ONCE])
        rows = session.exec(select(PersonKey.person, PersonKey.name_key, PersonKey.erased_at).where(wanted))
        found |= {person: None if erased_at is not None else key for person, key, erased_at in rows}
    return found


def erased_people(session: Session) -> frozenset[str]:
    """The ids of everybody who was erased."""
    return frozenset(session.execute(_ERASED).scalars())


_ERASED = select(PersonKey.person).where(col(PersonKey.erased_at).is_not(None))
"""Made once: every judgement asks for it."""


def _rows(session: Session, table: type[Row], column: Any, wanted: Iterable[str]) -> list[Row]:
    """The rows whose column is one of `wanted`; a statement has room for so many only."""
    names, found = list(wanted), list[Row]()
    for at in range(0, len(names), AT_ONCE):
        found += session.exec(select(table).where(column.in_(names[at : at + AT_ONCE]))).all()
    return found


def _holder(session: Session, holder: PersonKey | None, person: str, now: datetime) -> PersonKey:
    """The person's keys, made at the first text; an AuditError for somebody who was erased."""
    if holder is None:
        key, name_key = secrets.token_bytes(32), secrets.token_bytes(32)
        holder = PersonKey(person=person, created_at=now, key=key, name_key=name_key)
        session.add(holder)
    if holder.erased_at is not None:
        raise AuditError(
            f"nothing is kept about {person}",
            why="this person was forgotten, and the id is never used again",
            do="Give a new id where somebody comes back",
        )
    return holder


def _encrypted(key: bytes, ref: str, person: str, text: str) -> dict[str, bytes]:
    nonce = secrets.token_bytes(12)
    cipher = AESGCM(key).encrypt(nonce, text.encode(), _bound_to(ref, person))
    return {"nonce": nonce, "cipher": cipher, "salt": secrets.token_bytes(32)}


def _decrypted(row: PrivateText | PersonRecord, key: bytes | None) -> str | None:
    if row.nonce is not None and (row.cipher is None or row.salt is None):
        raise _spoilt(row.ref)  # forgetting empties all of it, so this was somebody else
    if key is None or row.cipher is None or row.nonce is None:
        return None
    try:
        return AESGCM(key).decrypt(row.nonce, row.cipher, _bound_to(row.ref, row.person)).decode()
    except InvalidTag:
        raise _spoilt(row.ref) from None


def _spoilt(ref: str) -> AuditError:
    return AuditError(
        f"the text {ref} cannot be read",
        why="its stored bytes are not those that were written",
        do="Compare the database with a backup; the log's commitment tells which is the original",
    )


def open_text(session: Session, ref: str) -> str | None:
    """The text behind a reference, or None where it was erased or never was; a changed text is an AuditError."""
    row = session.get(PrivateText, ref)
    holder = None if row is None else session.get(PersonKey, row.person)
    return None if row is None or holder is None else _decrypted(row, holder.key)


def written_by(session: Session, ref: str) -> str | None:
    """Whose words are kept under a reference, erased ones too; None where there are none."""
    row = session.get(PrivateText, ref)
    return None if row is None else row.person


def commitment(session: Session, ref: str) -> str | None:
    """HMAC-SHA-256 of the text under its salt: proves the text while the salt is there, tells nothing afterwards."""
    row = session.get(PrivateText, ref)
    text = open_text(session, ref)
    if row is None or row.salt is None or text is None:
        return None
    return _committed(row.salt, text)


def _committed(salt: bytes, text: str) -> str:
    return hmac.new(salt, COMMITMENT + text.encode(), hashlib.sha256).hexdigest()


def reference(session: Session, *, person: str, text: str, now: datetime) -> dict[str, Any]:
    """Keeps `text` and returns what an entry's data may hold about it."""
    ref = keep(session, person=person, text=text, now=now)
    return {"ref": ref, "commitment": commitment(session, ref)}


def erase(
    session: Session, *, person: str, now: datetime, by: Actor | None = None, told: Mapping[str, Any] | None = None
) -> int:
    """Destroys the person's key, salts and texts, logs that it was done, and returns how many texts there were.

    `told` is what the entry tells besides. Somebody who was erased before is erased: nothing changes and no second
    entry is written. The caller's database must run with `secure_delete`; on SQLite the write-ahead log holds old pages
    until its next checkpoint, so whoever runs this as a command checkpoints afterwards.
    """
    holder = session.get(PersonKey, person) or PersonKey(person=person, created_at=now)
    if holder.erased_at is not None:
        return 0
    holder.key, holder.name_key, holder.erased_at = None, None, now
    session.add(holder)
    session.flush()  # the guards of the texts ask for it
    erased = _emptied(session, PrivateText, person)
    records = _emptied(session, PersonRecord, person)
    actor = by or Actor(ActorKind.SERVICE, "privacy")
    data = {"person": person, "texts": erased, "records": records, **(told or {})}
    append(session, now=now, event=Event.PRIVACY_ERASED, actor=actor, data=data)
    session.flush()
    return erased


def _emptied(session: Session, table: type[PrivateText] | type[PersonRecord], person: str) -> int:
    emptied = 0
    for row in session.exec(select(table).where(col(table.person) == person)):
        emptied += row.cipher is not None
        row.nonce = row.cipher = row.salt = None
        session.add(row)
    return emptied


def _bound_to(ref: str, person: str) -> bytes:
    """Ties a cipher text to its place, so that one person's words cannot be moved under another's name."""
    return f"{ref}\0{person}".encode()
