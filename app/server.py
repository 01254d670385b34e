"""A PostgreSQL database made ready by its owner: schema, login roles with their powers, the conversations' own schema.

Only `spendgate db init` and `db upgrade` come here, with the owner's address, which no process may have in sight. All
of it may run any number of times and from several machines at once.
"""

import contextlib
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg.rows import DictRow, dict_row
from sqlalchemy import URL, Connection, Engine, make_url, text
from sqlalchemy.exc import DBAPIError

from agent.memory import SCHEMA as CONVERSATION
from agent.memory import make_memory
from app.database import STUCK_SECONDS, WRITERS
from app.database_power import grants, quoted
from app.database_power import text as literal
from app.database_roles import PARTS, POWERS
from app.errors import Exit, Problem
from app.guardrails import DEFAULT_PREFIX, known_prefix, roles_with, run
from app.whole_file import write_whole
from audit.guard import SCHEMA

MEMORY = WRITERS + 1
"""The number of the advisory lock under which the conversations' tables are made."""


def make_schema(connection: Connection) -> None:
    """Our schema, in the migration's transaction, behind the same lock as every writer."""
    connection.execute(text(f"SET LOCAL lock_timeout = '{2 * STUCK_SECONDS}s'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITERS})
    run(connection, f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")


def give_powers(engine: Engine) -> list[str]:
    """Takes everything from everybody and gives each role that exists what its part may do; returns those roles."""
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITERS})
        run(connection, f"REVOKE ALL ON DATABASE {quoted(_database(connection))} FROM PUBLIC")
        for schema in (SCHEMA, CONVERSATION):
            _take_all(connection, schema, "PUBLIC")
        with contextlib.suppress(DBAPIError), connection.begin_nested():  # before PostgreSQL 15 it is the superuser's
            run(connection, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        there = _roles_there(connection)
        for part, role in there.items():
            _give(connection, part, role)
        return list(there.values())


def make_roles(engine: Engine, address: str, folder: Path) -> dict[str, Path | None]:
    """Makes the login roles, each with a password in a file of its process's own; None where another home has the file.

    A file that is there is kept, and its password set again: an interrupted run is finished by the next.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    files: dict[str, Path | None] = {}
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITERS})
        names = roles_with(known_prefix(connection) or DEFAULT_PREFIX)
        there = _roles_there(connection)
        for part in PARTS:
            path = folder / f"{part}.env"
            if part in there and not path.exists():
                files[part] = None
                continue
            password = _kept_password(path) or secrets.token_urlsafe(32)
            _write(path, make_url(address), names[part], password)
            _make(connection, names[part], password, exists=part in there)
            files[part] = path
    return files


def make_conversation(address: str) -> None:
    """The checkpoints' schema and tables, made by the library's own steps, by one machine at a time.

    The waiting ones ask again instead of queueing: the steps make indexes without a lock, which waits for everybody
    who is in the middle of a statement, a queue for a lock included.
    """
    with _alone(address) as connection:
        make_memory(connection)


@contextlib.contextmanager
def _alone(address: str) -> Iterator[psycopg.Connection[DictRow]]:
    with psycopg.connect(address, autocommit=True, row_factory=dict_row) as connection:
        deadline = time.monotonic() + 2 * STUCK_SECONDS
        while not _mine(connection):
            if time.monotonic() > deadline:
                raise Problem(
                    "The tables of conversations could not be made.",
                    why="Another machine has been making them for two minutes.",
                    do="Look at what it does, then run `spendgate db upgrade` again.",
                    exit_code=Exit.CONFLICT,
                )
            time.sleep(0.2)
        yield connection


def _mine(connection: psycopg.Connection[DictRow]) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s) AS mine", (MEMORY,)).fetchone()
    return row is not None and bool(row["mine"])


def _database(connection: Connection) -> str:
    return str(connection.execute(text("SELECT current_database()")).scalar_one())


def _roles_there(connection: Connection) -> dict[str, str]:
    names = roles_with(known_prefix(connection) or DEFAULT_PREFIX)
    found = set(connection.execute(text("SELECT rolname FROM pg_roles")).scalars())
    return {part: role for part, role in names.items() if role in found}


def _take_all(connection: Connection, schema: str, role: str) -> None:
    for what in ("TABLES", "SEQUENCES", "FUNCTIONS"):
        run(connection, f"REVOKE ALL ON ALL {what} IN SCHEMA {schema} FROM {role}")
    run(connection, f"REVOKE ALL ON SCHEMA {schema} FROM {role}")


_SEQUENCES = """
SELECT s.relname FROM pg_class s JOIN pg_depend d ON d.objid = s.oid AND d.deptype IN ('a', 'i')
  JOIN pg_class t ON t.oid = d.refobjid JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE s.relkind = 'S' AND n.nspname = :schema AND t.relname = :name
"""


def _give(connection: Connection, part: str, role: str) -> None:
    to = quoted(role)
    for schema in (SCHEMA, CONVERSATION):
        _take_all(connection, schema, to)
    run(connection, f"GRANT CONNECT ON DATABASE {quoted(_database(connection))} TO {to}")
    for statement in grants(part, role):
        run(connection, statement)
    for table in POWERS[part].insert:
        for sequence in connection.execute(text(_SEQUENCES), {"schema": SCHEMA, "name": table}).scalars():
            run(connection, f"GRANT USAGE ON SEQUENCE {SCHEMA}.{quoted(sequence)} TO {to}")
    if POWERS[part].remembers:
        run(connection, f"GRANT USAGE ON SCHEMA {CONVERSATION} TO {to}")
        run(connection, f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {CONVERSATION} TO {to}")


def _make(connection: Connection, role: str, password: str, *, exists: bool) -> None:
    """The password is sent as the verifier that the server stores: a statement may end up in the server's log."""
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 (it was just used)
    verifier = driver.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    kind = "LOGIN NOCREATEDB NOCREATEROLE NOINHERIT"
    verb = "ALTER" if exists else "CREATE"
    run(connection, f"{verb} ROLE {quoted(role)} {kind} PASSWORD {literal(verifier)}")


def _kept_password(path: Path) -> str | None:
    if not path.exists():
        return None
    _, found, address = path.read_text(encoding="utf-8").strip().partition("SPENDGATE_DATABASE_URL=")
    password = make_url(address).password if found else None
    if not password:
        raise Problem(
            f"{path} cannot be used.",
            why="It holds no SPENDGATE_DATABASE_URL with a password.",
            do="Restore it, or remove it together with its role, and run `spendgate db init` again.",
        )
    return str(password)


def _write(path: Path, owner: URL, role: str, password: str) -> None:
    """Stored before the role has it, so that no password is ever lost."""
    address = owner.set(drivername="postgresql", username=role, password=password)
    write_whole(path, f"SPENDGATE_DATABASE_URL={address.render_as_string(hide_password=False)}\n")
