"""The Web API as the app's own client sees it: answers, errors by Slack's names, timestamps, threads, paging."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.clock import Ticker
from sandbox.slack.seed import Channel, Person, Seed
from sandbox.slack.trial import Desk, sandbox_with_app

Json = dict[str, Any]
TOKEN = "xoxb-sandbox"


async def refusal(call: Any) -> Json:
    """The answer of a call that is refused."""
    with pytest.raises(SlackApiError) as refused:
        await call
    answer: Json = refused.value.response.data
    return answer


async def raw(desk: Desk, method: str, *, token: str | None = TOKEN, **request: Any) -> httpx.Response:
    """A call without the client's help."""
    headers = request.pop("headers", {})
    if token:
        headers["authorization"] = f"Bearer {token}"
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(f"{desk.url}/api/{method}", headers=headers, **request)


async def test_who_the_token_stands_for(desk: Desk) -> None:
    answer = await desk.client.auth_test()

    assert (answer["team_id"], answer["user_id"], answer["bot_id"]) == ("T0BANK", "U0SPENDGATE", "B0SPENDGATE")
    assert "chat:write" in answer.headers["x-oauth-scopes"]


@pytest.mark.parametrize(
    ("token", "error"), [(None, "not_authed"), ("xoxb-other", "invalid_auth"), ("xapp-1-A", "not_allowed_token_type")]
)
async def test_a_call_without_the_right_token_is_refused(desk: Desk, token: str | None, error: str) -> None:
    answer = (await raw(desk, "chat.postMessage", token=token, json={"channel": "C0AIOPS", "text": "x"})).json()

    assert answer == {"ok": False, "error": error}
    assert await desk.driver.messages("#ai-costs") == []


async def test_blocks_arrive_as_json_and_inside_a_form(desk: Desk) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}]
    as_json = await raw(desk, "chat.postMessage", json={"channel": "#ai-costs", "blocks": blocks, "text": "hello"})
    form = {"channel": "C0AIOPS", "blocks": json.dumps(blocks), "text": "hello"}
    as_form = await raw(desk, "chat.postMessage", data=form)
    with_token = await raw(desk, "chat.postMessage", token=None, data={**form, "token": "xoxb-sandbox"})

    for answer in (as_json, as_form, with_token):
        assert answer.json()["message"]["blocks"][0]["text"]["text"] == "hello"


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"content": b"{", "headers": {"content-type": "application/json"}}, "invalid_json"),
        ({"content": b"[1]", "headers": {"content-type": "application/json"}}, "json_not_object"),
        ({"content": b"<a/>", "headers": {"content-type": "text/xml"}}, "invalid_post_type"),
        ({"data": {"channel": "C0AIOPS", "blocks": "[{"}}, "invalid_blocks_format"),
    ],
)
async def test_a_body_that_cannot_be_read_has_a_name(desk: Desk, request_: Json, error: str) -> None:
    answer = await raw(desk, "chat.postMessage", **request_)

    assert (answer.status_code, answer.json()["error"]) == (200, error)


async def test_half_a_character_does_not_break_the_page(desk: Desk) -> None:
    headers = {"content-type": "application/json"}
    await raw(desk, "chat.postMessage", content=b'{"channel": "C0AIOPS", "text": "half \\ud800"}', headers=headers)
    form = {"channel": "C0AIOPS", "text": "x", "blocks": '[{"type": "markdown", "text": "\\ud800"}]'}
    await raw(desk, "chat.postMessage", data=form)

    assert len(await desk.driver.messages("#ai-costs")) == 2


async def test_errors_have_slacks_names(desk: Desk) -> None:
    client = desk.client
    mine = (await client.chat_postMessage(channel="C0AIOPS", text="mine"))["ts"]
    theirs = (await desk.driver.say("U0OLIVIA", "#ai-costs", "theirs")).ts
    calls = {
        "channel_not_found": client.chat_postMessage(channel="C0NOWHERE", text="x"),
        "no_text": client.api_call("chat.postMessage", json={"channel": "C0AIOPS", "text": "  "}),
        "msg_too_long": client.chat_update(channel="C0AIOPS", ts=mine, text="x" * 4_001),
        "message_not_found": client.chat_update(channel="C0AIOPS", ts="1.000001", text="x"),
        "cant_update_message": client.chat_update(channel="C0AIOPS", ts=theirs, text="x"),
        "cant_delete_message": client.chat_delete(channel="C0AIOPS", ts=theirs),
        "thread_not_found": client.chat_postMessage(channel="C0AIOPS", text="x", thread_ts="1.000001"),
        "user_not_found": client.users_info(user="U0NOBODY"),
        "invalid_trigger_id": client.views_open(trigger_id="1.2.3", view=MODAL),
        "not_found": client.views_update(view_id="V0NOTHING", view=MODAL),
        "user_not_in_channel": client.chat_postEphemeral(channel="C0AIOPS", user="U0NOBODY", text="x"),
        "unknown_method": client.api_call("chat.shout"),
        "invalid_arguments": client.api_call("chat.update", json={"text": "x"}),
        "invalid_cursor": client.conversations_list(cursor="***"),
    }
    for error, call in calls.items():
        assert (await refusal(call))["error"] == error


