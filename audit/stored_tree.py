"""The tree beside the log: tiles of it and signed checkpoints, stored by the signer, from which proofs are taken.

A tile is 256 neighbouring hashes of one level, as in C2SP tlog-tiles; only full ones are stored, the rest is computed
from the entries. Nothing here is believed: a proof counts because it leads to a signed root, wherever its hashes lay.
"""

from datetime import datetime

from sqlalchemy import LargeBinary, desc
from sqlmodel import Field, Session, SQLModel, col, select

from audit.errors import AuditError
from audit.log import LogEntry
from audit.stored import UtcTime
from audit.tree import EMPTY_ROOT, HASH_BYTES, Range, consistency_path, inclusion_path, node_hash, root_of, split

HEIGHT = 8
WIDTH = 1 << HEIGHT


class LogTile(SQLModel, table=True):
    """A full tile: `hashes` are 256 of 32 bytes, level 0 being the leaves' own; `root` is the root of all of them."""

    __tablename__ = "log_tile"

    level: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    hashes: bytes = Field(sa_type=LargeBinary)
    root: bytes = Field(sa_type=LargeBinary)


class LogCheckpoint(SQLModel, table=True):
    """A signed note of the log at one size."""

    __tablename__ = "log_checkpoint"

    origin: str = Field(primary_key=True)
    size: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    note: str
    signed_at: datetime = Field(sa_type=UtcTime)


class LogWitness(SQLModel, table=True):
    """Where a checkpoint was shown outside: to which witness, when, and what it signed, if it signs."""

    __tablename__ = "log_witness"

    origin: str = Field(primary_key=True)
    size: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    witness: str = Field(primary_key=True)
    cosignature: str | None = None
    """the signature line of a witness that signs; None where the note was only laid down"""
    at: datetime = Field(sa_type=UtcTime)


def newest_checkpoint(session: Session) -> LogCheckpoint | None:
    """The one that was signed last."""
    last = select(LogCheckpoint).order_by(desc(col(LogCheckpoint.signed_at)), desc(col(LogCheckpoint.size))).limit(1)
    return session.exec(last).first()


class StoredTree:
    """The tree of the log as it is stored: proofs by as few reads as the tiles allow. Keeps what it read."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[tuple[int, int], bytes | None] = {}

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The inclusion proof of entry `index` (from 0) in the tree of the first `size` entries: RFC 9162 §2.1.3.1."""
        return [self.root(first, end) for first, end in inclusion_path(index, size)]

    def consistency(self, size1: int, size2: int) -> list[bytes]:
        """The consistency proof between two sizes of the log: RFC 9162 §2.1.4.1."""
        return [self.root(first, end) for first, end in consistency_path(size1, size2)]

    def root(self, first: int, end: int) -> bytes:
        """The root of the entries [first, end), counted from 0; of none it is the hash of nothing."""
        if first == end:
            return EMPTY_ROOT
        size = end - first
        if size & (size - 1) == 0:
            return self._complete(first, size.bit_length() - 1)
        middle = first + split(size)
        return node_hash(self.root(first, middle), self.root(middle, end))

    def _complete(self, first: int, height: int) -> bytes:
        """The root of 2^height leaves, of which the first is at a multiple of that."""
        level, above = divmod(height, HEIGHT)
        return root_of(self._hashes(level, first >> level * HEIGHT, 1 << above))

    def _hashes(self, level: int, first: int, count: int) -> list[bytes]:
        number, at = divmod(first, WIDTH)
        stored = self._tile(level, number)
        if stored is not None:
            return [stored[one * HASH_BYTES : (one + 1) * HASH_BYTES] for one in range(at, at + count)]
        if level == 0:
            return self._leaves(first, count)
        return self._roots_of_tiles(level - 1, first, count)

    def _tile(self, level: int, number: int) -> bytes | None:
        key = (level, number)
        if key not in self._known:
            wanted = select(LogTile.hashes).where(LogTile.level == level, LogTile.number == number)
            found = self._session.exec(wanted).first()
            if found is not None and len(found) != WIDTH * HASH_BYTES:
                found = None  # damaged: what it stands for is computed from the entries
            self._known[key] = found
        return self._known[key]

    def _roots_of_tiles(self, level: int, first: int, count: int) -> list[bytes]:
        number = col(LogTile.number)
        wanted = select(LogTile.number, LogTile.root).where(LogTile.level == level, number >= first)
        stored = dict(self._session.exec(wanted.where(number < first + count)).all())
        return [
            stored[one] if one in stored else root_of(self._hashes(level, one * WIDTH, WIDTH))
            for one in range(first, first + count)
        ]

    def _leaves(self, first: int, count: int) -> list[bytes]:
        seq = col(LogEntry.seq)
        wanted = select(LogEntry.hash).where(seq > first, seq <= first + count).order_by(seq)
        found = self._session.exec(wanted).all()
        if len(found) != count:
            raise AuditError(
                "the proof cannot be made",
                why=f"entries between {first + 1} and {first + count} are missing",
                do="Run `spendgate audit verify`, which names the first of them",
            )
        return [bytes.fromhex(one) for one in found]


class NeighbouringProofs:
    """Many proofs in one tree: neighbours share most of their hashes, so each is computed once and kept a while."""

    MOST_KEPT = 20_000

    def __init__(self, session: Session, size: int) -> None:
        self._session, self._size = session, size
        self._tree, self._known = StoredTree(session), dict[Range, bytes]()

    def inclusion(self, index: int) -> list[bytes]:
        """The inclusion proof of entry `index` (from 0)."""
        return [self._root(one) for one in inclusion_path(index, self._size)]

    def consistency(self, size: int) -> list[bytes]:
        """The consistency proof from a smaller size to this one."""
        return [self._root(one) for one in consistency_path(size, self._size)]

    def _root(self, one: Range) -> bytes:
        if len(self._known) > self.MOST_KEPT:
            self._tree = StoredTree(self._session)
            self._known.clear()
        if one not in self._known:
            self._known[one] = self._tree.root(*one)
        return self._known[one]
