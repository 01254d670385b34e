"""What the lake asks its questions of: the embedded engine over its files, or a server that it was published to."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from lake.question import Question
from lake.rollup import Rolled
from lake.store import Snapshot


class OpenReader(Protocol):
    """What answers expressions while it is open: the embedded engine or a server."""

    def hold(self, snapshots: Iterable[Snapshot], *, rolled: Rolled | None = None) -> None:
        """From now on `charges` holds these snapshots' charges; `rolled`, what they add up to where that is kept."""

    def fetch(self, build: Callable[..., Any], question: Question, *more: Any) -> tuple[list[dict[str, Any]], str]:
        """The rows of `build(charges, question, *more)`, one of `lake.expressions`, and the exact query behind them."""


class Server(Protocol):
    """Where a lake is asked that was published to a server (`lake.engines`)."""

    def current(self) -> tuple[Snapshot, ...]:
        """The snapshots that count there now, by source and period."""

    def reader(self, snapshots: Iterable[Snapshot], *, tags: Sequence[str] = ()) -> AbstractContextManager[OpenReader]:
        """A reader of these snapshots; `tags` are the keys that will be asked for."""
