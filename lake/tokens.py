"""Tokens in classes that never overlap: what was billed at which kind of price, so that their sum is what was billed.

OpenAI's `input_tokens` includes what was read from a cache and what was written to it; Anthropic's and Bedrock's leave
both out. Adding them up alike counts the cached tokens twice with the one, or not at all with the other. Whatever a
provider reports comes through one of the functions here, and a report whose parts do not make up its whole is refused:
tokens that may have been counted twice are worse than none.

Reasoning tokens are inside the output tokens: a note beside them, never a class of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

MILLIONTH = Decimal("0.000001")
"""Tokens are priced by the million; a product with this is exact, which a division need not be."""


class TokenClass(StrEnum):
    """The classes, as they stand in `x_token_class`. A token that is billed is in exactly one."""

    INPUT_UNCACHED = "input_uncached"
    INPUT_CACHE_READ = "input_cache_read"
    INPUT_CACHE_WRITE = "input_cache_write"
    """written to a cache whose retention the provider does not tell"""
    INPUT_CACHE_WRITE_5M = "input_cache_write_5m"
    INPUT_CACHE_WRITE_30M = "input_cache_write_30m"
    INPUT_CACHE_WRITE_1H = "input_cache_write_1h"
    INPUT_CACHE_WRITE_12H = "input_cache_write_12h"
    OUTPUT = "output"
    AUDIO_IN = "audio_in"
    AUDIO_IN_CACHE_READ = "audio_in_cache_read"
    AUDIO_OUT = "audio_out"
    IMAGE_IN = "image_in"
    IMAGE_IN_CACHE_READ = "image_in_cache_read"
    IMAGE_OUT = "image_out"


class TokensDisagree(ValueError):
    """A report of tokens that contradicts itself, or holds something that is no count."""


@dataclass(frozen=True)
class Tokens:
    """Disjoint counts, each above zero. `reasoning` is a part of the output, told beside it and in no sum."""

    counts: Mapping[TokenClass, int] = field(default_factory=dict)
    reasoning: int | None = None

    @property
    def billed(self) -> int:
        """All tokens that are billed, each once."""
        return sum(self.counts.values())


def openai(report: Mapping[str, Any]) -> Tokens:
    """What an organization's usage endpoint reports of completions or embeddings (embeddings have no output).

    `input_tokens` is the whole of the input: cached, written to a cache, and neither. The parts by text, audio and
    image are of the uncached and of the cached input each; where they are missing everything is text.
    """
    whole, output = _count(report, "input_tokens"), _count(report, "output_tokens")
    cached, written = _count(report, "input_cached_tokens"), _count(report, "input_cache_write_tokens")
    uncached = _count(report, "input_uncached_tokens", otherwise=whole - cached - written)
    _same(uncached + cached + written, whole, "uncached, cached and cache-write tokens", "input_tokens")
    brief, long = _count(report, "input_cache_write_30m_tokens"), _count(report, "input_cache_write_12h_tokens")
    if brief + long:
        _same(brief + long, written, "cache writes by their retention", "input_cache_write_tokens")
    new = _modalities(report, uncached, "input_{}_tokens", "input_uncached_tokens")
    read = _modalities(report, cached, "input_cached_{}_tokens", "input_cached_tokens")
    out = _modalities(report, output, "output_{}_tokens", "output_tokens")
    return _tokens(
        {
            TokenClass.INPUT_UNCACHED: new["text"],
            TokenClass.INPUT_CACHE_READ: read["text"],
            TokenClass.INPUT_CACHE_WRITE: written - brief - long,
            TokenClass.INPUT_CACHE_WRITE_30M: brief,
            TokenClass.INPUT_CACHE_WRITE_12H: long,
            TokenClass.OUTPUT: out["text"],
            TokenClass.AUDIO_IN: new["audio"],
            TokenClass.AUDIO_IN_CACHE_READ: read["audio"],
            TokenClass.AUDIO_OUT: out["audio"],
            TokenClass.IMAGE_IN: new["image"],
            TokenClass.IMAGE_IN_CACHE_READ: read["image"],
            TokenClass.IMAGE_OUT: out["image"],
        },
        whole + output,
    )


def anthropic(report: Mapping[str, Any]) -> Tokens:
    """What Anthropic reports: of an organization (`uncached_input_tokens`) or of one message (`input_tokens`).

    Neither includes cached tokens. `cache_creation` splits the cache writes by retention; a message that lacks it tells
    only their sum. `total_tokens`, where it is given, must be the sum of all.
    """
    plain = "uncached_input_tokens" if "uncached_input_tokens" in report else "input_tokens"
    by_retention = report.get("cache_creation") or {}
    if not isinstance(by_retention, Mapping):
        raise TokensDisagree("cache_creation is no set of counts")
    brief = _count(by_retention, "ephemeral_5m_input_tokens")
    long = _count(by_retention, "ephemeral_1h_input_tokens")
    written = _count(report, "cache_creation_input_tokens", otherwise=brief + long)
    if by_retention:
        _same(brief + long, written, "cache writes by their retention", "cache_creation_input_tokens")
    counts = {
        TokenClass.INPUT_UNCACHED: _count(report, plain),
        TokenClass.INPUT_CACHE_READ: _count(report, "cache_read_input_tokens"),
        TokenClass.INPUT_CACHE_WRITE: written - brief - long,
        TokenClass.INPUT_CACHE_WRITE_5M: brief,
        TokenClass.INPUT_CACHE_WRITE_1H: long,
        TokenClass.OUTPUT: _count(report, "output_tokens"),
    }
    return _tokens(counts, _count(report, "total_tokens", otherwise=sum(counts.values())))


def bedrock(report: Mapping[str, Any]) -> Tokens:
    """The `TokenUsage` of Bedrock's Converse operations: `inputTokens` leaves cached tokens out.

    `totalTokens` is not compared: AWS defines it as input and output, so it lacks the cached ones by intention.
    """
    details = {one.get("ttl"): _count(one, "inputTokens") for one in report.get("cacheDetails") or []}
    written = _count(report, "cacheWriteInputTokens", otherwise=sum(details.values()))
    if details:
        _same(sum(details.values()), written, "cache writes by their retention", "cacheWriteInputTokens")
    brief, long = details.get("5m", 0), details.get("1h", 0)
    counts = {
        TokenClass.INPUT_UNCACHED: _count(report, "inputTokens"),
        TokenClass.INPUT_CACHE_READ: _count(report, "cacheReadInputTokens"),
        TokenClass.INPUT_CACHE_WRITE: written - brief - long,
        TokenClass.INPUT_CACHE_WRITE_5M: brief,
        TokenClass.INPUT_CACHE_WRITE_1H: long,
        TokenClass.OUTPUT: _count(report, "outputTokens"),
    }
    return _tokens(counts, sum(counts.values()))


def litellm(report: Mapping[str, Any]) -> Tokens:
    """A row of LiteLLM's spend log: `prompt_tokens` includes cached tokens, whichever provider answered.

    The cached part stands in `metadata.usage_object`; without it all input counts as uncached, which is true of the
    sum and says nothing about caches. (`cache_hit` of the row is LiteLLM's own cache of answers, not the provider's.)
    """
    used = (report.get("metadata") or {}).get("usage_object") or {}
    details = used.get("prompt_tokens_details") or {}
    whole, output = _count(report, "prompt_tokens"), _count(report, "completion_tokens")
    cached = _count(used, "cache_read_input_tokens", otherwise=_count(details, "cached_tokens"))
    written = _count(used, "cache_creation_input_tokens", otherwise=_count(details, "cache_creation_tokens"))
    if cached + written > whole:
        raise TokensDisagree(
            f"cached and cache-write tokens ({cached + written}) are more than prompt_tokens ({whole})"
        )
    reasoning = (used.get("completion_tokens_details") or {}).get("reasoning_tokens")
    return _tokens(
        {
            TokenClass.INPUT_UNCACHED: whole - cached - written,
            TokenClass.INPUT_CACHE_READ: cached,
            TokenClass.INPUT_CACHE_WRITE: written,
            TokenClass.OUTPUT: output,
        },
        _count(report, "total_tokens", otherwise=whole + output),
        reasoning=reasoning,
    )


def _tokens(counts: Mapping[TokenClass, int], billed: int, *, reasoning: object = None) -> Tokens:
    for name, count in counts.items():
        if count < 0:
            raise TokensDisagree(f"{name} would be {count}")
    _same(sum(counts.values()), billed, "the classes", "the billed tokens")
    if reasoning is not None:
        reasoning = _count({"reasoning_tokens": reasoning}, "reasoning_tokens")
        if reasoning > counts.get(TokenClass.OUTPUT, 0):
            raise TokensDisagree(f"reasoning tokens ({reasoning}) are more than the output they are a part of")
    return Tokens({name: count for name, count in counts.items() if count}, reasoning)


def _modalities(report: Mapping[str, Any], whole: int, pattern: str, name: str) -> dict[str, int]:
    """Text, audio and image of one whole; text is what the others leave where it is not told itself."""
    audio, image = _count(report, pattern.format("audio")), _count(report, pattern.format("image"))
    text = _count(report, pattern.format("text"), otherwise=whole - audio - image)
    _same(text + audio + image, whole, "text, audio and image tokens", name)
    return {"text": text, "audio": audio, "image": image}


def _count(report: Mapping[str, Any], name: str, *, otherwise: int = 0) -> int:
    value = report.get(name)
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TokensDisagree(f"{name} is no count: {str(value)[:40]!r}")
    return value


def _same(sum_: int, whole: int, parts: str, name: str) -> None:
    if sum_ != whole:
        raise TokensDisagree(f"{parts} make {sum_}, and {name} says {whole}")
