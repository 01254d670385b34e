"""Tells unusual spend to its owners: one message for what is due to each, in the channel that may be told of it, drawn
anew while its events change or people say what they are.

What a scan found is due as a row (`app.scan`); a process that dies leaves it due. After an outage an owner is told
once, of all that is due by then, and not at all where everything was over long ago or has been explained meanwhile.
"""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.anomaly_rows import BURST, OPEN, Anomaly, AnomalyDue, marks, quieted, seen_by
from app.database import reading, writing
from app.posting import WORK_SECONDS, Hold, Posting, hold, let_go
from app.slack.anomaly_cards import Proposed, Told, anomaly_blocks
from app.slack.deliver import Letter, Standing, deliver
from app.slack.patience import GONE, HOPELESS, Patience, attempt
from approvals.active import active
from approvals.changes.change import parse_change
from approvals.person import People
from approvals.states import State, words
from approvals.store import Draft, Proposal
from audit import log
from audit.event import Actor, ActorKind, Event
from tools.detection.marks import Mark

logger = logging.getLogger(__name__)
SERVE = Actor(ActorKind.SERVICE, "serve")
STALE = timedelta(days=14)
"""What is over for so long is no news to anybody."""
REDRAWN = timedelta(days=30)
"""So long a message follows its events; then they are read where they are listed."""
FOR_EVER = HOPELESS - {"not_in_channel", "channel_not_found"}
"""Whom nobody has invited yet is invited later: until then the message stays due."""
OVER, TOLD_WITH, OUT_OF_SCOPE = "over", "told with ", "out_of_scope"
Said = Mapping[bool, Sequence[Mark]]
"""What people said, of bursts (True) and of the bill's events."""


class Place(NamedTuple):
    """Where unusual spend may be told: the workspace and its channels, in the order in which they are configured."""

    team: str
    channels: tuple[str, ...]


class Message(NamedTuple):
    """One message as it is to be shown now: its row, where, what, and the rows that it is told for as well."""

    slot: str
    owner: str
    channel: str
    text: str
    blocks: list[dict[str, Any]]
    others: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return _key(self.slot, self.owner)

    @property
    def print(self) -> str:
        """The same for the same blocks."""
        return sha256(json.dumps(self.blocks, sort_keys=True).encode()).hexdigest()[:16]

    def letter(self) -> Letter:
        payload = {"kind": "anomalies", "drawn": self.print}
        return Letter(self.key, self.channel, self.text, self.blocks, payload=payload)


def _key(slot: str, owner: str) -> str:
    return f"anomalies {slot} {sha256(owner.encode()).hexdigest()[:16]}"


def channel_for(owner: str, people: People, place: Place) -> str | None:
    """The configured channel that may be told of this owner's cost, and of the fewest others; None if none may."""
    fitting = [
        (len(scope) if "*" not in scope else 1_000_000, at, channel)
        for at, channel in enumerate(place.channels)
        if (scope := people.channel_sees(place.team, channel)) and ("*" in scope or (owner and owner in scope))
    ]
    return min(fitting)[2] if fitting else None


async def tell_anomalies(
    engine: Engine, client: AsyncWebClient, *, place: Place, by: str, patience: Patience | None = None
) -> int:
    """Posts what is due and draws anew what has changed; returns how many messages were touched."""
    patience = patience or Patience()
    touched = 0
    for message in await asyncio.to_thread(_due, engine, place):

        async def post(message: Message = message) -> None:
            def noted(session: Session, where: Standing, now: datetime) -> None:
                _posted(session, message, where, now)

            await deliver(engine, client, message.letter(), by=by, note=noted)

        refused = await attempt(patience, message.key, post)
        if refused in FOR_EVER:
            await asyncio.to_thread(_unsayable, engine, message, refused)
        touched += 1
    for slot, owner in await asyncio.to_thread(_changed, engine, place):
        key = _key(slot, owner)

        async def draw(slot: str = slot, owner: str = owner) -> None:
            await _again(engine, client, slot, owner, place, by)

        refused = await attempt(patience, key, draw)
        if refused in GONE | FOR_EVER:
            await asyncio.to_thread(_drop, engine, slot, owner, refused)
            patience.done(key)
        touched += 1
    return touched


