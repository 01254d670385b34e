"""Which days of the past a day of a calendar may be compared with, and which seasons nobody has learnt from yet."""

from datetime import date

import numpy as np
import pytest

from tools.detection.clock import AFTERMATH, BEFORE_DAYS, Clock

FIRST, DAYS = date(2025, 1, 1), 420
SEASON = 20  # days


def a_year_apart(start: int) -> Clock:
    """A season that begins on column `start`, and again a year later; columns before 0 are days before the bill."""
    days = {*range(start, start + SEASON), *range(start + 364, start + 364 + SEASON)}
    return Clock(FIRST, kinds=dict.fromkeys(days, ("shopping",)))


def test_a_season_is_compared_with_the_one_before() -> None:
    twins, unknown = a_year_apart(40).run_twins(DAYS)
    second = np.arange(404, 404 + 15)
    assert twins[0][second].tolist() == (second - 364).tolist()
    assert np.flatnonzero(unknown).tolist() == list(range(40, 40 + SEASON + AFTERMATH))
    assert not unknown[second].any()


@pytest.mark.parametrize("start", [-30, -5, 0, BEFORE_DAYS - 1])
def test_nothing_is_learnt_from_a_season_with_too_little_of_the_bill_before_it(start: int) -> None:
    twins, unknown = a_year_apart(start).run_twins(DAYS)
    second = np.arange(start + 364, start + 364 + SEASON)
    assert unknown[second].all()
    assert (twins[0][second] == -1).all()


def test_a_holiday_is_no_season() -> None:
    clock = Clock(FIRST, kinds=dict.fromkeys((100, 101), ("holiday",)))
    twins, unknown = clock.run_twins(DAYS)
    assert not unknown.any()
    assert (twins[0] == -1).all()
