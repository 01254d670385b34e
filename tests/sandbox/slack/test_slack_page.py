"""The page in a real browser: three people, cards, modals, hostile text, the keyboard, a narrow screen."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from sandbox.slack.trial import Desk, sandbox_with_app

pytestmark = pytest.mark.slow
Json = dict[str, Any]

HOSTILE = [
    "<img src=x onerror=\"document.title='owned'\">",
    "<script>document.title='owned'</script>",
    "<javascript:document.title='owned'|click me>",
    "*bold <b onmouseover=document.title='owned'>*",
    "&lt;svg/onload=document.title='owned'&gt;",
    "```</pre><img src=x onerror=document.title='owned'>```",
    "[x](javascript:document.title='owned')",
    "<https://a.example/\"onclick=document.title='owned'|y>",
    "\u202eevil \u0000 \U0001f600 :constructor: :__proto__: <@__proto__> <!date^x^{date}|f>",
]


def browser_path() -> str:
    """The browser, or a loud skip; in CI its absence is a failure."""
    for name in (os.environ.get("SPENDGATE_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"):
        if name and (found := shutil.which(name)):
            return found
    message = "no Chromium was found: the page was NOT tested; install it or name it in SPENDGATE_CHROMIUM"
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(message)
    pytest.skip(message)


@asynccontextmanager
async def browsing(desk: Desk, where: str, **options: Any) -> AsyncIterator[Page]:
    """A page of the sandbox; anything that the browser complains of fails the test."""
    complaints: list[str] = []
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path(), args=arguments)
        page = await browser.new_page(**options)
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith(desk.url) else complaints.append(f"left for {r.url}"))
        await page.goto(f"{desk.url}/#{where}")
        await expect(page.locator(".person")).to_have_count(3)
        yield page
        await browser.close()
    assert complaints == []


def section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def raw(text: str) -> Json:
    return {"type": "raw_text", "text": text}


def hostile_blocks(text: str) -> list[Json]:
    """The same text wherever text can stand."""
    plain = {"type": "plain_text", "text": text[:70]}
    rich = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}, {"type": "link", "url": text}]}
    option = {"text": plain, "value": "v"}
    elements = [
        {"type": "button", "text": plain, "action_id": "a", "url": text},
        {"type": "overflow", "action_id": "b", "options": [option]},
        {"type": "static_select", "action_id": "c", "placeholder": plain, "options": [option]},
    ]
    pie = {"type": "pie", "segments": [{"label": text[:20], "value": 1}]}
    return [
        {"type": "header", "text": plain},
        section(text),
        {"type": "markdown", "text": text},
        {"type": "rich_text", "elements": [rich]},
        {"type": "context", "elements": [{"type": "image", "image_url": text, "alt_text": text}]},
        {"type": "actions", "elements": elements},
        {"type": "data_table", "caption": text, "rows": [[raw(text)], [raw(text)]]},
        {"type": "data_visualization", "title": text[:50], "chart": pie},
        {"type": "container", "title": plain, "child_blocks": [section(text)]},
        {"type": "card", "title": plain, "body": plain},
    ]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A sandbox whose triggers last, for a busy machine."""
    async with sandbox_with_app(trigger_seconds=30, ack_seconds=10, audit_link="http://127.0.0.1:9/audit") as one:
        yield one


