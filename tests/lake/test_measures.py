"""What was used and what a unit of it cost: units that never mix, ratios of sums, and what cannot be converted."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.lake_here import lake_here
from lake.engine import Answered, Lake, Unknown
from lake.measures import counted
from lake.money import add
from lake.period import Period
from lake.question import OTHERS, Metric, Question

pytestmark = pytest.mark.slow

SEPTEMBER, OCTOBER = Period.parse("2026-09"), Period.parse("2026-10")


def tokens(charge: Any, cost: str, count: str, unit: str = "Tokens", **more: str) -> dict[str, str]:
    given = {"ServiceCategory": "AI and Machine Learning", "ConsumedQuantity": count, "ConsumedUnit": unit}
    row: dict[str, str] = charge(cost, **(given | more))
    return row


@pytest.fixture
def bank(write: Any, charge: Any, load: Any, lake: Lake) -> Lake:
    team = {"Tags": json.dumps({"team": "kyc"})}
    hours = {"ConsumedUnit": "Hours", "ServiceCategory": "Compute"}
    rows = [
        tokens(charge, "6.00", "2000000", x_model="small", **team),
        tokens(charge, "3.00", "500", "1000 Tokens", x_model="large"),
        tokens(charge, "1.00", "250", "1K tokens", x_model="large"),
        tokens(charge, "4.00", "1000000", x_model="small", BillingCurrency="EUR"),
        tokens(charge, "1.50", "1000000", x_model="small", day="2026-09-05", **team),
        charge("100.00", ServiceName="Capacity", ServiceCategory="AI and Machine Learning"),
        charge("-2.00", ChargeCategory="Credit", ServiceCategory="AI and Machine Learning"),
        charge("40.00", ConsumedQuantity="10", SkuMeter="BoxUsage:g5.12xlarge", **hours),
        charge("9.00", ConsumedQuantity="3", ChargeDescription="$3 per ml.p4d.24xlarge Instance Hour", **hours),
        charge("8.00", ConsumedQuantity="5", SkuMeter="BoxUsage:m5.large", **hours),
        charge("7.00", ConsumedQuantity="2", ConsumedUnit="GPU-Hours", ServiceName="Cluster"),
        charge("5.00", ConsumedQuantity="4", SkuMeter="Standard_NC24ads_A100_v4", **hours),
    ]
    load(write("bill.csv", rows), final=True)
    return lake


def told(answered: Answered, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in (*names, "unit", "value")) for row in answered.rows]


def test_tokens_are_counted_in_tokens_however_the_bill_counts_them(bank: Lake) -> None:
    answered = bank.ask(Question(period=OCTOBER, metric=Metric.TOKENS, by=("model",)))
    assert told(answered, "model") == [("small", "tokens", Decimal(3_000_000)), ("large", "tokens", Decimal(750_000))]
    assert answered.totals == [("tokens", Decimal(3_750_000))]
    assert answered.untagged == [("tokens", Decimal(1_750_000))]
    assert answered.query.startswith("SELECT")
    assert (answered.snapshots, answered.complete) == (["aws/2026-10/1"], True)


def test_quantities_of_different_units_stand_apart(bank: Lake) -> None:
    answered = bank.ask(Question(period=OCTOBER, metric=Metric.QUANTITY, where={"service": ("Machines",)}))
    assert dict(answered.totals) == {
        "1000 Tokens": Decimal(500), "1K tokens": Decimal(250), "Tokens": Decimal(3_000_000), "Hours": Decimal(22),
    }  # fmt: skip


def test_gpu_hours_are_machine_hours_times_the_gpus_of_the_machine(bank: Lake) -> None:
    """g5.12xlarge has 4 and p4d.24xlarge 8; m5.large has none, and what no book knows is told instead of guessed."""
    answered = bank.ask(Question(period=OCTOBER, metric=Metric.GPU_HOURS))
    assert answered.totals == [("GPU hours", Decimal(10 * 4 + 3 * 8 + 2))]
    assert answered.unknown == [Unknown("USD", 1, Decimal(5))]
    price = bank.ask(Question(period=OCTOBER, metric=Metric.COST_PER_GPU_HOUR))
    assert price.totals == [("USD per GPU hour", Decimal("0.848484848485"))]  # 56 / 66


def test_gpu_hours_are_those_of_the_homes_own_book(bank: Lake) -> None:
    own = bank.folder.parent / "price-book"
    own.mkdir()
    (own / "lists.csv").write_text("list,dated,currency,source\nours,2026-11-01,,a note\n")
    heading = "instance_type,vcpus,memory_gib,gpus,gpu,gpu_memory_gib,architectures,current,list\n"
    (own / "shapes.csv").write_text(f"{heading}g5.12xlarge,48,192,2,,44,x86_64,yes,ours\n")
    question = Question(period=OCTOBER, metric=Metric.GPU_HOURS)
    assert lake_here(bank.folder, {}).ask(question).totals == [("GPU hours", Decimal(10 * 2 + 3 * 8 + 2))]
    assert bank.ask(question).totals == [("GPU hours", Decimal(10 * 4 + 3 * 8 + 2))]


def test_a_unit_cost_is_of_the_charges_that_were_counted(bank: Lake) -> None:
    """Capacity by the hour and credits have no tokens: they are in no price of a token."""
    answered = bank.ask(Question(period=OCTOBER, compare=SEPTEMBER, metric=Metric.COST_PER_MILLION_TOKENS))
    assert dict(answered.totals) == {
        "EUR per million tokens": Decimal(4),
        "USD per million tokens": Decimal("3.636363636364"),  # 10 USD for 2,750,000
    }
    assert dict(answered.previous_totals) == {"USD per million tokens": Decimal("1.5")}
    differences = {row["unit"]: row["difference"] for row in answered.rows}
    assert differences == {"EUR per million tokens": None, "USD per million tokens": Decimal("2.136363636364")}


def test_what_is_not_shown_is_the_ratio_of_the_rest(bank: Lake) -> None:
    question = Question(period=OCTOBER, metric=Metric.COST_PER_MILLION_TOKENS, by=("model",), currency="USD", limit=1)
    answered = bank.ask(question)
    assert told(answered, "model") == [("large", "USD per million tokens", Decimal("5.333333333333"))]
    assert answered.others == [{"model": OTHERS, "unit": "USD per million tokens", "value": Decimal(3)}]


@pytest.mark.parametrize("metric", ["effective", "billed", "list", "tokens", "quantity"])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_the_largest_and_the_others_are_the_total(bank: Lake, metric: str, limit: int) -> None:
    by = ("service", "model", "account")
    answered = bank.ask(Question(period=OCTOBER, compare=SEPTEMBER, metric=Metric(metric), by=by, limit=limit))
    assert len(answered.rows) <= limit
    for side, totals in (("value", answered.totals), ("previous", answered.previous_totals)):
        for unit, total in totals:
            rows = [row for row in (*answered.rows, *answered.others) if unit in row.values()]
            assert add(Decimal(str(row[side])) for row in rows if row[side] is not None) == total


AMOUNTS = st.decimals(min_value=-(10**20), max_value=10**20, places=12, allow_nan=False)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["Tokens", "1000 Tokens"]), AMOUNTS), max_size=12))
def test_groups_add_up_to_the_total_to_the_last_digit(rows: list[tuple[str, str, Decimal]]) -> None:
    question = Question(period=OCTOBER, metric=Metric.TOKENS, by=("model",))
    facts = {"currency": "USD", "cost": Decimal(0), "no_team": None, "unknown_charges": 1, "unknown_billed": Decimal(0)}
    found = [{"model": model, "unit": unit, "value": value, **facts} for model, unit, value in rows]
    made = counted(question, found)
    assert add(row["value"] for row in made.rows) == add(row["value"] for row in made.totals)


def test_weeks_begin_on_monday(bank: Lake, write: Any, charge: Any, load: Any) -> None:
    days = ["2026-08-02", "2026-08-03", "2026-08-09", "2026-08-10"]  # a Sunday, Monday to Sunday, a Monday
    load(write("august.csv", [charge("1.00", day=day) for day in days]))
    answered = bank.ask(Question(period=Period.parse("2026-08"), by=("week",)))
    assert [(row["week"], row["value"]) for row in answered.rows] == [
        ("2026-07-27", Decimal(1)), ("2026-08-03", Decimal(2)), ("2026-08-10", Decimal(1)),
    ]  # fmt: skip
    assert [row["week"] for row in answered.rows] == sorted(str(row["week"]) for row in answered.rows)
