"""A part of the runs, in one process, with one database."""

import gc
import time
from contextlib import ExitStack

from tests.simulation.memory import Memory
from tests.simulation.run import Found, simulate, staged

Work = tuple[int, int, int]
"""(seed, first run, number of runs)"""

_STAGE: list[Memory] = []
_KEPT = ExitStack()


def part(work: Work) -> tuple[Found, float]:
    """What these runs found, and how many seconds of the processor they took. The process stays a simulator's."""
    if not _STAGE:
        _STAGE.append(_KEPT.enter_context(staged()))
        gc.collect()
        gc.freeze()  # what was imported is never garbage; looking through it again and again takes a sixth of the time
        gc.set_threshold(20_000, 50, 100)
    seed, first, runs = work
    total, began = Found(), time.process_time()
    for number in range(first, first + runs):
        found = simulate(_STAGE[0], seed, number)
        total.add(found)
        total.trace = found.trace if runs == 1 else []
    return total, time.process_time() - began