BUTTONS: Json = {
    "type": "actions",
    "elements": [
        {
            "type": "button",
            "style": "primary",
            "action_id": "approve",
            "text": {"type": "plain_text", "text": "Approve"},
            "visible_to_user_ids": ["U0ARJUN"],
        }
    ],
}
REASON: Json = {
    "type": "modal",
    "callback_id": "reason",
    "title": {"type": "plain_text", "text": "Approve the stop"},
    "submit": {"type": "plain_text", "text": "Send the vote"},
    "blocks": [
        {
            "type": "input",
            "block_id": "why",
            "label": {"type": "plain_text", "text": "Reason"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
    ],
}


def approving(desk: Desk) -> None:
    """A small app: it proposes what it is asked for, lets one person approve it with a reason, and has a Home."""

    @desk.bolt.event("message")
    async def propose(event: Json, client: Any, say: Any) -> None:
        if event.get("channel_type") == "im" and not event.get("subtype"):
            await client.assistant_threads_setStatus(
                channel_id=event["channel"], thread_ts=event["ts"], status="is reading the bill…"
            )
            await client.chat_postMessage(channel="C0APPROVE", text="card", blocks=[section("Stop i-0abc?"), BUTTONS])
            await say(text="I proposed to stop `i-0abc`", thread_ts=event["ts"])

    @desk.bolt.event("app_home_opened")
    async def home(event: Json, client: Any) -> None:
        view = {"type": "home", "blocks": [section("Nothing waits for you")]}
        await client.views_publish(user_id=event["user"], view=view)

    @desk.bolt.action("approve")
    async def ask(ack: Any, body: Json, client: Any) -> None:
        await ack()
        await client.views_open(
            trigger_id=body["trigger_id"], view={**REASON, "private_metadata": body["message"]["ts"]}
        )

    @desk.bolt.view("reason")
    async def vote(ack: Any, view: Json, body: Json, client: Any) -> None:
        if view["state"]["values"]["why"]["text"]["value"] == "meh":
            await ack(response_action="errors", errors={"why": "Say more."})
            return
        await ack()
        done = [section(f"Approved by <@{body['user']['id']}>")]
        await client.chat_update(channel="C0APPROVE", ts=view["private_metadata"], text="done", blocks=done)


async def test_three_people_ask_approve_and_read(desk: Desk) -> None:
    approving(desk)
    async with browsing(desk, "U0OLIVIA/D0OLIVIA") as page:
        assert "Sandbox" in await page.title()
        await page.get_by_label("Message Spendgate").fill("Which GPU machines are idle?")
        await page.keyboard.press("Enter")
        await expect(page.locator(".replies .message")).to_contain_text("I proposed to stop i-0abc")

        await page.get_by_role("button", name="finops-approvals").click()
        await expect(page.get_by_text("Stop i-0abc?")).to_be_visible()
        await expect(page.get_by_role("button", name="Approve", exact=True)).to_have_count(0)

        await expect(page.get_by_role("button", name="Arjun Rao").locator(".badge")).to_have_text("1")
        await page.get_by_role("button", name="Arjun Rao").click()
        await page.get_by_role("button", name="Approve", exact=True).click()
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text("Approve the stop")
        await dialog.get_by_role("button", name="Send the vote").click()
        await expect(dialog.get_by_role("alert")).to_have_text("Please fill this in.")
        await dialog.get_by_label("Reason").fill("meh")
        await page.keyboard.press("Enter")
        await expect(dialog.get_by_role("alert")).to_have_text("Say more.")
        assert await dialog.get_by_label("Reason").input_value() == "meh"
        await dialog.get_by_label("Reason").fill("It has been idle for weeks")
        await page.keyboard.press("Enter")
        await expect(dialog).to_be_hidden()
        await expect(page.get_by_text("Approved by @Arjun Rao")).to_be_visible()

        await page.get_by_role("button", name="Edith Okafor").click()
        await page.get_by_role("button", name="Spendgate").click()
        await page.get_by_role("button", name="Home", exact=True).click()
        await expect(page.get_by_text("Nothing waits for you")).to_be_visible()
        audit = page.get_by_role("link", name="Audit log")
        assert await audit.get_attribute("href") == "http://127.0.0.1:9/audit"


async def test_hostile_text_stays_text(desk: Desk) -> None:
    for text in HOSTILE:
        await desk.client.chat_postMessage(channel="C0AIOPS", text=text)
        await desk.client.chat_postMessage(channel="C0AIOPS", text="blocks", blocks=hostile_blocks(text))
        await desk.driver.say("U0OLIVIA", "#ai-costs", text)

    async with browsing(desk, "U0ARJUN/C0AIOPS") as page:
        await expect(page.locator(".message")).to_have_count(3 * len(HOSTILE))
        await expect(page.get_by_text("could not be drawn")).to_have_count(0)
        await page.wait_for_timeout(300)
        assert "owned" not in await page.title()
        foreign = await page.evaluate(
            """() => [...document.querySelectorAll('#messages *')].filter((e) =>
                ['SCRIPT', 'IFRAME', 'OBJECT', 'B'].includes(e.tagName) ||
                [...e.attributes].some((a) => a.name.startsWith('on')) ||
                (e.href && !/^(https?|mailto):/.test(String(e.href.baseVal ?? e.href))) ||
                (e.tagName === 'IMG' && !e.src.startsWith('http://127.0.0.1'))).map((e) => e.outerHTML)"""
        )
        assert foreign == []


async def test_a_link_to_a_message_opens_where_it_was_said(desk: Desk) -> None:
    ts = (await desk.client.chat_postMessage(channel="D0EDITH", text="the first of many"))["ts"]
    for number in range(40):
        await desk.client.chat_postMessage(channel="D0EDITH", text=f"line {number}")
    link = (await desk.client.chat_getPermalink(channel="D0EDITH", message_ts=ts))["permalink"]
    async with browsing(desk, link.split("#")[1]) as page:
        await expect(page.get_by_role("button", name="Edith Okafor")).to_have_attribute("aria-pressed", "true")
        await expect(page.get_by_text("the first of many")).to_be_in_viewport()


async def test_a_draft_and_an_opened_part_survive_news(desk: Desk) -> None:
    folded = {
        "type": "container",
        "title": {"type": "plain_text", "text": "Evidence"},
        "is_collapsible": True,
        "default_collapsed": True,
        "child_blocks": [section("idle for 21 days")],
    }
    root = (await desk.client.chat_postMessage(channel="C0AIOPS", text="x", blocks=[folded]))["ts"]
    async with browsing(desk, "U0OLIVIA/C0AIOPS") as page:
        await page.get_by_text("Evidence").click()
        await page.get_by_role("button", name="Reply in thread").click()
        reply = page.get_by_label("Reply in this thread")
        await reply.fill("half a thought")
        await desk.client.chat_postMessage(channel="C0AIOPS", text="news", thread_ts=root)
        await desk.client.chat_postMessage(channel="C0AIOPS", text="more news")
        await expect(page.get_by_text("more news")).to_be_visible()

        assert await reply.input_value() == "half a thought"
        await expect(reply).to_be_focused()


async def test_the_keyboard_alone_is_enough(desk: Desk) -> None:
    pressed: list[str] = []

    @desk.bolt.action("approve")
    async def note(ack: Any, body: Json) -> None:
        await ack()
        pressed.append(body["user"]["id"])

    confirm = {key: {"type": "plain_text", "text": key} for key in ("title", "text", "confirm", "deny")}
    button = {
        "type": "button",
        "action_id": "approve",
        "text": {"type": "plain_text", "text": "Approve"},
        "confirm": confirm,
    }
    await desk.client.chat_postMessage(
        channel="C0APPROVE", text="card", blocks=[{"type": "actions", "elements": [button]}]
    )
    async with browsing(desk, "U0ARJUN/C0APPROVE") as page:
        await page.get_by_role("button", name="Approve", exact=True).focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="deny").focus()
        await page.keyboard.press("Enter")
        assert pressed == []
        await page.get_by_role("button", name="Approve", exact=True).focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await desk.driver.until(lambda _: pressed)
        await page.get_by_role("button", name="Olivia Ortiz").focus()
        await page.keyboard.press("Space")
        await expect(page.get_by_role("button", name="Olivia Ortiz")).to_have_attribute("aria-pressed", "true")
        await expect(page.get_by_role("button", name="Olivia Ortiz")).to_be_focused()

    assert pressed == ["U0ARJUN"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_narrow_screen_does_not_scroll_sideways(desk: Desk, scheme: str) -> None:
    wide = {"type": "table", "rows": [[raw("x" * 40)] * 6, [raw("y" * 40)] * 6]}
    long = section("https://a.example/" + "z" * 300)
    fields = {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Owner*\n" + "w" * 90}] * 2}
    await desk.client.chat_postMessage(channel="C0AIOPS", text="x", blocks=[wide, long, fields])
    size = {"width": 320, "height": 700}
    async with browsing(desk, "U0ARJUN/C0AIOPS", viewport=size, color_scheme=scheme) as page:
        await expect(page.locator(".message")).to_have_count(1)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320
        assert await page.evaluate("document.querySelector('#messages').scrollWidth") <= 320


async def test_an_app_that_does_not_answer_is_said_on_the_page() -> None:
    async with sandbox_with_app(with_app=False) as desk:
        button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
        blocks = [{"type": "actions", "elements": [button]}]
        await desk.client.chat_postMessage(channel="C0AIOPS", text="x", blocks=blocks)
        async with browsing(desk, "U0ARJUN/C0AIOPS") as page:
            await page.get_by_role("button", name="Go").click()
            await expect(page.locator(".toast")).to_contain_text("Spendgate did not respond")
            await expect(page.locator("#wire")).to_contain_text("No app is connected")
        assert json.dumps(await desk.driver.calls("chat.postMessage"))


async def test_a_turn_is_seen_growing_and_can_be_stopped() -> None:
    async with sandbox_with_app() as desk, browsing(desk, "U0OLIVIA/D0OLIVIA") as page:
        said = await desk.driver.say("U0OLIVIA", "@app", "What did AI cost last month?")
        at = {"channel": "D0OLIVIA", "thread_ts": said.ts}
        await desk.client.agents_sessions_setStatus(channel_id="D0OLIVIA", thread_ts=said.ts, status="processing")
        steps = [
            {"type": "plan_update", "title": "At it"},
            {"type": "task_update", "id": "1", "title": "Looked up what was spent", "status": "complete"},
            {"type": "task_update", "id": "2", "title": "Comparing figures", "status": "in_progress"},
        ]
        stream = await desk.client.chat_startStream(**at, chunks=steps, task_display_mode="plan")
        await expect(page.locator(".plan .task")).to_have_count(2)
        await expect(page.locator(".task.in_progress")).to_contain_text("Comparing figures")
        await expect(page.get_by_role("status").filter(has_text="is working")).to_be_visible()
        if shots := os.environ.get("SPENDGATE_SHOTS"):
            await page.screenshot(path=f"{shots}/working.png")
        await page.get_by_role("button", name="Stop").press("Enter")
        await desk.driver.until(lambda _: any("agent_session_stopped" in one["body"] for one in desk.received))
        plan = {
            "type": "plan",
            "title": "Stopped",
            "tasks": [{"task_id": "1", "title": "Looked up what was spent", "status": "complete"}],
        }
        blocks = [
            plan,
            section("Olivia Ortiz stopped this before there was an answer. Nothing was proposed or changed."),
        ]
        await desk.client.chat_update(channel="D0OLIVIA", ts=stream["ts"], text="stopped", blocks=blocks)
        await desk.client.agents_sessions_setStatus(channel_id="D0OLIVIA", thread_ts=said.ts, status="active")
        await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        await expect(page.locator(".plan strong")).to_have_text("Stopped")
        if shots:
            await page.screenshot(path=f"{shots}/stopped.png")
