"""What a process hands to threads, done where it stands: for evals that take one turn after another, by the thousand.

The agent's process leaves the database and the tools to threads, so that other conversations go on meanwhile. Where
there is no other conversation, waking a thread and being woken by it costs as much as some of the work.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class OneThread(ThreadPoolExecutor):
    """Does what is submitted at once, on the caller's thread. A limit of time on a tool is then noticed afterwards."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 (as a thread would hand it on)
            done.set_exception(error)
        return done


def stay_on_this_thread() -> None:
    """Lets the running event loop hand nothing to threads of its own from now on."""
    asyncio.get_running_loop().set_default_executor(OneThread(max_workers=1))
