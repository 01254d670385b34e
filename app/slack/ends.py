"""Tells a requester how a proposal ended, wherever it came from: a direct message, once.

A proposal that came out of a conversation in Slack is told there, by the agent, in its own thread; telling it twice
would be noise. Everything else (the terminal, an undo, a scan) ends in a message of its own.
"""

import asyncio
from collections.abc import Collection
from datetime import timedelta
from typing import NamedTuple

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine, literal
from sqlmodel import Session, col, select

from app.database import reading, writing
from app.inbox import Conversation
from app.posting import Posting, give_up
from app.slack.cards import data
from app.slack.clients import at
from app.slack.deliver import Letter, deliver
from app.slack.patience import HOPELESS, Patience, attempt
from app.slack.people import account_of
from approvals.active import active
from approvals.card import project
from approvals.person import People
from approvals.states import TERMINAL
from approvals.store import Proposal
from audit import log
from audit.event import Actor, ActorKind, Event

SERVE = Actor(ActorKind.SERVICE, "serve")
LATEST = timedelta(days=7)
"""An end that nobody could be told in a week is history."""


class End(NamedTuple):
    """One end that is due: whose, and what is said. `account` (workspace and user) is None for somebody without one."""

    proposal: str
    account: tuple[str, str] | None
    text: str


async def tell_requesters(
    engine: Engine,
    client: AsyncWebClient,
    *,
    team: str,
    by: str,
    patience: Patience | None = None,
    others: Collection[str] = (),
) -> int:
    """Tells every end that is due, in the workspace `team` or, who has no account there, in one of `others`; returns
    how many were."""
    patience = patience or Patience()
    told = 0
    for end in await asyncio.to_thread(_due, engine, team, others):
        key = _key(end.proposal)
        if end.account is None:
            await asyncio.to_thread(_done, engine, end.proposal, by, "no account in a workspace")
            continue

        async def post(end: End = end, key: str = key, account: tuple[str, str] = end.account) -> None:
            there = at(client, account[0])
            opened = await there.conversations_open(users=account[1])
            channel = str(opened["channel"]["id"])
            letter = Letter(key, channel, end.text, payload={"kind": "end", "proposal": end.proposal})
            await deliver(engine, there, letter, by=by)

        refused = await attempt(patience, key, post)
        if refused in HOPELESS:
            await asyncio.to_thread(_done, engine, end.proposal, by, refused)
        told += refused is None
    return told


def ends_due(session: Session, *, team: str, since: object, others: Collection[str] = ()) -> list[End]:
    """Ended proposals whose requester was not told, and whose conversation is not in Slack."""
    key = literal("end ") + col(Proposal.id)
    statement = (
        select(Proposal)
        .join(Posting, col(Posting.key) == key, isouter=True)
        .join(Conversation, col(Conversation.thread) == col(Proposal.thread), isouter=True)
        .where(col(Proposal.state).in_([state.value for state in TERMINAL]))
        .where(col(Proposal.changed_at) > since)
        .where(col(Posting.ts).is_(None))
        .where(col(Conversation.surface).is_(None) | (col(Conversation.surface) != "slack"))
    )
    people = active(session).people
    return [_end(session, row, people, team, others) for row in session.exec(statement).all()]


def _end(session: Session, row: Proposal, people: People, team: str, others: Collection[str]) -> End:
    card = project(session, row.id, people)
    person = people.by_id.get(row.requester)
    account = account_of(person, team, others) if person else None
    reason = f" {data(card.reason)}." if card.reason else ""
    text = f"*{data(card.words[:1].upper() + card.words[1:])}:* {data(card.title)} ({row.id}).{reason}"
    return End(row.id, account, text)


def _key(proposal: str) -> str:
    return f"end {proposal}"


def _due(engine: Engine, team: str, others: Collection[str]) -> list[End]:
    with reading(engine) as (session, now):
        return ends_due(session, team=team, since=now - LATEST, others=others)


def _done(engine: Engine, proposal: str, by: str, why: str) -> None:
    """Nobody can be told: noted once, also where an earlier attempt left a row behind, so that it is neither tried nor
    logged again."""
    with writing(engine) as (session, now):
        if not give_up(session, key=_key(proposal), owner=by, now=now):
            return
        told = {"what": "end", "reason": why}
        log.append(session, now=now, event=Event.SLACK_UNDELIVERED, actor=SERVE, proposal=proposal, data=told)
