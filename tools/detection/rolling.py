"""Statistics of the past, for all series at once: position t never sees t or anything later.

A rule that peeks at the day it judges (or at tomorrow) looks excellent on history and fails on the next bill.
"""

from typing import Any

import bottleneck as bn
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float64]
Grid = NDArray[np.floating[Any]]  # float32 where it is large
Flags = NDArray[np.bool_]


def lagged(values: Grid, lag: int) -> Grid:
    """`values` [S, T] moved `lag` positions to the right, NaN where nothing is known."""
    moved = np.full_like(values, np.nan)
    if lag < values.shape[1]:
        moved[:, lag:] = values[:, : values.shape[1] - lag]
    return moved


def or_zero(values: Grid) -> Grid:
    """`values` with 0 where nothing is known. (numpy's own looks for infinities too: four times as long.)"""
    return np.where(np.isnan(values), values.dtype.type(0), values)


def past_median(values: Grid, width: int, *, least: int = 1) -> Grid:
    """The median of the `width` positions before each; NaN where fewer than `least` are known."""
    if values.shape[1] == 0:
        return values.copy()
    return lagged(bn.move_median(values, min(width, values.shape[1]), min_count=least, axis=1), 1)


def past_mean(values: Grid, width: int, *, least: int = 1) -> Grid:
    """The mean of the `width` positions before each; NaN where fewer than `least` are known."""
    if values.shape[1] == 0:
        return values.copy()
    return lagged(bn.move_mean(values, min(width, values.shape[1]), min_count=least, axis=1), 1)


def past_quantiles(values: Grid, width: int, every: int, shares: tuple[float, ...], *, least: int) -> list[Grid]:
    """Quantiles of the `width` positions before each, taken anew every `every` positions and kept in between; NaN
    where fewer than `least` are known. One sort for all of them, which is why they are asked for together."""
    series, count = values.shape
    starts = np.arange(every, count, every)
    before = np.concatenate([np.full((series, width), np.nan, dtype=values.dtype), values], axis=1)
    windows = np.array(sliding_window_view(before, width, axis=1)[:, every::every][:, : len(starts)], order="C")
    windows.sort(axis=-1)  # NaN last
    seen = np.zeros((series, width + 1 + count), dtype=np.int32)
    np.cumsum(~np.isnan(values), axis=1, dtype=np.int32, out=seen[:, width + 1 :])
    known = (seen[:, starts + width] - seen[:, starts]).astype(np.int64)
    flat, row = windows.reshape(-1), np.arange(known.size).reshape(known.shape) * width
    found = []
    for share in shares:
        taken = flat[row + np.maximum((share * (known - 1)).astype(np.int64), 0)]
        taken[known < least] = np.nan
        first = np.full((series, min(every, count)), np.nan, dtype=values.dtype)
        found.append(np.concatenate([first, np.repeat(taken, every, axis=1)], axis=1)[:, :count])
    return found
