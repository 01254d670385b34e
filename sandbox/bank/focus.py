"""The FOCUS 1.2 columns of the bill, as Arrow tables by provider and billing month."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from json import dumps
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sandbox.bank.calendar import day_number, next_month
from sandbox.bank.line import MICRO, Book, Line
from sandbox.bank.organisation import PROVIDERS, REGIONS, Provider

Ints = NDArray[np.int64]
MONEY = pa.decimal128(38, 12)
QUANTITY = pa.decimal128(38, 18)
MOMENT = pa.timestamp("us", tz="UTC")
DAY_US = 86_400_000_000
INVOICE_DAYS = 3  # an invoice for a month is there on the third day of the next

TEXT_COLUMNS: dict[str, Callable[[Line], str]] = {
    "AvailabilityZone": lambda line: line.zone,
    "BillingAccountId": lambda line: line.provider.billing_account,
    "BillingAccountName": lambda line: line.provider.billing_account_name,
    "BillingAccountType": lambda line: line.provider.billing_account_type,
    "BillingCurrency": lambda line: "USD",
    "ChargeCategory": lambda line: line.charge_category,
    "ChargeClass": lambda line: line.charge_class,
    "ChargeDescription": lambda line: line.description,
    "ChargeFrequency": lambda line: line.frequency,
    "CommitmentDiscountCategory": lambda line: line.commitment.category if line.commitment else "",
    "CommitmentDiscountId": lambda line: line.commitment.id if line.commitment else "",
    "CommitmentDiscountName": lambda line: line.commitment.name if line.commitment else "",
    "CommitmentDiscountStatus": lambda line: line.commitment_status,
    "CommitmentDiscountType": lambda line: line.commitment.kind if line.commitment else "",
    "CommitmentDiscountUnit": lambda line: line.commitment.unit if line.commitment else "",
    "ConsumedUnit": lambda line: line.consumed_unit if _consumes(line) else "",
    "InvoiceIssuerName": lambda line: line.provider.issuer,
    "PricingCategory": lambda line: line.pricing_category if line.priced else "",
    "PricingUnit": lambda line: line.unit if line.priced else "",
    "ProviderName": lambda line: line.provider.name,
    "PublisherName": lambda line: line.publisher,
    "RegionId": lambda line: line.region,
    "RegionName": lambda line: REGIONS.get(line.region, ""),
    "ResourceId": lambda line: line.resource_id,
    "ResourceName": lambda line: line.resource_name,
    "ResourceType": lambda line: line.resource_type,
    "ServiceCategory": lambda line: line.category,
    "ServiceName": lambda line: line.service,
    "ServiceSubcategory": lambda line: line.subcategory,
    "SkuId": lambda line: _sku(line) if line.priced else "",
    "SkuMeter": lambda line: line.meter if line.priced else "",
    "SkuPriceDetails": lambda line: dumps(line.details, sort_keys=True) if line.details else "",
    "SkuPriceId": lambda line: _price_id(line) if line.priced else "",
    "SubAccountId": lambda line: line.account.id,
    "SubAccountName": lambda line: line.account.name,
    "SubAccountType": lambda line: line.provider.sub_account_type,
    "Tags": lambda line: dumps(line.tags, sort_keys=True) if line.tags else "",
    "x_model": lambda line: line.model,
    "x_token_class": lambda line: line.token_class,
    "x_workload": lambda line: line.workload,
}


class Bill(NamedTuple):
    """The rows of one provider and billing month."""

    provider: Provider
    month: date
    table: Any


@dataclass(frozen=True)
class _Rows:
    """Parallel arrays, one element per charge row; `line` counts within the provider's lines."""

    line: Ints
    start: Ints
    end: Ints
    month: Ints
    quantity: Ints

    def where(self, mask: NDArray[np.bool_]) -> "_Rows":
        return _Rows(self.line[mask], self.start[mask], self.end[mask], self.month[mask], self.quantity[mask])


def bills(book: Book) -> Iterator[Bill]:
    """Every provider's months, oldest first; rows ordered by day, then by series."""
    for provider in PROVIDERS:
        lines, rows = _rows(book, provider)
        texts = {name: _encoded([told(line) for line in lines]) for name, told in TEXT_COLUMNS.items()}
        for month in book.calendar.month_starts:
            chosen = rows.where(rows.month == day_number(month))
            yield Bill(provider, month, _table(lines, chosen, texts, provider, month, book.calendar.until))


def _rows(book: Book, provider: Provider) -> tuple[list[Line], _Rows]:
    positions = [position for position, line in enumerate(book.lines) if line.provider is provider]
    postings = [posting for posting in book.postings if posting.line.provider is provider]
    lines = [book.lines[position] for position in positions] + [posting.line for posting in postings]
    quantities = np.stack([book.quantities[position] for position in positions]).T
    day, line = np.nonzero(quantities)
    starts = day + day_number(book.calendar.first)
    months = np.array([day_number(date.replace(day=1)) for date in book.calendar.dates], dtype=np.int64)
    first = len(positions)
    posted = np.array(
        [
            (first + number, day_number(posting.start), day_number(posting.end), day_number(posting.billed_in),
             posting.quantity)
            for number, posting in enumerate(postings)
        ],
        dtype=np.int64,
    ).reshape(-1, 5)  # fmt: skip
    return lines, _Rows(
        line=np.concatenate([line, posted[:, 0]]),
        start=np.concatenate([starts, posted[:, 1]]),
        end=np.concatenate([starts + 1, posted[:, 2]]),
        month=np.concatenate([months[day], posted[:, 3]]),
        quantity=np.concatenate([quantities[day, line], posted[:, 4]]),
    )


