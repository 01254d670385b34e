"""Proofs of parts of the log, made from what is stored and checked before anybody gets them."""

from collections.abc import Iterator

from sqlmodel import Session

from audit.checkpoint import Checkpoint
from audit.errors import AuditError
from audit.log import LogEntry
from audit.note import UnverifiedNote
from audit.proof import Proof
from audit.stored_tree import StoredTree
from audit.tree import leaf_hash, verify_consistency, verify_inclusion
from audit.verify import Bad, judge, rows


def prove(session: Session, seq: int, checkpoint: Checkpoint, *, with_entry: bool = False) -> Proof:
    """The tlog-proof of entry number `seq` in the checkpoint's tree; UnverifiedNote where the log does not fit."""
    row = session.get(LogEntry, seq)
    if row is None or not 1 <= seq <= checkpoint.size:
        raise AuditError(
            f"entry {seq} cannot be proven",
            why=f"the checkpoint has {checkpoint.size} entries" if row is not None else "there is no such entry",
            do="`spendgate audit status` tells what is signed; the signer follows within a second",
        )
    hashes = tuple(StoredTree(session).inclusion(seq - 1, checkpoint.size))
    if not verify_inclusion(seq - 1, checkpoint.size, leaf_hash(row.body), hashes, checkpoint.root):
        raise _unfit(f"the bytes of entry {seq} and the stored tree do not lead to the signed root")
    return Proof(seq - 1, hashes, str(checkpoint.note), row.body if with_entry else None)


def prove_growth(session: Session, size1: int, size2: int, root1: bytes, root2: bytes) -> list[bytes]:
    """The consistency proof from `size1` to `size2` entries; an UnverifiedNote where the two roots do not fit it."""
    hashes = StoredTree(session).consistency(size1, size2)
    if not verify_consistency(size1, size2, hashes, root1, root2):
        raise _unfit(f"what is stored does not lead from the root at size {size1} to that at size {size2}")
    return hashes


def verify_part(session: Session, first: int, last: int, checkpoint: Checkpoint) -> Bad | None:
    """Checks entries `first` to `last` alone: each row against its bytes, its predecessor, and the signed tree."""
    if not 1 <= first <= last <= checkpoint.size:
        raise AuditError(
            f"entries {first} to {last} cannot be verified",
            why=f"the checkpoint has {checkpoint.size} entries",
            do="Name a range within it, the lower number first",
        )
    prev: str | None = None
    expected, tree = first, StoredTree(session)
    for row in _until(session, first, last):
        found = judge(row, expected=expected, prev=prev)
        if found is not None:
            return found
        body = row["body"][1]
        hashes = tree.inclusion(expected - 1, checkpoint.size)
        if not verify_inclusion(expected - 1, checkpoint.size, leaf_hash(body), hashes, checkpoint.root):
            return Bad(expected, f"it, or one beside it, is not in the tree that was signed at size {checkpoint.size}")
        prev, expected = row["hash"][1].decode(), expected + 1
    return None if expected > last else Bad(expected, "it is missing")


def _until(session: Session, first: int, last: int) -> Iterator[dict[str, tuple[str, bytes]]]:
    """A thousand rows at a time: proofs are read between them on the same connection."""
    for begin in range(first, last + 1, 1000):
        yield from list(rows(session, begin, min(begin + 999, last)))


def _unfit(why: str) -> UnverifiedNote:
    return UnverifiedNote(
        "the proof was not made", why=why, do="Run `spendgate audit verify`, which names the first entry that is wrong"
    )
