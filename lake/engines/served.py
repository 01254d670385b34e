"""A published lake, asked on its server: the same questions, the same rows, to the last digit.

One question is one transaction over the snapshots that counted when it began. A snapshot's rows never change and the
one that it replaced stays for a while, so that what is published meanwhile changes no answer that is under way.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from lake import expressions
from lake.engines import dialects
from lake.engines.connection import connected
from lake.errors import LakeError
from lake.question import Question
from lake.rollup import Rolled
from lake.store import Snapshot


class ServedReader:
    """Open while its `with` block lasts; `charges` is the table that expressions are built on."""

    def __init__(self, connection: psycopg.Connection[Any], tags: Sequence[str]) -> None:
        self._connection = connection
        self._tags = tags
        known = {row[0] for row in connection.execute("SELECT key FROM spendgate_lake.tags")} if tags else set()
        self._without = tuple(key for key in tags if key not in known)
        self._held: tuple[str, ...] = ()

    @property
    def charges(self) -> Any:
        """The charges of the snapshots that are held."""
        return expressions.published(self._held, tags=self._tags, without=self._without)

    def hold(self, snapshots: Iterable[Snapshot], *, rolled: Rolled | None = None) -> None:
        """From now on `charges` holds these snapshots' charges, `rolled` or not: no rollup is published. LakeError if
        one of them is gone."""
        held = tuple(snapshot.id for snapshot in snapshots)
        if held == self._held:
            return
        self._held = held
        there = self._connection.execute(
            "SELECT id, tags_left FROM spendgate_lake.snapshots WHERE id = ANY(%s)", [list(self._held)]
        ).fetchall()
        if {row[0] for row in there} != set(self._held):
            raise LakeError(
                "The lake is changing too fast to be read.", why="Loads follow each other.", do="Ask again."
            )
        left = sorted({key for _, keys in there for key in keys} & set(self._tags))
        if left:
            raise LakeError(
                f"The tag '{left[0][:60]}' cannot be asked for on this server.",
                why="The published lake has no column for it: it keeps those of the tags that most charges carry.",
                do="Ask where the bills are loaded, without SPENDGATE_LAKE_URL.",
            )

    def fetch(self, build: Callable[..., Any], question: Question, *more: Any) -> tuple[list[dict[str, Any]], str]:
        """The rows of `build(charges, question, *more)`, one of `lake.expressions`, and the exact query behind them."""
        query = dialects.to_sql(build(self.charges, question, *more), "postgres")
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query).fetchall(), query


class Served:
    """The lake that is published at one address."""

    def __init__(self, address: str) -> None:
        self._address = address

    def current(self) -> tuple[Snapshot, ...]:
        """The snapshots that count now, by source and period."""
        with connected(self._address) as connection:
            rows = connection.execute(
                'SELECT manifest FROM spendgate_lake.snapshots WHERE counts ORDER BY source COLLATE "C", period'
            ).fetchall()
        return tuple(Snapshot.model_validate_json(row[0]) for row in rows)

    @contextmanager
    def reader(self, snapshots: Iterable[Snapshot], *, tags: Sequence[str] = ()) -> Iterator[ServedReader]:
        """A reader of these snapshots; raises LakeError with what the server said."""
        with connected(self._address) as connection:
            reader = ServedReader(connection, tags)
            reader.hold(snapshots)
            yield reader
