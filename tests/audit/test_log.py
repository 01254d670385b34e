"""How an entry comes to be: one chain, exact bytes, in the deed's own transaction, and never changed."""

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from app.database import writing
from audit.canonical import canonical
from audit.errors import AuditError
from audit.event import Actor, ActorKind, Event
from audit.log import append, entries, head

WHO = Actor(ActorKind.PERSON, "p-0a11ce01")
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def write(session: Session, **data: Any) -> Any:
    written = append(session, now=NOW, event=Event.QUESTION_ASKED, actor=WHO, data=data)
    (entry,) = entries(session, after=written.seq - 1)
    assert head(session) == written == (entry.seq, entry.hash)
    return entry


def test_the_body_is_canonical_and_the_columns_repeat_it(log: Any) -> None:
    with writing(log.engine) as (session, _):
        entry = write(session, amount=Decimal("12.340"), at=NOW)
        told = json.loads(entry.body)
    assert entry.body == rfc8785.dumps(told)
    assert told["data"] == {"amount": "12.340", "at": "2026-11-20T09:00:00.000000Z"}
    assert (told["seq"], told["prev"], told["event"]) == (entry.seq, entry.prev, entry.event)
    assert told["actor"] == {"kind": "person", "id": "p-0a11ce01"}


def test_each_entry_names_the_hash_of_the_one_before(log: Any) -> None:
    with writing(log.engine) as (session, _):
        listed = entries(session)
    assert [entry.seq for entry in listed] == list(range(1, len(listed) + 1))
    assert [entry.prev for entry in listed[1:]] == [entry.hash for entry in listed[:-1]]


def test_a_float_is_refused_and_nothing_is_written(log: Any) -> None:
    with pytest.raises(TypeError, match="Decimal"), writing(log.engine) as (session, _):
        write(session, share=0.1)
    with writing(log.engine) as (session, _):
        assert head(session)[0] == 6


def test_an_entry_that_is_too_long_is_refused(log: Any) -> None:
    with pytest.raises(AuditError, match="SHA-256"), writing(log.engine) as (session, _):
        write(session, said="x" * 70_000)


def test_a_deed_that_fails_leaves_no_entry(log: Any) -> None:
    def deed() -> None:
        with writing(log.engine) as (session, _):
            write(session)
            raise RuntimeError("the deed failed after its entry was written")

    with pytest.raises(RuntimeError, match="after its entry"):
        deed()
    with writing(log.engine) as (session, _):
        assert head(session)[0] == 6


def test_entries_are_found_by_proposal_and_event(log: Any) -> None:
    with writing(log.engine) as (session, _):
        assert [entry.seq for entry in entries(session, proposal="P-0000000001")] == [3, 4, 5, 6]
        assert [entry.seq for entry in entries(session, event=Event.VOTE_REFUSED)] == [4]
        assert [entry.seq for entry in entries(session, after=4, limit=1)] == [5]


DAMAGED = [
    ("a time that is none", "UPDATE log_entry SET recorded_at = '2026-13-99T00:00:00.000000Z' WHERE seq = 2"),
    ("a text that is none", "UPDATE log_entry SET actor = CAST(x'ff00' AS TEXT) WHERE seq = 2"),
]


@pytest.mark.parametrize(("what", "statement"), DAMAGED, ids=[what for what, _ in DAMAGED])
def test_a_damaged_entry_is_not_listed_and_the_way_to_its_name_is_told(log: Any, what: str, statement: str) -> None:
    log.raw(statement)
    with writing(log.engine) as (session, _):
        assert [entry.seq for entry in entries(session, limit=1)] == [1]
        with pytest.raises(AuditError, match="spendgate audit verify"):
            entries(session)


FORBIDDEN = [
    ("UPDATE log_entry SET event = 'vote.approved' WHERE seq = 4", "an entry is changed"),
    ("UPDATE OR REPLACE log_entry SET seq = 1 WHERE seq = 4", "an entry is moved over another"),
    ("DELETE FROM log_entry WHERE seq = 6", "the last entry is deleted"),
    ("INSERT OR REPLACE INTO log_entry SELECT * FROM log_entry WHERE seq = 4", "an entry is written over itself"),
    (
        "INSERT OR REPLACE INTO log_entry SELECT 7, hash, (SELECT hash FROM log_entry WHERE seq = 6), event,"
        " actor_kind, actor, proposal, proposal_version, recorded_at, body, writer FROM log_entry WHERE seq = 4",
        "a new entry pushes out an old one of the same hash",
    ),
    (
        "INSERT INTO log_entry SELECT 9, 'x', 'y', event, actor_kind, actor, proposal, proposal_version, recorded_at,"
        " body, writer FROM log_entry WHERE seq = 4",
        "an entry is added that is not the next one",
    ),
]


@pytest.mark.parametrize(("statement", "what"), FORBIDDEN, ids=[what for _, what in FORBIDDEN])
def test_the_database_refuses_when(log: Any, statement: str, what: str) -> None:
    connection = sqlite3.connect(log.path, isolation_level=None)  # another program: none of our pragmas
    before = connection.execute("SELECT * FROM log_entry ORDER BY seq").fetchall()
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    assert connection.execute("SELECT * FROM log_entry ORDER BY seq").fetchall() == before
    connection.close()


def test_an_entry_cannot_be_changed_through_the_program_either(log: Any) -> None:
    with writing(log.engine) as (session, _):
        entries(session, limit=1)[0].actor = "p-0b0b0002"
        with pytest.raises(IntegrityError, match="append-only"):
            session.flush()
        session.rollback()


def test_an_empty_log_has_a_head_of_zeros(empty_log: Callable[[], Any]) -> None:
    with writing(empty_log().engine) as (session, _):
        assert head(session) == (0, "0" * 64)


def test_canonical_bytes_keep_decimals_and_refuse_naive_times() -> None:
    assert canonical({"b": Decimal("1E+3"), "a": (1, None)}) == b'{"a":[1,null],"b":"1000"}'
    with pytest.raises(ValueError, match="zone"):
        canonical(datetime(2026, 1, 1))  # noqa: DTZ001
