"""Matching alarms with what was planted, and the plain rule, on series made by hand."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from evals.alarms import Alarm, Truth, added, merged, tally
from evals.days import Days
from evals.plain_rule import Daily, Floor, plain_alarms

FIRST = date(2026, 9, 1)
WINDOW = Days(FIRST, date(2026, 10, 31))
EVENT = {
    "id": "spike", "kind": "spike", "start": "2026-10-05", "end": "2026-10-06",
    "series": {"team": "red", "service": "SageMaker", "region": "eu"},
}  # fmt: skip
TRUTH = Truth.of(
    {"events": [EVENT], "ordinary_changes": [{"day": "2026-09-20", "what": "machine launched", "resource": "i-1"},
                                             {"day": "2026-09-22", "what": "credit ended"}]},
    {"machines": [{"instance_id": "i-1", "tags": {}}]},
    WINDOW,
)  # fmt: skip


def alarm(first: str, last: str, told: str = "2026-10-07", **names: str) -> Alarm:
    return Alarm(names, Days(date.fromisoformat(first), date.fromisoformat(last)), date.fromisoformat(told))


@pytest.mark.parametrize(
    ("one", "true", "ordinary", "false"),
    [
        (alarm("2026-10-05", "2026-10-06", team="red", service="SageMaker"), 1, 0, 0),
        (alarm("2026-10-06", "2026-10-20", service="SageMaker"), 1, 0, 0),
        (alarm("2026-10-07", "2026-10-08", team="red"), 0, 0, 1),
        (alarm("2026-10-05", "2026-10-06", team="red", service="EC2"), 0, 0, 1),
        (alarm("2026-10-05", "2026-10-06"), 0, 0, 1),  # "everything rose" names nothing
        (alarm("2026-09-19", "2026-10-20", team="(untagged)"), 0, 1, 0),
        (alarm("2026-09-19", "2026-10-20", team="(untagged)", service="Amazon Elastic Compute Cloud"), 0, 1, 0),
        (alarm("2026-09-19", "2026-10-20", team="(untagged)", service="Claude API"), 0, 0, 1),
        (alarm("2026-09-19", "2026-09-20", team="blue", service="Amazon Elastic Compute Cloud"), 0, 0, 1),
        (alarm("2026-10-19", "2026-10-20", team="(untagged)"), 0, 0, 1),
    ],
)
def test_an_alarm_is_planted_ordinary_or_false(one: Alarm, true: int, ordinary: int, false: int) -> None:
    found = tally([one], TRUTH, bank="b", series=10)
    assert (found.true, found.ordinary, len(found.false)) == (true, ordinary, false)


def test_scores_are_ratios_over_all_banks() -> None:
    hit = alarm("2026-10-05", "2026-10-06", told="2026-10-08", team="red")
    wrong = alarm("2026-10-20", "2026-10-21", team="blue")
    one = tally([hit, wrong], TRUTH, bank="a", series=10)
    two = tally([], TRUTH, bank="b", series=10)
    both = added([one, two])
    assert (both.precision, both.recall, both.recall_of("spike"), both.recall_of("slow_leak")) == (0.5, 0.5, 0.5, 1.0)
    assert both.days_to_detect == 3
    assert both.false_per_series_month == pytest.approx(1 / (20 * 61 / 30.4375))
    assert (two.precision, two.recall, two.days_to_detect) == (1.0, 0.0, None)


def test_the_same_is_told_once_from_its_first_day_on() -> None:
    told = [
        alarm("2026-10-05", "2026-10-05", told="2026-10-05", team="red"),
        alarm("2026-10-05", "2026-10-06", told="2026-10-06", team="red", service="SageMaker"),
        alarm("2026-10-05", "2026-10-06", told="2026-10-06", team="blue"),
        alarm("2026-10-20", "2026-10-21", told="2026-10-21", team="red"),
    ]
    kept = merged(told)
    assert [(one.names.get("service"), one.told.day) for one in kept] == [("SageMaker", 5), (None, 6), (None, 21)]


def series(values: list[int]) -> Daily:
    return Daily({"team": "red"}, FIRST, tuple(Decimal(value) for value in values))


@pytest.mark.parametrize(
    ("values", "floor", "days"),
    [
        ([100, 102] * 20 + [300] + [100] * 9, Floor(100, 10), [40]),
        ([100, 102] * 20 + [300] + [100] * 9, Floor(500, 10), []),
        ([100, 102] * 25, Floor(1, 0), []),
        ([0] * 40 + [50] * 10, Floor(100, 10), [42]),  # told with its third day: then it is worth telling
        ([100, 102] * 20 + [0] * 10, Floor(1, 0), []),  # a fall
    ],
)
def test_the_plain_rule_is_three_sigma_over_four_weeks(values: list[int], floor: Floor, days: list[int]) -> None:
    found: list[Any] = plain_alarms([series(values)], WINDOW, floor)
    assert [one.told for one in found] == [FIRST + timedelta(days=day) for day in days]
