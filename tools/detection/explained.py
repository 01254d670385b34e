"""What a calendar explains: a day is compared with the days that stood at the same place before, and whichever of the
explanations comes nearest to what happened is believed.

Without the edges of the month, F1 on the given generator falls by half of itself (docs/benchmarks.md). The price is
that an event of the same size on the same place of two months is told once.
"""

import numpy as np

from tools.detection.clock import Clock, Columns
from tools.detection.expected import Expected
from tools.detection.rolling import Grid, past_mean

WEEK = 7


def explained(known: Expected, clock: Clock) -> Grid:
    """The residual [S, T] of what was seen, less what the calendar explains of it; NaN: missing."""
    plain = known.seen - known.usual
    nearest = plain.copy()
    count = plain.shape[1]
    usual = known.usual
    money, amount = known.money(usual), np.zeros_like(plain)
    amount[:] = known.money(known.seen) - money
    for twin in clock.month_twins(count):
        here, there = _pairs(twin)
        if not len(here):
            continue
        raised = np.log(np.maximum(money[:, here] + amount[:, there], 0) + known.floor[:, here])
        _nearer(nearest, here, plain[:, here] - plain[:, there])  # by the same factor
        _nearer(nearest, here, known.seen[:, here] - raised)  # by the same amount: an invoice on a quiet day
    here, there = _pairs(clock.rest_days(count))
    _nearer(nearest, here, plain[:, here] + known.shape[:, here] - known.shape[:, there])
    for twin in clock.run_twins(count)[0]:
        here, there = _pairs(twin)
        _nearer(nearest, here, plain[:, here] - plain[:, there])
    return nearest


def repeated(stretch: Grid, least: float, clock: Clock) -> None:
    """Takes from the means of stretches [S, T], in place, what the same stretches of earlier runs of the calendar, of
    a year ago or of both of the last two quarters had as well, where that was at least `least`."""
    count = stretch.shape[1]
    before = stretch.copy()
    for twin in clock.run_twins(count)[0]:
        here, there = _pairs(twin)
        if len(here):
            _nearer(stretch, here, before[:, here] - before[:, there])
    year, quarter, half = clock.season_twins(count)
    here, there = _pairs(year)
    if len(here):
        stood = before[:, there]
        _nearer(stretch, here, np.where(np.abs(stood) >= least, before[:, here] - stood, before[:, here]))
    here, there = _pairs(half)
    if len(here):
        stood = _both(before[:, quarter[here]], before[:, there])
        _nearer(stretch, here, np.where(np.abs(stood) >= least, before[:, here] - stood, before[:, here]))


def seasonal(residual: Grid, spread: Grid, clock: Clock) -> Grid:
    """`residual` less how the week around the same weekday stood out a year ago, or in both of the last two quarters,
    where it did by more than a deviation and this explains the day better. One quarter alone proves no season: two
    events of one size would hide each other."""
    nearest = residual.copy()
    around = past_mean(residual, WEEK * clock.a_day, least=4)
    year, quarter, half = clock.season_twins(residual.shape[1])
    here, there = _pairs(year)
    _stood(nearest, here, residual, _around(around, there, clock), spread)
    here, there = _pairs(half)
    if len(here):
        both = _both(_around(around, quarter[here], clock), _around(around, there, clock))
        _stood(nearest, here, residual, both, spread)
    return nearest


def _stood(nearest: Grid, here: Columns, residual: Grid, stood: Grid, spread: Grid) -> None:
    """In the columns `here`, the residual without what `stood` out by more than a deviation, where that is nearer."""
    if len(here):
        _nearer(nearest, here, np.where(np.abs(stood) > spread[:, here], residual[:, here] - stood, nearest[:, here]))


def _both(one: Grid, other: Grid) -> Grid:
    """The smaller of two that lie on the same side; 0 where they do not."""
    same = np.where(one * other > 0, np.sign(one) * np.minimum(np.abs(one), np.abs(other)), 0)
    return np.asarray(same, dtype=np.float32)


def _around(around: Grid, there: Columns, clock: Clock) -> Grid:
    """The mean of the week around each of the columns `there`."""
    return around[:, np.minimum(there + 4 * clock.a_day, around.shape[1] - 1)]


def _pairs(twin: Columns) -> tuple[Columns, Columns]:
    here = np.flatnonzero(twin >= 0)
    return here, twin[here]


def _nearer(nearest: Grid, here: Columns, other: Grid) -> None:
    """`other` instead of `nearest` in the columns `here`, where it is nearer to nothing."""
    if not len(here):
        return
    now = nearest[:, here]
    nearest[:, here] = np.where(np.abs(other) < np.abs(now), other, now)
