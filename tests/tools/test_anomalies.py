"""What is told about unusual spend: exact money, the driver, one event once, and nothing without history."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from lake.engine import Lake
from tests.tools.small_bill import Charge, charge, days_of, desk_of, lake_of
from tools.anomalies import find_anomalies
from tools.detection.incidents import Incident, told_once
from tools.detection.runs import Event, Kind
from tools.result import Row, ToolResult

FIRST = date(2026, 5, 1)
DAYS = days_of(FIRST, 190)  # to 6 November; settled to the 6th when loaded on the 10th
SPIKE, NEW, CHANGE = date(2026, 10, 14), date(2026, 10, 20), date(2026, 10, 5)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    random = np.random.default_rng(5)
    rows: list[Charge] = []

    def add(day: date, base: float, **more: str) -> None:
        rows.append(charge(day, f"{base * float(np.exp(random.normal(0, 0.04))):.4f}", **more))

    for day in DAYS:
        week = 0.5 if day.weekday() >= 5 else 1.0
        monthly = 900.0 if day.day == 1 else 0.0
        add(day, 400 * week, team="fraud", service="Amazon Bedrock", ResourceId="res-steady")
        add(day, 300 * week + monthly, team="claims", service="OpenAI API", ResourceId="res-other")
        add(
            day, (900.0 if day == SPIKE else 50.0) * week, team="fraud", service="Amazon Bedrock", ResourceId="res-wild"
        )
        add(day, (380.0 if day >= CHANGE else 200.0) * week, team="kyc", service="Claude API")
        if day >= NEW:
            add(day, 150 * week, team="claims", service="Amazon Textract")
    # A commitment bought in one go is no use of anything.
    rows.append(
        charge(date(2026, 10, 28), "50000", team="fraud", ChargeCategory="Purchase", ChargeFrequency="One-Time")
    )
    return lake_of(tmp_path_factory.mktemp("anomalies"), rows)


def value(result: ToolResult, row: Row, column: str) -> Decimal:
    found = result.figure(row.figures[column])
    assert found is not None
    return found.value


def test_too_little_history_is_said_and_is_not_a_quiet_bill(tmp_path: Path) -> None:
    for days, said in ((10, "too little history to judge"), (31, "less than 6 weeks")):
        rows = [charge(day, "40", team="fraud") for day in days_of(date(2026, 10, 1), days)]
        result = find_anomalies(desk_of(lake_of(tmp_path / str(days), rows)))
        assert result.title.startswith("Too little history to say what is unusual")
        assert any("The daily bill begins on 1 October 2026" in note and said in note for note in result.notes)


def test_a_long_history_needs_no_such_note(lake: Lake) -> None:
    assert not any("history" in note for note in find_anomalies(desk_of(lake), period="2026-10").notes)


def test_each_event_is_told_once_where_it_is(lake: Lake) -> None:
    result = find_anomalies(desk_of(lake), ai=True)
    told = {(row.names["service"], row.texts["kind"]) for row in result.rows}
    assert told == {
        ("Claude API", "level shift"),
        ("Amazon Bedrock", "spike"),
        ("Amazon Textract", "new"),
    }
    days = {row.names["service"]: row.texts["from"] for row in result.rows}
    assert days["Amazon Bedrock"] == SPIKE.isoformat()
    assert days["Amazon Textract"] == NEW.isoformat()
    assert days["Claude API"] in {day.isoformat() for day in days_of(CHANGE, 4)}


def test_money_is_exact_and_adds_up(lake: Lake) -> None:
    result = find_anomalies(desk_of(lake), ai=True)
    for row in result.rows:
        assert value(result, row, "actual") - value(result, row, "expected") == value(result, row, "excess")
    spike = next(row for row in result.rows if row.texts["kind"] == "spike")
    assert value(result, spike, "excess") == pytest.approx(Decimal(850), abs=120)
    assert result.figure(spike.figures["excess"]).period == "14 October 2026"  # type: ignore[union-attr]


def test_the_driver_is_the_part_that_moved(lake: Lake) -> None:
    result = find_anomalies(desk_of(lake), ai=True)
    spike = next(row for row in result.rows if row.texts["kind"] == "spike")
    assert spike.names["driver"] == "res-wild"
    assert value(result, spike, "driver_change") == pytest.approx(Decimal(850), abs=60)


def test_a_quiet_period_is_quiet(lake: Lake) -> None:
    result = find_anomalies(desk_of(lake), period="2026-09")
    assert result.rows == ()
    assert result.title.startswith("No unusual events")
    assert result.error is None


def test_only_what_was_asked_about(lake: Lake) -> None:
    result = find_anomalies(desk_of(lake), where={"team": "claims"})
    assert {row.names.get("service") for row in result.rows} == {"Amazon Textract"}
    refused = find_anomalies(desk_of(lake), where={"team": "claim"})
    assert refused.error is not None
    assert "claims" in refused.error.candidates


def test_a_bill_of_three_days_is_not_judged(tmp_path: Path) -> None:
    rows = [charge(day, "500", team="fraud") for day in days_of(date(2026, 10, 1), 3)]
    assert find_anomalies(desk_of(lake_of(tmp_path, rows))).rows == ()


def test_a_bill_without_usage_says_so(tmp_path: Path) -> None:
    rows = [charge(date(2026, 10, 1), "500", ChargeCategory="Tax")]
    result = find_anomalies(desk_of(lake_of(tmp_path, rows)))
    assert result.error is not None
    assert "no days to judge" in result.error.what


@pytest.fixture
def incident() -> Callable[..., Incident]:
    def make(excess: float, *, start: int = 10, end: int = 11, **names: str) -> Incident:
        beyond = (excess / (end + 1 - start),) * (end + 1 - start)
        event = Event(0, date(2026, 10, start), date(2026, 10, end), 100 + excess, 100, 9.0, Kind.SPIKE, False, beyond)
        return Incident(tuple(names.items()), "USD", event)

    return make


def test_a_coarser_level_is_left_out_when_a_finer_one_carries_it(incident: Callable[..., Incident]) -> None:
    fine = incident(90, service="S", team="T")
    assert told_once([incident(100), incident(95, service="S"), incident(95, team="T"), fine]) == [fine]


def test_many_small_rises_are_told_by_what_they_sum_to(incident: Callable[..., Incident]) -> None:
    total, small = incident(100), incident(20, service="S")
    assert told_once([total, small]) == [total, small]


def test_parts_that_together_carry_a_rise_tell_it(incident: Callable[..., Incident]) -> None:
    parts = [incident(40, service="S"), incident(35, service="U")]
    assert told_once([incident(100), *parts]) == parts


def test_many_that_began_together_are_one_event(incident: Callable[..., Incident]) -> None:
    team = incident(100, team="T")
    parts = [incident(30, team="T", service=name) for name in "SUVW"]
    assert told_once([team, *parts]) == [team]


def test_the_same_money_of_two_teams_is_two_events(incident: Callable[..., Incident]) -> None:
    assert len(told_once([incident(50, team="T", service="S"), incident(50, team="U", service="S")])) == 2


def test_an_older_finer_event_that_is_told_no_more_still_carries_a_coarser_one(
    incident: Callable[..., Incident],
) -> None:
    team, machine = incident(100, team="T"), incident(90, start=10, end=11, team="T", service="S")
    assert told_once([team]) == [team]
    assert told_once([team], known=[machine]) == []


def test_only_the_days_in_common_carry(incident: Callable[..., Incident]) -> None:
    team, older = incident(100, start=10, end=19, team="T"), incident(100, start=1, end=10, team="T", service="S")
    assert older.event.beyond_during(team.event) == pytest.approx(10)
    assert team.event.beyond_during(older.event) == pytest.approx(10)
    assert told_once([team], known=[older]) == [team]


def test_a_coarser_event_is_told_by_what_finer_ones_leave_of_it(incident: Callable[..., Incident]) -> None:
    team, machine = incident(100, team="T"), incident(40, team="T", service="S")

    def over(least: float) -> Callable[[Incident, float], bool]:
        return lambda one, rest: one is team and rest >= least

    assert told_once([team, machine], worth=over(60)) == [team, machine]
    assert told_once([team, machine], worth=over(61)) == [machine]


def test_an_event_of_other_days_carries_nothing(incident: Callable[..., Incident]) -> None:
    total, other = incident(100), incident(100, start=20, end=21, service="S")
    assert set(told_once([total, other])) == {total, other}


@pytest.mark.parametrize("dimension", ["__class__", "day", "tag:"])
def test_a_filter_that_is_none_is_told_as_such(lake: Lake, dimension: str) -> None:
    problem = find_anomalies(desk_of(lake), where={dimension: "x"}).error
    assert problem is not None
    assert problem.what == "The question cannot be asked like this."
    assert "team" in problem.do
