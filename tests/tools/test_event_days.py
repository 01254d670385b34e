"""The days around an event: their exact money is the answer's own, to the last digit, in the asker's scope."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from lake.engine import Lake
from tests.tools.small_bill import Charge, charge, days_of, desk_of, lake_of
from tests.tools.test_anomalies import value
from tools.anomalies import find_anomalies, looked_at
from tools.event_days import AFTER, BEFORE, event_days

FIRST, SHIFT, SPIKE, NEW = date(2026, 5, 1), date(2026, 10, 5), date(2026, 10, 14), date(2026, 10, 20)
LAST = date(2026, 11, 6)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    rows: list[Charge] = []
    for number, day in enumerate(days_of(FIRST, (LAST - FIRST).days + 1)):
        wobble = Decimal("0.97") + Decimal(number * 7 % 13) / 200
        rows.append(charge(day, str((380 if day >= SHIFT else 200) * wobble), team="kyc", service="Claude API"))
        rows.append(charge(day, str((900 if day == SPIKE else 120) * wobble), team="fraud"))
        rows.append(charge(day, f"{400 * wobble}3", team="claims", service="OpenAI API"))
        if day >= NEW:
            rows.append(charge(day, str(150 * wobble), team="claims", service="Amazon Textract"))
    return lake_of(tmp_path_factory.mktemp("days"), rows)


def test_the_days_of_an_event_sum_up_to_what_the_answer_tells(lake: Lake) -> None:
    result, looked = looked_at(desk_of(lake))
    drawn = event_days(desk_of(lake), looked)
    assert {row.texts["kind"] for row in result.rows} == {"level shift", "spike", "new"}
    for row, event in zip(result.rows, drawn, strict=True):
        first, last = (date.fromisoformat(row.texts[name]) for name in ("from", "to"))
        mine = [day for day in event.days if first <= day.day <= last]
        assert len(mine) == (last - first).days + 1
        assert sum((day.actual for day in mine), Decimal(0)) == value(result, row, "actual")
        if event.held_against is not None:
            whole = event.held_against * len(mine)
            assert abs(whole - value(result, row, "expected")) <= Decimal("0.005") * len(mine)


def test_it_shows_what_was_before_and_as_much_after_as_the_bill_holds(lake: Lake) -> None:
    _, looked = looked_at(desk_of(lake))
    for event in event_days(desk_of(lake), looked):
        days = [day.day for day in event.days]
        assert days == days_of(days[0], len(days))
        assert days[0] == event.found.event.start - timedelta(days=BEFORE)
        assert days[-1] == min(event.found.event.end + timedelta(days=AFTER), LAST)


def test_a_spike_stands_out_of_its_band_and_the_day_before_does_not(lake: Lake) -> None:
    _, looked = looked_at(desk_of(lake))
    (spike,) = [one for one in event_days(desk_of(lake), looked) if str(one.found.event.kind) == "spike"]
    by_day = {day.day: day for day in spike.days}
    here, before = by_day[SPIKE], by_day[SPIKE - timedelta(days=1)]
    assert here.high is not None
    assert before.high is not None
    assert here.actual > here.high
    assert before.low is not None
    assert before.low < before.actual < before.high


def test_new_spend_has_days_of_nothing_before_it_and_no_band_while_it_is_learnt(lake: Lake) -> None:
    _, looked = looked_at(desk_of(lake))
    (new,) = [one for one in event_days(desk_of(lake), looked) if str(one.found.event.kind) == "new"]
    by_day = {day.day: day for day in new.days}
    assert by_day[NEW - timedelta(days=1)].actual == 0
    assert by_day[NEW].actual > 100
    assert (by_day[NEW].low, by_day[NEW].high) == (None, None)
    assert new.held_against == 0


def test_only_what_the_asker_may_see_is_drawn(lake: Lake) -> None:
    _, looked = looked_at(desk_of(lake, scope=("fraud",)))
    drawn = event_days(desk_of(lake, scope=("fraud",)), looked)
    assert [dict(one.found.incident.names)["team"] for one in drawn] == ["fraud"]
    assert max(day.actual for day in drawn[0].days) < 1000


def test_the_answer_is_that_of_the_tool(lake: Lake) -> None:
    assert looked_at(desk_of(lake), top=2)[0] == find_anomalies(desk_of(lake), top=2)
    problem, looked = looked_at(desk_of(lake), where={"team": "nobody"})
    assert problem.error is not None
    assert event_days(desk_of(lake), looked) == []
