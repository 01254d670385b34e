"""The language model behind the conversation: any server that speaks the OpenAI API, or the offline model of ours.

Whatever a server sends (nothing, garbage, an unknown tool, arguments that are no JSON) comes back from here as a reply
or as a sentence for the asker; nothing of it is an exception in the middle of a turn.
"""

import asyncio
import json
import logging
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import httpx
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.tools import BaseTool
from pydantic import SecretStr

from agent.state import Json

OPENAI = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-5"
PROVIDER = "openai-chat"
"""how LangChain calls a client of the OpenAI API"""
ENDED = ("stop", "tool_calls", "function_call", "completed")
TOO_LONG = "The language model's reply was longer than it may be."
MOST_LETTERS = 40_000
"""of one reply, text and arguments: several times the longest answer that is shown"""
MOST_VALUES = 2_000
"""keys and values in the arguments of one call"""
LATE = "The language model did not answer in time."
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reply:
    """One reply: text, tool calls as {id, name, args}, tokens (input, output); or `failure`, a sentence.

    `may_pass`: the failure may be gone a moment later; `after`: seconds that the server wants to be left alone;
    `tries`: how many requests it took, whose tokens are all counted.
    """

    text: str = ""
    calls: list[Json] = field(default_factory=list)
    tokens: tuple[int, int] = (0, 0)
    failure: str = ""
    may_pass: bool = False
    after: float = 0.0
    tries: int = 1


def openai_model(
    *,
    key: str,
    model: str = DEFAULT_MODEL,
    base_url: str | None = None,
    seconds: float = 45.0,
    http_client: httpx.Client | None = None,
    http_async_client: httpx.AsyncClient | None = None,
) -> BaseChatModel:
    """`ChatOpenAI` on OpenAI's API, or on a compatible server at `base_url`."""
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(
        model=model,
        api_key=SecretStr(key),
        base_url=base_url or OPENAI,  # always given: LANGSMITH_GATEWAY in the environment would reroute it otherwise
        # A compatible server seldom has the Responses API, which some model names would choose.
        use_responses_api=False if base_url else None,
        # Streamed although nobody reads along before the check: a reply that stalls or is cut off is noticed then.
        streaming=True,
        stream_usage=True,
        timeout=seconds,
        max_retries=0,  # `voices.ask_again` does that, within a budget
        http_client=http_client,
        http_async_client=http_async_client,
    )


async def ask(
    model: BaseChatModel, messages: Sequence[BaseMessage], tools: Sequence[BaseTool], *, seconds: float
) -> Reply:
    """One call, within `seconds`; a failure is a reply with a sentence."""
    try:
        async with asyncio.timeout(seconds):
            bound = model.bind_tools(list(tools)) if tools else model
            said = await _streamed(bound, messages) if _is_provider(model) else await bound.ainvoke(list(messages))
        return _unfinished(model, said) or _read(said)
    except TimeoutError:
        return Reply(failure=LATE)
    except TooLongError:
        return Reply(failure=TOO_LONG)
    except Exception as error:  # noqa: BLE001  # a server is the outside world: any garbage is a failed reply
        _log.warning("the model's reply could not be used: %s", type(error).__name__)
        status = getattr(error, "status_code", None)
        headers = getattr(getattr(error, "response", None), "headers", {})
        return Reply(
            failure=_sentence(error),
            may_pass="Timeout" not in type(error).__name__ and (status is None or status == 429 or status >= 500),
            after=_seconds(headers.get("retry-after", "")),
        )


class TooLongError(Exception):
    """A reply that went on and on; the rest of it is not waited for."""


def _is_provider(model: BaseChatModel) -> bool:
    return getattr(model, "_llm_type", "") == PROVIDER


async def _streamed(bound: Any, messages: Sequence[BaseMessage]) -> BaseMessage:
    """A whole reply from its stream, which is closed at once when the reply is too long or nobody waits any more."""
    parts: list[AIMessageChunk] = []
    letters = 0
    async with aclosing(bound.astream(list(messages))) as stream:
        async for part in stream:
            parts.append(part)
            letters += len(str(part.text)) + sum(len(one.get("args") or "") for one in part.tool_call_chunks)
            if letters > MOST_LETTERS:
                raise TooLongError
    return add_ai_message_chunks(*parts) if parts else AIMessage("")


