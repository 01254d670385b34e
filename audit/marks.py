"""What somebody knows of the log from earlier: checkpoints, held against the tree while it grows.

A checkpoint that does not fit, or that reaches further than the log, is an alarm; except one of before a restore from a
backup, if an entry of the log names it and the key's holder signed on after it: what was lost then is told, not hidden.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import inspect
from sqlmodel import Session, col, select

from audit.checkpoint import Checkpoint, parse, verify
from audit.errors import AuditError
from audit.note import UnverifiedNote, VerifierKey
from audit.restore import Restore, restore_in
from audit.stored_tree import LogCheckpoint
from audit.tree import Frontier


class Mark(NamedTuple):
    """That the log `origin` had this root at this size; `where` tells people from where that is known.

    `signers`: whose signature of it was verified. `unsigned`: that none of the log's keys signed it.
    """

    size: int
    root: bytes
    origin: str
    where: str
    signers: tuple[VerifierKey, ...] = ()
    unsigned: bool = False


def mark_of(checkpoint: Checkpoint, where: str) -> Mark:
    """A verified checkpoint as a mark."""
    return Mark(checkpoint.size, checkpoint.root, checkpoint.origin, where, checkpoint.signers)


def stored_marks(session: Session, keys: Collection[VerifierKey]) -> list[Mark]:
    """The checkpoints that stand beside the log. One that cannot be read is a mark that fits nothing.

    Each must be signed by one of `keys`; where no key is known at all, none is looked for.
    """
    if not inspect(session.connection()).has_table(LogCheckpoint.__tablename__):
        return []
    marks = []
    for size, origin, note in session.execute(
        select(LogCheckpoint.size, LogCheckpoint.origin, LogCheckpoint.note).order_by(col(LogCheckpoint.size))
    ):
        where = f"the stored checkpoint of {origin} at size {size}"
        marks.append(_stored(note, keys)._replace(where=where))
        if (marks[-1].size, marks[-1].origin) != (size, origin):
            marks[-1] = Mark(size, b"", str(origin), where)
    return marks


def _stored(note: Any, keys: Collection[VerifierKey]) -> Mark:
    try:
        return mark_of(verify(note, keys), "")
    except UnverifiedNote:
        return mark_of(parse(note), "")._replace(unsigned=bool(keys))
    except (AuditError, TypeError, AttributeError):
        return Mark(-1, b"", "", "")


class Marks:
    """Checkpoints in the order of their sizes, passed one by one as the tree grows.

    `keys`: the log's, each with the entry from which on it is known (0 for one that was given).
    """

    def __init__(self, known: Iterable[Mark], keys: Mapping[VerifierKey, int]) -> None:
        self._ahead = sorted(known, key=lambda mark: mark.size, reverse=True)
        self._keys, self._fitting = keys, list[Mark]()
        self._good = 0
        self._misfits: list[tuple[int, Mark]] = []
        self._restores: list[Restore] = []
        self.explained: list[str] = []

    def come_to(self, tree: Frontier, body: bytes) -> None:
        """Called before each entry is added to the tree."""
        before = max((one.number for one in self._restores), default=0)
        if (told := restore_in(body, kept=tree.size, root=tree.root, before=before)) is not None:
            self._restores.append(told)

    def pass_by(self, tree: Frontier) -> None:
        """Called after each entry was added to the tree."""
        if not self._ahead or self._ahead[-1].size > tree.size:
            return
        root = tree.root()
        while self._ahead and self._ahead[-1].size <= tree.size:
            mark = self._ahead.pop()
            if mark.size == tree.size and mark.root == root:
                self._good = mark.size
                self._fitting.append(mark)
            else:
                self._misfits.append((self._good, mark))

    def wrong(self, size: int) -> tuple[int, str] | None:
        """The first entry that cannot be what was signed, with the reason; None where all fits or is explained."""
        self._restores = [one for one in self._restores if self._vouched(one)]
        for good, mark in self._misfits:
            if not self._explains(mark):
                first = good + 1
                said = f"the tree of entries 1 to {mark.size} is not the one in {mark.where}"
                return first, f"{said}: an entry from this one on was changed, or the log was written anew"
        for mark in reversed(self._ahead):
            if not self._explains(mark):
                return size + 1, f"it is missing: the log ends at {size}, but {mark.where} has {mark.size} entries"
        for mark in self._fitting:
            if mark.unsigned:
                return mark.size, f"{mark.where} was signed by no key of this log"
        return None

    def fits(self, mark: Mark) -> bool:
        """Whether this one was passed and is the tree at its size."""
        return mark in self._fitting

    def reach(self) -> int:
        """The largest size at which any signed checkpoint fits; 0 where none does."""
        return max((mark.size for mark in self._fitting if mark.signers), default=0)

    def signed_upto(self, keys: Collection[VerifierKey]) -> int:
        """The largest size at which a checkpoint by one of these keys fits; 0 where none does."""
        return max((mark.size for mark in self._fitting if not set(keys).isdisjoint(mark.signers)), default=0)

    def _vouched(self, restore: Restore) -> bool:
        return any(restore.vouched_by(one.origin, one.size, one.signers, self._keys) for one in self._fitting)

    def _explains(self, mark: Mark) -> bool:
        for told in self._restores:
            if told.explains(mark.origin, mark.size, mark.root):
                self.explained.append(
                    f"{mark.where} is of before the restore of entry {told.seq}: what it tells of entries"
                    f" {told.kept + 1} to {mark.size} was lost with them"
                )
                return True
        return False