def _due(engine: Engine, place: Place) -> list[Message]:
    """One message for each owner who is due one and has a channel; what need not be told any more is noted so."""
    with reading(engine) as (session, now):
        people = active(session).people
        waiting = session.exec(
            select(AnomalyDue).where(col(AnomalyDue.posted_at).is_(None)).order_by(col(AnomalyDue.due_at).desc())
        ).all()
        messages, over, said = [], [], _said(session) if waiting else {}
        for owner in dict.fromkeys(row.owner for row in waiting):
            channel = channel_for(owner, people, place)
            mine = [row for row in waiting if row.owner == owner]
            if channel is None:
                logger.debug("no configured channel may be told of unusual spend of %r", owner)
                continue
            events = _events(session, mine)
            if not any(_is_news(row, said, now.date()) for row in events):
                over += [(row.slot, row.owner) for row in mine]
                continue
            text, blocks = anomaly_blocks(_told(session, said, owner, events), people=people, team=place.team)
            # One that may stand there already is found by its key, whatever became due since it was sent.
            sent = next((row for row in mine if session.get(Posting, _key(row.slot, owner)) is not None), mine[0])
            others = tuple(row.slot for row in mine if row is not sent)
            messages.append(Message(sent.slot, owner, channel, text, blocks, others))
    for slot, owner in over:
        _drop(engine, slot, owner, OVER)
    return messages


def _changed(engine: Engine, place: Place) -> list[tuple[str, str]]:
    """The messages that do not show what is stored now."""
    with reading(engine) as (session, now):
        standing = session.exec(
            select(AnomalyDue).where(
                col(AnomalyDue.ts).is_not(None),
                col(AnomalyDue.refused).is_(None),
                col(AnomalyDue.posted_at) >= now - REDRAWN,
            )
        ).all()
        if not standing:
            return []
        people, said = active(session).people, _said(session)
        return [
            (row.slot, row.owner)
            for row in standing
            if (shown := _as_it_stands(session, row, said, people, place)) is None or shown.print != row.drawn
        ]


def _as_it_stands(session: Session, row: AnomalyDue, said: Said, people: People, place: Place) -> Message | None:
    """A message that was posted, as its events are now; None where its channel may not be told of them any more."""
    scope = people.channel_sees(place.team, row.channel or "")
    with_it = session.exec(
        select(AnomalyDue).where(
            col(AnomalyDue.owner) == row.owner, col(AnomalyDue.refused) == f"{TOLD_WITH}{row.slot}"
        )
    ).all()
    events = _events(session, [row, *with_it])
    if not events or not all(seen_by(event, scope) for event in events):
        return None
    text, blocks = anomaly_blocks(_told(session, said, row.owner, events), people=people, team=place.team)
    return Message(row.slot, row.owner, row.channel or "", text, blocks)


def _events(session: Session, rows: Sequence[AnomalyDue]) -> list[Anomaly]:
    """The events of these rows, open ones first, the largest of them first."""
    ids = dict.fromkeys(one for row in rows for one in json.loads(row.anomalies))
    found = [event for one in ids if (event := session.get(Anomaly, one)) is not None]
    return sorted(found, key=lambda event: (event.state != OPEN, -abs(float(event.excess)), event.id))


def _said(session: Session) -> Said:
    """Read once a look: what stands is looked at every few seconds, message by message."""
    return {bursts: marks(session, bursts=bursts) for bursts in (True, False)}


