"""How unusual each day of each daily cost series is, judged only by the days before it.

A day is compared with the same weekday of six weeks, half adapted to the last seven days, on a log scale; the first
three and last two days of a month also with the same days of earlier months. Without that month-day comparison, half of
all alarms are invoices that come every month. A decaying sum (CUSUM) finds shifts and leaks that no single day shows.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from tools.detection.rolling import Array, lagged, median, past_median, past_spread, past_windows

WEEKS = 6
SPREAD_DAYS = 56
SEASONS = (364, 91)  # whole weeks of a year and a quarter: holidays, results and campaigns come again
LEAST_SPREAD = 0.03  # 3 %: less is the price list, not noise
LOW_VOLUME = 0.25  # money a day under which relative changes mean nothing
LEARNING_DAYS = 14
ONSET_DAYS = 4
THRESHOLD = 4.8

Flags = NDArray[np.bool_]
Days = NDArray[np.int64]


@dataclass(frozen=True)
class Scores:
    """[S, T] each: `score` (an alarm above `THRESHOLD`), `z` (signed, of the day alone), `expected` money, `onset` (new
    spend), `month` (by how much the month's edge raises what is expected; 1 on other days)."""

    score: Array
    z: Array
    expected: Array
    onset: Flags
    month: Array

    @property
    def alarm(self) -> Flags:
        return np.asarray((self.score > THRESHOLD) | self.onset)


def scores(costs: Array, first_day: date, *, onset_floor: float = 20.0) -> Scores:
    """Scores of daily `costs` [S, T] starting at `first_day`; days without a charge are 0."""
    costs = np.asarray(costs, dtype=np.float64)
    days = [first_day + timedelta(days=offset) for offset in range(costs.shape[1])]
    floor = np.fmax(LOW_VOLUME, 0.03 * np.nan_to_num(past_median(costs, 28)))
    age = _age(costs)
    level = np.where(age >= 0, np.log(np.maximum(costs, 0) + floor), np.nan)
    weekday = median(np.stack([lagged(level, 7 * week) for week in range(1, WEEKS + 1)], axis=-1))
    predicted = weekday + 0.5 * np.nan_to_num(past_median(level - weekday, 7))
    residual = level - predicted
    spread = np.sqrt(np.nan_to_num(past_spread(residual, SPREAD_DAYS)) ** 2 + LEAST_SPREAD**2)
    predicted = _nearer(level, predicted, weekday, where=np.abs(predicted - weekday) > spread)  # back to the usual
    for lag in SEASONS:
        predicted = _season(level, predicted, spread, lag)
    ordinary = predicted
    predicted, residual = _month_days(level, predicted, floor, days)
    z = _calm_bursty(np.nan_to_num(residual / spread))
    score = np.maximum(np.abs(z), 0.6 * _cusum(z))
    score[age < LEARNING_DAYS] = 0
    onset = (age >= 0) & (age < ONSET_DAYS) & (costs >= onset_floor) & _began_later(age)
    expected = np.maximum(np.nan_to_num(np.exp(predicted) - floor), 0)
    month = np.exp(np.nan_to_num(predicted - ordinary))
    return Scores(score=score, z=z, expected=np.where(onset, 0.0, expected), onset=np.asarray(onset), month=month)


def _age(costs: Array) -> Days:
    """Days since the first charge; -1 before it."""
    seen = np.cumsum(costs > 0, axis=1) > 0
    return np.asarray(np.cumsum(seen, axis=1) - 1, dtype=np.int64)


def _began_later(age: Days) -> Flags:
    # A series that is there when the history starts is not new; only one that was absent for a while is.
    return np.asarray(np.sum(age < 0, axis=1, keepdims=True) >= LEARNING_DAYS)


def _season(level: Array, plain: Array, spread: Array, lag: int) -> Array:
    """The prediction, moved as `lag` days ago where that week stood out and this explains the day better."""
    surprise = past_median(lagged(level - plain, lag - 4), 7)  # the seven days around the same weekday
    return _nearer(level, plain, plain + surprise, where=np.abs(surprise) > spread)


def _nearer(level: Array, plain: Array, other: Array, *, where: Flags) -> Array:
    """`other` instead of `plain` on the days of `where` on which it comes nearer to what happened."""
    better = where & (np.abs(level - other) < np.abs(level - plain))
    return np.asarray(np.where(better, other, plain), dtype=np.float64)


def _month_days(level: Array, plain: Array, floor: Array, days: list[date]) -> tuple[Array, Array]:
    """The prediction and its residual; at the edges of a month, whichever of these is nearest: the plain one, or it
    raised as on the same day of one of the last three months, by the same factor or by the same amount."""
    predicted = plain.copy()
    factor, amount = level - plain, np.exp(level) - np.exp(plain)
    column = {day: position for position, day in enumerate(days)}
    for position, day in enumerate(days):
        base = plain[:, position]
        known = [column[earlier] for earlier in _same_slot(day) if earlier in column]
        for past in known:
            raised = np.log(np.maximum(np.exp(base) + amount[:, past], floor[:, position]))
            for candidate in (base + factor[:, past], raised):
                nearer = np.abs(level[:, position] - candidate) < np.abs(level[:, position] - predicted[:, position])
                predicted[:, position] = np.where(nearer, candidate, predicted[:, position])
    return predicted, level - predicted


def is_month_edge(day: date) -> bool:
    """Whether `day` is one of the first three or last two of its month."""
    return day.day <= 3 or (_month_start(day, 1) - day).days <= 2


def _same_slot(day: date) -> list[date]:
    """The same edge day of the last three months; none for a day in the middle."""
    if not is_month_edge(day):
        return []
    from_end = (_month_start(day, 1) - day).days
    if day.day <= 3:
        return [_month_start(day, -back) + timedelta(days=day.day - 1) for back in (1, 2, 3)]
    return [_month_start(day, 1 - back) - timedelta(days=from_end) for back in (1, 2, 3)]


def _month_start(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def _calm_bursty(z: Array) -> Array:
    """A series whose past is full of bursts must burst higher to be news: divided by its fourth-moment tail, each
    direction by its own, so that a quiet Christmas does not hide a rise in February."""
    calm = np.zeros_like(z)
    for side in (1.0, -1.0):
        size = np.maximum(side * z, 0)
        past = past_windows(np.minimum(size, 8) ** 4, SPREAD_DAYS)
        known = np.maximum(np.sum(~np.isnan(past), axis=-1), 1)
        # 1.316 = 3^(1/4), the normal distribution's; half of it lies on each side
        tail = (2 * np.nansum(past, axis=-1) / known) ** 0.25 / 1.316
        calm += side * size / np.maximum(1.0, tail)
    return calm


def _cusum(z: Array) -> Array:
    rising, falling = np.zeros(z.shape[0]), np.zeros(z.shape[0])
    highest = np.zeros_like(z)
    for position, step in enumerate(np.clip(z, -4, 4).T):
        rising = np.maximum(0, 0.97 * rising + step - 0.6)
        falling = np.maximum(0, 0.97 * falling - step - 0.6)
        highest[:, position] = np.maximum(rising, falling)
    return highest
