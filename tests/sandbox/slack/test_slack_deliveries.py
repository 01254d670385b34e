"""What reaches the app: signed as Slack signs, acknowledged in three seconds or sent again, and replayable verbatim."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from fastapi import Request, Response

from sandbox.slack.driver import DriverError
from sandbox.slack.errors import SandboxError
from sandbox.slack.settings import SiteSettings
from sandbox.slack.trial import SECRET, Desk, sandbox_with_app

Json = dict[str, Any]
BUTTON: Json = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}


def listen(desk: Desk) -> None:
    """Lets the app acknowledge messages: Bolt answers 404 to an event that it has no listener for."""

    @desk.bolt.event("message")
    async def heard() -> None:
        return None


async def delivered(desk: Desk, event_id: str, count: int) -> list[Json]:
    """The deliveries of one event, when there are that many and none is under way."""

    def enough(_: Json) -> bool:
        found = [one for one in desk.site.transcript.deliveries if one.event_id == event_id]
        return len(found) >= count and all(one.outcome != "waiting" for one in found)

    await desk.driver.until(enough, hint=f"{count} deliveries of {event_id}")
    return await desk.driver.deliveries(event_id=event_id)


async def test_the_signature_is_slacks(desk: Desk) -> None:
    said = await desk.driver.say("U0OLIVIA", "@app", "héllo")
    await delivered(desk, said.event_ids[0], 1)

    request = desk.received[0]
    stamp = request["headers"]["x-slack-request-timestamp"]
    expected = hmac.new(SECRET.encode(), f"v0:{stamp}:{request['body']}".encode(), hashlib.sha256).hexdigest()
    assert request["headers"]["x-slack-signature"] == f"v0={expected}"
    assert abs(int(stamp) - time.time()) < 5


async def test_an_event_has_all_that_slack_sends(desk: Desk) -> None:
    said = await desk.driver.say("U0OLIVIA", "@app", "why?")
    await delivered(desk, said.event_ids[0], 1)

    body = json.loads(desk.received[0]["body"])
    assert (body["type"], body["team_id"], body["api_app_id"]) == ("event_callback", "T0BANK", "A0SPENDGATE")
    assert body["event_id"] == said.event_ids[0]
    assert isinstance(body["event_time"], int)
    assert body["authorizations"][0]["user_id"] == "U0SPENDGATE"
    event = body["event"]
    assert (event["type"], event["channel_type"], event["channel"]) == ("message", "im", "D0OLIVIA")
    assert (event["user"], event["text"], event["ts"], event["team"]) == ("U0OLIVIA", "why?", said.ts, "T0BANK")
    assert event["client_msg_id"]
    assert event["blocks"][0]["type"] == "rich_text"


async def test_the_app_hears_its_own_messages_and_edits(desk: Desk) -> None:
    listen(desk)
    ts = (await desk.client.chat_postMessage(channel="D0OLIVIA", text="one"))["ts"]
    await desk.driver.until(lambda _: len(desk.received) == 1)
    await desk.client.chat_update(channel="D0OLIVIA", ts=ts, text="two")
    await desk.driver.until(lambda _: len(desk.received) == 2)

    own, change = (json.loads(one["body"])["event"] for one in desk.received)
    assert (own["bot_id"], own["user"]) == ("B0SPENDGATE", "U0SPENDGATE")
    assert (change["subtype"], change["message"]["text"], change["previous_message"]["text"]) == (
        "message_changed",
        "two",
        "one",
    )


async def test_an_event_is_sent_again_until_it_is_acknowledged(desk: Desk) -> None:
    def twice_not(_request: Request, _: bytes) -> Response | None:
        return Response(status_code=500) if len(desk.received) <= 2 else None

    listen(desk)
    desk.intercept = twice_not
    said = await desk.driver.say("U0OLIVIA", "@app", "why?")
    tries = await delivered(desk, said.event_ids[0], 3)

    assert [one["outcome"] for one in tries] == ["refused", "refused", "answered"]
    assert [one["request_headers"].get("x-slack-retry-num") for one in tries] == [None, "1", "2"]
    assert [one["request_headers"].get("x-slack-retry-reason") for one in tries] == [None, "http_error", "http_error"]
    assert len({one["request_body"] for one in tries}) == 1


async def test_an_event_is_given_up_after_three_retries(desk: Desk) -> None:
    desk.intercept = lambda _request, _body: Response(status_code=500)
    said = await desk.driver.say("U0OLIVIA", "@app", "why?")
    await delivered(desk, said.event_ids[0], 4)
    await asyncio.sleep(0.5)

    assert len(desk.received) == 4


async def test_the_app_may_decline_retries(desk: Desk) -> None:
    desk.intercept = lambda _request, _body: Response(status_code=401, headers={"x-slack-no-retry": "1"})
    said = await desk.driver.say("U0OLIVIA", "@app", "why?")
    await delivered(desk, said.event_ids[0], 1)
    await asyncio.sleep(0.2)

    assert len(desk.received) == 1


async def test_a_slow_app_misses_the_deadline_and_the_person_is_told() -> None:
    async with sandbox_with_app(ack_seconds=0.3) as desk:

        @desk.bolt.action("go")
        async def slow(ack: Any) -> None:
            await asyncio.sleep(0.8)
            await ack()

        actions = [{"type": "actions", "elements": [BUTTON]}]
        ts = (await desk.client.chat_postMessage(channel="C0AIOPS", text="x", blocks=actions))["ts"]
        pressed = await desk.driver.click("U0ARJUN", "go", channel="C0AIOPS", ts=ts)
        told = (await desk.driver.state("U0ARJUN"))["notices"]
        others = (await desk.driver.state("U0EDITH"))["notices"]

        assert not pressed.acknowledged
        assert pressed.delivery is not None
        assert (pressed.delivery["outcome"], pressed.delivery["error"]) == ("timeout", "no answer within 0.3 s")
        assert len(desk.received) == 1, "an interaction is never sent again"
        assert told[-1]["kind"] == "app_did_not_respond"
        assert others == []


async def test_without_an_app_nothing_is_lost_or_repeated() -> None:
    async with sandbox_with_app(with_app=False) as desk:
        said = await desk.driver.say("U0OLIVIA", "@app", "anybody?")
        tries = await delivered(desk, said.event_ids[0], 1)
        checked = await desk.driver.verify_url()

        assert [one["outcome"] for one in tries] == ["failed"]
        assert "--app-url" in tries[0]["error"]
        assert not checked.acknowledged
        assert [m["text"] for m in await desk.driver.messages("@app", user="U0OLIVIA")] == ["anybody?"]


async def test_an_app_that_is_not_there_yet_gets_the_event_on_a_retry() -> None:
    async with sandbox_with_app() as desk:
        listen(desk)
        await desk.driver.faults({"fault": "lost", "kind": "event"})
        said = await desk.driver.say("U0OLIVIA", "@app", "hello?")
        tries = await delivered(desk, said.event_ids[0], 2)

        assert [one["outcome"] for one in tries] == ["failed", "answered"]
        assert tries[1]["request_headers"]["x-slack-retry-reason"] == "connection_failed"


async def test_a_replay_is_the_same_bytes_under_the_same_headers(desk: Desk) -> None:
    pressed_times: list[float] = []

    @desk.bolt.action("go")
    async def count(ack: Any) -> None:
        await ack()
        pressed_times.append(time.time())

    actions = [{"type": "actions", "elements": [BUTTON]}]
    ts = (await desk.client.chat_postMessage(channel="C0AIOPS", text="x", blocks=actions))["ts"]
    pressed = await desk.driver.click("U0ARJUN", "go", channel="C0AIOPS", ts=ts)
    again = await desk.driver.replay(pressed.delivery_id)

    first, second = desk.received
    assert second["body"] == first["body"]
    for name in ("x-slack-signature", "x-slack-request-timestamp", "content-type"):
        assert second["headers"][name] == first["headers"][name]
    assert again.delivery is not None
    assert again.delivery["replay_of"] == pressed.delivery_id
    assert again.acknowledged
    assert len(pressed_times) == 2, "Bolt itself does not notice: the app has to"


@pytest.mark.parametrize("fault", ["bad_signature", "stale"])
async def test_a_broken_delivery_is_refused_by_bolt(desk: Desk, fault: str) -> None:
    await desk.driver.faults({"fault": fault, "kind": "interaction"})
    actions = [{"type": "actions", "elements": [BUTTON]}]
    ts = (await desk.client.chat_postMessage(channel="C0AIOPS", text="x", blocks=actions))["ts"]
    pressed = await desk.driver.click("U0ARJUN", "go", channel="C0AIOPS", ts=ts)

    assert (pressed.acknowledged, pressed.status) == (False, 401)


async def test_a_delivery_may_arrive_twice_at_once(desk: Desk) -> None:
    listen(desk)
    await desk.driver.faults({"fault": "duplicate", "kind": "event"})
    said = await desk.driver.say("U0OLIVIA", "@app", "why?")
    await delivered(desk, said.event_ids[0], 2)

    assert len(desk.received) == 2
    assert desk.received[0]["body"] == desk.received[1]["body"]


async def test_the_challenge_of_a_request_url(desk: Desk) -> None:
    assert (await desk.driver.verify_url()).acknowledged
    desk.intercept = lambda _request, _body: Response("{}")
    wrong = await desk.driver.verify_url()
    assert not wrong.acknowledged


async def test_what_a_person_cannot_do_is_refused(desk: Desk) -> None:
    ts = (await desk.client.chat_postMessage(channel="D0OLIVIA", text="x"))["ts"]
    tries = {
        "user_not_found": desk.driver.say("U0NOBODY", "@app", "x"),
        "channel_not_found": desk.driver.say("U0ARJUN", "D0OLIVIA", "x"),
        "no_text": desk.driver.say("U0ARJUN", "@app", "   "),
        "thread_not_found": desk.driver.say("U0ARJUN", "@app", "x", thread_ts=ts),
        "view_not_found": desk.driver.submit("U0ARJUN", "V0NOTHING", {}),
        "delivery_not_found": desk.driver.replay("D0NOTHING"),
        "action_not_found": desk.driver.click("U0OLIVIA", "go", channel="D0OLIVIA", ts=ts),
        "invalid_request": desk.driver.faults({"fault": "earthquake"}),
        "tab_not_found": desk.driver.open("U0OLIVIA", tab="about"),
    }
    for code, attempt in tries.items():
        with pytest.raises(DriverError) as refused:
            await attempt
        assert refused.value.code == code
        assert refused.value.why


async def test_a_choice_from_a_menu_is_one_that_was_offered(desk: Desk) -> None:
    chosen: list[str] = []

    @desk.bolt.action("menu")
    async def note(ack: Any, action: Json) -> None:
        await ack()
        chosen.append(action["selected_option"]["value"])

    options = [{"text": {"type": "plain_text", "text": name}, "value": name} for name in ("ask", "withdraw")]
    for kind in ("overflow", "static_select"):
        blocks = [{"type": "actions", "elements": [{"type": kind, "action_id": "menu", "options": options}]}]
        ts = (await desk.client.chat_postMessage(channel="C0AIOPS", text="x", blocks=blocks))["ts"]
        await desk.driver.click("U0ARJUN", "menu", channel="C0AIOPS", ts=ts, value="withdraw")
        with pytest.raises(DriverError, match="option_not_found"):
            await desk.driver.click("U0ARJUN", "menu", channel="C0AIOPS", ts=ts, value="approve")

    assert chosen == ["withdraw", "withdraw"]


def test_the_sandbox_sends_to_this_machine_only() -> None:
    for url in (
        "https://example.com/slack/events",
        "http://127.0.0.1.example.com/",
        "http://10.0.0.1/",
        "ftp://127.0.0.1",
    ):
        with pytest.raises(SandboxError, match="this machine only"):
            SiteSettings(app_url=url).checked()
    assert SiteSettings(app_url="http://[::1]:8001/slack/events").checked()
