"""What the lake asks its questions of: the embedded engine over its files, or a server that it was published to."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from lake.store import Snapshot


class OpenReader(Protocol):
    """What answers expressions while it is open: the embedded engine or a server."""

    @property
    def charges(self) -> Any:
        """The table that expressions are built on."""

    def hold(self, snapshots: Iterable[Snapshot]) -> None:
        """From now on `charges` holds these snapshots' charges."""

    def fetch(self, expression: Any) -> tuple[list[dict[str, Any]], str]:
        """The rows of an expression on `charges`, and the exact query that gave them."""


class Server(Protocol):
    """Where a lake is asked that was published to a server (`lake.engines`)."""

    def current(self) -> tuple[Snapshot, ...]:
        """The snapshots that count there now, by source and period."""

    def reader(self, snapshots: Iterable[Snapshot], *, tags: Sequence[str] = ()) -> AbstractContextManager[OpenReader]:
        """A reader of these snapshots; `tags` are the keys that will be asked for."""
