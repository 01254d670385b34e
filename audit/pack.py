"""Evidence packs: zip files that prove entries to somebody who has only the log's key (see `pack_verifier.py`).

Files are written one after the other and entries are read in batches, so that a pack of a million entries needs no more
memory than one of a thousand. The same entries, checkpoints and time give the same bytes, byte for byte, on one version
of zlib.
"""

import base64
import json
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from sqlmodel import Session, col, select

from audit.canonical import canonical
from audit.checkpoint import Checkpoint, parse
from audit.errors import AuditError
from audit.event import Event
from audit.log import LogEntry, head, rows
from audit.log_keys import told_keys
from audit.moment import utc_text
from audit.note import LOG, MalformedNote, VerifierKey
from audit.restore import restore_in
from audit.stored_tree import LogCheckpoint, LogWitness, NeighbouringProofs, StoredTree, newest_checkpoint
from audit.tree import Frontier, leaf_hash, verify_inclusion

FORMAT = "spendgate.pack.v1"
ENTRIES, PROOFS, NEWEST, EARLIER = "entries.jsonl", "proofs.jsonl", "checkpoint", "checkpoints.jsonl"
KEYS, VERIFIER, README = "keys.txt", "verify.py", "README.txt"
MANIFEST, SEAL = "manifest.json", "manifest.sha256"
BATCH = 2_000
_BEGINNING_OF_TIME = (1980, 1, 1, 0, 0, 0)


class NotPacked(AuditError):
    """The log is not what was signed: a pack of it would be refused."""

    exit_code = 7


@dataclass(frozen=True)
class Pack:
    """What was packed: entries `first` to `last`, the tree's size, how many later entries are not signed yet."""

    origin: str
    first: int
    last: int
    count: int
    tree_size: int
    unsigned: int
    manifest_sha256: str


@dataclass(frozen=True)
class Wanted:
    """Which entries: numbers from `first` to `last` (None: to the end of what is signed), or those of one proposal."""

    first: int = 1
    last: int | None = None
    proposal: str | None = None


def write_pack(
    session: Session, out: IO[bytes], *, wanted: Wanted, now: datetime, witness_keys: Iterable[VerifierKey] = ()
) -> Pack:
    """Writes a pack of what the newest checkpoint covers; AuditError where none of it is signed or it does not fit."""
    newest, note = _newest(session)
    last = min(newest.size, wanted.last or newest.size)
    _refuse_empty(session, wanted, newest, last)
    whole = wanted.proposal is None and (wanted.first, last) == (1, newest.size)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        files = _Files(archive)
        with files.new(ENTRIES) as stream:
            told = _entries(session, stream, wanted, last, newest if whole else None)
        if not whole:
            with files.new(PROOFS) as stream:
                _proofs(session, stream, wanted, last, newest)
        with files.new(EARLIER) as stream:
            _earlier(session, stream, newest, whole=whole)
        with files.new(NEWEST) as stream:
            stream.write(note.encode())
        with files.new(KEYS) as stream:
            stream.write(_keys(session, newest.size, witness_keys).encode())
        with files.new(VERIFIER) as stream:
            stream.write(Path(__file__).with_name("pack_verifier.py").read_bytes())
        with files.new(README) as stream:
            stream.write(_READ_ME.encode())
        unsigned = max(head(session)[0] - newest.size, 0)
        manifest = {
            **told,
            "format": FORMAT,
            "origin": newest.origin,
            "tree_size": newest.size,
            "proposal": wanted.proposal,
            "left_out": unsigned,
            "made_at": utc_text(now),
            "files": files.told,
        }
        sealed = canonical(manifest) + b"\n"
        digest = sha256(sealed).hexdigest()
        with files.new(MANIFEST) as stream:
            stream.write(sealed)
        with files.new(SEAL) as stream:
            stream.write(f"{digest}  {MANIFEST}\n".encode())
    return Pack(newest.origin, **told["entries"], tree_size=newest.size, unsigned=unsigned, manifest_sha256=digest)


