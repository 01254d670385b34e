"""The language model behind the conversation: any server that speaks the OpenAI API, or the offline model of ours.

Whatever a server sends (nothing, garbage, an unknown tool, arguments that are no JSON) comes back from here as a reply
or as a sentence for the asker; nothing of it is an exception in the middle of a turn.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import BaseTool
from pydantic import SecretStr

from agent.state import Json

OPENAI = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-5"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reply:
    """One reply: text, tool calls as {id, name, args}, tokens (input, output); or `failure`, a sentence."""

    text: str = ""
    calls: list[Json] = field(default_factory=list)
    tokens: tuple[int, int] = (0, 0)
    failure: str = ""


def openai_model(
    *,
    key: str,
    model: str = DEFAULT_MODEL,
    base_url: str | None = None,
    seconds: float = 45.0,
    retries: int = 2,
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
        stream_usage=True,
        timeout=seconds,
        max_retries=retries,
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
            said = await bound.ainvoke(list(messages))
        return _read(said)
    except TimeoutError:
        return Reply(failure="The language model did not answer in time.")
    except Exception as error:  # noqa: BLE001  # a server is the outside world: any garbage is a failed reply
        _log.warning("the model's reply could not be used: %s", type(error).__name__)
        return Reply(failure=_sentence(error))


def _sentence(error: Exception) -> str:
    status = getattr(error, "status_code", None)
    if status in (401, 403):
        return "The language model refused the key that this installation holds."
    if status == 429:
        return "The language model is over its quota or too busy."
    if status == 404:
        return "The language model that this installation names is not known to the server."
    if "Timeout" in type(error).__name__:
        return "The language model did not answer in time."
    return "The language model could not be reached or gave no usable reply."


def _read(said: BaseMessage) -> Reply:
    if not isinstance(said, AIMessage):
        return Reply(failure="The language model gave no usable reply.")
    calls: list[Json] = [
        {"id": str(call.get("id") or f"call-{n}"), "name": str(call["name"]), "args": dict(call["args"] or {})}
        for n, call in enumerate(said.tool_calls)
    ]
    calls += [
        {"id": str(call.get("id") or f"bad-{n}"), "name": str(call.get("name") or "?"), "args": None}
        for n, call in enumerate(said.invalid_tool_calls)
    ]
    usage: Any = said.usage_metadata or {}
    tokens = (int(usage.get("input_tokens", 0) or 0), int(usage.get("output_tokens", 0) or 0))
    return Reply(text=str(said.text), calls=calls, tokens=tokens)


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
