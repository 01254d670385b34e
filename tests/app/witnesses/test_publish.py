"""The signer's publications: the newest only, never before the pause, never in the signer's way, refusals as alarms."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from sqlmodel import col, select

from app.database import reading
from app.web.logview import data_of
from app.witnesses.file import FileWitness
from app.witnesses.port import FORKED, KNOWS_MORE, Contradicted, Growth, NotShown, Seen
from app.witnesses.process import ProcessWitness, cosigned
from app.witnesses.publish import ALARM, FAILING, MOST_PAUSE_SECONDS, WELL, Line, Publisher
from audit.alarm import LogAlarm, alarms
from audit.checkpoint import Checkpoint, parse, verify
from audit.event import Event
from audit.log import entries
from audit.note import SigningKey
from audit.stored_tree import LogCheckpoint, LogWitness
from tests.app.witnesses.conftest import Served, Signed


class Told:
    """A witness that takes down what it is shown; `before` runs first and may raise."""

    name, pause = "told", 5.0

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self.sizes: list[int] = []
        self.before = before

    def publish(self, checkpoint: Checkpoint, grown: Growth) -> None:
        self.before()
        self.sizes.append(checkpoint.size)

    def known(self, origins: Sequence[str]) -> Iterator[Seen]:
        return iter(())


def failing() -> None:
    raise NotShown("it was not there", why="nobody answered", do="Wait")


def shown(signed: Signed) -> list[LogWitness]:
    with reading(signed.log.engine) as (session, _):
        return list(session.exec(select(LogWitness).order_by(col(LogWitness.size))))


def alarmed(signed: Signed) -> tuple[list[LogAlarm], list[dict[str, object]]]:
    with reading(signed.log.engine) as (session, _):
        rows = alarms(session)
        told = [data_of(entry) for entry in entries(session, limit=1000, event=Event.LOG_ALARM)]
    return rows, told


def test_only_the_newest_is_shown_and_not_before_the_pause(signed: Signed) -> None:
    witness = Told()
    line = Line(signed.log.engine, witness)
    assert line.due_in(0) is None
    first = signed.grow()
    line.offer(first)
    assert line.step(100.0)
    newer = [signed.grow(), signed.grow()]
    for one in newer:
        line.offer(one)
    assert line.due_in(104.0) == 1.0
    assert not line.step(104.9)
    assert line.step(105.0)
    assert line.due_in(1e9) is None
    assert witness.sizes == [first.size, newer[-1].size]
    assert [(row.witness, row.size, row.cosignature) for row in shown(signed)] == [
        ("told", first.size, None),
        ("told", newer[-1].size, None),
    ]


def test_failures_are_counted_said_once_and_waited_after(signed: Signed, caplog: pytest.LogCaptureFixture) -> None:
    witness = Told(failing)
    line = Line(signed.log.engine, witness)
    line.offer(signed.grow())
    now = 0.0
    for count in range(1, 12):
        assert not line.step(now)
        wait = line.due_in(now)
        assert wait is not None
        assert wait == min(5.0 * 2 ** min(count, 10), MOST_PAUSE_SECONDS)
        now += wait
    assert (line.state, line.failures) == (FAILING, 11)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    witness.before = lambda: None
    assert line.step(now)
    assert (line.state, line.failures) == (WELL, 0)
    assert "again, after 11 tries" in caplog.records[-1].message
    assert alarmed(signed) == ([], [])


def test_a_fault_of_a_witnesses_own_code_does_not_end_its_thread(signed: Signed) -> None:
    def broken() -> None:
        raise RuntimeError("a fault")

    line = Line(signed.log.engine, Told(broken))
    line.offer(signed.grow())
    assert not line.step(0.0)
    assert line.state == FAILING


def test_a_contradiction_is_an_alarm_said_aloud_and_stored_once(
    signed: Signed, caplog: pytest.LogCaptureFixture
) -> None:
    def refuses() -> None:
        raise Contradicted(KNOWS_MORE, why="it knows 99 entries", known=99)

    line = Line(signed.log.engine, Told(refuses))
    offered = signed.grow()
    line.offer(offered)
    for now in (0.0, 1000.0, 2000.0):
        assert not line.step(now)
    assert line.state == ALARM
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]
    rows, told = alarmed(signed)
    assert [(row.origin, row.witness, row.what) for row in rows] == [(offered.origin, "told", KNOWS_MORE)]
    assert told == [
        {
            "origin": offered.origin,
            "size": offered.size,
            "root": offered.root.hex(),
            "witness": "told",
            "what": KNOWS_MORE,
            "known": 99,
        }
    ]
    assert shown(signed) == []


def test_the_signer_signs_while_a_witness_hangs(signed: Signed, tmp_path: Path) -> None:
    hangs, let_go = threading.Event(), threading.Event()
    where: list[threading.Thread] = []

    def hang() -> None:
        where.append(threading.current_thread())
        hangs.set()
        let_go.wait(5)

    done = threading.Event()
    stuck, other = Told(hang), Told()
    publisher = Publisher(signed.log.engine, [stuck, other])
    other.before = done.set
    publisher.start()
    try:
        publisher.offer(str(signed.grow().note))
        assert hangs.wait(30)
        assert done.wait(30), "nor does it hold up another witness"
        sizes = []
        for _ in range(3):
            newer = signed.grow()
            publisher.offer(str(newer.note))
            sizes.append(newer.size)
        assert sizes == sorted(set(sizes))
        assert where[0] is not threading.current_thread(), "it hangs where nobody waits for it"
    finally:
        let_go.set()
        publisher.end()


def test_a_witness_that_cosigns_is_shown_the_log_by_proofs(signed: Signed, serve: Callable[..., Served]) -> None:
    witness = serve(signed.key)
    line = Line(signed.log.engine, ProcessWitness(witness.url, witness.key))
    for at, count in enumerate((1, 300, 7)):
        line.offer(signed.grow(count))
        assert line.step(at * 1000.0), line.state
    rows = shown(signed)
    assert len(rows) == 3
    newest = parse(witness.get(signed.following.signer.origin).text)
    assert newest.size == rows[-1].size
    for row in rows:
        assert row.cosignature is not None
        with reading(signed.log.engine) as (session, _):
            note = session.get_one(LogCheckpoint, (row.origin, row.size)).note
        assert verify(cosigned(parse(note), row.cosignature), witness.key).size == row.size


def test_a_signer_that_starts_anew_asks_the_witness_what_it_knows(signed: Signed, serve: Callable[..., Served]) -> None:
    witness = serve(signed.key)
    for _ in range(2):
        line = Line(signed.log.engine, ProcessWitness(witness.url, witness.key))
        line.offer(signed.grow())
        assert line.step(0.0), line.state
    assert len(shown(signed)) == 2


def test_an_old_backup_under_the_signers_feet_is_an_alarm(
    signed: Signed, serve: Callable[..., Served], tmp_path: Path
) -> None:
    """Whoever restores database and signer's folder together deceives the signer, and not the witnesses."""
    witness, notes = serve(signed.key), tmp_path / "notes"
    old = signed.grow()
    newer = signed.grow()
    for one in (FileWitness(notes, signed.key), ProcessWitness(witness.url, witness.key)):
        line = Line(signed.log.engine, one)
        line.offer(newer)
        assert line.step(0.0)
    for one in (FileWitness(notes, signed.key), ProcessWitness(witness.url, witness.key)):
        line = Line(signed.log.engine, one)
        line.offer(old)
        assert not line.step(0.0)
        assert line.state == ALARM
    rows, told = alarmed(signed)
    assert sorted((row.witness, row.what) for row in rows) == sorted(
        [(f"file:{notes}", KNOWS_MORE), (witness.key.name, KNOWS_MORE)]
    )
    assert {entry["known"] for entry in told} == {newer.size}


