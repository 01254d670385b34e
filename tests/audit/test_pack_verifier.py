"""The stand-alone verifier: refuses every pack that is not what was signed, never with a stack trace, in one file."""

import json
import random
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
from tests.audit.doctored import changed_entry, line_of, resealed
from tests.audit.packs import KEY, ORIGIN, OTHER_KEY, WATCH, Bench, files_of, packed, sign

STRANGE = f"\u2014 x {b64encode(bytes(300)).decode()}\n"
"""A signature by a key that nobody knows."""


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


def test_a_kept_checkpoint_that_cannot_be_read_is_named(packs: dict[str, bytes], bench: Bench, tmp_path: Path) -> None:
    """Of several that an auditor kept, the one whose line ends a mail program rewrote."""
    whole = files_of(packs["whole"])["checkpoint"]
    (tmp_path / "kept").write_bytes(whole)
    (tmp_path / "mailed").write_bytes(whole.replace(b"\n", b"\r\n"))
    kept = [argument for name in ("kept", "mailed") for argument in ("--checkpoint", str(tmp_path / name))]
    assert bench.check(bench.zip(packs["whole"]), *kept) == 2
    assert bench.said.startswith(f"CANNOT BE CHECKED {tmp_path / 'mailed'}: ")
    assert bench.check(tmp_path / "nowhere.zip", "--checkpoint", str(tmp_path / "kept")) == 2
    assert str(tmp_path / "kept") not in bench.said


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


def test_the_pack_holds_it_byte_for_byte(packs: dict[str, bytes]) -> None:
    assert files_of(packs["whole"])["verify.py"] == Path(pack_verifier.__file__).read_bytes()
