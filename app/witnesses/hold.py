"""Holds the log against everything that its witnesses know, entry by entry from the bytes on.

It believes no column, no tile and no stored root: the tree is grown again, and each checkpoint must be the tree at its
size. What was lost in a restore that an entry of the log names is told as that, and is no contradiction.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from sqlmodel import Session, col, select

from app.witnesses.port import Seen
from app.witnesses.process import cosigned
from audit.checkpoint import Checkpoint, parse, verify
from audit.errors import AuditError
from audit.note import MalformedNote, UnverifiedNote, VerifierKey
from audit.restore import Restore, restore_in
from audit.stored_tree import LogCheckpoint, LogWitness, newest_checkpoint
from audit.tree import EMPTY_ROOT, Frontier, leaf_hash
from audit.verify import rows

SHORTER, FORKED, OTHER_KEY, DAMAGED, FORGOTTEN, UNLOCKED = (
    "shorter",
    "forked",
    "other key",
    "damaged",
    "forgotten",
    "not locked",
)
"""What can be wrong: with the log (the first two), with a note, or with the witness itself."""


class Finding(NamedTuple):
    """One thing that is wrong: at which witness, which kind, in a sentence, with the notes that prove it."""

    witness: str
    what: str
    sentence: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Held:
    """The result. `newest`: of each witness how many notes it knows of this log, and the largest size."""

    entries: int
    newest: Mapping[str, tuple[int, int]]
    findings: tuple[Finding, ...]
    remarks: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether every witness knows nothing but beginnings of this log, and all that it was shown."""
        return not self.findings


class _Known(NamedTuple):
    witness: str
    seen: Seen
    checkpoint: Checkpoint


def hold(session: Session, told: Mapping[str, Iterable[Seen]], keys: Mapping[VerifierKey, int]) -> Held:
    """Reads the whole log once. `told`: what each witness tells, by its name.

    `keys`: the log's, of all its life, each with the entry from which on it is known (0 for one that was given).
    """
    known: list[_Known] = []
    findings: list[Finding] = []
    remarks: list[str] = []
    for witness, notes in told.items():
        for seen in notes:
            one = _read(witness, seen, keys)
            if isinstance(one, _Known):
                known.append(one)
            elif isinstance(one, Finding):
                findings.append(one)
            else:
                remarks.append(one)
            if seen.remark:
                findings.append(Finding(witness, UNLOCKED, f"{seen.where}: {seen.remark}"))
    signed = [*_stored_after_restore(session, keys), *(one.checkpoint for one in known)]
    size, roots, losses = _tree(session, {one.size for one in signed})
    fitting = [one for one in signed if roots.get(one.size) == one.root]
    losses = [
        lost for lost in losses if any(lost.vouched_by(one.origin, one.size, one.signers, keys) for one in fitting)
    ]
    for one in known:
        found = _judge(session, one, size, roots, losses)
        if isinstance(found, Finding):
            findings.append(found)
        elif found:
            remarks.append(found)
    newest = {name: _newest([one for one in known if one.witness == name]) for name in told}
    return Held(size, newest, tuple(findings), tuple(remarks))


def forgotten(
    session: Session,
    told: Mapping[str, Sequence[Seen]],
    *,
    now: datetime,
    only_newest: frozenset[str] = frozenset(),
    kept_for: Mapping[str, timedelta] = MappingProxyType({}),
) -> list[Finding]:
    """What was published, as the log's own table has it, and the witness does not know any more.

    `now`: when they were asked; what was published since then is passed over. `only_newest`: witnesses that keep just
    the newest of each log. `kept_for`: how long others keep a note.
    """
    found = []
    for witness, notes in told.items():
        there = [one for one in map(_parsed, notes) if one is not None]
        places = {(one.origin, one.size) for one in there}
        reached = {one.origin: max(other.size for other in there if other.origin == one.origin) for one in there}
        published = select(LogWitness).where(LogWitness.witness == witness, col(LogWitness.at) <= now)
        for row in session.exec(published.order_by(col(LogWitness.size))):
            if witness in only_newest:
                kept = row.size <= reached.get(row.origin, -1)
            else:
                kept = (row.origin, row.size) in places or now - row.at > kept_for.get(witness, timedelta.max)
            if not kept:
                said = (
                    f"the checkpoint of {row.origin} at size {row.size} was published there on {row.at:%Y-%m-%d %H:%M}"
                )
                found.append(Finding(witness, FORGOTTEN, f"{said}, and is not there any more"))
    return found


