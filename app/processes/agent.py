"""`spendgate agent`: finds the conversations that are due and takes their turns, one holder a thread.

It has no cloud credentials and no way to vote; what it can cause is an answer, and a draft that people decide.
"""

import asyncio
import hmac
import json
import logging
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from agent.conversation import Graph, build, serve
from agent.memory import open_memory
from agent.ports import Ports, Wake
from agent.said import Answer
from agent.voices import RetryBudget
from app import stops
from app.asked_ahead import AskedAhead
from app.database import kept, reading, writing
from app.halt import HALTED, Halted, halted, instead, unless_halted, without_inference
from app.home import Home
from app.inbox import Message
from app.lake_here import lake_here
from app.model_settings import ModelSettings
from app.seat import draft_ids, proposal_rows, seated_with, sit
from app.second_readings import SecondReadings
from app.steps import Steps, steps_of
from app.stops import stopped
from app.turns import (
    MOST_ATTEMPTS,
    TokenUse,
    WakeUp,
    anything_due,
    begin_attempt,
    drop_lease,
    due,
    finish,
    note_due,
    show_step,
    take_lease,
)
from app.voices import monthly_budget, voices
from app.weekly import weekly
from audit import log, private
from audit.errors import AuditError
from audit.event import Actor, ActorKind, Event

logger = logging.getLogger(__name__)
POLL_SECONDS = 0.25
RENEW_SECONDS = 10.0
THREADS_AT_ONCE = 4
MOST_PAUSE_SECONDS = 30.0
UNREADABLE = (
    "Your question cannot be read any more: its stored text was damaged. Nothing was changed. Please ask it again."
)
GAVE_UP = (
    "I could not finish this turn: it failed three times in a row. Nothing was changed. "
    "Please ask again; whoever runs Spendgate finds the cause in the agent's log."
)


