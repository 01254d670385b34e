"""The stand-alone verifier: refuses every pack that is not what was signed, never with a stack trace, in one file."""

import json
import random
import struct
import zipfile
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from app.database import writing
from audit import canonical, checkpoint, note, pack_verifier
from audit.note import WITNESS, SigningKey
from tests.audit.conftest import Log
from tests.audit.packs import KEY, ORIGIN, OTHER_KEY, WATCH, Bench, cosign, files_of, packed, sign

SEALS = ("manifest.json", "manifest.sha256")
STRANGE = f"\u2014 x {b64encode(bytes(300)).decode()}\n"
"""A signature by a key that nobody knows."""


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Packs of one log of twelve entries, signed at six, nine and twelve: the whole, a part, a proposal."""
    log = Log(tmp_path_factory.mktemp("packs") / "log.db")
    log.fill(6)
    with writing(log.engine) as (session, _):
        sign(session)
    log.fill(3)
    with writing(log.engine) as (session, _):
        cosign(session, sign(session))
    log.fill(3)
    with writing(log.engine) as (session, _):
        cosign(session, sign(session), at=1_800_000_060)
        whole, _ = packed(session, witness_keys=(WATCH.verifier,))
        part, _ = packed(session, first=4, last=9)
        proposal, _ = packed(session, proposal="P-0000000001")
    return {"whole": whole, "part": part, "proposal": proposal}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def resealed(files: dict[str, bytes], manifest: dict[str, Any] | None = None) -> dict[str, bytes]:
    """The files with a manifest and a seal that fit them again, as whoever doctors a pack would leave them."""
    manifest = manifest or json.loads(files["manifest.json"])
    for name, content in files.items():
        if name not in SEALS:
            manifest["files"][name] = {"bytes": len(content), "sha256": sha256(content).hexdigest()}
    sealed = canonical.canonical(manifest) + b"\n"
    seal = f"{sha256(sealed).hexdigest()}  manifest.json\n".encode()
    return {**files, "manifest.json": sealed, "manifest.sha256": seal}


@pytest.mark.parametrize("kind", ["whole", "part", "proposal"])
def test_a_pack_verifies_as_a_zip_file_and_as_a_folder(packs: dict[str, bytes], bench: Bench, kind: str) -> None:
    for path in (bench.zip(packs[kind]), bench.unpacked(packs[kind])):
        for quick in ((), ("--quick",)):
            assert bench.check(path, "--witness-key", str(WATCH.verifier), *quick) == 0, bench.said
            assert bench.said.endswith("GOOD\n")
            assert (
                "witness witness.example, whose key you gave, had seen these 12 entries at 2027-01-15 08:01:00 UTC"
                in (bench.said)
            )
            assert "WARNING" not in bench.said


def test_without_a_key_it_warns_in_words(packs: dict[str, bytes], bench: Bench) -> None:
    assert bench.check(bench.zip(packs["whole"]), key=None) == 1  # this log has no entry that tells a key
    files = files_of(packs["whole"])
    files["keys.txt"] += f"{KEY.verifier}\n".encode()
    assert bench.check(bench.zipped(resealed(files)), key=None) == 0
    assert "WARNING: without --key" in bench.said
    assert bench.check(bench.zipped(resealed(files))) == 0
    assert "WARNING" not in bench.said


def flips(content: bytes, every: int, rng: random.Random) -> list[bytes]:
    made = []
    for at in range(rng.randrange(every), len(content), every):
        changed = bytearray(content)
        changed[at] ^= 1 << rng.randrange(8)
        made.append(bytes(changed))
    return made


def refused_by_each_flip(bench: Bench, data: bytes, every: Callable[[str], int]) -> int:
    folder, rng, tried = bench.unpacked(data), random.Random(7), 0
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        for changed in flips(content, every(path.name), rng):
            path.write_bytes(changed)
            assert bench.check(folder) == 1, f"{path.name} was changed and {bench.said}"
            tried += 1
        path.write_bytes(content)
    assert bench.check(folder) == 0
    return tried


@pytest.mark.parametrize("kind", ["whole", "part"])
def test_a_flipped_bit_in_any_file_is_refused(packs: dict[str, bytes], bench: Bench, kind: str) -> None:
    def every(name: str) -> int:
        return 1499 if name == "verify.py" else 53

    assert refused_by_each_flip(bench, packs[kind], every) > 100


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["whole", "part"])
def test_one_flipped_bit_of_every_byte_is_refused(packs: dict[str, bytes], bench: Bench, kind: str) -> None:
    def every(name: str) -> int:
        return {"verify.py": 64, "README.txt": 8}.get(name, 1)

    assert refused_by_each_flip(bench, packs[kind], every) > 6_000


def test_a_flipped_bit_of_the_zip_file_is_refused_or_changes_nothing(packs: dict[str, bytes], bench: Bench) -> None:
    rng, path = random.Random(8), bench.zip(packs["part"])
    for changed in flips(packs["part"], 41, rng):
        path.write_bytes(changed)
        if bench.check(path) == 0:
            assert files_of(changed) == files_of(packs["part"])


def test_a_pack_that_breaks_off_is_refused(packs: dict[str, bytes], bench: Bench) -> None:
    path = bench.zip(packs["whole"])
    for end in range(0, len(packs["whole"]), 211):
        path.write_bytes(packs["whole"][:end])
        assert bench.check(path) in (1, 2)
    for name in files_of(packs["part"]):
        folder = bench.unpacked(packs["part"])
        content = (folder / name).read_bytes()
        for end in {0, 1, len(content) // 2, len(content) - 1}:
            (folder / name).write_bytes(content[:end])
            assert bench.check(folder) == 1
        (folder / name).unlink()
        assert bench.check(folder) == 1


def changed_entry(lines: list[bytes], at: int) -> None:
    lines[at] = lines[at].replace(b'"at":', b'"at":1')


DOCTORED: dict[str, tuple[str, Callable[[list[bytes]], None], str]] = {
    "an entry is changed": ("entries.jsonl", lambda lines: changed_entry(lines, 4), "entry 5: "),
    "the last entry is changed": ("entries.jsonl", lambda lines: changed_entry(lines, 11), "entries 10 to 12"),
    "an entry is left out": (
        "entries.jsonl",
        lambda lines: lines.__delitem__(4),
        "entry 5 should be, which is missing",
    ),
    "the last entries are left out": (
        "entries.jsonl",
        lambda lines: lines.__delitem__(slice(9, None)),
        "behind number 9",
    ),
    "all entries are left out": ("entries.jsonl", lambda lines: lines.clear(), "missing"),
    "an entry stands twice": ("entries.jsonl", lambda lines: lines.insert(4, lines[4]), "entry 5"),
    "entries change places": ("entries.jsonl", lambda lines: lines.insert(4, lines.pop(5)), "entry 5 should be"),
    "a line is no entry": ("entries.jsonl", lambda lines: lines.insert(4, b'{"a":1}'), "behind entry 4"),
    "a line is empty": ("entries.jsonl", lambda lines: lines.insert(4, b""), "behind entry 4"),
    "a line is longer than an entry": ("entries.jsonl", lambda lines: lines.insert(4, b"9" * 70_000), "behind entry 4"),
    "a line nests deeply": ("entries.jsonl", lambda lines: lines.insert(4, b"[" * 60_000), "behind entry 4"),
    "a checkpoint is another key's": (
        "checkpoints.jsonl",
        lambda lines: lines.insert(0, line_of(checkpoint.sign(ORIGIN, 6, bytes(32), OTHER_KEY))),
        "line 1: no key of the log",
    ),
    "a checkpoint is another log's": (
        "checkpoints.jsonl",
        lambda lines: lines.insert(0, line_of(checkpoint.sign("other", 6, bytes(32), KEY))),
        "line 1: it is of another log",
    ),
    "a checkpoint has another root": (
        "checkpoints.jsonl",
        lambda lines: lines.__setitem__(0, line_of(checkpoint.sign(ORIGIN, 6, bytes(32), KEY))),
        "entries 1 to 6",
    ),
    "a checkpoint stands twice": ("checkpoints.jsonl", lambda lines: lines.insert(1, lines[0]), "line 2: it does not"),
    "a smaller checkpoint stands behind": (
        "checkpoints.jsonl",
        lambda lines: lines.append(lines.pop(0)),
        "line 2: it does not stand in the order",
    ),
    "a checkpoint is longer than any": (
        "checkpoints.jsonl",
        lambda lines: lines.insert(0, line_of(json.loads(lines[0])["note"] + STRANGE * 99)),
        "line 1: it is not a signed note",
    ),
    "a checkpoint is of more entries": (
        "checkpoints.jsonl",
        lambda lines: lines.insert(0, line_of(checkpoint.sign(ORIGIN, 13, bytes(32), KEY))),
        "line 1: it is of 13 entries",
    ),
    "a checkpoint is of no entries": (
        "checkpoints.jsonl",
        lambda lines: lines.insert(0, line_of(checkpoint.sign(ORIGIN, 0, bytes(32), KEY))),
        "line 1: it is of 0 entries",
    ),
    "a checkpoint is no text": ("checkpoints.jsonl", lambda lines: lines.insert(0, b'{"note":7,"proof":[]}'), "line 1"),
}


def line_of(told: str, proof: tuple[str, ...] = ()) -> bytes:
    return canonical.canonical({"note": told, "proof": proof})


@pytest.mark.parametrize("what", DOCTORED)
def test_a_doctored_pack_is_refused_by_name(packs: dict[str, bytes], bench: Bench, what: str) -> None:
    name, doctor, told = DOCTORED[what]
    files = files_of(packs["whole"])
    lines = files[name].split(b"\n")[:-1]
    doctor(lines)
    files[name] = b"".join(line + b"\n" for line in lines)
    for options in ((), ("--quick",)):
        assert bench.check(bench.zipped(resealed(files)), *options) == 1
        assert bench.said.splitlines()[-1].startswith("BAD")
        assert told in bench.said.splitlines()[-1]


def appended(files: dict[str, bytes], events: list[str]) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Entries that nobody signed, chained to the last one of a pack, and a manifest that counts them."""
    manifest = json.loads(files["manifest.json"])
    lines = files["entries.jsonl"].splitlines()
    for event in events:
        told = json.loads(lines[-1]) | {"prev": sha256(b"\0" + lines[-1]).hexdigest(), "event": event}
        lines.append(canonical.canonical(told | {"seq": told["seq"] + 1}))
        manifest["events"][event] = manifest["events"].get(event, 0) + 1
        manifest["entries"]["count"], manifest["entries"]["last"] = len(lines), len(lines)
    return {**files, "entries.jsonl": b"\n".join(lines) + b"\n"}, manifest


