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
from app.guardrails import GUARDS
from tests.approvals.gate_stubs import Clock

CLOCK = (
    "CREATE TABLE spendgate.test_clock (at timestamptz NOT NULL)",
    "INSERT INTO spendgate.test_clock VALUES (clock_timestamp())",
    "CREATE OR REPLACE FUNCTION spendgate.spendgate_now() RETURNS timestamptz LANGUAGE sql VOLATILE SECURITY DEFINER"
    " SET search_path = spendgate AS 'SELECT at FROM test_clock'",
)
"""What makes a server's clock one that tests move; only the owner can."""

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


def drop(folder: Path) -> None:
    """Gives a server's database back, whoever is still connected to it."""
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
