"""What was read and judged once is not asked of the bill again; whoever asks otherwise gets an answer of their own."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lake.engine import Lake
from lake.load import ingest
from tests.lake.queries import noted_queries
from tests.tools.small_bill import NOW, Charge, charge, days_of, desk_of, lake_of, machine_day, usage_hours, written
from tools import anomalies
from tools.anomalies import find_anomalies
from tools.business_calendar import BusinessCalendar
from tools.desk import Desk
from tools.detection.thresholds import AnomalyThresholds
from tools.explain import explain_change
from tools.result import ToolResult
from tools.savings import find_savings

SPIKE = date(2026, 10, 14)
DAYS = days_of(date(2026, 7, 1), 129)
MACHINES = days_of(date(2026, 10, 20), 21)
Ask = Callable[[Desk], ToolResult]


def rows() -> list[Charge]:
    made = [
        charge(day, "900" if day == SPIKE and team == "fraud" else f"{50 + day.day % 3}", team=team, service=service)
        for day in DAYS
        for team, service in (("fraud", "Amazon Bedrock"), ("claims", "OpenAI API"))
    ]
    return made + [machine_day(day, "idle", 1) for day in MACHINES]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return lake_of(tmp_path, rows(), usage=usage_hours(1, MACHINES[-14:]))


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return noted_queries(monkeypatch)


def told(result: ToolResult) -> dict[str, Any]:
    return result.to_json()


TOOLS: dict[str, Ask] = {
    "anomalies": lambda desk: find_anomalies(desk, period="2026-10"),
    "explain": lambda desk: explain_change(desk, period="2026-10"),
    "savings": find_savings,
}


@pytest.mark.parametrize("name", TOOLS)
def test_a_second_question_about_the_same_bill_reads_nothing(lake: Lake, queries: list[str], name: str) -> None:
    first = TOOLS[name](desk_of(lake))
    assert first.error is None
    assert queries
    queries.clear()
    assert told(TOOLS[name](desk_of(lake))) == told(first)
    assert queries == []


@pytest.mark.parametrize("name", TOOLS)
@pytest.mark.parametrize("scope", [("fraud",), ("nobody",)])
def test_a_scope_never_gets_what_was_found_for_another(lake: Lake, name: str, scope: tuple[str, ...]) -> None:
    alone = told(TOOLS[name](replace(desk_of(Lake(lake.folder)), scope=scope)))
    TOOLS[name](desk_of(lake))
    TOOLS[name](replace(desk_of(lake), scope=("fraud", "claims")))
    assert told(TOOLS[name](replace(desk_of(lake), scope=scope))) == alone


def test_a_spike_of_one_team_is_not_told_to_another(lake: Lake) -> None:
    assert {row.names["team"] for row in TOOLS["anomalies"](desk_of(lake)).rows} == {"fraud"}
    assert TOOLS["anomalies"](replace(desk_of(lake), scope=("claims",))).rows == ()


@pytest.mark.parametrize(
    "limits",
    [
        {"anomalies": AnomalyThresholds(least_excess=Decimal(5000))},
        {"team_anomalies": {"fraud": AnomalyThresholds(least_excess=Decimal(5000))}},
        {"calendar": BusinessCalendar({SPIKE - timedelta(days=28 * back): ("audit",) for back in range(3)})},
    ],
    ids=["limits", "a team's limits", "calendar"],
)
def test_other_limits_or_another_calendar_judge_anew(lake: Lake, limits: dict[str, Any]) -> None:
    alone = told(TOOLS["anomalies"](replace(desk_of(Lake(lake.folder)), **limits)))
    usual = told(TOOLS["anomalies"](desk_of(lake)))
    assert told(TOOLS["anomalies"](replace(desk_of(lake), **limits))) == alone
    assert alone != usual


def test_a_long_calendar_is_not_kept_with_each_answer(lake: Lake) -> None:
    calendar = BusinessCalendar({date(2000, 1, 1) + timedelta(days=number): ("audit",) for number in range(5_000)})
    find_anomalies(replace(desk_of(lake), calendar=calendar))
    assert sum(len(repr(key)) for key in lake._answers._found) < 50_000


@pytest.mark.parametrize("asked", [{"where": {"team": "claims"}}, {"ai": True}, {"top": 1}, {"period": "2026-09"}])
def test_another_question_is_judged_anew(lake: Lake, asked: dict[str, Any]) -> None:
    find_anomalies(desk_of(lake), period="2026-10")
    assert told(find_anomalies(desk_of(lake), **asked)) == told(find_anomalies(desk_of(Lake(lake.folder)), **asked))


@pytest.mark.parametrize("name", TOOLS)
def test_a_load_is_seen_at_once(lake: Lake, tmp_path: Path, name: str) -> None:
    before = told(TOOLS[name](desk_of(lake)))
    more = [charge(day, "2000", team="claims", service="OpenAI API") for day in days_of(date(2026, 10, 20), 3)]
    more += [machine_day(day, "idle too", 2) for day in MACHINES]
    ingest(lake, [written(tmp_path / "again.csv", [*rows(), *more])], now=NOW)
    after = told(TOOLS[name](desk_of(lake)))
    assert after == told(TOOLS[name](desk_of(Lake(lake.folder))))
    assert after != before


@pytest.mark.parametrize("between", ["_judged", "driven"])
def test_a_load_in_the_middle_of_an_answer_leaves_nothing_of_the_old_bill(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, between: str
) -> None:
    """The days were read of the bill before, and are judged when a corrected one of the same days counts."""
    corrected = [charge(date(2026, 10, 21), "2000", team="claims", service="OpenAI API")]
    real, loads = getattr(anomalies, between), [1]

    def late(*args: Any, **more: Any) -> Any:
        if loads:
            loads.clear()
            ingest(lake, [written(tmp_path / "again.csv", [*rows(), *corrected])], now=NOW)
        return real(*args, **more)

    monkeypatch.setattr(anomalies, between, late)
    TOOLS["anomalies"](desk_of(lake))
    after = told(TOOLS["anomalies"](desk_of(lake)))
    assert after == told(TOOLS["anomalies"](desk_of(Lake(lake.folder))))


def test_utilisation_that_was_loaded_since_counts(lake: Lake, tmp_path: Path) -> None:
    (idle,) = find_savings(desk_of(lake)).rows
    assert idle.texts["verdict"] == "idle"
    busy = usage_hours(1, MACHINES[-14:], gpu_active_pct="80")
    ingest(lake, [written(tmp_path / "usage.csv", busy)], now=NOW)
    assert find_savings(desk_of(lake)).rows == ()


def test_what_is_idle_is_judged_at_the_time_of_the_question(lake: Lake) -> None:
    """The reading is kept, the verdict is not: metrics grow old while a conversation goes on."""
    (now,) = find_savings(desk_of(lake)).rows
    (later,) = find_savings(replace(desk_of(lake), now=NOW + timedelta(days=30))).rows
    assert (now.texts["verdict"], later.texts["verdict"]) == ("idle", "unknown")
