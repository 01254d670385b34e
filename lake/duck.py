"""DuckDB as this lake uses it: in memory, silent, in UTC, and never fetching an extension from the network."""

import atexit
import ctypes
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import Any

import duckdb
import pyarrow as pa

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "threads": 2,
    # By itself DuckDB spills into `.tmp` below the current folder, where processes take each other's files for theirs.
    "temp_directory": "",
}
PART = 50_000
SPILL_BEYOND = "2GB"
"""What a database that may spill keeps in memory: a bill of any length loads in it, whatever the machine has."""


def connect(*, spill: str | None = None) -> duckdb.DuckDBPyConnection:
    """A database of its own; `spill` is a folder of nobody else's that takes what does not fit into SPILL_BEYOND of
    memory. Without one it spills nowhere."""
    connection = duckdb.connect(":memory:", config=_SETTINGS)
    # Under `python -c`, DuckDB draws its progress bar onto stdout, where --json promises one document.
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    if spill is not None:
        connection.execute(f"SET temp_directory = {text(spill)}")
        connection.execute(f"SET memory_limit = {text(SPILL_BEYOND)}")
    return connection


class _Shared:
    """The one database of this process that questions are asked of, opened with the first."""

    def __init__(self) -> None:
        self._opening = threading.Lock()
        self._database: duckdb.DuckDBPyConnection | None = None
        os.register_at_fork(after_in_child=self._forget)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        with self._opening:
            if self._database is None:
                self._database = connect(spill=_folder_of_this_process())
                # Pages of the files are the operating system's to keep: this database lives as long as its process.
                self._database.execute("SET enable_external_file_cache = false")
            return self._database.cursor()

    def _forget(self) -> None:
        """A forked process has the database without its threads: it must not ask it, and DuckDB ends a process that
        closes it. So it is left open there, by a reference that nobody gives back, and the next question opens one."""
        self._opening = threading.Lock()
        if self._database is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._database))
            self._database = None


def _folder_of_this_process() -> str | None:
    """A new folder that only this user may read, removed when this process ends; None where none can be made: most
    questions need none."""
    try:
        folder = tempfile.mkdtemp(prefix="spendgate-questions-")
    except OSError:
        return None
    atexit.register(_remove, folder, os.getpid())
    return folder


def _remove(folder: str, process: int) -> None:
    # A forked process ends with its parent's list of what to do at the end.
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


_shared = _Shared()


def cursor() -> duckdb.DuckDBPyConnection:
    """A connection to this process's database for questions, with temporary views and a transaction of its own.

    To open a database takes 20 ms of processor time, longer than most questions; a cursor takes next to nothing. It is
    for one thread at a time, and closing it closes nothing else.
    """
    return _shared.cursor()


def create(connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """A table with these rows. (`register` would import pandas, which takes longer than most loads.)"""
    connection.from_arrow(rows).create(table)


def map_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    select: str,
    make: Callable[[Sequence[tuple[Any, ...]]], pa.Table],
) -> None:
    """A table of what `make` makes of the rows of a query, so many at a time as Python may hold, at least once.

    Of many millions of charges each may have tags of its own.
    """
    with connection.cursor() as reading:
        answer = reading.execute(select)
        create(connection, table, make(answer.fetchmany(PART)))
        while rows := answer.fetchmany(PART):
            connection.from_arrow(make(rows)).insert_into(table)


def name(identifier: str) -> str:
    """An identifier, quoted: column names come from files that anybody may have written."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """A string literal, quoted."""
    return "'" + value.replace("'", "''") + "'"
