"""Judges what was pressed, in the order in which it was stored, several presses in one transaction; then tells people.

A press and what came of it change in the same transaction, so that each is judged once, whatever dies in between. A
press that cannot be judged stays where it is, and holds up nothing but what the same person pressed after it on the
same proposal: it is tried again later, ever more rarely. Where the database is down or busy all wait, in their order.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import Session, col, select

from app.database import beside, reading, writing
from app.presses import Press, choice_of, crowding, in_turn, judged, take_untold, told, waiting
from app.slack.clients import at
from app.slack.guard import Reason
from app.slack.members import Members
from app.slack.patience import HOPELESS, Patience, attempt
from app.slack.people import Speaker, not_linked, who
from approvals.active import active
from approvals.person import People
from approvals.policy import no
from approvals.states import words
from approvals.vote import SLACK, Ballot, VoteResult, refuse, vote
from audit import log
from audit.event import Actor, ActorKind, Event
from audit.private import open_text

logger = logging.getLogger(__name__)
Outsiders = Mapping[tuple[str, str], str]
MOST_AT_ONCE = 25
"""So many votes are judged before the next writer has its turn."""
MOST_WHISPERS = 4
"""So many are told at once, and may be told again by whoever starts after a kill; Slack takes few of them a second."""
STALE = timedelta(hours=1)
"""What nobody could be told for so long after it was judged is not told any more: the card says how it stands."""


class Judge:
    """Judges presses, whoever of the replicas stored them."""

    def __init__(self, engine: Engine, client: AsyncWebClient) -> None:
        self._engine, self._members, self._patience = engine, Members(client), Patience()

    async def judge_all(self) -> None:
        """Judges until nothing waits that can be judged now."""
        while await self.judge():
            pass

    async def judge(self) -> int:
        """Judges the oldest presses that wait; returns how many were judged."""
        due = await asyncio.to_thread(self._due)
        if not due:
            return 0
        accounts = {account for account in due.values() if account[1]}
        asked = (self._members.why_not(*account) for account in accounts)
        told_why = dict(zip(accounts, await asyncio.gather(*asked), strict=True))
        outsiders = {account: why for account, why in told_why.items() if why}
        try:
            return await asyncio.to_thread(judge, self._engine, list(due), outsiders)
        except Exception as error:
            if _unavailable(error):
                raise
            logger.warning("presses could not be judged together (%s): each is tried alone", type(error).__name__)
        return sum([await self._alone(one, outsiders) for one in due])

    async def _alone(self, one: int, outsiders: Outsiders) -> int:
        try:
            done = await asyncio.to_thread(judge, self._engine, [one], outsiders)
        except Exception as error:
            if _unavailable(error):
                raise
            pause = self._patience.failed(str(one))
            logger.exception("press %d could not be judged; trying again in %.0f s", one, pause)
            return 0
        self._patience.done(str(one))
        return done

    def _due(self) -> dict[int, tuple[str, str]]:
        with reading(self._engine) as (session, now):
            if crowding(session, now=now):
                return {}
            tired = [int(key) for key in self._patience.until if not self._patience.ready(key)]
            due = waiting(session, most=MOST_AT_ONCE, without=tired)
            return {press.id or 0: (press.team, press.account or "") for press in due}


def _unavailable(error: Exception) -> bool:
    """Whether the database is down or busy: that says nothing of any one press."""
    return isinstance(error, DBAPIError) and (error.connection_invalidated or isinstance(error, OperationalError))


def judge(engine: Engine, ids: Collection[int], outsiders: Outsiders) -> int:
    """Judges these presses in one transaction, but for those that another replica has judged since, and those whose
    turn it is not (`in_turn`); `outsiders` says of accounts that are no full members of their workspace why not.
    Returns how many were judged."""
    with writing(engine) as (session, now):
        due = in_turn(session, ids)
        if not due:
            return 0
        people = active(session).people
        for press in due:
            judged(press, now=now, note=_judged(session, press, people, outsiders, now))
        return len(due)


def _judged(session: Session, press: Press, people: People, outsiders: Outsiders, now: datetime) -> str | None:
    """Judges one press, and returns what whoever pressed is to be told."""
    account = press.account or ""
    if (why := outsiders.get((press.team, account))) is not None:
        actor, data = Actor(ActorKind.UNKNOWN, "slack"), {"reason": Reason.NO_MEMBER.value}
        log.append(session, now=now, event=Event.SLACK_REFUSED, actor=actor, data=data)
        return f"That was not taken: {why}. Ask whoever runs Spendgate."
    speaker = Speaker(team=press.team, user=account, channel=press.channel)
    person = who(people, speaker)
    if person is not None and person.id != press.person:
        # Whoever has the account now did not press, and what was written is not theirs.
        verdict = no("moved_account", "the account was linked anew after the press; please press again")
        ballot = Ballot(
            proposal_id=press.proposal, digest=press.digest, person=None, choice=choice_of(press), via=SLACK
        )
        return tell(refuse(session, now=now, ballot=ballot, verdict=verdict))
    ballot = Ballot(
        proposal_id=press.proposal,
        digest=press.digest,
        person=person.id if person else None,
        choice=choice_of(press),
        reason=open_text(session, press.reason_ref) if press.reason_ref else None,
        reason_ref=press.reason_ref,
        via=SLACK,
    )
    said = tell(vote(session, now=now, ballot=ballot))
    return said if person else not_linked(speaker)


def tell(result: VoteResult) -> str | None:
    """What the voter is told privately; nothing when the card itself says it."""
    if result.already:
        state = f" It is now: {words(result.proposal_state)}." if result.proposal_state else ""
        return f"You have voted so already; nothing changed.{state}"
    if not result.verdict.allowed:
        return f"Your vote was not counted: {result.verdict.reason}."
    return None


class Teller:
    """Tells people privately what became of their votes, each once: taken by one process, noted when it was said.

    Slack shows a private note once and cannot be asked for it afterwards. So whoever dies after saying it and before
    noting that has it said again by the next: the same sentence twice is the smaller harm than none.
    """

    def __init__(self, engine: Engine, client: AsyncWebClient) -> None:
        self._engine, self._client, self._patience = engine, client, Patience()

    async def tell_all(self) -> None:
        """Tells until nobody is due who can be told now."""
        while await self.tell():
            pass

    async def tell(self) -> int:
        """Tells those who are due; returns how many were."""
        due = await asyncio.to_thread(self._taken)

        async def one(press: Press) -> None:
            said: list[bool] = []

            async def whisper() -> None:
                user, channel = press.account or "", press.channel
                await at(self._client, press.team).chat_postEphemeral(channel=channel, user=user, text=press.note or "")
                said.append(True)

            refused = await attempt(self._patience, str(press.id), whisper)
            if said or refused in HOPELESS:
                await asyncio.to_thread(self._noted, press.id or 0)

        failures = await asyncio.gather(*(one(press) for press in due), return_exceptions=True)
        for failure in failures:
            if isinstance(failure, BaseException):
                raise failure
        return len(due)

    def _taken(self) -> list[Press]:
        tired = [int(key) for key in self._patience.until if not self._patience.ready(key)]
        with reading(self._engine) as (session, _):  # an idle house takes no lock four times a second
            if session.exec(select(Press.id).where(col(Press.note).is_not(None)).limit(1)).first() is None:
                return []
        with beside(self._engine) as (session, now):
            taken = take_untold(session, now=now, most=MOST_WHISPERS, without=tired)
            late = {press.id or 0 for press in taken if now - (press.judged_at or now) > STALE}
            told(session, late)
            return [press for press in taken if press.id not in late]

    def _noted(self, press: int) -> None:
        with beside(self._engine) as (session, _):
            told(session, [press])
