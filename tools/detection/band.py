"""Between which amounts a day is no news by itself: what is drawn around the days that were expected.

The score judges days and stretches; only the day alone has edges that can be drawn. So a level shift may alarm by its
week while each of its days lies within the band, and a single day below it is no news yet, since a fall takes two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import log1p

import numpy as np

from tools.detection.clock import Clock
from tools.detection.evidence import LEAST_CHANGE, WEIGHTS
from tools.detection.robust import (
    LEARNING_DAYS,
    THRESHOLD,
    UNKNOWN_SEASON,
    common_reach,
    fewer,
    foreseen,
    prepared,
)
from tools.detection.rolling import Array, Grid


@dataclass(frozen=True)
class Band:
    """[S, T] each, money: what was expected, and the least and most that is no news; NaN while a series is learnt."""

    expected: Grid
    low: Grid
    high: Grid


def band(costs: Array, first: date, *, rows: Sequence[int], clock: Clock | None = None) -> Band:
    """The band of the series `rows` of `costs` [S, T]; the other series tell how heavy tails are, as for `scores`."""
    clock = clock or Clock(first)
    wide, count = prepared(costs)
    reach = common_reach(wide, clock)
    day = foreseen(wide[list(rows)], clock)
    _, unknown = clock.run_twins(wide.shape[1])
    away = np.full(wide.shape[1], THRESHOLD / (WEIGHTS[0] * float(fewer(clock))), dtype=np.float32)
    away[unknown] /= np.float32(UNKNOWN_SEASON)
    up, down = (
        np.maximum(away * day.spread.day * own * common, np.float32(log1p(LEAST_CHANGE)))
        for own, common in ((day.spread.up, reach.up), (day.spread.down, reach.down))
    )
    drawn = [day.known.money(logged) for logged in (day.logged, day.logged - down, day.logged + up)]
    for side in drawn:
        side[day.begun < LEARNING_DAYS * clock.a_day] = np.nan
    return Band(*(side[:, :count] for side in drawn))
