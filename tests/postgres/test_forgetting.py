"""Forgetting a person on a server: by its owner alone, from every row of every table, and from the tables' files."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from app.cli import app
from app.database import reading, writing
from app.database_roles import AGENT, AUDITOR, GATE, LOADER, PARTS, WORKER
from app.errors import Exit, Problem
from app.home import Home
from app.inbox import admit, conversation
from app.model_settings import load_model
from app.processes.agent import agent_process
from approvals.active import active
from approvals.adopt import adopt, offer
from approvals.agree import disagreements
from approvals.vote import Ballot, vote
from audit.verify import verify
from tests.app.test_forget import ARJUN, EDITH, GONE, QUESTION, REASON, TEST, TEXTS, forms
from tests.postgres.conftest import Served

ALL_TABLES = """
SELECT n.nspname, c.relname, pg_relation_filepath(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('spendgate', 'conversation') AND c.relkind = 'r'
"""


@pytest.fixture
def own(new_served: Callable[[], Served]) -> Served:
    """A server in which the person asked, voted with a reason, and stands in an offered file, each by its process."""
    made = new_served()
    with writing(made.owner) as (session, now):
        adopt(session, now=now, kind="people", text=GONE, actor=TEST)
    return made


def lived(served: Served, home: Home) -> None:
    with writing(served.engine(GATE)) as (session, now):
        place = conversation(session, surface="slack", team="T0BANK", channel="D1", thread_ts="1", private=True)
        admit(session, now=now, message_id="Ev1", thread=place.thread, person=ARJUN, text=QUESTION)
        offer(session, now=now, kind="people", text=GONE.replace("Olivia Ortiz", "Olivia Other"))
    asyncio.run(answered(served, home))
    row = served.pending(1)
    given: dict[str, Any] = {"proposal_id": row.id, "digest": row.digest or "", "person": ARJUN, "via": "terminal"}
    with writing(served.engine(GATE)) as (session, now):
        assert vote(session, now=now, ballot=Ballot(**given, choice="reject", reason=REASON)).verdict.allowed


async def answered(served: Served, home: Home) -> None:
    at_agent = Home(home.folder, served.address_of(AGENT))
    async with agent_process(engine=served.engine(AGENT), home=at_agent, model=load_model({})) as process:
        for thread in process._due_threads():
            await process.drain(thread)


def rows_with(served: Served, texts: tuple[str, ...] = TEXTS) -> set[str]:
    """Every table of which a row holds one of the texts in some form; bytes are compared as bytes."""
    found = set()
    with served.connect("owner") as connection:
        for schema, table, _ in connection.execute(ALL_TABLES).fetchall():
            for row in connection.execute(f'SELECT * FROM {schema}."{table}"').fetchall():
                raw = b"\0".join(_bytes(value) for value in row)
                if any(form in raw for text in texts for form in forms(text)):
                    found.add(table)
    return found


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    return (json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)).encode()


def files(served: Served) -> dict[str, str]:
    with served.connect("owner") as connection:
        return {table: path for _, table, path in connection.execute(ALL_TABLES).fetchall()}


@pytest.fixture
def as_owner(server_home: Home, own: Served, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("SPENDGATE_HOME", str(server_home.folder))
    monkeypatch.setenv("SPENDGATE_OWNER_DATABASE_URL", own.address)
    return server_home


def test_no_row_of_any_table_holds_anything_of_a_forgotten_person(own: Served, as_owner: Home) -> None:
    lived(own, as_owner)
    assert rows_with(own) & {"checkpoint_blobs", "checkpoint_writes", "checkpoints"}
    before = files(own)
    with reading(own.owner) as (session, _):
        head = verify(session).head
    done = CliRunner().invoke(app, ["audit", "forget", ARJUN, "--yes", "--json", "--reason", "asked for it"])
    assert done.exit_code == 0, done.exception
    told = json.loads(done.stdout)
    assert (told["texts"], told["conversations"], told["clean"]) == (2, 1, True)
    assert rows_with(own) == set()
    rewritten = {table for table, path in files(own).items() if path != before[table]}
    assert rewritten >= {"person_key", "person_record", "private_text", "answer", "checkpoints", "checkpoint_blobs"}
    assert "slack_press" in rewritten
    for part in (GATE, AGENT, WORKER, AUDITOR, LOADER):
        with reading(own.engine(part)) as (session, _):
            assert ARJUN not in active(session).people.by_id
            assert EDITH in active(session).people.by_id
    with reading(own.owner) as (session, _):
        assert verify(session, expected_head=head).ok
        assert disagreements(session) == []


def test_without_the_owners_address_nothing_is_erased(
    own: Served, as_owner: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPENDGATE_OWNER_DATABASE_URL")
    monkeypatch.setenv("SPENDGATE_DATABASE_URL", own.address_of(GATE))
    result = CliRunner().invoke(app, ["audit", "forget", ARJUN, "--yes"])
    assert isinstance(result.exception, Problem)
    assert result.exception.exit_code == Exit.USAGE
    with reading(own.owner) as (session, _):
        assert ARJUN in active(session).people.by_id


ERASING = (
    "UPDATE person_key SET key = NULL",
    "DELETE FROM person_key",
    "UPDATE person_record SET cipher = NULL",
    "UPDATE private_text SET cipher = NULL",
    "UPDATE policy_version SET apart = 'x'",
    "UPDATE answer SET body = NULL",
    "DELETE FROM legal_hold",
)


@pytest.mark.parametrize("part", PARTS)
def test_no_process_has_the_power_to_erase(served: Served, part: str) -> None:
    for statement in ERASING:
        with served.connect(part) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


@pytest.mark.parametrize("part", [WORKER, AUDITOR, LOADER])
def test_who_somebody_is_is_read_without_what_they_wrote(served: Served, part: str) -> None:
    with served.connect(part) as connection:
        connection.execute("SELECT cipher, name_key FROM person_record JOIN person_key USING (person)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM private_text")
