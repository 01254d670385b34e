"""A series that is on and off: its usual days lie at two levels, and a deviation taken over both of them is so wide
that nothing is ever far above them.

Such a series is judged by its outer level alone: by how far the upper tenth of its days lies above the upper quarter,
and likewise below. What rises with all its days shows in the days that it is on.
"""

import bottleneck as bn
import numpy as np

from tools.detection.rolling import Grid, lagged, or_zero, past_quantiles

WINDOWS = ((91, 1.0), (42, 0.7))  # days, weight: an event of months ago widens the long one
REFRESHED, LEAST_KNOWN = 7, 20
FROM = 63  # columns: before, the shape of the week is hardly known, and every series seems to have two levels
SHARES = (0.03, 0.25, 0.75, 0.97)
SHARES_APART = 1.206  # deviations between these two shares of a normal distribution, on one side
LEAST_SCALE = 0.05
MODES = 2.2  # times as wide as its outer level: then a series has two
WIDE = 0.3  # and only a series with at least this deviation can have them
LEAST_BEYOND = 0.14  # of a level, beyond its outer tenth
TWICE_DAYS = 10
MOST = 20.0


def beyond(days: Grid, spread: Grid) -> tuple[Grid, Grid]:
    """How far each of `days` [S, T] (logarithms) lies beyond the outer level of a series that has two, and how far the
    second of two such days within `TWICE_DAYS` does: in deviations of that level, below 0 for falls; 0 for series that
    have one level. `spread` [S, T]: a day's deviation, over all levels."""
    once, twice = np.zeros_like(days), np.zeros_like(days)
    rows = np.flatnonzero((spread[:, FROM:] > WIDE).any(axis=1))
    if len(rows):
        mine, wide = days[rows], spread[rows]
        for width, weight in WINDOWS:
            lowest, low, high, highest = past_quantiles(mine, width, REFRESHED, SHARES, least=LEAST_KNOWN)
            above, below = _outside(mine, high, highest, wide), _outside(-mine, -low, -lowest, wide)
            above[:, :FROM], below[:, :FROM] = 0, 0
            for out, sign in ((once, above - below), (twice, _second(above) - _second(below))):
                sign = sign * np.float32(weight)
                out[rows] = np.where(np.abs(sign) > np.abs(out[rows]), sign, out[rows])
    return once, twice


def _outside(days: Grid, inner: Grid, outer: Grid, spread: Grid) -> Grid:
    scale = np.maximum((outer - inner) / np.float32(SHARES_APART), np.float32(LEAST_SCALE))
    sign = or_zero(np.minimum((days - inner) / scale, np.float32(MOST)))
    two_levels = (spread > WIDE) & (scale * np.float32(MODES) < spread)
    sign[~(two_levels & (sign > 0) & (days - outer > np.float32(LEAST_BEYOND)))] = 0
    return sign


def _second(sign: Grid) -> Grid:
    earlier = bn.move_max(lagged(sign, 1), TWICE_DAYS - 1, min_count=1, axis=1)
    return np.asarray(np.minimum(sign, or_zero(earlier)))
