"""Checks an evidence pack of a Spendgate log: offline, without Spendgate, with Python from 3.9 on and `cryptography`.

    python verify.py [PACK.zip | FOLDER] --key VKEY [--witness-key VKEY ...] [--checkpoint FILE ...] [--quick]

Hashing, trees and notes are written anew here on purpose: whoever checks a log should not need the code that wrote it.
See RFC 9162 §2.1 (trees), RFC 8785 (canonical JSON), C2SP signed-note, tlog-checkpoint and tlog-cosignature.
Exit code 0: good. 1: bad, and the first thing that is not what was signed is named. 2: the input cannot be used.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

LOG, WITNESS, CHUNK, MOST_ENTRY, MOST_LINE, MOST_SIZE = 1, 4, 1 << 20, 1 << 16, 1_000_000, 2**63 - 1
FILES = {"manifest.json", "manifest.sha256", "entries.jsonl", "proofs.jsonl", "checkpoint", "checkpoints.jsonl"}
FILES |= {"keys.txt", "verify.py", "README.txt"}
UNPROVEN = {"manifest.json", "manifest.sha256", "files", "left_out", "made_at", "proposal"}
LONG = re.compile("[0-9]{16}")
NAME = re.compile(r"[^\s+\ud800-\udfff]+")
TAIL = re.compile(
    rb',"event":"([a-z_.]{1,64})","prev":"([0-9a-f]{64})","proposal":(null|"[^"\\]{1,64}"),"proposal_version":'
    rb'(?:null|[0-9]{1,16}),"recorded_at":"[0-9T:.Z-]{27}","schema":"spendgate\.entry\.v1","seq":([1-9][0-9]{0,15})\}'
)
"""How an entry ends: its names are sorted, so all but the actor and the data stand behind the data."""


class Key(NamedTuple):
    """A public key: its name, LOG or WITNESS, and 32 bytes of Ed25519; `id` is how a signature names it."""

    name: str
    kind: int
    public: bytes

    def id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]


class Checkpoint(NamedTuple):
    """A signed note of a tree, taken apart and not yet believed; `signatures` are (name, key id, bytes)."""

    origin: str
    size: int
    root: bytes
    text: str
    signatures: list[tuple[str, bytes, bytes]]


Signed = list[tuple[Key, int]]  # who, and when or 0
Judged = tuple[Checkpoint, Signed, str]  # and what it is called


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 9162 §2.1.1."""
    return sha256(b"\x01" + left + right).digest()


def add_leaf(edge: list[bytes], size: int, leaf: bytes) -> None:
    """Grows a tree of `size` leaves by one; `edge` holds the roots of its complete subtrees, largest first."""
    while size & 1:
        leaf = sha256(b"\x01" + edge.pop() + leaf).digest()
        size >>= 1
    edge.append(leaf)


def root_of(edge: Sequence[bytes]) -> bytes:
    """The root of a tree of which `edge` holds the complete subtrees; of none, the hash of nothing."""
    root = edge[-1] if edge else sha256().digest()
    for left in edge[-2::-1]:
        root = node_hash(left, root)
    return root


def root_by_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes | None:
    """To which root the proof leads from leaf `index` of `size`; None if it is no proof. RFC 9162 §2.1.3."""
    rights = []
    while size > 1:
        middle = 1 << ((size - 1).bit_length() - 1)
        rights.append(index >= middle)
        index, size = (index - middle, size - middle) if index >= middle else (index, middle)
    if index != 0 or size != 1 or len(rights) != len(proof) or any(len(one) != 32 for one in proof):
        return None
    for other in proof:
        leaf = node_hash(other, leaf) if rights.pop() else node_hash(leaf, other)
    return leaf


