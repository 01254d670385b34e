"""The gate's database in a folder, a SQLite file or a server's database, as each process of a test opens it.

The folder says which: a file `server` holds the address. The clock is a file for the one and a row for the other; both
are moved together, so that a test says `gate.later(...)` and every process sees it.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from sqlalchemy import Engine, text

from app.database import open_database
from app.guardrails import GUARDS, missing_triggers
from tests.approvals.gate_stubs import Clock

CLOCK = (
    "CREATE TABLE spendgate.test_clock (at timestamptz NOT NULL)",
    "INSERT INTO spendgate.test_clock VALUES (clock_timestamp())",
    "CREATE OR REPLACE FUNCTION spendgate.spendgate_now() RETURNS timestamptz LANGUAGE sql VOLATILE SECURITY DEFINER"
    " SET search_path = spendgate AS 'SELECT at FROM test_clock'",
)
"""What makes a server's clock one that tests move; only the owner can."""

KEEP = (
    "CREATE SCHEMA kept",
    "CREATE TABLE kept.log_entry AS TABLE spendgate.log_entry",
    "CREATE TABLE kept.policy_version AS TABLE spendgate.policy_version",
    "CREATE TABLE kept.person_key AS TABLE spendgate.person_key",
    "CREATE TABLE kept.person_record AS TABLE spendgate.person_record",
    "CREATE TABLE kept.alembic_version AS TABLE spendgate.alembic_version",
    "CREATE TABLE kept.test_clock AS TABLE spendgate.test_clock",
    """
    CREATE FUNCTION kept.restore() RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
      one name;
    BEGIN
      FOR one IN SELECT relname FROM pg_class WHERE relnamespace = 'spendgate'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('DELETE FROM spendgate.%I', one);
      END LOOP;
      FOR one IN SELECT relname FROM pg_class WHERE relnamespace = 'kept'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('INSERT INTO spendgate.%I SELECT * FROM kept.%I', one, one);
      END LOOP;
      FOREACH one IN ARRAY ARRAY['vote', 'kill_switch', 'policy_version'] LOOP
        EXECUTE format('SELECT setval(pg_get_serial_sequence(%L, %L),'
          ' COALESCE((SELECT max(id) FROM spendgate.%I), 0) + 1, false)', 'spendgate.' || one, 'id', one);
      END LOOP;
    END $$
    """,
)
"""What a database remembers of its beginning, so that the next test can have it: making one anew takes far longer."""

_TABLES = {guard.name: guard.table for guard in GUARDS}
_IN_BYTES = re.compile(r"(?:CAST\()?replace\(sealed, ('[^']*'), ('[^']*')\)(?: AS BLOB\))?")


def address_in(folder: Path) -> str | None:
    """The server's address, as the owner; None for a file."""
    told = folder / "server"
    return told.read_text() if told.exists() else None


def open_gate_database(folder: Path) -> Engine:
    """The engine on the gate's database."""
    address = address_in(folder)
    return open_database(address) if address else open_database(folder / "spendgate.db", Clock(folder / "clock"))


class GateClock(Clock):
    """The clock of a gate: in its file, and where there is a server, in its row."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        super().__init__(folder / "clock")
        self.engine = engine

    def set(self, moment: datetime) -> None:
        super().set(moment)
        if self.engine.dialect.name == "postgresql":
            with self.engine.begin() as connection:
                connection.execute(text("UPDATE test_clock SET at = :at"), {"at": moment})


def in_words_of(address: str | None, statement: str) -> str:
    """A statement of a test, written for SQLite, in the words of the database that is tested."""
    if address is None:
        return statement
    found = re.fullmatch(r"DROP TRIGGER (\w+)", statement)
    if found:
        return f"DROP TRIGGER {found[1]} ON {_TABLES[found[1]]}"
    statement = _IN_BYTES.sub(r"convert_to(replace(convert_from(sealed, 'UTF8'), \1, \2), 'UTF8')", statement)
    return statement.replace("x'00'", r"'\x00'").replace("INSERT OR REPLACE", "INSERT").replace("?", "%s")


def execute(folder: Path, statement: str, *values: Any) -> None:
    """Runs one statement past the program, as the owner of the database."""
    address = address_in(folder)
    spoken = in_words_of(address, statement)
    if address is None:
        with sqlite3.connect(folder / "spendgate.db") as connection:
            connection.execute(spoken, values)
        connection.close()
        return
    with psycopg.connect(address, options="-c search_path=spendgate") as server:
        server.execute(spoken, values)


def restored(address: str) -> bool:
    """Puts a server's database back to its beginning; False if a test took guard rails away, so that it is done for."""
    superuser = address.replace("owner@", "postgres@")
    with psycopg.connect(superuser, options="-c session_replication_role=replica") as server:
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        server.execute("SELECT kept.restore()")
    engine = open_database(address)
    whole = missing_triggers(engine) == []
    engine.dispose()
    return whole


def drop(folder: Path) -> None:
    """Takes a server's database away, whoever is still connected to it."""
    address = address_in(folder)
    if address is not None:
        name = urlsplit(address).path[1:]
        superuser = address.replace(f"owner@/{name}", "postgres@/postgres")
        with psycopg.connect(superuser, autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def unguarded(folder: Path) -> Iterator[Any]:
    """A connection of somebody who has the file, or the server: every trigger and foreign key is out of the way."""
    address = address_in(folder)
    if address is None:
        with sqlite3.connect(folder / "spendgate.db") as connection:
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            connection.execute("PRAGMA foreign_keys = OFF")
            yield connection
        connection.close()
        return
    options = "-c search_path=spendgate -c session_replication_role=replica"
    with psycopg.connect(address.replace("owner@", "postgres@"), options=options) as server:
        yield server
