"""A connection to the server that a lake is published on, and its faults in words for people.

The address holds a password, so no sentence ever repeats it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from lake.errors import LakeError

CONNECT_SECONDS = 10
# What the embedded engine does too: time is UTC, and a quoted backslash is a backslash.
_OPTIONS = "-c TimeZone=UTC -c standard_conforming_strings=on"


@contextmanager
def connected(address: str, *, writes: bool = False) -> Iterator[psycopg.Connection[Any]]:
    """One transaction: it sees one state of the lake from its first query on, and can write only if it says so."""
    try:
        with psycopg.connect(address, connect_timeout=CONNECT_SECONDS, options=_OPTIONS) as connection:
            if not writes:
                connection.read_only = True
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            yield connection
    except psycopg.Error as error:
        # an error of the library's own repeats what it was given: not even a traceback may show it
        raise _told(error, writes=writes) from (error if error.sqlstate else None)


def _why(error: psycopg.Error) -> str:
    """What the server said; of an error without its code, which is the library's own, no more than its kind.

    The library quotes an address that it cannot read, and takes what follows a raw '@' for the host.
    """
    said = str(error).strip()
    return (
        f"{said.splitlines()[0]}."
        if error.sqlstate and said
        else f"It failed before any answer: {type(error).__name__}."
    )


def _told(error: psycopg.Error, *, writes: bool) -> LakeError:
    why = _why(error)
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
        return LakeError(
            "No lake is published on the server that SPENDGATE_LAKE_URL names.",
            why="It holds no schema spendgate_lake.",
            do="Publish one from where the bills are loaded: spendgate lake publish.",
        )
    if isinstance(error, psycopg.errors.UndefinedColumn):
        return LakeError(
            "The published lake is of an earlier version.",
            why="It lacks a column that this version asks for.",
            do="Publish it again with this version: spendgate lake publish.",
        )
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return LakeError(
            "The server does not let this role do that.",
            why=why,
            do="Publish as the schema's owner, and let others read with: spendgate lake publish --reader ROLE.",
        )
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        return LakeError(
            "The server that the lake is published on cannot be reached.",
            why=why,
            do="Check that it runs and that SPENDGATE_LAKE_URL names it; without it the lake's files are read.",
        )
    return LakeError(
        f"The lake's server could not {'take the snapshots' if writes else 'answer'}.",
        why=why,
        do="Try again; what was published before still serves." if writes else "Try again, or ask its administrator.",
    )
