"""Typed questions: what is summed, filtered, compared, hidden and cut, and in which order it is told."""

import json
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from pydantic import ValidationError

from lake.engine import Lake, Unknown
from lake.errors import LakeError, NameNotKnown
from lake.load import ingest
from lake.period import Period
from lake.question import DIMENSIONS, MAX_ROWS, Metric, Question
from tests.lake.conftest import NOW, row, write_csv

OCTOBER, SEPTEMBER = Period.parse("2026-10"), Period.parse("2026-09")


def tags(**given: str) -> str:
    return json.dumps(given)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """One for all tests here: they only ask."""
    rows = [
        row("10.00", day="2026-10-01", Tags=tags(team="fraud", env="prod"), ServiceName="Learning",
            ServiceCategory="AI and Machine Learning", RegionId="eu-1", ListCost="12.5", SubAccountId="a1"),
        row("5.00", day="2026-10-31", Tags=tags(team="treasury"), ServiceName="Machines", ListCost="5"),
        row("2.50", day="2026-10-15", ServiceName="Machines", ListCost="3"),
        row("40.00", day="2026-10-15", Tags=tags(team="fraud"), ServiceName="Machines", BillingCurrency="EUR"),
        row("4.00", day="2026-09-30", Tags=tags(team="fraud"), ServiceName="Machines"),
        row("6.00", day="2026-09-01", Tags=tags(team="claims"), ServiceName="Disks"),
        row("99.00", day="2026-11-01", Tags=tags(team="treasury"), ServiceName="Machines"),
    ]  # fmt: skip
    folder = tmp_path_factory.mktemp("bank")
    lake = Lake(folder / "lake")
    ingest(lake, [write_csv(folder / "bill.csv", rows)], now=NOW)
    return lake


def told(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in (*names, "currency", "value")) for row in rows]


def test_grouped_largest_first_with_one_total_for_each_currency(bank: Lake) -> None:
    answered = bank.ask(Question(period=OCTOBER, by=("team",)))
    assert told(answered.rows, "team") == [
        ("fraud", "EUR", Decimal("40")),
        ("fraud", "USD", Decimal("10")),
        ("treasury", "USD", Decimal("5")),
        ("(untagged)", "USD", Decimal("2.5")),
    ]
    assert answered.totals == [("EUR", Decimal("40")), ("USD", Decimal("17.5"))]


def test_a_period_holds_its_first_day_and_not_its_end(bank: Lake) -> None:
    for text, total in [
        ("2026-10-01", "10"),
        ("2026-10-31", "5"),
        ("2026-10-31..2026-11-01", "104"),
        ("2026-10-02..2026-10-14", None),
    ]:
        totals = dict(bank.ask(Question(period=Period.parse(text), currency="USD")).totals)
        assert totals.get("USD") == (Decimal(total) if total else None), text


def test_nothing_is_no_total_rather_than_zero(bank: Lake) -> None:
    answered = bank.ask(Question(period=Period.parse("2026-08"), by=("team",)))
    assert (answered.rows, answered.totals) == ([], [])


@pytest.mark.parametrize(("metric", "total"), [("billed", "17.5"), ("list", "20.5"), ("contracted", "3")])
def test_metrics_are_never_mixed(bank: Lake, metric: str, total: str) -> None:
    answered = bank.ask(Question(metric=Metric(metric), period=OCTOBER, currency="USD"))
    assert answered.totals == [("USD", Decimal(total))]


def test_filters_within_a_dimension_widen_and_across_narrow(bank: Lake) -> None:
    both = bank.ask(Question(period=OCTOBER, where={"team": ("fraud", "treasury")}, currency="USD"))
    assert both.totals == [("USD", Decimal("15"))]
    one = bank.ask(Question(period=OCTOBER, where={"team": ("fraud", "treasury"), "service": ("Machines",)}))
    assert one.totals == [("EUR", Decimal("40")), ("USD", Decimal("5"))]


def test_the_untagged_can_be_asked_for(bank: Lake) -> None:
    assert bank.ask(Question(period=OCTOBER, where={"team": ("(untagged)",)})).totals == [("USD", Decimal("2.5"))]


def test_names_are_found_in_other_letters(bank: Lake) -> None:
    answered = bank.ask(Question(period=OCTOBER, where={"team": ("FRAUD",)}, by=("team",), currency="USD"))
    assert answered.question.where == {"team": ("fraud",)}
    assert answered.totals == [("USD", Decimal("10"))]


