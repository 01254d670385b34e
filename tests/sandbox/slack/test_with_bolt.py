"""The whole round with an unmodified Bolt app: message, reply, click, update, modal, submission."""

from __future__ import annotations

from typing import Any

from sandbox.slack.trial import Desk

Json = dict[str, Any]


async def test_a_question_is_answered_in_its_thread(desk: Desk) -> None:
    @desk.bolt.event("message")
    async def answer(event: Json, say: Any) -> None:
        await say(text="*410.20 USD* in October", thread_ts=event["ts"])

    said = await desk.driver.say("U0OLIVIA", "@app", "What did AI cost in October?")
    reply = await desk.driver.until_message("@app", lambda m: "410.20" in m["text"], user="U0OLIVIA")

    assert reply["thread_ts"] == said.ts
    root = (await desk.driver.messages("@app", user="U0OLIVIA"))[0]
    assert (root["reply_count"], root["reply_users"]) == (1, ["U0SPENDGATE"])
