"""Commitments, credits, support, tax and one correction: the rows that make billed and effective cost differ.

For every commitment the effective cost of what it covered and of what stayed unused adds up to what was billed for it,
as FOCUS demands; adding billed to effective cost would count it twice.
"""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from sandbox.bank.calendar import Calendar, next_month
from sandbox.bank.line import MICRO, Book, Commitment, Line, usage
from sandbox.bank.organisation import ACCOUNTS, ANTHROPIC, AWS, MICROSOFT, OPENAI, Account, Provider, tags

PLAN = Commitment(
    "arn:aws:savingsplans::614730958124:savingsplan/5f0c3b1e-8a27-4d96-b3f4-1c7e90a2d658",
    "compute-3yr-no-upfront", "Compute Savings Plans", "Spend", "USD",
)  # fmt: skip
RESERVATION = Commitment(
    "/providers/microsoft.capacity/reservationorders/c41d7a90-2e6b-4f58-9b03-7d1f5e8a2c46",
    "sql-pool-1yr-upfront", "Reservation", "Usage", "Hours",
)  # fmt: skip
PLAN_SHARE = 640  # thousandths of the contracted price
PLAN_SLACK = 1035  # thousandths of what is used: what was committed
SQL = ("Azure SQL Database", "Databases", "Relational Databases")
SQL_HOURS = 120
RESERVED_RATE = 1_440_000
CREDIT_MONTHS = 9
TAX = {AWS.name: 6, MICROSOFT.name: 8, OPENAI.name: 44, ANTHROPIC.name: 44}  # thousandths of what was billed
FEE_CLASS = ("Management and Governance", "Support")


def covered_by_savings_plan(line: Line) -> Line:
    """The same machine at the plan's rate: nothing billed for the hour, the plan's share of it effective."""
    return replace(
        line,
        billed_price=0,
        effective_price=line.contracted_price * PLAN_SHARE // 1000,
        pricing_category="Committed",
        commitment=PLAN,
        commitment_status="Used",
    )


def add_commitments(book: Book) -> None:
    """To be called when all covered usage is in the book: what is unused is the rest."""
    _savings_plan(book)
    _reservation(book)
    _monthly(book)


def _savings_plan(book: Book) -> None:
    days = book.calendar.length
    used = np.zeros(days, dtype=np.int64)
    for line, quantity in zip(book.lines, book.quantities, strict=True):
        if line.commitment == PLAN:
            used += quantity * line.effective_price // MICRO
    hourly = int(used.max()) * PLAN_SLACK // 1000 // 24
    shared = ACCOUNTS["shared"]
    common = usage(
        AWS, shared, key="plan/purchase", service=("AWS Savings Plans", "Compute", "Other (Compute)"),
        meter="Compute Savings Plan, 3 years, no upfront", unit="Hours", price="1", negotiated=False,
        consumed_unit="", resource_id=PLAN.id, resource_name=PLAN.name, resource_type="Savings Plan", commitment=PLAN,
        tags=tags("infrastructure", "production"),
    )  # fmt: skip
    bought = replace(
        common, list_price=hourly, contracted_price=hourly, billed_price=hourly, effective_price=0,
        charge_category="Purchase", frequency="Recurring", description="Hourly fee of the Compute Savings Plan",
    )  # fmt: skip
    unused = replace(
        common, key="plan/unused", unit="USD", billed_price=0, resource_id="", resource_name="", resource_type="",
        pricing_category="Committed", commitment_status="Unused", description="Unused part of the Compute Savings Plan",
    )  # fmt: skip
    book.add(bought, np.full(days, 24 * MICRO, dtype=np.int64))
    book.add(unused, np.int64(hourly * 24) - used)


def reservation_day(calendar: Calendar) -> date:
    """When the year of SQL was paid: the 14th, some eight months before the end."""
    return calendar.month_starts[max(-9, -len(calendar.month_starts))] + timedelta(days=13)


