"""A line of a bill in parts: whatever its size and digits, the parts are exact and add up to it."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.money import add, as_written
from lake.sources.anthropic_api import _line
from lake.sources.api_charges import amount, quantities
from lake.sources.billed_usage import Line, Provider, Use, join
from lake.tokens import TokenClass

DAY, NOW = date(2026, 11, 3), datetime(2026, 11, 20, tzinfo=UTC)
PROVIDER = Provider("example", "Example", "Example API", "organization", "Project", "example")


def joined(whole: Decimal, counts: list[int]) -> list[Decimal]:
    """What each key bears of one line."""
    line = Line(DAY, "p-1", whole, "USD", "m-1, output", model="m-1", kind=TokenClass.OUTPUT)
    uses = [Use(DAY, "p-1", "m-1", TokenClass.OUTPUT, count, key=f"k-{at}") for at, count in enumerate(counts)]
    return [as_written(str(row["BilledCost"])) or Decimal() for row in join(PROVIDER, [line], uses, now=NOW).charges]


@given(st.decimals(0, 10**24, places=12), st.lists(st.integers(1, 10**12), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_the_parts_of_a_line_add_up_to_it(whole: Decimal, counts: list[int]) -> None:
    parts = joined(whole, counts)
    assert len(parts) == len(counts)
    assert add(parts) == whole
    assert all(part >= 0 for part in parts)


def test_an_amount_keeps_all_its_digits_through_cents_and_millions() -> None:
    digits = "12345678901234567890123456789.0123456789"
    line = _line(DAY, {"amount": digits, "list_amount": digits, "currency": "USD"})
    assert line.amount == line.listed == Decimal("123456789012345678901234567.890123456789")
    assert quantities(12345678901234567890123456789012345, "Tokens")["PricingQuantity"] == (
        "12345678901234567890123456789.012345"
    )


@pytest.mark.parametrize("wrong", ["", "1_000", "Infinity", "NaN", "one", "1e99999", True, 1.5, None, "9" * 300])
def test_what_is_no_amount_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="is no amount"):
        amount(wrong)