def is_consistent(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether the tree of `old` leaves is the beginning of that of `new`. RFC 9162 §2.1.4."""
    if not 0 < old <= new or any(len(one) != 32 for one in proof):
        return False
    rights = []
    while old != new:
        middle = 1 << ((new - 1).bit_length() - 1)
        rights.append(old > middle)
        old, new = (old - middle, new - middle) if old > middle else (old, middle)
    chain = list(proof) if any(rights) else [old_root, *proof]
    if len(chain) != len(rights) + 1:
        return False
    before = after = chain[0]
    for other in chain[1:]:
        right = rights.pop()
        before = node_hash(other, before) if right else before
        after = node_hash(other, after) if right else node_hash(after, other)
    return (before, after) == (old_root, new_root)


def decode64(text: str) -> bytes:
    """Standard base64 in its one form; a ValueError for any other."""
    raw = base64.b64decode(text.encode("ascii"), validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("it is not the one form of base64")
    return raw


def canonical(data: bytes) -> Any:
    """What JSON of RFC 8785 says that has no fractions; a ValueError for other bytes, RecursionError for deep ones."""
    text = data.decode()
    plainly = text.isascii() and not LONG.search(text)  # then order and numbers need no look of their own
    told = (_PLAIN if plainly else _EXACT).decode(text)
    if (_SORTED if plainly else _AS_IT_IS).encode(told) != text:
        raise ValueError("it is written otherwise than RFC 8785 writes it: order, spaces, escapes, a name twice")
    return told


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name.encode("utf-16-be") for name, _ in pairs]  # the order of RFC 8785 §3.2.3
    if any(before >= after for before, after in zip(names, names[1:])):  # noqa: B905, RUF007 (Python 3.9)
        raise ValueError("its names are not in order, or one stands twice")
    return dict(pairs)


def _number(text: str) -> int:
    if len(text) > 17 or not text.lstrip("-").isdigit() or abs(int(text)) >= 2**53:
        raise ValueError("it holds a number that is not whole, or too large")
    return int(text)


_PLAIN = json.JSONDecoder(parse_float=_number, parse_constant=_number)
_EXACT = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_int=_number, parse_constant=_number)
_SORTED = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)
_AS_IT_IS = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def read_key(text: str) -> Key:
    """The key of a vkey, `name+id+base64`; a ValueError that says why for anything else."""
    name, _, rest = text.strip().partition("+")
    told, _, coded = rest.partition("+")
    raw = decode64(coded)
    if not NAME.fullmatch(name) or len(raw) != 33 or raw[0] not in (LOG, WITNESS):
        raise ValueError("it is not an Ed25519 key of a log or a witness, NAME+ID+BASE64")
    key = Key(name, raw[0], raw[1:])
    if key.id().hex() != told:
        raise ValueError("its id does not belong to its name and key")
    return key


def parse_checkpoint(data: bytes) -> Checkpoint:
    """Takes a checkpoint apart without believing it; a ValueError that says why for anything else."""
    note = data.decode()
    text, blank, below = note.rpartition("\n\n")
    if len(note) > MOST_LINE or not blank or not below.endswith("\n") or any(c < " " and c != "\n" for c in note):
        raise ValueError("it is not a signed note: text, an empty line, signatures")
    signatures = []
    for line in below[:-1].split("\n"):
        parts = line.split(" ")
        raw = decode64(parts[2]) if len(parts) == 3 and NAME.fullmatch(parts[1]) else b""
        if len(raw) < 5 or parts[0] != "\u2014":
            raise ValueError("a line below the empty one is no signature")
        signatures.append((parts[1], raw[:4], raw[4:]))
    lines = text.split("\n")
    if len(signatures) > 100 or len(lines) < 3 or not all(lines):
        raise ValueError("its text is not an origin, a size and a root, or it has too many signatures")
    root = decode64(lines[2])
    if not re.fullmatch("0|[1-9][0-9]{0,18}", lines[1]) or int(lines[1]) > MOST_SIZE or len(root) != 32:
        raise ValueError("its size is no number, or its root has not 32 bytes")
    return Checkpoint(lines[0], int(lines[1]), root, text + "\n", signatures)


def signers(point: Checkpoint, keys: Sequence[Key]) -> Signed:
    """Which of the keys signed it, a witness when (else 0); a known key that did not sign this text is a ValueError."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    found = []
    for name, key_id, value in point.signatures:
        for key in [key for key in keys if (key.name, key.id()) == (name, key_id)][:1]:
            cut = 8 if key.kind == WITNESS else 0
            at = int.from_bytes(value[:cut], "big")
            text = f"cosignature/v1\ntime {at}\n{point.text}" if cut else point.text
            try:
                Ed25519PublicKey.from_public_bytes(key.public).verify(value[cut:], text.encode())
            except InvalidSignature:
                raise ValueError(f"the signature of {plain(name)} is not of this text") from None
            found.append((key, at))
    return found


def plain(text: object) -> str:
    """Text of the pack as a terminal may see it."""
    return "".join(c if " " <= c <= "~" else "?" for c in str(text)[:200])


def entry(line: bytes, quick: bool) -> tuple[bytes, bytes, bytes, int]:
    """An entry's event, the hash before it, its proposal and its number; a ValueError that says why it is none."""
    at = line.rfind(b',"event":"')
    end = TAIL.fullmatch(line, at) if at > 0 and len(line) <= MOST_ENTRY else None
    told = ["actor", "data"] if end and quick else list(canonical(line))
    if end is None or told[:2] != ["actor", "data"] or len(told) not in (2, 9):
        raise ValueError("it is not in the form of an entry, or longer than one may be")
    return end[1], end[2], end[3], int(end[4])


class Check:
    """One check of a zip file or a folder, read in pieces; `at` is what is being looked at, `found` what files are."""

    def __init__(self, path: Path, *, quick: bool) -> None:
        self.path, self.quick, self.at, self.found = path, quick, tuple[object, ...]([path]), dict[str, Any]()
        self.zip = None if path.is_dir() else zipfile.ZipFile(path)

    def _list_files(self) -> None:
        self.names = set() if self.zip else {one.name for one in self.path.iterdir()} & FILES
        for one in self.zip.infolist() if self.zip else ():
            strange = one.flag_bits & 1 or one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
            if strange or one.filename in self.names or one.filename not in FILES:
                raise ValueError(f"{one.filename} stands in it twice, or encrypted, or no pack has such a file")
            self.names.add(one.filename)
        self.whole = "proofs.jsonl" not in self.names

    def lines(self, name: str, most: int = MOST_SIZE) -> Iterator[bytes]:
        """The lines of a file, without their ends; a ValueError if it is missing, too long, or breaks off."""
        self.at = (name,)
        if name not in self.names or not (self.zip or (self.path / name).is_file()):
            raise ValueError("it is missing, or no plain file")
        rest, digest, size = b"", sha256(), 0
        with self.zip.open(name) if self.zip else (self.path / name).open("rb") as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
                lines = (rest + chunk).split(b"\n")
                rest = lines.pop()
                yield from lines
                if len(rest) > MOST_LINE or size > most:
                    break
        if rest or size > most:
            self.at = (name,)
            raise ValueError("it is too long, or breaks off in the middle of a line")
        self.found[name] = {"bytes": size, "sha256": digest.hexdigest()}

    def small(self, name: str) -> bytes:
        return b"".join(line + b"\n" for line in self.lines(name, CHUNK))

    def entries(self, proposal: object, newest: Checkpoint, points: list[Judged]) -> dict[str, Any]:
        """Reads the entries once and returns what the manifest must tell of them."""
        first, last, count, agreed, previous, edge, events = 0, 0, 0, 0, b"0" * 64, list[bytes](), dict[str, int]()
        wanted = sorted(((point.size, point.root, where) for point, _, where in points), reverse=True)
        lines, proofs = self.lines("entries.jsonl"), iter(()) if self.whole else self.lines("proofs.jsonl")
        for line in lines:
            self.at = ("the line behind entry", last)
            event, prev, of, seq = entry(line, self.quick)
            self.at = ("entry", seq)
            if seq != last + 1 and (count or self.whole) and (proposal is None or seq <= last):
                raise ValueError(f"it stands where entry {last + 1} should be, which is missing")
            if proposal is not None and of != f'"{proposal}"'.encode():
                raise ValueError(f"it is not of proposal {proposal}")
            if prev != previous and seq == last + 1:
                sound = sha256(b"\x00" + line).hexdigest().encode() in next(lines, b"")
                self.at = ("entry", seq - 1) if sound else ("entry", seq, "or the one before")
                raise ValueError("its bytes and the hash in the entry behind it do not belong together")
            leaf = sha256(b"\x00" + line).digest()
            if self.whole:
                add_leaf(edge, count, leaf)
            else:
                told = canonical(next(proofs, b""))
                proof = [decode64(one) for one in told["hashes"]]
                if told["index"] != seq - 1 or root_by_inclusion(seq - 1, newest.size, leaf, proof) != newest.root:
                    raise ValueError("its proof does not lead from its bytes to the root of the checkpoint")
            first, last, count, previous = first or seq, seq, count + 1, leaf.hex().encode()
            events[event.decode()] = events.get(event.decode(), 0) + 1
            while wanted and wanted[-1][0] == count:
                _, root, where = wanted.pop()
                if root_of(edge) != root:
                    self.at = ("one of the entries", agreed + 1, "to", count)
                    raise ValueError(f"it is not what was signed: together they do not lead to the root of {where}")
                agreed = count
        if next(proofs, None) is not None:
            raise ValueError("there are more proofs than entries")
        if wanted or not count:
            raise ValueError(f"the entries behind number {last} are missing; the checkpoint is of {newest.size}")
        return {"entries": {"count": count, "first": first, "last": last}, "events": events}

    def earlier(self, newest: Checkpoint, keys: Sequence[Key]) -> Iterator[Judged]:
        """The earlier checkpoints and who signed them; a ValueError at one that is not of the newest's beginning."""
        for number, line in enumerate(self.lines("checkpoints.jsonl"), 1):
            self.at = ("checkpoints.jsonl, line", number)
            told = canonical(line)
            point, proof = parse_checkpoint(told["note"].encode()), [decode64(one) for one in told["proof"]]
            if not self.whole and not is_consistent(point.size, newest.size, proof, point.root, newest.root):
                raise ValueError(f"the log of its {point.size} entries is not the beginning of the newest")
            yield point, self.judged(point, newest, keys), f"checkpoint {number} of checkpoints.jsonl"

    def judged(self, point: Checkpoint, newest: Checkpoint, keys: Sequence[Key]) -> Signed:
        """Who signed a checkpoint; a ValueError for one of another log or size, or that no key of the log signed."""
        signed = signers(point, keys)
        if not any(key.kind == LOG for key, _ in signed):
            raise ValueError("no key of the log that is known signed it")
        if point.origin.split("/restored-")[0] != newest.origin.split("/restored-")[0]:
            raise ValueError(f"it is of another log, {point.origin}")
        if not 0 < point.size <= newest.size:
            raise ValueError(f"it is of {point.size} entries, the pack of {newest.size}: the pack is older, or was cut")
        return signed

    def run(self, given: list[Key], witnesses: list[Key], brought: list[tuple[str, Checkpoint]]) -> Iterator[str]:
        """Checks everything and yields what was found, a sentence each; a ValueError at the first that is wrong."""
        self._list_files()
        sealed = self.small("manifest.json")
        seal, manifest = sha256(sealed).hexdigest(), canonical(sealed[:-1])
        if self.small("manifest.sha256") != f"{seal}  manifest.json\n".encode():
            raise ValueError("it does not hold the SHA-256 of manifest.json")
        told = [read_key(line) for line in self.small("keys.txt").decode().splitlines() if line[:1] not in ("", "#")]
        keys = [*(given or told), *witnesses, *(key for key in told if key.kind == WITNESS)]
        newest = parse_checkpoint(self.small("checkpoint"))
        points = [(newest, self.judged(newest, newest, keys), "the checkpoint")]
        by = " and ".join(f"{plain(key.name)}+{key.id().hex()}" for key, _ in points[0][1] if key.kind == LOG)
        yield f"the checkpoint of {newest.size} entries of {plain(newest.origin)} is signed by {by}"
        points += self.earlier(newest, [*keys, *told])
        for name, point in brought:
            self.at = (name, "" if point.origin == newest.origin else "(of before a restore from a backup)")
            points.append((point, self.judged(point, newest, keys), " ".join(self.at)))
            if not self.whole and all(p[1:3] != point[1:3] for p, _, _ in points[:-1]):
                raise ValueError(f"the pack is not of the whole log and proves no such root of {point.size} entries")
        facts = self.entries(manifest.get("proposal"), newest, [one for one in points if self.whole])
        how = "lead to the root of all that was signed" if self.whole else "are each proven to stand where they say"
        yield "{count} entries, {first} to {last}, ".format(**facts["entries"]) + how
        yield f"{len(points) - 1} other checkpoints, of which {len(brought)} yours, are beginnings of the same log"
        for key in sorted({key for _, signed, _ in points for key, _ in signed if key.kind == WITNESS}):
            size, at = max((p.size, at) for p, signed, _ in points for one, at in signed if one == key)
            when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(min(at, 1 << 34)))
            known = "whose key you gave" if key in witnesses else "whose key only the pack tells"
            yield f"witness {plain(key.name)}, {known}, had seen these {size} entries at {when}"
            witnesses = [one for one in witnesses if one != key]
        if witnesses:
            self.at = ("witness", witnesses[0].name)
            raise ValueError("its signature is on no checkpoint of the pack")
        for name in ("verify.py", "README.txt"):
            self.small(name)
        facts.update(self.found, format="spendgate.pack.v1", origin=newest.origin, tree_size=newest.size)
        claims = {**manifest, **manifest["files"]}
        for name in sorted((claims.keys() | facts.keys()) - UNPROVEN):
            if claims.get(name) != facts.get(name):
                self.at = (name,)
                raise ValueError("it is not what manifest.json tells of it")
        yield f"the files are those of the manifest, whose SHA-256 is {seal}"
        told_of = [facts["events"].get(one, 0) for one in ("log.restored", "log.key_changed")]
        yield "{} of the entries tell of a restore from a backup, {} of a key of the log: read them".format(*told_of)
        if manifest.get("proposal") is not None:
            yield f"not proven by such a pack: that proposal {plain(manifest['proposal'])} has no other entries"


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(description="Checks an evidence pack of a Spendgate log.")
    parser.add_argument("pack", nargs="?", type=Path, default=Path(), help="the zip file, or a folder with its files")
    parser.add_argument("--key", action="append", default=[], metavar="VKEY", help="the log's key, from the beginning")
    parser.add_argument("--witness-key", action="append", default=[], metavar="VKEY", help="must have signed too")
    parser.add_argument("--checkpoint", action="append", default=[], metavar="FILE", help="one that you kept")
    parser.add_argument("--quick", action="store_true", help="do not check that each entry is in canonical form")
    options, check = parser.parse_args(arguments), None
    try:
        keys, witnesses = ([read_key(one) for one in some] for some in (options.key, options.witness_key))
        if any(key.kind != LOG for key in keys) or any(key.kind != WITNESS for key in witnesses):
            raise ValueError("--key takes the key of a log, --witness-key that of a witness")
        brought = [(one, parse_checkpoint(Path(one).read_bytes())) for one in options.checkpoint]
        check = Check(options.pack, quick=options.quick)
        for sentence in check.run(keys, witnesses, brought):
            print("ok   ", sentence)
    except Exception as error:  # noqa: BLE001 (whatever a pack holds, nobody is shown a stack trace)
        unusable = check is None or isinstance(error, ImportError)
        where = "" if check is None else " ".join(plain(one) for one in check.at) + ": "
        where += "" if isinstance(error, ValueError) else f"{type(error).__name__} "
        print("CANNOT BE CHECKED" if unusable else "BAD  ", where + plain(error))
        return 2 if unusable else 1
    if not keys:
        print("WARNING: without --key the signatures were only checked against a key that the pack itself tells,")
        print("         as anybody can make one. Give the key that you were handed at the beginning.")
    print("GOOD")
    return 0


if __name__ == "__main__":
    sys.exit(main())