def test_an_unknown_name_is_refused_with_the_closest(bank: Lake) -> None:
    with pytest.raises(NameNotKnown) as refusal:
        bank.ask(Question(period=OCTOBER, where={"team": ("treasurry",)}))
    assert refusal.value.closest == ("treasury",)
    with pytest.raises(NameNotKnown) as refusal:
        bank.ask(Question(period=OCTOBER, where={"service": ("zzzzzz",)}))
    assert refusal.value.closest == ()
    assert "No known name is close" in refusal.value.why


def test_a_name_known_in_another_month_is_no_error(bank: Lake) -> None:
    assert bank.ask(Question(period=OCTOBER, where={"team": ("claims",)})).rows == []


def test_tags_by_key(bank: Lake) -> None:
    answered = bank.ask(Question(period=OCTOBER, by=("tag:env",), currency="USD"))
    assert told(answered.rows, "tag:env") == [("prod", "USD", Decimal("10")), ("(untagged)", "USD", Decimal("7.5"))]
    assert bank.ask(Question(period=OCTOBER, where={"tag:env": ("prod",)})).totals == [("USD", Decimal("10"))]


def test_months_and_days_run_in_order(bank: Lake) -> None:
    months = bank.ask(Question(period=Period.parse("2026"), by=("month",), currency="USD"))
    assert told(months.rows, "month") == [
        ("2026-09", "USD", Decimal("10")),
        ("2026-10", "USD", Decimal("17.5")),
        ("2026-11", "USD", Decimal("99")),
    ]
    days = bank.ask(Question(period=OCTOBER, by=("day", "team"), currency="USD"))
    assert [row["day"] for row in days.rows] == ["2026-10-01", "2026-10-15", "2026-10-31"]


def test_ai_alone_and_everything_else(bank: Lake) -> None:
    assert bank.ask(Question(period=OCTOBER, ai=True)).totals == [("USD", Decimal("10"))]
    rest = bank.ask(Question(period=OCTOBER, ai=False)).totals
    assert rest == [("EUR", Decimal("40")), ("USD", Decimal("7.5"))]


def test_a_comparison_gives_both_values_and_the_difference(bank: Lake) -> None:
    answered = bank.ask(Question(period=OCTOBER, compare=SEPTEMBER, by=("team",), currency="USD"))
    found = {row["team"]: (row["value"], row["previous"], row["difference"]) for row in answered.rows}
    assert found == {
        "fraud": (Decimal("10"), Decimal("4"), Decimal("6")),
        "treasury": (Decimal("5"), None, Decimal("5")),
        "(untagged)": (Decimal("2.5"), None, Decimal("2.5")),
        "claims": (None, Decimal("6"), Decimal("-6")),
    }
    assert answered.comparable
    assert (answered.totals, answered.previous_totals) == ([("USD", Decimal("17.5"))], [("USD", Decimal("10"))])


@pytest.mark.parametrize("compare", ["2025", "2026-08", "2026-06-01..2026-09-30"])
def test_before_the_first_bill_there_is_nothing_to_compare_with(bank: Lake, compare: str) -> None:
    answered = bank.ask(Question(period=OCTOBER, compare=Period.parse(compare), by=("team",), currency="USD"))
    assert not answered.comparable
    assert {row["difference"] for row in answered.rows} == {None}


def test_scope_hides_rows_totals_names_and_near_misses(bank: Lake) -> None:
    scope = ("treasury",)
    answered = bank.ask(Question(period=OCTOBER, by=("team", "service"), teams_seen=scope))
    assert told(answered.rows, "team", "service") == [("treasury", "Machines", "USD", Decimal("5"))]
    assert answered.totals == [("USD", Decimal("5"))]
    assert bank.values("team", teams_seen=scope) == ["treasury"]
    assert bank.values("service", teams_seen=scope) == ["Machines"]
    unseen, unknown = "fraud", "fraux"
    refusals = []
    for name in (unseen, unknown):
        with pytest.raises(NameNotKnown) as refusal:
            bank.ask(Question(period=OCTOBER, where={"team": (name,)}, teams_seen=scope))
        refusals.append(refusal.value)
    assert refusals[0].closest == refusals[1].closest == ()
    assert refusals[0].what.replace(unseen, unknown) == refusals[1].what


