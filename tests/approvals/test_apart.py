"""A people file set apart: nothing of a name in what is stored, and every name again for whoever reads it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from app.database import open_database, reading, writing
from app.migrate import create
from approvals import apart
from approvals.active import active
from approvals.adopt import adopt, initialise
from approvals.apart import clear_text, people_of, set_apart
from approvals.directory import keep_reading, last_reading
from approvals.errors import Altered
from approvals.person import load_people
from approvals.store import DirectoryReading
from audit import private
from audit.event import Actor, ActorKind
from audit.private import erase
from tests.approvals.gate_stubs import ARJUN, OLIVIA, PEOPLE, RULES

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
TEST = Actor(ActorKind.SERVICE, "test")
CALLED = ("Olivia", "Ortiz", "U0OLIVIA", "olivia", "Arjun", "U0ARJUN", "Edith", "Dana", "Sam ")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = open_database(tmp_path_factory.mktemp("apart") / "spendgate.db")
    create(made)
    yield made
    made.dispose()


def test_the_stored_text_has_everybodys_id_and_nobodys_name(engine: Engine) -> None:
    with writing(engine) as (session, _):
        stored = set_apart(session, now=NOW, text=PEOPLE)
        assert [name for name in CALLED if name in stored] == []
        assert stored.count("commitment = ") == 5
        assert people_of(session, stored) == load_people(PEOPLE)
        assert load_people(clear_text(people_of(session, stored))) == load_people(PEOPLE)


def test_the_same_people_are_the_same_text_whatever_is_written_around_them(engine: Engine) -> None:
    with writing(engine) as (session, _):
        stored = set_apart(session, now=NOW, text=PEOPLE)
        assert set_apart(session, now=NOW, text="# for Olivia\n" + PEOPLE) == stored
        assert set_apart(session, now=NOW, text=PEOPLE.replace("U0ARJUN", "U0OTHER")) != stored


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)


@settings(max_examples=60, deadline=None)
@given(name=words.filter(str.strip), user=words, login=words, role=words, team=words)
def test_any_text_survives_it(engine: Engine, name: str, user: str, login: str, role: str, team: str) -> None:
    fields = {"name": name + "\x7f", "os_user": login, "slack": [{"team": "T1", "user": user}]}
    shown = {"roles": [role], "sees_teams": [team]}
    body = apart._toml("person", {"id": "p-1", **fields, **shown})
    with writing(engine) as (session, _):
        stored = set_apart(session, now=NOW, text=body)
        assert people_of(session, stored) == load_people(body)


def test_whoever_was_forgotten_is_in_no_text_any_more(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "spendgate.db")
    create(engine)
    with writing(engine) as (session, now):
        initialise(session, now=now, rules_text=RULES, people_text=PEOPLE, actor=TEST)
        first = active(session).people
        erase(session, person=ARJUN, now=now)
        assert ARJUN in first.by_id
        assert set(active(session).people.by_id) == set(first.by_id) - {ARJUN}
        kept = [table for table in PEOPLE.split("[[person]]") if ARJUN not in table]
        without = "[[person]]".join(kept)
        assert adopt(session, now=now, kind="people", text=without, actor=TEST).version == 2


@pytest.mark.parametrize("column", ["cipher", "salt", "person", "gone"])
def test_a_record_that_was_changed_lets_nobody_decide(tmp_path: Path, column: str) -> None:
    engine = open_database(tmp_path / "spendgate.db")
    create(engine)
    with writing(engine) as (session, now):
        initialise(session, now=now, rules_text=RULES, people_text=PEOPLE, actor=TEST)
    with engine.begin() as connection:
        for name in ("person_record_only_emptied", "person_record_no_delete"):
            connection.execute(text(f"DROP TRIGGER {name}"))
        here = f"WHERE person = '{ARJUN}'"
        value = f"'{OLIVIA}'" if column == "person" else "x'00'"
        change = "DELETE FROM person_record" if column == "gone" else f"UPDATE person_record SET {column} = {value}"
        connection.execute(text(f"{change} {here}"))
    with reading(engine) as (session, _), pytest.raises(Altered, match="not those that were written"):
        active(session)


def test_another_persons_account_under_the_same_key_is_found(tmp_path: Path) -> None:
    """Whoever has the file has the keys too, and can encrypt anew; the commitment in the adopted text tells."""
    engine = open_database(tmp_path / "spendgate.db")
    create(engine)
    with writing(engine) as (session, now):
        initialise(session, now=now, rules_text=RULES, people_text=PEOPLE, actor=TEST)
        ref = str(session.execute(text(f"SELECT ref FROM person_record WHERE person = '{ARJUN}'")).scalar_one())
        key = bytes(session.execute(text(f"SELECT name_key FROM person_key WHERE person = '{ARJUN}'")).scalar_one())
        told = '{"name":"Arjun Rao","slack":[{"team":"T0BANK","user":"U0EVIL"}]}'
        forged: dict[str, Any] = private._encrypted(key, ref, ARJUN, told)
        session.execute(text("DROP TRIGGER person_record_only_emptied"))
        change = "UPDATE person_record SET nonce = :nonce, cipher = :cipher, salt = :salt WHERE ref = :ref"
        session.execute(text(change), {**forged, "ref": ref})
    with reading(engine) as (session, _), pytest.raises(Altered, match="not those that were written"):
        active(session)


def test_a_reading_of_the_directory_holds_ids_of_known_people_alone(engine: Engine) -> None:
    with writing(engine) as (session, _):
        people = load_people(PEOPLE)
        members = {("T0BANK", "S1"): ("U0ARJUN", "U0UNKNOWN", "U0OLIVIA"), ("T0OTHER", "S2"): ("U0ARJUN",)}
        assert keep_reading(session, now=NOW, members=members, people=people, actor=TEST)
        assert last_reading(session, NOW) == {("T0BANK", "S1"): (OLIVIA, ARJUN), ("T0OTHER", "S2"): ()}
        assert "U0" not in session.get_one(DirectoryReading, "slack").body


def test_a_stored_text_with_a_name_in_it_is_not_what_was_set_apart(engine: Engine) -> None:
    with writing(engine) as (session, _), pytest.raises(Altered, match="more than references"):
        people_of(session, PEOPLE)
