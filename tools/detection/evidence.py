"""How far each day, and each stretch of days that ends with it, lies from what was expected, in deviations of the
series' own past.

One day alone shows a spike. A shift of half its size shows in a week's mean, a leak in two weeks against the month
before, a rise of a series that is on and off in the days that it is on (`modes.py`). Each stretch is judged by how such
stretches of the same series used to lie, so that a series that wanders must do more to be news.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import log1p

import bottleneck as bn
import numpy as np

from tools.detection.clock import Clock
from tools.detection.expected import LEVEL, Expected
from tools.detection.explained import repeated
from tools.detection.modes import beyond
from tools.detection.rolling import Grid, lagged, or_zero, past_mean, past_quantiles

# Width, columns between the stretch and the level it is held against, weight: chosen on seeds 11 to 14 of the given
# generator (docs/benchmarks.md tells what each is worth).
STRETCHES = ((2, 0), (7, 0), (7, 21))
WEIGHTS = (0.975, 1.21, 1.34, 1.23, 0.8, 1.5)
SPREAD_DAYS = 56
TAIL_WEEKS = 39
REFRESHED = 7
TAIL = 0.85  # of the weeks
TAIL_NORMAL = 1.996  # the highest of seven normal days, in that share of weeks
# By weeks, the middle series of a population with normal tails lies near 1. A ratio of 1.2 there means that one day in
# ten thousand lies twice as far out (Student's t with four degrees: 1.29 and 3.2), and most of that is believed;
# chosen on seeds 1 and 2 of the generators of tests/bench/detect_made.py.
REACH_FROM, REACH_POWER = 1.07, 3.0
FEW_SERIES = 8
LEAST_SPREAD = 0.03  # 3 %: less is the price list, not noise
UNKNOWN_SPREAD = 0.5
LEAST_CHANGE = 0.14  # of what was expected: organic steps are smaller
MOST_OF_A_DAY, LEAST_OF_A_DAY = 4.0, 2.5  # deviations that one day adds to a stretch, or takes from it
CARRIED = 1.3  # variance of a mean, beyond that of independent days: one day carries over to the next
DRIFT = 0.35  # and the level itself is uncertain, in variances of a day
WALK = 0.004  # a day, of the level
YOUNG_DAYS, YOUNG_MODES = 56, 66
OWN_DAYS, OWN_SHARE, OWN_MOST = 42, 1.8, 6.0  # how the same stretches used to lie


@dataclass(frozen=True)
class Evidence:
    """[S, T] each: the strongest sign of a rise (above 0) and of a fall (below 0)."""

    rise: Grid
    fall: Grid


@dataclass(frozen=True)
class Spread:
    """[S, T] each: a day's deviation, and by what factor rises and falls of this series reach further."""

    day: Grid
    up: Grid
    down: Grid


@dataclass(frozen=True)
class Reach:
    """[T] each: by what factor single days of the whole population reach further up and down than normal ones."""

    up: Grid
    down: Grid


def spread_of(residual: Grid) -> Spread:
    """From the quartiles of two months and the highest and lowest days of each of 39 weeks. By weeks, because the tails
    of a restless series reach out in most weeks, and one past event only in two or three."""
    day = _day(residual)
    return Spread(day, *(np.maximum(or_zero(ratio), 1) for ratio in _ratios(residual, day)))


def reach_of(residual: Grid) -> Reach:
    """How heavy the tails of the series in `residual` are together, day by day, from the days before.

    One series has too few days to know its own tail: what reaches out in one week of ten says little of what reaches
    out once a year. Hundreds of series say it, so false discoveries are controlled by what all of them do. The middle
    series counts, which events of a few do not move; of few series, less is believed."""
    count = len(residual)
    believed = np.float32(count / (count + FEW_SERIES))
    found = []
    for ratio in _ratios(residual, _day(residual)):
        middle = or_zero(np.asarray(bn.nanmedian(ratio, axis=0)))
        found.append((1 + np.maximum(middle - np.float32(REACH_FROM), 0) * believed) ** np.float32(REACH_POWER))
    return Reach(*found)


def _day(residual: Grid) -> Grid:
    first, third = past_quantiles(residual, SPREAD_DAYS, REFRESHED, (0.25, 0.75), least=10)
    wide = (third - first) / np.float32(1.349)
    known = np.where(np.isnan(wide), np.float32(UNKNOWN_SPREAD), wide)
    return np.asarray(np.sqrt(known**2 + np.float32(LEAST_SPREAD**2)))


def _ratios(residual: Grid, day: Grid) -> list[Grid]:
    """How much further than a normal series' the weekly extremes reach, up and down; NaN where nothing is known."""
    reach = day * np.float32(TAIL_NORMAL)
    return [_tail(side) / reach for side in (residual, -residual)]


