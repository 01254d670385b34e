"""How far a long step is, told to whoever watches: nobody, unless a person sits at the terminal.

Telling changes nothing that is done. It is no argument of every function on the way, since a load has many steps and
most of its callers (tests, evals, other processes) have nobody to show it to.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import duckdb

LOOK_SECONDS = 0.25


@dataclass(frozen=True)
class Step:
    """What is being done, and how much of it: `done` of `total` in any unit, `total` None where it is not known.

    `rows` are those that were handled so far in this step; `about` says that they are reckoned from a part of the file.
    """

    what: str
    done: float = 0.0
    total: float | None = None
    rows: int | None = None
    about: bool = False


Watch = Callable[[Step], None]
_watch: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Tells this watcher while the block lasts."""
    before = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(before)


def tell(step: Step) -> None:
    """Says how far it is."""
    if (watch := _watch.get()) is not None:
        watch(step)


@contextmanager
def reading(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    *,
    bytes_before: int,
    bytes_here: int,
    bytes_in_all: int,
    expected: Callable[[], tuple[int | None, bool]],
) -> Iterator[None]:
    """Tells how far DuckDB is with the file that the block reads; `expected` are its rows, and whether only about."""
    watch = _watch.get()
    if watch is None:
        yield
        return
    rows, about = expected()
    over = threading.Event()

    def told(share: float) -> None:
        counted = None if rows is None else int(rows * share)
        watch(Step(f"reading {name}", bytes_before + bytes_here * share, bytes_in_all, counted, about))

    def look() -> None:
        furthest = 0.0  # a file may take several statements, and each begins at nothing
        while not over.wait(LOOK_SECONDS):
            furthest = max(furthest, min(connection.query_progress(), 100.0) / 100)
            told(furthest)

    connection.execute("SET enable_progress_bar = true")
    connection.execute("SET enable_progress_bar_print = false")
    told(0.0)
    looker = threading.Thread(target=look, name="progress", daemon=True)
    looker.start()
    try:
        yield
    finally:
        over.set()
        looker.join()
        connection.execute("SET enable_progress_bar = false")
    told(1.0)
