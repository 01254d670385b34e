"""Reminds of a proposal that waits for votes: when half of its voting time is over, and an hour before it expires.

NIST 800-53 CM-3(1) asks that approvals which have not been given are highlighted. It is a reply in the thread of the
card, where whoever follows the decision sees it. Mentioned are those whose approval would count now, at most five of
them: a thread that mentions nobody reaches only those who wrote in it, so not the ones who have not looked yet; more
mentions than five are noise that teaches people to look away, so a wider role is named and nobody of it. A channel is
never mentioned, and the requester, who cannot vote, is not.

Each of the two is said at most once, by whichever replica of `serve` takes its slot; one that found Slack unwilling
gives the slot back. A replica that dies between taking and posting leaves that one reminder unsaid: its card still
stands there, and a reminder said twice would be the worse fault.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import NamedTuple

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.database import reading, writing
from app.drawn import CardMessage
from app.slack.cards import at, data, mention
from app.slack.deliver import AS_WRITTEN
from app.slack.patience import HOPELESS, Patience, word
from approvals.active import active
from approvals.errors import Altered
from approvals.person import People
from approvals.policy import APPROVE, filled, may_vote
from approvals.sealed import Sealed, decode
from approvals.states import State
from approvals.store import Proposal, TimerSlot, standing_votes
from approvals.timer import give_back, take
from approvals.vote import standing
from audit import log
from audit.event import Actor, ActorKind, Event
from audit.moment import utc_time

logger = logging.getLogger(__name__)
SERVE = Actor(ActorKind.SERVICE, "serve")
TIMER = "remind"
HALF, LAST_HOUR = "half", "last hour"
HOUR = timedelta(hours=1)
MOST_MENTIONED = 5
WAITING = (State.PENDING.value, State.PARTIAL.value)


class Reminder(NamedTuple):
    """One reminder that is due: which moments it stands for, where it goes and what it says."""

    proposal: str
    moments: tuple[str, ...]
    channel: str
    card_ts: str
    text: str


def moments(*, sealed_at: datetime, expires_at: datetime, now: datetime) -> tuple[str, ...]:
    """The moments that have come, the latest last; none once it has expired. Two hours or less have no last hour."""
    if now >= expires_at or now < sealed_at + (expires_at - sealed_at) / 2:
        return ()
    has_last_hour = expires_at - sealed_at > 2 * HOUR
    return (HALF, LAST_HOUR) if has_last_hour and now >= expires_at - HOUR else (HALF,)


def reminders_due(session: Session, *, team: str, now: datetime) -> list[Reminder]:
    """What has to be reminded of and was not yet. What cannot be read is left to its card, which says so."""
    people = active(session).people
    statement = (
        select(Proposal, CardMessage)
        .join(CardMessage, col(CardMessage.proposal) == col(Proposal.id))
        .where(col(Proposal.state).in_(WAITING))
    )
    found = []
    for proposal, message in session.exec(statement).all():
        try:
            sealed = decode(proposal.sealed, proposal.digest)
        except Altered:
            continue
        come = moments(sealed_at=utc_time(sealed.sealed_at), expires_at=utc_time(sealed.expires_at), now=now)
        said = [session.get(TimerSlot, (TIMER, _slot(proposal.id, moment))) is not None for moment in come]
        if come and not said[-1]:
            new = tuple(moment for moment, before in zip(come, said, strict=True) if not before)
            text = _text(session, proposal, sealed, people, team, now)
            found.append(Reminder(proposal.id, new, message.channel, message.ts, text))
    return found


async def remind(
    engine: Engine, client: AsyncWebClient, *, team: str, by: str, patience: Patience | None = None
) -> int:
    """Posts every reminder that is due and that nobody else took; returns how many."""
    patience = patience or Patience()
    done = 0
    for reminder in await asyncio.to_thread(_due, engine, team):
        key = f"reminder {reminder.proposal}"
        if not patience.ready(key) or not await asyncio.to_thread(_take, engine, reminder, by):
            continue
        try:
            answer = await client.chat_postMessage(
                channel=reminder.channel, thread_ts=reminder.card_ts, text=reminder.text, **AS_WRITTEN
            )
        except SlackApiError as error:
            said = word(error)
            pause = patience.failed(key)
            logger.warning("Slack would not take %s (%s); trying again in %.0f s", key, said, pause)
            await asyncio.to_thread(_refused, engine, reminder, by, said)
            continue
        patience.done(key)
        await asyncio.to_thread(_said, engine, reminder, str(answer["ts"]))
        done += 1
    return done


def _due(engine: Engine, team: str) -> list[Reminder]:
    with reading(engine) as (session, now):
        return reminders_due(session, team=team, now=now)


def _slot(proposal: str, moment: str) -> str:
    return f"{proposal} {moment}"


def _take(engine: Engine, reminder: Reminder, by: str) -> bool:
    """The newest moment decides whose it is; an earlier one that nobody said in time is taken with it."""
    with writing(engine) as (session, now):
        got = [
            take(session, name=TIMER, slot=_slot(reminder.proposal, one), by=by, now=now) for one in reminder.moments
        ]
        return got[-1]


def _refused(engine: Engine, reminder: Reminder, by: str, said: str) -> None:
    """Slack said that nothing was posted: somebody may try again, unless it would say so for ever."""
    with writing(engine) as (session, now):
        if said in HOPELESS:
            told = {"what": "reminder", "reason": said}
            event = Event.SLACK_UNDELIVERED
            log.append(session, now=now, event=event, actor=SERVE, proposal=reminder.proposal, data=told)
            return
        for moment in reminder.moments:
            give_back(session, name=TIMER, slot=_slot(reminder.proposal, moment), by=by)


def _said(engine: Engine, reminder: Reminder, ts: str) -> None:
    with writing(engine) as (session, now):
        told = {"moment": reminder.moments[-1], "where": reminder.channel, "message": ts}
        event = Event.PROPOSAL_REMINDED
        log.append(session, now=now, event=event, actor=SERVE, proposal=reminder.proposal, data=told)


def _text(session: Session, proposal: Proposal, sealed: Sealed, people: People, team: str, now: datetime) -> str:
    held = standing(proposal, sealed, standing_votes(session, proposal.id))
    approvals = {person: people.roles(person) for person in held.approvals}
    holders = filled(held.slots, approvals)
    open_roles = [slot.words() for slot, holder in zip(held.slots, holders, strict=True) if holder is None]
    can = [
        person
        for person in sorted(people.by_id)
        if may_vote(person=person, choice=APPROVE, digest=held.digest, standing=held, people=people, now=now).allowed
    ]
    who = ", ".join(mention(person, people, team) for person in can)
    if not can:
        who = "nobody holds it who could vote"
    elif len(can) > MOST_MENTIONED:
        who = f"{len(can)} people could give it"
    needed = " and ".join(f"*{data(role)}*" for role in open_roles)
    return (
        f"Still waiting for a decision: {data(sealed.title)}. Needed: the approval of {needed} ({who}),"
        f" until {at(held.expires_at)}. Without it the proposal expires and nothing is changed."
    )
