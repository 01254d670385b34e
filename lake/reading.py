"""The charges of some snapshots as one table, on a connection of its own to this process's DuckDB in memory."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

import duckdb

from lake import compiled, duck
from lake.at_hand import AtHand, Table
from lake.columns import CHARGES_COUNTED, STORED, tag_column
from lake.errors import LakeError
from lake.question import Question
from lake.rollup import Rolled
from lake.speaking import in_words
from lake.store import Snapshot, SnapshotFile

# A snapshot of an earlier version lacks the columns that came later: it has no value there, and can still be asked.
_EVERY_COLUMN = f"SELECT {', '.join(f'CAST(NULL AS {kind}) AS {duck.name(name)}' for name, kind in STORED)} WHERE false"


class Reader:
    """Open while its `with` block lasts.

    `tags` are the keys of the tags that will be asked for: each is a column of `charges`. Rollups that are `at_hand`
    are read from there.
    """

    def __init__(
        self,
        folder: Path,
        snapshots: Iterable[Snapshot],
        *,
        rolled: Rolled | None = None,
        tags: Sequence[str] = (),
        at_hand: AtHand | None = None,
    ) -> None:
        self._folder = folder
        self._at_hand = at_hand
        self._tags = tags
        self._view = ""
        self._table: Table | None = None
        self._shown: object = None
        self.hold(snapshots, rolled=rolled)

    def __enter__(self) -> Self:
        self._connection = duck.cursor()
        return self

    def hold(self, snapshots: Iterable[Snapshot], *, rolled: Rolled | None = None) -> None:
        """From now on `charges` holds these snapshots' charges; `rolled`, what they add up to (`lake.rollup`)."""
        self._held = (snapshots, rolled)

    def _select(self) -> str:
        """What the view of what is held is made by."""
        snapshots, rolled = self._held
        held = [file for snapshot in snapshots for file in _files(snapshot, rolled)]
        # The table stays referred to, and so in being, as long as its view may be read.
        self._table = self._at_hand.of(rolled) if self._at_hand is not None else None
        kept = self._table.select(held) if self._table is not None else None
        view = f"{_EVERY_COLUMN} UNION ALL BY NAME {kept or self._of_files(held, rolled)}"
        if self._tags:
            columns = ", ".join(f"x_tags[{duck.text(key)}] AS {tag_column(key)}" for key in self._tags)
            view = f"SELECT *, {columns} FROM ({view})"  # noqa: S608
        return view

    def _of_files(self, held: Sequence[SnapshotFile], rolled: Rolled | None) -> str:
        folder = str(self._folder)  # a path object for each of hundreds of files would take longer than a query
        paths = ", ".join(duck.text(f"{folder}/{file.path}") for file in held)
        counted = "" if rolled else f", CAST(1 AS BIGINT) AS {CHARGES_COUNTED}"
        return f"SELECT *{counted} FROM read_parquet([{paths}], union_by_name = true)"  # noqa: S608

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _open(self) -> duckdb.DuckDBPyConnection:
        """The connection, once its view is of what is held: to make it opens every file."""
        if self._held is not self._shown:
            view = self._select()
            if view != self._view:
                self._connection.execute(f"CREATE OR REPLACE TEMP VIEW charges AS {view}")
            self._view, self._shown = view, self._held
        return self._connection

    def fetch(self, build: compiled.Build, question: Question, *more: Any) -> tuple[list[dict[str, Any]], str]:
        """The rows of `build(charges, question, *more)`, one of `lake.expressions`, and the exact query behind them."""
        with _speaking():
            query = compiled.to_sql(build, self._tags, question, *more)
            return self._open().execute(query).to_arrow_table().to_pylist(), query

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query on `charges` that is written in SQL; raises LakeError if a file cannot be read."""
        with _speaking():
            return self._open().execute(sql).fetchall()

    def batches(self, sql: str, size: int) -> Iterator[list[tuple[Any, ...]]]:
        """The same, so many rows at a time."""
        with _speaking():
            answer = self._open().execute(sql)
            while rows := answer.fetchmany(size):
                yield rows

    def copy(self, select: str, target: Path, options: str) -> None:
        """Writes the rows of a query on `charges` into `target`, in place of what is there. Raises LakeError."""
        with _speaking():
            self._open()
        try:
            to = f"TO {duck.text(str(target))} ({options}, USE_TMP_FILE false)"
            self._connection.execute(f"COPY ({select}) {to}")
        except duckdb.Error as error:
            raise LakeError(
                "The charges could not be written.",
                why=f"DuckDB could not go on: {str(error).splitlines()[0]}.",
                do="Check that the disk has room and that `spendgate lake status` finds no fault, then try again.",
            ) from error


def _files(snapshot: Snapshot, rolled: Rolled | None) -> tuple[SnapshotFile, ...]:
    if rolled is None:
        return snapshot.files
    file = rolled.file_of(snapshot)
    if file is None:
        raise ValueError(f"{snapshot.id} has no {rolled}")
    return (file,)


def _speaking() -> AbstractContextManager[None]:
    return in_words("A snapshot's file cannot be read.", do="Load that billing period again from its source.")
