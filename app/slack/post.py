"""What `serve` shows in Slack, drawn from rows that say they are not shown yet.

One writer: nothing else posts. A card is due while its proposal has a newer version than the one drawn; an answer
while it has no time of posting. So a restart, an outage of Slack or a second change loses nothing.
"""

import asyncio
import logging
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.database import reading, writing
from app.drawn import CardMessage
from app.inbox import Conversation
from app.seen import last_seen
from app.slack.answers import answer_blocks
from app.slack.cards import card_blocks
from app.turns import StoredAnswer, TurnStep, unposted
from approvals.active import active
from approvals.card import Card, project
from approvals.posted import posted
from approvals.states import State
from approvals.store import Proposal

logger = logging.getLogger(__name__)


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


def cards_due(session: Session) -> list[tuple[Proposal, CardMessage | None]]:
    """Proposals whose card is not drawn, or drawn in an earlier version."""
    statement = (
        select(Proposal, CardMessage)
        .join(CardMessage, col(CardMessage.proposal) == col(Proposal.id), isouter=True)
        .where(col(Proposal.state) != State.UNSEALABLE)
        .where(col(CardMessage.drawn_version).is_(None) | (col(Proposal.version) > col(CardMessage.drawn_version)))
    )
    return [(proposal, message) for proposal, message in session.exec(statement).all()]


async def draw_cards(engine: Engine, client: AsyncWebClient, *, channel: str, team: str) -> int:
    """Draws every card that is due; returns how many."""
    with reading(engine) as (session, now):
        people = active(session).people
        seen = last_seen(session, "worker")
        work = [
            (project(session, p.id, people, now=now, worker_seen_at=seen), message) for p, message in cards_due(session)
        ]
    for card, message in work:
        text, blocks = card_blocks(card, people=people, team=team)
        if message is None:
            answer = await client.chat_postMessage(channel=channel, text=text, blocks=blocks)
            await asyncio.to_thread(_drawn, engine, card=card, channel=str(answer["channel"]), ts=str(answer["ts"]))
        else:
            await client.chat_update(channel=message.channel, ts=message.ts, text=text, blocks=blocks)
            await asyncio.to_thread(_drawn, engine, card=card, channel=message.channel, ts=message.ts)
    return len(work)


def _drawn(engine: Engine, *, card: Card, channel: str, ts: str) -> None:
    """Notes what is shown; the first showing makes a sealed proposal one that waits for votes."""
    with writing(engine) as (session, now):
        message = session.get(CardMessage, card.proposal)
        if message is None:
            session.add(
                CardMessage(proposal=card.proposal, channel=channel, ts=ts, drawn_version=card.version, drawn_at=now)
            )
        else:
            message.drawn_version, message.drawn_at = card.version, now
        session.flush()
        if card.state == State.SEALED:
            posted(session, now=now, proposal_id=card.proposal, where="slack")


async def post_answers(engine: Engine, client: AsyncWebClient) -> int:
    """Posts every answer that is due into its thread; returns how many."""
    with reading(engine) as (session, _):
        work: list[tuple[StoredAnswer, Conversation]] = []
        for answer in unposted(session):
            place = session.get(Conversation, answer.thread)
            if place is not None and place.surface == "slack":
                work.append((answer, place))
    for answer, place in work:
        text, blocks = answer_blocks(answer.body)
        await client.chat_postMessage(channel=place.channel, thread_ts=place.thread_ts, text=text, blocks=blocks)
        with writing(engine) as (session, now):
            session.get_one(StoredAnswer, answer.turn).posted_at = now
    return len(work)


async def show_steps(engine: Engine, client: AsyncWebClient, shown: dict[str, str]) -> None:
    """Status words for the turns that are under way; `shown` remembers what was said last."""
    with reading(engine) as (session, _):
        steps = [(step, session.get(Conversation, step.thread)) for step in session.exec(select(TurnStep)).all()]
    for gone in set(shown) - {step.turn for step, _ in steps}:
        del shown[gone]
    for step, place in steps:
        if place is None or place.surface != "slack" or shown.get(step.turn) == step.words:
            continue
        shown[step.turn] = step.words
        await set_status(client, place, step.words)


async def set_status(client: AsyncWebClient, place: Conversation, words: str) -> None:
    """The line under the composer that says what is going on; nice to have, so its failure is only noted."""
    arguments: dict[str, Any] = {"channel_id": place.channel, "thread_ts": place.thread_ts, "status": words}
    try:
        await client.assistant_threads_setStatus(**arguments)
    except SlackApiError as error:
        logger.info("Slack would not show a status: %s", error.response.get("error", "unknown"))
