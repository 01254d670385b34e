"""Days of nothing in a series that rests now and then: they say as little of its level as a day that is missing.

A model that nobody asks on some days is no cheaper for it. Taken as costs, a tenth of such days widens every
deviation until a doubled bill is usual.
"""

import numpy as np
from numpy.typing import NDArray

from tools.detection.clock import Clock
from tools.detection.rolling import Flags, Grid

KNOWN_DAYS = 91
LEAST_RESTS = 3  # days of nothing in the days before: fewer are no habit
WEEKS, SAME_WEEKDAY = 4, 2  # of the last weeks at this weekday: then the shape of the week knows it

Counts = NDArray[np.int64]


def without_rests(costs: Grid, begun: Grid, clock: Clock) -> Grid:
    """`costs` [S, T] with NaN on days of nothing that are a habit of the series: several were there before, not on this
    weekday, and the rest is not longer yet than the longest one before: a series that stopped for good is not at rest.
    `begun`: days since the first charge."""
    nothing = np.asarray((costs <= 0) & (begun > 0))
    rows = np.flatnonzero(nothing.any(axis=1))
    if not len(rows):
        return costs
    mine = nothing[rows]
    habit = (_before(mine, KNOWN_DAYS * clock.a_day) >= LEAST_RESTS) & (_same_weekday(mine, clock) < SAME_WEEKDAY)
    length = _length(mine)
    over = np.where(mine, 0, _moved(length))  # of a rest that ended the day before
    resting = mine & habit & (length <= np.maximum.accumulate(over, axis=1))
    kept = costs.copy()
    kept[rows] = np.where(resting, np.float32(np.nan), costs[rows])
    return kept


def _before(nothing: Flags, width: int) -> Counts:
    """How many of the `width` columns before each."""
    total = np.concatenate([np.zeros((len(nothing), 1), np.int64), np.cumsum(nothing, axis=1)], axis=1)
    low = np.maximum(np.arange(nothing.shape[1]) - width, 0)
    return np.asarray(total[:, :-1] - total[:, low])


def _same_weekday(nothing: Flags, clock: Clock) -> Counts:
    found = np.zeros(nothing.shape, dtype=np.int64)
    for back in range(1, WEEKS + 1):
        lag = back * 7 * clock.a_day
        found[:, lag:] += nothing[:, : max(nothing.shape[1] - lag, 0)]
    return found


def _length(nothing: Flags) -> Counts:
    """How many columns of nothing end with each."""
    columns = np.arange(nothing.shape[1])
    return np.asarray(columns - np.maximum.accumulate(np.where(nothing, -1, columns), axis=1))


def _moved(values: Counts) -> Counts:
    moved = np.zeros_like(values)
    moved[:, 1:] = values[:, :-1]
    return moved
