"""What `serve` shows in Slack, drawn from rows that say they are not shown yet.

One writer: nothing else posts. A card is due while its proposal has a newer version than the one drawn; an answer
while it has no time of posting. So a restart, an outage of Slack or a second change loses nothing, and what Slack will
not take holds up nothing else.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.database import reading, writing
from app.drawn import CardMessage
from app.inbox import Conversation
from app.named import with_names
from app.seen import last_seen
from app.slack.answers import answer_blocks
from app.slack.cards import card_blocks
from app.slack.patience import GONE, HOPELESS, Patience
from app.turns import StoredAnswer, TurnStep, unposted
from approvals.active import active
from approvals.card import Card, project
from approvals.person import People
from approvals.posted import posted
from approvals.states import State
from approvals.store import Advice, Proposal
from audit import log
from audit.event import Actor, ActorKind, Event

logger = logging.getLogger(__name__)
SERVE = Actor(ActorKind.SERVICE, "serve")
AS_WRITTEN: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False, "parse": "none"}
"""Slack makes no links and previews of its own out of names that came from a bill."""
WAITS_FOR_WORKER = (State.APPROVED, State.HELD, State.SUCCEEDED, State.UNKNOWN)


async def whisper(client: AsyncWebClient, *, channel: str, user: str, text: str, thread_ts: str | None = None) -> None:
    """Tells one person something that nobody else needs to read."""
    try:
        await client.chat_postEphemeral(channel=channel, user=user, text=text, thread_ts=thread_ts)
    except (SlackApiError, OSError, TimeoutError) as error:
        logger.warning("a private note was not shown: %s", error)


_under_way: set[asyncio.Task[None]] = set()


def whisper_soon(client: AsyncWebClient, *, channel: str, user: str, text: str, thread_ts: str | None = None) -> None:
    """The same without waiting for it: what was stored is acknowledged first."""
    task = asyncio.create_task(whisper(client, channel=channel, user=user, text=text, thread_ts=thread_ts))
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


async def _try(patience: Patience, key: str, do: Callable[[], Awaitable[None]]) -> str | None:
    """Does one item if it is time to; returns Slack's word for why not, at its first failure and at hopeless ones."""
    if not patience.ready(key):
        return None
    try:
        await do()
    except SlackApiError as error:
        word = str(error.response.get("error", "unknown"))
        pause = patience.failed(key)
        logger.warning("Slack would not take %s (%s); trying again in %.0f s", key, word, pause)
        return word
    patience.done(key)
    return None


def cards_due(session: Session) -> list[tuple[Proposal, CardMessage | None]]:
    """Proposals whose card is not drawn, or was drawn in an earlier version, before it was waiting for a worker, or
    before somebody had read it a second time."""
    statement = (
        select(Proposal, CardMessage)
        .join(CardMessage, col(CardMessage.proposal) == col(Proposal.id), isouter=True)
        .join(Advice, col(Advice.proposal) == col(Proposal.id), isouter=True)
        .where(col(Proposal.state) != State.UNSEALABLE)
        .where(
            col(CardMessage.drawn_version).is_(None)
            | (col(Proposal.version) > col(CardMessage.drawn_version))
            | (col(Proposal.state).in_(WAITS_FOR_WORKER) & ~col(CardMessage.hinted))
            | (col(Advice.advised_at) >= col(CardMessage.drawn_at))
        )
    )
    return [(proposal, message) for proposal, message in session.exec(statement).all()]


def _cards(engine: Engine) -> tuple[list[tuple[Card, CardMessage | None]], People, datetime]:
    with reading(engine) as (session, now):
        people, seen = active(session).people, last_seen(session, "worker")
        work: list[tuple[Card, CardMessage | None]] = []
        for proposal, message in cards_due(session):
            card = project(session, proposal.id, people, now=now, worker_seen_at=seen)
            advised = card.advice is not None and message is not None and _advised_since(session, message)
            if message is None or card.version > message.drawn_version or card.hint or advised:
                work.append((card, message))
    return work, people, now


def _advised_since(session: Session, message: CardMessage) -> bool:
    advice = session.get(Advice, message.proposal)
    return advice is not None and advice.advised_at >= message.drawn_at


async def draw_cards(
    engine: Engine, client: AsyncWebClient, *, channel: str, team: str, patience: Patience | None = None
) -> int:
    """Draws every card that is due; returns how many were."""
    patience = patience or Patience()
    work, people, read_at = await asyncio.to_thread(_cards, engine)
    for card, message in work:
        text, blocks = card_blocks(card, people=people, team=team)

        async def draw(
            card: Card = card, message: CardMessage | None = message, text: str = text, blocks: Any = blocks
        ) -> None:
            if message is None:
                answer = await client.chat_postMessage(channel=channel, text=text, blocks=blocks, **AS_WRITTEN)
                where, ts = str(answer["channel"]), str(answer["ts"])
            else:
                where, ts = message.channel, message.ts
                await client.chat_update(channel=where, ts=ts, text=text, blocks=blocks)
            await asyncio.to_thread(_drawn, engine, card=card, channel=where, ts=ts, read_at=read_at)

        refused = await _try(patience, f"card {card.proposal}", draw)
        if refused in GONE:
            await asyncio.to_thread(_lost, engine, card.proposal, refused)
            patience.done(f"card {card.proposal}")
    return len(work)


def _drawn(engine: Engine, *, card: Card, channel: str, ts: str, read_at: datetime) -> None:
    """Notes what is shown, as it stood at `read_at`: what was stored since then is drawn in the next round. The first
    showing makes a sealed proposal one that waits for votes."""
    with writing(engine) as (session, now):
        message = session.get(CardMessage, card.proposal)
        if message is None:
            message = CardMessage(proposal=card.proposal, channel=channel, ts=ts, drawn_version=0, drawn_at=read_at)
            session.add(message)
        message.drawn_version, message.drawn_at, message.hinted = card.version, read_at, card.hint is not None
        session.flush()
        if card.state == State.SEALED:
            posted(session, now=now, proposal_id=card.proposal, where="slack")


def _lost(engine: Engine, proposal: str, why: str) -> None:
    """Somebody deleted the card: the next round posts it anew, and the log says so."""
    with writing(engine) as (session, now):
        message = session.get(CardMessage, proposal)
        if message is not None:
            session.delete(message)
        data = {"what": "card", "reason": why}
        log.append(session, now=now, event=Event.SLACK_UNDELIVERED, actor=SERVE, proposal=proposal, data=data)


async def post_answers(engine: Engine, client: AsyncWebClient, *, patience: Patience | None = None) -> int:
    """Posts every answer that is due into its thread; returns how many were."""
    patience = patience or Patience()
    work, people = await asyncio.to_thread(_answers, engine)
    for answer, place in work:
        text, blocks = answer_blocks({**answer.body, "answer": with_names(str(answer.body["answer"]), people)})

        async def post(
            answer: StoredAnswer = answer, place: Conversation = place, text: str = text, blocks: Any = blocks
        ) -> None:
            await client.chat_postMessage(
                channel=place.channel, thread_ts=place.thread_ts, text=text, blocks=blocks, **AS_WRITTEN
            )
            await asyncio.to_thread(_shown, engine, answer.turn, None)

        refused = await _try(patience, f"answer {answer.turn}", post)
        if refused in HOPELESS:
            await asyncio.to_thread(_shown, engine, answer.turn, refused)
    return len(work)


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
    except SlackApiError as error:
        logger.info("Slack would not show a status: %s", error.response.get("error", "unknown"))
