"""The causal rule on made series: what it must say, what it must not, and that it never looks ahead."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.detection import robust
from tools.detection.contributions import EXACT, add, contributions, percent, percent_change
from tools.detection.robust import Scores, scores
from tools.detection.rolling import Array, past_median
from tools.detection.runs import Event, events

FIRST = date(2025, 9, 1)
DAYS = 420
JUDGED = 120


def steady(seed: int = 1, *, level: float = 1000.0, noise: float = 0.05) -> Array:
    """One weekday-shaped series with a charge on the first of every month."""
    random = np.random.default_rng(seed)
    day = np.arange(DAYS)
    shape = np.where((day + FIRST.weekday()) % 7 >= 5, 0.55, 1.0)
    costs = level * shape * np.exp(random.normal(0, noise, DAYS))
    first_of_month = [(FIRST.fromordinal(FIRST.toordinal() + int(d))).day == 1 for d in day]
    return np.asarray(costs + np.where(first_of_month, 2 * level, 0.0), dtype=np.float64)


def found(costs: Array) -> list[Event]:
    grid = costs[None, :]
    return [event for event in events(grid, scores(grid, FIRST), FIRST) if (event.start - FIRST).days >= JUDGED]


def offset(day: date) -> int:
    return (day - FIRST).days


def test_blocks_that_are_judged_beside_each_other_are_judged_as_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    costs = np.stack([steady(seed) for seed in range(1, 14)])
    monkeypatch.setattr(robust, "BLOCK", 3)
    beside = scores(costs, FIRST)
    monkeypatch.setattr(robust, "MOST_THREADS", 1)
    alone = scores(costs, FIRST)
    for name in Scores.__dataclass_fields__:
        assert np.array_equal(getattr(beside, name), getattr(alone, name), equal_nan=True), name


def test_a_steady_series_with_weekends_and_monthly_charges_is_quiet() -> None:
    told = [event for seed in range(20) for event in found(steady(seed))]
    assert len(told) <= 4, told  # 20 series x 10 months


def test_a_spike_is_found_on_its_day_with_its_excess() -> None:
    costs = steady()
    costs[300] += 1500
    [event] = found(costs)
    assert (offset(event.start), offset(event.end), event.kind) == (300, 300, "spike")
    assert event.excess == pytest.approx(1500, rel=0.25)


def test_a_level_shift_is_found_within_three_days() -> None:
    costs = steady()
    costs[250:] *= 1.6
    [event] = found(costs)
    assert 250 <= offset(event.start) <= 253
    assert (event.kind, event.lasting) == ("level shift", True)
    assert event.excess == pytest.approx(0.6 / 1.6 * costs[250:].sum(), rel=0.15)


def test_a_shift_that_ends_is_one_event_and_its_end_is_none() -> None:
    costs = steady()
    costs[250:281] *= 1.6
    [event] = found(costs)
    assert (event.kind, event.lasting) == ("level shift", False)
    assert 276 <= offset(event.end) <= 282


def test_what_came_a_year_ago_is_expected() -> None:
    costs = steady()
    for start in (40, 40 + 364):
        costs[start : start + 14] *= 1.5
    assert [event for event in found(costs) if offset(event.start) >= 395] == []


def test_a_quiet_christmas_does_not_hide_a_rise_after_it() -> None:
    costs = steady()
    costs[240:248] *= 0.3
    costs[290:] *= 1.6
    rises = [event for event in found(costs) if event.kind != "drop"]
    assert [290 <= offset(event.start) <= 293 for event in rises] == [True]


@pytest.mark.parametrize(("every", "lasting"), [(3, True), (14, False)])
def test_growth_after_a_few_surprising_days_does_not_prolong_them(every: int, lasting: bool) -> None:
    costs = np.full((1, DAYS), 1000.0)
    costs[0, 300:] *= np.linspace(1.08, 1.4, DAYS - 300)
    surprising = np.zeros((1, DAYS), dtype=bool)
    surprising[0, 300:DAYS:every] = True
    score = np.where(surprising, 9.0, 0.0).astype(np.float32)
    [event, *later] = events(costs, replace(scores(costs, FIRST), score=score, rises=surprising), FIRST)
    assert (offset(event.start), event.lasting) == (300, lasting)
    if not lasting:
        assert (event.days, event.kind) == (1, "spike")
        assert event.excess == pytest.approx(80, rel=0.5)
        assert [one.days for one in later] == [1] * len(later)


def test_the_excess_of_each_day_sums_to_that_of_the_event() -> None:
    costs = steady()
    costs[250:281] *= 1.6
    [event] = found(costs)
    assert len(event.beyond) == event.days
    assert sum(event.beyond) == pytest.approx(event.excess)


def test_a_drop_is_found() -> None:
    costs = steady()
    costs[250:] *= 0.3
    assert found(costs)[0].kind == "drop"


def test_a_slow_leak_is_found_by_the_sum_of_small_steps() -> None:
    costs = steady(noise=0.03)
    costs[220:] *= 1.02 ** np.arange(DAYS - 220)
    first = found(costs)[0]
    assert 220 < offset(first.start) < 260
    assert (first.kind, first.lasting) == ("slow rise", True)


def test_a_new_service_is_found_on_its_first_day() -> None:
    costs = steady()
    costs[:260] = 0
    event = found(costs)[0]
    assert (offset(event.start), event.kind, event.expected) == (260, "new", 0.0)


def test_a_new_service_of_pennies_is_not_told() -> None:
    costs = steady(level=2.0)
    costs[:260] = 0
    assert [event for event in found(costs) if event.kind == "new"] == []


def test_an_empty_series_is_not_an_anomaly() -> None:
    assert found(np.zeros(DAYS)) == []


@settings(max_examples=25, deadline=None)
@given(st.integers(60, DAYS - 2), st.integers(0, 10**6))
def test_never_looks_ahead(day: int, seed: int) -> None:
    costs = np.stack([steady(3), steady(4, level=20.0)])
    changed = costs.copy()
    changed[:, day + 1 :] = np.random.default_rng(seed).gamma(1.0, 5000.0, changed[:, day + 1 :].shape)
    before, after = scores(costs, FIRST), scores(changed, FIRST)
    for name in Scores.__dataclass_fields__:
        assert np.array_equal(getattr(before, name)[:, : day + 1], getattr(after, name)[:, : day + 1]), name


def test_the_past_excludes_today() -> None:
    values = np.array([[1.0, 2.0, 900.0]], dtype=np.float32)
    assert past_median(values, 2)[0].tolist()[1:] == [1.0, 1.5]


money = st.decimals(min_value=-(10**20), max_value=10**20, places=12)
bills = st.dictionaries(st.text(min_size=1, max_size=3), money, max_size=12)


@given(bills, bills, st.integers(0, 6))
def test_contributions_and_remainder_sum_to_the_change_exactly(
    before: dict[str, Decimal], after: dict[str, Decimal], limit: int
) -> None:
    told = contributions(before, after, limit=limit)
    change = EXACT.subtract(add(after.values()), add(before.values()))
    assert add([*(part.change for part in told.named), told.remainder]) == change == told.change
    assert len(told.named) <= limit
    sizes = [abs(part.change) for part in told.named]
    assert sizes == sorted(sizes, reverse=True)


def test_no_percentage_from_nothing() -> None:
    assert percent_change(Decimal(0), Decimal(5)) is None
    assert percent_change(Decimal(-1), Decimal(5)) is None
    assert percent_change(Decimal(4), Decimal(5)) == 25
    assert percent(Decimal(1), Decimal(0)) is None
    assert percent(Decimal(1), Decimal(8)) == Decimal("12.5")
