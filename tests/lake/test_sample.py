"""The published FOCUS sample's quirks: a generated twin always, the sample itself where it is at hand."""

import csv
import io
import json
import os
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lake.engine import Lake
from lake.period import Period
from lake.question import METRIC_COLUMNS, Metric, Question

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
TWIN = HERE / "focus_sample_twin.csv"
SAMPLE = "focus_sample_1.0.csv"

HEADER = [
    "AvailabilityZone", "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency",
    "BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription",
    "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart", "CommitmentDiscountCategory", "CommitmentDiscountId",
    "CommitmentDiscountName", "CommitmentDiscountStatus", "CommitmentDiscountType", "ConsumedQuantity",
    "ConsumedUnit", "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "InvoiceIssuerName", "ListCost",
    "ListUnitPrice", "PricingCategory", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName",
    "RegionId", "RegionName", "ResourceId", "ResourceName", "ResourceType", "ServiceCategory", "Id", "ServiceName",
    "SkuId", "SkuPriceId", "SubAccountId", "SubAccountName", "Tags",
]  # fmt: skip
UNQUOTED = {
    "BilledCost",
    "ConsumedQuantity",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "ListCost",
    "Id",
}
SERVICES = {
    "AWS": [("Juniper Machines", "Compute"), ("Juniper Buckets", "Storage"), ("Juniper Queues", "Integration")],
    "Microsoft": [("Willow Learning", "AI and Machine Learning"), ("Willow Clusters", "Compute")],
    "Oracle": [("Birch Volumes", "Storage")],
}
ACCOUNTS = {"AWS": "4400112233445", "Microsoft": "/providers/Billing/accounts/771", "Oracle": "30311772"}


def twin() -> str:
    """Forty invented charges with the sample's quirks, as CSV text; the same text each time."""
    draw = random.Random(20240901)
    lines = [",".join(f'"{name}"' for name in HEADER)]
    for number in range(40):
        provider = "Oracle" if number % 10 == 9 else "Microsoft" if number % 5 == 3 else "AWS"
        lines.append(",".join(_cell(name, value) for name, value in _charge(draw, number, provider).items()))
    return "\n".join(lines) + "\n"


def _charge(draw: random.Random, number: int, provider: str) -> dict[str, str | None]:
    day, hour = draw.randrange(1, 30), draw.randrange(0, 22)
    late = provider == "Oracle" and number == 39
    service, category = SERVICES[provider][number % len(SERVICES[provider])]
    cost = f"{draw.randrange(0, 90_000_000) * (1 if draw.random() < 0.9 else 0)}"
    effective = "-3.00000000000" if number == 20 else f"{int(cost) // 7 / 1:.0f}".rjust(12, "0")
    oracle = provider == "Oracle"
    made: dict[str, str | None] = dict.fromkeys(HEADER)
    made |= {
        "BilledCost": f"0.{cost.rjust(11, '0')}",
        "BillingAccountId": ACCOUNTS[provider],
        "BillingAccountName": "" if oracle else "Fernhollow",
        "BillingCurrency": "USD",
        "BillingPeriodStart": "2024-10-01 00:00:00" if late else "2024-09-01 00:00:00",
        "BillingPeriodEnd": "2024-11-01 00:00:00" if late else "2024-10-01 00:00:00",
        "ChargeCategory": "Credit" if number == 20 else "Usage",
        "ChargeDescription": f"$0.00{number % 9}1 per unit, tier {number % 3}",
        "ChargeFrequency": "Usage-based" if oracle else "Usage-Based",
        "ChargePeriodStart": f"2024-09-{day:02} {hour:02}:00:00",
        "ChargePeriodEnd": f"2024-09-{day:02} {hour + 1:02}:00:00",
        "ConsumedQuantity": f"{draw.randrange(0, 30)}.{draw.randrange(0, 10**15):015}",
        "ConsumedUnit": "Requests",
        "ContractedCost": None if oracle else f"0.{int(cost) // 5:011}",
        "ContractedUnitPrice": None if oracle else "0.00000000000",
        "EffectiveCost": effective if number == 20 else f"0.{effective[-11:]}",
        "InvoiceIssuerName": f"{provider} Europe",
        "ListCost": f"0.{cost.rjust(11, '0')}",
        "ListUnitPrice": f"0.00{number % 9}1",
        "PricingCategory": "" if oracle else "Standard",
        "PricingQuantity": f"{draw.randrange(0, 9)}.{draw.randrange(0, 10**11):011}",
        "PricingUnit": "Requests",
        "ProviderName": provider,
        "PublisherName": f"{provider} Europe",
        "RegionId": "eu-north-7",
        "RegionName": "Northland",
        "ResourceId": f"res-{draw.randrange(10**8):08}" if number % 6 else None,
        "ResourceName": "" if oracle else None,
        "ServiceCategory": category,
        "Id": str(10_000 + number * 37),
        "ServiceName": service,
        "SkuId": f"SKU{number % 7}",
        "SkuPriceId": f"SKU{number % 7}.P",
        "SubAccountId": f"9{number % 4}0011",
        "SubAccountName": ("Alder", "Birch", "Cedar", "Dogwood")[number % 4],
        "Tags": _tags(number),
    }
    return made


