"""Tokens in disjoint classes: the worked figures that others got wrong, and reports that contradict themselves."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake import tokens
from lake.tokens import TokenClass, Tokens, TokensDisagree

MILLION = Decimal(1_000_000)


def test_pitfall_01_openai_input_includes_cached_tokens() -> None:
    """10,000 tokens of input, of which 8,000 came from the cache and 500 were written to it: 10,000 are billed."""
    found = tokens.openai(
        {"input_tokens": 10_000, "input_cached_tokens": 8_000, "input_cache_write_tokens": 500, "output_tokens": 700}
    )
    assert found.counts == {
        TokenClass.INPUT_UNCACHED: 1_500,
        TokenClass.INPUT_CACHE_READ: 8_000,
        TokenClass.INPUT_CACHE_WRITE: 500,
        TokenClass.OUTPUT: 700,
    }
    assert found.billed == 10_700


def test_pitfall_01_anthropic_input_leaves_cached_tokens_out() -> None:
    found = tokens.anthropic(
        {
            "uncached_input_tokens": 1_500,
            "cache_read_input_tokens": 8_000,
            "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 200},
            "output_tokens": 700,
            "total_tokens": 10_700,
        }
    )
    assert found.counts == {
        TokenClass.INPUT_UNCACHED: 1_500,
        TokenClass.INPUT_CACHE_READ: 8_000,
        TokenClass.INPUT_CACHE_WRITE_5M: 300,
        TokenClass.INPUT_CACHE_WRITE_1H: 200,
        TokenClass.OUTPUT: 700,
    }
    assert found.billed == 10_700


def test_pitfall_01_the_price_of_a_cached_prompt_is_neither_doubled_nor_dropped() -> None:
    """At 3, 0.30, 3.75 and 15 dollars a million: 12,304 read, 550 written, 8 new and 550 out cost $0.0140277.

    Counting the cached tokens as new ones as well would say more than three times as much.
    """
    prices = {
        TokenClass.INPUT_UNCACHED: Decimal("3"),
        TokenClass.INPUT_CACHE_READ: Decimal("0.30"),
        TokenClass.INPUT_CACHE_WRITE_5M: Decimal("3.75"),
        TokenClass.OUTPUT: Decimal("15"),
    }

    def cost(found: Tokens) -> Decimal:
        return sum((prices[name] * count / MILLION for name, count in found.counts.items()), Decimal())

    message = {
        "input_tokens": 8,
        "cache_read_input_tokens": 12_304,
        "cache_creation_input_tokens": 550,
        "cache_creation": {"ephemeral_5m_input_tokens": 550, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 550,
    }
    assert cost(tokens.anthropic(message)) == Decimal("0.0140277")
    doubled = 12_862 * prices[TokenClass.INPUT_UNCACHED] / MILLION
    assert cost(tokens.anthropic(message)) + doubled > 3 * cost(tokens.anthropic(message))


def test_openai_by_modality_and_retention() -> None:
    found = tokens.openai(
        {
            "input_tokens": 1_000,
            "input_uncached_tokens": 600,
            "input_cached_tokens": 300,
            "input_cache_write_tokens": 100,
            "input_cache_write_30m_tokens": 60,
            "input_cache_write_12h_tokens": 40,
            "input_text_tokens": 500,
            "input_audio_tokens": 70,
            "input_image_tokens": 30,
            "input_cached_text_tokens": 280,
            "input_cached_audio_tokens": 15,
            "input_cached_image_tokens": 5,
            "output_tokens": 90,
            "output_text_tokens": 50,
            "output_audio_tokens": 40,
        }
    )
    assert found.billed == 1_090
    assert found.counts[TokenClass.AUDIO_IN_CACHE_READ] == 15
    assert found.counts[TokenClass.INPUT_CACHE_WRITE_12H] == 40
    assert TokenClass.INPUT_CACHE_WRITE not in found.counts


def test_bedrock_leaves_cached_tokens_out() -> None:
    found = tokens.bedrock(
        {
            "inputTokens": 10,
            "outputTokens": 5,
            "totalTokens": 15,
            "cacheReadInputTokens": 100,
            "cacheWriteInputTokens": 30,
            "cacheDetails": [{"ttl": "1h", "inputTokens": 20}, {"ttl": "5m", "inputTokens": 10}],
        }
    )
    assert found.billed == 145
    assert found.counts[TokenClass.INPUT_CACHE_WRITE_1H] == 20


def test_a_gateways_prompt_includes_cached_tokens_and_reasoning_is_no_class() -> None:
    found = tokens.litellm(
        {
            "prompt_tokens": 1_000,
            "completion_tokens": 200,
            "total_tokens": 1_200,
            "metadata": {
                "usage_object": {
                    "cache_read_input_tokens": 800,
                    "prompt_tokens_details": {"cached_tokens": 800},
                    "completion_tokens_details": {"reasoning_tokens": 150},
                }
            },
        }
    )
    assert (found.billed, found.reasoning) == (1_200, 150)
    assert found.counts[TokenClass.INPUT_UNCACHED] == 200


REFUSED: list[tuple[str, Callable[[Mapping[str, Any]], Tokens], dict[str, Any]]] = [
    ("more cached than input", tokens.openai, {"input_tokens": 10, "input_cached_tokens": 20}),
    ("parts that make another whole", tokens.openai, {"input_tokens": 10, "input_uncached_tokens": 9}),
    ("modalities too many", tokens.openai, {"input_tokens": 10, "input_text_tokens": 8, "input_audio_tokens": 8}),
    ("a retention too many", tokens.openai,
     {"input_tokens": 9, "input_cache_write_tokens": 5, "input_cache_write_30m_tokens": 9}),
    ("a total that cached tokens were added to", tokens.anthropic,
     {"uncached_input_tokens": 5, "cache_read_input_tokens": 7, "output_tokens": 1, "total_tokens": 20}),
    ("writes that differ from their parts", tokens.anthropic,
     {"input_tokens": 1, "cache_creation_input_tokens": 9, "cache_creation": {"ephemeral_5m_input_tokens": 5}}),
    ("writes that are a number", tokens.anthropic, {"input_tokens": 1, "cache_creation": 7}),
    ("a negative count", tokens.anthropic, {"uncached_input_tokens": -1}),
    ("a fraction", tokens.bedrock, {"inputTokens": "1.5"}),
    ("a truth value", tokens.bedrock, {"inputTokens": True}),
    ("a prompt smaller than its cached part", tokens.litellm,
     {"prompt_tokens": 5, "metadata": {"usage_object": {"cache_read_input_tokens": 9}}}),
    ("more reasoning than output", tokens.litellm,
     {"prompt_tokens": 1, "completion_tokens": 2,
      "metadata": {"usage_object": {"completion_tokens_details": {"reasoning_tokens": 3}}}}),
]  # fmt: skip


@pytest.mark.parametrize(("split", "report"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_report_that_contradicts_itself_is_refused(
    split: Callable[[Mapping[str, Any]], Tokens], report: dict[str, Any]
) -> None:
    with pytest.raises(TokensDisagree):
        split(report)


COUNT = st.integers(0, 10**12)


@given(uncached=COUNT, cached=COUNT, written=COUNT, output=COUNT)
def test_the_same_tokens_are_the_same_classes_whoever_reports_them(
    uncached: int, cached: int, written: int, output: int
) -> None:
    by_openai = tokens.openai(
        {
            "input_tokens": uncached + cached + written,
            "input_cached_tokens": cached,
            "input_cache_write_tokens": written,
            "output_tokens": output,
        }
    )
    by_anthropic = tokens.anthropic(
        {
            "input_tokens": uncached,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": written,
            "output_tokens": output,
        }
    )
    assert by_openai == by_anthropic
    assert by_openai.billed == uncached + cached + written + output
    assert all(by_openai.counts.values())
