"""A FOCUS 1.2 bill of any length, made by the database itself: the same rows for the same seed, whatever the form.

A bill's columns hang together: a machine has one account, region, team and type, and is charged hour after hour. So
charges are drawn from some hundred workloads (each with its labels), a workload has many resources, and a few of the
workloads make most of the rows. Every cost is its price times its quantity, to the last digit.
"""

import json
import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from lake import duck
from lake.columns import COLUMNS
from lake.period import add_months

WORKLOADS = 1200
ROWS_PER_RESOURCE = 200
LAST = date(2026, 11, 1)
"""The first day after the bill."""

_REGIONS = ("eu-central-1", "eu-west-1", "us-east-1", "us-west-2", "ap-southeast-1")
_MODELS = ("gpt-5", "gpt-5-mini", "claude-sonnet-4-5", "claude-haiku-4-5", "llama-3.3-70b", "titan-embed-text-v2")
_CLASSES = ("input_uncached", "input_cache_read", "input_cache_write_5m", "output")
_ENVIRONMENTS = ("prod", "prod", "prod", "staging", "dev", "sandbox")
_USE_CASES = ("fraud-detection", "credit-scoring", "claims-triage", "kyc", "search", "reporting", "ledger", "payments")
_SERVICES = (
    # service, category, subcategory, share of the workloads, unit
    ("Amazon EC2", "Compute", "Virtual Machines", 30, "Hours"),
    ("Amazon EKS", "Compute", "Containers", 8, "Hours"),
    ("Amazon EBS", "Storage", "Block Storage", 12, "GB-Months"),
    ("Amazon S3", "Storage", "Object Storage", 10, "GB-Months"),
    ("Amazon RDS", "Databases", "Relational Databases", 8, "Hours"),
    ("Amazon Bedrock", "AI and Machine Learning", "Generative AI", 14, "1000 Tokens"),
    ("Amazon SageMaker", "AI and Machine Learning", "Machine Learning", 6, "Hours"),
    ("Amazon VPC", "Networking", "Network Infrastructure", 6, "GB"),
    ("AWS Lambda", "Compute", "Serverless Compute", 4, "Requests"),
    ("Amazon CloudWatch", "Management and Governance", "Observability", 2, "Metrics"),
)
_TYPES = ("m7i.2xlarge", "c7g.4xlarge", "r7i.xlarge", "g5.12xlarge", "p5.48xlarge", "t3.medium")


@dataclass(frozen=True)
class Bill:
    """What was written: where, how many charges, over which months (the first of each, the newest last)."""

    path: Path
    rows: int
    months: tuple[date, ...]

    @property
    def bytes(self) -> int:
        return self.path.stat().st_size


def write(path: Path, rows: int, *, months: int = 12, seed: int = 20261101) -> Bill:
    """Writes the bill as CSV or as Parquet of text-like FOCUS types, by the file's ending."""
    firsts = months_of(months)
    with duck.connect() as connection:
        duck.create(connection, "workload", pa.Table.from_pylist(_workloads(seed)))
        duck.create(connection, "hour", pa.Table.from_pylist(_hours(firsts)))
        form = "FORMAT csv, HEADER" if path.suffix == ".csv" else "FORMAT parquet, COMPRESSION zstd"
        select = _select(rows, firsts, seed)
        connection.execute(f"COPY ({select}) TO {duck.text(str(path))} ({form})")
    return Bill(path, rows, firsts)


def months_of(count: int) -> tuple[date, ...]:
    """The first days of so many months, the newest last."""
    return tuple(add_months(LAST, number - count) for number in range(count))


def _workloads(seed: int) -> list[dict[str, object]]:
    dice = random.Random(seed)
    services = [service for service in _SERVICES for _ in range(service[3])]
    made: list[dict[str, object]] = []
    for number in range(WORKLOADS):
        service, category, subcategory, _, unit = dice.choice(services)
        team = f"team-{min(int(dice.expovariate(0.06)), 59):02}" if dice.random() < 0.78 else None
        use_case, environment = dice.choice(_USE_CASES), dice.choice(_ENVIRONMENTS)
        bedrock = service == "Amazon Bedrock"
        model, token_class = (dice.choice(_MODELS), dice.choice(_CLASSES)) if bedrock else (None, None)
        kind = "Model" if bedrock else dice.choice(_TYPES) if unit == "Hours" else "Resource"
        tags = {"team": team, "use-case": use_case, "Env": environment} if team else {"cost-centre": f"{number % 40}"}
        account, region = f"{100000000000 + min(int(dice.expovariate(0.08)), 99)}", dice.choice(_REGIONS)
        price, discount = dice.randrange(1, 40_000), dice.choice((100, 100, 92, 72))
        made.append({
            "w": number, "service": service, "category": category, "subcategory": subcategory, "unit": unit,
            "account": account, "account_name": f"account {account[-3:]}",
            "region": region, "kind": kind, "model": model, "token_class": token_class,
            "meter": f"{model} {token_class}" if bedrock else f"{kind} {unit}",
            "description": f"{service} {kind} in use case {number % 50}", "sku": f"SKU{number:05}",
            "tags": json.dumps(tags)[:-1], "price": price, "discount": discount,
            "list_price": f"{Decimal(price).scaleb(-6):f}",
            "contracted_price": f"{Decimal(price * discount).scaleb(-8):f}",
            "arn": f"arn:aws:res:{region}:{account}:SKU{number:05}/r-",
            "covered": dice.random() < 0.15,
        })  # fmt: skip
    return made


