"""Evidence packs: what is in them, the same bytes again, what they refuse, and the entry that tells of each."""

import json
import zipfile
from base64 import b64decode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from typer.testing import CliRunner

from app.cli import app
from app.database import open_database, reading, writing
from audit import checkpoint
from audit.errors import AuditError
from audit.event import Actor, ActorKind, Event
from audit.log import append, entries
from audit.pack import NotPacked
from audit.stored_tree import LogWitness, StoredTree, newest_checkpoint
from audit.tree import leaf_hash, verify_consistency, verify_inclusion
from tests.audit.conftest import Log
from tests.audit.packs import KEY, NOW, ORIGIN, WATCH, Bench, cosign, files_of, packed, sign


@pytest.fixture
def signed(log: Log) -> Log:
    """Six entries, signed; then six more, signed."""
    with writing(log.engine) as (session, _):
        sign(session)
    log.fill(6)
    with writing(log.engine) as (session, _):
        sign(session)
    return log


def bodies(log: Log) -> list[bytes]:
    with reading(log.engine) as (session, _):
        return [entry.body for entry in entries(session, limit=10_000)]


def test_a_pack_of_the_whole_log_holds_the_stored_bytes_and_needs_no_proofs(signed: Log) -> None:
    with reading(signed.engine) as (session, _):
        data, made = packed(session)
    files = files_of(data)
    assert files["entries.jsonl"].split(b"\n")[:-1] == bodies(signed)
    assert "proofs.jsonl" not in files
    assert (made.first, made.last, made.count, made.tree_size, made.unsigned) == (1, 12, 12, 12, 0)
    manifest = json.loads(files["manifest.json"])
    assert manifest["entries"] == {"first": 1, "last": 12, "count": 12}
    assert manifest["events"] == dict.fromkeys(
        (
            "log.started",
            "question.asked",
            "proposal.sealed",
            "vote.refused",
            "approval.quorum_met",
            "execution.intended",
        ),
        2,
    )
    assert made.manifest_sha256 == sha256(files["manifest.json"]).hexdigest()
    told = {name: one["sha256"] for name, one in manifest["files"].items()}
    assert told == {
        name: sha256(content).hexdigest()
        for name, content in files.items()
        if name not in ("manifest.json", "manifest.sha256")
    }
    earlier = [json.loads(line) for line in files["checkpoints.jsonl"].splitlines()]
    assert [checkpoint.parse(one["note"]).size for one in earlier] == [6]


def test_the_same_log_and_time_give_the_same_bytes(signed: Log) -> None:
    with reading(signed.engine) as (session, _):
        assert packed(session)[0] == packed(session)[0]
        assert packed(session, first=3, last=5)[0] == packed(session, first=3, last=5)[0]


def test_a_part_holds_a_proof_for_each_entry_and_each_checkpoint(signed: Log) -> None:
    with reading(signed.engine) as (session, _):
        files = files_of(packed(session, first=5, last=8)[0])
    newest = checkpoint.verify(files["checkpoint"], KEY.verifier)
    lines = files["entries.jsonl"].split(b"\n")[:-1]
    proofs = [json.loads(line) for line in files["proofs.jsonl"].splitlines()]
    assert lines == bodies(signed)[4:8]
    for line, proof in zip(lines, proofs, strict=True):
        hashes = [b64decode(one) for one in proof["hashes"]]
        assert verify_inclusion(proof["index"], newest.size, leaf_hash(line), hashes, newest.root)
    (earlier,) = (json.loads(line) for line in files["checkpoints.jsonl"].splitlines())
    old = checkpoint.verify(earlier["note"], KEY.verifier)
    growth = [b64decode(one) for one in earlier["proof"]]
    assert verify_consistency(old.size, newest.size, growth, old.root, newest.root)


def test_a_proposal_alone_can_be_packed(signed: Log) -> None:
    with reading(signed.engine) as (session, _):
        files = files_of(packed(session, proposal="P-0000000001")[0])
        numbers = [json.loads(line)["seq"] for line in files["entries.jsonl"].splitlines()]
        assert numbers == [3, 4, 5, 6, 9, 10, 11, 12]
        with pytest.raises(AuditError, match="P-nowhere"):
            packed(session, proposal="P-nowhere")


def test_what_is_not_signed_yet_is_left_out_and_told(signed: Log) -> None:
    signed.fill(3)
    with reading(signed.engine) as (session, _):
        data, made = packed(session, last=14)
        assert (made.last, made.unsigned) == (12, 3)
        assert json.loads(files_of(data)["manifest.json"])["left_out"] == 3
        with pytest.raises(AuditError, match="spendgate signer"):
            packed(session, first=13)


def test_without_a_checkpoint_there_is_no_pack(log: Log) -> None:
    with reading(log.engine) as (session, _), pytest.raises(AuditError, match="spendgate signer"):
        packed(session)