def _told(session: Session, said: Said, owner: str, events: Sequence[Anomaly]) -> Told:
    ids = {event.id for event in events}
    marked = {mark.event: mark for each in said.values() for mark in each if mark.event in ids}
    proposed = {event.id: _proposed(session, event.proposal) for event in events if event.proposal is not None}
    return Told(owner, events, marked, proposed)


def _proposed(session: Session, proposal: str) -> Proposed:
    draft, row = session.get_one(Draft, proposal), session.get(Proposal, proposal)
    state = State.DRAFT if row is None else State(row.state)
    return Proposed(proposal, parse_change(json.loads(draft.change)).title(), words(state))


def _is_news(event: Anomaly, said: Said, today: date) -> bool:
    if event.state != OPEN and date.fromisoformat(event.last_day) < today - STALE:
        return False
    return quieted(event, said[event.kind == BURST], today) is None


def _posted(session: Session, message: Message, where: Standing, now: datetime) -> None:
    row = session.get_one(AnomalyDue, (message.slot, message.owner))
    row.posted_at, row.channel, row.ts = now, where.channel, where.ts
    # One that was adopted after a kill shows what its metadata says, or who knows what: then it is drawn again.
    row.drawn = str(where.payload.get("drawn", ""))
    for slot in message.others:
        other = session.get_one(AnomalyDue, (slot, message.owner))
        other.posted_at, other.refused = now, f"{TOLD_WITH}{message.slot}"


def _unsayable(engine: Engine, message: Message, refused: str) -> None:
    """Slack would say the same for ever: noted, with an entry; the events stay listed."""
    for slot in (message.slot, *message.others):
        _drop(engine, slot, message.owner, refused)


def _drop(engine: Engine, slot: str, owner: str, refused: str) -> None:
    """Nothing is posted or drawn for this row any more."""
    with writing(engine) as (session, now):
        row = session.get_one(AnomalyDue, (slot, owner))
        if row.refused is not None:
            return
        row.refused, row.posted_at = refused, row.posted_at or now
        if refused not in (OVER, OUT_OF_SCOPE):
            data = {"what": "anomalies", "slot": slot, "reason": refused}
            log.append(session, now=now, event=Event.SLACK_UNDELIVERED, actor=SERVE, data=data)


async def _again(engine: Engine, client: AsyncWebClient, slot: str, owner: str, place: Place, by: str) -> None:
    """Updates a message under its lease, as its rows are at this moment: of two who draw, none draws an older state."""
    taken = await asyncio.to_thread(_newest, engine, slot, owner, place, by)
    if taken is None:
        return
    message, ts = taken
    try:
        async with asyncio.timeout(WORK_SECONDS):
            await client.chat_update(
                channel=message.channel, ts=ts, text=message.text, blocks=message.blocks,
                metadata=message.letter().metadata(),
            )  # fmt: skip
        await asyncio.to_thread(_drawn, engine, message)
    finally:
        await asyncio.to_thread(_release, engine, message.key, by)


def _newest(engine: Engine, slot: str, owner: str, place: Place, by: str) -> tuple[Message, str] | None:
    """Takes the message's lease and composes it afresh; None while somebody else draws it, or where there is nothing
    to draw."""
    with writing(engine) as (session, now):
        row = session.get_one(AnomalyDue, (slot, owner))
        message = _as_it_stands(session, row, _said(session), active(session).people, place)
        if message is None:
            row.refused = OUT_OF_SCOPE
            return None
        if row.ts is None or message.print == row.drawn:
            return None
        if hold(session, key=message.key, owner=by, now=now).hold == Hold.TAKEN:
            return None
        return message, row.ts


def _drawn(engine: Engine, message: Message) -> None:
    with writing(engine) as (session, _):
        session.get_one(AnomalyDue, (message.slot, message.owner)).drawn = message.print


def _release(engine: Engine, key: str, by: str) -> None:
    with writing(engine) as (session, now):
        let_go(session, key=key, owner=by, now=now, nothing_there=False)
