"""The provider on loopback: the official client reads what it says, and each bad manner is what its name says."""

import json
from typing import Any

import httpx
import openai
import pytest

from sandbox.model.reply import Manner, Reply, calls, refuses, says
from sandbox.model.serve import nobody, served_model

ASK: Any = [{"role": "user", "content": "?"}]


def test_the_official_client_reads_a_text_a_call_and_the_tokens_whole_and_streamed() -> None:
    with served_model(says("Hello, you.")) as provider:
        client: Any = openai.OpenAI(api_key="x", base_url=provider.address)
        whole = client.chat.completions.create(model="m", messages=ASK)
        parts = list(client.chat.completions.create(model="m", messages=ASK, stream=True))
        provider.say(calls("query_spend", period="2026-10"))
        called = client.chat.completions.create(model="m", messages=ASK)
    assert whole.choices[0].message.content == "Hello, you."
    assert "".join(part.choices[0].delta.content or "" for part in parts if part.choices) == "Hello, you."
    assert whole.usage.total_tokens == parts[-1].usage.total_tokens == 940
    assert json.loads(called.choices[0].message.tool_calls[0].function.arguments) == {"period": "2026-10"}


def test_the_last_reply_goes_on_for_ever_and_requests_are_remembered() -> None:
    with served_model(says("one"), says("two")) as provider:
        said = [httpx.post(f"{provider.address}/chat/completions", json={"n": n}).json() for n in range(3)]
        assert [one["choices"][0]["message"]["content"] for one in said] == ["one", "two", "two"]
        assert provider.requests == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_a_refusal_carries_its_status_and_its_wish() -> None:
    with served_model(refuses(429, retry_after="7")) as provider:
        answered = httpx.post(f"{provider.address}/chat/completions", json={})
    assert (answered.status_code, answered.headers["retry-after"]) == (429, "7")


@pytest.mark.parametrize("manner", [Manner.CUT, Manner.EMPTY, Manner.ENDS_EARLY, Manner.BROKEN_JSON, Manner.GARBAGE])
def test_a_spoilt_stream_has_no_orderly_end(manner: Manner) -> None:
    with served_model(Reply(text="a text of several pieces").arriving(manner)) as provider:
        body = b""
        try:
            with httpx.stream("POST", f"{provider.address}/chat/completions", json={"stream": True}) as answered:
                for piece in answered.iter_bytes():
                    body += piece
        except httpx.HTTPError:
            assert manner is Manner.CUT
    ended = b'"finish_reason": "stop"' in body and b"[DONE]" in body
    assert ended is (manner is Manner.BROKEN_JSON), body[-80:]


def test_nobody_is_at_the_address_of_nobody() -> None:
    with pytest.raises(httpx.ConnectError):
        httpx.get(nobody())
