"""The whole round with an unmodified Bolt app: message, reply, click, update, modal, submission."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs

import pytest
from slack_sdk.errors import SlackApiError

from sandbox.slack.driver import DriverError, buttons, shown_text
from sandbox.slack.trial import Desk, sandbox_with_app

Json = dict[str, Any]


def card(state: str, *, open_for_votes: bool = True) -> list[Json]:
    """A small approval card."""
    blocks: list[Json] = [
        {"type": "header", "text": {"type": "plain_text", "text": f"{state}: stop i-0abc"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "Saves *1 842 USD* a month"}},
    ]
    approve = {
        "type": "button",
        "action_id": "approve",
        "style": "primary",
        "value": "P-1:v1",
        "text": {"type": "plain_text", "text": "Approve"},
        "visible_to_user_ids": ["U0ARJUN"],
    }
    return [*blocks, {"type": "actions", "block_id": "votes", "elements": [approve]}] if open_for_votes else blocks


REASON: Json = {
    "type": "modal",
    "callback_id": "approve_reason",
    "private_metadata": "P-1",
    "title": {"type": "plain_text", "text": "Approve P-1"},
    "submit": {"type": "plain_text", "text": "Approve"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "reason",
            "label": {"type": "plain_text", "text": "Why"},
            "element": {"type": "plain_text_input", "action_id": "text", "min_length": 10},
        },
        {
            "type": "input",
            "block_id": "read",
            "optional": True,
            "label": {"type": "plain_text", "text": "Checks"},
            "element": {
                "type": "checkboxes",
                "action_id": "boxes",
                "options": [{"text": {"type": "plain_text", "text": "I read it"}, "value": "yes"}],
            },
        },
    ],
}


async def posted(desk: Desk, blocks: list[Json], **more: Any) -> str:
    """The timestamp of a card in #finops-approvals."""
    answer = await desk.client.chat_postMessage(channel="C0APPROVE", text="a card", blocks=blocks, **more)
    return str(answer["ts"])


async def test_a_question_is_answered_in_its_thread(desk: Desk) -> None:
    @desk.bolt.event("message")
    async def answer(event: Json, say: Any) -> None:
        await say(text="*410.20 USD* in October", thread_ts=event["ts"])

    said = await desk.driver.say("U0OLIVIA", "@app", "What did AI cost in October?")
    reply = await desk.driver.until_message("@app", lambda m: "410.20" in m["text"], user="U0OLIVIA")

    assert reply["thread_ts"] == said.ts
    root = (await desk.driver.messages("@app", user="U0OLIVIA"))[0]
    assert (root["reply_count"], root["reply_users"]) == (1, ["U0SPENDGATE"])


async def test_a_mention_reaches_the_app_and_other_talk_does_not(desk: Desk) -> None:
    heard: list[Json] = []

    @desk.bolt.event("app_mention")
    async def note(event: Json) -> None:
        heard.append(event)

    quiet = await desk.driver.say("U0ARJUN", "#ai-costs", "good morning, all")
    loud = await desk.driver.say("U0ARJUN", "#ai-costs", "@Spendgate, why <did> it jump?")
    await desk.driver.until(lambda state: heard)

    assert quiet.event_ids == ()
    assert len(loud.event_ids) == 1
    assert heard[0]["text"] == "<@U0SPENDGATE>, why &lt;did&gt; it jump?"
    assert (heard[0]["channel"], heard[0]["user"], heard[0]["event_ts"]) == ("C0AIOPS", "U0ARJUN", loud.ts)


async def test_click_modal_errors_submission_and_update(desk: Desk) -> None:
    submitted: list[Json] = []

    @desk.bolt.action("approve")
    async def ask_reason(ack: Any, body: Json, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=REASON)

    @desk.bolt.view("approve_reason")
    async def vote(ack: Any, view: Json, body: Json, client: Any) -> None:
        text = view["state"]["values"]["reason"]["text"]["value"]
        if "because" not in text:
            await ack(response_action="errors", errors={"reason": "Say because."})
            return
        await ack()
        submitted.append(body)
        await client.chat_update(
            channel="C0APPROVE", ts=ts, text="Approved", blocks=card("Approved", open_for_votes=False)
        )

    ts = await posted(desk, card("Waiting 1 of 1"))
    pressed = await desk.driver.click("U0ARJUN", "approve", channel="C0APPROVE", ts=ts)
    modal = await desk.driver.until(lambda state: state["modal"], user="U0ARJUN")
    short = await desk.driver.submit("U0ARJUN", modal["id"], {"reason": "no"})
    refused = await desk.driver.submit("U0ARJUN", modal["id"], {"reason": "it has been idle"})
    done = await desk.driver.submit("U0ARJUN", modal["id"], {"reason": "because it is idle", "boxes": ["yes"]})
    after = await desk.driver.until_message("C0APPROVE", lambda m: "Approved: stop" in shown_text(m))

    assert pressed.acknowledged
    assert short.delivery is None, "Slack refuses too short a text before it asks the app"
    assert (refused.closed, refused.errors) == (False, {"reason": "Say because."})
    assert (done.closed, done.errors) == (True, {})
    values = submitted[0]["view"]["state"]["values"]
    assert values["read"]["boxes"]["selected_options"][0]["value"] == "yes"
    assert submitted[0]["view"]["private_metadata"] == "P-1"
    assert after["edited"]["user"] == "U0SPENDGATE"
    assert buttons(after) == []
    assert await desk.driver.modal("U0ARJUN") is None
    with pytest.raises(DriverError, match="action_not_found"):
        await desk.driver.click("U0ARJUN", "approve", channel="C0APPROVE", ts=ts)


