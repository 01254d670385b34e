"""The grader's own sums, on a bill small enough to add up by hand."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from evals.bills import two_currencies
from evals.case import Case, Expected, load_cases
from evals.truth import Bill

AI = "AI and Machine Learning"


def charge(day: str, cost: str, **more: Any) -> dict[str, Any]:
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    tags = {key: more.pop(key) for key in ("team", "use_case", "model") if key in more}
    row = {
        "ChargePeriodStart": start, "ChargePeriodEnd": start + timedelta(days=1), "EffectiveCost": Decimal(cost),
        "BilledCost": Decimal("0.5"), "BillingCurrency": "USD", "ServiceCategory": "Compute", "ServiceName": "EC2",
        "ProviderName": "AWS", "SkuPriceDetails": None, "x_model": None, "Tags": json.dumps(tags) if tags else None,
    }  # fmt: skip
    return row | more


ROWS = [
    charge("2026-10-01", "10.000000000001", team="red", ServiceCategory=AI),
    charge("2026-10-31", "5.25", team="blue", use_case="claims"),
    charge("2026-10-15", "2.5", SkuPriceDetails='{"GpuCount": 4}'),
    charge("2026-10-15", "3.5", x_model="gpt-5"),
    charge("2026-10-20", "100", team="red"),
    charge("2026-10-20", "7", BillingCurrency="EUR", ServiceCategory=AI),
    charge("2026-09-30", "4", team="red", ServiceCategory=AI),
    charge("2026-11-01", "1000", team="red", ServiceCategory=AI),
]


@pytest.fixture
def bill(tmp_path: Path) -> Bill:
    money, moment = pa.decimal128(38, 12), pa.timestamp("us", tz="UTC")
    kinds = {"EffectiveCost": money, "BilledCost": money, "ChargePeriodStart": moment, "ChargePeriodEnd": moment}
    columns = {name: pa.array([row[name] for row in ROWS], kinds.get(name, pa.string())) for name in ROWS[0]}
    pa.parquet.write_table(pa.table(columns), tmp_path / "bill.parquet")
    return Bill([tmp_path / "bill.parquet"])


@pytest.mark.parametrize(
    ("expected", "values"),
    [
        ({"ai": False}, ["121.250000000001"]),
        ({"ai": True}, ["21.250000000001"]),
        ({"ai": True, "currency": "EUR"}, ["7"]),
        ({"ai": False, "metric": "billed"}, ["2.5"]),
        ({"ai": True, "where": {"team": "red"}}, ["10.000000000001"]),
        ({"ai": True, "where": {"team": "(untagged)"}}, ["6"]),
        ({"ai": True, "by": ["team"]}, ["10.000000000001", "6", "5.25"]),
        ({"ai": True, "by": ["team"], "top": 1}, ["10.000000000001"]),
        ({"ai": True, "compare": "2026-09", "want": "change"}, ["17.250000000001"]),
        ({"ai": True, "compare": "2026-09", "want": "before"}, ["4"]),
        ({"ai": True, "compare": "2026-09", "want": "change_pct"}, ["431.250000000025"]),
        ({"ai": True, "where": {"team": "blue"}, "of_ai": True, "want": "share", "metric": "billed"}, ["25"]),
        ({"ai": True, "period": "2025-01"}, []),
    ],
)  # fmt: skip
def test_sums_are_exact(bill: Bill, expected: dict[str, Any], values: list[str]) -> None:
    facts = bill.facts(Expected.model_validate({"period": "2026-10", **expected}))
    assert [fact.value for fact in facts] == [Decimal(value) for value in values]


def test_scope_bounds_the_sum_and_is_no_name_of_it(bill: Bill) -> None:
    facts = bill.facts(Expected(period="2026-10", ai=True), sees=("blue",))
    assert [(fact.value, fact.names) for fact in facts] == [(Decimal("5.25"), ())]


def test_left_open_both_are_told(bill: Bill) -> None:
    (fact,) = bill.facts(Expected(period="2026-10"))
    assert fact.either is not None
    assert (fact.value, fact.either.value) == (Decimal("21.250000000001"), Decimal("121.250000000001"))


def test_the_bill_in_two_currencies_holds_both(tmp_path: Path) -> None:
    bill = two_currencies(tmp_path).bill
    sums = {unit: bill.facts(Expected(period="2026-10", ai=True, currency=unit))[0].value for unit in ("EUR", "USD")}
    assert sums == {"EUR": Decimal("10113.750000000031"), "USD": Decimal("3940.875")}


def test_the_cases_in_git_can_be_read() -> None:
    cases: list[Case] = load_cases()
    assert len(cases) >= 60
    assert {case.bill for case in cases} == {"bank", "two-currencies", "nothing"}


def test_a_broken_case_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "spend").mkdir()
    (tmp_path / "spend" / "odd.yaml").write_text("persona: x\ngroup: spend\nask: '?'\ntypo: 1\n")
    with pytest.raises(ValueError, match=r"spend/odd\.yaml"):
        load_cases(tmp_path)
