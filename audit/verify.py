"""Checks the log from its first entry to its last and names the first one that is not what was written.

Reads raw bytes, not what an object mapper makes of them: an entry whose column is no longer valid text must be
named, not crash the check. Every column is compared with the body, since people and queries read the columns. On the
way the Merkle tree is grown from the bytes and held against every checkpoint: those that are stored here, and those
that somebody kept elsewhere, which alone can show a tail that was cut or a log that was written anew.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlmodel import Session

from audit.canonical import NotCanonical, read, sha256
from audit.errors import AuditError
from audit.log import LEAF, NO_HASH, SCHEMA
from audit.log_keys import known_keys, told_keys
from audit.marks import Mark, Marks, stored_marks
from audit.note import VerifierKey
from audit.tree import Frontier

COLUMNS = ("seq", "hash", "prev", "event", "actor_kind", "actor", "proposal", "proposal_version", "recorded_at", "body")
KINDS = {"seq": "integer", "proposal_version": "integer", "body": "blob"}
KEYS = {"schema", "seq", "prev", "event", "actor", "proposal", "proposal_version", "recorded_at", "data"}


@dataclass(frozen=True)
class Verification:
    """What the check found. `head` is "number:hash" of the last good entry, for a later check to expect.

    `root` is the Merkle root (hex) of the good entries; `remarks` are sentences on what is known and explained; `kept`
    names the given checkpoints that are beginnings of this log; `signed` is the last entry that a checkpoint signs.
    """

    entries: int
    ok: bool
    first_bad: int | None
    reason: str
    head: str
    root: str = ""
    remarks: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    signed: int = 0


class Bad(NamedTuple):
    """An entry that is not as it was written, and why."""

    seq: int
    reason: str


def verify(
    session: Session,
    *,
    expected_head: str | None = None,
    kept: Iterable[Mark] = (),
    keys: Collection[VerifierKey] = (),
) -> Verification:
    """Reads the whole log once.

    `expected_head` ("number:hash") and `kept` (checkpoints) were noted elsewhere and must be in it: nothing else can
    find that the tail was cut, or that all of it was written anew. `keys`: the log's, as they were given: one of them
    must have signed a checkpoint that is stored or kept. Without one the keys that the log tells are taken.
    """
    wanted = None if expected_head is None else _parse_head(expected_head)
    seen, good_seq, good_hash = 0, 0, NO_HASH
    known, kept = known_keys(session, keys), list(kept)
    stored = stored_marks(session, {*keys, *told_keys(session)})
    tree, marks, bad = Frontier(), Marks([*stored, *kept], known), None
    for row in rows(session):
        seen += 1
        if bad is not None:
            continue
        bad = judge(row, expected=good_seq + 1, prev=good_hash)
        if bad is None and wanted is not None and wanted[0] == good_seq + 1 and row["hash"][1] != wanted[1].encode():
            bad = Bad(wanted[0], "its hash is not the expected one: the log was rewritten at or before this entry")
        if bad is None:
            good_seq, good_hash = good_seq + 1, row["hash"][1].decode()
            marks.come_to(tree, row["body"][1])
            tree.add(bytes.fromhex(good_hash))
            marks.pass_by(tree)
    if bad is None and wanted is not None and wanted[0] > good_seq:
        bad = Bad(good_seq + 1, f"it is missing: the log ends at {good_seq}, but reached {wanted[0]} when it was noted")
    if bad is None and seen == 0:
        bad = Bad(1, "it is missing: the log is empty, and every log begins with an entry")
    if bad is None and (wrong := marks.wrong(good_seq)) is not None:
        bad = Bad(*wrong)
    signed = marks.signed_upto(keys)
    if bad is None and keys and not signed:
        bad = Bad(1, "no checkpoint of this log that is stored or was kept is signed by the key that was given")
    reason = f"all {seen} entries are as they were written" if bad is None else f"entry {bad.seq}: {bad.reason}"
    return Verification(
        entries=seen,
        ok=bad is None,
        first_bad=bad.seq if bad else None,
        reason=reason,
        head=f"{good_seq}:{good_hash}",
        root=tree.root().hex(),
        remarks=(*marks.explained, *([f"the key that was given signed entries 1 to {signed}"] if signed else [])),
        kept=tuple(f"{mark.where}, of {mark.size} entries" for mark in kept if marks.fits(mark)),
        signed=marks.reach(),
    )


def _parse_head(given: str) -> tuple[int, str]:
    number, _, digest = given.strip().partition(":")
    if not number.isdecimal() or len(digest) != 64:
        raise AuditError(
            f"the expected head {given!r} cannot be used",
            why="it is not of the form NUMBER:HASH with a hash of 64 hex digits",
            do="Give it as `spendgate audit verify --json` printed it under `head`",
        )
    return int(number), digest.lower()


def rows(session: Session, first: int = 1, last: int | None = None) -> Iterator[dict[str, tuple[str, bytes]]]:
    """Each row as (storage class, bytes) by column, in the order of their numbers; all, or those of a range."""
    connection = session.connection()
    column = _on_postgresql if connection.dialect.name == "postgresql" else _on_sqlite
    wanted = ", ".join(column(name) for name in COLUMNS)
    part = "" if last is None else f" WHERE seq BETWEEN {int(first)} AND {int(last)}"
    found = connection.execute(text(f"SELECT {wanted} FROM log_entry{part} ORDER BY seq"))  # noqa: S608
    for row in found.yield_per(1000):
        yield {name: (row[2 * at], row[2 * at + 1]) for at, name in enumerate(COLUMNS)}


def _on_sqlite(name: str) -> str:
    return f"typeof({name}), CAST({name} AS BLOB)"


def _on_postgresql(name: str) -> str:
    """The same two of a server, where a column has one type that no row can leave."""
    kind = KINDS.get(name, "text")
    raw = name if kind == "blob" else f"convert_to(CAST({name} AS text), 'UTF8')"
    return f"CASE WHEN {name} IS NULL THEN 'null' ELSE '{kind}' END, {raw}"


def judge(row: dict[str, tuple[str, bytes]], *, expected: int, prev: str | None) -> Bad | None:
    """Whether a row is entry `expected` and follows from `prev` (None: whatever was before); what is wrong, if not."""
    kind, raw = row["seq"]
    found = int(raw) if kind == "integer" else expected
    if kind != "integer":
        return Bad(expected, "its number is no whole number")
    if found > expected:
        return Bad(expected, f"it is missing: the next one is {found}")
    if found < expected:
        return Bad(found, "there is no such entry: the log begins at 1")
    body = row["body"][1] or b""
    if row["body"][0] != "blob" or row["hash"] != ("text", sha256(LEAF, body).encode()):
        return Bad(expected, "its body and its hash do not belong together")
    return _judge_body(row, body, expected=expected, prev=prev)


def told_by(body: bytes) -> dict[str, Any] | None:
    """What an entry's body says; None where it is not in the form of an entry, down to each byte."""
    try:
        told: dict[str, Any] = read(body)
        form = set(told) == KEYS and told["schema"] == SCHEMA and isinstance(told["data"], dict)
        _views(told)
    except (NotCanonical, KeyError, TypeError):
        return None
    return told if form else None


def _judge_body(row: dict[str, tuple[str, bytes]], body: bytes, *, expected: int, prev: str | None) -> Bad | None:
    if (told := told_by(body)) is None:
        return Bad(expected, "its body is not in the form of an entry")
    for name, value in _views(told).items():
        if row[name] != _stored(name, value):
            return Bad(expected, f"its column {name} is not what its body says")
    if prev is not None and told["prev"] != prev:
        return Bad(expected, "it does not follow from the entry before it")
    return None


def _views(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "seq": told["seq"],
        "prev": told["prev"],
        "event": told["event"],
        "actor_kind": told["actor"]["kind"],
        "actor": told["actor"]["id"],
        "proposal": told["proposal"],
        "proposal_version": told["proposal_version"],
        "recorded_at": told["recorded_at"],
    }


def _stored(name: str, value: Any) -> tuple[str, bytes | None]:
    """How the database holds `value` in that column: its storage class and its bytes."""
    if value is None:
        return "null", None
    return KINDS.get(name, "text"), str(value).encode()
