"""The fast lane: how unusual each hour of each series is, judged only by the hours before it, and what lasts.

An hour is held against the same hour of the week in the weeks before (median), raised by what the last days have been
above that, in units of how far hours usually lie off (median absolute deviation); and it must be beyond nearly all that
the six weeks before held about this hour of the day, so that a nightly job that comes an hour late is no burst. Only
rises are told. A fall burns no money, and looks like hours that have not come yet.

Nothing is concluded from hours that are not known: they are in no median, neither prolong an event nor end it, and an
hour of the week that was seen less than three times is held against the series' busiest hours instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import bottleneck as bn
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tools.detection.rolling import Array, Flags, Grid, lagged, or_zero, past_median

DAY, WEEK = 24, 168
WEEKS = 6  # of which the same hour of the week is looked at,
LEAST_WEEKS = 3  # and without so many of them nothing is said
LIFT_HOURS = 72  # what the last days were above the weeks before raises what is expected
SPREAD_HOURS = 28 * DAY
LEAST_SPREAD = 0.15  # of logarithms: hours never lie closer together than about a sixth
THRESHOLD = 6.0
STILL = 0.5  # an event goes on while hours are this share of the threshold off
QUIET_HOURS = 3  # known ones in a row that end an event
UNKNOWN_HOURS = DAY  # or so many of which nothing is known
LONGEST = WEEK  # then the weeks before have begun to know the new level, and the bill has told it
EXCEPTIONS = 2  # days of the six weeks that may have been as high without making it usual
MARGIN = 0.4  # of logarithms, beyond the highest that was usual
KNOWN_A_DAY = 16  # hours, for a day's highest to be known
SELDOM = 0.25  # of the hours that a series is used in
RECORD = 0.5  # of logarithms, by which the highest hour of six weeks is beaten; then so much is enough:
LEAST_HEIGHT = 2.0
TOGETHER = 6  # hours, whose mean is held against the highest of six weeks too
GRAIN = 0.004  # of the least excess: below it costs are as good as nothing


@dataclass(frozen=True)
class HourScores:
    """[S, T] each, of logarithms of cost (`values`, in units of `grain` money): `height` above what is expected, in
    spreads; `usual`, what is expected before the `lift` of the last days; `spread`. NaN where there is not enough
    history."""

    grain: float
    values: Grid
    height: Grid
    usual: Grid
    lift: Grid
    spread: Grid
    alarm: Flags
    together: Flags


@dataclass(frozen=True)
class HourEvent:
    """A burst of one series: its hours as columns, both included, and whether it may still go on. `told`: the column at
    which its excess came to what is worth telling; `expected`: money over its known hours."""

    series: int
    start: int
    end: int
    told: int
    expected: float
    excess: float
    height: float
    open: bool


def hour_scores(costs: Array, *, least_excess: float) -> HourScores:
    """Scores of `costs` [S, T], hourly and in UTC, whatever hour they begin with. Hours that are not known are NaN,
    credits count as nothing. `least_excess`: money, of which a small part is as good as nothing."""
    grain = max(least_excess, 1e-6) * GRAIN
    count = costs.shape[1]
    known = np.full((len(costs), max(count, WEEKS * WEEK)), np.nan)  # a short history is one of which more is missing
    known[:, :count] = np.where(np.isfinite(costs), costs, np.nan)
    values = np.asarray(np.log1p(np.maximum(known, 0) / grain), dtype=np.float32)
    medians = _medians(values)
    ordinary, record = _busiest(values)
    usual = np.where(np.isnan(medians), ordinary, medians)
    with np.errstate(invalid="ignore"):
        residual = values - medians
        lift = np.maximum(or_zero(past_median(residual, LIFT_HOURS, least=DAY)), 0)
        spread = _spread(residual - lift)
        height = (values - usual - lift) / spread
        broken = (height > LEAST_HEIGHT) & (values - np.fmax(record, usual + lift) > RECORD)
        alarm = np.asarray(height > THRESHOLD)
    series, columns = np.nonzero(alarm)
    if len(series):
        near = values[series, columns] - _neighbours(usual, series, columns) - lift[series, columns]
        beyond = values[series, columns] > _about(values, series, columns) + MARGIN
        beyond &= near > THRESHOLD * STILL * spread[series, columns]
        alarm[series, columns] = beyond & ~_seldom(values, series, columns)
    alarm |= broken
    together = _together(values) & (height > 0) & ~alarm
    alarm |= together
    values, height, usual = values[:, :count], height[:, :count], usual[:, :count]
    return HourScores(
        grain, values, height, usual, lift[:, :count], spread[:, :count], alarm[:, :count], together[:, :count]
    )


def _medians(values: Grid) -> Grid:
    """The median of the same hour of the week in the weeks before; NaN where fewer than three of them are known."""
    series, count = values.shape
    weeks = -(-count // WEEK)
    padded = np.full((series, weeks * WEEK), np.nan, dtype=values.dtype)
    padded[:, :count] = values
    by_hour = np.ascontiguousarray(padded.reshape(series, weeks, WEEK).transpose(0, 2, 1)).reshape(series * WEEK, weeks)
    medians = past_median(by_hour, WEEKS, least=LEAST_WEEKS).reshape(series, WEEK, weeks)
    return np.asarray(medians.transpose(0, 2, 1).reshape(series, weeks * WEEK)[:, :count])


def _busiest(values: Grid) -> tuple[Grid, Grid]:
    """How high the series' days come at most: of the six weeks' days before the highest hour, but for the exceptions,
    and without them. NaN with less than three weeks of days of which most hours are known: what was busiest may be
    what is missing."""
    series, count = values.shape
    days = -(-count // DAY)
    padded = np.full((series, days * DAY), -np.inf, dtype=values.dtype)
    padded[:, :count] = np.where(np.isnan(values), -np.inf, values)
    highest = padded.reshape(series, days, DAY).max(axis=2)
    before = np.concatenate([np.full((series, WEEKS * 7), -np.inf, dtype=values.dtype), highest[:, :-1]], axis=1)
    windows = sliding_window_view(before, WEEKS * 7, axis=1)
    top = np.partition(windows, -1 - EXCEPTIONS, axis=2)[:, :, -1 - EXCEPTIONS :]
    told = np.sum(np.isfinite(padded.reshape(series, days, DAY)), axis=2) >= KNOWN_A_DAY
    told = np.concatenate([np.zeros((series, WEEKS * 7), dtype=bool), told[:, :-1]], axis=1)
    enough = np.sum(sliding_window_view(told, WEEKS * 7, axis=1), axis=2) >= LEAST_WEEKS * 7
    found = (np.where(enough, one, np.nan) for one in (top[:, :, 0], top.max(axis=2)))
    ordinary, record = (np.repeat(one, DAY, axis=1)[:, :count].astype(values.dtype) for one in found)
    return ordinary, record


def _spread(residual: Grid) -> Grid:
    """How far hours usually lie off: over the last weeks, or at this hour of the week if that is more."""
    size = np.abs(residual)
    spread = 1.4826 * past_median(size, SPREAD_HOURS, least=2 * DAY)
    own = np.full_like(size, np.nan)
    if size.shape[1] > WEEK:
        stacked = np.stack([lagged(size, WEEK * back) for back in range(1, LEAST_WEEKS + 1)])
        own = 1.4826 * np.median(stacked, axis=0)  # NaN unless all are known
    return np.asarray(np.maximum(np.fmax(spread, own), LEAST_SPREAD), dtype=size.dtype)


def _about(values: Grid, series: np.ndarray, columns: np.ndarray) -> Grid:
    """What was usual about this hour of the day: of each of the days before the highest of three hours, and of those
    the highest but for the exceptions."""
    back = np.arange(1, WEEKS * 7 + 1) * DAY
    around = columns[:, None, None] - back[None, :, None] + np.array([-1, 0, 1])
    seen = np.where(around >= 0, values[series[:, None, None], np.maximum(around, 0)], np.nan)
    seen = np.where(np.isnan(seen), -np.inf, seen).max(axis=2)
    return np.asarray(np.partition(seen, -1 - EXCEPTIONS, axis=1)[:, -1 - EXCEPTIONS])


def _seldom(values: Grid, series: np.ndarray, columns: np.ndarray) -> Flags:
    """Whether a series is used in few of the hours before, so that what is usual at an hour says nothing."""
    some, known = (np.cumsum(flags, axis=1) for flags in (values > 0, ~np.isnan(values)))
    first, before = np.maximum(columns - WEEKS * WEEK, 0), np.maximum(columns - 1, 0)
    used = some[series, before] - some[series, first]
    return np.asarray((used > 0) & (used < SELDOM * (known[series, before] - known[series, first])))


def _together(values: Grid) -> Flags:
    """Whether the last hours together cost far more than any so many in a row in the six weeks before: a rise of what
    is unsteady shows in no single hour. All of these hours must be known, and half of the weeks before."""
    costs = np.expm1(values)  # in grains
    mean = np.log1p(bn.move_mean(costs, TOGETHER, min_count=TOGETHER, axis=1))
    before = lagged(mean, TOGETHER)
    window = WEEKS * WEEK
    highest = bn.move_max(before, window, min_count=1, axis=1)
    known = bn.move_sum((~np.isnan(before)).astype(np.float32), window, min_count=1, axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray((mean - highest > RECORD) & (known >= LEAST_WEEKS * WEEK))


def _neighbours(usual: Grid, series: np.ndarray, columns: np.ndarray) -> Grid:
    """The highest that is expected in the hour before, this one and the one after."""
    last = usual.shape[1] - 1
    around = [usual[series, np.clip(columns + step, 0, last)] for step in (-1, 0, 1)]
    return np.asarray(np.fmax(np.fmax(around[0], around[1]), around[2]))


def hour_events(costs: Array, scored: HourScores, limits: Sequence[tuple[float, float]]) -> list[HourEvent]:
    """The bursts of every series that are worth telling, in the order of series and time. `limits`: of each series the
    least excess in money, and in percent of what was expected.

    One that goes on is the same one, grown, and is measured by what was expected when it began.
    """
    found: list[HourEvent] = []
    for series in np.flatnonzero(scored.alarm.any(axis=1)):
        after = -TOGETHER  # the last hour of the event before
        for start in np.flatnonzero(scored.alarm[series]):
            if start - (TOGETHER if scored.together[series, start] else 0) < after + 1:
                continue  # of these hours together some were told already
            event = _event(costs[series], scored, int(series), int(start), limits[int(series)])
            if event is not None:
                after = event.end
                found.append(event)
    return found


def _event(cost: Array, scored: HourScores, series: int, start: int, least: tuple[float, float]) -> HourEvent | None:
    """The event that is seen at `start`, None if it is not worth telling."""
    seen = start
    if scored.together[series, start]:  # it began before it could be seen: with the first of these hours that was high
        start -= TOGETHER - 1
        start += int(np.argmax(scored.height[series, start : seen + 1] > 0))
    stop = min(start + LONGEST, len(cost))
    expected = scored.usual[series, start:stop] + scored.lift[series, start]
    off = (scored.values[series, start:stop] - expected) / scored.spread[series, start]
    last, is_over = _last_high(off, min(THRESHOLD, float(np.nanmax(off[: seen - start + 1]))) * STILL)
    known = ~np.isnan(off[: last + 1])
    money = np.where(known, np.expm1(np.minimum(expected[: last + 1], 80).astype(np.float64)) * scored.grain, 0)
    excess = np.cumsum(np.where(known, np.maximum(cost[start : start + last + 1], 0) - money, 0))
    worth = (excess >= least[0]) & (excess * 100 >= np.cumsum(money) * least[1])
    if not worth.any():
        return None
    told = max(start + int(np.argmax(worth)), seen)
    height, sums = float(np.nanmax(off[: last + 1])), (float(money.sum()), float(excess[-1]))
    is_open = not is_over and stop == len(cost)
    return HourEvent(series, start, start + last, told, *sums, height, is_open)


def _last_high(off: Grid, high: float) -> tuple[int, bool]:
    """The last hour that is still as high, and whether quiet hours or ones of which nothing is known have followed."""
    last, quiet, unknown = 0, 0, 0
    for hour, height in enumerate(off):
        if np.isnan(height):
            unknown += 1
        elif height >= high:
            last, quiet, unknown = hour, 0, 0
        else:
            quiet, unknown = quiet + 1, 0
        if quiet >= QUIET_HOURS or unknown >= UNKNOWN_HOURS:
            return last, True
    return last, False
