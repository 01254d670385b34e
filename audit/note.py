"""Signed notes and their keys, as C2SP signed-note and tlog-cosignature have them: text, a blank line, signatures.

Two kinds of Ed25519 key sign here: a log's own (type 0x01) over the text, and a witness's (0x04) over a time and the
text. Others are unknown keys, and what unknown keys signed is passed over, as the standard says.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.errors import AuditError

LOG, WITNESS = 0x01, 0x04
"""Signature types: Ed25519 (signed-note §Signature types) and Ed25519 cosignature/v1 (tlog-cosignature §Format)."""

MOST_BYTES, MOST_SIGNATURES = 1_000_000, 100
_DASH, _PRIVATE = "\u2014", "PRIVATE+KEY+"


class MalformedNote(AuditError):
    """The text is not a signed note, or not a key, as the standard writes them."""


class UnverifiedNote(AuditError):
    """No key that is known signed the note, or one did not sign what stands there."""


class Signature(NamedTuple):
    """One signature line: who says to have signed, with which key, and the bytes."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        """The line as it stands in a note, newline included."""
        return f"{_DASH} {self.name} {base64.b64encode(self.key_id + self.value).decode()}\n"


class Note(NamedTuple):
    """A parsed note; `text` ends in a newline. Nothing of it may be believed before it was verified."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n" + "".join(one.line() for one in self.signatures)


class VerifierKey(NamedTuple):
    """A public key with its name; as text `name+id+base64`, the vkey of signed-note."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes by which a signature line names the key: signed-note §Signatures."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    @classmethod
    def read(cls, text: str) -> "VerifierKey":
        """The key of a vkey; a private key, another type, an id that does not belong to it are a MalformedNote."""
        if text.strip().startswith(_PRIVATE):
            raise _no_key("it is a private key, which must not be given away")
        name, told_id, raw = _key_parts(text)
        if raw[0] not in (LOG, WITNESS) or len(raw) != 33:
            raise _no_key("it is not an Ed25519 key of a log or a witness")
        made = cls(name, raw[0], raw[1:])
        if made.id.hex() != told_id:
            raise _no_key("its id does not belong to its name and key")
        return made

    def signed(self, text: str, signature: Signature) -> bool:
        """Whether this key made this signature of `text`."""
        value, message = signature.value, text.encode()
        if self.kind == WITNESS:
            if len(value) != 72:
                return False
            message, value = _cosigned(text, int.from_bytes(value[:8], "big")), value[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(value, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, repr=False)
class SigningKey:
    """A private key with its name; as text `PRIVATE+KEY+name+id+base64`, as the note tools of Go write it."""

    name: str
    kind: int
    seed: bytes

    @classmethod
    def new(cls, name: str, kind: int = LOG) -> "SigningKey":
        """A new key; the name has no space and no plus."""
        return cls(_named(name), kind, Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return VerifierKey(self.name, self.kind, public)

    def secret(self) -> str:
        """The text that is kept in a file that only the signer can read."""
        coded = base64.b64encode(bytes([self.kind]) + self.seed).decode()
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{coded}"

    def __repr__(self) -> str:
        return f"SigningKey({self.name})"

    @classmethod
    def read(cls, text: str) -> "SigningKey":
        """The key of its text; anything else is a MalformedNote that repeats nothing of it."""
        stripped = text.strip()
        if not stripped.startswith(_PRIVATE):
            raise _no_key("a private key begins with PRIVATE+KEY+")
        name, told_id, raw = _key_parts(stripped.removeprefix(_PRIVATE))
        if raw[0] not in (LOG, WITNESS) or len(raw) != 33:
            raise _no_key("it is not an Ed25519 key of a log or a witness")
        made = cls(name, raw[0], raw[1:])
        if made.verifier.id.hex() != told_id:
            raise _no_key("its id does not belong to its name and key")
        return made

    def sign(self, text: str, *, at: int = 0) -> Signature:
        """Signs a note's text; a witness says since when (`at`, POSIX seconds) it knows it."""
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        if self.kind == LOG:
            return Signature(self.name, self.verifier.id, private.sign(text.encode()))
        signed = private.sign(_cosigned(text, at))
        return Signature(self.name, self.verifier.id, at.to_bytes(8, "big") + signed)


