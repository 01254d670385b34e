"""A live model under test: the cases asked of whatever speaks the provider's protocol, and what that costs.

The rest of the evals never asks a provider, whatever keys stand in the environment: only this costs money, so it says
how much before it begins and how much it was in the end.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

from langchain_core.utils.function_calling import convert_to_openai_tool

from agent.price import Price
from agent.turns import prompt
from app.errors import Problem
from app.model_settings import ModelSettings, load_model
from evals.case import Case, Group
from tools.catalogue import bind
from tools.desk import Desk

BYTES_A_TOKEN = 4  # reads a little high for English and JSON
CALLS_A_TURN = 3  # of the model: choose a tool, read its result, perhaps once more
RESULT_TOKENS = 700  # of what is read again at each call: the question, results, what was said before
REPLY_TOKENS = 150  # written a call


class NoLiveModelError(ValueError):
    """No model can be asked; says what to set."""


@dataclass(frozen=True)
class Estimate:
    """What a run will take at about: turns, tokens read and written, and the cost if the price is known."""

    turns: int
    tokens: tuple[int, int]
    price: Price | None

    def __str__(self) -> str:
        read, written = self.tokens
        cost = spent(self.tokens, self.price)
        return f"{self.turns} turns, about {read:,} tokens read and {written:,} written, which costs {cost}"


def live_settings(name: str | None, env: Mapping[str, str]) -> ModelSettings:
    """The environment's model, or the one of this name on the environment's server; no fallback, which would be
    measured in its place. Raises NoLiveModelError without a key, or with settings that cannot be used."""
    try:
        settings = load_model({**env, "SPENDGATE_MODEL_FALLBACK": "", "SPENDGATE_MODEL_BUDGET": ""})
    except Problem as error:
        raise NoLiveModelError(" ".join((error.what, error.why, error.do))) from error
    if settings.api_key is None:
        raise NoLiveModelError(
            "There is no live model to ask: OPENAI_API_KEY is not set. Set it, and OPENAI_BASE_URL for another server "
            "than OpenAI's, and SPENDGATE_MODEL_PRICE (USD for a million tokens read and written, such as 0.15/0.60) "
            "to be told what it costs."
        )
    return replace(settings, name=name or settings.name, budget_tokens=None)


def some(cases: Sequence[Case], limit: int | None) -> list[Case]:
    """At most `limit` cases, taken from all groups in turn, so that few of them still try everything."""
    by_group = [[case for case in cases if case.group is group] for group in Group]
    longest = max((len(group) for group in by_group), default=0)
    in_turn = [group[place] for place in range(longest) for group in by_group if place < len(group)]
    return in_turn[:limit]


def estimated(cases: Sequence[Case], price: Price | None) -> Estimate:
    """From the size of what every call reads (instructions and tools), and how many calls a turn usually takes."""
    turns = sum(len(conversation) for case in cases for conversation in case.conversations)
    calls = turns * CALLS_A_TURN
    return Estimate(turns, (calls * (_always_read() + RESULT_TOKENS), calls * REPLY_TOKENS), price)


def spent(tokens: Sequence[int], price: Price | None) -> str:
    """The cost in words."""
    if price is None:
        return "an unknown amount (SPENDGATE_MODEL_PRICE is not set)"
    return f"{price.of(tokens).quantize(Decimal('0.01'))} {price.currency}"


def _always_read() -> int:
    desk = Desk(lake=cast("Any", None), now=datetime.now(UTC), speaker="p-estimate")
    schemas = [json.dumps(convert_to_openai_tool(tool), ensure_ascii=False) for tool in bind(desk)]
    return sum(len(text.encode()) for text in (prompt(), *schemas)) // BYTES_A_TOKEN
