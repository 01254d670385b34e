"""The steps of a turn as a message that grows while it runs, and ends as the answer: one message from first to last.

A stream is begun once a turn has lasted a moment, told in full whenever it is begun anew, and given up where Slack does
not take it; the status words stay for that turn then. Slack ends a stream after five minutes, so it rolls before that:
the next one tells everything again, and the one before is deleted. Nothing that a model wrote is in it: the answer's
text comes when it is checked, by whoever posts answers (`post.py`).

Whoever begins one takes its row first, while the turn runs. So whoever posts the answer knows of it, whatever dies in
between: a stream that may stand there and of which nobody knows where is found by the ids of its tasks.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from agent.steps import StepState
from app.database import writing
from app.inbox import Conversation, Message
from app.posting import LEASE, WORK_SECONDS, Held, Hold, Posting, forget, give_up, hold, let_go, settled, stands
from app.slack.clients import at
from app.slack.patience import LOST, Patience, asked_to_wait, unknown, word
from app.turns import TO_A_MESSAGE, TurnStep
from approvals.active import active

logger = logging.getLogger(__name__)
AFTER = timedelta(seconds=1.0)
"""How long a turn lasts before its steps are streamed: Slack takes twenty new streams a minute, and an answer that is
there at once needs none."""
ROLL_AFTER = timedelta(minutes=4)
MOST = 15
"""Streams of one turn, an hour; what lasts longer goes on by updates of the last one."""
AT_IT, ON_BELOW, DONE, BROKEN_OFF = "At it", "Continued below", "How this was found", "Stopped"
OVER = "message_not_in_streaming_state"
"""Slack's word for a stream that ended: after its five minutes, by the stop button, or since somebody ended it."""
LOOK_BACK = timedelta(minutes=2)
"""How much earlier than it was begun it is looked for: two clocks, ours and Slack's, are compared."""

Json = dict[str, Any]


@dataclass
class Work:
    """A turn that is under way in a thread of Slack, with what it is doing and for whom."""

    turn: str
    place: Conversation
    words: str
    steps: list[Json]
    recipient: str | None
    streams: list[Posting] = field(default_factory=list)
    """its streams so far, the newest first"""
    refused: bool = False
    """Slack did not take one, so no other is begun"""


class Grown(NamedTuple):
    """A stream that is to end as the answer: where it stands, and its steps as they ended."""

    channel: str
    ts: str
    chunks: list[Json]
    plan: list[Json]


def key_of(turn: str, number: int) -> str:
    """The row of a turn's n-th stream."""
    return f"steps {turn} {number}"


def update_of(turn: str) -> str:
    """The row of whoever draws a turn's steps into a stream that has ended."""
    return f"steps {turn} update"


def being_updated(session: Session, turn: str, now: datetime) -> bool:
    """Whether somebody may be drawing steps where the turn's answer is to stand."""
    row = session.get(Posting, update_of(turn))
    return row is not None and row.until > now


def streams_of(session: Session, turn: str) -> list[Posting]:
    """The rows of a turn's streams, the newest first; the place of one that Slack did not take is empty."""
    keys = [key_of(turn, number) for number in range(1, MOST + 1)]
    return sorted(session.exec(select(Posting).where(col(Posting.key).in_(keys))), key=_number, reverse=True)


def forget_streams(session: Session, turn: str) -> None:
    """Their rows go with the answer that they became."""
    for key in (*(row.key for row in streams_of(session, turn)), update_of(turn)):
        forget(session, key=key)


def chunks(turn: str, steps: Sequence[Json], title: str) -> list[Json]:
    """The plan's title and each step as a task: repeated as often as one likes, each stands once, by its id."""
    tasks = [
        {"type": "task_update", "id": task_id(turn, one), "title": str(one["words"]), "status": str(one["state"])}
        for one in steps
    ]
    return [{"type": "plan_update", "title": title}, *tasks]


def plan(turn: str, steps: Sequence[Json], title: str) -> list[Json]:
    """The same as a block, for a message that is no stream any more."""
    tasks = [
        {"type": "task_card", "task_id": task_id(turn, one), "title": str(one["words"]), "status": str(one["state"])}
        for one in steps
    ]
    return [{"type": "plan", "title": title, "tasks": tasks}] if tasks else []


def task_id(turn: str, step: Json) -> str:
    """Nobody else's: a stream is recognised by it."""
    return f"{turn}/{step['number']}"


def title_of(steps: Sequence[Json], *, stopped: bool) -> str:
    """What stands over the steps once the answer is there."""
    broken = stopped and any(one["state"] == StepState.FAILED.value for one in steps)
    return BROKEN_OFF if stopped or broken else DONE