def _tags(number: int) -> str | None:
    if number % 4 == 0:
        return None
    unit = ("HarbourPricing", "HarbourRisk", "OrchardIT")[number % 3]
    return json.dumps({"application": f"App{number % 5}", "environment": "dev", "business_unit": unit})


def _cell(name: str, value: str | None) -> str:
    if value is None:
        return "NULL"
    return value if name in UNQUOTED else '"' + value.replace('"', '""') + '"'


def files() -> list[Path]:
    """The twin, and the sample where SPENDGATE_TEST_DATA names its folder or it lies beside the checkout."""
    named = os.environ.get("SPENDGATE_TEST_DATA")
    folder = Path(named) if named else HERE.parents[2] / "shared" / "data"
    return [TWIN, *([folder / SAMPLE] if (folder / SAMPLE).is_file() else [])]


def by_hand(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def summed(rows: list[dict[str, str]], column: str) -> Decimal:
    return sum((Decimal(row[column]) for row in rows if row[column] not in ("", "NULL")), start=Decimal(0))


@pytest.fixture(params=files(), ids=lambda path: path.name)
def path(request: pytest.FixtureRequest) -> Path:
    assert isinstance(request.param, Path)
    return request.param


YEAR = Period.parse("2024")


def test_the_committed_twin_is_what_its_generator_writes() -> None:
    assert TWIN.read_text() == twin()
    assert len(list(csv.reader(io.StringIO(twin())))) == 41


def test_the_sample_is_there_when_its_folder_is_named() -> None:
    if os.environ.get("SPENDGATE_TEST_DATA"):
        assert len(files()) == 2


def test_every_row_is_accounted_for(load: Any, lake: Lake, path: Path) -> None:
    report = load(path)
    rows = by_hand(path)
    assert (report.rows_in, report.rows_loaded, report.rows_quarantined) == (len(rows), len(rows), 0)
    assert {item.source for item in lake.store.current()} == {"aws", "microsoft", "oracle"}
    assert {item.period for item in lake.store.current()} == {"2024-09", "2024-10"}


@pytest.mark.parametrize("metric", list(METRIC_COLUMNS))
def test_totals_equal_the_file_to_the_last_digit(load: Any, lake: Lake, path: Path, metric: Metric) -> None:
    load(path)
    answered = lake.ask(Question(metric=metric, period=YEAR))
    assert answered.totals == [("USD", summed(by_hand(path), METRIC_COLUMNS[metric]))]


def test_the_top_services_are_those_of_the_file(load: Any, lake: Lake, path: Path) -> None:
    load(path)
    rows = by_hand(path)
    wanted = {
        name: summed([row for row in rows if row["ServiceName"] == name], "EffectiveCost")
        for name in {row["ServiceName"] for row in rows}
    }
    top = lake.ask(Question(period=YEAR, by=("service",), limit=5))
    found = [(row["service"], row["value"]) for row in top.rows]
    assert found == sorted(wanted.items(), key=lambda pair: (-pair[1], pair[0]))[:5]
    assert top.truncated == (len(wanted) > 5)
    every = lake.ask(Question(period=YEAR, by=("service",)))
    assert {str(row["service"]): row["value"] for row in every.rows} == wanted


def test_its_quirks_are_told(load: Any, path: Path) -> None:
    report = load(path)
    told = {(finding.rule, finding.column): finding.rows for finding in report.findings}
    rows = by_hand(path)
    assert ("column-unknown", "Id") in told
    assert told["null-as-text", ""] == sum(list(row.values()).count("NULL") for row in rows)
    assert told["no-zone", "ChargePeriodStart"] == len(rows)
    assert told["null", "ContractedCost"] == sum(row["ContractedCost"] == "NULL" for row in rows)
    assert told["value", "ChargeFrequency"] == sum(row["ChargeFrequency"] == "Usage-based" for row in rows)
    assert told["team-stand-in", "Tags"]


def test_quantities_keep_fifteen_places(load: Any, lake: Lake, path: Path) -> None:
    import duckdb

    load(path)
    parts = [str(lake.folder / part.path) for item in lake.store.current() for part in item.files]
    stored = duckdb.execute(f"SELECT sum(ConsumedQuantity), count(x_extra) FROM read_parquet({parts})").fetchall()[0]
    assert stored == (summed(by_hand(path), "ConsumedQuantity"), len(by_hand(path)))


if __name__ == "__main__":
    TWIN.write_text(twin())
