"""Checkpoints: what a log's tree is at one size, as a signed note. C2SP tlog-checkpoint."""

import base64
import binascii
import re
from collections.abc import Iterable
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import note as notes
from audit.note import LOG, MalformedNote, Note, SigningKey, VerifierKey
from audit.tree import HASH_BYTES

MOST = 2**63 - 1
MOST_RESTORES = 999_999_999
RESTORED_ORIGIN = re.compile(r"(?P<base>.+)/restored-(?P<number>[1-9][0-9]{0,8})")
"""How a log is called after a restore from a backup: other entries may have had its numbers under the name before."""


class Checkpoint(NamedTuple):
    """A log's name, its number of entries, and its tree's root (32 bytes); `signers` as far as they were verified."""

    origin: str
    size: int
    root: bytes
    note: Note
    extensions: tuple[str, ...] = ()
    signers: tuple[VerifierKey, ...] = ()

    @property
    def witnesses(self) -> tuple[VerifierKey, ...]:
        """Those of the verified signers that are witnesses."""
        return tuple(key for key in self.signers if key.kind == notes.WITNESS)


def body(origin: str, size: int, root: bytes) -> str:
    """The note's text: origin, size and root, a line each. A value that could not be read back is a MalformedNote."""
    if not origin or any(letter < " " for letter in origin):
        raise _no_checkpoint("an origin is one line and not empty")
    if not 0 <= size <= MOST or len(root) != HASH_BYTES:
        raise _no_checkpoint(f"a size is a number from 0 on and a root {HASH_BYTES} bytes")
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def sign(origin: str, size: int, root: bytes, key: SigningKey | Ed25519PrivateKey | str) -> str:
    """The signed note of a tree. `key`: a SigningKey, its text, or a bare Ed25519 key, which is named by the origin."""
    if isinstance(key, Ed25519PrivateKey):
        key = SigningKey(origin, LOG, key.private_bytes_raw())
    elif isinstance(key, str):
        key = SigningKey.read(key)
    text = body(origin, size, root)
    return str(Note(text, (key.sign(text),)))


def parse(note: str | bytes | Note) -> Checkpoint:
    """Takes a checkpoint apart without believing it; anything else is a MalformedNote."""
    read = note if isinstance(note, Note) else notes.parse(note)
    lines = read.text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise _no_checkpoint("its text is not an origin, a size and a root")
    origin, told, coded, *extensions = lines
    if not (told.isascii() and told.isdigit() and len(told) <= len(str(MOST)) and str(int(told)) == told):
        raise _no_checkpoint("its size is not a number without leading zeroes")
    if int(told) > MOST:
        raise _no_checkpoint("its size is larger than a log can be")
    try:
        root = notes.decode64(coded)
    except (ValueError, binascii.Error):
        raise _no_checkpoint("its root is not base64") from None
    if len(root) != HASH_BYTES:
        raise _no_checkpoint(f"its root has {len(root)} bytes, not {HASH_BYTES}")
    return Checkpoint(origin, int(told), root, read, tuple(extensions))


def verify(note: str | bytes | Note, verifier_keys: Iterable[VerifierKey | str] | VerifierKey | str) -> Checkpoint:
    """The checkpoint, if one of the keys (vkeys) signed it; MalformedNote or UnverifiedNote otherwise."""
    given = (verifier_keys,) if isinstance(verifier_keys, str | VerifierKey) else verifier_keys
    keys = [VerifierKey.read(key) if isinstance(key, str) else key for key in given]
    read, signers = notes.verify(note, keys)
    return parse(read)._replace(signers=signers)


def _no_checkpoint(why: str) -> MalformedNote:
    return MalformedNote("this is not a checkpoint", why=why, do="Give the whole note, unchanged, as it was published")
