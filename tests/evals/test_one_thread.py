"""What is handed to threads is done by the caller, faults included."""

import asyncio
import threading

import pytest

from evals.one_thread import stay_on_this_thread


def _fails() -> None:
    raise KeyError("gone")


async def test_what_is_handed_to_a_thread_is_done_on_this_one() -> None:
    stay_on_this_thread()
    assert await asyncio.to_thread(threading.get_ident) == threading.get_ident()
    with pytest.raises(KeyError, match="gone"):
        await asyncio.to_thread(_fails)