class AgentProcess:
    """One agent's process: the graph, and the loop that serves what is due."""

    def __init__(self, *, engine: Engine, home: Home, model: ModelSettings, graph: Graph) -> None:
        self.engine = engine
        self.owner = f"agent-{secrets.token_hex(4)}"
        self.graph = graph
        lake = lake_here(home.lake)
        self.steps = Steps(engine)
        self._turns, self._idle = 0, asyncio.Event()
        self._idle.set()
        at = sit(engine, home, lake)
        self.ahead = AskedAhead(engine, lake, seated=seated_with(engine, home, lake), idle=self._idle)
        first, *others = voices(model, lake)
        budget = monthly_budget(engine, model)
        self.ports = Ports(
            sit=at,
            proposals=proposal_rows(engine),
            model=first.model,
            model_name=first.name,
            price=first.price,
            fallbacks=tuple(others),
            retries=RetryBudget(),
            budget=budget,
            steps=self.steps.note,
        )
        self.weekly = weekly(engine, home, lake)
        self.readings = SecondReadings(
            engine, owner=self.owner, model=first.model, model_name=first.name, budget=budget
        )

    async def run(self) -> None:
        """Serves until it is cancelled. A busy database or one thread's fault is noted, and the others go on."""
        beside = [asyncio.create_task(self.readings.run()), asyncio.create_task(self.ahead.run())]
        if self.weekly is not None:
            beside.append(asyncio.create_task(self.weekly.run()))
        try:
            await self._converse()
        finally:
            for task in beside:
                task.cancel()

    async def _converse(self) -> None:
        busy: dict[str, asyncio.Task[None]] = {}
        pause = POLL_SECONDS
        while True:
            try:
                await self._round(busy)
                pause = POLL_SECONDS
            except Exception as error:  # noqa: BLE001 (an agent that ends leaves everybody without an answer)
                pause = min(pause * 2, MOST_PAUSE_SECONDS)
                logger.warning("a round did not work (%s: %s); again in %.1f s", type(error).__name__, error, pause)
            await asyncio.sleep(pause)

    async def _round(self, busy: dict[str, asyncio.Task[None]]) -> None:
        for thread in [thread for thread, task in busy.items() if task.done()]:
            fault = busy.pop(thread).exception()
            if fault is not None:
                logger.warning("conversation %s was put down (%s: %s)", thread, type(fault).__name__, fault)
        for thread in await asyncio.to_thread(self._due_threads):
            if thread not in busy and len(busy) < THREADS_AT_ONCE:
                busy[thread] = asyncio.create_task(self.drain(thread))

    def _due_threads(self) -> list[str]:
        with reading(self.engine) as (session, _):
            if not anything_due(session):
                return []
        with writing(self.engine) as (session, now):
            note_due(session, now)
            return list(dict.fromkeys(wake.thread for wake in _served_now(session, due(session))))

    async def drain(self, thread: str) -> None:
        """Serves all wake-ups of one thread in order, under its lease; leaves it alone if somebody else holds it."""
        if not await asyncio.to_thread(self._lease, thread):
            return
        renewal = asyncio.create_task(self._renew(thread))
        self._turns += 1
        self._idle.clear()
        try:
            while wakes := await asyncio.to_thread(self._due_in, thread):
                for wake in wakes:
                    if not await self._turn(wake):
                        return
        finally:
            self._turns -= 1
            if not self._turns:
                self._idle.set()
            renewal.cancel()
            await asyncio.to_thread(self._release, thread)

    async def _turn(self, row: WakeUp) -> bool:
        """One wake-up; False when it failed and is to be tried again later."""
        attempt, earlier = await asyncio.to_thread(self._begin, row)
        try:
            async with self.steps.of(row, earlier):
                answer = await self._answer(row, attempt)
            await asyncio.to_thread(self._finish, row, answer)
        except Exception as error:  # noqa: BLE001 (the row stays open, so the turn is tried again; nothing of it is lost)
            logger.warning("turn %s failed at attempt %d: %s: %s", row.id, attempt, type(error).__name__, error)
            await asyncio.sleep(min(2.0**attempt, 10.0))
            return False
        return True

    async def _answer(self, row: WakeUp, attempt: int) -> Answer | None:
        if attempt > MOST_ATTEMPTS:
            return Answer(turn=row.id, answer=GAVE_UP, model=self.ports.model_name)
        try:
            wake = await asyncio.to_thread(self._wake, row)
        except AuditError as error:
            logger.warning("the question of turn %s cannot be read: %s", row.id, error)
            return Answer(turn=row.id, answer=UNREADABLE, model=self.ports.model_name)
        turn = serve(self.graph, row.thread, wake, self.ports, last_try=attempt == MOST_ATTEMPTS)
        try:
            return await unless_halted(self.engine, turn, turn=row.id)
        except Halted as halt:
            blank = Answer(turn=row.id, answer=HALTED, refused=True, model=self.ports.model_name)
            if not halt.begun and attempt == 1:
                return blank
            # Otherwise the next message of the thread would finish this turn first, with a model and a draft: also
            # where it was begun by an attempt that died, and halted before this one.
            done = await serve(self.graph, row.thread, wake, without_inference(self.ports), last_try=True)
            # What it took of the model until then was taken.
            return replace(blank, model=done.model, tokens=done.tokens, used=done.used) if done is not None else blank

    def _lease(self, thread: str) -> bool:
        with writing(self.engine) as (session, now):
            return take_lease(session, thread=thread, owner=self.owner, now=now)

    async def _renew(self, thread: str) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await asyncio.to_thread(self._lease, thread)

    def _release(self, thread: str) -> None:
        with writing(self.engine) as (session, _):
            drop_lease(session, thread=thread, owner=self.owner)

    def _due_in(self, thread: str) -> list[WakeUp]:
        with writing(self.engine) as (session, now):
            note_due(session, now)
            return _served_now(session, due(session, thread))

    def _begin(self, row: WakeUp) -> tuple[int, list[dict[str, Any]]]:
        """Counts the attempt, in a transaction of its own: what then fails must not take the count back. Returns it
        with the steps that an earlier one stored."""
        with writing(self.engine) as (session, now):
            if row.kind == "message":
                show_step(session, turn=row.id, thread=row.thread, words="is reading the bill…", now=now)
            attempt = begin_attempt(session, row.id)
            return attempt, steps_of(session, row.id) if attempt > 1 else []

    def _wake(self, row: WakeUp) -> Wake:
        if row.kind == "outcome":
            return Wake(id=row.id, kind="outcome")
        with reading(self.engine) as (session, _):
            message = session.get_one(Message, row.ref)
            text = private.open_text(session, message.text_ref)
            return Wake(id=row.id, kind="message", speaker=message.person, text=text or "(erased)")

    def _finish(self, row: WakeUp, answer: Answer | None) -> None:
        steps = self.steps.taken(row.id)
        with writing(self.engine) as (session, now):
            if answer is not None and row.kind == "message" and halted(session):
                answer = instead(answer)
            stop = stopped(session, row.id)
            if answer is not None and stop is not None:
                answer = stops.instead(session, answer, stop, draft_ids(row.thread, row.id))
            salt = secrets.token_hex(32)
            body = answer.to_json() | {"salt": salt, "steps": steps} if answer else None
            if body is not None and stop is not None:
                body["stopped"] = True
            if not finish(session, wake=row, body=body, now=now) or answer is None:
                return
            session.add_all(_uses(row.id, answer, now))
            event = Event.QUESTION_DECLINED if answer.refused else Event.QUESTION_ANSWERED
            data = {
                "turn": row.id,
                "thread": row.thread,
                "why": row.kind,
                "model": answer.model,
                "tools": answer.tools,
                "figures": [figure["id"] for figure in answer.figures],
                "proposals": answer.proposals,
                # Salted, since an answer may repeat words of the question: the salt goes when they are erased.
                "text_commitment": hmac.new(bytes.fromhex(salt), answer.answer.encode(), sha256).hexdigest(),
                **_tokens(answer),
            }
            log.append(session, now=now, event=event, actor=Actor(ActorKind.AGENT, "agent"), data=data)


