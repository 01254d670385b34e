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

LOG, WITNESS, CHUNK, MOST_ENTRY, MOST_LINE, MOST_NOTE, MOST_SIZE = 1, 4, 1 << 20, 1 << 16, 1_000_000, 1 << 15, 2**63 - 1
SEALS, UNPROVEN = {"manifest.json", "manifest.sha256"}, {"files", "left_out", "made_at", "proposal"}
LISTS = {"entries.jsonl", "proofs.jsonl", "checkpoints.jsonl"}
FILES = SEALS | LISTS | {"checkpoint", "keys.txt", "verify.py", "README.txt"}
LONG, FORMAT = re.compile("[0-9]{16}"), "spendgate.pack.v1"
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


def must(good: object, why: str) -> None:
    """Goes on if it is good; a ValueError that says why not, else."""
    if not good:
        raise ValueError(why)


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 9162 §2.1.1."""
    return sha256(b"\x01" + left + right).digest()


def add_leaf(edge: list[bytes], size: int, leaf: bytes) -> None:
    """Grows a tree of `size` leaves by one; `edge` holds the roots of its complete subtrees, largest first."""
    while size & 1:
        leaf, size = sha256(b"\x01" + edge.pop() + leaf).digest(), size >> 1
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
    must(base64.b64encode(raw).decode() == text, "it is not the one form of base64")
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
    name, told, coded = [*text.strip().split("+", 2), "", ""][:3]
    raw = decode64(coded)
    must(NAME.fullmatch(name) and len(raw) == 33 and raw[0] in (LOG, WITNESS), "it is no Ed25519 key NAME+ID+BASE64")
    key = Key(name, raw[0], raw[1:])
    must(key.id().hex() == told, "its id does not belong to its name and key")
    return key


def parse_checkpoint(data: bytes) -> Checkpoint:
    """Takes a checkpoint apart without believing it; a ValueError that says why for anything else."""
    note = data.decode()
    text, blank, below = note.rpartition("\n\n")
    whole = len(data) <= MOST_NOTE and blank and below.endswith("\n") and not any(c < " " and c != "\n" for c in note)
    must(whole, "it is not a signed note: text, an empty line, signatures")
    signatures = []
    for line in below[:-1].split("\n"):
        parts = line.split(" ")
        raw = decode64(parts[2]) if len(parts) == 3 and NAME.fullmatch(parts[1]) else b""
        must(len(raw) >= 5 and parts[0] == "\u2014", "a line below the empty one is no signature")
        signatures.append((parts[1], raw[:4], raw[4:]))
    lines = text.split("\n")
    form = len(signatures) <= 100 and len(lines) >= 3 and all(lines) and re.fullmatch("0|[1-9][0-9]{0,18}", lines[1])
    must(form, "its text is not an origin, a size and a root, or it has too many signatures")
    size, root = int(lines[1]), decode64(lines[2])
    must(size <= MOST_SIZE and len(root) == 32, "its size is too large, or its root has not 32 bytes")
    return Checkpoint(lines[0], size, root, text + "\n", signatures)


def signers(point: Checkpoint, keys: dict[tuple[str, bytes], Key]) -> Signed:
    """Which of the keys signed it, a witness when (else 0); a known key that did not sign this text is a ValueError."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    found = dict[Key, int]()
    for name, key_id, value in {one[:2]: one for one in point.signatures if one[:2] in keys}.values():
        key = keys[name, key_id]
        cut = 8 if key.kind == WITNESS else 0
        found[key] = at = int.from_bytes(value[:cut], "big")
        text = f"cosignature/v1\ntime {at}\n{point.text}" if cut else point.text
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(value[cut:], text.encode())
        except InvalidSignature:
            raise ValueError(f"the signature of {plain(name)} is not of this text") from None
    return list(found.items())


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
        self.zip, self.names = None, {one.name for one in path.iterdir()} & FILES if path.is_dir() else set[str]()
        if not path.is_dir():
            file = path.open("rb")
            file.seek(max(0, file.seek(0, 2) - 98))
            tail = file.read().rjust(98)  # APPNOTE.TXT 4.3.14: how long the list of names is, before it is read
            end, size = tail[-22:-18] + tail[-2:], tail[-58:-50] if tail[-42:-38] == b"PK\6\7" else tail[-10:-6]
            must(end == b"PK\5\6\0\0" and int.from_bytes(size, "little") < MOST_NOTE, f"{path} is no pack")
            self.zip = zipfile.ZipFile(file)

    def lines(self, name: str, most: int = MOST_SIZE) -> Iterator[bytes]:
        """The lines of a file, without their ends; a ValueError if it is missing, too long, or breaks off."""
        self.at = (name,)
        must(name in self.names and (self.zip or (self.path / name).is_file()), "it is missing, or no plain file")
        rest, digest, size = b"", sha256(), 0
        with self.zip.open(name) if self.zip else (self.path / name).open("rb") as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
                *lines, rest = (rest + chunk).split(b"\n")
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
            must(not self.whole or count < newest.size, "it stands behind those that were signed: nobody signed it")
            if seq != last + 1 and (count or self.whole) and (proposal is None or seq <= last):
                raise ValueError(f"it stands where entry {last + 1} should be, which is missing")
            must(proposal is None or of == f'"{proposal}"'.encode(), f"it is not of proposal {proposal}")
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
                self.at, agreed = ("one of the entries", agreed + 1, "to", count), count
                must(root_of(edge) == root, f"it is not what was signed: together they do not give the root of {where}")
        must(next(proofs, None) is None, "there are more proofs than entries")
        ended = not wanted and count and (not self.whole or count == newest.size)
        must(ended, f"the entries behind number {last} are missing; the checkpoint is of {newest.size}")
        return {"entries": {"count": count, "first": first, "last": last}, "events": events, "format": FORMAT}

    def earlier(self, newest: Checkpoint, keys: dict[tuple[str, bytes], Key]) -> Iterator[Judged]:
        """The earlier checkpoints and who signed them; a ValueError at one that is not of the newest's beginning."""
        before = (0, "")
        for number, line in enumerate(self.lines("checkpoints.jsonl"), 1):
            self.at = ("checkpoints.jsonl, line", number)
            told = canonical(line)
            point, proof = parse_checkpoint(told["note"].encode()), [decode64(one) for one in told["proof"]]
            begins = self.whole or is_consistent(point.size, newest.size, proof, point.root, newest.root)
            must(begins, f"the log of its {point.size} entries is not the beginning of the newest")
            must(before < (before := point[1::-1]), "it does not stand in the order of the sizes, or stands twice")
            short = point._replace(text="", signatures=[])
            yield short, self.judged(point, newest, keys), f"checkpoint {number} of checkpoints.jsonl"

    def judged(self, point: Checkpoint, newest: Checkpoint, keys: dict[tuple[str, bytes], Key]) -> Signed:
        """Who signed a checkpoint; a ValueError for one of another log or size, or that no key of the log signed."""
        signed = signers(point, keys)
        must(any(key.kind == LOG for key, _ in signed), "no key of the log that is known signed it")
        must(len({p.origin.split("/restored-")[0] for p in (point, newest)}) == 1, "it is of another log")
        older = f"it is of {point.size} entries, the pack of {newest.size}: the pack is older, or was cut"
        must(0 < point.size <= newest.size, older)
        return signed

    def run(self, given: list[Key], witnesses: list[Key], brought: list[tuple[str, Checkpoint]]) -> Iterator[str]:
        """Checks everything and yields what was found, a sentence each; a ValueError at the first that is wrong."""
        for one in self.zip.infolist() if self.zip else ():
            strange = one.flag_bits & 1 or one.compress_type not in (0, 8) or one.filename not in FILES - self.names
            must(not strange, f"{one.filename} stands in it twice, or encrypted, or no pack has such a file")
            self.names.add(one.filename)
        self.whole = "proofs.jsonl" not in self.names
        sealed = self.small("manifest.json")
        seal, manifest = sha256(sealed).hexdigest(), canonical(sealed[:-1])
        must(self.small("manifest.sha256") == f"{seal}  manifest.json\n".encode(), "it is not that of manifest.json")
        told = [read_key(line) for line in self.small("keys.txt").decode().splitlines() if line[:1] not in ("", "#")]
        trusted = dict.fromkeys([*(given or told), *witnesses, *(key for key in told if key.kind == WITNESS)])
        keys, known = (
            {(key.name, key.id()): key for key in reversed(some)} for some in ([*trusted], [*trusted, *told])
        )
        newest = parse_checkpoint(self.small("checkpoint"))
        points = [(newest, self.judged(newest, newest, keys), "the checkpoint")]
        by = " and ".join(f"{plain(key.name)}+{key.id().hex()}" for key, _ in points[0][1] if key.kind == LOG)
        yield f"the checkpoint of {newest.size} entries of {plain(newest.origin)} is signed by {by}"
        points += self.earlier(newest, known)
        for name, point in brought:
            self.at = (name, "" if point.origin == newest.origin else "(of before a restore from a backup)")
            points.append((point, self.judged(point, newest, keys), " ".join(self.at)))
            proven = self.whole or any(p[1:3] == point[1:3] for p, _, _ in points[:-1])
            must(proven, f"the pack is not of the whole log and proves no such root of {point.size} entries")
        facts = self.entries(manifest.get("proposal"), newest, [one for one in points if self.whole])
        how = "lead to the root of all that was signed" if self.whole else "are each proven to stand where they say"
        yield "{count} entries, {first} to {last}, ".format(**facts["entries"]) + how
        foreign = [s for _, s, _ in points if all(key.kind != LOG or key not in trusted for key, _ in s)]
        named = {f"{key.name}+{key.id().hex()}" for s in foreign for key, _ in s if key.kind == LOG}
        add = f" and {len(foreign)} only by {plain(' '.join(sorted(named)))}, which the pack tells" if foreign else ""
        yield f"{len(points) - 1} other checkpoints, of which {len(brought)} yours{add}, are beginnings of the same log"
        seen = dict(sorted((key, (p.size, at)) for p, signed, _ in points for key, at in signed if key.kind == WITNESS))
        for key, (size, at) in seen.items():  # of each the largest
            when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(min(at, 1 << 34)))
            whose = "whose key you gave" if key in witnesses else "whose key only the pack tells"
            yield f"witness {plain(key.name)}, {whose}, had seen these {size} entries at {when}"
            witnesses = [one for one in witnesses if one != key]
        if witnesses:
            self.at = ("witness", witnesses[0].name)
            raise ValueError("its signature is on no checkpoint of the pack")
        self.small("verify.py"), self.small("README.txt")
        facts.update({name: manifest.get(name) for name in UNPROVEN}, origin=newest.origin, tree_size=newest.size)
        files = {name: self.found[name] for name in self.found.keys() - SEALS}
        for claims, found in ((manifest["files"], files), (manifest, facts)):
            for name in sorted(claims.keys() | found.keys()):
                self.at, both = (name,), [_SORTED.encode(one[name]) for one in (claims, found) if name in one]
                must(both[1:] == both[:1], "it is not what manifest.json tells of it")  # as text: true is not 1
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
    options, check, read = parser.parse_args(arguments), None, ""
    try:
        keys, witnesses = ([read_key(one) for one in some] for some in (options.key, options.witness_key))
        fit = all(key.kind == LOG for key in keys) and all(key.kind == WITNESS for key in witnesses)
        must(fit, "--key takes the key of a log, --witness-key that of a witness")
        opened = Check(options.pack, quick=options.quick)
        brought = [(read := one, parse_checkpoint(Path(one).read_bytes())) for one in options.checkpoint]
        for sentence in (check := opened).run(keys, witnesses, brought):
            print("ok   ", sentence)
    except Exception as error:  # noqa: BLE001 (whatever a pack holds, nobody is shown a stack trace)
        unusable = check is None or isinstance(error, ImportError)
        where = (plain(read) + ": ") * bool(read) if check is None else " ".join(plain(one) for one in check.at) + ": "
        where += "" if isinstance(error, ValueError) else f"{type(error).__name__} "
        print("CANNOT BE CHECKED" if unusable else "BAD  ", where + plain(error))
        return 2 if unusable else 1
    if not keys:
        print("WARNING: without --key the signatures were only checked against a key that the pack itself tells, as")
        print("anybody can make one. Give the key that you were handed at the beginning.")
    print("GOOD")
    return 0


if __name__ == "__main__":
    sys.exit(main())