@pytest.mark.parametrize("quick", [(), ("--quick",)], ids=["slowly", "quickly"])
def test_entries_behind_those_that_were_signed_are_refused(
    packs: dict[str, bytes], bench: Bench, quick: tuple[str, ...]
) -> None:
    files, manifest = appended(files_of(packs["whole"]), ["vote.approved", "vote.approved"])
    assert bench.check(bench.zipped(resealed(files, manifest)), *quick) == 1
    assert "BAD   entry 13: it stands behind those that were signed" in bench.said
    unchanged, manifest = appended(files_of(packs["whole"]), [])
    assert bench.check(bench.zipped(resealed(unchanged, manifest)), *quick) == 0


LIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a right value stands among the files": lambda told: told["files"].update(tree_size=told.pop("tree_size")),
    "a count lies and the right one stands among the files": lambda told: (
        told["files"].update(entries=told["entries"]),
        told.update(entries={"count": 999, "first": 1, "last": 999}),
    ),
    "the format is another": lambda told: told.update(format="spendgate.pack.v2"),
    "a number is written as true": lambda told: told["entries"].update(first=True),
    "there is a name more": lambda told: told.update(more=None),
    "there is a file more": lambda told: told["files"].update({"more.txt": None}),
    "a name is missing": lambda told: told.pop("made_at"),
    "the size of the tree is nothing": lambda told: told.update(tree_size=None),
    "it seals itself": lambda told: told["files"].update({"manifest.json": {"bytes": 1, "sha256": "0"}}),
}


