"""What every question costs before anything is answered: instructions, names and schemas of all tools."""

import json
from datetime import UTC, datetime
from typing import Any, cast

from langchain_core.utils.function_calling import convert_to_openai_tool

from agent.turns import prompt
from tools.catalogue import bind
from tools.desk import Desk

MOST_TOKENS = 2_000
BYTES_A_TOKEN = 4  # reads a little high for English and JSON


def test_prompt_and_tools_cost_two_thousand_tokens_at_most() -> None:
    desk = Desk(lake=cast("Any", None), now=datetime(2026, 11, 18, tzinfo=UTC), speaker="p-1")
    schemas = [
        json.dumps(convert_to_openai_tool(tool), ensure_ascii=False, separators=(",", ":")) for tool in bind(desk)
    ]
    tokens = sum(len(text.encode()) for text in (prompt(), *schemas)) / BYTES_A_TOKEN
    assert tokens <= MOST_TOKENS, f"{tokens:.0f} tokens"
    assert all('"title":' not in schema for schema in schemas)