def under_way(session: Session) -> list[Work]:
    """The turns that are being taken in threads of Slack."""
    statement = (
        select(TurnStep, Conversation, Message)
        .join(Conversation, col(Conversation.thread) == col(TurnStep.thread))
        .join(Message, TO_A_MESSAGE + col(Message.id) == col(TurnStep.turn), isouter=True)
        .where(Conversation.surface == "slack")
    )
    found = session.exec(statement).all()
    people = active(session).people if found else None
    works = []
    for step, place, message in found:
        person = people.by_id.get(message.person) if people is not None and message is not None else None
        accounts = [user for team, user in person.slack if team == place.team] if person is not None else []
        rows = streams_of(session, step.turn)
        streams = [row for row in rows if row.ts != ""]
        recipient = next(iter(accounts), None)
        steps, refused = list(step.steps or []), len(streams) < len(rows)
        works.append(Work(step.turn, place, step.words, steps, recipient, streams, refused))
    return works


class Streams:
    """Every turn's steps, as far as this process shows them."""

    def __init__(self, engine: Engine, client: AsyncWebClient, *, by: str) -> None:
        self._engine, self._client, self._by = engine, client, by
        self._told: dict[str, list[Json]] = {}
        self._seen: dict[str, datetime] = {}
        self._patience = Patience()

    async def show(self, works: Sequence[Work], now: datetime) -> set[str]:
        """Brings the streams up to date; returns the turns that have one, or may have."""
        running = {work.turn for work in works}
        self._told = {turn: told for turn, told in self._told.items() if turn in running}
        self._seen = {turn: self._seen.get(turn, now) for turn in running}
        return {work.turn for work in works if await self._one(work, now)}

    async def _one(self, work: Work, now: datetime) -> bool:
        current = next(iter(work.streams), None)
        if current is None:
            ripe = bool(work.steps and work.place.thread_ts) and now - self._seen[work.turn] >= AFTER
            return ripe and not work.refused and await self._begin(work, 1)
        if current.owner != self._by and current.until > now:
            return True  # another replica tells it
        if current.ts is None:
            return await self._begin(work, _number(current))
        if now - current.begun_at >= ROLL_AFTER and not work.refused and _number(current) < MOST:
            return await self._begin(work, _number(current) + 1)
        if len(work.streams) > 1:
            await self._clear(work)
        if self._told.get(work.turn) != work.steps:
            await self._append(work, current)
        return True

    async def _append(self, work: Work, current: Posting) -> None:
        told = list(work.steps)
        where: dict[str, Any] = {"channel": str(current.channel), "ts": str(current.ts)}
        client = at(self._client, work.place.team)
        try:
            try:
                await client.chat_appendStream(**where, chunks=chunks(work.turn, told, AT_IT))
            except SlackApiError as error:
                if word(error) != OVER:
                    raise
                if not await self._update(client, work.turn, where, plan(work.turn, told, AT_IT)):
                    return
        except SlackApiError as error:
            if asked_to_wait(error) is not None:
                return  # the next look is soon enough, and tells what is true then
            logger.info("Slack would not take a step of %s: %s", work.turn, word(error))
        except LOST as error:
            logger.info("a step of %s may not have been shown: %s", work.turn, error)
            return
        self._told[work.turn] = told
        await asyncio.to_thread(self._keep, current.key)

    async def _update(self, client: AsyncWebClient, turn: str, where: Json, blocks: list[Json]) -> bool:
        """Draws the steps into a stream that Slack has ended; False where it may have ended as the answer, which
        nothing is drawn over. The answer waits meanwhile, also where nobody knows whether Slack is still at it."""
        if not await asyncio.to_thread(self._may_update, turn):
            return False
        try:
            async with asyncio.timeout(WORK_SECONDS):
                await client.chat_update(**where, text=AT_IT, blocks=blocks)
        except SlackApiError as error:
            if not unknown(error):
                await asyncio.to_thread(self._let_go, update_of(turn), False)
            raise
        await asyncio.to_thread(self._let_go, update_of(turn), False)
        return True

    async def _begin(self, work: Work, number: int) -> bool:
        """Begins the n-th stream of a turn; False where there is none, and the status words are all there is."""
        if not self._patience.ready(work.turn):
            return bool(work.streams)
        key, told = key_of(work.turn, number), list(work.steps)
        held = await asyncio.to_thread(self._hold, key, work.turn)
        if held is None:
            return True  # another is at it, or the turn is over: then the answer is about to stand here
        known = [str(row.ts) for row in work.streams if row.ts]
        try:
            found = None
            if held.hold == Hold.AGAIN:
                found = await find(
                    at(self._client, work.place.team), work.place, work.turn, since=held.begun_at, besides=known
                )
            ts = found or await self._start(work, told)
        except (SlackApiError, *LOST) as error:
            return await self._failed(work, key, held, error)
        await asyncio.to_thread(self._stands, key, work.place.channel, ts)
        if not found:
            self._told[work.turn] = told
        return True

    async def _start(self, work: Work, told: list[Json]) -> str:
        answer = await at(self._client, work.place.team).chat_startStream(
            channel=work.place.channel,
            thread_ts=work.place.thread_ts,
            recipient_team_id=work.place.team if work.recipient else None,
            recipient_user_id=work.recipient,
            task_display_mode="plan",
            chunks=chunks(work.turn, told, AT_IT),
        )
        return str(answer["ts"])

    async def _failed(self, work: Work, key: str, held: Held, error: Exception) -> bool:
        """What Slack refused for good is not tried again in this turn; what nobody knows of is looked for."""
        refused = isinstance(error, SlackApiError) and not unknown(error)
        seconds = asked_to_wait(error) if isinstance(error, SlackApiError) else None
        if isinstance(error, SlackApiError) and refused and seconds is None:
            logger.info("Slack takes no steps here (%s): the status says what goes on", word(error))
            await asyncio.to_thread(self._give_up, key)
            return bool(work.streams)
        if seconds is not None:
            self._patience.wait(work.turn, seconds)
        else:
            self._patience.failed(work.turn)
        nothing_there = held.hold == Hold.FIRST and refused
        await asyncio.to_thread(self._let_go, key, nothing_there)
        return not nothing_there or bool(work.streams)

    async def _clear(self, work: Work) -> None:
        newest, *older = work.streams
        if newest.ts is not None:
            for row in older:
                if await clear(at(self._client, work.place.team), row):
                    await asyncio.to_thread(self._forget, row.key)

    def _hold(self, key: str, turn: str) -> Held | None:
        """Takes the row while the turn runs: none is begun beside the answer."""
        with writing(self._engine) as (session, now):
            if session.get(TurnStep, turn) is None or settled(session, key=key):
                return None
            held = hold(session, key=key, owner=self._by, now=now)
            return held if held.hold in (Hold.FIRST, Hold.AGAIN) else None

    def _may_update(self, turn: str) -> bool:
        with writing(self._engine) as (session, now):
            if session.get(TurnStep, turn) is None:
                return False
            return hold(session, key=update_of(turn), owner=self._by, now=now).hold != Hold.TAKEN

    def _stands(self, key: str, channel: str, ts: str) -> None:
        with writing(self._engine) as (session, now):
            row = session.get(Posting, key)
            if row is not None:
                stands(session, key=key, channel=channel, ts=ts, now=now)
                row.until = now + LEASE

    def _keep(self, key: str) -> None:
        """Whoever tells it goes on telling it; another replica takes over once it is silent."""
        with writing(self._engine) as (session, now):
            row = session.get(Posting, key)
            if row is not None:
                row.owner, row.until = self._by, now + LEASE

    def _give_up(self, key: str) -> None:
        with writing(self._engine) as (session, now):
            give_up(session, key=key, owner=self._by, now=now)

    def _let_go(self, key: str, nothing_there: bool) -> None:
        with writing(self._engine) as (session, now):
            let_go(session, key=key, owner=self._by, now=now, nothing_there=nothing_there)

    def _forget(self, key: str) -> None:
        with writing(self._engine) as (session, _):
            forget(session, key=key)


