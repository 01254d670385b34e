"""What `serve` shows in Slack, drawn from rows that say they are not shown yet.

One writer: nothing else posts. A card is due while its proposal has a newer version than the one drawn; an answer
while it has no time of posting. So a restart, an outage of Slack or a second change loses nothing, and what Slack will
not take holds up nothing else.
"""

import asyncio
import logging
from typing import Any, NamedTuple

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine

from app.database import reading, writing
from app.inbox import Conversation
from app.named import with_names
from app.posting import Posting
from app.sessions import unsure
from app.slack.answers import answer_blocks
from app.slack.attach import attach_tables
from app.slack.clients import at
from app.slack.deliver import Letter, Standing, deliver
from app.slack.patience import HOPELESS, LOST, Patience, attempt, word
from app.slack.streams import Grown, being_updated, chunks, clear, find, forget_streams, plan, streams_of, title_of
from app.turns import DIGEST, TO_A_MESSAGE, StoredAnswer, unposted
from approvals.active import active
from approvals.person import People
from audit import log
from audit.event import Actor, ActorKind, Event

logger = logging.getLogger(__name__)
SERVE = Actor(ActorKind.SERVICE, "serve")


class Due(NamedTuple):
    """An answer that is not shown yet, where it goes, and the turn's streams, the newest first."""

    answer: StoredAnswer
    place: Conversation
    streams: list[Posting]
    waits: bool
    """where it is to stand something else is being shown this moment, and known by the next look"""


async def whisper(client: AsyncWebClient, *, channel: str, user: str, text: str, thread_ts: str | None = None) -> None:
    """Tells one person something that nobody else needs to read."""
    try:
        await client.chat_postEphemeral(channel=channel, user=user, text=text, thread_ts=thread_ts)
    except (SlackApiError, *LOST) as error:
        logger.warning("a private note was not shown: %s", error)


_under_way: set[asyncio.Task[None]] = set()


def whisper_soon(client: AsyncWebClient, *, channel: str, user: str, text: str, thread_ts: str | None = None) -> None:
    """The same without waiting for it: what was stored is acknowledged first."""
    task = asyncio.create_task(whisper(client, channel=channel, user=user, text=text, thread_ts=thread_ts))
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


async def post_answers(
    engine: Engine, client: AsyncWebClient, *, by: str = "serve", patience: Patience | None = None
) -> int:
    """Posts every answer that is due into its thread; returns how many were."""
    patience = patience or Patience()
    work, people = await asyncio.to_thread(_answers, engine)
    for due in work:
        answer = due.answer
        body = {**answer.body, "answer": with_names(str(answer.body["answer"]), people)}

        async def post(due: Due = due, body: dict[str, Any] = body) -> None:
            if due.waits:
                return
            there = at(client, due.place.team)
            stands = await _deliver(engine, there, due, body, by)
            if stands is None:
                return
            for row in due.streams:
                if row.ts and row.ts != stands.ts:
                    await clear(there, row)
            answer, place = due.answer, due.place
            thread_ts = place.thread_ts or stands.ts
            if await attach_tables(engine, there, answer, channel=place.channel, thread_ts=thread_ts, by=by):
                await asyncio.to_thread(_shown, engine, answer.turn, None)

        key = f"answer {answer.turn}"
        refused = await attempt(patience, key, post)
        if refused in HOPELESS:
            await asyncio.to_thread(_shown, engine, answer.turn, refused)
    return len(work)


async def _grown(client: AsyncWebClient, due: Due) -> Grown | None:
    """The newest stream of the turn that stands there, to be ended as the answer."""
    answer, place = due.answer, due.place
    known = [row.ts for row in due.streams if row.ts]
    steps = list(answer.body.get("steps") or [])
    for row in due.streams:
        ts = row.ts
        if ts is None:
            ts = await find(client, place, answer.turn, since=row.begun_at, besides=known)
        if ts:
            title = title_of(steps, stopped=bool(answer.body.get("stopped")))
            turn = answer.turn
            return Grown(place.channel, ts, chunks(turn, steps, title), plan(turn, steps, title))
    return None


async def _deliver(engine: Engine, client: AsyncWebClient, due: Due, body: dict[str, Any], by: str) -> Standing | None:
    """Posts it with Slack's chart and table, or with the same data as text where the workspace does not take these; as
    the end of the turn's stream, where it has one."""
    answer, place = due.answer, due.place
    grown = await _grown(client, due)
    for native in (True, False):
        text, blocks = answer_blocks(body, native=native, thread=_asks_on(answer, place), turn=_rated(answer))
        grown = grown if grown is None or native else grown._replace(plan=[])
        letter = Letter(
            f"answer {answer.turn}", place.channel, text, blocks, thread_ts=place.thread_ts or None, grown=grown
        )
        try:
            return await deliver(engine, client, letter, by=by)
        except SlackApiError as error:
            if not native or word(error) not in ("invalid_blocks", "msg_blocks_too_long"):
                raise
            logger.info("Slack takes no chart or table here (%s): the answer is shown as text", word(error))
    return None


def _asks_on(answer: StoredAnswer, place: Conversation) -> str:
    """The conversation for the buttons that ask on; a digest begins none, its thread is nobody's yet."""
    return "" if answer.turn.startswith(DIGEST) else place.thread


def _rated(answer: StoredAnswer) -> str:
    """The turn for the buttons of an answer to a question; a notice of how a proposal ended is not rated."""
    return answer.turn if answer.turn.startswith(TO_A_MESSAGE) else ""


def _answers(engine: Engine) -> tuple[list[Due], People]:
    with reading(engine) as (session, now):
        work = []
        for answer, place in unposted(session, surface="slack"):
            streams = [row for row in streams_of(session, answer.turn) if row.ts != ""]
            begun = bool(streams) and streams[0].ts is None and streams[0].until > now
            waits = begun or being_updated(session, answer.turn, now)
            work.append(Due(answer, place, streams, waits))
        return work, active(session).people


def _shown(engine: Engine, turn: str, refused: str | None) -> None:
    """Notes that an answer is posted, or that it never can be; the answer itself stays."""
    with writing(engine) as (session, now):
        answer = session.get_one(StoredAnswer, turn)
        answer.posted_at, answer.refused = now, refused
        if streams_of(session, turn):
            forget_streams(session, turn)
            unsure(session, answer.thread)
        if refused is not None:
            data = {"what": "answer", "turn": turn, "reason": refused}
            log.append(session, now=now, event=Event.SLACK_UNDELIVERED, actor=SERVE, data=data)
