"""What tokens would cost at a published price: for usage that no bill has arrived for yet, and for nothing else.

The price book is the package `genai-prices`, as installed; it is never fetched anew from the network. A price is named
by an id that holds the book's version, so that an estimate can be told apart from one by a later book.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from lake.money import product, times
from lake.tokens import MILLIONTH, TokenClass

# Where a model has no price of its own for a kind of token, its tokens cost what the next of these costs.
_PRICED_AS: Mapping[TokenClass, tuple[str, ...]] = {
    TokenClass.INPUT_UNCACHED: ("input_mtok",),
    TokenClass.INPUT_CACHE_READ: ("cache_read_mtok", "input_mtok"),
    TokenClass.INPUT_CACHE_WRITE: ("cache_write_mtok", "input_mtok"),
    TokenClass.INPUT_CACHE_WRITE_5M: ("cache_write_5m_mtok", "cache_write_mtok", "input_mtok"),
    TokenClass.INPUT_CACHE_WRITE_30M: ("cache_write_mtok", "input_mtok"),
    TokenClass.INPUT_CACHE_WRITE_1H: ("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"),
    TokenClass.INPUT_CACHE_WRITE_12H: ("cache_write_mtok", "input_mtok"),
    TokenClass.OUTPUT: ("output_mtok",),
    TokenClass.AUDIO_IN: ("input_audio_mtok", "input_mtok"),
    TokenClass.AUDIO_IN_CACHE_READ: ("cache_audio_read_mtok", "cache_read_mtok", "input_mtok"),
    TokenClass.AUDIO_OUT: ("output_audio_mtok", "output_mtok"),
    TokenClass.IMAGE_IN: ("input_image_mtok", "input_mtok"),
    TokenClass.IMAGE_IN_CACHE_READ: ("cache_image_read_mtok", "cache_read_mtok", "input_mtok"),
    TokenClass.IMAGE_OUT: ("output_image_mtok", "output_mtok"),
}

MOST_PRICES = 4096
"""So many prices are remembered; the book does not change while a process runs."""


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens of one class, and the id of that price.

    `doubts` says, as phrases, where the book's price may not be the one that applied.
    """

    per_million: Decimal
    id: str
    doubts: tuple[str, ...] = ()

    def of(self, tokens: int) -> Decimal:
        """What so many tokens cost, in US dollars, exactly."""
        return product(times(self.per_million, tokens), MILLIONTH)


@dataclass(frozen=True)
class Terms:
    """Under which terms tokens were used. `context_from` is the least size of the requests' context, in tokens."""

    tier: str | None = None
    batch: bool | None = None
    context_from: int | None = None


@lru_cache(MOST_PRICES)
def price(provider: str, model: str, kind: TokenClass, *, at: datetime, terms: Terms) -> Price | None:
    """The price of `model` at this moment under these terms; None where the book has none for it.

    A provider may price a whole request by its size ("long context"). Summed usage does not tell the size of its
    requests, and the sum is none: only `terms.context_from` ever chooses such a price, never the number of tokens.
    """
    from genai_prices import __version__, calc_price
    from genai_prices.types import Usage

    context = _context(terms)
    try:
        found = calc_price(Usage(), model, provider_id=provider, genai_request_timestamp=at, price_context=context)
    except LookupError:
        return None
    prices = vars(found.model_price)
    name = next((name for name in _PRICED_AS[kind] if prices.get(name) is not None), None)
    if name is None:
        return None
    chosen, doubts = _of_size(prices[name], terms.context_from)
    if context and not _has_variant(found.model, context):
        doubts.append(f"the price book knows no price of {model} for {', '.join(sorted(context.values()))}")
    parts = [f"genai-prices/{__version__}", found.provider.id, found.model.id, name, *sorted(context.values())]
    if isinstance(terms.context_from, int) and terms.context_from:
        parts.append(f"from {terms.context_from}")
    return Price(chosen, ":".join(parts), tuple(doubts))


def _context(terms: Terms) -> dict[str, str]:
    """The terms as the price book's conditions; what is standard is no condition."""
    context = {}
    if terms.batch or terms.tier == "batch":
        context["processing"] = "batch"
    elif terms.tier not in (None, "", "standard", "default", "auto"):
        context["service_tier"] = str(terms.tier)
    return context


def _of_size(found: Any, context_from: int | None) -> tuple[Decimal, list[str]]:
    tiers = getattr(found, "tiers", None)
    if tiers is None:
        return Decimal(found), []
    if context_from is None:
        return Decimal(found.base), ["long requests cost more, and the usage does not tell how long its requests were"]
    reached = [tier.price for tier in tiers if tier.start <= context_from]
    return Decimal(reached[-1] if reached else found.base), []


def _has_variant(model: Any, context: Mapping[str, str]) -> bool:
    return any(
        all(context.get(key) == value for key, value in variant.when.items())
        for variant in getattr(model, "price_variants", None) or ()
    )