def cosignatures(session: Session, key: VerifierKey) -> list[Finding]:
    """Holds what a witness signed, as stored beside the log, against the stored checkpoints: nobody can sign for it."""
    found = []
    for row in session.exec(select(LogWitness).where(LogWitness.witness == key.name).order_by(col(LogWitness.size))):
        stored = session.get(LogCheckpoint, (row.origin, row.size))
        try:
            if stored is None or row.cosignature is None:
                raise ValueError
            verify(cosigned(parse(stored.note), row.cosignature), key)
        except (AuditError, ValueError):
            said = f"its cosignature of {row.origin} at size {row.size} is not of the checkpoint that is stored"
            found.append(Finding(key.name, DAMAGED, said))
    return found


def _read(witness: str, seen: Seen, keys: Collection[VerifierKey]) -> _Known | Finding | str:
    try:
        return _Known(witness, seen, verify(seen.note, keys))
    except UnverifiedNote:  # it was written to its end, whatever follows it: one that was cut has no signature to judge
        return Finding(witness, OTHER_KEY, f"{seen.where} was not signed with a key of this log", (seen.note,))
    except MalformedNote as error:
        if seen.broken:
            return f"{seen.where} was not written to its end: the process or the disk broke off there"
        return Finding(witness, DAMAGED, f"{seen.where} is no checkpoint: {error.why}", (seen.note,))


def _tree(session: Session, sizes: set[int]) -> tuple[int, dict[int, bytes], list[Restore]]:
    """How many entries there are, the root at each of `sizes`, and the restores that the log tells of."""
    tree, roots = Frontier(), {0: EMPTY_ROOT}
    losses: list[Restore] = []
    for row in rows(session):
        body = row["body"][1] or b""
        before = max((one.number for one in losses), default=0)
        if (restore := restore_in(body, kept=tree.size, root=tree.root, before=before)) is not None:
            losses.append(restore)
        tree.add(leaf_hash(body))
        if tree.size in sizes:
            roots[tree.size] = tree.root()
    return tree.size, roots, losses


def _stored_after_restore(session: Session, keys: Collection[VerifierKey]) -> list[Checkpoint]:
    """The stored checkpoints under a restored log's name, as far as they are signed."""
    found = []
    for note in session.exec(select(LogCheckpoint.note).where(col(LogCheckpoint.origin).contains("/restored-"))):
        try:
            found.append(verify(note, keys))
        except AuditError:
            continue
    return found


def _judge(
    session: Session, one: _Known, size: int, roots: Mapping[int, bytes], losses: Sequence[Restore]
) -> Finding | str | None:
    known, where = one.checkpoint, one.seen.where
    if roots.get(known.size) == known.root:
        return None
    for lost in losses:
        if lost.explains(known.origin, known.size, known.root):
            gone = f"entries {lost.kept + 1} to {known.size} were lost"
            return f"{where} is of before the restore of entry {lost.seq}: {gone}"
    notes = (one.seen.note, *_own_note(session, known))
    if known.size > size:
        said = f"the log has {size} entries, and {where} was signed with {known.size} of {known.origin}"
        return Finding(one.witness, SHORTER, said, notes)
    said = f"the first {known.size} entries of {known.origin} are others in the log than in {where}"
    return Finding(one.witness, FORKED, said, notes)


def _own_note(session: Session, known: Checkpoint) -> tuple[str, ...]:
    """The log's own signed note at that size, or its newest: beside the witness's it shows that two were signed."""
    same = session.get(LogCheckpoint, (known.origin, known.size))
    if same is not None and same.note != str(known.note):
        return (same.note,)
    newest = newest_checkpoint(session)
    return () if newest is None else (newest.note,)


def _newest(known: Sequence[_Known]) -> tuple[int, int]:
    return len(known), max((one.checkpoint.size for one in known), default=0)


def _parsed(seen: Seen) -> Checkpoint | None:
    try:
        return parse(seen.note)
    except MalformedNote:
        return None
