"""What people wrote can be read, proved, and erased; the log verifies before and after."""

import json
import sqlite3
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlmodel import Session

from app.database import writing
from audit.errors import AuditError
from audit.event import Actor, ActorKind, Event
from audit.log import append
from audit.private import commitment, erase, keep, keep_records, open_text, reference

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ANN, BEN = "p-000000aa", "p-000000bb"
SECRET = "Because Mr Smith of the second floor asked me to"


def said(session: Session, person: str, text: str) -> dict[str, Any]:
    told = reference(session, person=person, text=text, now=NOW)
    append(session, now=NOW, event=Event.VOTE_REJECTED, actor=Actor(ActorKind.PERSON, person), data={"reason": told})
    return told


def everything_in(log: Any) -> bytes:
    """All bytes of the database file, after the write-ahead log was folded in."""
    connection = sqlite3.connect(log.path, isolation_level=None)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return bytes(log.path.read_bytes())


def test_a_text_is_kept_encrypted_and_opens_again(log: Any) -> None:
    with writing(log.engine) as (session, _):
        ref = keep(session, person=ANN, text=SECRET, now=NOW)
        assert open_text(session, ref) == SECRET
    assert SECRET.encode() not in everything_in(log)


def test_the_same_words_have_different_references_ciphers_and_commitments(log: Any) -> None:
    with writing(log.engine) as (session, _):
        one, two = (keep(session, person=ANN, text=SECRET, now=NOW) for _ in range(2))
        assert one != two
        assert commitment(session, one) != commitment(session, two)


def test_erasing_a_person_leaves_the_log_verifiable_and_the_words_gone(log: Any) -> None:
    with writing(log.engine) as (session, _):
        ann, ben = said(session, ANN, SECRET), said(session, BEN, "Too dear")
        key = bytes(session.connection().exec_driver_sql("SELECT key FROM person_key").first()[0])  # type: ignore[index]
    head = log.verify().head
    with writing(log.engine) as (session, _):
        assert erase(session, person=ANN, now=NOW) == 1
    with writing(log.engine) as (session, _):
        assert open_text(session, ann["ref"]) is None
        assert commitment(session, ann["ref"]) is None
        assert open_text(session, ben["ref"]) == "Too dear"
    assert log.verify(expected_head=head).ok
    assert key not in everything_in(log)


def test_erasing_is_itself_an_entry_without_the_words(log: Any) -> None:
    with writing(log.engine) as (session, _):
        keep(session, person=ANN, text=SECRET, now=NOW)
        erase(session, person=ANN, now=NOW, by=Actor(ActorKind.PERSON, BEN))
        row = session.connection().exec_driver_sql("SELECT actor, body FROM log_entry ORDER BY seq DESC").first()
    assert row is not None
    assert row[0] == BEN
    assert json.loads(row[1])["data"] == {"person": ANN, "texts": 1, "records": 0}


def test_an_id_that_was_erased_is_never_given_a_key_again(log: Any) -> None:
    with writing(log.engine) as (session, _):
        old = keep(session, person=ANN, text="before", now=NOW)
        erase(session, person=ANN, now=NOW)
        with pytest.raises(AuditError, match="never used again"):
            keep(session, person=ANN, text="after", now=NOW)
        with pytest.raises(AuditError, match="never used again"):
            keep_records(session, {ANN: "after"}, now=NOW)
        assert open_text(session, old) is None


def test_erasing_twice_and_erasing_a_stranger_do_nothing_more(log: Any) -> None:
    with writing(log.engine) as (session, _):
        keep(session, person=ANN, text=SECRET, now=NOW)
        assert [erase(session, person=who, now=NOW) for who in (ANN, ANN, BEN)] == [1, 0, 0]


@pytest.mark.parametrize("column", ["cipher", "nonce", "person"])
def test_a_text_that_was_changed_or_moved_to_another_person_is_not_shown(log: Any, column: str) -> None:
    with writing(log.engine) as (session, _):
        ref = keep(session, person=ANN, text=SECRET, now=NOW)
        keep(session, person=BEN, text="mine", now=NOW)
    value: Any = BEN if column == "person" else b"\x01" * 60
    log.raw((f"UPDATE private_text SET {column} = ? WHERE ref = ?", (value, ref)))
    with pytest.raises(AuditError, match="not those that were written"), writing(log.engine) as (session, _):
        open_text(session, ref)


def test_a_reference_that_never_was_opens_nothing(log: Any) -> None:
    with writing(log.engine) as (session, _):
        assert open_text(session, "t-none") is None
