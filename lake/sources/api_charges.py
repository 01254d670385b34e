"""FOCUS rows of a provider's interface: what all of them share, and the files that a load takes them from.

Every value is text, as in a bill that a provider exports, so that one set of rules reads both. One file holds one
billing period, which for these providers is the calendar month in UTC.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from lake.ai import AI_CATEGORY
from lake.columns import COLUMNS, LABELS
from lake.money import as_written, plain, product
from lake.period import add_months
from lake.tokens import MILLIONTH

Charge = dict[str, str | None]

TOKENS = "Tokens"


class CostSource(StrEnum):
    """Where the money of a row comes from, as it stands in `x_cost_source`."""

    BILL = "provider_cost_api"
    PRICED = "provider_usage_priced"
    GATEWAY = "gateway_estimate"


def charge(provider: str, service: str, account: str, *, day: date, currency: str, **more: str | None) -> Charge:
    """A usage charge of one day, with what all rows of a provider share and what `more` says."""
    month = day.replace(day=1)
    return {
        "BillingAccountId": account,
        "BillingCurrency": currency,
        "BillingPeriodStart": moment(month),
        "BillingPeriodEnd": moment(add_months(month, 1)),
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": moment(day),
        "ChargePeriodEnd": moment(day + timedelta(days=1)),
        "InvoiceIssuerName": provider,
        "PricingCategory": "Standard",
        "ProviderName": provider,
        "PublisherName": provider,
        "ServiceCategory": AI_CATEGORY,
        "ServiceName": service,
        "ServiceSubcategory": "Generative AI",
        **more,
    }


def moment(day: date) -> str:
    """The first moment of a day, as FOCUS writes it."""
    return f"{day.isoformat()}T00:00:00Z"


def hour_from(start: datetime) -> Charge:
    """The charge period of a row that tells one hour and not a whole day; `start` is the full hour in UTC."""
    return {
        "ChargePeriodStart": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "ChargePeriodEnd": f"{start + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
    }


def costs(billed: Decimal, *, listed: Decimal | None = None, effective: Decimal | None = None) -> Charge:
    """The four costs. A list price that is not known stays empty: zero would claim that nothing was ever asked for."""
    return {
        "BilledCost": plain(billed),
        "EffectiveCost": plain(billed if effective is None else effective),
        "ContractedCost": plain(billed if effective is None else effective),
        "ListCost": None if listed is None else plain(listed),
    }


def quantities(count: Decimal | int | None, unit: str) -> Charge:
    """What was consumed, and priced: tokens by the million, everything else as it is counted."""
    if count is None:
        return {}
    whole = Decimal(count)
    priced, by = (product(whole, MILLIONTH), f"1000000 {TOKENS}") if unit == TOKENS else (whole, unit)
    return {
        "ConsumedQuantity": format(whole, "f"),
        "ConsumedUnit": unit,
        "PricingQuantity": format(priced, "f"),
        "PricingUnit": by,
    }


def details(**known: str | None) -> Charge:
    """`SkuPriceDetails`: what decides a price beside the SKU, under keys of our own."""
    told = {f"x_{name}": value for name, value in known.items() if value}
    return {"SkuPriceDetails": json.dumps(told, sort_keys=True) if told else None}


def write(charges: Iterable[Charge], folder: Path, name: str) -> list[Path]:
    """One Parquet file a billing period, named after the source and the month; a row keeps the order it came in."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    by_month: dict[str, list[Charge]] = {}
    for one in charges:
        by_month.setdefault(str(one["BillingPeriodStart"])[:7], []).append(one)
    paths = []
    for month, rows in sorted(by_month.items()):
        columns = {column: pa.array([_text(row.get(column)) for row in rows], pa.string()) for column in _columns(rows)}
        path = folder / f"{name}-{month}.parquet"
        pq.write_table(pa.table(columns), path)
        paths.append(path)
    return paths


def _columns(rows: list[Charge]) -> list[str]:
    """All that FOCUS requires, the other columns that some row fills, and our own."""
    filled = {column for row in rows for column, value in row.items() if value is not None}
    known = [column.name for column in COLUMNS if column.mandatory or column.name in filled]
    own = [label for label in LABELS if label in filled]
    return [*known, *own, *sorted(filled - set(known) - set(own))]


def _text(value: str | None) -> str | None:
    """Text without control characters: names come from whoever named a model, a key or a project."""
    if value is None or value.isprintable():
        return value  # nearly every one; letter by letter takes most of a pull's time
    return "".join(letter if letter.isprintable() else " " for letter in value)


def utc_day(text: str) -> date:
    """The UTC day of a time like 2026-11-01T00:00:00Z; ValueError for anything else."""
    return utc_time(text).date()


def utc_time(text: str) -> datetime:
    """The same time in UTC, which a text without a zone is in already; ValueError for what is no time."""
    read = datetime.fromisoformat(text)
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


def amount(value: object) -> Decimal:
    """An amount that an interface wrote, exactly; ValueError where it is none."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        read = as_written(str(value))
        if read is not None:
            return read
    raise ValueError(f"{str(value)[:40]!r} is no amount")


def labels(tags: Mapping[str, str]) -> str | None:
    """`Tags` of FOCUS: a JSON object, None without a tag."""
    return json.dumps(dict(tags), sort_keys=True, ensure_ascii=False) if tags else None