FORGED = b'{"event":"vote.approved"}'
FORGED_SET = f"body = x'{FORGED.hex()}', hash = '{leaf_hash(FORGED).hex()}'"
CHANGES = {
    "an entry's bytes": "UPDATE log_entry SET body = CAST(replace(body, 'grüße', 'grusse') AS BLOB) WHERE seq = 5",
    "an entry's bytes and hash": f"UPDATE log_entry SET {FORGED_SET} WHERE seq = 5",
    "an entry is gone": "DELETE FROM log_entry WHERE seq = 5",
    "the last entry is gone": "DELETE FROM log_entry WHERE seq = 12",
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("wanted", [{}, {"first": 4}])
def test_a_log_that_is_not_what_was_signed_is_not_packed(signed: Log, what: str, wanted: dict[str, int]) -> None:
    signed.raw(CHANGES[what])
    with reading(signed.engine) as (session, _), pytest.raises((NotPacked, AuditError), match="spendgate audit verify"):
        packed(session, **wanted)


def test_what_witnesses_signed_stands_below_the_note_once(signed: Log) -> None:
    with writing(signed.engine) as (session, _):
        note = newest_checkpoint(session).note  # type: ignore[union-attr]
        cosign(session, note)
        cosign(session, note, witness="the same under another name")
        session.add(LogWitness(origin=ORIGIN, size=12, witness="broken", cosignature="no signature line", at=NOW))
        session.add(LogWitness(origin=ORIGIN, size=12, witness="silent", cosignature=None, at=NOW))
        session.flush()
        files = files_of(packed(session, witness_keys=(WATCH.verifier,))[0])
    read = checkpoint.verify(files["checkpoint"], [KEY.verifier, WATCH.verifier])
    assert read.signers == (KEY.verifier, WATCH.verifier)
    assert len(read.note.signatures) == 2
    assert str(WATCH.verifier) in files["keys.txt"].decode()


def test_the_keys_are_those_that_the_log_tells(log: Log) -> None:
    with writing(log.engine) as (session, _):
        data = {"key": str(KEY.verifier), "before": None}
        append(session, now=NOW, event=Event.LOG_KEY_CHANGED, actor=Actor(ActorKind.SERVICE, "signer"), data=data)
        sign(session)
        assert str(KEY.verifier) in files_of(packed(session)[0])["keys.txt"].decode()


def test_checkpoints_of_what_a_restore_lost_are_not_in_a_pack(signed: Log, tmp_path: Path) -> None:
    lost = {"origin": ORIGIN, "size": 12, "root": "00" * 32}
    signed.raw("DELETE FROM log_entry WHERE seq > 5")
    with writing(signed.engine) as (session, _):
        data = {"lost": lost, "kept": {"size": 5, "root": StoredTree(session).root(0, 5).hex()}}
        append(session, now=NOW, event=Event.LOG_RESTORED, actor=Actor(ActorKind.PERSON, "p-0a11ce01"), data=data)
    signed.fill(8)
    with writing(signed.engine) as (session, _):
        sign(session)
        files, data_zip = files_of(packed(session)[0]), packed(session)[0]
    assert files["checkpoints.jsonl"] == b""
    bench = Bench(tmp_path)
    assert bench.check(bench.zip(data_zip)) == 0
    assert "1 of the entries tell of a restore" in bench.said


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """Enough entries for full tiles of the tree."""
    made = Log(tmp_path_factory.mktemp("long") / "log.db")
    made.fill(600)
    with writing(made.engine) as (session, _now):
        sign(session)
    return made


@given(st.integers(1, 600), st.integers(0, 40))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_part_verifies(long: Log, tmp_path: Path, first: int, more: int) -> None:
    bench = Bench(tmp_path)
    with reading(long.engine) as (session, _):
        data, _made = packed(session, first=first, last=min(first + more, 600))
    path = bench.zip(data)
    assert bench.check(path) == 0, bench.said
    path.unlink()


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    stdout: str
    said: str


def run(home: Path, *words: str) -> Ended:
    done = CliRunner().invoke(app, ["audit", *words], env={"SPENDGATE_HOME": str(home)})
    return Ended(
        int(getattr(done.exception, "exit_code", done.exit_code)), done.stdout, f"{done.output}{done.exception}"
    )


@pytest.fixture
def at_home(tmp_path: Path) -> Callable[..., Ended]:
    """A home with a log whose newest entries are signed; calls `spendgate audit`."""
    home = tmp_path / "home"
    assert run(home, "list").code == 0
    with writing(open_database(home / "spendgate.db")) as (session, _):
        sign(session)

    def call(*words: str) -> Ended:
        return run(home, *words)

    return call


def test_making_a_pack_is_an_entry_that_names_its_manifest(at_home: Callable[..., Ended], tmp_path: Path) -> None:
    out = tmp_path / "pack.zip"
    done = at_home("pack", "--out", str(out), "--json")
    assert done.code == 0, done.said
    told = json.loads(done.stdout)
    sealed = zipfile.ZipFile(out).read("manifest.json")
    shown = json.loads(at_home("show", str(told["entry"]), "--json").stdout)
    assert shown["event"] == "log.exported"
    assert shown["actor"]["kind"] == "person"
    assert shown["data"]["manifest_sha256"] == sha256(sealed).hexdigest() == told["manifest_sha256"]
    assert (shown["data"]["from"], shown["data"]["to"], shown["data"]["tree_size"]) == (1, told["to"], told["to"])
    bench = Bench(tmp_path)
    assert bench.check(out) == 0, bench.said
    assert told["manifest_sha256"] in bench.said


def test_a_pack_is_never_written_over_and_one_that_failed_leaves_nothing(
    at_home: Callable[..., Ended], tmp_path: Path
) -> None:
    out = tmp_path / "packs" / "pack.zip"
    assert at_home("pack", "--out", str(out)).code == 2
    out.parent.mkdir()
    assert at_home("pack", "--out", str(out), "--from", "4000").code == 1
    assert list(out.parent.iterdir()) == []
    out.write_bytes(b"evidence")
    assert at_home("pack", "--out", str(out)).code == 5
    assert out.read_bytes() == b"evidence"


def test_entries_are_read_in_batches(long: Log) -> None:
    """A pack of a million entries must not hold a million of them."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    event.listen(long.engine, "before_cursor_execute", note)
    with reading(long.engine) as (session, _):
        packed(session)
    event.remove(long.engine, "before_cursor_execute", note)
    of_entries = [one for one in asked if "log_entry.body" in one and "log_entry.event = " not in one]
    assert of_entries
    assert all("LIMIT" in one for one in of_entries)
