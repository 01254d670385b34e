"""What somebody knows of the log from earlier: checkpoints, held against the tree while it grows.

A checkpoint that does not fit, or that reaches further than the log, is an alarm; except one of before a restore from a
backup, if an entry of the log names it: what was lost then is told, not hidden.
"""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import inspect
from sqlmodel import Session, col, select

from audit.checkpoint import Checkpoint, parse
from audit.errors import AuditError
from audit.restore import Restore, restore_in
from audit.stored_tree import LogCheckpoint
from audit.tree import Frontier


class Mark(NamedTuple):
    """That the log `origin` had this root at this size; `where` tells people from where that is known."""

    size: int
    root: bytes
    origin: str
    where: str


def mark_of(checkpoint: Checkpoint, where: str) -> Mark:
    """A checkpoint as a mark."""
    return Mark(checkpoint.size, checkpoint.root, checkpoint.origin, where)


def stored_marks(session: Session) -> list[Mark]:
    """The checkpoints that stand beside the log. One that cannot be read is a mark that fits nothing."""
    if not inspect(session.connection()).has_table(LogCheckpoint.__tablename__):
        return []
    marks = []
    for size, origin, note in session.execute(
        select(LogCheckpoint.size, LogCheckpoint.origin, LogCheckpoint.note).order_by(col(LogCheckpoint.size))
    ):
        where = f"the stored checkpoint of {origin} at size {size}"
        try:
            read = parse(note)
        except (AuditError, TypeError, AttributeError):
            read = None
        fits = read is not None and (read.size, read.origin) == (size, origin)
        marks.append(Mark(size, read.root if read is not None and fits else b"", str(origin), where))
    return marks


class Marks:
    """Checkpoints in the order of their sizes, passed one by one as the tree grows."""

    def __init__(self, known: Iterable[Mark]) -> None:
        self._ahead = sorted(known, key=lambda mark: mark.size, reverse=True)
        self._good = 0
        self._misfits: list[tuple[int, Mark]] = []
        self._restores: list[Restore] = []
        self.explained: list[str] = []

    def pass_by(self, tree: Frontier, body: bytes) -> None:
        """Called after each entry was added to the tree."""
        before = max((one.number for one in self._restores), default=0)
        if (told := restore_in(body, seq=tree.size, before=before)) is not None:
            self._restores.append(told)
        if not self._ahead or self._ahead[-1].size > tree.size:
            return
        root = tree.root()
        while self._ahead and self._ahead[-1].size <= tree.size:
            mark = self._ahead.pop()
            if mark.size == tree.size and mark.root == root:
                self._good = mark.size
            else:
                self._misfits.append((self._good, mark))

    def wrong(self, size: int) -> tuple[int, str] | None:
        """The first entry that cannot be what was signed, with the reason; None where all fits or is explained."""
        for good, mark in self._misfits:
            if not self._explains(mark):
                first = good + 1
                said = f"the tree of entries 1 to {mark.size} is not the one in {mark.where}"
                return first, f"{said}: an entry from this one on was changed, or the log was written anew"
        for mark in reversed(self._ahead):
            if not self._explains(mark):
                return size + 1, f"it is missing: the log ends at {size}, but {mark.where} has {mark.size} entries"
        return None

    def _explains(self, mark: Mark) -> bool:
        for told in self._restores:
            if told.explains(mark.origin, mark.size, mark.root):
                self.explained.append(
                    f"{mark.where} is of before the restore of entry {told.seq}: what it tells of entries"
                    f" {told.kept + 1} to {mark.size} was lost with them"
                )
                return True
        return False