async def test_a_channel_without_the_app_is_closed_to_it() -> None:
    olivia = Person(id="U0OLIVIA", name="Olivia", handle="olivia")
    seed = Seed(people=(olivia,), channels=(Channel(id="C0OTHER", name="other", members=("U0OLIVIA",), app=False),))
    async with sandbox_with_app(seed=seed) as desk:
        assert (await refusal(desk.client.chat_postMessage(channel="#other", text="x")))["error"] == "not_in_channel"
        said = await desk.driver.say("U0OLIVIA", "#other", "@spendgate, are you there?")

    assert said.event_ids == ()


async def test_an_update_replaces_and_marks(desk: Desk) -> None:
    blocks = [{"type": "divider"}]
    ts = (await desk.client.chat_postMessage(channel="C0AIOPS", text="one", blocks=blocks))["ts"]
    new = [{"type": "header", "text": {"type": "plain_text", "text": "New"}}]
    kept = await desk.client.api_call("chat.update", json={"channel": "C0AIOPS", "ts": ts, "blocks": new})
    plain = await desk.client.chat_update(channel="C0AIOPS", ts=ts, text="three")

    assert (kept["message"]["text"], kept["message"]["blocks"][0]["type"]) == ("one", "header")
    assert "blocks" not in plain["message"], "a new text without blocks takes the blocks away"
    assert plain["message"]["edited"]["user"] == "U0SPENDGATE"
    assert [m["text"] for m in await desk.driver.messages("#ai-costs")] == ["three"]


async def test_an_ephemeral_message_is_for_one_and_for_now(desk: Desk) -> None:
    ts = (await desk.client.chat_postEphemeral(channel="C0AIOPS", user="U0ARJUN", text="psst"))["message_ts"]

    assert [m["text"] for m in await desk.driver.messages("C0AIOPS", user="U0ARJUN")] == ["psst"]
    assert await desk.driver.messages("C0AIOPS", user="U0EDITH") == []
    assert (await desk.client.conversations_history(channel="C0AIOPS"))["messages"] == []
    assert (await refusal(desk.client.chat_update(channel="C0AIOPS", ts=ts, text="x")))["error"] == "message_not_found"


async def test_threads_are_counted_and_read_in_order(desk: Desk) -> None:
    root = (await desk.client.chat_postMessage(channel="C0AIOPS", text="root"))["ts"]
    first = (await desk.client.chat_postMessage(channel="C0AIOPS", text="first", thread_ts=root))["ts"]
    await desk.client.chat_postMessage(channel="C0AIOPS", text="answer to the first", thread_ts=first)
    await desk.client.chat_postMessage(channel="C0AIOPS", text="aloud", thread_ts=root, reply_broadcast=True)

    thread = await desk.client.conversations_replies(channel="C0AIOPS", ts=root)
    history = await desk.client.conversations_history(channel="C0AIOPS")
    assert [m["text"] for m in thread["messages"]] == ["root", "first", "answer to the first", "aloud"]
    assert thread["messages"][0]["reply_count"] == 3
    assert [m["text"] for m in history["messages"]] == ["aloud", "root"]


async def test_pages_join_to_the_whole(desk: Desk) -> None:
    for number in range(7):
        await desk.client.chat_postMessage(channel="C0AIOPS", text=str(number))
    seen: list[str] = []
    cursor = None
    while cursor != "":
        page = await desk.client.conversations_history(channel="C0AIOPS", limit=3, cursor=cursor)
        seen += [m["text"] for m in page["messages"]]
        cursor = page["response_metadata"]["next_cursor"]

    assert seen == list("6543210")


async def test_people_rooms_and_links(desk: Desk) -> None:
    client = desk.client
    people = (await client.users_list())["members"]
    rooms = (await client.conversations_list(types="public_channel,im"))["channels"]
    direct = await client.conversations_open(users=["U0EDITH"])
    ts = (await client.chat_postMessage(channel="U0EDITH", text="hello"))["ts"]
    link = await client.chat_getPermalink(channel="D0EDITH", message_ts=ts)

    assert [one["real_name"] for one in people] == ["Olivia Ortiz", "Arjun Rao", "Edith Okafor", "Spendgate"]
    assert [one["id"] for one in rooms] == ["C0AIOPS", "C0APPROVE", "D0OLIVIA", "D0ARJUN", "D0EDITH"]
    assert direct["channel"]["id"] == "D0EDITH"
    assert link["permalink"] == f"{desk.url}/#U0EDITH/D0EDITH/{ts}"
    assert (await client.conversations_members(channel="D0EDITH"))["members"] == ["U0EDITH", "U0SPENDGATE"]
    assert (await client.users_info(user="U0ARJUN"))["user"]["profile"]["title"] == "Approver"