def _tail(residual: Grid) -> Grid:
    """How high the highest day of a week is, in `TAIL` of the weeks before."""
    series, count = residual.shape
    weeks = -(-count // REFRESHED)
    folded = np.full((series, weeks * REFRESHED), np.nan, dtype=np.float32)
    folded[:, :count] = residual
    highest = bn.nanmax(folded.reshape(series, weeks, REFRESHED), axis=2)
    [usual] = past_quantiles(highest, TAIL_WEEKS, 1, (TAIL,), least=2)
    return np.repeat(usual, REFRESHED, axis=1)[:, :count]


def evidence(known: Expected, residual: Grid, spread: Spread, reach: Reach, young: Grid, clock: Clock) -> Evidence:
    """What speaks for an event on each day. `residual`: `seen` less what the calendar too explains (NaN: missing);
    `young`: days since the first charge of a series that began later than the bill: while it still finds its level, a
    day is judged alone; `reach`: of all series; `clock`: what comes again."""
    found = signs(known, residual, spread, reach, young, clock)
    first = next(found) * np.float32(WEIGHTS[0])
    rise, fall = np.maximum(first, 0), np.minimum(first, 0)
    for weight, sign in zip(WEIGHTS[1:], found, strict=True):
        sign *= np.float32(weight)
        np.maximum(rise, sign, out=rise)
        np.minimum(fall, sign, out=fall)
    return Evidence(rise, fall)


def signs(known: Expected, residual: Grid, spread: Spread, reach: Reach, young: Grid, clock: Clock) -> Iterator[Grid]:
    """The day alone, each of `STRETCHES`, and what lies beyond two levels once and twice: [S, T] each, in deviations, 0
    where the change is too small to be one."""
    at_least = np.float32(log1p(LEAST_CHANGE))
    up, down = spread.day * spread.up, spread.day * spread.down
    alone = or_zero(residual / np.where(residual > 0, up * reach.up, down * reach.down))
    alone[~(np.abs(residual) > at_least)] = 0
    # One low day is as often a bill that is not whole as a machine that stood still: a fall takes two.
    alone[:, 1:] = np.where(alone[:, 1:] < 0, np.maximum(alone[:, 1:], np.minimum(alone[:, :-1], 0)), alone[:, 1:])
    yield alone
    plain, most, least = or_zero(known.plain), np.float32(MOST_OF_A_DAY), np.float32(LEAST_OF_A_DAY)
    clipped = plain + or_zero(np.clip(residual, -least * down, most * up))
    sums = np.cumsum(clipped, axis=1, dtype=np.float64)
    side_up, side_down = spread.day * np.sqrt(spread.up), spread.day * np.sqrt(spread.down)
    for width, apart in STRETCHES:
        away = _stretch(known, sums, width, apart)
        repeated(away, float(at_least), clock)
        uncertain = np.float32(min(1.0, CARRIED / width) + DRIFT)
        far_up, far_down = (
            side ** np.float32(1 / width) for side in (reach.up, reach.down)
        )  # a mean hides a single day
        plain_square = np.where(away > 0, side_up * far_up, side_down * far_down) ** 2 * uncertain + np.float32(
            (width + apart) * WALK**2
        )
        sign = _own(away, plain_square, width + apart)
        sign[(np.abs(away) <= at_least) | (young < YOUNG_DAYS + width + apart)] = 0
        yield sign
    for sign in beyond(known.usual + residual, spread.day):
        sign[young < YOUNG_MODES] = 0
        yield sign


def _stretch(known: Expected, sums: Grid, width: int, apart: int) -> Grid:
    """The mean of the last `width` days less the level before them, carried on by its slope."""
    mean = sums.copy()
    mean[:, width:] -= sums[:, :-width]
    lag = width - 1 + apart
    ahead = (LEVEL + 1) / 2 + lag - (width - 1) / 2
    foreseen = lagged(known.level, lag) + lagged(known.slope, lag) * np.float32(ahead)
    return np.asarray(or_zero((mean / width).astype(np.float32) - foreseen), dtype=np.float32)


def _own(away: Grid, plain_square: Grid, lag: int) -> Grid:
    """`away` in deviations: the larger of what a day's noise makes of it and what such stretches were before."""
    square = np.minimum(away**2, np.float32(OWN_MOST**2) * plain_square)
    own = lagged(past_mean(square, OWN_DAYS, least=20), lag - 1)
    return np.asarray(away / np.sqrt(np.fmax(plain_square, np.float32(OWN_SHARE) * own)), dtype=np.float32)
