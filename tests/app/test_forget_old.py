"""An older database, in which names lie in clear: the upgrade sets them apart and changes no digest and no proof."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session

from app import migrate
from app.database import open_database, reading, writing
from app.home import Home, open_home
from approvals.active import active
from approvals.adopt import put_in_force, stored_of
from approvals.agree import disagreements
from audit import log
from audit.canonical import sha256
from audit.event import Actor, ActorKind, Event
from audit.private import erase
from audit.stored import utc_text
from audit.verify import verify
from tests.app.conftest import RULES
from tests.app.test_forget import ARJUN, GONE, LOGIN, NAME, OLIVIA, SLACK, TEST, places
from tests.app.test_migrate import at_version

CALLED = (NAME, SLACK, LOGIN)
SECOND = GONE.replace("Olivia Ortiz", "Olivia Other")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


@pytest.fixture
def old(home: Home) -> Engine:
    """A database of the version before: two versions of the people, a candidate and a reading, all in clear."""
    engine = open_database(home.database)
    at_version(engine, "0007")
    with writing(engine) as (session, now):
        at = utc_text(now)
        log.append(session, now=now, event=Event.LOG_STARTED, actor=TEST, data={"log": "0" * 32})
        for kind, version, body in (("rules", 1, RULES), ("people", 1, GONE), ("people", 2, SECOND)):
            digest = sha256(body.encode())
            data = {"kind": kind, "version": version, "digest": digest, "replaces": None, "token": None}
            log.append(session, now=now, event=Event.POLICY_CHANGED, actor=TEST, data=data)
            _insert(session, "policy_version", kind=kind, version=version, digest=digest, body=body, active_since=at)
        offered = GONE + "\n# as asked for\n"
        _insert(session, "policy_candidate", digest=sha256(offered.encode()), kind="people", body=offered, added_at=at)
        _insert(session, "person_key", person=ARJUN, key=b"k" * 32, created_at=at)
        _insert(session, "directory_reading", source="slack", body=f'[["T", "S", ["{SLACK}"]]]', digest="x", read_at=at)
    return engine


def _insert(session: Session, table: str, **values: Any) -> None:
    names = ", ".join(values)
    given = ", ".join(f":{name}" for name in values)
    session.execute(text(f"INSERT INTO {table} ({names}) VALUES ({given})"), values)


def test_the_upgrade_sets_every_name_apart_and_the_log_tells_of_it(old: Engine, home: Home) -> None:
    assert {found for _file, found in places(home.folder, CALLED)} == set(CALLED)
    with reading(old) as (session, _):
        head = verify(session).head
    migrate.upgrade(old)
    assert places(home.folder, CALLED) == []
    with reading(old) as (session, _):
        assert verify(session, expected_head=head).ok
        assert disagreements(session) == []
        current = active(session)
        assert current.people_digest == sha256(SECOND.encode()), "what is sealed goes on naming it"
        assert current.people.by_id[ARJUN].name == NAME
        assert current.people.by_id[OLIVIA].name == "Olivia Other"
        told = [entry.event for entry in log.entries(session)]
    assert told.count("privacy.set_apart") == 2
    migrate.upgrade(old)
    with reading(old) as (session, _):
        assert [entry.event for entry in log.entries(session)] == told, "a second upgrade finds nothing to do"


def test_an_older_version_is_adopted_again_under_its_digest(old: Engine) -> None:
    migrate.upgrade(old)
    digest = sha256(GONE.encode())
    with writing(old) as (session, now):
        stored = stored_of(session, "people", digest)
        assert stored is not None
        actor = Actor(ActorKind.WORKER, "worker")
        row = put_in_force(session, now=now, kind="people", stored=stored, actor=actor, token="t")
        assert (row.version, row.digest) == (3, digest)
        assert active(session).people.by_id[OLIVIA].name == "Olivia Ortiz"
        assert disagreements(session) == []


def test_whoever_is_forgotten_after_the_upgrade_is_in_no_older_version(old: Engine, home: Home) -> None:
    migrate.upgrade(old)
    with writing(old) as (session, now):
        erase(session, person=ARJUN, now=now)
        stored = stored_of(session, "people", sha256(GONE.encode()))
        assert stored is not None
        put_in_force(session, now=now, kind="people", stored=stored, actor=TEST)
        assert set(active(session).people.by_id) == {OLIVIA, "p-0a0d1703"}
        assert disagreements(session) == []
    assert places(home.folder, CALLED) == []


@pytest.mark.parametrize("column", ["body", "apart", "digest"])
def test_a_text_set_apart_that_was_changed_is_found(old: Engine, home: Home, column: str) -> None:
    migrate.upgrade(old)
    with old.begin() as connection:
        connection.execute(text("DROP TRIGGER policy_no_update"))
        changed = "replace(body, 'approver', 'director')" if column == "body" else "'" + "0" * 64 + "'"
        connection.execute(text(f"UPDATE policy_version SET {column} = {changed} WHERE kind = 'people'"))
    with reading(old) as (session, _):
        found = [line for line in disagreements(session) if "policy version" in line]
    assert bool(found) is (column != "apart")
    if column != "digest":
        with reading(old) as (session, _), pytest.raises(Exception, match="not the text that was adopted"):
            active(session)
