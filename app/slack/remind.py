"""Reminds of a proposal that waits for votes: when half of its voting time is over, and an hour before it expires.

NIST 800-53 CM-3(1) asks that approvals which have not been given are highlighted. It is a reply in the thread of the
card, where whoever follows the decision sees it. Mentioned are those whose approval would count now, at most five of
them: a thread that mentions nobody reaches only those who wrote in it, so not the ones who have not looked yet; more
mentions than five are noise that teaches people to look away, so a wider role is named and nobody of it. A channel is
never mentioned, and the requester, who cannot vote, is not.

Each of the two is said once, however many replicas of `serve` there are: like every message that must stand once, it
is looked for where a connection broke or a replica died. One that was missed is not said beside the later one.
"""

import asyncio
from datetime import datetime, timedelta
from typing import NamedTuple

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.database import reading, writing
from app.drawn import CardMessage
from app.posting import give_up, settled
from app.slack.cards import at, data, mention
from app.slack.deliver import Letter, Standing, deliver
from app.slack.patience import HOPELESS, Patience, attempt
from approvals.active import active
from approvals.errors import Altered
from approvals.person import People
from approvals.policy import APPROVE, filled, may_vote
from approvals.sealed import Sealed, decode
from approvals.states import State
from approvals.store import Proposal, standing_votes
from approvals.vote import standing
from audit import log
from audit.event import Actor, ActorKind, Event
from audit.moment import utc_time

SERVE = Actor(ActorKind.SERVICE, "serve")
HALF, LAST_HOUR = "half", "last hour"
HOUR = timedelta(hours=1)
MOST_MENTIONED = 5
WAITING = (State.PENDING.value, State.PARTIAL.value)


class Reminder(NamedTuple):
    """One reminder that is due: of which moment, where it goes and what it says."""

    proposal: str
    moment: str
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
        if come and not settled(session, key=_key(proposal.id, come[-1])):
            text = _text(session, proposal, sealed, people, team, now)
            found.append(Reminder(proposal.id, come[-1], message.channel, message.ts, text))
    return found


async def remind(
    engine: Engine, client: AsyncWebClient, *, team: str, by: str, patience: Patience | None = None
) -> int:
    """Posts every reminder that is due and that nobody else is at; returns how many."""
    patience = patience or Patience()
    said: list[str] = []
    for reminder in await asyncio.to_thread(_due, engine, team):
        key = _key(reminder.proposal, reminder.moment)

        async def post(reminder: Reminder = reminder, key: str = key) -> None:
            def noted(session: Session, where: Standing, now: datetime) -> None:
                _said(session, reminder, where, now)
                said.append(where.ts)

            told = {"kind": "reminder", "proposal": reminder.proposal}
            # The last one widens the audience: everybody in the channel sees it, and whose vote counts stays the same.
            wide = reminder.moment == LAST_HOUR
            letter = Letter(
                key, reminder.channel, reminder.text, thread_ts=reminder.card_ts, broadcast=wide, payload=told
            )
            await deliver(engine, client, letter, by=by, note=noted)

        refused = await attempt(patience, key, post)
        if refused in HOPELESS:
            await asyncio.to_thread(_unsayable, engine, reminder, by, refused)
    return len(said)


def _due(engine: Engine, team: str) -> list[Reminder]:
    with reading(engine) as (session, now):
        return reminders_due(session, team=team, now=now)


def _key(proposal: str, moment: str) -> str:
    return f"reminder {proposal} {moment}"


def _unsayable(engine: Engine, reminder: Reminder, by: str, refused: str) -> None:
    """Slack would say the same for ever: an entry, once."""
    with writing(engine) as (session, now):
        if give_up(session, key=_key(reminder.proposal, reminder.moment), owner=by, now=now):
            told = {"what": "reminder", "reason": refused}
            event = Event.SLACK_UNDELIVERED
            log.append(session, now=now, event=event, actor=SERVE, proposal=reminder.proposal, data=told)


def _said(session: Session, reminder: Reminder, where: Standing, now: datetime) -> None:
    told = {"moment": reminder.moment, "where": where.channel, "message": where.ts}
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
