"""The band in which a day is no news: what lies above it alarms, and it is drawn around what the scores expect."""

from datetime import date

import numpy as np
import pytest

from tools.detection.band import band
from tools.detection.robust import LEARNING_DAYS, scores
from tools.detection.rolling import Array

FIRST = date(2026, 1, 1)


def restless(seed: int, *, series: int = 60, days: int = 260) -> Array:
    """Costs with a week, noise, and days far out."""
    random = np.random.default_rng(seed)
    week = np.where(np.arange(days) % 7 < 5, 1.0, 0.5)
    costs = np.exp(random.normal(4, 1, (series, 1)) + random.normal(0, 0.15, (series, days))) * week
    return np.asarray(costs * np.where(random.random(costs.shape) < 0.01, 4.0, 1.0))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_day_above_the_band_is_an_alarm_and_the_middle_is_what_was_expected(seed: int) -> None:
    costs = restless(seed)
    rows = [3, 17, 40, 59]
    drawn, judged = band(costs, FIRST, rows=rows), scores(costs, FIRST)
    known = slice(LEARNING_DAYS, None)
    assert np.array_equal(drawn.expected[:, known], judged.expected[rows][:, known])
    above = costs[rows] > drawn.high * 1.0001
    assert above.sum() >= 4
    assert judged.alarm[rows][above].all()
    assert (drawn.low[:, known] <= drawn.expected[:, known]).all()
    assert (drawn.high[:, known] > drawn.expected[:, known]).all()


def test_a_day_that_alarms_and_whose_stretches_are_quiet_lies_above_the_band() -> None:
    costs = np.full((1, 120), 100.0) * np.exp(np.random.default_rng(7).normal(0, 0.02, (1, 120)))
    costs[0, 100] = 160.0
    drawn, judged = band(costs, FIRST, rows=[0]), scores(costs, FIRST)
    assert judged.alarm[0, 100]
    assert costs[0, 100] > drawn.high[0, 100]
    quiet = np.setdiff1d(np.arange(60, 100), [100])
    assert not judged.alarm[0, quiet].any()
    assert (costs[0, quiet] <= drawn.high[0, quiet]).all()


@pytest.mark.parametrize("days", [1, 3, 13])
def test_while_a_series_is_learnt_there_is_no_band(days: int) -> None:
    drawn = band(np.full((2, days), 50.0), FIRST, rows=[1])
    assert drawn.high.shape == (1, days)
    assert np.isnan(drawn.low).all()
    assert np.isnan(drawn.high).all()
