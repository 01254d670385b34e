"""A lake in a temporary home, and FOCUS bills written from a few words a row."""

import csv
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lake.engine import Lake
from lake.load import ingest
from lake.report import IngestReport

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)

ROW = {
    "BilledCost": "1.00",
    "BillingAccountId": "payer-1",
    "BillingAccountName": "Main payer",
    "BillingCurrency": "USD",
    "BillingPeriodEnd": "2026-11-01T00:00:00Z",
    "BillingPeriodStart": "2026-10-01T00:00:00Z",
    "ChargeCategory": "Usage",
    "ChargeClass": "",
    "ChargeDescription": "Instance hours",
    "ChargePeriodEnd": "2026-10-06T00:00:00Z",
    "ChargePeriodStart": "2026-10-05T00:00:00Z",
    "ContractedCost": "1.00",
    "EffectiveCost": "1.00",
    "InvoiceIssuerName": "Northern Cloud",
    "ListCost": "1.00",
    "PricingQuantity": "1",
    "PricingUnit": "Hours",
    "ProviderName": "AWS",
    "PublisherName": "Northern Cloud",
    "ServiceCategory": "Compute",
    "ServiceName": "Machines",
}

Write = Callable[..., Path]
Load = Callable[..., IngestReport]


def row(cost: str = "1.00", *, day: str = "", month: str = "", **more: Any) -> dict[str, str]:
    """A charge like ROW with this effective and billed cost; `day` dates it, `month` bills it."""
    made = ROW | {"BilledCost": cost, "EffectiveCost": cost}
    if day:
        month = month or day[:7]
        after = datetime.fromisoformat(day).toordinal() + 1
        made |= {
            "ChargePeriodStart": f"{day}T00:00:00Z",
            "ChargePeriodEnd": f"{datetime.fromordinal(after):%Y-%m-%d}T00:00:00Z",
        }
    if month:
        year, number = int(month[:4]), int(month[5:7])
        following = f"{year + number // 12}-{number % 12 + 1:02}"
        made |= {"BillingPeriodStart": f"{month}-01T00:00:00Z", "BillingPeriodEnd": f"{following}-01T00:00:00Z"}
    return made | {name: str(value) for name, value in more.items()}


def write_csv(path: Path, rows: Iterable[dict[str, str]], **options: Any) -> Path:
    """Rows as CSV with every column that one of them has; `options` are `csv.DictWriter`'s, and `encoding`."""
    rows = list(rows)
    columns = list(dict.fromkeys(column for given in rows for column in given))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=options.pop("encoding", "utf-8")) as stream:
        writer = csv.DictWriter(stream, columns, restval="", **options)
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def charge() -> Callable[..., dict[str, str]]:
    return row


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes rows as a CSV file under this name."""

    def written(name: str, rows: Iterable[dict[str, str]], **options: Any) -> Path:
        return write_csv(tmp_path / name, rows, **options)

    return written


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "home" / "lake")


@pytest.fixture
def load(lake: Lake) -> Load:
    """Loads paths into `lake` at a fixed time."""

    def loaded(*paths: Path, now: datetime = NOW, **options: Any) -> IngestReport:
        return ingest(lake, paths, now=now, **options)

    return loaded
