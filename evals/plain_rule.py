"""The plain rule that detection must beat: a day above the mean of the 28 days before by three standard deviations.

It sees the same series, and tells from the same amount and percentage on, so that it does not lose by small change.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from evals.alarms import Alarm
from evals.days import Days

BACK = 28
SIGMAS = 3.0
GAP = 7


@dataclass(frozen=True)
class Daily:
    """One series: its names, its first day, its daily amounts."""

    names: Mapping[str, str]
    first: date
    values: tuple[Decimal, ...]


@dataclass(frozen=True)
class Floor:
    """What is worth telling."""

    amount: float
    percent: float


def plain_alarms(series: Sequence[Daily], window: Days, floor: Floor) -> list[Alarm]:
    """Runs of unusual days (no gap above a week) within the window, each told once its excess is worth telling."""
    return [alarm for one in series for alarm in _runs(one, window, floor)]


def _runs(one: Daily, window: Days, floor: Floor) -> Iterator[Alarm]:
    values = np.array([float(value) for value in one.values])
    start, last, excess, expected = -1, -1, 0.0, 0.0
    told: date | None = None
    for day in range(BACK, len(values)):
        before = values[day - BACK : day]
        mean, spread = float(before.mean()), float(before.std(ddof=1))
        if values[day] <= mean + SIGMAS * spread or values[day] <= mean:
            continue
        if start < 0 or day - last > GAP:
            if told:
                yield _alarm(one, start, last, told)
            start, excess, expected, told = day, 0.0, 0.0, None
        last = day
        excess, expected = excess + values[day] - mean, expected + mean
        today = one.first + timedelta(days=day)
        worth = excess >= floor.amount and excess * 100 >= expected * floor.percent
        if told is None and worth and window.first <= today <= window.last:
            told = today
    if told:
        yield _alarm(one, start, last, told)


def _alarm(one: Daily, start: int, last: int, told: date) -> Alarm:
    days = Days(one.first + timedelta(days=start), one.first + timedelta(days=last))
    return Alarm(dict(one.names), days, told)