@pytest.mark.parametrize("kind", ["whole", "part"])
@pytest.mark.parametrize("lie", LIES)
def test_a_manifest_that_tells_anything_else_is_refused(
    packs: dict[str, bytes], bench: Bench, kind: str, lie: str
) -> None:
    files = files_of(packs[kind])
    manifest = json.loads(files["manifest.json"])
    LIES[lie](manifest)
    assert bench.check(bench.zipped(resealed(files, manifest))) == 1
    assert "it is not what manifest.json tells of it" in bench.said


def test_many_keys_and_signatures_of_nobody_cost_no_time(packs: dict[str, bytes], bench: Bench) -> None:
    """A small file must not occupy whoever checks it for hours: each key is looked at once, not once a signature."""
    files = files_of(packs["part"])
    keys = [str(note.VerifierKey("a", WITNESS, number.to_bytes(32, "big"))) for number in range(8_000)]
    files["keys.txt"] += "".join(f"{one}\n" for one in keys).encode()
    nobody = f"\u2014 x {b64encode(bytes(5)).decode()}\n" * 97
    lines = [json.loads(line) for line in files["checkpoints.jsonl"].splitlines()]
    written = [canonical.canonical({**one, "note": one["note"] + nobody}) + b"\n" for one in lines]
    files["checkpoints.jsonl"] = b"".join(written)
    asked = []

    class Counted(pack_verifier.Key):
        def id(self) -> bytes:
            asked.append(self)
            return super().id()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pack_verifier, "Key", Counted)
        assert bench.check(bench.zipped(resealed(files))) == 0, bench.said
    assert len(asked) < 10 * len(keys)


