"""Small bills made by hand, each in a lake of its own, and a desk before it."""

import csv
import json
import shutil
import tempfile
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from lake.engine import Lake
from lake.load import ingest
from tools.desk import Desk, Receipt, Wanted

NOW = datetime(2026, 11, 10, 9, tzinfo=UTC)
Charge = dict[str, str]
_LOADED = tempfile.TemporaryDirectory(prefix="spendgate-bills-")


def charge(day: date, cost: str, *, team: str = "", service: str = "Amazon Bedrock", **more: str) -> Charge:
    """One day's charge of a team for a service; `more` are FOCUS columns."""
    first = day.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    row = {
        "BilledCost": cost, "EffectiveCost": cost, "ListCost": cost, "ContractedCost": cost,
        "BillingAccountId": "1", "BillingAccountName": "Bank", "BillingCurrency": "USD", "ChargeCategory": "Usage",
        "ChargeClass": "", "ChargeDescription": "", "ChargeFrequency": "Usage-Based",
        "BillingPeriodStart": f"{first}T00:00:00Z", "BillingPeriodEnd": f"{following}T00:00:00Z",
        "ChargePeriodStart": f"{day}T00:00:00Z", "ChargePeriodEnd": f"{day + timedelta(days=1)}T00:00:00Z",
        "ProviderName": "AWS", "PublisherName": "AWS", "InvoiceIssuerName": "AWS", "ServiceName": service,
        "ServiceCategory": "AI and Machine Learning", "ServiceSubcategory": "Other", "SubAccountId": "471852036911",
        "RegionId": "us-east-1", "ResourceId": "", "ResourceName": "", "PricingQuantity": "1", "PricingUnit": "Units",
        "ConsumedQuantity": "1", "ConsumedUnit": "Units", "CommitmentDiscountId": "", "CommitmentDiscountStatus": "",
        "SkuMeter": "", "SkuPriceDetails": "", "x_token_class": "", "Tags": json.dumps({"team": team} if team else {}),
    }  # fmt: skip
    return row | more


def machine_day(day: date, name: str, number: int, *, rate: str = "5.00", hours: str = "24", **more: str) -> Charge:
    """One day's compute hours of an EC2 machine."""
    given: dict[str, str] = {
        "ServiceCategory": "Compute",
        "ResourceId": f"i-0{number:016x}",
        "ResourceName": name,
        "ConsumedQuantity": hours,
        "ConsumedUnit": "Hours",
        "SkuPriceDetails": json.dumps({"InstanceType": "g5.12xlarge"}),
        "Tags": json.dumps({"team": "fraud", "environment": "development"}),
    }
    cost = str(float(rate) * float(hours))
    return charge(day, cost, service="Amazon Elastic Compute Cloud", **(given | more))


def usage_hours(number: int, days: Iterable[date], **values: str) -> list[Charge]:
    """Hourly utilisation of a machine that does nothing, unless `values` say otherwise."""
    still = {
        "cpu_max_pct": "2.0",
        "gpu_active_pct": "0",
        "gpu_encoder_pct": "0",
        "gpu_memory_pct": "1.0",
        "network_bytes": "50000",
    }
    return [
        {"ResourceId": f"i-0{number:016x}", "HourStart": f"{day}T{hour:02}:00:00Z", **(still | values)}
        for day in days
        for hour in range(24)
    ]


def days_of(first: date, count: int) -> list[date]:
    return [first + timedelta(days=offset) for offset in range(count)]


def written(path: Path, rows: list[Charge]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def lake_of(
    folder: Path, charges: list[Charge], *, usage: list[Charge] | None = None, now: datetime = NOW, final: bool = False
) -> Lake:
    """A lake that holds these charges and hours: a copy of its own of one that is loaded once for all."""
    bill = sha256(repr((charges, usage, now, final)).encode()).hexdigest()
    kept = Path(_LOADED.name) / bill
    if not kept.exists():
        paths: list[str | Path] = [written(kept / "bill.csv", charges)]
        if usage:
            paths.append(written(kept / "usage.csv", usage))
        ingest(Lake(kept / "lake"), paths, now=now, final=final)
    shutil.copytree(kept / "lake", folder / "lake")
    return Lake(folder / "lake")


class Asked:
    """A propose port that remembers what it was asked and accepts or refuses."""

    def __init__(self, *, accept: bool = True, reason: str = "") -> None:
        self.wanted: list[Wanted] = []
        self.accept, self.reason = accept, reason

    def __call__(self, wanted: Wanted) -> Receipt:
        self.wanted.append(wanted)
        return Receipt("P-ABCDEFGHJK" if self.accept else None, accepted=self.accept, reason=self.reason)


def desk_of(lake: Lake, *, scope: tuple[str, ...] = ("*",), now: datetime = NOW, **more: Any) -> Desk:
    return Desk(lake=lake, now=now, speaker="p-0a11ce01", scope=scope, **more)
