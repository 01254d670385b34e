"""Each rule of FOCUS that a row breaks is told once, with how many rows and the first of them; the row still loads."""

from pathlib import Path
from typing import Any

import pytest

from app.commands import ingest as command
from lake.columns import MANDATORY
from lake.engine import Lake
from tests.lake.conftest import NOW

GOOD = {
    "ContractedUnitPrice": "0.5",
    "ListUnitPrice": "0.5",
    "PricingQuantity": "2",
    "PricingUnit": "Hours",
    "ConsumedQuantity": "2",
    "ConsumedUnit": "Hours",
    "ChargeFrequency": "Usage-Based",
    "ServiceSubcategory": "Machines",
}
COMMITTED = {"CommitmentDiscountId": "sp-1", "CommitmentDiscountStatus": "Used"}


def told(report: Any) -> list[tuple[str, str, int, str]]:
    return [(one.rule, one.column, one.rows, one.example) for one in report.findings]


def test_a_row_that_keeps_every_rule_is_told_nothing_about(write: Any, charge: Any, load: Any) -> None:
    rows = [
        charge("1.00", **GOOD),
        charge("1.00", **GOOD, **COMMITTED),
        charge("7.00", ChargeClass="Correction", **(GOOD | {"ListUnitPrice": "9"})),
        charge("1.0000004", **(GOOD | {"ContractedUnitPrice": "0.5000002"})),
        charge(
            "0", BilledCost="50", ChargeCategory="Purchase", ContractedCost="0", ListCost="0",
            CommitmentDiscountId="sp-1", PricingQuantity="", PricingUnit="", ServiceSubcategory="x",
            ChargeFrequency="One-Time",
        ),
    ]  # fmt: skip
    assert told(load(write("bill.csv", rows))) == []


@pytest.mark.parametrize(
    ("wrong", "rule", "column", "example"),
    [
        (
            {"ContractedUnitPrice": "3"},
            "cost-identity",
            "ContractedCost",
            "ContractedCost 1.000000000000, ContractedUnitPrice 3.000000000000000000, PricingQuantity 2",
        ),
        ({"ListUnitPrice": "0"}, "cost-identity", "ListCost", "ListCost 1.0"),
        (
            {"ChargePeriodEnd": "2026-10-05T23:59:59Z"},
            "exclusive-end",
            "ChargePeriodEnd",
            "ChargePeriodEnd 2026-10-05 23:59:59",
        ),
        (
            {"ChargePeriodEnd": "2026-10-05T00:00:00Z"},
            "period-order",
            "ChargePeriodEnd",
            "ChargePeriodStart 2026-10-05",
        ),
        (
            {"BillingPeriodEnd": "2026-10-01T00:00:00Z"},
            "period-order",
            "BillingPeriodEnd",
            "BillingPeriodStart 2026-10-01",
        ),
        ({"ChargeCategory": "Tax"}, "consumed", "ConsumedQuantity", "ChargeCategory Tax"),
        (
            COMMITTED | {"CommitmentDiscountStatus": "Unused"},
            "consumed",
            "ConsumedQuantity",
            "CommitmentDiscountStatus Unused",
        ),
        ({"ConsumedUnit": ""}, "consumed", "ConsumedUnit", "ConsumedUnit no value"),
        ({"PricingUnit": ""}, "priced", "PricingUnit", "PricingUnit no value"),
        ({"CommitmentDiscountId": "sp-1"}, "commitment", "CommitmentDiscountStatus", "CommitmentDiscountId sp-1"),
        (
            {"CommitmentDiscountStatus": "Used"},
            "commitment",
            "CommitmentDiscountStatus",
            "CommitmentDiscountStatus Used",
        ),
        ({"InvoiceIssuerName": ""}, "null", "InvoiceIssuerName", "InvoiceIssuerName no value"),
        (
            {"ChargeCategory": "Rent", "ConsumedQuantity": "", "ConsumedUnit": ""},
            "value",
            "ChargeCategory",
            "ChargeCategory Rent",
        ),
    ],
)
def test_a_broken_rule_is_told_with_its_first_row(
    write: Any, charge: Any, load: Any, lake: Lake, wrong: dict[str, str], rule: str, column: str, example: str
) -> None:
    bad = charge("1.00", **(GOOD | wrong))
    report = load(write("bill.csv", [charge("1.00", **GOOD), bad, bad | {"Tags": '{"team": "t"}'}]))
    (finding,) = told(report)
    assert finding[:3] == (rule, column, 2)
    assert finding[3].startswith("row 2: ")
    assert example in finding[3]
    assert (report.rows_loaded, report.rows_quarantined) == (3, 0)
    assert lake.store.current()[0].findings[0].example == finding[3]


def test_a_purchase_that_counts_twice_is_told(write: Any, charge: Any, load: Any) -> None:
    bought = charge(
        "50", ChargeCategory="Purchase", ContractedCost="50", ListCost="50", CommitmentDiscountId="sp-1",
        PricingQuantity="", PricingUnit="", ServiceSubcategory="x", ChargeFrequency="One-Time",
    )  # fmt: skip
    (finding,) = told(load(write("bill.csv", [bought])))
    assert finding[:3] == ("effective-of-purchase", "EffectiveCost", 1)


def test_an_example_cannot_write_on_a_terminal(
    write: Any, charge: Any, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    forged = GOOD | {"ChargeCategory": "\x1b[2JRent\u202e", "ConsumedQuantity": "", "ConsumedUnit": ""}
    path = write("bill.csv", [charge("1.00", **forged)])
    command.run(home=tmp_path / "home", now=NOW, paths=[str(path)])
    said = capsys.readouterr().err
    assert "Rent" in said
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_the_page_about_bills_names_every_column_that_a_focus_file_needs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "bills.md").read_text()
    assert f"columns of FOCUS: {', '.join(f'`{name}`' for name in MANDATORY)}. " in page