def test_a_rewritten_log_is_an_alarm(signed: Signed, serve: Callable[..., Served], tmp_path: Path) -> None:
    """The log's own signer signs a log that somebody wrote anew: same key, same name, one entry changed."""
    witness = serve(signed.key)
    shown_there = signed.grow()
    first = Line(signed.log.engine, ProcessWitness(witness.url, witness.key))
    first.offer(shown_there)
    assert first.step(0.0)
    anew = Signed(tmp_path / "anew")
    key = SigningKey(signed.key.name, signed.key.kind, signed.following.key.seed)
    anew.following.key = anew.following.signer.key = key
    anew.following.signer._base = shown_there.origin
    forged = anew.grow(shown_there.size + 10)
    line = Line(anew.log.engine, ProcessWitness(witness.url, witness.key))
    line.offer(forged)
    assert not line.step(0.0)
    assert line.state == ALARM
    rows, _ = alarmed(anew)
    assert [row.what for row in rows] == [FORKED]
    assert parse(witness.get(shown_there.origin).text).size == shown_there.size


def test_a_damaged_tile_is_a_failure_and_no_alarm(signed: Signed, serve: Callable[..., Served]) -> None:
    witness = serve(signed.key)
    line = Line(signed.log.engine, ProcessWitness(witness.url, witness.key))
    line.offer(signed.grow(300))
    assert line.step(0.0)
    signed.log.raw("UPDATE log_tile SET hashes = zeroblob(8192), root = zeroblob(32)")
    line.offer(signed.grow(300))
    assert not line.step(1000.0)
    assert line.state == FAILING
    assert alarmed(signed) == ([], [])


@pytest.mark.parametrize("status", [400, 403, 404, 500, 302])
def test_other_answers_are_failures(signed: Signed, status: int) -> None:
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(status, text="no")))
    key = SigningKey.new("w.example", 4).verifier
    with pytest.raises(NotShown, match=str(status)):
        ProcessWitness("http://127.0.0.1:9", key, client=client).publish(signed.grow(), lambda _: [])


@pytest.mark.parametrize("answer", [b"", b"\xe2\x80\x94 w.example AAAA\n", b"x" * 100_000])
def test_an_answer_that_is_no_cosignature_is_a_failure(signed: Signed, answer: bytes) -> None:
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=answer)))
    key = SigningKey.new("w.example", 4).verifier
    with pytest.raises(NotShown):
        ProcessWitness("http://127.0.0.1:9", key, client=client).publish(signed.grow(), lambda _: [])


def test_a_cosignature_of_another_witness_does_not_count(signed: Signed) -> None:
    mine, other = SigningKey.new("w.example", 4), SigningKey.new("w.example", 4)
    checkpoint = signed.grow()
    line = other.sign(checkpoint.note.text, at=1).line()
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, text=line)))
    with pytest.raises(NotShown, match="no cosignature"):
        ProcessWitness("http://127.0.0.1:9", mine.verifier, client=client).publish(checkpoint, lambda _: [])
    assert ProcessWitness("http://127.0.0.1:9", other.verifier, client=client).publish(checkpoint, lambda _: []) == line
