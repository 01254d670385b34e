"""The signer: what it signs, what it refuses to sign, and that proofs from the stored tree lead to what it signed."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.database import beside, open_database, reading, writing
from app.log_key import KeyFolder
from app.processes.signer import Following
from audit import checkpoint
from audit.canonical import canonical, sha256
from audit.checkpoint import Checkpoint
from audit.errors import AuditError
from audit.event import Actor, ActorKind, Event
from audit.lag import lag
from audit.log import append
from audit.marks import mark_of
from audit.note import SigningKey, UnverifiedNote
from audit.prove import prove, prove_growth, verify_part
from audit.signer import NotSigned, Signer
from audit.stored_tree import WIDTH, LogTile, StoredTree, newest_checkpoint
from audit.tree import root
from audit.verify import verify
from tests.audit.conftest import START

KEY = SigningKey.new("bank.example/log")
AUDITOR = Actor(ActorKind.PERSON, "p-0a0d1703")


def signed(log: Any, last: Checkpoint | None = None, *, restored: bool = False, key: SigningKey = KEY) -> Checkpoint:
    """The log read from its beginning, signed and stored."""
    signer = Signer(key, origin="bank.example/log", last=last, restored=restored)
    with reading(log.engine) as (session, _):
        signer.read(session)
    note = signer.sign()
    with beside(log.engine) as (session, _):
        signer.store(session, note, START)
    return checkpoint.verify(note, [key.verifier])


def bodies(log: Any) -> list[bytes]:
    with reading(log.engine) as (session, _):
        return [row[0] for row in session.connection().exec_driver_sql("SELECT body FROM log_entry ORDER BY seq")]


def test_what_is_signed_is_the_tree_of_the_entries_bytes(log: Any) -> None:
    found = signed(log)
    assert (found.origin, found.size, found.root) == ("bank.example/log", 6, root(bodies(log)))
    assert log.verify().root == found.root.hex()
    with reading(log.engine) as (session, _):
        newest = newest_checkpoint(session)
    assert newest is not None
    assert newest.note == str(found.note)


def test_it_goes_on_from_what_it_signed_and_signs_nothing_twice_in_two_ways(log: Any) -> None:
    first = signed(log)
    log.fill(3)
    second = signed(log, first)
    assert second.size == 9
    assert signed(log, second).note == second.note
    with reading(log.engine) as (session, _):
        hashes = prove_growth(session, first.size, second.size, first.root, second.root)
    assert len(hashes) <= 5


@pytest.mark.parametrize("count", [WIDTH - 1, WIDTH, WIDTH + 1, 2 * WIDTH + 7])
def test_every_proof_from_the_stored_tree_verifies(empty_log: Any, count: int) -> None:
    log = empty_log()
    log.fill(count)
    found = signed(log)
    raw = bodies(log)
    with reading(log.engine) as (session, _):
        tree = StoredTree(session)
        assert tree.root(0, count) == found.root == root(raw)
        assert len(session.connection().exec_driver_sql("SELECT 1 FROM log_tile").all()) == count // WIDTH
        for size in {1, 2, WIDTH - 2, WIDTH // 2, count}:
            assert tree.root(0, size) == root(raw[:size])
            assert prove_growth(session, size, count, root(raw[:size]), found.root) is not None
        for seq in {1, 2, WIDTH // 2, WIDTH - 1, count}:
            assert prove(session, seq, found).index == seq - 1
        assert verify_part(session, count - 5, count, found) is None


def test_a_damaged_tile_is_no_proof_and_no_false_one(empty_log: Any) -> None:
    log = empty_log()
    log.fill(WIDTH + 4)
    found = signed(log)
    log.raw(("UPDATE log_tile SET hashes = CAST(? || substr(hashes, 33) AS BLOB)", (b"\0" * 32,)))
    with reading(log.engine) as (session, _):
        assert prove(session, WIDTH + 1, found)  # its proof takes the tile's root alone
        with pytest.raises(UnverifiedNote, match="was not made"):
            prove(session, 9, found)
    assert log.verify().ok, "the tree is grown from the entries, not from tiles"
    log.raw("UPDATE log_tile SET hashes = x'00'")
    with reading(log.engine) as (session, _):
        assert prove(session, 9, found).index == 8


CHANGES: list[tuple[str, str, str]] = [
    ("an entry is deleted", "DELETE FROM log_entry WHERE seq = 3", "Entry 3"),
    ("a body is changed", "UPDATE log_entry SET body = CAST(body || ' ' AS BLOB) WHERE seq = 4", "Entry 4"),
    ("a body becomes text", "UPDATE log_entry SET body = CAST(body AS TEXT) WHERE seq = 4", "Entry 4"),
    ("a hash is changed", "UPDATE log_entry SET hash = 'x' WHERE seq = 5", "Entry 5"),
    ("the tail is cut", "DELETE FROM log_entry WHERE seq > 4", "shorter"),
]


@pytest.mark.parametrize(("what", "statement", "says"), CHANGES, ids=[what for what, _, _ in CHANGES])
def test_it_signs_nothing_when(log: Any, what: str, statement: str, says: str) -> None:
    last = signed(log)
    log.raw(statement)
    with pytest.raises(NotSigned, match=says):
        signed(log, last)


def rewritten(log: Any) -> None:
    """The whole log anew, each hash fitting: what somebody with the database can do."""
    statements: list[Any] = ["CREATE TABLE other AS SELECT * FROM log_entry", "DELETE FROM log_entry"]
    log.raw(*statements)
    before = "0" * 64
    with reading(log.engine) as (session, _):
        rows = session.connection().exec_driver_sql("SELECT * FROM other ORDER BY seq").mappings().all()

    for row in rows:
        told = json.loads(row["body"]) | {"prev": before}
        if row["seq"] == 3:
            told["actor"]["id"] = "w-2"
        body = canonical(told)
        after = sha256(b"\0", body)
        columns = dict(row) | {"body": body, "hash": after, "prev": before, "actor": told["actor"]["id"]}
        log.raw((f"INSERT INTO log_entry VALUES ({', '.join('?' * len(columns))})", tuple(columns.values())))
        before = after


def test_a_log_that_was_written_anew_is_not_signed_and_one_checkpoint_shows_it(log: Any, tmp_path: Path) -> None:
    early = signed(log)
    rewritten(log)
    with pytest.raises(NotSigned, match="not the one that was signed"):
        signed(log, early)
    found = log.verify()
    assert (found.ok, found.first_bad) == (False, 1), "a stored checkpoint is enough"
    log.raw("DELETE FROM log_checkpoint")
    assert log.verify().ok
    with writing(log.engine) as (session, _):
        found = verify(session, kept=[mark_of(early, "the auditor's copy")])
    assert (found.ok, found.first_bad) == (False, 1)
    assert "the auditor's copy" in found.reason


def test_a_cut_tail_is_named_by_the_checkpoint_that_reached_further(log: Any) -> None:
    kept = signed(log)
    log.raw("DELETE FROM log_entry WHERE seq > 4", "DELETE FROM log_checkpoint")
    assert log.verify().ok
    with writing(log.engine) as (session, _):
        found = verify(session, kept=[mark_of(kept, "copy")])
    assert (found.first_bad, "ends at 4" in found.reason) == (5, True)


def test_checkpoints_narrow_down_where_a_rewritten_log_differs(log: Any) -> None:
    """The first one that does not fit bounds the entry; the one before tells that all was well until there."""
    signed(log)
    log.fill(2)
    signed(log)
    log.raw("DELETE FROM log_checkpoint WHERE size = 6")
    raw = bodies(log)
    good = Checkpoint("bank.example/log", 4, root(raw[:4]), signed(log).note)
    bad = good._replace(size=7, root=root([*raw[:6], b"other"]))
    with writing(log.engine) as (session, _):
        found = verify(session, kept=[mark_of(good, "good"), mark_of(bad, "bad")])
    assert (found.ok, found.first_bad) == (False, 5)


def restore(log: Any, lost: Checkpoint, kept: int, **changed: Any) -> None:
    told = {"origin": lost.origin, "size": lost.size, "root": lost.root.hex()} | changed
    with writing(log.engine) as (session, now):
        data = {"lost": told, "kept": {"size": kept, "root": ""}, "reason": None}
        append(session, now=now, event=Event.LOG_RESTORED, actor=AUDITOR, data=data)


def test_a_restore_is_an_entry_that_names_what_was_lost_and_the_signer_must_know_of_it(log: Any) -> None:
    lost = signed(log)
    log.raw("DELETE FROM log_entry WHERE seq > 4", "DELETE FROM log_checkpoint")
    with pytest.raises(NotSigned, match="shorter"):
        signed(log, lost)
    restore(log, lost, kept=4)
    with pytest.raises(NotSigned, match="--after-restore"):
        signed(log, lost)
    found = signed(log, lost, restored=True)
    assert (found.origin, found.size) == ("bank.example/log/restored-1", 5)
    with writing(log.engine) as (session, _):
        checked = verify(session, kept=[mark_of(lost, "the auditor's copy")])
    assert checked.ok
    assert "entries 5 to 6 was lost" in checked.remarks[0]
    assert signed(log, found).origin == "bank.example/log/restored-1"


def test_a_backup_that_is_older_than_an_earlier_restore_gives_no_name_twice(log: Any) -> None:
    """What was signed as restored-1 is lost with the entry that made it so; the next name is told by the new entry."""
    first = signed(log)
    log.raw("DELETE FROM log_entry WHERE seq > 4", "DELETE FROM log_checkpoint")
    restore(log, first, kept=4)
    lost = signed(log, first, restored=True)
    log.raw("DELETE FROM log_entry WHERE seq > 3", "DELETE FROM log_checkpoint")
    told = {"origin": lost.origin, "size": lost.size, "root": lost.root.hex()}
    with writing(log.engine) as (session, now):
        data = {"number": 2, "lost": told, "kept": {"size": 3, "root": ""}, "reason": None}
        append(session, now=now, event=Event.LOG_RESTORED, actor=AUDITOR, data=data)
    assert signed(log, lost, restored=True).origin == "bank.example/log/restored-2"


@pytest.mark.parametrize("wrong", [{"size": 7}, {"root": "00" * 32}, {"origin": "other.example/log"}])
def test_a_restore_that_names_something_else_explains_nothing(log: Any, wrong: dict[str, Any]) -> None:
    lost = signed(log)
    log.raw("DELETE FROM log_entry WHERE seq > 4", "DELETE FROM log_checkpoint")
    restore(log, lost, kept=4, **wrong)
    with pytest.raises(NotSigned):
        signed(log, lost, restored=True)
    with writing(log.engine) as (session, _):
        found = verify(session, kept=[mark_of(lost, "copy")])
    explained = wrong == {"size": 7}  # of before that restore; what was at that size it does not say
    assert found.ok == explained


def test_one_entry_is_verified_alone_down_to_each_byte(log: Any) -> None:
    found = signed(log)
    with reading(log.engine) as (session, _):
        assert all(verify_part(session, seq, seq, found) is None for seq in range(1, 7))
        assert verify_part(session, 2, 5, found) is None
        for first, last in ((0, 3), (4, 2), (5, 7)):
            with pytest.raises(AuditError, match="cannot be verified"):
                verify_part(session, first, last, found)
    body = bodies(log)[2]
    forged = body.replace(b"w-1", b"w-2")
    log.raw(
        (
            "UPDATE log_entry SET body = ?, hash = ?, actor = 'w-2' WHERE seq = 3",
            (forged, sha256(b"\0", forged)),
        )
    )
    with reading(log.engine) as (session, _):
        bad = verify_part(session, 3, 3, found)
        assert bad is not None
        assert (bad.seq, "not in the tree" in bad.reason) == (3, True)
        bad = verify_part(session, 2, 5, found)
        assert bad is not None
        assert bad.seq == 2, "the proof of its neighbour is made of it"


def test_the_process_keeps_its_key_and_meets_what_it_signed_last(log: Any, tmp_path: Path) -> None:
    files = KeyFolder(tmp_path / "signer")
    first = Following(log.engine, files)
    assert first.round() is not None
    assert first.round() is None
    assert files.key() == first.key
    assert (files.key_file.stat().st_mode & 0o777, files.folder.stat().st_mode & 0o777) == (0o600, 0o700)
    told = [one for one in bodies(log) if b"log.key_changed" in one]
    assert len(told) == 1
    assert str(first.key.verifier).encode() in told[0]
    again = Following(log.engine, KeyFolder(tmp_path / "signer"))
    assert again.key == first.key
    log.raw("DELETE FROM log_entry WHERE seq = 7", "DELETE FROM log_checkpoint")
    with pytest.raises(NotSigned, match="shorter"):
        again.round()


def test_a_checkpoint_that_was_signed_and_not_stored_is_stored_by_the_next_start(log: Any, tmp_path: Path) -> None:
    """Killed between its own file and the database."""
    files = KeyFolder(tmp_path / "signer")
    first = Following(log.engine, files)
    with reading(log.engine) as (session, _):
        first.signer.read(session)
    note = first.signer.sign()
    files.keep(note)
    assert Following(log.engine, files).round() == note


def test_another_key_is_told_by_an_entry(log: Any, tmp_path: Path) -> None:
    one = Following(log.engine, KeyFolder(tmp_path / "one"))
    other = Following(log.engine, KeyFolder(tmp_path / "other"))
    told = [body for body in bodies(log) if b"log.key_changed" in body]
    assert len(told) == 2
    assert str(one.key.verifier).encode() in told[1]
    assert str(other.key.verifier).encode() in told[1]


def test_files_beside_the_key_that_do_not_belong_together_are_refused(log: Any, tmp_path: Path) -> None:
    files = KeyFolder(tmp_path / "signer")
    Following(log.engine, files).round()
    files.key_file.chmod(0o644)
    with pytest.raises(Exception, match="Other users"):
        files.key()
    files.key_file.chmod(0o600)
    files.key_file.write_text(KEY.secret())
    with pytest.raises(Exception, match="not signed with this key"):
        Following(log.engine, files)
    files.key_file.write_text("rubbish")
    with pytest.raises(Exception, match="cannot be read") as told:
        files.key()
    assert "rubbish" not in str(told.value)


def test_what_stands_beside_the_log_is_only_added_to(log: Any) -> None:
    signed(log)
    engine = open_database(log.path)
    for statement in (
        "UPDATE log_checkpoint SET note = ''",
        "DELETE FROM log_checkpoint",
        "INSERT OR REPLACE INTO log_checkpoint SELECT * FROM log_checkpoint",
    ):
        with pytest.raises(Exception, match="signed checkpoint"), writing(engine) as (session, _):
            session.connection().exec_driver_sql(statement)
    with writing(engine) as (session, _):
        session.add(LogTile(level=0, number=0, hashes=b"", root=b""))
    with pytest.raises(Exception, match="a tile of the tree"), writing(engine) as (session, _):
        session.connection().exec_driver_sql("DELETE FROM log_tile")


def test_a_log_that_is_shorter_than_what_was_signed_is_an_alarm_at_once(log: Any) -> None:
    signed(log)
    with writing(log.engine) as (session, now):
        assert not lag(session, now=now).alarm
    log.raw("DELETE FROM log_entry WHERE seq > 4")
    with writing(log.engine) as (session, now):
        found = lag(session, now=now)
    assert found.alarm
    assert "has 4 entries, and 6 were signed" in found.sentence()