async def clear(client: AsyncWebClient, row: Posting) -> bool:
    """Takes a stream away that another has followed: ended, with a word of that, and deleted where Slack lets us."""
    where: dict[str, Any] = {"channel": str(row.channel), "ts": str(row.ts)}
    if not row.ts:
        return True
    try:
        try:
            await client.chat_stopStream(**where, chunks=[{"type": "plan_update", "title": ON_BELOW}])
        except SlackApiError as error:
            if word(error) != OVER:
                raise
        await client.chat_delete(**where)
    except SlackApiError as error:
        if asked_to_wait(error) is not None or unknown(error):
            return False
        logger.info("Slack would not take an earlier stream away: %s", word(error))
    except LOST:
        return False
    return True


async def find(
    client: AsyncWebClient, place: Conversation, turn: str, *, since: datetime, besides: Sequence[str] = ()
) -> str | None:
    """Where a stream of this turn stands of which nobody noted it: ours, with a task of this turn's, and no answer.

    Where Slack will not let us look there is none: it ends by itself, and says nothing but what was being done.
    """
    begins, oldest = f"{turn}/", f"{(since - LOOK_BACK).timestamp():.6f}"
    try:
        us = str((await client.auth_test())["bot_id"])
        answer = await client.conversations_replies(
            channel=place.channel, ts=place.thread_ts, oldest=oldest, limit=200, include_all_metadata=True
        )
    except SlackApiError as error:
        if asked_to_wait(error) is not None or unknown(error):
            raise
        logger.info("Slack would not let us look for the steps of %s: %s", turn, word(error))
        return None
    for message in reversed(answer.get("messages") or []):
        ours = message.get("bot_id") == us and not message.get("metadata") and message.get("ts") not in besides
        if ours and any(str(one).startswith(begins) for one in _task_ids(message.get("blocks") or [])):
            return str(message["ts"])
    return None


def _task_ids(blocks: Sequence[Json]) -> list[Any]:
    return [task.get("task_id") for block in blocks for task in (*block.get("tasks", ()), block)]


def _number(row: Posting) -> int:
    return int(row.key.rpartition(" ")[2])