class _Hashed:
    """A stream that knows the size and SHA-256 of what went through it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._digest, self._size = stream, sha256(), 0

    def write(self, data: bytes) -> None:
        self._stream.write(data)
        self._digest.update(data)
        self._size += len(data)

    def told(self) -> dict[str, Any]:
        return {"bytes": self._size, "sha256": self._digest.hexdigest()}


class _Files:
    """The files of the archive, without anything in it that another run would write otherwise."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.told: dict[str, dict[str, Any]] = {}

    @contextmanager
    def new(self, name: str) -> Iterator[_Hashed]:
        info = zipfile.ZipInfo(name, _BEGINNING_OF_TIME)
        info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
        with self._archive.open(info, "w", force_zip64=True) as stream:
            hashed = _Hashed(stream)
            yield hashed
        self.told[name] = hashed.told()


def _newest(session: Session) -> tuple[Checkpoint, str]:
    stored = newest_checkpoint(session)
    if stored is None:
        raise AuditError(
            "there is nothing to prove the entries with",
            why="no checkpoint of this log was ever signed",
            do="Run `spendgate signer`, and make the pack when it says that it is ready",
        )
    return parse(stored.note), _with_witnesses(session, stored)


def _with_witnesses(session: Session, stored: LogCheckpoint) -> str:
    """The note with the signature lines of the witnesses that saw it; each line once."""
    signed = col(LogWitness.cosignature).is_not(None)
    found = select(LogWitness.cosignature).where(
        LogWitness.origin == stored.origin, LogWitness.size == stored.size, signed
    )
    note = stored.note
    for line in session.exec(found.order_by(LogWitness.witness)):
        more = f"{note}{(line or '').rstrip()}\n"
        with suppress(MalformedNote):  # a line that is none would make the whole note unreadable
            note = note if f"\n{line}".rstrip() in note else str(parse(more).note)
    return note


def _refuse_empty(session: Session, wanted: Wanted, newest: Checkpoint, last: int) -> None:
    if wanted.first > last:
        there = head(session)[0]
        raise AuditError(
            f"there is nothing to pack from entry {wanted.first} on",
            why=f"the log has {there} entries, {newest.size} of them are signed"
            + (f", and entry {last} was to be the last" if last < newest.size else ""),
            do="Name entries that are signed; `spendgate signer` signs those that are not yet",
        )
    if wanted.proposal is not None and next(_rows(session, wanted, last), None) is None:
        raise AuditError(
            f"there is nothing to pack of proposal {wanted.proposal}",
            why=f"no entry from {wanted.first} to {last} is of it",
            do="See the proposals with `spendgate proposals list`",
        )


def _rows(session: Session, wanted: Wanted, last: int) -> Iterator[tuple[int, str, bytes]]:
    return rows(session, first=wanted.first, last=last, proposal=wanted.proposal)


def _entries(session: Session, stream: _Hashed, wanted: Wanted, last: int, signed: Checkpoint | None) -> dict[str, Any]:
    """Writes the entries; of a whole log it grows the tree on the way, and refuses one that is not the `signed`."""
    tree, before = Frontier(), wanted.first - 1
    count, first, events = 0, 0, dict[str, int]()
    for seq, stored_hash, body in _rows(session, wanted, last):
        if (wanted.proposal is None and seq != before + 1) or leaf_hash(body).hex() != stored_hash:
            raise _not_signed(before + 1 if wanted.proposal is None else seq)
        stream.write(body + b"\n")
        if signed is not None:
            tree.add(bytes.fromhex(stored_hash))
        event = _event_of(body, seq)
        events[event] = events.get(event, 0) + 1
        count, first, before = count + 1, first or seq, seq
    if wanted.proposal is None and before != last:
        raise _not_signed(before + 1)
    if signed is not None and tree.root() != signed.root:
        raise NotPacked(
            "the pack was not made",
            why=f"the {signed.size} entries do not lead to the root that was signed",
            do="Keep the database as evidence and run `spendgate audit verify`",
        )
    return {"entries": {"first": first, "last": before, "count": count}, "events": events}


