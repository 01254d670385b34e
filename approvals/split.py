"""Split detection: what was asked for bit by bit is judged by what it adds up to.

Three proposals of 9,000 for one team within the window are judged like one of 27,000; otherwise every limit could be
passed below. Pure: whoever calls reads the earlier proposals of the same scope and class.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

DEFAULT_DAYS = 30
HUGE = 18
"""More digits than this are told as a power of ten: a line that nobody can read whole must not be shown."""


@dataclass(frozen=True)
class Earlier:
    """A proposal of the same scope and class within the window, whether it is open or was carried out."""

    resource: str
    amount: Decimal | None
    currency: str | None


@dataclass(frozen=True)
class Summed:
    """What a proposal is judged by. `amount` is None if any part is unknown or in another currency."""

    amount: Decimal | None
    currency: str | None
    alone: Decimal | None = None
    others: int = 0
    unknown: int = 0
    scope: str = ""
    days: int = DEFAULT_DAYS

    def words(self) -> str:
        """ "24,000 USD alone, 61,000 USD with 2 others of team fraud within 30 days"; "" if there are no others."""
        if not self.others:
            return ""
        whose = f"{self.others} {'other' if self.others == 1 else 'others'}{f' of {self.scope}' if self.scope else ''}"
        whose += f" within {self.days} {'day' if self.days == 1 else 'days'}"
        alone = f"{told(self.alone, self.currency)} alone"
        if self.amount is not None:
            return f"{alone}, {told(self.amount, self.currency)} with {whose}"
        if not self.unknown:
            return f"{alone}, with {whose}"
        return f"{alone}, with {whose}, of which {self.unknown} cannot be added in {self.currency or 'its currency'}"


def summed(
    amount: Decimal | None,
    currency: str | None,
    earlier: Iterable[Earlier],
    *,
    resource: str | None = None,
    scope: str = "",
    days: int = DEFAULT_DAYS,
) -> Summed:
    """The amount to judge a proposal by: its own and those of the other resources among `earlier`.

    Each resource counts once, with its highest amount, since stopping and starting one machine costs it once; the same
    holds for the proposal's own `resource`. Sizes are added, never signs, so that no refund hides a cost. One amount
    that is unknown or in another currency makes the sum unknown, which the rules judge as above every limit.

    >>> summed(Decimal(24000), "USD", [Earlier("a", Decimal(37000), "USD")], scope="team fraud").amount
    Decimal('61000')
    """
    highest: dict[str, Decimal] = {}
    unknown: set[str] = set()
    for one in earlier:
        if one.amount is None or one.currency is None or one.currency != currency or not one.amount.is_finite():
            unknown.add(one.resource)
        else:
            highest[one.resource] = max(abs(one.amount), highest.get(one.resource, Decimal(0)))
    mine = highest.pop(resource, Decimal(0)) if resource is not None else Decimal(0)
    others, unknown = (set(highest) | unknown) - {resource}, unknown - {resource}
    total: Decimal | None = None
    if amount is not None and amount.is_finite() and currency is not None and not unknown:
        total = max(abs(amount), mine) + sum(highest.values(), Decimal(0))
    return Summed(
        amount=total,
        currency=currency,
        alone=amount,
        others=len(others),
        unknown=len(unknown),
        scope=scope,
        days=days,
    )


def told(amount: Decimal | None, currency: str | None) -> str:
    """An amount for a person: "24,000 USD", "24,000.50 USD", "an unknown amount"."""
    if amount is None or not amount.is_finite():
        return "an unknown amount"
    if amount and amount.adjusted() > HUGE:
        return f"{amount:.3E} {currency or ''}".strip()
    whole = amount == amount.to_integral_value()
    return f"{amount:,.0f} {currency or ''}".strip() if whole else f"{amount:,.2f} {currency or ''}".strip()
