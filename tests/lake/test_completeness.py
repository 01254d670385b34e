"""Whether a period is complete: a sentence a row, and what the daily series may therefore hold."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from lake.completeness import SETTLE_LAG, delivered, judge
from lake.engine import Lake
from lake.period import Period, add_months
from lake.question import Question
from lake.store import Snapshot

OCTOBER = Period.parse("2026-10")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def month(name: str, *, through: str, loaded: str, final: bool = False, source: str = "aws") -> Snapshot:
    start = date.fromisoformat(f"{name}-01")
    return Snapshot(
        source=source,
        period=name,
        revision=1,
        period_start=start,
        period_end=add_months(start, 1),
        files=(),
        inputs=(),
        loaded_at=at(loaded),
        final=final,
        rows=1,
        rows_quarantined=0,
        totals=(),
        first_day=start,
        last_day=start,
        data_through=at(through),
        accounts=(),
    )


NOVEMBER = month("2026-11", through="2026-11-08", loaded="2026-11-09")
WHOLE = month("2026-10", through="2026-11-01", loaded="2026-11-09")
EARLY = month("2026-10", through="2026-11-01", loaded="2026-11-03")
SHORT = month("2026-10", through="2026-10-31", loaded="2026-11-20")
CLOSED = month("2026-10", through="2026-10-20", loaded="2026-10-21", final=True)
SPARSE = month("2026-10", through="2026-10-28", loaded="2026-11-09")
HALF = month("2026-10", through="2026-10-14", loaded="2026-10-15")
SEPTEMBER = month("2026-09", through="2026-10-01", loaded="2026-10-09")
QUICK = month("2026-10", through="2026-11-01", loaded="2026-11-02", source="openai")
SENTENCES: list[tuple[str, list[Snapshot], str]] = [
    ("delivered to the end and loaded after it settled", [WHOLE], ""),
    ("loaded before it settled", [EARLY], "before 2026-10 settles"),
    ("data ends early", [SHORT], "data reaches 2026-10-31"),
    ("closed by its owner", [CLOSED], ""),
    ("a newer month proves that data went on", [SPARSE, NOVEMBER], ""),
    ("loaded in its middle, although a newer month is there", [HALF, NOVEMBER], "before 2026-10 settles"),
    ("a month is missing between two", [SEPTEMBER, NOVEMBER], "no snapshot holds 2026-10-01"),
    ("the source began later", [NOVEMBER], ""),
    ("an interface that settles in a day", [QUICK], ""),
]


@pytest.mark.parametrize(("sentence", "held", "reason"), SENTENCES, ids=[row[0] for row in SENTENCES])
def test_october(sentence: str, held: list[Snapshot], reason: str) -> None:
    (verdict,) = judge(OCTOBER, held)
    assert reason in verdict.reason, sentence
    assert verdict.complete == (reason == "")


def test_one_late_source_is_enough_to_be_incomplete() -> None:
    late = month("2026-10", through="2026-10-30", loaded="2026-11-20", source="azure")
    verdicts = judge(OCTOBER, [WHOLE, late])
    assert [(verdict.source, verdict.complete) for verdict in verdicts] == [("aws", True), ("azure", False)]


def test_an_answer_depends_only_on_the_sources_in_its_scope(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    whole = [charge("1.00", day=f"2026-10-{day:02}") for day in range(1, 32)]
    load(write("aws.csv", whole))
    load(write("azure.csv", [charge("5.00", day="2026-10-02", ProviderName="Azure")]))
    everything = lake.ask(Question(period=OCTOBER))
    assert not everything.complete
    assert [(state.source, state.complete) for state in everything.completeness] == [("aws", True), ("azure", False)]
    alone = lake.ask(Question(period=OCTOBER, where={"provider": ("AWS",)}))
    assert alone.complete
    assert [state.source for state in alone.completeness] == ["aws"]
    assert lake.last_complete_period() is None
    assert lake.latest_period() == OCTOBER


def test_a_bare_file_is_not_final_unless_said(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    path = write("aws.csv", [charge("1.00", day="2026-10-02")])
    load(path)
    (state,) = lake.ask(Question(period=OCTOBER)).completeness
    assert (state.final, state.complete) == (False, False)
    load(path, final=True)
    (state,) = lake.ask(Question(period=OCTOBER)).completeness
    assert (state.final, state.complete) == (True, True)
    assert lake.last_complete_period() == OCTOBER


def test_data_never_reaches_beyond_its_load(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    monthly = charge("30.00", day="2026-10-01", ChargePeriodEnd="2026-11-01T00:00:00Z")
    load(write("aws.csv", [monthly]), now=at("2026-10-10"))
    (state,) = lake.ask(Question(period=OCTOBER)).completeness
    assert state.data_through == at("2026-10-10")
    assert not state.complete


def test_a_purchase_for_the_year_does_not_complete_it(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    year = charge("9.00", day="2026-10-01", ChargeCategory="Purchase", ChargePeriodEnd="2027-10-01T00:00:00Z")
    load(write("aws.csv", [year, charge("1.00", day="2026-10-05")]))
    (state,) = lake.ask(Question(period=OCTOBER)).completeness
    assert state.data_through == at("2026-10-06")


def test_daily_values_stop_where_days_may_still_change(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    rows = [charge(f"{day}.00", day=f"2026-11-{day:02}") for day in range(1, 21) if day != 4]
    load(write("aws.csv", rows), now=at("2026-11-21T06:00"))
    (series,) = lake.daily(by=("service",))
    settled_until = (at("2026-11-21T06:00") - SETTLE_LAG).date()
    assert (series.first, series.first + timedelta(days=len(series.values))) == (date(2026, 11, 1), settled_until)
    assert series.values[:5] == (Decimal(1), Decimal(2), Decimal(3), Decimal(0), Decimal(5))
    (rushed,) = lake.daily(by=("service",), settled=False)
    assert rushed.values == (*series.values, *(Decimal(day) for day in range(settled_until.day, 21)))
    (until,) = lake.daily(by=("service",), until=date(2026, 11, 6))
    assert until.values == series.values[:5]


def test_daily_series_are_told_apart_by_key_and_currency(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    rows = [
        charge("1.00", day="2026-10-01"),
        charge("2.00", day="2026-10-03"),
        charge("4.00", day="2026-10-02", BillingCurrency="EUR"),
        charge("8.00", day="2026-10-02", ServiceName="Disks"),
    ]
    load(write("aws.csv", rows), final=True)
    found = {
        (series.key["service"], series.currency): (series.first.day, len(series.values))
        for series in lake.daily(by=("service",))
    }
    assert found == {("Machines", "USD"): (1, 31), ("Machines", "EUR"): (2, 30), ("Disks", "USD"): (2, 30)}
    total = sum(
        (sum(series.values) for series in lake.daily(by=("service",)) if series.currency == "USD"), start=Decimal(0)
    )
    assert dict(lake.ask(Question(period=OCTOBER)).totals)["USD"] == total


def test_coverage_tells_what_is_held(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    assert lake.coverage() == []
    load(write("aws.csv", [charge(day="2026-09-04"), charge(day="2026-10-04")]))
    (held,) = lake.coverage()
    assert (held.source, held.periods, held.rows, held.first_day) == (
        "aws",
        ["2026-09", "2026-10"],
        2,
        date(2026, 9, 4),
    )


BEGUN = month("2026-09", through="2026-10-01", loaded="2026-10-09").model_copy(
    update={"first_day": date(2026, 9, 12), "last_day": date(2026, 9, 30)}
)
QUIET = month("2026-10", through="2026-11-01", loaded="2026-11-09").model_copy(update={"first_day": date(2026, 10, 4)})


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ([NOVEMBER], ["2026-11-01..2026-11-07"]),
        ([SPARSE], ["2026-10-01..2026-10-27"]),
        ([SPARSE, NOVEMBER], ["2026-10-01..2026-10-31", "2026-11-01..2026-11-07"]),
        ([HALF, NOVEMBER], ["2026-10-01..2026-10-13", "2026-11-01..2026-11-07"]),
        ([NOVEMBER, SEPTEMBER], ["2026-09", "2026-11-01..2026-11-07"]),
        ([CLOSED], ["2026-10"]),
        ([BEGUN, QUIET], ["2026-09-12..2026-09-30", "2026-10"]),
        ([QUIET], ["2026-10-04..2026-10-31"]),
    ],
)
def test_a_source_tells_of_the_days_that_it_has_delivered(held: list[Snapshot], told: list[str]) -> None:
    assert delivered(held) == [Period.parse(text) for text in told]