def parse(note: str | bytes) -> Note:
    """Takes a note apart: signed-note §Format. Anything that is not exactly one is a MalformedNote."""
    if isinstance(note, bytes):
        try:
            note = note.decode()
        except UnicodeDecodeError:
            raise _no_note("it is not UTF-8") from None
    if len(note) > MOST_BYTES:
        raise _no_note("it is longer than a note may be")
    if any(letter < " " and letter != "\n" for letter in note) or _is_no_text(note):
        raise _no_note("it holds control characters")
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not text or not lines.endswith("\n"):
        raise _no_note("it has no text, no blank line or no signatures, or breaks off")
    found = tuple(_signature(line) for line in lines[:-1].split("\n"))
    if len(found) > MOST_SIGNATURES:
        raise _no_note(f"it has more than {MOST_SIGNATURES} signatures")
    return Note(f"{text}\n", found)


def verify(note: Note | str | bytes, keys: Iterable[VerifierKey]) -> tuple[Note, tuple[VerifierKey, ...]]:
    """The note and which of `keys` signed it; none, or a known key whose signature is wrong, is an UnverifiedNote."""
    parsed = note if isinstance(note, Note) else parse(note)
    known = {(key.name, key.id): key for key in keys}
    signers: list[VerifierKey] = []
    for signature in parsed.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        if not key.signed(parsed.text, signature):
            raise _unsigned(f"the signature of {key.name} is not of this text")
        if key not in signers:
            signers.append(key)
    if not signers:
        raise _unsigned("none of the keys that are known signed it")
    return parsed, tuple(signers)


def decode64(text: str) -> bytes:
    """Standard base64 with padding, in its one form (RFC 4648 §3.5); a ValueError for any other."""
    raw = base64.b64decode(text.encode("ascii", "strict"), validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("not the one way to write it")
    return raw


def _cosigned(text: str, at: int) -> bytes:
    """The message of a cosignature/v1: tlog-cosignature §Ed25519 signed message."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _signature(line: str) -> Signature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != _DASH:
        raise _no_note("a line below the blank one is no signature")
    try:
        raw = decode64(parts[2])
    except (ValueError, binascii.Error):
        raise _no_note("a signature is not base64") from None
    if len(raw) < 5:
        raise _no_note("a signature is too short")
    return Signature(_named(parts[1]), raw[:4], raw[4:])


def _key_parts(text: str) -> tuple[str, str, bytes]:
    name, _, rest = text.strip().partition("+")
    told_id, _, coded = rest.partition("+")
    try:
        raw = decode64(coded)
    except (ValueError, binascii.Error):
        raise _no_key("it is not of the form NAME+ID+BASE64") from None
    if not raw or len(told_id) != 8:
        raise _no_key("it is not of the form NAME+ID+BASE64")
    return _named(name), told_id, raw


def _named(name: str) -> str:
    if not name or "+" in name or any(letter.isspace() for letter in name) or _is_no_text(name):
        raise _no_key("a key's name is not empty and has neither a space nor a plus")
    return name


def _is_no_text(text: str) -> bool:
    """Half a character, which no UTF-8 has."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _no_note(why: str) -> MalformedNote:
    return MalformedNote("this is not a signed note", why=why, do="Give the whole file, unchanged, as it was published")


def _no_key(why: str) -> MalformedNote:
    return MalformedNote(
        "this key cannot be used", why=why, do="Give the verifier key as `spendgate audit key` prints it"
    )


def _unsigned(why: str) -> UnverifiedNote:
    return UnverifiedNote(
        "the note is not to be believed",
        why=why,
        do="Compare the key with the one that you were given at the beginning",
    )
