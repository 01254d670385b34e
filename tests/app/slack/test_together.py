"""Those who wait are done for together, and each gets what is theirs."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.slack.together import Together


async def test_who_comes_while_a_group_is_under_way_is_in_the_next() -> None:
    groups, opened = list[list[int]](), threading.Event()

    def doubled(items: Sequence[int]) -> list[int]:
        groups.append(list(items))
        assert opened.wait(60)
        return [item * 2 for item in items]

    together = Together(doubled, most=3)
    first = asyncio.create_task(together(0))
    while not groups:  # noqa: ASYNC110 (a thread tells nobody that it began)
        await asyncio.sleep(0.001)
    others = [asyncio.create_task(together(number)) for number in range(1, 6)]
    await asyncio.sleep(0)
    opened.set()
    assert await first == 0
    assert await asyncio.gather(*others) == [2, 4, 6, 8, 10]
    assert groups == [[0], [1, 2, 3], [4, 5]]


async def test_nobody_of_a_group_that_failed_is_told_that_it_worked_and_the_next_group_works() -> None:
    def careful(items: Sequence[int]) -> list[int]:
        if 13 in items:
            raise OSError("the disk is full")
        return list(items)

    together = Together(careful, most=2)
    found = await asyncio.gather(*(together(item) for item in (12, 13, 14)), return_exceptions=True)
    assert [type(one) for one in found] == [OSError, OSError, int]


async def test_whoever_stopped_waiting_spoils_nothing() -> None:
    together: Together[int, int] = Together(list, most=9)
    gone, stays = asyncio.create_task(together(1)), asyncio.create_task(together(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == 2
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_it_waits_for_nobody_who_has_all_threads_that_are_shared() -> None:
    done, together = threading.Event(), Together[int, int](list, most=9)
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(max_workers=1))
    other = asyncio.create_task(asyncio.to_thread(done.wait, 5))
    await asyncio.sleep(0)
    assert await together(1) == 1
    assert not other.done()
    done.set()
    assert await other
