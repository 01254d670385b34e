"""A card's thread is its history: every vote, step and end that the log has of its proposal, told once and in order.

What is due is read from the log itself: entries after the last one that the thread tells. Several that are due at once
(Slack was away) are one reply. A failure is also shown in the channel, since somebody must look.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine, func
from sqlmodel import Session, col, select

from app.database import reading, writing
from app.drawn import CardMessage
from app.slack.cards import data, mention
from app.slack.deliver import Letter, Standing, deliver
from app.slack.patience import HOPELESS, Patience, attempt
from approvals.active import active
from approvals.person import People
from audit import log
from audit.errors import AuditError
from audit.event import ActorKind, Event
from audit.log import LogEntry
from audit.private import open_text

AT_ONCE = 20
LONGEST_QUOTE = 900
LOUD = frozenset({Event.EXECUTION_FAILED, Event.EXECUTION_DIVERGED})
"""Told in the channel too: something is not as it was approved."""

SAID: dict[Event, str] = {
    Event.VOTE_APPROVED: "{who} approved",
    Event.VOTE_REJECTED: "{who} rejected",
    Event.VOTE_WITHDRAWN: "{who} took the approval back",
    Event.QUESTION_ASKED: "{who} asks",
    Event.APPROVAL_QUORUM_MET: "It has all the votes it needs; a worker carries it out",
    Event.APPROVAL_HELD: "On hold: {reason}",
    Event.APPROVAL_RELEASED: "No longer on hold",
    Event.EXECUTION_CLAIMED: "A worker is about to carry it out",
    Event.EXECUTION_SUCCEEDED: "Carried out; being read back",
    Event.EXECUTION_VERIFIED: "Done, and read back as approved",
    Event.EXECUTION_REHEARSED: "Rehearsed only: nothing was changed",
    Event.EXECUTION_FAILED: "Not carried out: {reason}",
    Event.EXECUTION_DIVERGED: "It ended differently from what was approved: {reason}",
    Event.EXECUTION_UNKNOWN: "No answer came; what happened is being looked up",
    Event.PROPOSAL_EXPIRED: "It expired; nothing was changed",
    Event.PROPOSAL_CANCELLED: "{who} withdrew it; nothing was changed",
    Event.PROPOSAL_SUPERSEDED: "It was replaced by a newer proposal",
    Event.PROPOSAL_STALE: "Out of date: {reason}",
    Event.PROPOSAL_VETOED: "Stopped by the kill switch",
    Event.BREAKGLASS_USED: "{who} broke the glass: an emergency, carried out without the votes",
    Event.BREAKGLASS_REVIEW_DUE: "A review of this emergency is due",
    Event.BREAKGLASS_REVIEWED: "{who} reviewed the emergency",
}


class Reply(NamedTuple):
    """What is due in one thread, and up to which entry that goes."""

    card: CardMessage
    first: int
    last: int
    text: str
    loud: bool


class Threads:
    """Tells every card's thread what the log has since. Remembers at which log and how many cards nothing was due, so
    that a look at a log in which nothing happened costs a row and a count; it only skips looks, never entries: those of
    a card that is drawn late are older than the ones told elsewhere."""

    def __init__(self, engine: Engine, client: AsyncWebClient, *, team: str, by: str) -> None:
        self._engine, self._client, self._team, self._by = engine, client, team, by
        self._clear = (0, 0)

    async def tell(self, patience: Patience) -> int:
        """Posts every reply that is due; returns how many were."""
        replies, seen = await asyncio.to_thread(self._due)
        told = 0
        for reply in replies:
            key = f"thread {reply.card.proposal}"
            refused = await attempt(patience, key, self._post(reply))
            if refused in HOPELESS:
                await asyncio.to_thread(self._give_up, reply)  # the card is gone; the next begins its thread anew
            told += refused is None
        if not replies:
            self._clear = seen
        return told

    def _post(self, reply: Reply) -> Callable[[], Any]:
        card = reply.card
        letter = Letter(
            f"told {card.proposal} {card.ts} {reply.first}",
            card.channel,
            reply.text,
            thread_ts=card.ts,
            broadcast=reply.loud,
            payload={"kind": "thread", "proposal": card.proposal, "last": reply.last},
        )

        async def post() -> None:
            def tells(session: Session, found: Standing, _now: datetime) -> None:
                # One that was adopted may tell less than what is due by now: the rest follows in the next round.
                _note(session, reply._replace(last=int(found.payload.get("last", reply.first))))

            await deliver(self._engine, self._client, letter, by=self._by, note=tells)

        return post

    def _due(self) -> tuple[list[Reply], tuple[int, int]]:
        with reading(self._engine) as (session, _):
            # A card that was drawn anew may have as many entries to tell as before: its row is another, and that the
            # one before went is an entry.
            seen = (log.head(session)[0], session.exec(select(func.count(col(CardMessage.proposal)))).one())
            if seen == self._clear:
                return [], seen
            people = active(session).people
            statement = (
                select(LogEntry, CardMessage)
                .join(CardMessage, col(CardMessage.proposal) == col(LogEntry.proposal))
                .where(col(LogEntry.seq) > col(CardMessage.told))
                .where(col(LogEntry.event).in_([event.value for event in SAID]))
                .order_by(col(LogEntry.seq))
            )
            found: dict[str, list[tuple[LogEntry, CardMessage]]] = {}
            for entry, card in session.exec(statement):
                found.setdefault(card.proposal, []).append((entry, card))
            return [self._reply(session, entries[:AT_ONCE], people) for entries in found.values()], seen

    def _reply(self, session: Session, entries: list[tuple[LogEntry, CardMessage]], people: People) -> Reply:
        lines = [line(session, entry, people, self._team) for entry, _ in entries]
        text = lines[0] if len(lines) == 1 else "\n".join(f"• {one}" for one in lines)
        loud = any(entry.event in LOUD for entry, _ in entries)
        return Reply(entries[0][1], entries[0][0].seq, entries[-1][0].seq, text, loud)

    def _give_up(self, reply: Reply) -> None:
        with writing(self._engine) as (session, _):
            _note(session, reply)


def _note(session: Session, reply: Reply) -> None:
    card = session.get(CardMessage, reply.card.proposal)
    if card is not None and card.ts == reply.card.ts:
        card.told = max(card.told, reply.last)


def line(session: Session, entry: LogEntry, people: People, team: str) -> str:
    """One entry in a sentence, with what the person wrote where it was not erased."""
    try:
        told = log.data_of(entry)
    except AuditError:
        return f"Entry {entry.seq} of the log cannot be read; `spendgate audit verify` names it."
    who = mention(entry.actor, people, team) if entry.actor_kind == ActorKind.PERSON else data(entry.actor)
    reason = data(str(told.get("reason") or told.get("why") or "see the card")) if not _written(told) else ""
    said = SAID[Event(entry.event)].format(who=who, reason=reason)
    quote = _quote(session, told)
    return f"{said}: {quote}" if quote else f"{said}."


def _written(told: dict[str, Any]) -> str | None:
    """The reference of what a person wrote with it."""
    reason = told.get("reason")
    ref = reason.get("ref") if isinstance(reason, dict) else told.get("text")
    return ref if isinstance(ref, str) else None


def _quote(session: Session, told: dict[str, Any]) -> str:
    ref = _written(told)
    if ref is None:
        return ""
    try:
        text = open_text(session, ref)
    except AuditError:
        return "_(what was written was damaged)_"
    if text is None:
        return "_(erased)_"
    told_whole = data(text)
    cut = told_whole if len(told_whole) <= LONGEST_QUOTE else told_whole[:LONGEST_QUOTE] + "… (cut)"
    return f"“{cut}”"
