"""What the lake has billed, held against what invoices say."""

from decimal import Decimal
from typing import Any

import pytest

from lake.engine import Lake
from lake.period import Period
from lake.tie_out import NO_INVOICE, tie_out

OCTOBER = Period.parse("2026-10")


@pytest.fixture
def bank(write: Any, charge: Any, load: Any, lake: Lake) -> Lake:
    rows = [
        charge("10.000000000001", InvoiceId="A"),
        charge("-0.5", InvoiceId="A", ChargeCategory="Credit"),
        charge("4", InvoiceId="A", day="2026-09-30", month="2026-10"),
        charge("7", InvoiceId="B"),
        charge("8", InvoiceId="B", BillingCurrency="EUR"),
        charge("9"),
        charge("100", InvoiceId="OLD", day="2026-09-30"),
    ]
    load(write("bill.csv", rows))
    return lake


def test_an_invoice_ties_to_the_last_digit_in_the_period_that_bills_it(bank: Lake) -> None:
    found = tie_out(bank, OCTOBER, {"A": Decimal("13.500000000001")})
    assert found.agrees
    assert [(one.invoice, one.currency, one.charges, one.billed, one.ties) for one in found.invoices] == [
        (NO_INVOICE, "USD", 1, Decimal(9), None),
        ("A", "USD", 3, Decimal("13.500000000001"), True),
        ("B", "EUR", 1, Decimal(8), None),
        ("B", "USD", 1, Decimal(7), None),
    ]


def test_a_difference_is_told_exactly_and_an_unknown_invoice_named(bank: Lake) -> None:
    found = tie_out(bank, OCTOBER, {"A": Decimal("13.51"), "C": Decimal(1), "B": Decimal(15)})
    assert not found.agrees
    assert [one.difference for one in found.invoices if one.invoice == "A"] == [Decimal("-0.009999999999")]
    assert found.unknown == ("C",)
    # Two currencies cannot be held against one amount.
    assert {one.ties for one in found.invoices if one.invoice == "B"} == {None}


def test_an_invoice_over_two_billing_periods_is_held_against_both(
    bank: Lake, write: Any, charge: Any, load: Any
) -> None:
    load(write("other.csv", [charge("1", InvoiceId="A", ProviderName="Elsewhere", BillingAccountId="p-2")]))
    found = tie_out(bank, OCTOBER, {"A": Decimal("14.500000000001")})
    assert found.agrees
    assert [(one.source, one.ties) for one in found.invoices if one.invoice == "A"] == [
        ("aws", True),
        ("elsewhere", True),
    ]
    assert not tie_out(bank, OCTOBER, {"A": Decimal("14.500000000001")}, source="aws").agrees