def test_an_earlier_checkpoint_by_a_key_that_only_the_pack_tells_is_counted_apart(
    packs: dict[str, bytes], bench: Bench
) -> None:
    files = files_of(packs["whole"])
    files["keys.txt"] += f"{OTHER_KEY.verifier}\n".encode()
    assert bench.check(bench.zipped(resealed(files))) == 0
    assert "2 other checkpoints, of which 0 yours, are beginnings" in bench.said
    lines = files["checkpoints.jsonl"].splitlines()
    told = checkpoint.parse(json.loads(lines[0])["note"])
    lines[0] = line_of(checkpoint.sign(told.origin, told.size, told.root, OTHER_KEY))
    files["checkpoints.jsonl"] = b"".join(line + b"\n" for line in lines)
    assert bench.check(bench.zipped(resealed(files))) == 0
    known = f"{ORIGIN}+{OTHER_KEY.verifier.id.hex()}"
    assert f"of which 0 yours and 1 only by {known}, which the pack tells, are beginnings" in bench.said


def test_a_zip_file_of_many_names_is_refused_before_they_are_read(
    packs: dict[str, bytes], bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bench.zipped({**files_of(packs["whole"]), **{f"{number:08}": b"" for number in range(900)}})
    monkeypatch.setattr(zipfile.ZipFile, "_RealGetContents", lambda self: pytest.fail("the names were read"))
    assert bench.check(path) == 2
    assert bench.said.startswith("CANNOT BE CHECKED")


PARTS: dict[str, tuple[str, Callable[[list[bytes]], None], str]] = {
    "an entry is changed": ("entries.jsonl", lambda lines: changed_entry(lines, 2), "entry 6: its proof"),
    "an entry is left out": ("entries.jsonl", lambda lines: lines.__delitem__(2), "where entry 6 should be"),
    "an entry is left out with its proof": ("both", lambda lines: lines.__delitem__(2), "where entry 6 should be"),
    "all entries are left out": ("both", lambda lines: lines.clear(), "missing"),
    "a proof is left out": ("proofs.jsonl", lambda lines: lines.__delitem__(2), "entry 6: its proof"),
    "the last proof is left out": ("proofs.jsonl", lambda lines: lines.__delitem__(5), "entry 9: "),
    "there is a proof too many": ("proofs.jsonl", lambda lines: lines.append(lines[0]), "more proofs than entries"),
    "a proof has a hash too few": (
        "proofs.jsonl",
        lambda lines: set_hashes(lines, 2, slice(1, None)),
        "entry 6: its pro",
    ),
    "a proof has a hash too many": (
        "proofs.jsonl",
        lambda lines: set_hashes(lines, 2, [0, 0, 1, 2, 3]),
        "entry 6: its p",
    ),
    "a proof has short hashes": ("proofs.jsonl", lambda lines: put(lines, 2, b'"AAAA"'), "entry 6: its proof"),
    "a proof has other base64": (
        "proofs.jsonl",
        lambda lines: put(lines, 2, b'"AB=="'),
        "entry 6: it is not the one form",
    ),
    "a proof is of no text": ("proofs.jsonl", lambda lines: put(lines, 2, b"7"), "entry 6: "),
    "a proof is of another index": ("proofs.jsonl", lambda lines: lines.insert(2, lines[3]), "entry 6: its proof"),
    "a proof names a part twice": ("proofs.jsonl", lambda lines: twice(lines, 2), "entry 6: it is written otherwise"),
    "a checkpoint has no proof": (
        "checkpoints.jsonl",
        lambda lines: no_proof(lines),
        "line 1: the log of its 6 entries",
    ),
    "a checkpoint has another root": (
        "checkpoints.jsonl",
        lambda lines: lines.insert(0, line_of(checkpoint.sign(ORIGIN, 6, bytes(32), KEY), told_proof(lines[0]))),
        "line 1: the log of its 6 entries is not the beginning",
    ),
}


def set_hashes(lines: list[bytes], at: int, which: Any) -> None:
    told = json.loads(lines[at])
    hashes = told["hashes"]
    told["hashes"] = hashes[which] if isinstance(which, slice) else [hashes[one] for one in which]
    lines[at] = canonical.canonical(told)


def put(lines: list[bytes], at: int, hashes: bytes) -> None:
    lines[at] = b'{"hashes":[' + hashes + b'],"index":5}'


def twice(lines: list[bytes], at: int) -> None:
    lines[at] = lines[at].replace(b'"index":5}', b'"index":0,"index":5}')


def no_proof(lines: list[bytes]) -> None:
    lines[0] = line_of(json.loads(lines[0])["note"])


def told_proof(line: bytes) -> tuple[str, ...]:
    return tuple(json.loads(line)["proof"])


@pytest.mark.parametrize("what", PARTS)
def test_a_doctored_part_is_refused_by_name(packs: dict[str, bytes], bench: Bench, what: str) -> None:
    name, doctor, told = PARTS[what]
    files = files_of(packs["part"])
    for one in ("entries.jsonl", "proofs.jsonl") if name == "both" else (name,):
        lines = files[one].split(b"\n")[:-1]
        doctor(lines)
        files[one] = b"".join(line + b"\n" for line in lines)
    assert bench.check(bench.zipped(resealed(files))) == 1
    assert told in bench.said.splitlines()[-1]


def test_a_log_that_was_written_anew_is_refused_by_the_key_and_by_a_kept_checkpoint(
    packs: dict[str, bytes], bench: Bench, tmp_path: Path
) -> None:
    log = Log(tmp_path / "anew.db")
    log.fill(12)
    with writing(log.engine) as (session, _):
        session.connection().exec_driver_sql("SELECT 1")
        sign(session, OTHER_KEY)
        anew, _ = packed(session, witness_keys=(OTHER_KEY.verifier,))
    assert bench.check(bench.zip(anew)) == 1
    assert "no key of the log that is known signed it" in bench.said
    assert bench.check(bench.zip(anew), key=None) == 0
    kept = tmp_path / "kept"
    kept.write_bytes(files_of(packs["whole"])["checkpoint"])
    assert bench.check(bench.zip(packs["whole"]), "--checkpoint", str(kept)) == 0
    assert "of which 1 yours" in bench.said
    forged = checkpoint.sign(ORIGIN, 12, bytes(32), KEY)
    kept.write_text(forged)
    for kind in ("whole", "part"):
        assert bench.check(bench.zip(packs[kind]), "--checkpoint", str(kept)) == 1
    kept.write_text(checkpoint.sign(ORIGIN, 400, bytes(32), KEY))
    assert bench.check(bench.zip(packs["whole"]), "--checkpoint", str(kept)) == 1
    assert "the pack is older, or was cut" in bench.said


GIVEN = {
    "no key at all": ["--key", "nonsense"],
    "a private key": ["--key", KEY.secret()],
    "a witness's key for the log's": ["--key", str(WATCH.verifier)],
    "the log's key for a witness's": ["--witness-key", str(KEY.verifier)],
    "a key with another id": ["--key", str(KEY.verifier).replace("+", "+00", 1)],
    "a checkpoint that is not there": ["--checkpoint", "/nowhere/checkpoint"],
    "a checkpoint that is none": ["--checkpoint", str(Path(__file__))],
}


@pytest.mark.parametrize("what", GIVEN)
def test_what_cannot_be_used_is_said_so(packs: dict[str, bytes], bench: Bench, what: str) -> None:
    assert bench.check(bench.zip(packs["whole"]), *GIVEN[what]) == 2
    assert bench.said.startswith("CANNOT BE CHECKED")


def test_a_witness_that_did_not_sign_is_missed(packs: dict[str, bytes], bench: Bench) -> None:
    other = SigningKey("other.example", WITNESS, bytes(32))
    assert bench.check(bench.zip(packs["whole"]), "--witness-key", str(other.verifier)) == 1
    assert "witness other.example: its signature is on no checkpoint" in bench.said


def test_what_is_no_pack_is_said_so(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no pack\n")
    assert bench.check(tmp_path / "text") == 2
    assert bench.check(tmp_path / "nowhere") == 2
    (tmp_path / "empty").mkdir()
    assert bench.check(tmp_path / "empty") == 1


HOSTILE = {
    "a path upwards": "../../evil",
    "an absolute path": "/etc/evil",
    "a folder": "entries.jsonl/",
    "a name with control characters": "evil\x1b[2J",
    "a file that no pack has": "notes.txt",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_zip_file_with_other_names_is_refused_and_nothing_is_unpacked(
    packs: dict[str, bytes], bench: Bench, tmp_path: Path, what: str
) -> None:
    path = bench.zipped({**files_of(packs["whole"]), HOSTILE[what]: b"evil"})
    before = sorted(tmp_path.rglob("*"))
    assert bench.check(path) == 1
    assert "no pack has such a file" in bench.said
    assert "\x1b" not in bench.said
    assert sorted(tmp_path.rglob("*")) == before
    # Above it, where the other tests of this run have their folders, only the name itself can be looked for.
    above = [path for folder in (*tmp_path.parents[:3], Path.cwd(), Path("/etc")) for path in folder.glob("*")]
    assert [path for path in above if path.name == Path(HOSTILE[what]).name] == []


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_file_with_a_name_twice_or_another_packing_is_refused(packs: dict[str, bytes], bench: Bench) -> None:
    files = files_of(packs["whole"])
    path = bench.zipped(files)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("checkpoint", files["checkpoint"])
    assert bench.check(path) == 1
    for how in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with zipfile.ZipFile(path, "w", how) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        assert bench.check(path) == 1


def test_a_zip_bomb_ends_at_its_first_megabytes(packs: dict[str, bytes], bench: Bench) -> None:
    files = files_of(packs["part"])
    for name in files:
        for filling in (b"\n", b"0"):
            path = bench.zipped({one: content for one, content in files.items() if one != name})
            with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as stream:
                for _ in range(6):
                    stream.write(filling * (1 << 20))
            assert bench.check(path) == 1, (name, filling)


def test_a_zip_file_that_lies_about_a_size_is_refused(packs: dict[str, bytes], bench: Bench) -> None:
    path = bench.zip(packs["whole"])
    data = bytearray(packs["whole"])
    at = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 7)
    path.write_bytes(bytes(data))
    assert bench.check(path) == 1


def test_the_pack_holds_it_byte_for_byte(packs: dict[str, bytes]) -> None:
    assert files_of(packs["whole"])["verify.py"] == Path(pack_verifier.__file__).read_bytes()
