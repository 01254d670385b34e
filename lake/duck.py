"""DuckDB as this lake uses it: in memory, silent, in UTC, and never fetching an extension from the network."""

import duckdb
import pyarrow as pa

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "threads": 2,
}


def connect(*, spill: str | None = None) -> duckdb.DuckDBPyConnection:
    """A connection of its own; `spill` is a folder that may take what does not fit into memory."""
    connection = duckdb.connect(":memory:", config=_SETTINGS)
    # Under `python -c`, DuckDB draws its progress bar onto stdout, where --json promises one document.
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET TimeZone = 'UTC'")
    if spill is not None:
        connection.execute(f"SET temp_directory = {text(spill)}")
    return connection


def create(connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """A table with these rows. (`register` would import pandas, which takes longer than most loads.)"""
    connection.from_arrow(rows).create(table)


def name(identifier: str) -> str:
    """An identifier, quoted: column names come from files that anybody may have written."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """A string literal, quoted."""
    return "'" + value.replace("'", "''") + "'"
