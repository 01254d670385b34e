"""Every card and Home as a person sees it, in headless Chromium: nothing is cut off, complained of, or left empty.

With SPENDGATE_PICTURES=FOLDER the pictures are kept there, to be looked at.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from app.slack.answers import answer_blocks
from sandbox.slack.trial import Desk, sandbox_with_app
from tests.app.slack.test_answer_data import BODY
from tests.app.slack.test_card_states import SHOWN
from tests.app.slack.test_cards import drawn
from tests.sandbox.slack.test_slack_page import browsing

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A workspace without an app behind it."""
    async with sandbox_with_app(with_app=False) as one:
        yield one


async def test_every_card_is_shown_whole(desk: Desk, tmp_path: Path) -> None:
    folder = Path(os.environ.get("SPENDGATE_PICTURES") or tmp_path)
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    for one in SHOWN.values():
        text, blocks = drawn(one)
        await desk.client.chat_postMessage(channel="C0APPROVE", text=text, blocks=blocks)
    text, blocks = answer_blocks(BODY, thread="t-1", turn="m:1")
    await desk.client.chat_postMessage(channel="C0APPROVE", text=text, blocks=blocks)
    async with browsing(desk, "U0ARJUN/C0APPROVE", viewport={"width": 1000, "height": 1400}) as page:
        messages = page.locator(".message")
        await expect(messages).to_have_count(len(SHOWN) + 1)
        for at, name in enumerate([*SHOWN, "answer"]):
            shown = messages.nth(at)
            await shown.scroll_into_view_if_needed()
            said = await shown.inner_text()
            wide = await shown.evaluate("e => e.scrollWidth - e.clientWidth")
            assert wide <= 1, f"{name} is wider than its place"
            if name != "answer":
                assert SHOWN[name].words[:30].lower() in said.lower()
                assert "Stop EC2 instance" in said
            await shown.screenshot(path=folder / f"{name}.png")
