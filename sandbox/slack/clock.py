"""The workspace's own time, unique message timestamps and opaque ids."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable

Clock = Callable[[], float]


class MovedClock:
    """A clock that can be moved on: what lasts five minutes is over at once, and who waits for it hears so.

    It goes with the machine's, and never back. Requests to the app are signed by the machine's own, as the app's clock
    is nobody's to move.
    """

    def __init__(self, machine: Clock = time.time) -> None:
        self._machine, self.ahead = machine, 0.0
        self._waiting: set[asyncio.Event] = set()

    def __call__(self) -> float:
        return self._machine() + self.ahead

    def move(self, seconds: float) -> None:
        """Moves it on by so many seconds; more than none."""
        if seconds <= 0:
            raise ValueError("a clock goes forward only")
        self.ahead += seconds
        for moved in self._waiting:
            moved.set()

    async def sleep(self, seconds: float) -> None:
        """Waits until so many seconds have passed here, by themselves or because they were skipped."""
        due, moved = self() + seconds, asyncio.Event()
        self._waiting.add(moved)
        try:
            while (left := due - self()) > 0:
                moved.clear()
                try:
                    async with asyncio.timeout(left):
                        await moved.wait()
                except TimeoutError:
                    continue
        finally:
            self._waiting.discard(moved)


class Ticker:
    """Hands out message timestamps that only grow: Slack's clients use a `ts` as a message's id within its channel."""

    def __init__(self, clock: Clock = time.time) -> None:
        self.clock = clock
        self._last = 0

    def signs_at(self) -> float:
        """The time in signatures, which the app holds against its own clock: never a moved one."""
        return time.time() if isinstance(self.clock, MovedClock) else self.clock()

    async def sleep(self, seconds: float) -> None:
        """Waits by this clock."""
        if isinstance(self.clock, MovedClock):
            await self.clock.sleep(seconds)
        else:
            await asyncio.sleep(seconds)

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