def _unfinished(model: BaseChatModel, said: BaseMessage) -> Reply | None:
    """A failed reply if a provider did not say that it had come to its end: half a call may ask for something else."""
    if not _is_provider(model):
        return None
    told = said.response_metadata
    ended = told.get("finish_reason") or told.get("status")
    if ended in ENDED:
        return None
    _log.warning("the model's reply did not end well: %s", ended or "no word of its end")
    tokens = _tokens(said) if isinstance(said, AIMessage) else (0, 0)
    if ended == "length" or ended == "incomplete":
        return Reply(failure=TOO_LONG, tokens=tokens)
    if ended == "content_filter":
        return Reply(failure="The language model's provider held its reply back.", tokens=tokens)
    return Reply(failure="The language model's reply was cut off.", tokens=tokens, may_pass=True)


def _seconds(text: str) -> float:
    """`retry-after` in seconds; a date, or anything else, counts as no wish."""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0.0


def _sentence(error: Exception) -> str:
    status = getattr(error, "status_code", None)
    if status in (401, 403):
        return "The language model refused the key that this installation holds."
    if status == 429:
        return "The language model is over its quota or too busy."
    if status == 404:
        return "The language model that this installation names is not known to the server."
    if "Timeout" in type(error).__name__:
        return LATE
    return "The language model could not be reached or gave no usable reply."


def _read(said: BaseMessage) -> Reply:
    if not isinstance(said, AIMessage):
        return Reply(failure="The language model gave no usable reply.")
    broken = _broken(said)
    calls: list[Json] = [
        {
            "id": str(call.get("id") or f"call-{n}"),
            "name": str(call["name"]),
            "args": None if call.get("id") in broken else _storable(call["args"] or {}),
        }
        for n, call in enumerate(said.tool_calls)
    ]
    calls += [
        {"id": str(call.get("id") or f"bad-{n}"), "name": str(call.get("name") or "?"), "args": None}
        for n, call in enumerate(said.invalid_tool_calls)
    ]
    return Reply(text=str(said.text), calls=calls, tokens=_tokens(said))


def _broken(said: AIMessage) -> set[str | None]:
    """Ids of streamed calls whose arguments are not wholly JSON: the library would take what it can read of them, and a
    filter that was lost on the way would make another question of it."""
    found: set[str | None] = set()
    for chunk in said.tool_call_chunks if isinstance(said, AIMessageChunk) else []:
        try:
            json.loads(chunk.get("args") or "{}")
        except ValueError:
            found.add(chunk.get("id"))
    return found


def _storable(arguments: Json) -> Json | None:
    """The arguments, or None, as for those that are no JSON.

    A checkpoint cannot hold every number and letter that JSON can, and a turn that cannot be stored fails for ever.
    """
    waiting: list[Any] = [arguments]
    for seen in range(MOST_VALUES):
        if not waiting:
            return dict(arguments)
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            waiting += value
        elif not _holds(value):
            return None
        if len(waiting) > MOST_VALUES - seen:
            return None
    return None


def _holds(value: Any) -> bool:
    """Whether a checkpoint holds this number or text: 64 bits, and whole letters."""
    if isinstance(value, str):
        return not any("\ud800" <= letter <= "\udfff" for letter in value)
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def _tokens(said: AIMessage) -> tuple[int, int]:
    usage: Any = said.usage_metadata or {}
    return int(usage.get("input_tokens", 0) or 0), int(usage.get("output_tokens", 0) or 0)


def as_messages(system: str, before: Sequence[Json], turn: Sequence[Json]) -> list[BaseMessage]:
    """Plain dictionaries of the state as LangChain's messages."""
    return [SystemMessage(system), *(_as_message(message) for message in (*before, *turn))]


def _as_message(message: Json) -> BaseMessage:
    match message["role"]:
        case "user":
            return HumanMessage(message["text"])
        case "tool":
            return ToolMessage(message["text"], tool_call_id=message["call"], name=message["name"])
        case _:
            calls = [
                {"id": call["id"], "name": call["name"], "args": call["args"] or {}, "type": "tool_call"}
                for call in message.get("calls", [])
            ]
            return AIMessage(message["text"], tool_calls=calls)
