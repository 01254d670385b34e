"""The agent's part of a turn, played row by row: what it would store, at the moment that a test chooses."""

import asyncio
from typing import Any

from sqlalchemy import Engine
from sqlmodel import select

from app.database import writing
from app.inbox import Message
from app.steps import store_steps
from app.turns import WakeUp, finish, note_due, show_step

ANSWER = "AI cost 12,000 USD."


def step(number: int, words: str = "Looking up what was spent", state: str = "in_progress") -> dict[str, Any]:
    return {"number": number, "words": words, "state": state}


async def begun(engine: Engine, count: int = 1) -> WakeUp:
    """The newest message's turn, once `count` have arrived, under way."""
    async with asyncio.timeout(60):
        while True:
            with writing(engine) as (session, now):
                note_due(session, now)
                wakes = session.exec(select(WakeUp).where(WakeUp.kind == "message")).all()
                if len(session.exec(select(Message)).all()) >= count and len(wakes) >= count:
                    wake = max(wakes, key=lambda one: one.due_at)
                    show_step(session, turn=wake.id, thread=wake.thread, words="is reading the bill…", now=now)
                    return wake
            await asyncio.sleep(0.02)


def doing(engine: Engine, wake: WakeUp, *steps: dict[str, Any]) -> None:
    with writing(engine) as (session, now):
        store_steps(session, turn=wake.id, steps=list(steps), now=now)


def answered(engine: Engine, wake: WakeUp, *steps: dict[str, Any], text: str = ANSWER) -> None:
    body = {"answer": text, "tools": ["query_spend"], "model": "offline", "steps": list(steps)}
    with writing(engine) as (session, now):
        assert finish(session, wake=wake, body=body, now=now)
