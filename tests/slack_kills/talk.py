"""A question in a thread while `serve` dies: its steps stream, somebody may stop it, and one answer stands there.

The agent is another process, which does not die with it: its rows are written past the moments at which `serve` may.
"""

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from sqlalchemy import Engine
from sqlmodel import Session, select

from agent.said import Answer
from app import stops
from app.database import open_database, writing
from app.inbox import admit, conversation
from app.sessions import SlackSession, status_of
from app.slack.stop_button import NOT_YOURS, TOO_LATE
from app.steps import store_steps
from app.turns import StoredAnswer, WakeUp, finish, note_due, show_step
from sandbox.slack.messages import Message as Said
from tests.slack_kills.wire import Fate, World

ROOM, ASKER, PERSON = "D0OLIVIA", "U0OLIVIA", "p-0a11ce01"
ANSWER = "AI cost 12,000 USD."
Json = dict[str, Any]


@dataclass
class Question:
    """One question: what the agent has done of it, and whether somebody pressed stop."""

    turn: str
    root: str
    stop_at: int
    done: int = 0
    acknowledged: bool = False
    in_time: bool = False


def asked(world: World, chance: random.Random) -> Question:
    """Olivia asks, before anything dies."""
    root = world.site.ticker.ts()
    world.site.workspace.add(Said(ts=root, channel=ROOM, user=ASKER, text="What did AI cost?"))
    with writing(agents(world)) as (session, now):
        place = conversation(session, surface="slack", team="T0BANK", channel=ROOM, thread_ts=root, private=True)
        admit(session, now=now, message_id="q1", thread=place.thread, person=PERSON, text="What did AI cost?")
    return Question("m:q1", root, chance.choice((0, 0, 2, 3, 4)))


def agents(world: World) -> Engine:
    """The agent's own connections to the file."""
    if world.agents is None:
        world.agents = open_database(world.path, clock=world.clock)
    return world.agents


async def think(world: World, question: Question, chance: random.Random, *, to_the_end: bool) -> None:
    """The agent goes on with it: begins, three steps, an answer; as far as it comes in this life."""
    for _ in range(6 if to_the_end else chance.randint(0, 3)):
        for _ in range(chance.randint(1, 40)):
            await asyncio.sleep(0)
        if question.done < 5:
            _go_on(world, question)


def _go_on(world: World, question: Question) -> None:
    question.done += 1
    with writing(agents(world)) as (session, now):
        note_due(session, now)
        wake = session.get_one(WakeUp, question.turn)
        steps = [
            {
                "number": at,
                "words": f"Step {'abc'[at - 1]}",
                "state": "complete" if at < question.done - 1 else "in_progress",
            }
            for at in range(1, min(question.done, 4))
        ]
        if question.done == 1:
            show_step(session, turn=wake.id, thread=wake.thread, words="is reading the bill…", now=now)
        elif question.done < 5:
            store_steps(session, turn=wake.id, steps=steps, now=now)
        else:
            answer, stop = Answer(question.turn, ANSWER), stops.stopped(session, question.turn)
            if stop is not None:
                answer = stops.instead(session, answer, stop, [])
            finish(session, wake=wake, body=answer.to_json() | {"steps": steps, "stopped": stop is not None}, now=now)


async def press_stop(world: World, fate: Fate, api: FastAPI, question: Question, send: Any) -> None:
    """Presses Slack's stop button once the agent has come so far: Slack ends the streams, then tells the app."""
    if not question.stop_at or question.acknowledged:
        return
    while question.done < question.stop_at:  # noqa: ASYNC110 (the agent is another process)
        await asyncio.sleep(0)
    for (room, ts), _ in list(world.site.streams.items()):
        world.site.end_stream(room, ts)
    before = question.done
    event: Json = {"type": "agent_session_stopped", "channel": ROOM, "user": ASKER, "thread_ts": question.root}
    envelope: Json = {"type": "event_callback", "team_id": "T0BANK", "api_app_id": "A0SPENDGATE", "event_id": "EvSTOP"}
    status = await send(api, json.dumps(envelope | {"event": event}).encode(), "application/json")
    question.acknowledged = status == 200
    question.in_time = question.acknowledged and max(before, question.done) < 5


def judge_talk(world: World, question: Question) -> None:
    """One message of ours in the thread, with what was stored; a stop that was taken in time is what it says."""
    with Session(world.engine) as session:
        answer = session.get_one(StoredAnswer, question.turn)
        stop = session.get(stops.TurnStop, question.turn)
        told = session.get(SlackSession, answer.thread)
        status = status_of(session, answer.thread).value
    wrong = world.violations
    if question.in_time and stop is None:
        wrong.append("a stop was acknowledged in time and is not stored")
    if (stop is not None) != ("stopped this" in str(answer.body["answer"])):
        wrong.append(f"the turn was {'' if stop else 'not '}stopped, and the answer is {answer.body['answer']}")
    replies = [one for one in world.site.workspace.replies(ROOM, question.root) if one.from_app]
    if len(replies) != 1:
        wrong.append(f"{len(replies)} messages of ours stand in the thread: {[one.text for one in replies]}")
    keys = Counter(((one.metadata or {}).get("event_payload") or {}).get("key") for one in replies)
    if keys[f"answer {question.turn}"] != 1:
        wrong.append(f"the answer stands {keys[f'answer {question.turn}']} times")
    expected = "stopped this" if stop is not None else ANSWER
    if not any(expected in json.dumps(one.blocks) for one in replies):
        wrong.append(f"the thread does not say {expected!r}")
    if answer.posted_at is None:
        wrong.append("the answer was never noted as posted")
    shown = world.site.workspace.sessions.get((ROOM, question.root), {}).get("status", status)
    if shown != status or (told is not None and told.status != status):
        wrong.append(f"Slack shows the conversation as {shown}, and it is {status}")


PRIVATE = (TOO_LATE, NOT_YOURS)
"""What may be said privately of a stop."""


def done(world: World, question: Question) -> bool:
    """Whether nothing is left to do of it."""
    with Session(world.engine) as session:
        answer = session.get(StoredAnswer, question.turn)
        unsettled = session.exec(select(SlackSession).where(SlackSession.status.in_(["", "processing"]))).first()  # type: ignore[attr-defined]
        return answer is not None and answer.posted_at is not None and unsettled is None
