"""The sandbox behind a client library that knows nothing of it: uploads, streams, limits, scopes, channels, sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from sandbox.slack.errors import SandboxError
from sandbox.slack.seed import Seed, default_seed, load_seed
from sandbox.slack.tiers import Tiers
from sandbox.slack.trial import sandbox_with_app

EVERYTHING = ("files:write", "files:read", "channels:manage", "channels:join", "reactions:write", "reactions:read")


def able() -> Seed:
    """The sample workspace, with an app that may do more than ours."""
    seed = default_seed()
    return seed.model_copy(update={"app": seed.app.model_copy(update={"scopes": (*seed.app.scopes, *EVERYTHING)})})


async def test_a_file_is_uploaded_in_three_steps_by_the_sdk() -> None:
    async with sandbox_with_app(seed=able(), with_app=False) as desk:
        root = await desk.client.chat_postMessage(channel="C0AIOPS", text="figures")
        done = await desk.client.files_upload_v2(
            channel="C0AIOPS", thread_ts=root["ts"], filename="figures.csv", content="a,b\n1,2\n", title="All rows"
        )
        file = done["files"][0]
        (message,) = [m for m in await desk.driver.messages("C0AIOPS") if m.get("files")]
        assert message["files"][0]["title"] == "All rows"
        assert message["thread_ts"] == root["ts"]
        assert (await desk.client.files_info(file=file["id"]))["file"]["size"] == 8


async def test_channels_are_made_entered_and_archived() -> None:
    async with sandbox_with_app(seed=able(), with_app=False) as desk:
        made = (await desk.client.conversations_create(name="new-costs"))["channel"]["id"]
        await desk.client.conversations_invite(channel=made, users="U0OLIVIA,U0ARJUN")
        assert (await desk.client.conversations_members(channel=made))["members"][:2] == ["U0OLIVIA", "U0ARJUN"]
        await desk.client.conversations_archive(channel=made)
        with pytest.raises(SlackApiError, match="is_archived"):
            await desk.client.chat_postMessage(channel=made, text="late")
        with pytest.raises(SlackApiError, match="name_taken"):
            await desk.client.conversations_create(name="new-costs")


async def test_a_missing_scope_is_named_and_so_are_those_that_there_are() -> None:
    async with sandbox_with_app(with_app=False) as desk:
        with pytest.raises(SlackApiError) as refused:
            await desk.client.reactions_get(channel="C0AIOPS", timestamp="1.000001")
        assert refused.value.response["error"] == "missing_scope"
        assert refused.value.response["needed"] == "reactions:read"
        assert "chat:write" in refused.value.response["provided"]
        await desk.driver.revoke()
        with pytest.raises(SlackApiError, match="token_revoked"):
            await desk.client.auth_test()


async def test_too_much_at_once_is_429_with_the_seconds_to_wait() -> None:
    async with sandbox_with_app(with_app=False, rate_limits=True) as desk:
        for _ in range(4):
            await desk.client.chat_postMessage(channel="C0AIOPS", text="x")
        with pytest.raises(SlackApiError) as refused:
            await desk.client.chat_postMessage(channel="C0AIOPS", text="x")
        assert refused.value.response.status_code == 429
        assert int(refused.value.response.headers["retry-after"]) >= 1
        await desk.client.chat_postMessage(channel="C0APPROVE", text="another channel")


def test_a_tier_is_so_many_a_minute() -> None:
    now = [0.0]
    tiers = Tiers(lambda: now[0])
    asked = [tiers.too_much("users.list", None) for _ in range(31)]
    assert asked[:30] == [None] * 30
    assert asked[30] == 60
    now[0] = 61.0
    assert tiers.too_much("users.list", None) is None


async def test_sockets_greet_and_what_was_not_acknowledged_comes_again_on_the_next() -> None:
    async with sandbox_with_app(with_app=False, socket_mode=True, ack_seconds=5.0) as desk:
        heard: list[SocketModeRequest] = []
        raw: list[dict[str, Any]] = []

        async def listen(client: SocketModeClient, request: SocketModeRequest) -> None:
            heard.append(request)
            if len(heard) > 1:
                await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

        client = SocketModeClient(app_token="xapp-sandbox", web_client=desk.client)
        client.socket_mode_request_listeners.append(listen)  # type: ignore[arg-type]

        async def note(_: Any, message: dict[str, Any], __: Any) -> None:
            raw.append(message)

        client.message_listeners.append(note)
        await client.connect()  # type: ignore[no-untyped-call]
        await desk.driver.say("U0OLIVIA", "@app", "hello")
        for _ in range(100):
            if heard:
                break
            await asyncio.sleep(0.05)
        await desk.driver.disconnect("refresh_requested")  # before it was acknowledged
        for _ in range(200):
            if len(heard) > 1:
                break
            await asyncio.sleep(0.05)
        assert {one.envelope_id for one in heard} == {heard[0].envelope_id}
        assert [one.type for one in heard] == ["events_api"] * 2
        assert raw[0]["type"] == "hello"
        await client.close()  # type: ignore[no-untyped-call]


def test_a_workspace_may_be_written_in_yaml(tmp_path: Path) -> None:
    file = tmp_path / "bank.yaml"
    file.write_text(
        "people:\n  - {id: U1, name: Ann, handle: ann, guest: true}\nchannels:\n  - {id: C1, name: costs}\n"
    )
    seed = load_seed(file)
    assert (seed.people[0].name, seed.people[0].guest, seed.channels[0].name) == ("Ann", True, "costs")
    file.write_text("people: [\n")
    with pytest.raises(SandboxError, match="is no YAML"):
        load_seed(file)
