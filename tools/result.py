"""What every tool answers: rows, and figures that carry their own label, unit and period.

A figure is an address (`q1.r3.effective`), unique in a conversation. A model writes the address and code puts the
display in its place, so that no digit reaches a person which a tool did not compute and name.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

Exact = Annotated[Decimal, PlainSerializer(lambda value: format(value, "f"), return_type=str, when_used="json")]
"""A decimal that JSON carries as text without an exponent."""

_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}
_CENT = Decimal("0.01")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Figure(_Frozen):
    """One number of a result: `id` is its address, `unit` a currency code, `%`, `ratio`, `hours`, `tokens` …"""

    id: str
    label: str
    value: Exact
    unit: str
    period: str
    display: str


class Problem(_Frozen):
    """Why a tool has no answer: a result like any other, so that a conversation goes on."""

    what: str
    why: str
    do: str
    candidates: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.what} {self.why} {self.do}"


class Row(_Frozen):
    """One row: names (from data, fit to show), figures by column (their addresses), texts that the tool wrote."""

    address: str
    names: dict[str, str] = Field(default_factory=dict)
    figures: dict[str, str] = Field(default_factory=dict)
    texts: dict[str, str] = Field(default_factory=dict)


class SourceState(_Frozen):
    """How far one source of the bill reaches."""

    source: str
    data_through: str
    final: bool
    reason: str = ""


class ToolResult(_Frozen):
    """The answer of one call. `rows` and `totals` point at `figures`; `notes` are assumptions that must be said."""

    id: str
    tool: str
    title: str
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    totals: tuple[Row, ...] = ()
    figures: tuple[Figure, ...] = ()
    query: str = ""
    snapshots: tuple[str, ...] = ()
    complete: bool = True
    completeness: tuple[SourceState, ...] = ()
    notes: tuple[str, ...] = ()
    proposals: tuple[str, ...] = ()
    error: Problem | None = None

    def figure(self, address: str) -> Figure | None:
        """The figure at `address`, if this result has it."""
        return next((figure for figure in self.figures if figure.id == address), None)

    def row(self, address: str) -> Row | None:
        """The row or total at `address` (`q1.r3`), if this result has it."""
        return next((row for row in (*self.rows, *self.totals) if row.address == address), None)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, decimals as text; `from_json` reads it back as the same result."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "ToolResult":
        return cls.model_validate(stored)


def figure(address: str, value: Decimal, *, label: str, unit: str, period: str, signed: bool = False) -> Figure:
    """A figure with its display; `signed` shows a plus before a rise."""
    return Figure(
        id=address, label=label, value=value, unit=unit, period=period, display=display(value, unit, signed=signed)
    )


def display(value: Decimal, unit: str, *, signed: bool = False) -> str:
    """`value` as people read it: `$1,234.56`, `1,234.56 CHF`, `12.3 %`, `1,234 hours`."""
    sign = "-" if value < 0 else "+" if signed and value > 0 else ""
    size = abs(value)
    if " per " in unit:
        currency, _, of = unit.partition(" ")
        return f"{display(value, currency, signed=signed)} {of}"
    if unit in _SIGNS:
        return f"{sign}{_SIGNS[unit]}{_money(size)}"
    if len(unit) == 3 and unit.isupper():
        return f"{sign}{_money(size)} {unit}"
    if unit == "%":
        return f"{sign}{_grouped(size, Decimal('0.1'))} %"
    if unit == "ratio":
        return f"{sign}{_grouped(size, _CENT)}"
    places = Decimal(1) if size == size.to_integral_value() or size >= 1000 else Decimal("0.1")
    return f"{sign}{_grouped(size, places)}" + (f" {unit}" if unit and unit != "count" else "")


def _money(size: Decimal) -> str:
    # Prices of single tokens live below a cent; "$0.00" would say that they are free.
    if 0 < size < _CENT:
        return format(size.quantize(Decimal(1).scaleb(size.adjusted() - 1), ROUND_HALF_UP).normalize(), "f")
    return _grouped(size, _CENT)


def _grouped(size: Decimal, places: Decimal) -> str:
    return format(size.quantize(places, ROUND_HALF_UP), ",f")
