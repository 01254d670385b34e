"""The signer: what it signs, what it refuses to sign, and that proofs from the stored tree lead to what it signed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.database import open_database, reading, writing
from audit import checkpoint
from audit.canonical import canonical, sha256
from audit.checkpoint import Checkpoint
from audit.errors import AuditError
from audit.event import Event
from audit.lag import lag
from audit.log import append
from audit.log_keys import known_keys, told_keys
from audit.marks import mark_of
from audit.note import WITNESS, SigningKey, UnverifiedNote
from audit.prove import prove, prove_growth, verify_part
from audit.signer import NotSigned
from audit.stored_tree import WIDTH, LogTile, StoredTree, newest_checkpoint
from audit.tree import root
from audit.verify import verify
from tests.audit.signing import AUDITOR, KEY, bodies, signed, tell_key


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


def appended(log: Any, change: Callable[[dict[str, Any]], bytes]) -> None:
    """An entry whose hash and columns fit, by somebody with the database."""
    with reading(log.engine) as (session, _):
        rows = session.connection().exec_driver_sql("SELECT * FROM log_entry ORDER BY seq DESC").mappings()
        row = dict(rows.first() or {})
    told = json.loads(row["body"])
    told |= {"seq": told["seq"] + 1, "prev": row["hash"], "data": {"at": 0}}
    body = change(told)
    row |= {"seq": told["seq"], "prev": row["hash"], "body": body, "hash": sha256(b"\0", body)}
    log.raw((f"INSERT INTO log_entry VALUES ({', '.join('?' * len(row))})", tuple(row.values())))


def put(value: bytes) -> Callable[[dict[str, Any]], bytes]:
    return lambda told: canonical(told).replace(b'{"at":0}', value)


BODIES: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "a fraction": put(b'{"at":0.5}'),
    "no number": put(b'{"at":NaN}'),
    "a number that not every program reads": put(b'{"at":%d}' % 2**60),
    "half a character": put(b'{"at":"\\ud800"}'),
    "a name twice": put(b'{"at":0,"at":0}'),
    "a depth that no program reads": put(b'{"at":' + b"[" * 3000 + b"]" * 3000 + b"}"),
    "no entry at all": lambda told: b"[1]",
    "data that is a list": put(b"[1]"),
    "a name more": lambda told: canonical(told | {"zzz": 0}),
    "another number": lambda told: canonical(told | {"seq": 99}),
    "a body longer than an entry": put(b'{"at":"' + b"x" * 70_000 + b'"}'),
    "a time in another form": lambda told: canonical(told | {"recorded_at": "today"}),
}


@pytest.mark.parametrize("what", BODIES)
def test_it_signs_no_entry_that_a_later_check_could_not_read(log: Any, what: str) -> None:
    last = signed(log)
    appended(log, BODIES[what])
    with pytest.raises(NotSigned, match="Entry 7 is not as it was written: its body is not in the form"):
        signed(log, last)
    found = log.verify()
    assert (found.ok, found.first_bad) in ((False, 7), (what.startswith("a body longer"), None))


def test_what_is_told_of_keys_in_another_form_is_passed_over(log: Any) -> None:
    for data in ({"key": "nonsense"}, {}, {"key": 7}, {"key": str(SigningKey.new("w", WITNESS).verifier)}):
        with writing(log.engine) as (session, now):
            append(session, now=now, event=Event.LOG_KEY_CHANGED, actor=AUDITOR, data=data)
    tell_key(log, KEY)
    with reading(log.engine) as (session, _):
        assert told_keys(session) == [KEY.verifier]
        assert known_keys(session) == {KEY.verifier: 11}
    signed(log)
    assert log.verify().ok


def test_with_a_key_something_must_be_signed_by_it(log: Any) -> None:
    """A log that was written anew has no checkpoint by the true key, whatever else stands beside it."""
    tell_key(log, KEY)
    signed(log)
    with writing(log.engine) as (session, _):
        found = verify(session, keys=[KEY.verifier])
    assert (found.ok, found.remarks) == (True, ("the key that was given signed entries 1 to 7",))
    other = SigningKey.new("bank.example/log")
    with writing(log.engine) as (session, _):
        found = verify(session, keys=[other.verifier])
    assert (found.ok, "signed by the key that was given" in found.reason) == (False, True)


def test_a_stored_checkpoint_that_no_key_of_the_log_signed_is_named(log: Any) -> None:
    tell_key(log, KEY)
    found = signed(log)
    unsigned = checkpoint.sign(found.origin, found.size, found.root, SigningKey.new("bank.example/log"))
    log.raw(("UPDATE log_checkpoint SET note = ?", (unsigned,)))
    checked = log.verify()
    assert (checked.ok, checked.first_bad) == (False, 7)
    assert "was signed by no key of this log" in checked.reason


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