async def test_a_status_ends_with_the_apps_answer(desk: Desk) -> None:
    said = await desk.driver.say("U0OLIVIA", "@app", "why?")
    await desk.client.assistant_threads_setStatus(
        channel_id="D0OLIVIA", thread_ts=said.ts, status="is reading the bill…"
    )
    during = (await desk.driver.state("U0OLIVIA"))["rooms"][2]["statuses"]
    await desk.client.chat_postMessage(channel="D0OLIVIA", text="because", thread_ts=said.ts)
    after = (await desk.driver.state("U0OLIVIA"))["rooms"][2]["statuses"]

    assert [one["status"] for one in during] == ["is reading the bill…"]
    assert after == []


async def test_prompts_titles_and_sessions_are_shown(desk: Desk) -> None:
    said = await desk.driver.say("U0OLIVIA", "@app", "why?")
    client = desk.client
    await client.assistant_threads_setSuggestedPrompts(
        channel_id="D0OLIVIA", title="Try", prompts=[{"title": "Why?", "message": "Why did it jump?"}]
    )
    await client.assistant_threads_setTitle(channel_id="D0OLIVIA", thread_ts=said.ts, title="The jump")
    await client.agents_sessions_setStatus(channel_id="D0OLIVIA", thread_ts=said.ts, status="suspended")
    too_many = client.assistant_threads_setSuggestedPrompts(
        channel_id="D0OLIVIA", prompts=[{"title": "a", "message": "b"}] * 5
    )

    room = (await desk.driver.state("U0OLIVIA"))["rooms"][2]
    assert room["prompts"]["prompts"] == [{"title": "Why?", "message": "Why did it jump?"}]
    assert room["sessions"] == [{"thread_ts": said.ts, "status": "suspended", "title": "The jump"}]
    assert (await refusal(too_many))["error"] == "invalid_arguments"


async def test_a_home_is_published_against_the_hash_that_was_seen(desk: Desk) -> None:
    home = {"type": "home", "blocks": [{"type": "divider"}]}
    seen = (await desk.client.views_publish(user_id="U0EDITH", view=home))["view"]["hash"]
    await desk.client.views_publish(user_id="U0EDITH", view=home, hash=seen)

    stale = desk.client.views_publish(user_id="U0EDITH", view=home, hash=seen)
    assert (await refusal(stale))["error"] == "hash_conflict"


async def test_a_rate_limit_is_waited_out_by_the_clients_own_handler(desk: Desk) -> None:
    client = AsyncWebClient(token="xoxb-sandbox", base_url=f"{desk.url}/api/")
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    await desk.driver.faults({"fault": "rate_limited", "method": "chat.postMessage", "retry_after": 0})
    await client.chat_postMessage(channel="C0AIOPS", text="at last")
    await desk.driver.faults({"fault": "rate_limited", "method": "chat.postMessage", "retry_after": 7})
    with pytest.raises(SlackApiError) as limited:
        await desk.client.chat_postMessage(channel="C0AIOPS", text="refused")

    assert limited.value.response.status_code == 429
    assert limited.value.response.headers["retry-after"] == "7"
    assert [m["text"] for m in await desk.driver.messages("#ai-costs")] == ["at last"]


async def test_a_fault_meant_for_one_message_leaves_the_others_alone(desk: Desk) -> None:
    await desk.driver.faults({"fault": "error", "error": "invalid_blocks", "having": "the table of 5 rows"})
    await desk.client.chat_postMessage(channel="C0AIOPS", text="another")
    for how in ("json", "data"):
        given: Any = {how: {"channel": "C0AIOPS", "text": "the table of 5 rows"}}
        answer = (await raw(desk, "chat.postMessage", **given)).json()
        assert answer.get("error") == ("invalid_blocks" if how == "json" else None), "used up by the first"

    assert [m["text"] for m in await desk.driver.messages("#ai-costs")] == ["another", "the table of 5 rows"]


async def test_a_lost_answer_was_done_all_the_same(desk: Desk) -> None:
    await desk.driver.faults({"fault": "lost_answer", "method": "chat.postMessage"})
    lost = await raw(desk, "chat.postMessage", json={"channel": "C0AIOPS", "text": "done"})

    assert lost.status_code == 503
    assert [m["text"] for m in await desk.driver.messages("#ai-costs")] == ["done"]


async def test_calls_are_kept_without_the_token(desk: Desk) -> None:
    await raw(desk, "auth.test", token=None, data={"token": "xoxb-sandbox"})

    assert "xoxb-sandbox" not in json.dumps(await desk.driver.calls())


def test_timestamps_only_grow_even_when_the_clock_does_not() -> None:
    times = iter([5.0, 5.0, 4.0, 5.0, 6.0])
    ticker = Ticker(lambda: next(times))

    stamps = [ticker.ts() for _ in range(5)]
    assert stamps == sorted(set(stamps))
    assert stamps[-1] == "6.000000"


MODAL: Json = {"type": "modal", "title": {"type": "plain_text", "text": "A modal"}, "blocks": [{"type": "divider"}]}
