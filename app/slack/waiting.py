"""What waits for one person's decision, in one message of their own, in their working hours.

A reminder in a card's thread reaches whoever follows it; who decides on many changes needs one list and not one message
each. It is due when half of the voting time of one of them is over, and again at nine tenths, and comes at most once a
day, between nine and five of a working day where this person is, as Slack knows it. Nights are left alone: what would
expire in one is told in its thread.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.database import reading, writing
from app.drawn import CardMessage
from app.posting import Posting, give_up, prune, settled
from app.slack.cards import at, data, money
from app.slack.clients import at as in_team
from app.slack.deliver import Letter, deliver
from app.slack.patience import HOPELESS, LOST, Patience, attempt
from app.slack.people import account_of
from app.slack.remind import WAITING
from approvals.active import active
from approvals.card import Card, project
from approvals.errors import Altered
from approvals.policy import APPROVE, may_vote
from approvals.sealed import Sealed, decode
from approvals.store import Proposal, standing_votes
from approvals.vote import standing
from audit.moment import utc_time

SHARES = (0.5, 0.9)
"""Of the voting time, after which a decision is called for."""
FROM, TO, DAYS = 9, 17, range(5)
"""Working hours, and weekdays from Monday on."""
MOST_LISTED = 10
REMEMBER_SECONDS = 3600.0
NEVER = datetime.min.replace(tzinfo=UTC)
KEPT = timedelta(days=30)
"""For longer nothing waits."""


class Waiting(NamedTuple):
    """One proposal that waits, where its card stands, since when, and the last moment at which it called."""

    card: Card
    channel: str
    since: datetime
    called: datetime


class Call(NamedTuple):
    """One message that is due: whose, by which account, and what it says."""

    person: str
    team: str
    user: str
    text: str

    def key(self, day: date) -> str:
        """One for each day as this person counts days: where working hours are on two days of UTC, they are one."""
        return f"{_prefix(self.person)}{day.isoformat()}"


class WorkingHours:
    """Where people are, as Slack knows it; asked at most once an hour for each. What it does not tell is UTC."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._known: dict[tuple[str, str], tuple[float, ZoneInfo]] = {}

    async def at_work(self, team: str, user: str, now: datetime) -> date | None:
        """The day that it is where this account is, if that is a working hour of a working day."""
        here = now.astimezone(await self._zone(team, user))
        return here.date() if here.weekday() in DAYS and FROM <= here.hour < TO else None

    async def _zone(self, team: str, user: str) -> ZoneInfo:
        asked, zone = self._known.get((team, user), (0.0, ZoneInfo("UTC")))
        if (team, user) in self._known and time.monotonic() - asked < REMEMBER_SECONDS:
            return zone
        try:
            told = (await in_team(self._client, team).users_info(user=user)).get("user") or {}
            zone = ZoneInfo(str(told.get("tz") or "UTC"))
        except (SlackApiError, *LOST):
            return zone
        except (ZoneInfoNotFoundError, ValueError):
            zone = ZoneInfo("UTC")
        self._known[(team, user)] = (time.monotonic(), zone)
        return zone


async def call_deciders(
    engine: Engine,
    client: AsyncWebClient,
    *,
    team: str,
    by: str,
    hours: WorkingHours,
    patience: Patience | None = None,
    others: Collection[str] = (),
) -> int:
    """Tells everybody who is due what waits for them, if they are at work; returns how many were told."""
    patience = patience or Patience()
    calls, now = await asyncio.to_thread(_due, engine, team, others)
    told = 0
    for call in calls:
        day = await hours.at_work(call.team, call.user, now)
        if day is None or await asyncio.to_thread(_settled, engine, key := call.key(day)):
            continue
        posted: list[bool] = []

        async def post(call: Call = call, key: str = key, posted: list[bool] = posted) -> None:
            there = in_team(client, call.team)
            opened = await there.conversations_open(users=call.user)
            letter = Letter(key, str(opened["channel"]["id"]), call.text, payload={"kind": "waiting"})
            await deliver(engine, there, letter, by=by, note=lambda *_: posted.append(True))

        refused = await attempt(patience, key, post)
        if refused in HOPELESS:
            await asyncio.to_thread(_unsayable, engine, key, by)
        told += any(posted)
    if told:
        await asyncio.to_thread(_forget_old, engine)
    return told


