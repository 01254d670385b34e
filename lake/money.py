"""Exact decimals: how a number in a bill is read and added, and what happens to digits that do not fit.

DuckDB rounds silently when it casts text to a decimal. Here every number is first proved to fit; one that does not is
rounded in Python, half to even, and the difference is handed back so that it is told, never lost.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

MONEY_SCALE = 12
QUANTITY_SCALE = 18
PRECISION = 38
LONGEST = 200  # characters; a longer one is no number that a bill would carry

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
# Wide enough for every number of LONGEST characters with the exponents let through below.
_EXACT = Context(prec=2 * LONGEST + PRECISION, traps=[InvalidOperation])


def decimal_type(scale: int) -> str:
    """The column type that holds this scale, as SQL."""
    return f"DECIMAL({PRECISION},{scale})"


def fits_exactly(scale: int) -> str:
    """A pattern (RE2, whole match) of the texts that a cast to this scale keeps to the last digit."""
    whole = PRECISION - scale
    return rf"[+-]?([0-9]{{1,{whole}}}(\.[0-9]{{0,{scale}}}0*)?|\.[0-9]{{1,{scale}}}0*)"


def fits_narrow(scale: int) -> tuple[str, str]:
    """A pattern of common, shorter numbers, and the 64-bit type that holds them exactly.

    DuckDB reads text into a 64-bit decimal about a hundred times faster than into one of 38 digits.
    """
    places = 12 if scale == MONEY_SCALE else 9
    return rf"[+-]?[0-9]{{1,{18 - places}}}(\.[0-9]{{0,{places}}}0*)?", f"DECIMAL(18,{places})"


def add(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum. (Python's own `+` keeps 28 digits and rounds the rest away; money here has up to 38.)"""
    total = Decimal()
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total


def difference(later: Decimal, earlier: Decimal) -> Decimal:
    """`later - earlier`, exactly."""
    return _EXACT.subtract(later, earlier)


def times(amount: Decimal, count: int) -> Decimal:
    """The amount so many times, exactly."""
    return _EXACT.multiply(amount, Decimal(count))


@dataclass(frozen=True)
class Reading:
    """A number as read: `plain` text without exponent (None: unreadable, see `fault`), and what rounding `lost`."""

    plain: str | None
    lost: Decimal = Decimal(0)
    fault: str = ""


def product(one: Decimal, other: Decimal) -> Decimal:
    """`one * other`, exactly, for numbers that `as_written` gives."""
    return _EXACT.multiply(one, other)


def share(whole: Decimal, count: int, total: int) -> Decimal:
    """`whole * count / total`, cut to the places that money has; what is cut off is for the caller to give out."""
    exact = _EXACT.divide(times(whole, count), Decimal(total))
    return exact.quantize(Decimal(1).scaleb(-MONEY_SCALE), rounding=ROUND_DOWN, context=_EXACT)


def per(cost: Decimal, quantity: Decimal, *, times: int) -> Decimal:
    """What so many units cost, `cost / quantity * times`, to the places that money has; `quantity` is not nothing."""
    exact = _EXACT.divide(_EXACT.multiply(cost, Decimal(times)), quantity)
    return exact.quantize(Decimal(1).scaleb(-MONEY_SCALE), rounding=ROUND_HALF_EVEN, context=_EXACT)


def percent(part: Decimal, whole: Decimal) -> Decimal | None:
    """`part` of `whole` in percent, unrounded; None where `whole` is nothing or less, of which there is no share."""
    return None if whole <= 0 else _EXACT.divide(_EXACT.multiply(part, Decimal(100)), whole)


def as_written(text: str) -> Decimal | None:
    """The number that `text` writes with all its digits; None if it is none."""
    written = text.strip()
    if len(written) > LONGEST or not _NUMBER.fullmatch(written):
        return None
    return _EXACT.create_decimal(written)


def read_number(text: str, *, scale: int) -> Reading:
    """The number that `text` writes, at no more than `scale` places; `lost` is written minus kept."""
    number = as_written(text)
    if number is None:
        return Reading(None, fault="is no number")
    if number and number.adjusted() >= PRECISION - scale:
        return Reading(None, fault=f"has more than {PRECISION - scale} digits before the point")
    if number and number.adjusted() < -LONGEST:
        return Reading("0", lost=number)
    kept = number
    if _too_fine(number, scale):
        kept = number.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_EVEN, context=_EXACT)
    if kept and kept.adjusted() >= PRECISION - scale:
        return Reading(None, fault=f"has more than {PRECISION - scale} digits before the point")
    return Reading(format(kept, "f"), lost=_EXACT.subtract(number, kept))


def _too_fine(number: Decimal, scale: int) -> bool:
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and -exponent > scale


def rounded(value: Decimal) -> str:
    """The amount for people: to cents, or to its first digit where it is less than one, since "0.00" says nothing."""
    tiny = 0 < abs(value) < Decimal("0.005")
    places = min(MONEY_SCALE, -value.adjusted()) if tiny else 2
    return format(_EXACT.quantize(value, Decimal(1).scaleb(-places)), "f")


def plain(value: Decimal) -> str:
    """The amount without exponent and without trailing zeros; at least two places, as money is read."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if text in ("-0", ""):
        text = "0"
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(2, '0')}"