def _event_of(body: bytes, seq: int) -> str:
    try:
        return str(json.loads(body)["event"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _not_signed(seq) from None


def _proofs(session: Session, stream: _Hashed, wanted: Wanted, last: int, newest: Checkpoint) -> None:
    """One line for each entry, in the same order: where it stands and the hashes that lead to the newest root."""
    proofs = NeighbouringProofs(session, newest.size)
    for seq, stored_hash, _ in _rows(session, wanted, last):
        hashes = proofs.inclusion(seq - 1)
        if not verify_inclusion(seq - 1, newest.size, bytes.fromhex(stored_hash), hashes, newest.root):
            raise _not_signed(seq)
        stream.write(canonical({"index": seq - 1, "hashes": _coded(hashes)}) + b"\n")


def _earlier(session: Session, stream: _Hashed, newest: Checkpoint, *, whole: bool) -> None:
    """The checkpoints before the newest, by size; with a proof where the root cannot be computed from the entries."""
    proofs, size, origin = NeighbouringProofs(session, newest.size), col(LogCheckpoint.size), col(LogCheckpoint.origin)
    query = select(LogCheckpoint).order_by(size, origin).limit(BATCH)
    after, kept = (0, ""), _kept(session)
    while found := session.exec(query.where((size > after[0]) | ((size == after[0]) & (origin > after[1])))).all():
        for row in found:
            lost = row.size > min(newest.size, kept.get(row.origin, newest.size))
            if not lost and (row.origin, row.size) != (newest.origin, newest.size):
                proof = [] if whole else _coded(proofs.consistency(row.size))
                stream.write(canonical({"note": _with_witnesses(session, row), "proof": proof}) + b"\n")
        after = (found[-1].size, found[-1].origin)
        session.expunge_all()


def _kept(session: Session) -> dict[str, int]:
    """Up to which size each log name of before a restore is a beginning of today's log."""
    told = select(LogEntry.seq, LogEntry.body).where(LogEntry.event == Event.LOG_RESTORED.value)
    kept, tree = dict[str, int](), StoredTree(session)
    for seq, body in session.exec(told.order_by(col(LogEntry.seq))):
        restore = restore_in(body, kept=seq - 1, root=partial(tree.root, 0, seq - 1), before=0)
        if restore is not None:
            kept[restore.origin] = min(restore.kept, kept.get(restore.origin, restore.kept))
    return kept


def _coded(hashes: Iterable[bytes]) -> list[str]:
    return [base64.b64encode(one).decode() for one in hashes]


def _keys(session: Session, size: int, witness_keys: Iterable[VerifierKey]) -> str:
    found = told_keys(session, upto=size)
    for name in session.exec(select(LogWitness.witness).distinct().order_by(LogWitness.witness)):
        try:
            found.append(VerifierKey.read(name))
        except MalformedNote:
            continue  # a witness that does not sign, or whose key is told elsewhere
    lines = [_TOLD_KEYS]
    for key in dict.fromkeys([*found, *witness_keys]):
        lines.append(f"# {'the log' if key.kind == LOG else 'a witness'}\n{key}\n")
    return "".join(lines)


def _not_signed(seq: int) -> NotPacked:
    return NotPacked(
        "the pack was not made",
        why=f"entry {seq} is missing, or is not what was signed",
        do="Keep the database as evidence and run `spendgate audit verify`",
    )


_TOLD_KEYS = """\
# Keys as the log tells them. Whoever makes up a log can write any key here: compare them with the keys that you were
# given at the beginning, and give those to verify.py with --key and --witness-key.
"""

_READ_ME = """\
An evidence pack of a Spendgate log
===================================

To check it you need Python 3.9 or newer, its package "cryptography" (pip install cryptography), no network, and the
log's key as you were given it at the beginning (a line like spendgate/0123456789abcdef+1a2b3c4d+AbCd...=).

    python verify.py PACK.zip --key "THE KEY"

"GOOD" and exit code 0: what the pack holds is what was signed. "BAD" and 1: it names the first thing that is not.
"CANNOT BE CHECKED" and 2: what you gave cannot be used.

Every checkpoint that you kept, or got from a witness, makes the check stronger: --checkpoint FILE. A witness that you
name must have signed: --witness-key "ITS KEY". A large log is checked faster with --quick, which does not look at the
form in which each entry is written.

verify.py comes from those whom you check. Read it (it is one file of at most 400 lines), or take it from where you
trust it, or write your own: docs/audit.md of Spendgate describes every file.

manifest.json       what is in here, with the SHA-256 of each other file; manifest.sha256 is its own (sha256sum -c)
entries.jsonl       the entries, one a line, in the exact bytes that were hashed
proofs.jsonl        in packs of a part: for each entry the proof that it stands at its number in the signed log
checkpoint          the newest signed state of the log: a C2SP signed note, with the signatures of witnesses
checkpoints.jsonl   the earlier ones, in packs of a part with the proof that the log only grew since
keys.txt            the keys as the log tells them: to compare, not to trust
"""
