"""Which kind of bill a file is, told by its columns alone; several kinds in one call; the mapping of the docs."""

import json
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import app
from lake.engine import Lake
from lake.errors import LakeError
from lake.export import export
from lake.load import ingest
from lake.sources.invoice_mapping import read_mapping

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
ROOT = Path(__file__).parents[3]


def test_an_unknown_file_is_refused_with_all_that_is_known(write: Any, load: Any, lake: Any) -> None:
    with pytest.raises(LakeError) as refusal:
        load(write("other.csv", [{"name": "foo", "sum": "1"}]))
    for known in (
        "AWS Cost and Usage Report",
        "Azure cost export",
        "Google Cloud billing export",
        "invoice table",
        "FOCUS",
    ):
        assert known in refusal.value.why
    assert "--mapping" in refusal.value.do
    assert lake.store.current() == ()


def amounts(seed: int) -> list[str]:
    """Amounts of every size and sign that a decimal of twelve places holds."""
    dice = random.Random(seed)
    return [format(Decimal(dice.randrange(-(10**17), 10**17)).scaleb(-dice.randrange(0, 13)), "f") for _ in range(40)]


def aws(amount: str) -> dict[str, Any]:
    return {
        "lineItem/LineItemType": "Usage", "lineItem/UnblendedCost": amount, "lineItem/CurrencyCode": "USD",
        "lineItem/ProductCode": "AmazonS3", "lineItem/UsageStartDate": "2026-10-05T00:00:00Z",
        "lineItem/UsageEndDate": "2026-10-06T00:00:00Z", "bill/BillingPeriodStartDate": "2026-10-01T00:00:00Z",
        "bill/BillingPeriodEndDate": "2026-11-01T00:00:00Z", "bill/PayerAccountId": "1",
    }  # fmt: skip


def azure(amount: str) -> dict[str, Any]:
    return {
        "CostInBillingCurrency": amount, "MeterCategory": "Storage", "ChargeType": "Usage", "Date": "10/05/2026",
        "Quantity": "1", "BillingCurrency": "USD", "BillingAccountId": "2",
    }  # fmt: skip


def gcp(amount: str) -> dict[str, Any]:
    return {
        "service.description": "Cloud Storage", "sku.description": "Standard", "invoice.month": "202610",
        "cost": amount, "currency": "USD", "usage_start_time": "2026-10-05T00:00:00Z",
        "usage_end_time": "2026-10-06T00:00:00Z", "billing_account_id": "3",
        "credits": json.dumps([{"name": "Promo", "amount": "-0.000000000001"}]),
    }  # fmt: skip


def table(amount: str) -> dict[str, Any]:
    return {
        "vendor": "Desk", "invoice_id": "4", "invoice_date": "2026-10-05", "service_period_start": "2026-10-01",
        "service_period_end": "2026-10-31", "amount": amount, "currency": "USD",
    }  # fmt: skip


@pytest.mark.parametrize("made", [aws, azure, gcp, table])
def test_every_digit_of_every_amount_arrives(
    made: Callable[[str], dict[str, Any]], write: Any, load: Any, ask: Any
) -> None:
    given = amounts(7)
    report = load(write("bill.csv", [made(amount) for amount in given]))
    assert report.rows_quarantined == 0
    assert report.rows_loaded == report.rows_in
    found = ask('SELECT "BilledCost" FROM bill WHERE "ChargeCategory" <> \'Credit\' ORDER BY x_row')
    assert [row[0] for row in found] == [Decimal(amount) for amount in given]


@pytest.mark.slow
def test_what_was_loaded_from_any_kind_is_handed_out_as_focus_and_loads_again(
    write: Any, load: Any, lake: Lake, tmp_path: Path
) -> None:
    load(*[write(f"{made.__name__}.csv", [made(amount) for amount in amounts(3)]) for made in (aws, azure, gcp, table)])
    export(lake, tmp_path / "focus.csv", form="csv")
    again = Lake(tmp_path / "again" / "lake")
    report = ingest(again, [tmp_path / "focus.csv"], now=NOW)
    assert report.rows_quarantined == 0
    told = [
        {(item.source, item.period): (item.rows, item.totals) for item in one.store.current()} for one in (lake, again)
    ]
    assert told[0] == told[1]
    assert len(told[0]) == 4


def test_bills_of_several_kinds_are_loaded_in_one_call(write: Any, charge: Any, load: Any, lake: Any) -> None:
    files = [write(f"{made.__name__}.csv", [made("5.00")]) for made in (aws, azure, gcp, table)]
    load(*files, write("focus.csv", [charge("5.00", ProviderName="Northern Cloud")]))
    assert sorted(item.source for item in lake.store.current()) == [
        "aws", "desk", "google-cloud", "microsoft", "northern-cloud",
    ]  # fmt: skip


def test_one_kind_that_lacks_a_column_keeps_the_others_out(write: Any, load: Any, lake: Any) -> None:
    short = azure("1")
    del short["BillingCurrency"]
    with pytest.raises(LakeError, match="lacks the column billingcurrencycode"):
        load(write("aws.csv", [aws("1")]), write("azure.csv", [short]))
    assert lake.store.current() == ()


def test_the_mapping_of_the_docs_reads_the_invoice_it_is_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [shown] = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "bills.md").read_text(), re.DOTALL)
    (tmp_path / "mapping.toml").write_text(shown)
    assert read_mapping(tmp_path / "mapping.toml").file.thousands == "."
    (tmp_path / "bill.csv").write_text(
        "Datum;Von;Bis;Text;Betrag;Team;Kostenstelle\n03.10.2026;01.10.2026;31.10.2026;Server;1.234,50;risk;4410\n"
    )
    monkeypatch.setenv("SPENDGATE_HOME", str(tmp_path / "home"))
    command = ["ingest", "--mapping", str(tmp_path / "mapping.toml"), str(tmp_path / "bill.csv"), "--json"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["totals"] == [{"currency": "EUR", "billed": "1234.50", "effective": "1234.50"}]
