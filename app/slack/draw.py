"""Draws the cards that are due, from rows that say they are not shown yet; nothing else draws a card.

A card is due while its proposal has a newer version than the one drawn. So a restart, an outage of Slack or a second
change loses nothing: whoever draws next draws what is stored then, and only that.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.database import reading, writing
from app.drawn import CardMessage
from app.posting import WORK_SECONDS, Hold, Posting, forget, hold, let_go
from app.seen import last_seen
from app.slack.cards import card_blocks
from app.slack.deliver import Letter, deliver
from app.slack.patience import GONE, Patience, attempt
from approvals.active import active
from approvals.card import Card, project
from approvals.person import People
from approvals.posted import posted
from approvals.states import State
from approvals.store import Advice, Proposal
from audit import log
from audit.event import Actor, ActorKind, Event

SERVE = Actor(ActorKind.SERVICE, "serve")
WAITS_FOR_WORKER = (State.APPROVED, State.HELD, State.SUCCEEDED, State.UNKNOWN)


@dataclass(frozen=True)
class CardPlace:
    """Where cards are posted; `pages` says whether people's browsers reach the page of a decision of high risk."""

    channel: str
    team: str
    pages: bool = False


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
    engine: Engine, client: AsyncWebClient, *, place: CardPlace, by: str = "serve", patience: Patience | None = None
) -> int:
    """Draws every card that is due; returns how many were."""
    patience = patience or Patience()
    work, people, read_at = await asyncio.to_thread(_cards, engine)
    for card, message in work:

        async def draw(card: Card = card, message: CardMessage | None = message) -> None:
            if message is None:
                await _first(engine, client, card, people, place, by, read_at)
            else:
                await _again(engine, client, card.proposal, place, by)

        refused = await attempt(patience, _key(card.proposal), draw)
        if refused in GONE and message is not None:
            await asyncio.to_thread(_lost, engine, message, refused)
            patience.done(_key(card.proposal))
    return len(work)


def _key(proposal: str) -> str:
    return f"card {proposal}"


async def _first(
    engine: Engine,
    client: AsyncWebClient,
    card: Card,
    people: People,
    place: CardPlace,
    by: str,
    read_at: datetime,
) -> None:
    text, blocks = card_blocks(card, people=people, team=place.team, pages=place.pages)
    letter = Letter(_key(card.proposal), place.channel, text, blocks, payload=_payload(card))
    found = await deliver(engine, client, letter, by=by)
    if found is not None:
        # One that was adopted shows the version that its metadata tells, or who knows which: then it is drawn again.
        version = found.payload.get("version", 0)
        await asyncio.to_thread(
            _drawn, engine, card=card, version=version, channel=found.channel, ts=found.ts, read_at=read_at
        )


async def _again(engine: Engine, client: AsyncWebClient, proposal: str, place: CardPlace, by: str) -> None:
    """Updates a card under its lease, as its rows are at this moment and where it stands now: of two who draw, none
    draws an older state, nor a message that the other has replaced."""
    taken = await asyncio.to_thread(_newest, engine, proposal, by)
    if taken is None:
        return
    card, message, people, read_at = taken
    text, blocks = card_blocks(card, people=people, team=place.team, pages=place.pages)
    told = Letter(_key(card.proposal), message.channel, text, payload=_payload(card))
    try:
        async with asyncio.timeout(WORK_SECONDS):
            await client.chat_update(
                channel=message.channel, ts=message.ts, text=text, blocks=blocks, metadata=told.metadata()
            )
        await asyncio.to_thread(
            _drawn,
            engine,
            card=card,
            version=card.version,
            channel=message.channel,
            ts=message.ts,
            read_at=read_at,
        )
    finally:
        await asyncio.to_thread(_release, engine, card.proposal, by)


def _payload(card: Card) -> dict[str, Any]:
    return {"kind": "card", "proposal": card.proposal, "version": card.version}


def _newest(engine: Engine, proposal: str, by: str) -> tuple[Card, CardMessage, People, datetime] | None:
    """Takes the card's lease and projects it afresh, with where it stands; None while somebody else draws it, or has
    found that it was deleted."""
    with writing(engine) as (session, now):
        key = _key(proposal)
        where = session.get(CardMessage, proposal)
        if where is None:
            return None
        if session.get(Posting, key) is None:  # drawn by a version that kept no such row
            session.add(Posting(key=key, owner=by, until=now, begun_at=now, channel=where.channel, ts=where.ts))
            session.flush()
        if hold(session, key=key, owner=by, now=now).hold == Hold.TAKEN:
            return None
        people = active(session).people
        card = project(session, proposal, people, now=now, worker_seen_at=last_seen(session, "worker"))
        return card, where, people, now


def _release(engine: Engine, proposal: str, by: str) -> None:
    with writing(engine) as (session, now):
        let_go(session, key=_key(proposal), owner=by, now=now, nothing_there=False)


def _drawn(engine: Engine, *, card: Card, version: int, channel: str, ts: str, read_at: datetime) -> None:
    """Notes what is shown, as it stood at `read_at`: what was stored since then is drawn in the next round. The first
    showing makes a sealed proposal one that waits for votes."""
    with writing(engine) as (session, now):
        message = session.get(CardMessage, card.proposal)
        if message is None:
            message = CardMessage(proposal=card.proposal, channel=channel, ts=ts, drawn_version=0, drawn_at=read_at)
            session.add(message)
        if message.ts != ts:
            return  # another replica has drawn it anew since: what stands at `ts` is no card any more
        message.drawn_version, message.drawn_at, message.hinted = version, read_at, card.hint is not None
        session.flush()
        if card.state == State.SEALED:
            posted(session, now=now, proposal_id=card.proposal, where="slack")


def _lost(engine: Engine, gone: CardMessage, why: str) -> None:
    """Somebody deleted the card: the next round posts it anew, and the log says so. Once: a replica that found the same
    a moment later must not take the new one for deleted."""
    proposal = gone.proposal
    with writing(engine) as (session, now):
        message = session.get(CardMessage, proposal)
        if message is None or message.ts != gone.ts:
            return
        session.delete(message)
        forget(session, key=_key(proposal))
        data = {"what": "card", "reason": why}
        log.append(session, now=now, event=Event.SLACK_UNDELIVERED, actor=SERVE, proposal=proposal, data=data)
