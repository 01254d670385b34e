"""Published prices: ratios that providers publish, and a long request's price that a sum of short ones must not get."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from lake.prices import Terms, price
from lake.tokens import TokenClass

AT = datetime(2026, 11, 1, tzinfo=UTC)
SHORT = Terms(context_from=0)


def of(model: str, kind: TokenClass, terms: Terms = SHORT, provider: str = "anthropic") -> Decimal:
    found = price(provider, model, kind, at=AT, terms=terms)
    assert found is not None
    return found.per_million


def test_pitfall_01_cached_tokens_have_prices_of_their_own() -> None:
    """Anthropic publishes: a cache read costs a tenth, a write 1.25 times (5 minutes) or twice (an hour)."""
    plain = of("claude-sonnet-4-5", TokenClass.INPUT_UNCACHED)
    assert of("claude-sonnet-4-5", TokenClass.INPUT_CACHE_READ) == plain / 10
    assert of("claude-sonnet-4-5", TokenClass.INPUT_CACHE_WRITE_5M) == plain * Decimal("1.25")
    assert of("claude-sonnet-4-5", TokenClass.INPUT_CACHE_WRITE_1H) == plain * 2


def test_pitfall_18_a_long_requests_price_is_for_usage_that_says_it_was_long() -> None:
    """300 million tokens of a day are not one long request, whatever their sum; the doubt is told."""
    unknown = price("anthropic", "claude-sonnet-4-5", TokenClass.INPUT_UNCACHED, at=AT, terms=Terms())
    assert unknown is not None
    assert unknown.of(300_000_000) == 300 * of("claude-sonnet-4-5", TokenClass.INPUT_UNCACHED)
    assert any("long requests" in doubt for doubt in unknown.doubts)
    long = price("anthropic", "claude-sonnet-4-5", TokenClass.INPUT_UNCACHED, at=AT, terms=Terms(context_from=200_000))
    assert long is not None
    assert long.per_million == 2 * unknown.per_million
    assert long.doubts == ()
    assert "200000" in long.id
    assert of("claude-sonnet-4-5", TokenClass.OUTPUT, Terms(context_from=200_000)) == Decimal("1.5") * of(
        "claude-sonnet-4-5", TokenClass.OUTPUT
    )


def test_a_batch_costs_half_where_the_book_says_so_and_is_doubted_where_it_does_not() -> None:
    plain = price("openai", "gpt-5-mini", TokenClass.OUTPUT, at=AT, terms=Terms())
    flex = price("openai", "gpt-5-mini", TokenClass.OUTPUT, at=AT, terms=Terms(tier="flex"))
    assert plain is not None
    assert flex is not None
    assert flex.per_million * 2 == plain.per_million
    assert flex.id != plain.id
    old = price("anthropic", "claude-2.1", TokenClass.OUTPUT, at=AT, terms=Terms(batch=True))
    assert old is not None
    assert any("batch" in doubt for doubt in old.doubts)


@pytest.mark.parametrize("tier", [None, "", "standard", "default", "auto"])
def test_the_standard_tier_is_no_condition(tier: str | None) -> None:
    found = price("openai", "gpt-4o", TokenClass.OUTPUT, at=AT, terms=Terms(tier=tier))
    assert found is not None
    assert found.doubts == ()


def test_a_price_is_named_with_its_book_and_an_unknown_model_has_none() -> None:
    found = price("openai", "gpt-4o-2024-08-06", TokenClass.INPUT_CACHE_READ, at=AT, terms=Terms())
    assert found is not None
    assert found.id.startswith("genai-prices/")
    assert found.id.endswith(":openai:gpt-4o:cache_read_mtok")
    assert price("openai", "a-model-of-nobody", TokenClass.OUTPUT, at=AT, terms=Terms()) is None
    assert price("openai", "text-embedding-3-small", TokenClass.AUDIO_OUT, at=AT, terms=Terms()) is None
