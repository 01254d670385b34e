"""The fast lane's arithmetic: a burst in its hour, no alarm of a week's shape or of hours that are not known."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.bench.hours import made, measured
from tools.detection.hours import DAY, WEEK, HourEvent, hour_events, hour_scores
from tools.detection.rolling import Array

WEEKS = 9
COUNT = WEEKS * WEEK
AT = 8 * WEEK + 2 * DAY + 10  # a Wednesday's morning


def office(seed: int = 5, count: int = COUNT) -> Array:
    """One series of office hours: ten an hour by day, one by night, half of that at weekends; a little unrest."""
    hours = np.arange(count)
    level = np.where((hours % DAY >= 8) & (hours % DAY < 18), 10.0, 1.0) * np.where(hours // DAY % 7 < 5, 1, 0.5)
    return np.asarray((level * np.exp(np.random.default_rng(seed).normal(0, 0.1, count)))[None, :])


def told(costs: Array, least: float = 25, percent: float = 50) -> list[HourEvent]:
    return hour_events(costs, hour_scores(costs, least_excess=least), [(least, percent)] * len(costs))


def burst(costs: Array, start: int = AT, lasts: int = 1, factor: float = 8) -> Array:
    costs = costs.copy()
    costs[:, start : start + lasts] *= factor
    return costs


def test_a_burst_is_found_in_its_hour() -> None:
    known = burst(office())[:, : AT + 1]  # nothing after it has come yet
    [event] = told(known)
    assert (event.start, event.end, event.told, event.open) == (AT, AT, AT, True)
    assert event.excess == pytest.approx(70, rel=0.3)
    assert told(known[:, :AT]) == []


def test_a_burst_grows_in_place_and_closes_by_itself() -> None:
    costs = burst(office(), lasts=5)
    ends = [told(costs[:, : AT + hours])[0] for hours in (1, 3, 5, 7, 20)]
    assert [event.start for event in ends] == [AT] * 5
    assert [event.end - AT + 1 for event in ends] == [1, 3, 5, 5, 5]
    assert [event.open for event in ends] == [True, True, True, True, False]
    assert ends[3].excess == ends[4].excess > ends[2].excess * 0.99


def test_a_burst_below_the_least_excess_is_told_in_the_hour_in_which_it_comes_to_it() -> None:
    costs = burst(office() / 2, lasts=4, factor=4)  # 15 an hour beyond what is expected
    [event] = told(costs)
    assert event.told - event.start == 1
    assert told(costs, least=500) == []
    assert told(costs, percent=900) == []


def test_a_night_is_no_day() -> None:
    """What is a little more than usual by day is a burst at three in the night."""
    costs = office()
    night, day = AT - 7, AT
    costs[0, night] = costs[0, day] = 14
    assert [event.start for event in told(costs, least=10)] == [night]


def test_the_shape_of_the_week_is_no_alarm() -> None:
    assert told(np.concatenate([office(seed, 2 * COUNT) for seed in range(20)]), least=1) == []


def with_gap(costs: Array) -> Array:
    costs[:, AT - 30 : AT] = np.nan
    return costs


def every_second(costs: Array) -> Array:
    costs[:, ::2] = np.nan
    return costs


def half_missing(costs: Array) -> Array:
    """Weeks of which nothing is known but the nights: what an hour costs is not known when the days come back."""
    hours = np.arange(costs.shape[1])
    costs[:, (hours % DAY >= 6) & (hours < AT - 2)] = np.nan
    return costs


@pytest.mark.parametrize(
    "spoiled",
    [
        with_gap,
        every_second,
        half_missing,
        lambda costs: costs * -1,
        lambda costs: costs * 0,
        lambda costs: costs * np.nan,
        lambda costs: costs * np.inf,
        lambda costs: costs[:, :0],
        lambda costs: costs[:, :1],
        lambda costs: costs[:0],
    ],
    ids=[
        "gap",
        "every second hour",
        "nights alone",
        "credits",
        "zeros",
        "nothing",
        "infinite",
        "no hour",
        "one hour",
        "no series",
    ],
)
def test_what_is_missing_or_no_cost_is_no_alarm(spoiled: Callable[[Array], Array]) -> None:
    assert told(spoiled(office()), least=1) == []


@pytest.mark.parametrize("seed", range(5))
def test_taking_hours_away_never_makes_an_alarm(seed: int) -> None:
    random = np.random.default_rng(seed)
    costs = np.concatenate([office(seed * 10 + one) for one in range(20)])
    costs[random.random(costs.shape) < random.uniform(0, 0.7)] = np.nan
    for start in random.integers(0, COUNT, 12):
        costs[:, start : start + random.integers(1, 100)] = np.nan
    assert told(costs, least=1) == []


def test_three_days_of_history_say_nothing_and_three_weeks_do() -> None:
    for weeks, found in ((3 / 7, 0), (2, 0), (4, 1)):
        start = int(weeks * WEEK)
        assert len(told(burst(office(), start=start, factor=20)[:, : start + 1], least=5)) == found


def test_a_gap_in_a_burst_neither_ends_nor_prolongs_it() -> None:
    costs = burst(office(), lasts=6)
    costs[0, AT + 2 : AT + 4] = np.nan
    [event] = told(costs)
    assert (event.start, event.end) == (AT, AT + 5)
    costs[0, AT + 4 :] = np.nan
    [event] = told(costs)
    assert (event.end, event.open) == (AT + 1, False)


def test_a_nightly_job_may_come_an_hour_late() -> None:
    costs = np.full((1, COUNT), 0.05)
    costs[0, 3::DAY] = 40
    costs[0, AT // DAY * DAY + 3 : AT // DAY * DAY + 5] = 0.05, 40
    assert told(costs) == []
    costs[0, AT // DAY * DAY + 4] = 400
    assert len(told(costs)) == 1


def test_a_key_that_was_never_used_and_burns_money_is_told() -> None:
    costs = np.zeros((1, COUNT))
    costs[0, AT:] = 30
    [event] = told(costs[:, : AT + 2])
    assert (event.start, event.expected) == (AT, 0)


def test_a_holiday_is_no_alarm_and_neither_is_the_day_after_it() -> None:
    costs = office()
    costs[0, AT // DAY * DAY : AT // DAY * DAY + DAY] *= 0.1
    assert told(costs) == []


def test_the_future_changes_nothing_before_it() -> None:
    """The hours from any moment on replaced by noise: scores and alarms before it are the same, to the last bit."""
    random = np.random.default_rng(9)
    costs = made(seed=4, series=60, weeks=9).costs
    scored = hour_scores(costs, least_excess=25)
    assert scored.alarm.any()
    for moment in (*random.integers(4 * WEEK, COUNT, 8), COUNT - 1):
        other = costs.copy()
        other[:, moment:] = random.lognormal(3, 2, other[:, moment:].shape)
        again = hour_scores(other, least_excess=25)
        for name in ("values", "height", "usual", "lift", "spread", "alarm", "together"):
            before, after = getattr(scored, name)[:, :moment], getattr(again, name)[:, :moment]
            np.testing.assert_array_equal(before, after, err_msg=name)
        short = hour_scores(costs[:, :moment], least_excess=25)
        np.testing.assert_array_equal(short.alarm, scored.alarm[:, :moment])


def test_generated_bursts_are_found_with_few_false_alarms() -> None:
    report = measured(made(seed=7, series=120, weeks=10))
    assert report["recall"] >= 0.6
    assert report["false a series and month"] <= 0.1
    assert report["hours to detect"]["median"] <= 2


def test_a_rise_that_no_single_hour_shows_is_found_over_some_hours() -> None:
    """A key that is used now and then, as unsteadily as can be, goes on without a pause."""
    random = np.random.default_rng(3)
    costs = np.where(random.random((1, COUNT)) < 0.05, random.uniform(5, 15, (1, COUNT)), 0.0)
    assert told(costs[:, : AT + 24]) == []
    costs[0, AT : AT + 24] = random.uniform(5, 15, 24)
    [event] = told(costs[:, : AT + 24])
    assert AT - 5 <= event.start <= AT + 5
    assert AT + 3 <= event.told <= AT + 12
    missing = costs[:, : AT + 24].copy()
    missing[0, AT : AT + 24 : 5] = np.nan  # never six hours in a row: nothing is concluded
    assert told(missing) == []
