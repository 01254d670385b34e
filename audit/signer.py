"""Follows the log, checks every entry on its way, and signs the tree that it grew. The only place that signs.

It trusts no column and no tile: the tree is grown from the entries' bytes, from the first one on at each start. What
it signed last it is told from outside the database, so a log that lost or changed an entry is never signed again.
"""

from datetime import datetime
from typing import Any, NamedTuple

from sqlmodel import Session, col, select

from audit import pack_verifier
from audit.checkpoint import Checkpoint, sign
from audit.errors import AuditError
from audit.event import Actor, ActorKind
from audit.log import NO_HASH, LogEntry
from audit.note import SigningKey
from audit.restore import Restore, restore_in
from audit.stored_tree import WIDTH, LogCheckpoint, LogTile
from audit.tree import Frontier, leaf_hash, root_of
from audit.verify import told_by

BATCH = 5_000
SIGNER = Actor(ActorKind.SERVICE, "signer")
"""Who the entries say did what the signer did."""


class NotSigned(AuditError):
    """The log is not what was signed before, or not a log: nothing may be signed until people looked at it."""

    exit_code = 7


class Tile(NamedTuple):
    """A tile that became full."""

    level: int
    number: int
    hashes: bytes
    root: bytes


class Signer:
    """Grows the tree of one log and signs it. `last`: the newest checkpoint that this key signed, kept elsewhere.

    `restored`: that whoever holds the key knows of a restore. The log's own word for it is not enough: whoever can cut
    the log's tail can also add an entry that calls it a restore.
    """

    def __init__(self, key: SigningKey, *, origin: str, last: Checkpoint | None = None, restored: bool = False) -> None:
        self.key, self._base, self._may_be_restored = key, origin, restored
        self._last = last
        self._tree = Frontier()
        self._head = NO_HASH
        self._restores = 0
        self._open: list[list[bytes]] = [[]]
        self._full: list[Tile] = []
        self._agreed, self._told_of_restore = last is None, False

    @property
    def size(self) -> int:
        """How many entries were read."""
        return self._tree.size

    @property
    def origin(self) -> str:
        """The log's name; after a restore from a backup another one, since what was lost may have been signed."""
        return f"{self._base}/restored-{self._restores}" if self._restores else self._base

    def read(self, session: Session) -> int:
        """Takes in what was appended since, and returns how many entries; NotSigned names the first that is wrong."""
        count = 0
        while rows := _after(session, self.size):
            for seq, prev, stored_hash, told in rows:
                self._add(seq, prev, stored_hash, told)
            count += len(rows)
        self._not_behind()
        return count

    def sign(self) -> str:
        """The signed note of what was read."""
        return sign(self.origin, self.size, self._tree.root(), self.key)

    def store(self, session: Session, note: str, now: datetime) -> None:
        """Lays down the note and the tiles that became full; what is there already stays."""
        # Asked first: the guard against replacing a row speaks before a conflict could be passed over.
        stored = select(LogTile.level, LogTile.number)
        there = {(level, number) for level, number in session.execute(stored)} if self._full else set()
        for tile in self._full:
            if (tile.level, tile.number) not in there:
                session.add(LogTile(**tile._asdict()))
        if session.get(LogCheckpoint, (self.origin, self.size)) is None:
            session.add(LogCheckpoint(origin=self.origin, size=self.size, note=note, signed_at=now))
        session.flush()

    def stored(self) -> None:
        """That the transaction of `store` was committed."""
        self._full.clear()

    def _add(self, seq: int, prev: str, stored_hash: str, told: Any) -> None:
        if not isinstance(told, bytes):
            raise _wrong(self.size + 1, "its body is no longer bytes")
        leaf = leaf_hash(told)
        restore = restore_in(told, kept=self._tree.size, root=self._tree.root, before=self._restores)
        if seq != self.size + 1:
            raise _wrong(self.size + 1, "it is missing")
        if leaf.hex() != stored_hash or prev != self._head:
            raise _wrong(seq, "its bytes, its hash and the entry before do not belong together")
        if (self._last is None or seq > self._last.size) and not _is_entry(told, seq, prev):
            raise _wrong(seq, "its body is not in the form of an entry")
        self._tree.add(leaf)
        self._head = stored_hash
        self._into_tiles(leaf)
        if restore is not None:
            self._restored(restore)
        last = self._last
        if not self._agreed and last is not None and last.size == self.size and self._tree.root() == last.root:
            self._agreed = True
        elif not self._agreed and last is not None and last.size == self.size:
            raise NotSigned(
                "the log is not the one that was signed",
                why=f"its first {last.size} entries have another root than in the checkpoint of {last.origin}",
                do="Keep the database as evidence; `spendgate audit verify --checkpoint FILE` says more",
            )

    def _into_tiles(self, leaf: bytes) -> None:
        grown, level = leaf, 0
        while True:
            if level == len(self._open):
                self._open.append([])
            held = self._open[level]
            held.append(grown)
            if len(held) < WIDTH:
                return
            grown = root_of(held)
            number = (self.size // WIDTH ** (level + 1)) - 1
            self._full.append(Tile(level, number, b"".join(held), grown))
            held.clear()
            level += 1

    def _restored(self, told: Restore) -> None:
        """A restore is believed if it names what this key signed last, or if nothing was signed since it."""
        self._restores, last = told.number, self._last
        if last is not None and (told.origin, told.size, told.root) == (last.origin, last.size, last.root):
            self._told_of_restore = True
            self._agreed = self._may_be_restored

    def _not_behind(self) -> None:
        last = self._last
        if self._agreed or last is None:
            return
        if self._told_of_restore:
            raise NotSigned(
                "the log says that a backup was restored",
                why=f"an entry tells that the last of the {last.size} signed entries of {last.origin} were lost",
                do="If you know of that restore, start it once as `spendgate signer --after-restore`",
            )
        raise NotSigned(
            "the log is shorter than it was",
            why=f"it has {self.size} entries, and {last.size} of {last.origin} were signed",
            do="After a restore from a backup run `spendgate audit restored`; otherwise keep it as evidence",
        )


def _after(session: Session, size: int) -> list[tuple[int, str, str, Any]]:
    seq = col(LogEntry.seq)
    wanted = select(LogEntry.seq, LogEntry.prev, LogEntry.hash, LogEntry.body).where(seq > size).order_by(seq)
    return [(row[0], row[1], row[2], row[3]) for row in session.execute(wanted.limit(BATCH))]


def _is_entry(body: bytes, seq: int, prev: str) -> bool:
    """Whether every later check will read this body: what is signed once cannot be mended any more.

    Judged as the log's own check does, and as the verifier of a pack does, which is asked itself.
    """
    try:
        _, of_prev, _, of_seq = pack_verifier.entry(body, quick=False)
    except (ValueError, RecursionError):
        return False
    return (of_prev.decode(), of_seq) == (prev, seq) and told_by(body) is not None


def _wrong(seq: int, why: str) -> NotSigned:
    return NotSigned(
        "the log is not signed any further",
        why=f"entry {seq} is not as it was written: {why}",
        do="Keep the database as evidence and run `spendgate audit verify`",
    )
