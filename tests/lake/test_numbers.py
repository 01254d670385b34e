"""Reading numbers: what is kept plus what is lost is exactly what was written, for any number at all."""

import re
from decimal import Context, Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.columns import BY_NAME
from lake.money import (
    MONEY_SCALE,
    QUANTITY_SCALE,
    add,
    decimal_type,
    difference,
    fits_exactly,
    fits_narrow,
    plain,
    read_number,
    times,
)
from lake.numbers import cast

WIDE = Context(prec=400)
SCALES = [MONEY_SCALE, QUANTITY_SCALE]
numbers = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False),
    st.decimals(min_value=-(10**10), max_value=10**10, places=15),
    st.integers(-(10**30), 10**30).map(Decimal),
)
texts = st.from_regex(r"\A[+-]?[0-9]{0,30}(\.[0-9]{0,24})?(e-?[0-9]{1,2})?\Z")


@given(numbers, st.sampled_from(SCALES))
def test_kept_plus_lost_is_what_was_written(number: Decimal, scale: int) -> None:
    reading = read_number(str(number), scale=scale)
    if reading.plain is None:
        assert number.adjusted() >= 38 - scale - 1 or len(str(number)) > 200
        return
    assert WIDE.add(Decimal(reading.plain), reading.lost) == WIDE.create_decimal(number)
    assert abs(reading.lost) <= Decimal(1).scaleb(-scale) / 2
    assert re.fullmatch(fits_exactly(scale), reading.plain)


@given(texts, st.sampled_from(SCALES))
def test_what_fits_is_read_without_loss(text: str, scale: int) -> None:
    if re.fullmatch(fits_exactly(scale), text):
        reading = read_number(text, scale=scale)
        assert reading.plain is not None
        assert reading.lost == 0
        assert Decimal(reading.plain) == Decimal(text)
    narrow, _ = fits_narrow(scale)
    assert not re.fullmatch(narrow, text) or re.fullmatch(fits_exactly(scale), text)


@pytest.mark.parametrize(
    "text", ["", " ", "abc", "1,5", "1 5", "0x1F", "1_0", "NaN", "Infinity", "1e99999", "٣", "9" * 300]
)
def test_what_is_no_number(text: str) -> None:
    assert read_number(text, scale=MONEY_SCALE).plain is None


@settings(max_examples=30, deadline=None)
@given(st.lists(texts.filter(lambda text: any(mark.isdigit() for mark in text)), min_size=1, max_size=40))
@pytest.mark.parametrize("name", ["BilledCost", "ConsumedQuantity"])
def test_the_database_casts_what_fits_to_the_last_digit(name: str, given_texts: list[str]) -> None:
    column = BY_NAME[name]
    scale = MONEY_SCALE if name == "BilledCost" else QUANTITY_SCALE
    rows = duckdb.execute(
        f"SELECT text, {cast(column, 'text')} FROM (SELECT unnest(?) AS text)", [given_texts]
    ).fetchall()
    for text, value in rows:
        if re.fullmatch(fits_exactly(scale), text):
            assert value == Decimal(text)
        else:
            assert value is None


def test_why_no_text_is_cast_unproved() -> None:
    """DuckDB rounds without a word: the reason for `fits_exactly`."""
    kind = decimal_type(MONEY_SCALE)
    assert duckdb.execute(f"SELECT CAST('0.0000000000006' AS {kind})").fetchall() == [(Decimal("0.000000000001"),)]


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0E-12", "0.00"), ("1.500000000000", "1.50"), ("-0.000000000000", "0.00"), ("1E+3", "1000.00"),
     ("0.000000000001", "0.000000000001"), ("-3", "-3.00"), ("12.345", "12.345")],
)  # fmt: skip
def test_amounts_are_shown_without_exponent(amount: str, text: str) -> None:
    assert plain(Decimal(amount)) == text


def test_sums_and_differences_keep_all_digits() -> None:
    large, small = Decimal("12345678901234567890123456.000000000001"), Decimal("0.000000000003")
    assert add([large, small, small]) == Decimal("12345678901234567890123456.000000000007")
    assert difference(small, large) == Decimal("-12345678901234567890123455.999999999998")
    assert times(large, 3) == Decimal("37037036703703703670370368.000000000003")
    assert large + small != add([large, small])  # Python's own sum keeps 28 digits


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
def test_a_shown_amount_is_the_amount(amount: Decimal) -> None:
    assert Decimal(plain(amount)) == amount
    assert "E" not in plain(amount)
