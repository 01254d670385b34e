"""What each day of each series should have cost, known only from the days before it, on a logarithmic scale.

The level is the median of the four weeks before, with the slope on which the last month and the one before it agree: a
slope of one month alone would be the very shift that is to be found. The shape of the week is taken from how each
weekday lay to the week around it. A low floor keeps pennies from being news.
"""

from dataclasses import dataclass
from functools import cached_property

import bottleneck as bn
import numpy as np

from tools.detection.clock import Clock
from tools.detection.rolling import Grid, lagged, or_zero, past_quantiles

LEVEL = 28  # columns of the level's median
WEEKS = 10  # of the shape of the week
LOW_VOLUME = 0.25  # money a day under which relative changes mean nothing,
LOW_SHARE = 0.01  # or this share of the usual day, whichever is more in sum
SLOPE_SHARE = 0.5  # of the slope that two months agree on is believed


@dataclass(frozen=True)
class Expected:
    """[S, T] each, NaN where nothing is known. `seen`: log of cost plus `floor`; `shape`: of the week; `level` and
    `slope`: without the shape, of the days before; `usual`: what `seen` should be without any calendar."""

    seen: Grid
    shape: Grid
    level: Grid
    slope: Grid
    floor: Grid

    @cached_property
    def usual(self) -> Grid:
        return self.plain + self.shape

    @cached_property
    def plain(self) -> Grid:
        """`usual` without the shape of the week."""
        return self.level + self.slope * np.float32((LEVEL + 1) / 2)

    def money(self, logged: Grid) -> Grid:
        """Money of a value on this scale."""
        return np.maximum(np.exp(logged) - self.floor, 0)


def expected(costs: Grid, clock: Clock, begun: Grid) -> Expected:
    """From `costs` [S, T] (NaN: missing) and the days since each series began, negative before that."""
    paid = np.maximum(costs, 0)
    [usual_day] = past_quantiles(paid, LEVEL, LEVEL // 4, (0.5,), least=1)
    floor = np.float32(LOW_VOLUME) + np.float32(LOW_SHARE) * or_zero(usual_day)
    seen = np.where(begun >= 0, np.log(paid + floor), np.float32(np.nan))
    shape = _shape(seen, clock)
    plain = seen - shape
    level = lagged(bn.move_median(plain, LEVEL, min_count=5, axis=1), 1)
    return Expected(seen, shape, level, _slope(level), floor)


def _slope(level: Grid) -> Grid:
    recent, before = (level - lagged(level, LEVEL)), (lagged(level, LEVEL) - lagged(level, 2 * LEVEL))
    agreed = np.where(recent * before > 0, np.sign(recent) * np.minimum(np.abs(recent), np.abs(before)), 0)
    return np.asarray(or_zero(agreed) * np.float32(SLOPE_SHARE / LEVEL), dtype=np.float32)


def _shape(seen: Grid, clock: Clock) -> Grid:
    """How far this place of the week lies from the week around it, by the median of the weeks before; by the place of
    the day alone while two weeks are not known, on grids finer than days."""
    weekly, known = _by_place(seen, 7 * clock.a_day)
    if clock.a_day == 1:
        return weekly
    daily, _ = _by_place(seen, clock.a_day)
    return np.where(known, weekly, daily)


def _by_place(seen: Grid, period: int) -> tuple[Grid, Grid]:
    series, count = seen.shape
    if count < 2 * period:
        return np.zeros_like(seen), np.zeros(seen.shape, dtype=bool)
    around = bn.move_mean(seen, period, min_count=max(period * 3 // 4, 1), axis=1)
    half = period // 2
    lies = np.full_like(seen, np.nan)
    lies[:, half : count - (period - 1 - half)] = seen[:, half : count - (period - 1 - half)] - around[:, period - 1 :]
    rounds = -(-count // period)
    folded = np.full((series, rounds * period), np.nan, dtype=np.float32)
    folded[:, :count] = lies
    by_place = np.ascontiguousarray(folded.reshape(series, rounds, period).transpose(0, 2, 1))
    middle = bn.move_median(by_place, min(WEEKS, rounds), min_count=min(2, rounds), axis=2)
    before = np.full_like(middle, np.nan)
    before[:, :, 1:] = middle[:, :, :-1]  # this week's own place is known only half a week later
    flat = before.transpose(0, 2, 1).reshape(series, rounds * period)[:, :count]
    return or_zero(flat), ~np.isnan(flat)
