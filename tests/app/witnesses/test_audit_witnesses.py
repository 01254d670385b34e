"""`spendgate audit witnesses`: the log held against what its witnesses know; every way not to fit, by its name."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.commands import audit_proofs, audit_witnesses
from app.database import reading, writing
from app.errors import Problem
from app.home import Home
from app.log_key import KeyFolder
from app.processes.signer import Following
from app.witnesses.bucket import BucketWitness, s3
from app.witnesses.file import FileWitness
from app.witnesses.hold import cosignatures, forgotten, hold
from app.witnesses.port import Seen
from app.witnesses.publish import Line
from app.witnesses.settings import BucketSettings
from audit.alarm import LogAlarm, alarms
from audit.checkpoint import parse, sign
from audit.note import SigningKey
from tests.app.witnesses.conftest import WITNESS_NAME, Room, Signed

pytestmark = pytest.mark.slow


def test_a_log_that_contains_all_that_its_witnesses_know(room: Room) -> None:
    for _ in range(3):
        room.show(room.signed.grow())
    code, told = room.run(keys=[str(room.signed.key)])
    assert (code, told["ok"], told["findings"], told["remarks"]) == (0, True, [], [])
    assert [(one["checkpoints"], one["size"]) for one in told["witnesses"]] == [(3, 22), (1, 22)]
    assert told["entries"] == 22


def test_a_log_that_goes_on_while_it_is_asked_is_no_alarm(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.show(room.signed.grow())
    known = FileWitness.known

    def meanwhile(self: FileWitness, origins: Any = ()) -> Iterator[Seen]:
        yield from list(known(self))
        room.show(room.signed.grow())

    monkeypatch.setattr(FileWitness, "known", meanwhile)
    code, told = room.run()
    assert (code, told["findings"]) == (0, [])


def test_a_cut_tail_is_shown_by_two_notes(room: Room) -> None:
    first = room.signed.grow()
    room.show(first)
    last = room.signed.grow()
    room.show(last)
    room.cut(first.size)
    code, told = room.run()
    assert code == 7
    assert {(one["witness"], one["what"]) for one in told["findings"]} == {
        (f"file:{room.notes}", "shorter"),
        (WITNESS_NAME, "shorter"),
    }
    for one in told["findings"]:
        sizes = [parse(note).size for note in one["notes"]]
        assert sizes == [last.size, first.size]


def test_a_log_without_its_checkpoints_is_asked_for_by_its_key(room: Room) -> None:
    room.show(room.signed.grow())
    room.signed.log.raw("DELETE FROM log_checkpoint", "DELETE FROM log_witness", "DELETE FROM log_entry WHERE seq > 8")
    assert (WITNESS_NAME, "shorter") in room.whats(keys=[str(room.signed.key)])
    assert (WITNESS_NAME, "shorter") in room.whats()


def test_an_old_backup_is_shown(room: Room, tmp_path: Path) -> None:
    room.show(room.signed.grow())
    room.signed.log.raw("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(tmp_path / "home" / "spendgate.db", tmp_path / "backup")
    room.show(room.signed.grow())
    for name in ("spendgate.db-wal", "spendgate.db-shm"):
        (tmp_path / "home" / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup", tmp_path / "home" / "spendgate.db")
    assert room.whats() == {("file", "shorter"), (WITNESS_NAME, "shorter")}


def test_a_fork_is_proven_by_the_two_notes(room: Room) -> None:
    """The same size, two roots, one key: whoever holds both lines below can show it to anybody."""
    honest = room.signed.grow()
    forged = sign(honest.origin, honest.size, bytes(32), room.signed.following.key)
    room.notes.write_text(f"{forged}\n")
    code, told = room.run(url=None, witness_key=None)
    (finding,) = told["findings"]
    assert (code, finding["what"]) == (7, "forked")
    notes = [parse(note) for note in finding["notes"]]
    assert [(one.origin, one.size) for one in notes] == [(honest.origin, honest.size)] * 2
    assert {one.root for one in notes} == {bytes(32), honest.root}
    for one in finding["notes"]:
        assert room.signed.key.signed(parse(one).note.text, parse(one).note.signatures[0])


def test_an_entry_that_was_changed_with_its_hash_is_a_fork(room: Room) -> None:
    room.show(room.signed.grow())
    room.signed.log.raw("UPDATE log_entry SET body = replace(body, 'p-0a11ce01', 'p-0b0b0002') WHERE seq = 2")
    assert room.whats() == {("file", "forked"), (WITNESS_NAME, "forked")}


def test_a_note_of_another_key_is_named(room: Room) -> None:
    checkpoint = room.signed.grow()
    room.show(checkpoint)
    other = SigningKey.new(room.signed.key.name)
    with room.notes.open("a") as file:
        file.write(sign(checkpoint.origin, checkpoint.size, checkpoint.root, other) + "\n")
    assert room.whats() == {("file", "other key")}


def test_a_log_written_anew_with_a_key_of_its_own_does_not_fit_the_key_that_was_given(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.show(room.signed.grow())
    given = str(room.signed.key)
    Signed(tmp_path / "anew").grow(100)
    monkeypatch.setenv("SPENDGATE_HOME", str(tmp_path / "anew"))
    assert ("file", "forked") in room.whats(keys=[given])
    assert ("file", "other key") in room.whats()


@pytest.mark.parametrize("how", ["cut", "edited", "emptied", "a note in the middle taken out"])
def test_a_file_that_forgot_or_changed_is_named(room: Room, how: str) -> None:
    for _ in range(3):
        room.show(room.signed.grow())
    data = room.notes.read_bytes()
    third = len(data) // 3
    changed, expected = {
        "cut": (data[: 2 * third], {("file", "forgotten")}),
        "edited": (data.replace(b"\n17\n", b"\n16\n"), {("file", "forgotten"), ("file", "other key")}),
        "emptied": (b"", {("file", "forgotten")}),
        "a note in the middle taken out": (data[:third] + data[2 * third :], {("file", "forgotten")}),
    }[how]
    assert changed != data
    room.notes.write_bytes(changed)
    assert room.whats() == expected


def test_a_write_that_broke_off_is_told_and_no_alarm(room: Room) -> None:
    room.show(room.signed.grow())
    with room.notes.open("ab") as file:
        file.write(b"spendgate/00")
    code, told = room.run()
    assert (code, len(told["remarks"])) == (0, 1)
    assert "not written to its end" in told["remarks"][0]


def test_a_note_of_another_key_is_an_alarm_however_its_file_ends(room: Room, tmp_path: Path) -> None:
    """A checkpoint that somebody saved ends without the empty line that stands between the notes of a file."""
    point = room.signed.grow()
    room.show(point)
    kept = tmp_path / "kept.txt"
    kept.write_text(str(point.note))
    code, told = room.run(file=str(kept))
    assert (code, [one["checkpoints"] for one in told["witnesses"]]) == (0, [1, 1])
    other = "spendgate/9c47532c917dee8b+439e60d3+AbRJssi5klDqiXSO9eM7QmjmgQhMgfxSpgC5Ieq1i6Vr"
    assert ("file", "other key") in room.whats(file=str(kept), keys=[other])
    kept.write_text(str(point.note).replace(f"\n{point.size}\n", f"\n{point.size - 1}\n"))
    assert ("file", "other key") in room.whats(file=str(kept))


def test_nothing_that_was_read_is_no_all_clear(room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    room.signed.grow()
    empty = tmp_path / "empty"
    empty.write_text("")
    audit_witnesses.run(file=str(empty), keys=[], bucket=None, url=None, witness_key=None, as_json=False)
    said = capsys.readouterr().out
    assert "No checkpoint of this log was read" in said
    assert "everything" not in said


def test_a_witness_that_forgot_is_named(room: Room) -> None:
    room.show(room.signed.grow())
    (state,) = (room.served.memory.folder / "logs").glob("*.note")
    room.served.memory._newest.clear()
    state.unlink()
    assert room.whats() == {(WITNESS_NAME, "forgotten")}


def test_a_cosignature_that_is_of_no_stored_checkpoint_is_named(room: Room) -> None:
    room.show(room.signed.grow())
    room.signed.log.raw("UPDATE log_checkpoint SET note = replace(note, 'spendgate/', 'somegate/')")
    with reading(room.signed.log.engine) as (session, _):
        found = cosignatures(session, room.served.key)
    assert [(one.witness, one.what) for one in found] == [(WITNESS_NAME, "damaged")]


def test_a_witness_that_is_not_there_is_told_and_the_others_are_held(room: Room) -> None:
    room.show(room.signed.grow())
    code, told = room.run(url="http://127.0.0.1:9")
    assert (code, told["ok"], told["findings"]) == (1, False, [])
    assert list(told["not_read"]) == [WITNESS_NAME]
    room.cut(5)
    code, _ = room.run(url="http://127.0.0.1:9")
    assert code == 7


def test_what_the_signer_was_told_is_shown_later(room: Room) -> None:
    old, newer = room.signed.grow(), room.signed.grow()
    room.show(newer)
    room.file.offer(old)
    assert not room.file.step(1e15)
    code, told = room.run()
    assert (code, told["findings"], len(told["remarks"])) == (0, [], 1)
    assert f"file:{room.notes} contradicted {old.origin} (knows more)" in told["remarks"][0]
    with reading(room.signed.log.engine) as (session, _):
        assert [one.what for one in alarms(session)] == ["knows more"]


def test_an_alarm_stands_in_the_logs_status(
    engine: Engine, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPENDGATE_HOME", str(home.folder))
    following = Following(engine, KeyFolder(home.folder / "signer"))
    assert following.round()
    audit_proofs.show_status(as_json=True)
    assert json.loads(capsys.readouterr().out)["contradicted"] == []
    with writing(engine) as (session, now):
        session.add(LogAlarm(origin="before/its-restore", witness="witness.example", what="cut", at=now))
    audit_proofs.show_status(as_json=False)
    assert "witness witness.example: cut" in capsys.readouterr().out
    with writing(engine) as (session, now):
        session.add(LogAlarm(origin=following.signer.origin, witness="witness.example", what="forked", at=now))
    with pytest.raises(SystemExit) as end:
        audit_proofs.show_status(as_json=False)
    assert end.value.code == 7
    assert "witness witness.example: forked" in capsys.readouterr().out


def test_a_bucket_is_read_back_with_what_is_hidden_in_it(signed: Signed, moto: str) -> None:
    bucket = BucketSettings("b-1", "", 30, "us-east-1", "test", "test", endpoint_url=moto)
    client = s3(bucket)
    client.create_bucket(Bucket="b-1", ObjectLockEnabledForBucket=True)
    line = Line(signed.log.engine, BucketWitness(client, bucket, signed.key))
    line.offer(signed.grow())
    assert line.step(0.0), line.state
    (key,) = [one["Key"] for one in client.list_object_versions(Bucket="b-1")["Versions"]]
    client.delete_object(Bucket="b-1", Key=key)
    signed.log.raw("DELETE FROM log_entry WHERE seq > 8")
    with reading(signed.log.engine) as (session, now):
        told = {bucket.name: list(BucketWitness(client, bucket).known())}
        held = hold(session, told, {signed.key: 0})
        lost = forgotten(session, told, now=now)
    assert [(one.witness, one.what) for one in held.findings] == [("s3://b-1/", "shorter")]
    assert lost == []


def test_without_a_witness_there_is_nothing_to_hold(room: Room) -> None:
    with pytest.raises(Problem, match="no witness to ask"):
        room.run(file=None, url=None, witness_key=None)


def test_the_words_name_the_notes(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    room.show(room.signed.grow())
    room.cut(5)
    keys = [str(room.signed.key)]
    with pytest.raises(SystemExit):
        audit_witnesses.run(file=str(room.notes), bucket=None, url=None, witness_key=None, keys=keys, as_json=False)
    out = capsys.readouterr().out
    assert f"ALARM (shorter) at file:{room.notes}: the log has 5 entries" in out
    assert f"\n{room.signed.following.signer.origin}\n12\n" in out
