"""The workspace's own time, unique message timestamps and opaque ids."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

Clock = Callable[[], float]


class Ticker:
    """Hands out message timestamps that only grow: Slack's clients use a `ts` as a message's id within its channel."""

    def __init__(self, clock: Clock = time.time) -> None:
        self.clock = clock
        self._last = 0

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.clock()

    def ts(self) -> str:
        """The next timestamp, never one that was handed out before, even when the clock stands still or goes back."""
        self._last = max(self._last + 1, int(self.clock() * 1_000_000))
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"


def opaque(prefix: str, size: int = 10) -> str:
    """An id as Slack makes them: a letter or two for the kind, then capitals and digits."""
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
    return prefix + "".join(secrets.choice(alphabet) for _ in range(size))
