"""One entry's proof as a text of its own: index, hashes, checkpoint. C2SP tlog-proof; kept as `.tlog-proof`."""

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from audit import checkpoint
from audit.checkpoint import Checkpoint
from audit.note import MalformedNote, UnverifiedNote, VerifierKey, decode64
from audit.tree import HASH_BYTES, leaf_hash, verify_inclusion

FIRST_LINE = "c2sp.org/tlog-proof@v1"
MOST_HASHES = 63


@dataclass(frozen=True)
class Proof:
    """A parsed proof: the entry's index (from 0), the hashes from the leaf's sibling upwards, the checkpoint's note."""

    index: int
    hashes: tuple[bytes, ...]
    note: str
    extra: bytes | None = None

    def __str__(self) -> str:
        extra = [] if self.extra is None else [f"extra {base64.b64encode(self.extra).decode()}"]
        hashes = [base64.b64encode(one).decode() for one in self.hashes]
        return "\n".join([FIRST_LINE, *extra, f"index {self.index}", *hashes, "", self.note])


def parse(text: str) -> Proof:
    """Takes a proof apart: §Format. Anything else is a MalformedNote."""
    head, blank, note = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or lines.pop(0) != FIRST_LINE:
        raise _no_proof(f"it does not begin with {FIRST_LINE} and hold a checkpoint below an empty line")
    extra = _coded(lines.pop(0).removeprefix("extra ")) if lines and lines[0].startswith("extra ") else None
    told = lines.pop(0).removeprefix("index ") if lines and lines[0].startswith("index ") else ""
    if not (told.isascii() and told.isdigit() and len(told) < 20 and str(int(told)) == told):
        raise _no_proof("its index is not a number without leading zeroes")
    hashes = tuple(_coded(line) for line in lines)
    if len(hashes) > MOST_HASHES or any(len(one) != HASH_BYTES for one in hashes):
        raise _no_proof(f"its hashes are not at most {MOST_HASHES} of {HASH_BYTES} bytes")
    return Proof(int(told), hashes, note, extra)


def verify(proof: Proof | str, entry: bytes, keys: Iterable[VerifierKey | str]) -> Checkpoint:
    """The verified checkpoint of whose log `entry` is a part; MalformedNote or UnverifiedNote otherwise."""
    read = proof if isinstance(proof, Proof) else parse(proof)
    signed = checkpoint.verify(read.note, keys)
    if not verify_inclusion(read.index, signed.size, leaf_hash(entry), read.hashes, signed.root):
        raise UnverifiedNote(
            "the entry is not proven",
            why=f"its bytes and hashes do not lead to the root of {signed.origin} at size {signed.size}",
            do="Compare the entry with the log: either it was changed or the proof is another one's",
        )
    return signed


def hash_lines(hashes: Sequence[bytes]) -> str:
    """Hashes as the standards write them: base64, a line each."""
    return "".join(f"{base64.b64encode(one).decode()}\n" for one in hashes)


def _coded(text: str) -> bytes:
    try:
        return decode64(text)
    except (ValueError, binascii.Error):
        raise _no_proof("a line of it is not base64") from None


def _no_proof(why: str) -> MalformedNote:
    return MalformedNote("this is not a proof", why=why, do="Give the whole file, unchanged, as `audit prove` wrote it")
