"""False alarms do not grow with the number of series: what is one in ten thousand is no news among a million."""

from datetime import date

import numpy as np
import pytest

from tools.detection.discoveries import FALSE_SHARE, chance, controlled
from tools.detection.robust import THRESHOLD, Scores, scores
from tools.detection.rolling import Grid


def made(score: Grid) -> Scores:
    same = np.zeros(score.shape)
    return Scores(score.astype(np.float32), same > 1, same, same > 1, same)


def test_among_few_series_every_alarm_stands() -> None:
    score = np.full((100, 3), 1.0)
    score[7, 1] = THRESHOLD + 0.01
    [kept] = controlled([made(score)])
    assert np.flatnonzero(kept.alarm).tolist() == [7 * 3 + 1]


def test_one_alarm_among_very_many_must_be_larger_and_many_together_need_not() -> None:
    score = np.full((100_000, 2), 1.0)
    score[5, :] = 4.1
    score[:400, 1] = 4.1
    [kept] = controlled([made(score)])
    assert kept.alarm[:, 0].sum() == 0
    assert kept.alarm[:, 1].sum() == 400


def test_levels_count_together() -> None:
    score = np.full((60_000, 1), 1.0)
    score[0, 0] = 4.85
    assert [one.alarm.sum() for one in controlled([made(score)])] == [1]
    assert [one.alarm.sum() for one in controlled([made(score), made(score[1:])])] == [0, 0]


def test_of_what_is_told_of_noise_and_events_at_most_a_tenth_is_noise() -> None:
    random = np.random.default_rng(3)
    score = np.abs(random.normal(0, 1, (200_000, 5)))
    score[:100] += 5.5
    [kept] = controlled([made(score)])
    false, told = kept.alarm[100:].sum(), kept.alarm.sum()
    assert told > 400
    assert false / told <= 2 * FALSE_SHARE
    assert made(score).alarm[100:].sum() > false


def test_it_is_chance_as_tables_have_it() -> None:
    assert chance(1.959964) == pytest.approx(0.05, abs=1e-6)


def test_nothing_to_judge_is_no_fault() -> None:
    assert controlled([]) == []
    empty = scores(np.zeros((0, 100)), date(2026, 1, 1))
    assert controlled([empty])[0].alarm.sum() == 0
