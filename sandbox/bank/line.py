"""One priced series of the bill, and the book that collects them.

Prices are whole millionths of a dollar and quantities whole millionths of a unit, so that every cost is an exact
integer of 10^-12 dollars: with floats the FOCUS identities (cost = unit price × quantity) would hold only nearly.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sandbox.bank.calendar import Calendar, Floats
from sandbox.bank.organisation import Account, Provider

MICRO = 1_000_000
Micros = NDArray[np.int64]


@dataclass(frozen=True)
class Line:
    """What all rows of a series have in common. `key` is unique in the book; prices are in millionths of a dollar."""

    key: str
    provider: Provider
    account: Account
    service: str
    category: str
    subcategory: str
    meter: str
    unit: str
    list_price: int
    contracted_price: int
    billed_price: int
    effective_price: int
    consumed_unit: str = ""
    consumed_per_unit: int = 1
    region: str = ""
    zone: str = ""
    resource_id: str = ""
    resource_name: str = ""
    resource_type: str = ""
    publisher: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    model: str = ""
    token_class: str = ""
    workload: str = ""
    details: dict[str, str | int] = field(default_factory=dict)
    charge_category: str = "Usage"
    charge_class: str = ""
    frequency: str = "Usage-Based"
    pricing_category: str = "Standard"
    description: str = ""
    priced: bool = True
    commitment: "Commitment | None" = None
    commitment_status: str = ""

    @property
    def team(self) -> str:
        return self.tags.get("team", "")


class Commitment(NamedTuple):
    """A commitment discount as the FOCUS columns tell it; `unit` "USD" for spend, hours for usage."""

    id: str
    name: str
    kind: str
    category: str
    unit: str


class Posting(NamedTuple):
    """A row that is not daily: a monthly fee, a tax, a credit, an upfront purchase, a correction."""

    line: Line
    start: date
    end: date
    billed_in: date
    quantity: int


class Book:
    """All series of one bill, in the order in which they were added."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self.lines: list[Line] = []
        self.quantities: list[Micros] = []
        self.postings: list[Posting] = []

    def add(self, line: Line, quantity: Floats | Micros, *, step: int = 1) -> None:
        """A daily series; `quantity` in pricing units (floats) or their millionths (integers); 0 = no row that day."""
        exact = quantity if quantity.dtype == np.int64 else np.rint(np.maximum(quantity, 0.0) * (MICRO / step)) * step
        self.lines.append(line)
        self.quantities.append(exact.astype(np.int64))

    def post(self, line: Line, *, start: date, end: date, billed_in: date, quantity: int) -> None:
        self.postings.append(Posting(line, start, end, billed_in, quantity))

    def effective(self) -> NDArray[np.int64]:
        """Effective cost per series and day, in 10^-12 dollars (series × days)."""
        prices = np.array([line.effective_price for line in self.lines], dtype=np.int64)
        return np.stack(self.quantities) * prices[:, None]


def discounted(provider: Provider, list_price: int) -> int:
    """The contracted price after the provider's negotiated discount, rounded to a millionth of a dollar."""
    return (list_price * (1000 - provider.discount) + 500) // 1000


def usage(
    provider: Provider,
    account: Account,
    *,
    key: str,
    service: tuple[str, str, str],
    meter: str,
    unit: str,
    price: str,
    negotiated: bool = True,
    **more: object,
) -> Line:
    """A usage series at list `price` (dollars a unit, at most six places) less the negotiated discount."""
    list_price = micros(price)
    contracted = discounted(provider, list_price) if negotiated else list_price
    line = Line(
        key=key, provider=provider, account=account, service=service[0], category=service[1], subcategory=service[2],
        meter=meter, unit=unit, consumed_unit=unit, list_price=list_price, contracted_price=contracted,
        billed_price=contracted, effective_price=contracted, publisher=provider.publisher,
        description=f"${price} per {unit} of {meter}",
    )  # fmt: skip
    return replace(line, **more)  # type: ignore[arg-type]


def micros(amount: str) -> int:
    """Dollars as whole millionths; refuses what would have to be rounded."""
    scaled = Decimal(amount) * MICRO
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} has more than six decimal places")
    return int(scaled)
