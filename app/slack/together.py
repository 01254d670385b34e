"""Does for all who wait what would otherwise be done for each: one thread and one transaction for a whole crowd.

While a group is under way the next one gathers, so nobody waits for company: alone, one is a group at once. The thread
is its own: those that everybody shares may all be waiting for the write lock, and Slack waits three seconds.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Together(Generic[Item, Result]):
    """Calls `do` in a thread of its own, with at most `most` of the items that wait; it returns a result for each, in
    their order."""

    def __init__(self, do: Callable[[Sequence[Item]], Sequence[Result]], *, most: int) -> None:
        self._do, self._most = do, most
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="together")
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Result:
        """The item's own result, once its whole group is done; the group's error where that failed."""
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, result))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await result

    async def _run(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            try:
                items = [item for item, _ in group]
                results = await asyncio.get_running_loop().run_in_executor(self._thread, self._do, items)
            except BaseException as error:
                for _, waits in (*group, *([] if isinstance(error, Exception) else self._waiting)):
                    if not waits.done():  # whoever waits must not wait for ever, whatever happened
                        waits.set_exception(error)
                if isinstance(error, Exception):
                    continue
                raise
            for (_, waits), result in zip(group, results, strict=True):
                if not waits.done():
                    waits.set_result(result)
