"""A part of the runs, in one process, with one database."""

import time

from tests.simulation.dice import determined
from tests.simulation.memory import Memory
from tests.simulation.run import Found, prepare, simulate

Work = tuple[int, int, int]
"""(seed, first run, number of runs)"""

_kept: list[Memory] = []


def part(work: Work) -> tuple[Found, float]:
    """What these runs found, and how many seconds of the processor it took."""
    if not _kept:
        _kept.append(prepare())
    seed, first, runs = work
    total, began = Found(), time.process_time()
    with determined():
        for number in range(first, first + runs):
            found = simulate(_kept[0], seed, number)
            total.add(found)
            total.trace = found.trace if runs == 1 else []
    return total, time.process_time() - began
