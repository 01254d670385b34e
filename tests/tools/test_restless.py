"""What a restless bill must not hide and must not be told for: jobs that are on and off, days of rest, wide tails."""

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from tools.detection.clock import Clock
from tools.detection.evidence import reach_of
from tools.detection.idle import without_rests
from tools.detection.robust import scores
from tools.detection.rolling import Array

FIRST = date(2025, 9, 1)
DAYS = 400
RISE = slice(320, 350)


def on_and_off(seed: int) -> Array:
    """A batch job that runs on a random half of the days, at one to two and a half times its price."""
    random = np.random.default_rng(seed)
    on = random.random(DAYS) < 0.5
    return np.asarray(1000 * np.where(on, random.uniform(1.0, 2.5, DAYS), 0.15) * np.exp(random.normal(0, 0.15, DAYS)))


def asked_now_and_then(seed: int) -> Array:
    """A model with a steady use that nobody asks on a tenth of the days."""
    random = np.random.default_rng(seed)
    return np.where(random.random(DAYS) < 0.1, 0.0, 500 * np.exp(random.normal(0, 0.1, DAYS)))


def alarms(costs: Array, days: slice) -> int:
    return int(scores(costs, FIRST).alarm[:, days].any(axis=1).sum())


def test_a_rise_of_a_job_that_is_on_and_off_shows_in_the_days_that_it_is_on() -> None:
    quiet = np.stack([on_and_off(seed) for seed in range(30)])
    risen = quiet.copy()
    risen[:, RISE] *= 3.5
    assert alarms(risen, RISE) >= 25
    assert alarms(quiet, RISE) <= 4


def test_days_without_use_do_not_hide_a_rise() -> None:
    quiet = np.stack([asked_now_and_then(seed) for seed in range(30)])
    risen = quiet.copy()
    risen[:, RISE] *= 1.8
    assert alarms(risen, RISE) >= 28
    assert alarms(quiet, slice(120, DAYS)) <= 4


def test_a_rest_is_missing_and_an_end_is_not() -> None:
    costs = np.full((1, 200), 10.0, dtype=np.float32)
    costs[0, [20, 40, 41, 60, 80, 120]] = 0
    costs[0, 150:] = 0
    kept = without_rests(costs, np.arange(200, dtype=np.float32)[None, :], Clock(FIRST))[0]
    assert np.flatnonzero(np.isnan(kept)).tolist() == [60, 80, 120, 150, 151]
    assert kept[152] == 0


def test_weekends_without_cost_are_the_shape_of_the_week_and_no_rest() -> None:
    costs = np.where(np.arange(200) % 7 >= 5, 0.0, 10.0).astype(np.float32)[None, :]
    kept = without_rests(costs, np.arange(200, dtype=np.float32)[None, :], Clock(FIRST))
    assert np.isnan(kept[:, 21:]).sum() == 0


def test_heavy_tails_of_a_population_are_known_and_normal_ones_cost_nothing() -> None:
    random = np.random.default_rng(4)
    normal = random.normal(0, 0.1, (100, DAYS)).astype(np.float32)
    heavy = (0.1 * random.standard_t(3, (100, DAYS))).astype(np.float32)
    assert reach_of(normal).up[-1] == pytest.approx(1.0, abs=0.05)
    assert reach_of(heavy).up[-1] > 1.3
    assert reach_of(heavy[:1]).up[-1] < reach_of(heavy).up[-1]


def test_heavy_tails_are_not_one_false_alarm_a_month() -> None:
    random = np.random.default_rng(5)
    costs = 1000 * np.exp(0.08 * random.standard_t(4, (120, DAYS)))
    alarm = scores(costs, FIRST).alarm[:, 120:]
    assert alarm.sum() / (120 * (DAYS - 120) / 30.4) < 0.03


def test_hours_are_told_as_seldom_as_days() -> None:
    random = np.random.default_rng(6)
    costs = 100 * np.exp(random.normal(0, 0.1, (40, 24 * 60)))
    clock = Clock(datetime.combine(FIRST, datetime.min.time()), timedelta(hours=1))
    assert scores(costs, FIRST, clock=clock).alarm[:, 24 * 15 :].sum() <= 2
