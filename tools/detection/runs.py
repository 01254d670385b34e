"""Alarm days to findings: neighbours within a week are one event, and an event is worth telling only if it is money."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from tools.detection.robust import Scores
from tools.detection.rolling import Array

GAP_DAYS = 7


@dataclass(frozen=True)
class Run:
    """One event of one series: first and last alarm day, and what those days cost against what was expected."""

    series: int
    start: date
    end: date
    actual: float
    expected: float
    score: float
    kind: str

    @property
    def excess(self) -> float:
        return self.actual - self.expected


def runs(costs: Array, scored: Scores, first_day: date) -> Iterator[Run]:
    """Events of every series in order of time; `actual` and `expected` are sums over all days from start to end."""
    for series in np.flatnonzero(scored.alarm.any(axis=1)):
        positions = np.flatnonzero(scored.alarm[series])
        breaks = np.flatnonzero(np.diff(positions) > GAP_DAYS) + 1
        for group in np.split(positions, breaks):
            yield _run(costs, scored, first_day, series=int(series), start=int(group[0]), end=int(group[-1]))


def _run(costs: Array, scored: Scores, first_day: date, *, series: int, start: int, end: int) -> Run:
    window = slice(start, end + 1)
    actual = float(costs[series, window].sum())
    expected = float(scored.expected[series, window].sum())
    onset = bool(scored.onset[series, window].any())
    kind = "new" if onset else "rise" if actual >= expected else "drop"
    return Run(
        series=series,
        start=first_day + timedelta(days=start),
        end=first_day + timedelta(days=end),
        actual=actual,
        expected=expected,
        score=float(scored.score[series, window].max()),
        kind=kind,
    )