async def test_the_payload_of_a_click_is_the_stored_message(desk: Desk) -> None:
    got: list[Json] = []

    @desk.bolt.action("approve")
    async def note(ack: Any, body: Json) -> None:
        await ack()
        got.append(body)

    ts = await posted(desk, card("Waiting"), metadata={"event_type": "card", "event_payload": {"id": "P-1"}})
    await desk.driver.click("U0ARJUN", "approve", channel="C0APPROVE", ts=ts)

    body = got[0]
    assert body["user"] == {"id": "U0ARJUN", "username": "arjun", "name": "arjun", "team_id": "T0BANK"}
    assert body["team"] == {"id": "T0BANK", "domain": "north-meridian"}
    assert body["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": "C0APPROVE",
        "is_ephemeral": False,
    }
    assert body["channel"] == {"id": "C0APPROVE", "name": "finops-approvals"}
    assert body["message"]["blocks"][2]["elements"][0]["value"] == "P-1:v1"
    assert body["message"]["metadata"]["event_payload"] == {"id": "P-1"}
    assert body["api_app_id"] == "A0SPENDGATE"
    action = body["actions"][0]
    assert (action["type"], action["action_id"], action["block_id"]) == ("button", "approve", "votes")
    assert action["value"] == "P-1:v1"
    assert body["response_url"].startswith(desk.url)


async def test_a_button_is_refused_to_whom_it_is_not_shown(desk: Desk) -> None:
    ts = await posted(desk, card("Waiting"))

    with pytest.raises(DriverError, match="action_not_visible"):
        await desk.driver.click("U0OLIVIA", "approve", channel="C0APPROVE", ts=ts)

    assert desk.received == []


async def test_nobody_presses_in_a_message_meant_for_another(desk: Desk) -> None:
    blocks = card("For Arjun alone")
    del blocks[2]["elements"][0]["visible_to_user_ids"]
    answer = await desk.client.chat_postEphemeral(channel="C0APPROVE", user="U0ARJUN", text="x", blocks=blocks)

    with pytest.raises(DriverError, match="message_not_found"):
        await desk.driver.click("U0OLIVIA", "approve", channel="C0APPROVE", ts=answer["message_ts"])
    await desk.driver.click("U0ARJUN", "approve", channel="C0APPROVE", ts=answer["message_ts"])

    assert '"is_ephemeral":true' in parse_qs(desk.received[0]["body"])["payload"][0]


async def test_a_confirmation_is_asked_before_anything_is_sent(desk: Desk) -> None:
    blocks = card("Waiting")
    blocks[2]["elements"][0]["confirm"] = {
        "title": {"type": "plain_text", "text": "Sure?"},
        "text": {"type": "plain_text", "text": "It stops the machine."},
        "confirm": {"type": "plain_text", "text": "Stop it"},
        "deny": {"type": "plain_text", "text": "Back"},
    }
    ts = await posted(desk, blocks)

    with pytest.raises(DriverError, match="confirm_required") as refused:
        await desk.driver.click("U0ARJUN", "approve", channel="C0APPROVE", ts=ts, confirmed=False)

    assert refused.value.answer["confirm"]["confirm"]["text"] == "Stop it"
    assert desk.received == []


async def test_response_url_answers_one_person_and_five_times(desk: Desk) -> None:
    @desk.bolt.action("approve")
    async def deny(ack: Any, respond: Any) -> None:
        await ack()
        for _ in range(5):
            await respond("You may not approve your own request.")
        answers.append(await respond("once more"))

    answers: list[Any] = []
    ts = await posted(desk, card("Waiting"))
    await desk.driver.click("U0ARJUN", "approve", channel="C0APPROVE", ts=ts)
    await desk.driver.until(lambda _: answers)

    arjun = await desk.driver.messages("C0APPROVE", user="U0ARJUN")
    olivia = await desk.driver.messages("C0APPROVE", user="U0OLIVIA")
    assert [m["text"] for m in arjun if m.get("is_ephemeral")] == ["You may not approve your own request."] * 5
    assert not any(m.get("is_ephemeral") for m in olivia)
    assert answers[0].status_code == 404
    assert "used_url" in answers[0].body


