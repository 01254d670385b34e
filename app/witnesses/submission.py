"""What is said to a witness: the body of `add-checkpoint`. C2SP tlog-witness §add-checkpoint.

An `old SIZE` line, at most 63 hashes of a consistency proof, an empty line, and the checkpoint's note.
"""

import binascii
from collections.abc import Sequence
from typing import NamedTuple

from audit.checkpoint import MOST, Checkpoint, parse
from audit.note import MalformedNote, decode64
from audit.proof import MOST_HASHES, hash_lines
from audit.tree import HASH_BYTES

MOST_BYTES = 65_536
"""Larger bodies are not read: a note with a hundred signatures is a fifth of it."""
SIZE_TYPE = "text/x.tlog.size"


class Submission(NamedTuple):
    """A parsed body; nothing of the checkpoint is believed yet."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: Checkpoint


def body(old: int, proof: Sequence[bytes], checkpoint: Checkpoint) -> bytes:
    """The body that submits `checkpoint` with the proof from size `old`."""
    return f"old {old}\n{hash_lines(proof)}\n{checkpoint.note}".encode()


def read(data: bytes) -> Submission:
    """Takes a body apart; whatever is not exactly one is a MalformedNote."""
    head, blank, note = data.partition(b"\n\n")
    if not blank or len(data) > MOST_BYTES:
        raise _none("there is no empty line above a checkpoint, or it is too long")
    first, *lines = head.split(b"\n")
    if not first.startswith(b"old "):
        raise _none("its first line does not tell the old size")
    if len(lines) > MOST_HASHES:
        raise _none(f"it has more than {MOST_HASHES} lines of proof")
    return Submission(size(first[4:]), tuple(map(_hash, lines)), parse(note))


def size(told: bytes) -> int:
    """A size in decimal without leading zeroes; anything else is a MalformedNote."""
    if not told.isdigit() or len(told) > len(str(MOST)) or str(int(told)).encode() != told or int(told) > MOST:
        raise _none("a size is a number without leading zeroes")
    return int(told)


def _hash(line: bytes) -> bytes:
    try:
        found = decode64(line.decode("ascii"))
    except (ValueError, binascii.Error):
        found = b""
    if len(found) != HASH_BYTES:
        raise _none(f"a line of its proof is not the base64 of {HASH_BYTES} bytes")
    return found


def _none(why: str) -> MalformedNote:
    return MalformedNote("this submits no checkpoint", why=why, do="Send a body as C2SP tlog-witness describes it")
