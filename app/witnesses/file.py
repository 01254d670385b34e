"""A witness that is a file: notes one after another, only ever appended to, on any mount.

What it proves depends on the mount: on one that the app's machine can only append to, or cannot unmount, nobody there
can take back what was shown. A write that broke off is completed if the same note comes next, and marked otherwise.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from app.whole_file import sync_folder
from app.witnesses.port import CUT, Contradicted, Growth, NotShown, Seen, must_follow
from audit.checkpoint import Checkpoint, verify
from audit.errors import AuditError
from audit.note import VerifierKey

BROKEN = b"(broken off)"
"""Stands alone below a note whose writing broke off, so that it does not look like one that somebody damaged."""
_GAP, _DASH = b"\n\n", "\u2014 ".encode()


class Piece(NamedTuple):
    """A stretch of the file: a note, or something that is none (`whole` is false); `broken` if marked or cut short."""

    raw: bytes
    whole: bool
    broken: bool


class FileWitness:
    """The file at `path`; `key` tells which of its notes are this log's."""

    pause = 5.0

    def __init__(self, path: Path, key: VerifierKey | None = None) -> None:
        self.path, self.name = path, f"file:{path}"
        self._key = key
        self._read_to = 0
        self._tail = b""
        self._newest: dict[str, Checkpoint] = {}

    def publish(self, checkpoint: Checkpoint, grown: Growth) -> None:
        """Appends the note and has it on the disk; nothing where it stands there already."""
        try:
            self._follow()
            newest = self._newest.get(checkpoint.origin)
            if newest is not None:
                must_follow(checkpoint, newest, grown)
            if newest is None or newest.size < checkpoint.size:
                self._append(str(checkpoint.note).encode() + b"\n")
        except OSError as error:
            raise self._unusable(error) from error

    def known(self, origins: Sequence[str] = ()) -> Iterator[Seen]:
        """Every note of the file, of whatever log: there should be one log to a file."""
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise self._unusable(error) from error
        found, _ = pieces(data)
        for number, piece in enumerate(found, start=1):
            yield Seen(f"note {number} of {self.path}", piece.raw.decode(errors="replace"), piece.broken)

    def _follow(self) -> None:
        """Takes in what was added since, by whomever."""
        try:
            with self.path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(self._read_to)
                data = file.read()
        except FileNotFoundError:
            size, data = 0, b""
        if size < self._read_to:
            why = f"{self.path} has {size} bytes and had {self._read_to}: what was shown there was cut off"
            raise Contradicted(CUT, why=why)
        found, done = pieces(data)
        for piece in found:
            if piece.whole and not piece.broken:
                self._remember(piece.raw)
        self._read_to, self._tail = self._read_to + done, data[done:]

    def _remember(self, raw: bytes) -> None:
        if self._key is None:
            return
        try:
            read = verify(raw, self._key)
        except AuditError:
            return  # somebody else's: `spendgate audit witnesses` names it, and it must not stop the log's own
        if read.origin not in self._newest or read.size > self._newest[read.origin].size:
            self._newest[read.origin] = read

    def _append(self, record: bytes) -> None:
        if self._tail and record.startswith(self._tail):
            record = record[len(self._tail) :]
        elif self._tail:
            record = _GAP + BROKEN + _GAP + record
        new = not self.path.exists()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            left = memoryview(record)
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if new:
            sync_folder(self.path.parent)

    def _unusable(self, error: OSError) -> NotShown:
        return NotShown(
            f"the witness file {self.path} cannot be used",
            why=error.strerror or str(error),
            do="Check that its folder is mounted, and that the signer may append to the file",
        )


def pieces(data: bytes) -> tuple[list[Piece], int]:
    """Takes the file apart, and tells where the last finished piece ends: what comes after is still being written.

    A note is a text block and a block of signatures, each followed by an empty line.
    """
    found: list[Piece] = []
    text: bytes | None = None
    at = done = 0
    while (end := data.find(_GAP, at)) >= 0:
        block, at = data[at:end].strip(b"\n"), end + len(_GAP)
        if block == BROKEN:
            torn = [text] if text is not None else []
            if found and (not torn or not found[-1].whole):  # it broke off in the dash before a signature, or behind it
                torn.insert(0, found.pop().raw)
            found.append(Piece(_GAP.join(torn), False, True))
            text, done = None, at
        elif block.startswith(_DASH):
            found.append(Piece(block if text is None else text + _GAP + block + b"\n", text is not None, False))
            text, done = None, at
        elif block:
            if text is not None:
                found.append(Piece(text, False, False))
            text = block
        elif text is None:
            done = at
    rest = data[done:]
    if rest.strip(b"\n"):
        found.append(Piece(rest, False, True))
    return found, done
