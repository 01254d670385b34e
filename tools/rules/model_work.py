"""What the rules about language models share: the price of a class of tokens, and what other prices would save.

A class that has no price elsewhere is not left out of the sum: then nothing is known.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

from lake.metered import Meter, Metered
from tools.detection.contributions import EXACT, add
from tools.rules.evidence import Check
from tools.rules.form import Form
from tools.rules.judged import Judgement, Look, finding
from tools.rules.money import money

Prices = Mapping[tuple[str, str, str], Decimal]
"""(provider, model, class of tokens) → list price of a token, in US dollars"""


class Worth(Protocol):
    """The limits: how much cheaper it must be, in percent, and how much a month it must save."""

    @property
    def least_percent(self) -> Decimal: ...
    @property
    def least_per_month(self) -> Decimal: ...


def judge_at(
    form: Form, resource: Metered, look: Look, *, model: str, prices: Prices, limits: Worth, why: str,
    more: Decimal = Decimal(0), called: str = "a price",
) -> Judgement:  # fmt: skip
    """The verdict on a use of a model that could be paid at these prices of `model`.

    `more` is the share of tokens that would be needed besides, `called` what such a price is called. What carries it
    out, if anything, each rule says itself.
    """
    share, missing = _saved(resource, model, prices, more, called)
    made = money(
        resource.meters, days=look.days_since(resource.meters), share=max(share, Decimal(0)),
        hours_per_month=look.limits.hours_per_month, priced_by_bill=False,
    )  # fmt: skip
    checks = (
        Check("cheaper", "cheaper by", share * 100, limits.least_percent, "%", at_most=False),
        Check("worth", "saving a month", made.cash, limits.least_per_month, resource.currency, at_most=False),
    )
    said = finding(form, missing=missing) if missing else finding(form, *checks)
    return Judgement(form, said, why, made, None, max(share, Decimal(0)))


def token_price(meter: Meter) -> Decimal | None:
    """The list price of one token of this class, as the bill tells it; None where it does not."""
    if meter.quantity <= 0 or not meter.list_cost:
        return None
    return EXACT.divide(meter.list_cost, meter.quantity)


def _saved(
    resource: Metered, model: str, prices: Prices, more: Decimal, called: str
) -> tuple[Decimal, tuple[str, ...]]:
    """Which share of the cost would go, and what is missing to tell. Discounts are taken to be the same either way."""
    if resource.currency != "USD":
        return Decimal(0), (f"prices in {resource.currency}: the price list is in USD",)
    untold: list[str] = []
    unpriced: list[str] = []
    saved: list[Decimal] = []
    for meter in resource.meters:
        own, other = token_price(meter), prices.get((resource.provider, model, meter.name))
        if own is None:
            untold.append(meter.name)
        elif other is None:
            unpriced.append(meter.name)
        else:
            ratio = EXACT.divide(EXACT.multiply(other, 1 + more), own)
            saved.append(EXACT.multiply(meter.effective, 1 - ratio))
    if untold or unpriced:
        lacks = ((f"{called} of {model}", unpriced), ("list costs on the bill", untold))
        return Decimal(0), tuple(f"{what} for {', '.join(names)} tokens" for what, names in lacks if names)
    whole = add(meter.effective for meter in resource.meters)
    return (EXACT.divide(add(saved), whole) if whole > 0 else Decimal(0)), ()
