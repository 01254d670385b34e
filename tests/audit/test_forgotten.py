"""What is gone of people went by an entry: rows of forgetting that somebody with the database changed are named."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.database import reading, writing
from audit.errors import AuditError
from audit.event import Actor, ActorKind, Event
from audit.forgotten import undue
from audit.log import append
from audit.private import commitment, erase, keep, keep_records, open_text, reference

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ANN, BEN, CAT = "p-000000aa", "p-000000bb", "p-000000cc"


@pytest.fixture
def said(log: Any) -> Any:
    """Three people who said something, of whom Cat was forgotten."""
    with writing(log.engine) as (session, _):
        for person in (ANN, BEN, CAT):
            told = {"why": [{"reason": reference(session, person=person, text="my words", now=NOW)}]}
            by = Actor(ActorKind.PERSON, person)
            append(session, now=NOW, event=Event.VOTE_REJECTED, actor=by, data=told)
            ref = keep(session, person=person, text="a question", now=NOW)
            asked = {"text": ref, "text_commitment": commitment(session, ref)}
            append(session, now=NOW, event=Event.QUESTION_ASKED, actor=by, data=asked)
        keep_records(session, {ANN: "Ann", BEN: "Ben", CAT: "Cat"}, now=NOW)
        erase(session, person=CAT, now=NOW)
    return log


def found(log: Any) -> list[str]:
    with reading(log.engine) as (session, _):
        return undue(session)


def test_what_was_done_as_it_must_be_agrees(said: Any) -> None:
    assert found(said) == []


MARKED = "UPDATE person_key SET key = NULL, name_key = NULL, erased_at = created_at WHERE person = 'p-000000bb'"
EMPTIED = "UPDATE {} SET nonce = NULL, cipher = NULL, salt = NULL WHERE person = 'p-000000bb'"


@pytest.mark.parametrize(
    ("statement", "words", "times"),
    [
        (EMPTIED.format("private_text"), "of p-000000bb is gone, and the log does not tell", 2),
        (EMPTIED.format("person_record"), "of p-000000bb is gone, and the log does not tell", 1),
        (MARKED, "p-000000bb is stored as forgotten, and the log does not tell", 1),
        ("DELETE FROM private_text WHERE person = 'p-000000bb'", "is not stored", 2),
        ("UPDATE private_text SET person = 'p-000000aa' WHERE person = 'p-000000bb'", "as one of p-000000aa", 2),
        ("UPDATE person_key SET erased_at = NULL", "p-000000cc was forgotten, and is not stored so", 1),
        ("DELETE FROM person_key WHERE person = 'p-000000cc'", "p-000000cc was forgotten, and is not stored so", 1),
        (
            "UPDATE private_text SET nonce = x'00', cipher = x'00', salt = x'00' WHERE person = 'p-000000cc'",
            "of p-000000cc is there, and the log tells",
            2,
        ),
    ],
)
def test_a_row_that_no_entry_explains_is_named(said: Any, statement: str, words: str, times: int) -> None:
    said.raw(statement)
    told = found(said)
    assert (len(told), all(words in sentence for sentence in told)) == (times, True), told


def test_somebody_elses_words_under_a_forgotten_person_are_named_though_they_are_gone(said: Any) -> None:
    said.raw(
        "UPDATE private_text SET person = 'p-000000cc', nonce = NULL, cipher = NULL, salt = NULL"
        " WHERE person = 'p-000000bb'"
    )
    assert all("of p-000000bb (entry" in sentence for sentence in found(said))
    assert len(found(said)) == 2


@pytest.mark.parametrize("column", ["cipher", "salt"])
def test_a_text_that_lacks_a_part_is_spoilt_and_not_forgotten(said: Any, column: str) -> None:
    with reading(said.engine) as (session, _):
        ref = session.connection().exec_driver_sql(f"SELECT ref FROM private_text WHERE person = '{ANN}'").scalar()
    said.raw(f"UPDATE private_text SET {column} = NULL WHERE ref = '{ref}'")
    with reading(said.engine) as (session, _), pytest.raises(AuditError, match="cannot be read"):
        open_text(session, str(ref))
