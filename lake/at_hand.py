"""Rollups that are kept in memory while their snapshots count: a process that answers people opens no file for them.

To open the files of a year's bills takes longer than to add them up. A process that lives on reads them once after each
load, small ones alone, and its questions are then answered from a table of its own database, to the same digits.
"""

import itertools
import os
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path

from lake import duck
from lake.rollup import Rolled
from lake.store import Snapshot, SnapshotFile

MOST_ROWS = 120_000
"""Rows of one kind of rollup that are kept at most: some 90 MB. Larger ones are read from their files as ever."""

PART = "x_file"
_numbers = itertools.count(1)


class Table:
    """The rows of some files, each with its file's number. It is dropped when nobody refers to this object any more, so
    that a question under way keeps what it reads."""

    def __init__(self, folder: Path, files: Sequence[SnapshotFile]) -> None:
        self._name = f"rollup_at_hand_{next(_numbers)}"
        self._process = os.getpid()
        self._numbers: Mapping[str, int] = {file.path: number for number, file in enumerate(files)}
        _create(self._name, [f"{folder}/{file.path}" for file in files])
        weakref.finalize(self, _drop, self._name, self._process)

    def select(self, files: Sequence[SnapshotFile]) -> str | None:
        """A query for the rows of these files; None if one of them is not here. (A forked process has another
        database.)"""
        numbers = [self._numbers.get(file.path) for file in files]
        if None in numbers or os.getpid() != self._process:
            return None
        listed = ", ".join(str(number) for number in numbers)
        return f"SELECT * EXCLUDE ({PART}) FROM {self._name} WHERE {PART} IN ({listed})"  # noqa: S608


class AtHand:
    """What one lake keeps: of each kind of rollup the rows of the snapshots that counted when it was last asked to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tables: Mapping[Rolled, Table] = {}

    def keep(self, snapshots: Sequence[Snapshot]) -> None:
        """Reads the rollups of these snapshots, in place of what was kept. Raises duckdb.Error, and keeps nothing."""
        self._tables = {}
        found = {}
        for rolled in Rolled:
            files = [file for snapshot in snapshots if (file := rolled.file_of(snapshot)) is not None]
            if len(files) == len(snapshots) and sum(file.rows for file in files) <= MOST_ROWS:
                found[rolled] = Table(self._folder, files)
        self._tables = found

    def of(self, rolled: Rolled | None) -> Table | None:
        """What is kept of this kind of rollup."""
        return self._tables.get(rolled) if rolled is not None else None


def _create(table: str, paths: Sequence[str]) -> None:
    numbered = " UNION ALL BY NAME ".join(
        f"SELECT *, {number} AS {PART} FROM read_parquet({duck.text(path)})"  # noqa: S608
        for number, path in enumerate(paths)
    )
    with duck.cursor() as connection:
        connection.execute(f"CREATE TABLE {table} AS {numbered}")


def _drop(table: str, process: int) -> None:
    if os.getpid() == process:
        with duck.cursor() as connection:
            connection.execute(f"DROP TABLE IF EXISTS {table}")