def _table(
    lines: list[Line], rows: _Rows, texts: dict[str, tuple[Ints, Any]], provider: Provider, month: date, until: date
) -> Any:
    def of_lines(told: Callable[[Line], int | bool]) -> Ints:
        return np.array([told(line) for line in lines], dtype=np.int64)[rows.line]

    priced = of_lines(lambda line: line.priced) == 1
    consumes = of_lines(_consumes) == 1
    billed = rows.quantity * of_lines(lambda line: line.billed_price)
    effective = rows.quantity * of_lines(lambda line: line.effective_price)
    consumed = _decimal(rows.quantity * of_lines(lambda line: line.consumed_per_unit), 6, QUANTITY, consumes)
    columns: dict[str, Any] = {name: _text(codes, values, rows.line) for name, (codes, values) in texts.items()}
    columns |= {
        "BilledCost": _decimal(billed, 12, MONEY),
        "EffectiveCost": _decimal(effective, 12, MONEY),
        "ListCost": _decimal(rows.quantity * of_lines(lambda line: line.list_price), 12, MONEY),
        "ContractedCost": _decimal(rows.quantity * of_lines(lambda line: line.contracted_price), 12, MONEY),
        "ListUnitPrice": _decimal(of_lines(lambda line: line.list_price), 6, MONEY, priced),
        "ContractedUnitPrice": _decimal(of_lines(lambda line: line.contracted_price), 6, MONEY, priced),
        "PricingQuantity": _decimal(rows.quantity, 6, QUANTITY, priced),
        "ConsumedQuantity": consumed,
        "CommitmentDiscountQuantity": _committed(lines, rows, billed + effective),
        "ChargePeriodStart": _moment(rows.start),
        "ChargePeriodEnd": _moment(rows.end),
        "BillingPeriodStart": _moment(np.full(len(rows.line), day_number(month))),
        "BillingPeriodEnd": _moment(np.full(len(rows.line), day_number(next_month(month)))),
        "InvoiceId": pa.array([_invoice(provider, month, until)] * len(rows.line), pa.string()),
    }
    names = sorted(columns, key=lambda name: (name.startswith("x_"), name))
    return pa.table({name: columns[name] for name in names})


def _committed(lines: list[Line], rows: _Rows, cost: Ints) -> Any:
    """In dollars for a commitment to spend, in hours for one to use; null where there is no commitment."""
    kinds = np.array([_commitment_kind(line) for line in lines], dtype=np.int64)[rows.line]
    amount = np.where(kinds == 2, rows.quantity, cost // MICRO)
    return _decimal(amount, 6, QUANTITY, kinds > 0)


def _commitment_kind(line: Line) -> int:
    if line.commitment is None:
        return 0
    return 1 if line.commitment.category == "Spend" else 2


def _consumes(line: Line) -> bool:
    used = line.charge_category == "Usage" and line.commitment_status != "Unused" and not line.charge_class
    return used and bool(line.consumed_unit)


def _invoice(provider: Provider, month: date, until: date) -> str | None:
    if next_month(month) + timedelta(days=INVOICE_DAYS) > until + timedelta(days=1):
        return None
    return f"{provider.folder.upper()}-{month:%Y-%m}-{provider.billing_account[-6:]}"


def _sku(line: Line) -> str:
    return sha256(f"{line.provider.name}/{line.service}/{line.meter}/{line.region}".encode()).hexdigest()[:16].upper()


def _price_id(line: Line) -> str:
    terms = sha256(f"{line.pricing_category}/{line.charge_category}/{line.list_price}".encode()).hexdigest()[:10]
    return f"{_sku(line)}.{terms.upper()}"


def _encoded(values: list[str]) -> tuple[Ints, Any]:
    """Codes per line and their dictionary; -1 stands for null."""
    known = {value: code for code, value in enumerate(dict.fromkeys(value for value in values if value))}
    codes = np.array([known[value] if value else -1 for value in values], dtype=np.int64)
    return codes, pa.array(list(known), pa.string())


def _text(codes: Ints, values: Any, lines: Ints) -> Any:
    chosen = codes[lines].astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(chosen, mask=chosen < 0), values)


def _moment(days: Ints) -> Any:
    return pa.array(days * DAY_US, pa.int64()).cast(MOMENT)


def _decimal(whole: Ints, scale: int, target: Any, present: NDArray[np.bool_] | None = None) -> Any:
    """Whole numbers of 10^-scale as exact decimals of the target type, null where not present."""
    halves = np.empty((len(whole), 2), dtype=np.int64)
    halves[:, 0] = whole
    halves[:, 1] = whole >> 63  # the sign carried on into the upper half of 128 bits
    raw = pa.Array.from_buffers(pa.decimal128(38, scale), len(whole), [None, pa.py_buffer(halves.tobytes())])
    exact = raw if target.scale == scale else raw.cast(target)
    if present is None or present.all():
        return exact
    return pa.compute.if_else(pa.array(present), exact, pa.scalar(None, target))