def _hours(firsts: tuple[date, ...]) -> list[dict[str, object]]:
    """Each hour of the bill with its times as FOCUS writes them: written once, since a bill writes them often."""
    made: list[dict[str, object]] = []
    for month, first in enumerate(firsts):
        following = add_months(first, 1)
        for hour in range((following - first).days * 24):
            start = datetime.combine(first, time()) + timedelta(hours=hour)
            written = {"start": start, "stop": start + timedelta(hours=1), "first": first, "following": following}
            texts = {name: f"{moment:%Y-%m-%dT%H:%M:%SZ}" for name, moment in written.items()}
            made.append({"month": month, "hour": hour, "invoice": f"INV-{first:%Y%m}", **texts})
    return made


def _select(rows: int, firsts: tuple[date, ...], seed: int) -> str:
    months = len(firsts)
    resources = max(1, rows // ROWS_PER_RESOURCE // WORKLOADS)
    lengths = ", ".join(str((add_months(first, 1) - first).days * 24) for first in firsts)
    drawn = (
        f"SELECT hash(i, {seed}) AS a, hash(i, {seed + 1}) AS b, CAST(i * {months} // {rows} AS INTEGER) AS m "
        f"FROM range({rows}) r(i)"
    )
    # The cube of an even draw: a tenth of the workloads makes about half of the rows.
    charged = (
        f"SELECT m, CAST(floor({WORKLOADS} * pow((a % 1000003) / 1000003.0, 3)) AS INTEGER) AS w, "
        f"CAST(b % {resources} AS VARCHAR) AS r, CAST(1 + b // 7919 % 999983 AS BIGINT) AS q, "
        f"CAST((a // 1000003) % [{lengths}][m + 1] AS INTEGER) AS hour FROM ({drawn})"
    )
    values = _values()
    columns = ", ".join(f"{values.get(column.name, 'NULL')} AS {duck.name(column.name)}" for column in COLUMNS)
    own = "k.model AS x_model, k.token_class AS x_token_class, 'RunInstances' AS \"x_Operation\""
    return (
        f"SELECT {columns}, {own} FROM ({charged}) c JOIN workload k ON k.w = c.w "
        "JOIN hour h ON h.month = c.m AND h.hour = c.hour"
    )


def _decimal(whole: str, places: int) -> str:
    """SQL: the text of a whole number of so many decimal places."""
    one = 10**places
    return f"CAST({whole} // {one} AS VARCHAR) || '.' || lpad(CAST({whole} % {one} AS VARCHAR), {places}, '0')"


def _values() -> dict[str, str]:
    """SQL of the columns that have a value. A quantity has three places, a price eight: a cost has eleven."""
    quantity = _decimal("q", 3)
    listed, contracted = _decimal("(q * k.price * 100)", 11), _decimal("(q * k.price * k.discount)", 11)
    named = "k.sku || '-' || r"
    return {
        "BilledCost": f"CASE WHEN k.covered THEN '0' ELSE {contracted} END", "EffectiveCost": contracted,
        "ContractedCost": contracted, "ListCost": listed,
        "ContractedUnitPrice": "k.contracted_price", "ListUnitPrice": "k.list_price",
        "PricingQuantity": quantity, "ConsumedQuantity": quantity,
        "BillingAccountId": "'999999999999'", "BillingAccountName": "'Payer'", "BillingAccountType": "'Organization'",
        "BillingCurrency": "'USD'",
        "BillingPeriodStart": "h.first", "BillingPeriodEnd": "h.following",
        "ChargePeriodStart": "h.start", "ChargePeriodEnd": "h.stop",
        "ChargeCategory": "'Usage'", "ChargeDescription": "k.description", "ChargeFrequency": "'Usage-Based'",
        "CommitmentDiscountId": "CASE WHEN k.covered THEN 'arn:aws:savingsplans::sp-' || (k.w % 20) END",
        "CommitmentDiscountStatus": "CASE WHEN k.covered THEN 'Used' END",
        "CommitmentDiscountCategory": "CASE WHEN k.covered THEN 'Spend' END",
        "CommitmentDiscountType": "CASE WHEN k.covered THEN 'Savings Plan' END",
        "ConsumedUnit": "k.unit", "InvoiceId": "h.invoice",
        "InvoiceIssuerName": "'Amazon Web Services'",
        "PricingCategory": "CASE WHEN k.covered THEN 'Committed' ELSE 'Standard' END",
        "PricingCurrency": "'USD'", "PricingUnit": "k.unit", "ProviderName": "'AWS'",
        "PublisherName": "'Amazon Web Services'", "RegionId": "k.region", "RegionName": "upper(k.region)",
        "AvailabilityZone": "k.region || 'a'", "ResourceId": "k.arn || r", "ResourceName": named,
        "ResourceType": "k.kind", "ServiceCategory": "k.category", "ServiceName": "k.service",
        "ServiceSubcategory": "k.subcategory", "SkuId": "k.sku", "SkuMeter": "k.meter",
        "SkuPriceId": "k.sku || '.P1'",
        "SkuPriceDetails": "'{\"CoreCount\":\"8\",\"InstanceType\":\"' || k.kind || '\"}'",
        "SubAccountId": "k.account", "SubAccountName": "k.account_name", "SubAccountType": "'Account'",
        "Tags": f"k.tags || CASE WHEN k.unit = 'Hours' THEN ', \"Name\": \"' || {named} || '\"}}' ELSE '}}' END",
    }  # fmt: skip