async def test_app_home_is_asked_for_published_and_pressed(desk: Desk) -> None:
    tabs: list[str] = []
    pressed: list[Json] = []

    @desk.bolt.event("app_home_opened")
    async def show(event: Json, client: Any) -> None:
        tabs.append(event["tab"])
        button = {"type": "button", "action_id": "more", "text": {"type": "plain_text", "text": "More"}}
        view = {"type": "home", "blocks": [{"type": "actions", "elements": [button]}]}
        await client.views_publish(user_id=event["user"], view=view)

    @desk.bolt.action("more")
    async def more(ack: Any, body: Json) -> None:
        await ack()
        pressed.append(body)

    await desk.driver.open("U0EDITH", tab="home")
    home = await desk.driver.until(lambda state: state["home"], user="U0EDITH")
    await desk.driver.click("U0EDITH", "more", view_id=home["id"])

    assert tabs == ["home"]
    assert pressed[0]["container"] == {"type": "view", "view_id": home["id"]}
    assert "response_url" not in pressed[0]


async def test_closing_a_modal_is_told_to_an_app_that_asked(desk: Desk) -> None:
    closed: list[str] = []

    @desk.bolt.action("approve")
    async def ask_reason(ack: Any, body: Json, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=REASON)

    @desk.bolt.view_closed("approve_reason")
    async def note(ack: Any, body: Json) -> None:
        await ack()
        closed.append(body["user"]["id"])

    ts = await posted(desk, card("Waiting"))
    await desk.driver.click("U0ARJUN", "approve", channel="C0APPROVE", ts=ts)
    modal = await desk.driver.until(lambda state: state["modal"], user="U0ARJUN")
    await desk.driver.close_view("U0ARJUN", modal["id"])

    assert closed == ["U0ARJUN"]


async def test_a_submission_may_update_push_and_clear(desk: Desk) -> None:
    second = {**REASON, "callback_id": "second", "title": {"type": "plain_text", "text": "Second"}}

    @desk.bolt.action("approve")
    async def ask(ack: Any, body: Json, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=REASON)

    @desk.bolt.view("approve_reason")
    async def to_second(ack: Any) -> None:
        await ack(response_action="push", view=second)

    @desk.bolt.view("second")
    async def end(ack: Any) -> None:
        await ack(response_action="clear")

    ts = await posted(desk, card("Waiting"))
    await desk.driver.click("U0ARJUN", "approve", channel="C0APPROVE", ts=ts)
    modal = await desk.driver.until(lambda state: state["modal"], user="U0ARJUN")
    pushed = await desk.driver.submit("U0ARJUN", modal["id"], {"reason": "long enough text"})
    top = await desk.driver.modal("U0ARJUN")
    assert top is not None
    assert (top["title"]["text"], top["depth"], top["previous_view_id"]) == ("Second", 2, modal["id"])
    assert pushed.view_id == top["id"]
    cleared = await desk.driver.submit("U0ARJUN", top["id"], {"reason": "long enough text"})

    assert cleared.closed
    assert await desk.driver.modal("U0ARJUN") is None


async def test_a_trigger_is_good_once_and_briefly() -> None:
    async with sandbox_with_app(trigger_seconds=0.3) as desk:
        errors: list[str] = []

        @desk.bolt.action("approve")
        async def twice(ack: Any, body: Json, client: Any) -> None:
            await ack()
            if body["actions"][0]["block_id"] == "late":
                await asyncio.sleep(0.4)
            for _ in range(2):
                try:
                    await client.views_open(trigger_id=body["trigger_id"], view=REASON)
                except SlackApiError as error:
                    errors.append(error.response["error"])

        ts = await posted(desk, card("Waiting"))
        await desk.driver.click("U0ARJUN", "approve", channel="C0APPROVE", ts=ts)
        await desk.driver.until(lambda _: len(errors) == 1)
        late = card("Waiting")
        late[2]["block_id"] = "late"
        await desk.client.chat_update(channel="C0APPROVE", ts=ts, text="x", blocks=late)
        await desk.driver.click("U0ARJUN", "approve", channel="C0APPROVE", ts=ts)
        await desk.driver.until(lambda _: len(errors) == 3)

    assert errors == ["exchanged_trigger_id", "expired_trigger_id", "expired_trigger_id"]


async def test_interactions_arrive_as_a_form_with_one_json_field(desk: Desk) -> None:
    @desk.bolt.action("approve")
    async def done(ack: Any) -> None:
        await ack()

    ts = await posted(desk, card("Waiting"))
    await desk.driver.click("U0ARJUN", "approve", channel="C0APPROVE", ts=ts)

    request = desk.received[-1]
    assert request["headers"]["content-type"] == "application/x-www-form-urlencoded"
    fields = parse_qs(request["body"])
    assert list(fields) == ["payload"]
    assert json.loads(fields["payload"][0])["type"] == "block_actions"
