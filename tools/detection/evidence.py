"""How far each day, and each stretch of days that ends with it, lies from what was expected, in deviations of the
series' own past.

One day alone shows a spike. A shift of half its size shows in a week's mean, a leak in two weeks against the month
before, the end of quiet days in the lowest day of ten. Each stretch is judged by how such stretches of the same series
used to lie, so that a series that wanders, or is on and off, must do more to be news.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import log1p

import bottleneck as bn
import numpy as np

from tools.detection.clock import Clock
from tools.detection.expected import LEVEL, Expected
from tools.detection.explained import repeated
from tools.detection.rolling import Grid, lagged, or_zero, past_mean, past_quantiles

# Width, columns between the stretch and the level it is held against, weight: chosen on seeds 11 and 12 of the given
# generator (docs/benchmarks.md tells what each is worth).
STRETCHES = ((2, 0), (7, 0), (7, 21))
LOWEST = 10
WEIGHTS = (0.975, 1.21, 1.41, 1.17, 0.74)
OWN_KIND_MOST = 1.0
SPREAD_DAYS, CALMER = (56, 28), 1.5
TAIL_WEEKS = 39
REFRESHED = 7
TAIL = 0.85  # of the weeks
TAIL_NORMAL = 1.996  # the highest of seven normal days, in that share of weeks
LEAST_SPREAD = 0.03  # 3 %: less is the price list, not noise
UNKNOWN_SPREAD = 0.5
LEAST_CHANGE = 0.14  # of what was expected: organic steps are smaller
MOST_OF_A_DAY, LEAST_OF_A_DAY = 4.0, 2.5  # deviations that one day adds to a stretch, or takes from it
CARRIED = 1.3  # variance of a mean, beyond that of independent days: one day carries over to the next
DRIFT = 0.35  # and the level itself is uncertain, in variances of a day
WALK = 0.004  # a day, of the level
YOUNG_DAYS = 56
OWN_DAYS, OWN_SHARE, OWN_MOST = 42, 2.0, 6.0  # how the same stretches used to lie


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


def spread_of(residual: Grid) -> Spread:
    """From the quartiles of two months (or of the last weeks, where those were calmer: a service that is new has been
    restless) and the highest and lowest days of each of 39 weeks. By weeks, because the tails of a restless
    series reach out in most weeks, and one past event only in two or three."""
    wide = [_quartiles(residual, days) for days in SPREAD_DAYS]
    calm = np.fmin(wide[0], wide[1] * np.float32(CALMER))
    day = np.sqrt(np.where(np.isnan(calm), np.float32(UNKNOWN_SPREAD), calm) ** 2 + np.float32(LEAST_SPREAD**2))
    reach = day * np.float32(TAIL_NORMAL)
    return Spread(day, *(np.maximum(or_zero(_tail(side) / reach), 1) for side in (residual, -residual)))


def _quartiles(residual: Grid, days: int) -> Grid:
    first, third = past_quantiles(residual, days, REFRESHED, (0.25, 0.75), least=10)
    return (third - first) / np.float32(1.349)


def _tail(residual: Grid) -> Grid:
    """How high the highest day of a week is, in `TAIL` of the weeks before."""
    series, count = residual.shape
    weeks = -(-count // REFRESHED)
    folded = np.full((series, weeks * REFRESHED), np.nan, dtype=np.float32)
    folded[:, :count] = residual
    highest = bn.nanmax(folded.reshape(series, weeks, REFRESHED), axis=2)
    [usual] = past_quantiles(highest, TAIL_WEEKS, 1, (TAIL,), least=2)
    return np.repeat(usual, REFRESHED, axis=1)[:, :count]


def evidence(known: Expected, residual: Grid, spread: Spread, young: Grid, clock: Clock) -> Evidence:
    """What speaks for an event on each day. `residual`: `seen` less what the calendar too explains (NaN: missing);
    `young`: days since the first charge of a series that began later than the bill: while it still finds its level, a
    day is judged alone; `clock`: what comes again."""
    found = signs(known, residual, spread, young, clock)
    first = next(found) * np.float32(WEIGHTS[0])
    rise, fall = np.maximum(first, 0), np.minimum(first, 0)
    for weight, sign in zip(WEIGHTS[1:], found, strict=True):
        sign *= np.float32(weight)
        np.maximum(rise, sign, out=rise)
        np.minimum(fall, sign, out=fall)
    return Evidence(rise, fall)


def signs(known: Expected, residual: Grid, spread: Spread, young: Grid, clock: Clock) -> Iterator[Grid]:
    """The day alone, each of `STRETCHES`, and the lowest of ten days: [S, T] each, in deviations, 0 where the change
    is too small to be one."""
    at_least = np.float32(log1p(LEAST_CHANGE))
    up, down = spread.day * spread.up, spread.day * spread.down
    alone = or_zero(residual / np.where(residual > 0, up, down))
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
        plain_square = np.where(away > 0, side_up, side_down) ** 2 * uncertain + np.float32((width + apart) * WALK**2)
        sign = _own(away, plain_square, width + apart)
        sign[(np.abs(away) <= at_least) | (young < YOUNG_DAYS + width + apart)] = 0
        yield sign
    lowest = _lowest(np.where(np.isnan(residual), np.float32(np.nan), plain + residual), spread)
    lowest[young < YOUNG_DAYS + LOWEST] = 0
    yield lowest


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


def _lowest(days: Grid, spread: Spread) -> Grid:
    """The lowest of the last days against how low such days were: a machine that is on and off shows a rise there."""
    if days.shape[1] < LEVEL + LOWEST:
        return np.zeros_like(days)
    sign = _own_kind(bn.move_min(days, LOWEST, min_count=3, axis=1), LOWEST, spread)
    return np.maximum(sign, 0)  # one low day makes no fall


def _own_kind(values: Grid, width: int, spread: Spread) -> Grid:
    """`values` less their usual level before the last `width` days, in deviations of what they did before; 0 where the
    change is too small to be one."""
    away = or_zero(values - lagged(bn.move_median(values, LEVEL, min_count=14, axis=1), width))
    plain_spread = np.float32(0.05) + np.float32(0.5) * np.minimum(spread.day, np.float32(0.2))
    own = lagged(past_mean(np.minimum(away**2, OWN_KIND_MOST), 90, least=20), width - 1)
    own = np.where(np.isnan(own), np.float32(OWN_KIND_MOST), own)
    sign = away / np.sqrt(plain_spread**2 + np.float32(2) * own)
    sign[np.abs(away) <= log1p(LEAST_CHANGE)] = 0
    return np.asarray(sign, dtype=np.float32)