def _due(engine: Engine, team: str, others: Collection[str]) -> tuple[list[Call], datetime]:
    with reading(engine) as (session, now):
        return calls_due(session, team=team, now=now, others=others), now


def _settled(engine: Engine, key: str) -> bool:
    with reading(engine) as (session, _):
        return settled(session, key=key)


def _unsayable(engine: Engine, key: str, by: str) -> None:
    """Slack would say the same all day; tomorrow has a key of its own."""
    with writing(engine) as (session, now):
        give_up(session, key=key, owner=by, now=now)


def _forget_old(engine: Engine) -> None:
    with writing(engine) as (session, now):
        prune(session, prefix="waiting ", before=now - KEPT)


def calls_due(session: Session, *, team: str, now: datetime, others: Collection[str] = ()) -> list[Call]:
    """Who has to be told of what waits for them: since they were told last, one of it has called. Whether they were
    told today already depends on where they are."""
    people = active(session).people
    found: dict[str, list[Waiting]] = defaultdict(list)
    waiting = _waiting(session, now)
    if not any(called for *_, called in waiting):
        return []
    for proposal, place, sealed, called in waiting:
        held = standing(proposal, sealed, standing_votes(session, proposal.id))
        card = project(session, proposal.id, people, now=now)
        for person in people.by_id:
            if may_vote(
                person=person, choice=APPROVE, digest=held.digest, standing=held, people=people, now=now
            ).allowed:  # fmt: skip
                last = called[-1] if called else NEVER
                found[person].append(Waiting(card, place.channel, utc_time(sealed.sealed_at), last))
    return [
        Call(person, *account, message(waits, now))
        for person, waits in sorted(found.items())
        if (account := account_of(people.by_id[person], team, others)) is not None
        and max(one.called for one in waits) > _told_last(session, person)
    ]


def _waiting(session: Session, now: datetime) -> list[tuple[Proposal, CardMessage, Sealed, list[datetime]]]:
    """What waits for votes, and the moments at which it has called; what cannot be read is left to its card."""
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
        since, ends = utc_time(sealed.sealed_at), utc_time(sealed.expires_at)
        moments = [since + (ends - since) * share for share in SHARES]
        found.append((proposal, message, sealed, [moment for moment in moments if moment <= now]))
    return found


def _prefix(person: str) -> str:
    return f"waiting {person} "


def _told_last(session: Session, person: str) -> datetime:
    """When this person was told last; the beginning of time if never. Whoever was never told is due at the first
    call."""
    mine = col(Posting.key).startswith(_prefix(person), autoescape=True) & col(Posting.ts).is_not(None)
    return max(session.exec(select(Posting.begun_at).where(mine)).all(), default=NEVER)


def message(waits: Sequence[Waiting], now: datetime) -> str:
    """What one person is told."""
    oldest = min(one.since for one in waits)
    count = f"{len(waits)} proposal{'s wait' if len(waits) > 1 else ' waits'}"
    lines = [f"*{count} for your decision*, the oldest for {_spoken(now - oldest)}.{_worth(waits)}"]
    for one in sorted(waits, key=lambda one: (one.since, one.card.proposal))[:MOST_LISTED]:
        until = f", until {at(one.card.expires_at)}" if one.card.expires_at else ""
        lines.append(f"• {data(one.card.title)} ({one.card.proposal}), in <#{one.channel}>{until}")
    if len(waits) > MOST_LISTED:
        lines.append(f"… and {len(waits) - MOST_LISTED} more: `spendgate proposals list` shows all.")
    return "\n".join(lines)


def _worth(waits: Sequence[Waiting]) -> str:
    """What they would save, where one says it: never added up, since two of them may be about the same money."""
    known = [one.card for one in waits if one.card.saving is not None]
    if not known:
        return ""
    largest = max(known, key=lambda card: Decimal(card.saving or 0))
    return f" The largest would save {money(largest.saving, largest.currency)} a year."


def _spoken(passed: timedelta) -> str:
    hours = int(passed.total_seconds() // 3600)
    if hours >= 48:
        return f"{hours // 24} days"
    return f"{hours} hour{'' if hours == 1 else 's'}" if hours else "less than an hour"