def _served_now(session: Session, wakes: list[WakeUp]) -> list[WakeUp]:
    """While everything is stopped an outcome waits, and a message is answered: by the sentence that says so."""
    return [wake for wake in wakes if wake.kind == "message"] if halted(session) else wakes


def _tokens(answer: Answer) -> dict[str, int]:
    return _counted(answer.tokens)


def _counted(tokens: Mapping[str, int]) -> dict[str, int]:
    return {"input_tokens": tokens["input"], "output_tokens": tokens["output"]}


def _uses(turn: str, answer: Answer, now: datetime) -> list[TokenUse]:
    """What each voice took, under its own name: at another's price the month's budget would be told wrong."""
    nothing = {"input": 0, "output": 0}
    used = {answer.model: nothing, **answer.used} if answer.used else {answer.model: answer.tokens}
    return [
        TokenUse(turn=turn if name == answer.model else f"{turn}/{name}", model=name, at=now, **_counted(tokens))
        for name, tokens in used.items()
    ]


@asynccontextmanager
async def agent_process(*, engine: Engine, home: Home, model: ModelSettings) -> AsyncIterator[AgentProcess]:
    """An agent's process with its memory open, and its connections to the database kept open."""
    with kept(engine) as kept_engine:
        async with open_memory(home.memory) as saver:
            yield AgentProcess(engine=kept_engine, home=home, model=model, graph=build(saver))


async def run(*, engine: Engine, home: Home, model: ModelSettings) -> None:
    """Serves until it is told to stop."""
    async with agent_process(engine=engine, home=home, model=model) as process:
        with reading(engine) as (_, now):
            ready = {"ready": "agent", "model": process.ports.model_name, "at": now.isoformat()}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await process.run()
