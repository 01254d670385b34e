"""Statistics of the past, for all series at once: position t never sees t or anything later.

A rule that peeks at the day it judges (or at tomorrow) looks excellent on history and fails on the next bill.
"""

from typing import Any

import bottleneck as bn
import numpy as np
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
    found = [np.full(values.shape, np.nan, dtype=np.float32) for _ in shares]
    rows = np.arange(series)
    for start in range(every, count, every):
        window = np.sort(values[:, max(0, start - width) : start], axis=1)  # NaN last
        whole = not np.isnan(window[:, -1]).any()
        known = np.full(series, window.shape[1]) if whole else np.sum(~np.isnan(window), axis=1)
        for share, out in zip(shares, found, strict=True):
            if whole:  # as most are: the same place in every row
                if window.shape[1] >= least:
                    out[:, start : start + every] = window[:, [int(share * (window.shape[1] - 1))]]
                continue
            place = np.clip(np.floor(share * (known - 1)).astype(np.int64), 0, window.shape[1] - 1)
            out[:, start : start + every] = np.where(known >= least, window[rows, place], np.nan)[:, None]
    return found
