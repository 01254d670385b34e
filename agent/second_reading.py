"""The second reading: a model reads sealed bytes as data and remarks on them, for the people who decide.

No tool is bound, no earlier word is remembered, and what it says goes nowhere but onto the card. The observations that
code makes on the same bytes stand before its remarks, so that a model which was talked into silence silences nothing.
"""

import asyncio
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from agent.guards import marked
from agent.model import ask
from agent.offline import OfflineModel
from agent.offline_reading import SIGNED, observations
from agent.remarks import NotReadable, Remark, Remarks, remarks_of

PROMPT = (Path(__file__).parent / "second_reading.md").read_text(encoding="utf-8")
MOST_BODY = 900
"""What the gate keeps of a reading (`approvals/advice.py`); whole remarks are left out rather than one cut."""

NOTHING = "the model had no remark, which is no approval"
NOTHING_FOUND = "plain checks found nothing to remark, which is no approval"
_MORE = "further remarks were left out"
_LEFT_OUT = "remarks that stated numbers of their own, or nothing but markup, were left out"
_APART = " · "
# What proves a claim is of no use to a reader, and need not leave the house.
_WITHHELD = frozenset({"nonce", "request_hashes"})


@dataclass(frozen=True)
class ReadingLimits:
    """Bounds of one reading."""

    tries: int = 3
    seconds: float = 40.0
    """how long one try may take"""
    pauses: tuple[float, ...] = (2.0, 8.0)
    """seconds between the tries: a server that is busy now may not be in a moment"""
    document_chars: int = 60_000


@dataclass(frozen=True)
class SecondReading:
    """What is shown, who signs it, what it cost in tokens (input, output), and whether the model took part."""

    body: str
    model: str
    tokens: tuple[int, int] = (0, 0)
    read: bool = True


async def second_reading(
    sealed: bytes, model: BaseChatModel, *, model_name: str, limits: ReadingLimits | None = None
) -> SecondReading:
    """One reading of sealed bytes; a failure is a reading too, which says that there was none and why."""
    limits = limits or ReadingLimits()
    document = document_of(sealed)
    checks = observations(document)
    if isinstance(model, OfflineModel):
        return SecondReading(_body(checks, [] if checks else [NOTHING_FOUND]), SIGNED)
    text = as_text(document)
    if len(text) > limits.document_chars:
        return unread(sealed, "the proposal is longer than a model is given to read", model_name=model_name)
    why, spent = "", (0, 0)
    for number in range(limits.tries):
        if number:
            await asyncio.sleep(limits.pauses[min(number, len(limits.pauses)) - 1])
        reply = await ask(model, messages(text), (), seconds=limits.seconds)
        spent = (spent[0] + reply.tokens[0], spent[1] + reply.tokens[1])
        try:
            if reply.failure or reply.calls:
                raise NotReadable(_lower(reply.failure) or "it tried to use a tool")
            said = remarks_of(reply.text, document)
        except NotReadable as error:
            why = str(error)
            continue
        return SecondReading(_body(checks, _told(said)), model_name, spent)
    return unread(sealed, why, model_name=model_name, tokens=spent)


def unread(sealed: bytes, why: str, *, model_name: str, tokens: tuple[int, int] = (0, 0)) -> SecondReading:
    """The reading that there was not: why, after whatever code observes."""
    told = [f"no second reading by the model was possible: {why.rstrip('.')}"]
    return SecondReading(_body(observations(document_of(sealed)), told), model_name, tokens, read=False)


def document_of(sealed: bytes) -> dict[str, Any]:
    """The sealed document as a reader may see it; empty for bytes that hold none."""
    try:
        loaded = json.loads(sealed)
    except (ValueError, RecursionError):
        return {}
    return {key: value for key, value in loaded.items() if key not in _WITHHELD} if isinstance(loaded, dict) else {}


def as_text(document: Mapping[str, Any]) -> str:
    """The document for a model: in ASCII, so that what people cannot see in a name a model cannot read there either."""
    return json.dumps(document, ensure_ascii=True, sort_keys=True)


def messages(text: str) -> list[BaseMessage]:
    """The prompt, and the document between marks that nobody who wrote a name in it could have known."""
    boundary = secrets.token_hex(16)
    return [
        SystemMessage(PROMPT.replace("$BOUNDARY", boundary)),
        HumanMessage(marked(f"sealed-{boundary}", text)),
    ]


def _told(said: Remarks) -> list[str]:
    lines = [remark.line() for remark in said.kept]
    if said.left_out:
        lines.append(_LEFT_OUT)
    return [f"model: {line}" for line in lines] or [NOTHING]


def _body(checks: Sequence[Remark], told: Sequence[str]) -> str:
    """Observations and what was told, on one line, in whole pieces."""
    kept: list[str] = []
    for piece in (*(remark.line() for remark in checks), *told):
        if len(_APART.join([*kept, piece, _MORE])) > MOST_BODY:
            return _APART.join([*kept, _MORE])
        kept.append(piece)
    return _APART.join(kept)


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
