"""Steps stream while tools run and end as the checked answer: one message, whatever Slack or a process does to it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any, cast

import pytest
import pytest_asyncio
from sqlalchemy import Engine
from sqlmodel import select

from agent.steps import WORDS, StepState, words
from app.database import reading, writing
from app.home import Home
from app.posting import Posting, hold, let_go
from app.slack import streams
from app.slack.bolt import slack_client
from sandbox.slack.clock import MovedClock
from sandbox.slack.driver import shown_text
from tests.app.slack.test_clicks_and_messages import Floor, opened
from tests.app.slack.turns import ANSWER, answered, begun, doing, step
from tools.catalogue import bind

OLIVIA = "U0OLIVIA"
Json = dict[str, Any]


@pytest_asyncio.fixture
async def floor(engine: Engine, home: Home, clock: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Floor]:
    monkeypatch.setattr(streams, "AFTER", timedelta(0))
    async with opened(engine, home, clock, time=MovedClock()) as one:
        yield one


async def ours(floor: Floor) -> list[Json]:
    return [one for one in await floor.slack.messages("@app", user=OLIVIA) if one.get("bot_id")]


async def until(floor: Floor, what: Callable[[Json], Any], seconds: float = 60) -> Json:
    return await floor.slack.until_message("@app", what, user=OLIVIA, seconds=seconds, hint="it was not shown")


def tasks(message: Json) -> list[tuple[str, str]]:
    return [(task["title"], task["status"]) for block in message.get("blocks", []) for task in block.get("tasks", ())]


async def streaming(floor: Floor, engine: Engine) -> tuple[Any, Json]:
    """A turn of Olivia's with one step, streamed."""
    await floor.slack.say(OLIVIA, "@app", "What did AI cost?")
    wake = await begun(engine)
    doing(engine, wake, step(1))
    return wake, await until(floor, lambda m: m.get("streaming") and tasks(m))


def rows(engine: Engine) -> list[str]:
    with reading(engine) as (session, _):
        return [row.key for row in session.exec(select(Posting)) if "m:" in row.key]


async def ended(floor: Floor) -> Json:
    found = await until(floor, lambda m: ANSWER in shown_text(m))
    await asyncio.sleep(0.3)
    return found


async def test_steps_grow_and_end_as_the_answer(floor: Floor, engine: Engine) -> None:
    wake, stream = await streaming(floor, engine)
    assert tasks(stream) == [("Looking up what was spent", "in_progress")]
    second = step(2, "Comparing figures")
    done = step(1, "Looked up what was spent", "complete")
    doing(engine, wake, done, second)
    grown = await until(floor, lambda m: len(tasks(m)) == 2)
    assert grown["ts"] == stream["ts"]
    assert tasks(grown) == [("Looked up what was spent", "complete"), ("Comparing figures", "in_progress")]
    answered(engine, wake, done, second | {"state": "complete"})
    answer = await ended(floor)
    assert answer["ts"] == stream["ts"]
    assert [block["type"] for block in answer["blocks"]][:2] == ["plan", "section"]
    assert answer["blocks"][0]["title"] == streams.DONE
    assert [state for _, state in tasks(answer)] == ["complete", "complete"]
    assert answer["metadata"]["event_payload"]["key"] == f"answer {wake.id}"
    assert "streaming" not in answer
    assert len(await ours(floor)) == 1
    assert rows(engine) == [f"answer {wake.id}"]


async def test_a_turn_that_tells_no_steps_is_answered_by_a_message(floor: Floor, engine: Engine) -> None:
    await floor.slack.say(OLIVIA, "@app", "What did AI cost?")
    wake = await begun(engine)
    await floor.slack.until(lambda state: [s for room in state["rooms"] for s in room["statuses"]], user=OLIVIA)
    answered(engine, wake, step(1, "Looked up what was spent", "complete"))
    answer = await ended(floor)
    assert [block["type"] for block in answer["blocks"]] == ["section", "context", "context_actions"]
    assert await floor.slack.calls("chat.startStream") == []


async def test_it_rolls_before_slack_ends_it(floor: Floor, engine: Engine, clock: Any) -> None:
    wake, stream = await streaming(floor, engine)
    await floor.slack.move(241)
    clock.pass_(seconds=241)
    anew = await until(floor, lambda m: m.get("streaming") and m["ts"] != stream["ts"])
    assert tasks(anew) == tasks(stream)

    def alone(state: Json) -> bool:
        (room,) = [one for one in state["rooms"] if one["user"] == OLIVIA]
        return len([one for one in room["messages"] if one.get("bot_id")]) == 1

    await floor.slack.until(alone, user=OLIVIA, seconds=60)
    answered(engine, wake, step(1, state="complete"))
    answer = await ended(floor)
    assert answer["ts"] == anew["ts"]
    assert len(await ours(floor)) == 1
    assert rows(engine) == [f"answer {wake.id}"]


async def test_one_that_slack_has_ended_goes_on_by_updates(floor: Floor, engine: Engine) -> None:
    wake, stream = await streaming(floor, engine)
    await floor.slack.move(301)
    doing(engine, wake, step(1, "Looked up what was spent", "complete"), step(2, "Comparing figures"))
    grown = await until(floor, lambda m: len(tasks(m)) == 2)
    assert grown["ts"] == stream["ts"]
    answered(engine, wake, step(1, "Looked up what was spent", "complete"), step(2, "Compared figures", "complete"))
    answer = await ended(floor)
    assert answer["ts"] == stream["ts"]
    assert (answer["text"], len(tasks(answer))) == (ANSWER, 2)
    assert answer["metadata"]["event_payload"]["key"] == f"answer {wake.id}"
    assert len(await ours(floor)) == 1