def test_who_sees_no_team_sees_nothing(bank: Lake) -> None:
    answered = bank.ask(Question(period=OCTOBER, by=("team",), teams_seen=()))
    assert (answered.rows, answered.totals, answered.snapshots, answered.complete) == ([], [], [], False)


def test_a_team_called_star_widens_no_scope(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    load(write("bill.csv", [charge("1.00", Tags=tags(team="*")), charge("2.00", Tags=tags(team="x"))]))
    assert lake.ask(Question(period=OCTOBER, teams_seen=("x",))).totals == [("USD", Decimal("2"))]


def test_the_snapshots_read_are_named(bank: Lake) -> None:
    assert bank.ask(Question(period=OCTOBER)).snapshots == ["aws/2026-10/1"]
    assert bank.ask(Question(period=OCTOBER, compare=SEPTEMBER)).snapshots == ["aws/2026-09/1", "aws/2026-10/1"]


def test_the_query_gives_the_same_rows_again(bank: Lake) -> None:
    answered = bank.ask(Question(period=OCTOBER, by=("team",), where={"service": ("Machines",)}))
    files = [
        str(bank.folder / part.path)
        for item in bank.store.current()
        if item.id in answered.snapshots
        for part in item.files
    ]
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW charges AS SELECT * FROM read_parquet({files})")
        again = connection.execute(answered.query).fetchall()
    # The query also sums what has no team, of which the answer tells beside its totals.
    assert [row[:3] for row in again] == [tuple(row.values()) for row in answered.rows]


def test_no_more_than_a_thousand_rows_and_the_totals_count_all(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    rows = [charge(f"{number}.00", ResourceId=f"r{number:05}") for number in range(MAX_ROWS + 5)]
    load(write("bill.csv", rows))
    answered = lake.ask(Question(period=OCTOBER, by=("resource",), limit=5000))
    assert len(answered.rows) == MAX_ROWS
    assert answered.truncated
    assert answered.totals == [("USD", Decimal(sum(range(MAX_ROWS + 5))))]
    top = lake.ask(Question(period=OCTOBER, by=("resource",), limit=3))
    assert [row["resource"] for row in top.rows] == ["r01004", "r01003", "r01002"]
    assert not lake.ask(Question(period=OCTOBER, by=("provider",), limit=3)).truncated


def test_equal_amounts_are_told_in_the_order_of_their_names(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    names = ["d", "b", "a", "c", "B"]
    load(write("bill.csv", [charge("1.00", ServiceName=name) for name in names]))
    for _ in range(3):
        assert [row["service"] for row in lake.ask(Question(period=OCTOBER, by=("service",))).rows] == sorted(names)


@pytest.mark.parametrize("name", list(DIMENSIONS))
def test_every_dimension_can_be_asked_for(bank: Lake, name: str) -> None:
    answered = bank.ask(Question(period=OCTOBER, by=(name,), currency="USD"))
    assert sum(row["value"] for row in answered.rows) == Decimal("17.5")  # type: ignore[misc]
    assert bank.values(name)


@pytest.mark.parametrize(
    "wrong",
    [
        {"by": ("planet",)},
        {"where": {"planet": ("x",)}},
        {"by": ("team", "team")},
        {"where": {"day": ("2026-10-01",)}},
        {"by": ("day",), "compare": SEPTEMBER},
        {"limit": 0},
        {"metric": "total"},
        {"by": ("tag:",)},
        {"sql": "DROP TABLE"},
    ],
    ids=str,
)
def test_what_is_no_question_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Question(**({"period": OCTOBER} | wrong))


def test_bad_periods_are_refused_in_words() -> None:
    for text in ("2026-13", "october", "2026-Q5", "", "2026-10-31..2026-10-01", "2026-02-30", "99999"):
        with pytest.raises(LakeError) as refusal:
            Period.parse(text)
        assert refusal.value.do


def test_of_very_many_names_those_with_most_charges_are_offered(
    write: Any, charge: Any, load: Any, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To compare a million names with one takes minutes."""
    monkeypatch.setattr("lake.as_written.MOST_NAMES", 2)
    names = ["machine-a", "machine-a", "machine-a", "machine-b", "machine-b", "machine-c"]
    load(write("bill.csv", [charge("1.00", ResourceId=name) for name in names]))
    with pytest.raises(NameNotKnown) as refusal:
        lake.ask(Question(period=OCTOBER, where={"resource": ("machine-cc",)}))
    assert set(refusal.value.closest) == {"machine-a", "machine-b"}
    assert lake.ask(Question(period=OCTOBER, where={"resource": ("Machine_C",)})).totals == [("USD", Decimal(1))]


@pytest.fixture
def partly_priced(write: Any, charge: Any, load: Any, lake: Lake) -> Lake:
    """October: claims has no list cost at all, fraud for some of its charges; September: every charge has one."""
    rows = [
        charge("10.00", day="2026-10-01", Tags=tags(team="claims"), ListCost=""),
        charge("3.00", day="2026-10-02", Tags=tags(team="claims"), ListCost=""),
        charge("20.00", day="2026-10-02", Tags=tags(team="fraud"), ListCost="25"),
        charge("7.00", day="2026-10-02", Tags=tags(team="fraud"), ListCost=""),
        charge("1.00", day="2026-10-02", Tags=tags(team="zurich"), ListCost="", BillingCurrency="CHF"),
        charge("0.00", day="2026-10-02", Tags=tags(team="free"), ListCost="0"),
        *(charge("5.00", day="2026-09-02", Tags=tags(team=team), ListCost="6") for team in ("claims", "free")),
    ]
    load(write("bill.csv", rows))
    return lake


@pytest.mark.parametrize("by", [("team",), ("team", "resource")], ids=["from the rollup", "from the charges"])
def test_a_list_cost_that_is_not_known_is_no_zero_and_is_told(partly_priced: Lake, by: tuple[str, ...]) -> None:
    answered = partly_priced.ask(Question(period=OCTOBER, by=by, metric=Metric.LIST))
    assert answered.read == ("charges" if "resource" in by else "rollup by month")
    assert {row["team"]: (row["value"], row["unknown_billed"]) for row in answered.rows} == {
        "claims": (None, Decimal(13)),
        "fraud": (Decimal(25), Decimal(7)),
        "free": (Decimal(0), None),
        "zurich": (None, Decimal(1)),
    }
    assert answered.totals == [("USD", Decimal(25))]
    assert answered.unknown == [Unknown("CHF", 1, Decimal(1)), Unknown("USD", 3, Decimal(20))]
    assert answered.holds
    assert partly_priced.ask(Question(period=OCTOBER, by=by)).unknown == []


@pytest.mark.parametrize("by", [("team",), ("team", "resource")], ids=["from the rollup", "from the charges"])
def test_the_others_cost_nothing_only_where_that_is_known(partly_priced: Lake, by: tuple[str, ...]) -> None:
    """Shown are fraud, free and claims, one after the other; a currency of which all rows are shown has no others."""
    swiss = ("CHF", None, Decimal(1))
    for limit, dollars in ((1, [("USD", Decimal(0), Decimal(13))]), (2, [("USD", None, Decimal(13))]), (3, [])):
        answered = partly_priced.ask(Question(period=OCTOBER, by=by, metric=Metric.LIST, limit=limit))
        others = [(row["currency"], row["value"], row["unknown_billed"]) for row in answered.others]
        assert others == [swiss, *dollars]
    compared = Question(period=OCTOBER, compare=SEPTEMBER, by=("team",), metric=Metric.LIST, currency="USD", limit=1)
    (others_of_both,) = partly_priced.ask(compared).others
    told = {name: others_of_both[name] for name in ("value", "previous", "unknown_billed", "previous_unknown_billed")}
    assert list(told.values()) == [Decimal(0), Decimal(12), Decimal(13), None]


def test_nothing_is_subtracted_from_what_is_known_in_part(partly_priced: Lake) -> None:
    answered = partly_priced.ask(Question(period=OCTOBER, compare=SEPTEMBER, by=("team",), metric=Metric.LIST))
    assert {row["team"]: row["difference"] for row in answered.rows} == {
        "claims": None, "fraud": None, "free": Decimal(-6), "zurich": None,
    }  # fmt: skip


def test_a_currency_without_any_list_cost_is_charges_all_the_same(partly_priced: Lake) -> None:
    answered = partly_priced.ask(Question(period=OCTOBER, currency="CHF", metric=Metric.LIST))
    assert (answered.totals, answered.holds) == ([], True)
    assert not partly_priced.ask(Question(period=Period.parse("2025"), metric=Metric.LIST)).holds