def _reservation(book: Book) -> None:
    calendar = book.calendar
    bought_on = reservation_day(calendar)
    name = "sql-treasury-pool"
    account = ACCOUNTS["azure-apps"]
    on_demand = usage(
        MICROSOFT, account, key=f"sql/{name}", service=SQL, meter="Elastic pool compute", unit="Hours", price="2.42",
        region="eastus2", resource_name=name, resource_type="Elastic pool", tags=tags("treasury", "production"),
        resource_id=f"/subscriptions/{account.id}/resourcegroups/rg-treasury/providers/microsoft.sql/pools/{name}",
    )  # fmt: skip
    reserved = replace(
        on_demand, key=f"sql/{name}/reserved", billed_price=0, effective_price=RESERVED_RATE,
        pricing_category="Committed", commitment=RESERVATION, commitment_status="Used",
    )  # fmt: skip
    purchase = replace(
        on_demand, key="sql/reservation", list_price=RESERVED_RATE, contracted_price=RESERVED_RATE,
        billed_price=RESERVED_RATE, effective_price=0, consumed_unit="", charge_category="Purchase",
        frequency="One-Time", resource_id=RESERVATION.id, resource_name=RESERVATION.name, resource_type="Reservation",
        commitment=RESERVATION, description="One year of SQL elastic pool compute, paid upfront",
    )  # fmt: skip
    after = np.arange(calendar.length) >= calendar.index(bought_on)
    book.add(on_demand, np.where(after, 0, SQL_HOURS * MICRO).astype(np.int64))
    book.add(reserved, np.where(after, SQL_HOURS * MICRO, 0).astype(np.int64))
    book.post(
        purchase, start=bought_on, end=bought_on + timedelta(days=365), billed_in=bought_on.replace(day=1),
        quantity=365 * SQL_HOURS * MICRO,
    )  # fmt: skip


def _monthly(book: Book) -> None:
    """What arrives when a month is closed; the month that is still open has none of it yet."""
    calendar = book.calendar
    closed = [month for month in calendar.month_starts if next_month(month) <= calendar.until]
    for position, month in enumerate(closed):
        for provider in (AWS, MICROSOFT, OPENAI, ANTHROPIC):
            billed = _billed_cents(book, provider, month)
            _fee(book, provider, month, billed * TAX[provider.name] // 1000, "Tax", ("Tax", "Other", "Other (Other)"))
            if provider is AWS:
                support = ("AWS Support", *FEE_CLASS)
                _fee(book, AWS, month, billed * 31 // 1000, "Purchase", support)
                if position < CREDIT_MONTHS:
                    credit = ("AWS Credits", "Other", "Other (Other)")
                    _fee(book, AWS, month, -650_000, "Credit", credit)
    if len(closed) >= 5:
        _correction(book, charged=closed[-5], billed_in=closed[-4])


def _billed_cents(book: Book, provider: Provider, month: date) -> int:
    first, last = _span(book.calendar, month)
    total = 0
    for line, quantity in zip(book.lines, book.quantities, strict=True):
        if line.provider is provider and line.charge_category == "Usage":
            total += int(quantity[first:last].sum()) * line.billed_price
    return total // 10**10


def _span(calendar: Calendar, month: date) -> tuple[int, int]:
    return calendar.index(month), min(calendar.index(next_month(month)), calendar.length)


FEES = {
    "Tax": ("One-Time", "Sales tax"),
    "Purchase": ("Recurring", "Enterprise support, monthly fee"),
    "Credit": ("One-Time", "Migration credit, monthly instalment"),
}


def _fee(book: Book, provider: Provider, month: date, cents: int, category: str, service: tuple[str, str, str]) -> None:
    frequency, description = FEES[category]
    line = usage(
        provider, _payer(provider), key=f"{category}/{provider.folder}/{month}", service=service,
        meter=description, unit="Months", price="1", negotiated=False, consumed_unit="",
        charge_category=category, frequency=frequency, priced=False, description=description,
    )  # fmt: skip
    if category == "Purchase":
        price = cents * 10_000
        line = replace(
            line, priced=True, tags=tags("infrastructure", "production"), list_price=price, contracted_price=price,
            billed_price=price, effective_price=price,
        )  # fmt: skip
        book.post(line, start=month, end=next_month(month), billed_in=month, quantity=MICRO)
    else:
        book.post(line, start=month, end=next_month(month), billed_in=month, quantity=cents * 10_000)


def _payer(provider: Provider) -> Account:
    names = {"AWS": "shared", "Microsoft": "azure-apps", "OpenAI": "openai-copilot", "Anthropic": "anthropic-kyc"}
    return ACCOUNTS[names[provider.name]]


def _correction(book: Book, *, charged: date, billed_in: date) -> None:
    line = usage(
        AWS, ACCOUNTS["digital"], key="correction/cloudfront",
        service=("Amazon CloudFront", "Networking", "Content Delivery"), meter="Data out to internet", unit="GB",
        price="1", negotiated=False, consumed_unit="", charge_class="Correction", priced=False,
        tags=tags("digital-channels", "production"), description="Refund of data transfer counted twice",
    )  # fmt: skip
    start = charged + timedelta(days=16)
    book.post(line, start=start, end=start + timedelta(days=1), billed_in=billed_in, quantity=-1_240_500_000)
