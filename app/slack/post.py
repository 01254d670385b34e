"""What `serve` shows in Slack, drawn from rows that say they are not shown yet.

One writer: nothing else posts. A card is due while its proposal has a newer version than the one drawn; an answer
while it has no time of posting. So a restart, an outage of Slack or a second change loses nothing, and what Slack will
not take holds up nothing else.
"""

import asyncio
import logging
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine
from sqlmodel import col, select

from app.database import reading, writing
from app.inbox import Conversation
from app.named import with_names
from app.slack.answers import answer_blocks
from app.slack.attach import attach_tables
from app.slack.deliver import Letter, Standing, deliver
from app.slack.patience import HOPELESS, LOST, Patience, attempt, word
from app.turns import DIGEST, TO_A_MESSAGE, StoredAnswer, TurnStep, unposted
from approvals.active import active
from approvals.person import People
from audit import log
from audit.event import Actor, ActorKind, Event

logger = logging.getLogger(__name__)
SERVE = Actor(ActorKind.SERVICE, "serve")


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
    for answer, place in work:
        body = {**answer.body, "answer": with_names(str(answer.body["answer"]), people)}

        async def post(answer: StoredAnswer = answer, place: Conversation = place, body: dict[str, Any] = body) -> None:
            stands = await _deliver(engine, client, answer, place, body, by)
            if stands is None:
                return
            thread_ts = place.thread_ts or stands.ts
            if await attach_tables(engine, client, answer, channel=place.channel, thread_ts=thread_ts, by=by):
                await asyncio.to_thread(_shown, engine, answer.turn, None)

        key = f"answer {answer.turn}"
        refused = await attempt(patience, key, post)
        if refused in HOPELESS:
            await asyncio.to_thread(_shown, engine, answer.turn, refused)
    return len(work)


async def _deliver(
    engine: Engine, client: AsyncWebClient, answer: StoredAnswer, place: Conversation, body: dict[str, Any], by: str
) -> Standing | None:
    """Posts it with Slack's chart and table, or with the same data as text where the workspace does not take these."""
    for native in (True, False):
        text, blocks = answer_blocks(body, native=native, thread=_asks_on(answer, place), turn=_rated(answer))
        letter = Letter(f"answer {answer.turn}", place.channel, text, blocks, thread_ts=place.thread_ts or None)
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


def _answers(engine: Engine) -> tuple[list[tuple[StoredAnswer, Conversation]], People]:
    with reading(engine) as (session, _):
        return unposted(session, surface="slack"), active(session).people


def _shown(engine: Engine, turn: str, refused: str | None) -> None:
    """Notes that an answer is posted, or that it never can be; the answer itself stays."""
    with writing(engine) as (session, now):
        answer = session.get_one(StoredAnswer, turn)
        answer.posted_at, answer.refused = now, refused
        if refused is not None:
            data = {"what": "answer", "turn": turn, "reason": refused}
            log.append(session, now=now, event=Event.SLACK_UNDELIVERED, actor=SERVE, data=data)


async def show_steps(engine: Engine, client: AsyncWebClient, shown: dict[str, str]) -> None:
    """Status words for the turns that are under way; `shown` remembers what was said last."""
    steps = await asyncio.to_thread(_steps, engine)
    for gone in set(shown) - {step.turn for step, _ in steps}:
        del shown[gone]
    for step, place in steps:
        if shown.get(step.turn) != step.words:
            shown[step.turn] = step.words
            await set_status(client, place, step.words)


def _steps(engine: Engine) -> list[tuple[TurnStep, Conversation]]:
    with reading(engine) as (session, _):
        statement = (
            select(TurnStep, Conversation)
            .join(Conversation, col(Conversation.thread) == col(TurnStep.thread))
            .where(Conversation.surface == "slack")
        )
        return [(step, place) for step, place in session.exec(statement).all()]


async def set_status(client: AsyncWebClient, place: Conversation, words: str) -> None:
    """The line under the composer that says what is going on; nice to have, so its failure is only noted."""
    arguments: dict[str, Any] = {"channel_id": place.channel, "thread_ts": place.thread_ts, "status": words}
    try:
        await client.assistant_threads_setStatus(**arguments)
    except (SlackApiError, *LOST) as error:
        said = word(error) if isinstance(error, SlackApiError) else "the connection broke"
        logger.info("Slack would not show a status: %s", said)
