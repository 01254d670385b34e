"""Streams, the stop button, sessions and the workspace's own clock, as Slack's documentation tells of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import Response
from slack_sdk.errors import SlackApiError

from sandbox.slack.clock import MovedClock
from sandbox.slack.driver import DriverError
from sandbox.slack.seed import default_seed
from sandbox.slack.trial import Desk, sandbox_with_app

pytestmark = pytest.mark.slow

OLIVIA, ROOM = "U0OLIVIA", "D0OLIVIA"


def task(name: str, status: str, title: str = "Reading the bill", **more: str) -> dict[str, Any]:
    return {"type": "task_update", "id": name, "title": title, "status": status, **more}


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    async with sandbox_with_app(clock=MovedClock(), retry_scale=1.0) as one:
        yield one


async def begun(desk: Desk, **more: Any) -> tuple[str, str]:
    said = await desk.driver.say(OLIVIA, "@app", "hello")
    stream = await desk.client.chat_startStream(channel=ROOM, thread_ts=said.ts, **more)
    return said.ts, str(stream["ts"])


async def message(desk: Desk, ts: str) -> dict[str, Any]:
    return next(one for one in await desk.driver.messages("@app", user=OLIVIA) if one["ts"] == ts)


async def refused(call: Any, error: str) -> None:
    with pytest.raises(SlackApiError) as told:
        await call
    assert told.value.response["error"] == error


async def test_a_stream_grows_and_ends_after_five_minutes(desk: Desk) -> None:
    _, ts = await begun(desk, markdown_text="one ")
    await desk.client.chat_appendStream(channel=ROOM, ts=ts, chunks=[task("1", "in_progress")])
    await desk.client.chat_appendStream(channel=ROOM, ts=ts, markdown_text="two")
    shown = await message(desk, ts)
    assert (shown["text"], shown["streaming"]) == ("one two", True)
    assert [block["type"] for block in shown["blocks"]] == ["task_card", "markdown"]
    await desk.driver.move(299)
    await desk.client.chat_appendStream(channel=ROOM, ts=ts, chunks=[task("1", "complete")])
    await refused(desk.client.chat_update(channel=ROOM, ts=ts, text="x"), "streaming_state_conflict")
    await refused(desk.client.chat_delete(channel=ROOM, ts=ts), "cant_delete_message")
    await desk.driver.move(2)
    await refused(
        desk.client.chat_appendStream(channel=ROOM, ts=ts, markdown_text="x"), "message_not_in_streaming_state"
    )
    await refused(desk.client.chat_stopStream(channel=ROOM, ts=ts), "message_not_in_streaming_state")
    await desk.client.chat_update(channel=ROOM, ts=ts, text="one two three")
    assert (await message(desk, ts))["text"] == "one two three"


async def test_tasks_change_in_place_and_details_are_added(desk: Desk) -> None:
    plan = {"type": "plan_update", "title": "At it"}
    first = [plan, task("1", "in_progress", details="a"), task("2", "pending", title="Later")]
    _, ts = await begun(desk, chunks=first, task_display_mode="plan")
    await desk.client.chat_appendStream(
        channel=ROOM, ts=ts, chunks=[task("1", "complete", title="Read the bill", details="b")]
    )
    (block,) = (await message(desk, ts))["blocks"]
    assert (block["type"], block["title"]) == ("plan", "At it")
    assert [(one["task_id"], one["title"], one["status"]) for one in block["tasks"]] == [
        ("1", "Read the bill", "complete"),
        ("2", "Later", "pending"),
    ]
    assert block["tasks"][0]["details"]["elements"][0]["elements"] == [{"type": "text", "text": "ab"}]
    metadata = {"event_type": "e", "event_payload": {"key": "k"}}
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "done"}}]
    await desk.client.chat_stopStream(channel=ROOM, ts=ts, blocks=blocks, metadata=metadata)
    ended = await message(desk, ts)
    assert [one["type"] for one in ended["blocks"]] == ["plan", "section"]
    assert (ended["metadata"], "streaming" in ended) == (metadata, False)
    await refused(desk.client.chat_stopStream(channel=ROOM, ts=ts), "message_not_in_streaming_state")


@pytest.mark.parametrize(
    "chunks",
    [
        [task("1", "done")],
        [task("", "complete")],
        [task("1", "complete", title="x" * 257)],
        [task("1", "complete", details="x" * 257)],
        [{"type": "plan_update", "title": "x" * 257}],
        [{"type": "poem"}],
        ["text"],
        [task(str(number), "pending") for number in range(51)],
    ],
)
async def test_chunks_that_slack_refuses_change_nothing(desk: Desk, chunks: list[Any]) -> None:
    _, ts = await begun(desk, chunks=[task("0", "in_progress")])
    before = await message(desk, ts)
    appended = desk.client.api_call("chat.appendStream", json={"channel": ROOM, "ts": ts, "chunks": chunks})
    await refused(appended, "invalid_chunks")
    assert await message(desk, ts) == before


async def test_a_stream_that_is_stopped_with_bad_blocks_goes_on(desk: Desk) -> None:
    _, ts = await begun(desk, markdown_text="one")
    stopped = desk.client.chat_stopStream(channel=ROOM, ts=ts, markdown_text=" two", blocks=[{"type": "nothing"}])
    await refused(stopped, "invalid_blocks")
    await refused(desk.client.chat_stopStream(channel=ROOM, ts=ts, markdown_text="x" * 12_001), "msg_too_long")
    assert (await message(desk, ts))["text"] == "one"


async def test_a_stream_says_for_whom_in_a_channel_and_stands_in_a_thread(desk: Desk) -> None:
    root = await desk.client.chat_postMessage(channel="C0AIOPS", text="figures")
    at = {"channel": "C0AIOPS", "thread_ts": root["ts"]}
    await refused(desk.client.chat_startStream(**at), "missing_recipient_user_id")
    await refused(desk.client.chat_startStream(**at, recipient_user_id=OLIVIA), "missing_recipient_team_id")
    whole = {**at, "recipient_user_id": OLIVIA, "recipient_team_id": "T0BANK"}
    assert (await desk.client.chat_startStream(**whole))["ok"]
    await refused(desk.client.chat_startStream(**{**whole, "thread_ts": "1.000001"}), "thread_not_found")
    await refused(desk.client.chat_appendStream(channel="C0AIOPS", ts=root["ts"]), "message_not_in_streaming_state")
    theirs = await desk.driver.say(OLIVIA, "C0AIOPS", "mine")
    await refused(desk.client.chat_stopStream(channel="C0AIOPS", ts=theirs.ts), "message_not_owned_by_app")


async def test_the_stop_button_ends_the_streams_and_tells_the_app(desk: Desk) -> None:
    root, ts = await begun(desk, markdown_text="one")
    with pytest.raises(DriverError, match="not at work"):
        await desk.driver.stop(OLIVIA, "@app", root)
    told = await desk.client.agents_sessions_setStatus(
        channel_id=ROOM, thread_ts=root, status="processing", title="Costs"
    )
    assert (told["status"], told["title"], "warning" in told.data) == ("processing", "Costs", False)
    pressed = await desk.driver.stop(OLIVIA, "@app", root)
    assert pressed["streaming_message_ts"] == [ts]
    heard = await desk.driver.until(lambda _: desk.received and desk.received[-1]["body"], user=OLIVIA)
    assert "agent_session_stopped" in heard
    assert f'"streaming_message_ts":["{ts}"]' in heard
    await refused(
        desk.client.chat_appendStream(channel=ROOM, ts=ts, markdown_text="x"), "message_not_in_streaming_state"
    )
    (room,) = [one for one in (await desk.driver.state(OLIVIA))["rooms"] if one["id"] == ROOM]
    assert [one["status"] for one in room["sessions"]] == ["processing"]  # it is for the app to say that it stopped
    await desk.client.agents_sessions_setStatus(channel_id=ROOM, thread_ts=root, status="active", title="another")
    (room,) = [one for one in (await desk.driver.state(OLIVIA))["rooms"] if one["id"] == ROOM]
    assert room["sessions"] == [{"thread_ts": root, "title": "Costs", "status": "active"}]
    await desk.client.agents_sessions_rename(channel_id=ROOM, thread_ts=root, title="Costs of May")
    await refused(desk.client.agents_sessions_rename(channel_id=ROOM, thread_ts=ts, title="x"), "session_not_found")


async def test_a_stopped_stream_sets_the_session(desk: Desk) -> None:
    root, ts = await begun(desk, markdown_text="one")
    await desk.client.agents_sessions_setStatus(channel_id=ROOM, thread_ts=root, status="processing")
    await desk.client.chat_stopStream(channel=ROOM, ts=ts, session_status="suspended")
    (room,) = [one for one in (await desk.driver.state(OLIVIA))["rooms"] if one["id"] == ROOM]
    assert [one["status"] for one in room["sessions"]] == ["suspended"]


async def test_an_app_that_does_not_listen_has_no_stop_button() -> None:
    seed = default_seed()
    deaf = seed.model_copy(update={"app": seed.app.model_copy(update={"events": ("message.im",)})})
    async with sandbox_with_app(seed=deaf, with_app=False) as desk:
        root, _ = await begun(desk)
        told = await desk.client.agents_sessions_setStatus(channel_id=ROOM, thread_ts=root, status="processing")
        assert told["warning"] == "missing_agent_session_stopped_event_subscription"
        with pytest.raises(DriverError, match="does not listen"):
            await desk.driver.stop(OLIVIA, "@app", root)
        with pytest.raises(DriverError, match="--clock"):
            await desk.driver.move(1)


async def test_what_lasts_follows_the_clock(desk: Desk) -> None:
    """Retries after a minute and after five; a trigger of three seconds; a response address of half an hour."""
    told: list[str] = []

    def broken(request: Any, _body: bytes) -> Any:
        told.append(request.headers.get("x-slack-retry-num", "0"))
        return Response(status_code=500)

    desk.intercept = broken
    at = await desk.driver.move(1)
    await desk.driver.say(OLIVIA, "@app", "hello")

    async def heard(count: int) -> None:
        async with asyncio.timeout(60):
            while len(told) < count:  # noqa: ASYNC110 (the app counts what it hears)
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert len(told) == count

    await heard(2)  # at once, and once more at once
    await desk.driver.move(61)
    await heard(3)
    await desk.driver.move(301)
    await heard(4)
    assert told == ["0", "1", "2", "3"]
    trigger = desk.site.views.new_trigger(OLIVIA)
    view = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": []}
    posted = await desk.client.chat_postMessage(channel="C0AIOPS", text="x")
    assert float(posted["ts"]) > at + 360
    address = desk.site.new_response_url(desk.site.workspace.message("C0AIOPS", posted["ts"]), OLIVIA)
    await desk.driver.move(4)
    await refused(desk.client.views_open(trigger_id=trigger, view=view), "expired_trigger_id")
    await desk.driver.move(1_800)
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.post(address, json={"text": "late"})).json()["error"] == "expired_url"