async def test_where_none_is_taken_the_status_tells(floor: Floor, engine: Engine) -> None:
    error = "channel_type_not_supported"
    await floor.slack.faults({"fault": "error", "method": "chat.startStream", "error": error, "times": 9})
    await floor.slack.say(OLIVIA, "@app", "What did AI cost?")
    wake = await begun(engine)
    doing(engine, wake, step(1))

    def told(state: Json) -> list[str]:
        return [one["status"] for room in state["rooms"] for one in room["statuses"] if "looking up" in one["status"]]

    assert await floor.slack.until(told, user=OLIVIA, seconds=60) == ["is at it: looking up what was spent…"]
    answered(engine, wake, step(1, state="complete"))
    assert tasks(await ended(floor)) == []
    assert len(await floor.slack.calls("chat.startStream")) == 1
    assert len(await ours(floor)) == 1


@pytest.mark.slow
async def test_too_many_streams_are_no_failure(floor: Floor, engine: Engine) -> None:
    await floor.slack.faults({"fault": "rate_limited", "method": "chat.startStream", "retry_after": 1})
    wake, _ = await streaming(floor, engine)
    answered(engine, wake, step(1, state="complete"))
    await ended(floor)
    assert len(await ours(floor)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("method", ["chat.startStream", "chat.appendStream", "chat.stopStream"])
async def test_an_answer_of_slack_that_is_lost_doubles_nothing(floor: Floor, engine: Engine, method: str) -> None:
    await floor.slack.faults({"fault": "lost_answer", "method": method})
    wake, stream = await streaming(floor, engine)
    doing(engine, wake, step(1, "Looked up what was spent", "complete"), step(2, "Comparing figures"))
    await until(floor, lambda m: len(tasks(m)) == 2, seconds=60)
    answered(engine, wake, step(1, state="complete"), step(2, state="complete"))
    answer = await until(floor, lambda m: ANSWER in shown_text(m), seconds=60)
    assert answer["ts"] == stream["ts"]
    await asyncio.sleep(0.5)
    assert len(await ours(floor)) == 1


async def test_blocks_that_slack_refuses_end_the_stream_as_text(floor: Floor, engine: Engine) -> None:
    wake, stream = await streaming(floor, engine)
    await floor.slack.faults({"fault": "error", "method": "chat.stopStream", "error": "invalid_blocks"})
    answered(engine, wake, step(1, state="complete"))
    answer = await ended(floor)
    assert answer["ts"] == stream["ts"]
    assert len(await ours(floor)) == 1


@pytest.mark.slow
async def test_a_stream_that_somebody_deleted_is_followed_by_a_message(floor: Floor, engine: Engine) -> None:
    wake, stream = await streaming(floor, engine)
    await floor.slack.faults(
        {"fault": "error", "method": "chat.stopStream", "error": "message_not_found"},
        {"fault": "error", "method": "chat.update", "error": "message_not_found"},
    )
    answered(engine, wake, step(1, state="complete"))
    assert (await ended(floor))["ts"] != stream["ts"]


def test_every_tool_has_plain_words_without_a_figure() -> None:
    assert set(WORDS) == {tool.name for tool in bind(cast("Any", None))}
    for tool in WORDS:
        for state in StepState:
            said = words(tool, state)
            assert not any(letter.isdigit() for letter in said)
            assert tool not in said
            assert len(said) <= 256


async def test_none_is_begun_beside_the_answer(floor: Floor, engine: Engine) -> None:
    """A look at the turn may be a moment old: the answer is there by then."""
    await floor.slack.say(OLIVIA, "@app", "What did AI cost?")
    wake = await begun(engine)
    doing(engine, wake)
    with reading(engine) as (session, now):
        (work,) = streams.under_way(session)
    answered(engine, wake)
    await ended(floor)
    work.steps = [step(1)]
    await streams.Streams(engine, slack_client(floor.settings), by="late").show([work], now)
    assert await floor.slack.calls("chat.startStream") == []


async def test_an_answer_that_stands_is_not_drawn_over_by_a_late_step(floor: Floor, engine: Engine) -> None:
    """A look at the turn may be a moment old: by then its stream has ended as the answer."""
    wake, _ = await streaming(floor, engine)
    with reading(engine) as (session, now):
        (work,) = streams.under_way(session)
    answered(engine, wake, step(1, state="complete"))
    await ended(floor)
    work.steps = [step(1, "Looked up what was spent", "complete")]
    await streams.Streams(engine, slack_client(floor.settings), by=work.streams[0].owner).show([work], now)
    (message,) = await ours(floor)
    assert ANSWER in shown_text(message)


async def test_an_answer_waits_while_a_step_is_drawn_into_a_stream_that_ended(floor: Floor, engine: Engine) -> None:
    wake, _ = await streaming(floor, engine)
    with writing(engine) as (session, now):
        hold(session, key=streams.update_of(wake.id), owner="another", now=now)
    answered(engine, wake, step(1, state="complete"))
    await asyncio.sleep(0.8)
    (message,) = await ours(floor)
    assert ANSWER not in shown_text(message)
    with writing(engine) as (session, now):
        let_go(session, key=streams.update_of(wake.id), owner="another", now=now, nothing_there=False)
    await ended(floor)
    assert rows(engine) == [f"answer {wake.id}"]
