"""A reply as bytes: the chat completion's JSON, or its server-sent events, whole or spoilt."""

import json
from collections.abc import Iterator
from typing import Any

from sandbox.model.reply import Manner, Reply

Json = dict[str, Any]
PIECE = 12
"""letters in one chunk of a stream"""
CREATED = 1_795_000_000


def completion(reply: Reply, *, model: str) -> bytes:
    """The whole answer to a request that does not stream."""
    if (spoilt := _spoilt(reply.manner)) is not None:
        return spoilt
    message: Json = {"role": "assistant", "content": reply.text or None}
    if reply.calls:
        message["tool_calls"] = [_call(number, *one) for number, one in enumerate(reply.calls)]
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply)}
    body = {**_head("chat.completion", model), "choices": [choice], "usage": _usage(reply)}
    return json.dumps(body).encode()


def chunks(reply: Reply, *, model: str) -> Iterator[bytes]:
    """The events of a stream, one at a time."""
    if (spoilt := _spoilt(reply.manner)) is not None:
        yield b"data: " + spoilt + b"\n\n" if spoilt.startswith((b"{", b"[")) else spoilt
        return
    deltas = [{"role": "assistant", "content": ""}, *_deltas(reply)]
    for number, delta in enumerate(deltas):
        if reply.manner is Manner.BROKEN_JSON and number == len(deltas) // 2:
            yield b'data: {"id": "x", "choices": [{"delta": {"con\n\n'
        yield _event({**_head("chat.completion.chunk", model), "choices": [_choice(delta)], "usage": None})
    if reply.manner is Manner.ENDS_EARLY:
        return
    finished = {**_choice({}), "finish_reason": _finish(reply)}
    yield _event({**_head("chat.completion.chunk", model), "choices": [finished], "usage": None})
    yield _event({**_head("chat.completion.chunk", model), "choices": [], "usage": _usage(reply)})
    yield b"data: [DONE]\n\n"


def error(status: int) -> bytes:
    """The provider's own words for a refusal; they must never reach an asker."""
    said = {"message": f"sandbox provider error {status} for key sk-hidden", "type": "error", "code": str(status)}
    return json.dumps({"error": said}).encode()


def _deltas(reply: Reply) -> Iterator[Json]:
    for at in range(0, len(reply.text), PIECE):
        yield {"content": reply.text[at : at + PIECE]}
    for number, (name, arguments) in enumerate(reply.calls):
        yield {"tool_calls": [{**_call(number, name, ""), "index": number}]}
        for at in range(0, len(arguments), PIECE):
            part = {"index": number, "function": {"arguments": arguments[at : at + PIECE]}}
            yield {"tool_calls": [part]}


def _spoilt(manner: Manner) -> bytes | None:
    return {
        Manner.GARBAGE: bytes(range(128, 256)) * 4,
        Manner.NO_JSON: b"<html><body>502 Bad Gateway 42</body></html>",
        Manner.EMPTY: b"",
        Manner.NO_CHOICES: b'{"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}',
        Manner.NULL: b'{"id": null, "object": null, "created": null, "model": null, "choices": null, "usage": null}',
        Manner.OTHER_SHAPE: b'[1, {"answer": "AI cost $5"}]',
    }.get(manner)


def _finish(reply: Reply) -> str:
    if reply.manner is Manner.OUT_OF_ROOM:
        return "length"
    if reply.manner is Manner.FILTERED:
        return "content_filter"
    return "tool_calls" if reply.calls else "stop"


def _call(number: int, name: str, arguments: str) -> Json:
    return {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}


def _choice(delta: Json) -> Json:
    return {"index": 0, "delta": delta, "finish_reason": None}


def _head(kind: str, model: str) -> Json:
    return {"id": "chatcmpl-sandbox", "object": kind, "created": CREATED, "model": model}


def _usage(reply: Reply) -> Json:
    total = reply.input_tokens + reply.output_tokens
    return {"prompt_tokens": reply.input_tokens, "completion_tokens": reply.output_tokens, "total_tokens": total}


def _event(body: Json) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"
