"""The desk of one tool call, wired: what its speaker may see, judged now, and the one thing that a tool may cause.

That one thing is a draft: `approvals.propose` stores it with its log entry, under the requester, thread and key that
are bound here and that no model can fill in.
"""

import json
from base64 import b32encode
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Engine
from sqlmodel import Session

from agent.ports import Ports, ProposalRow, Seat, Toolbox
from app.allocation import rules_here
from app.carried_out import carried_out_here
from app.database import reading, writing
from app.expectations import expectations_here
from app.fiscal import fiscal_calendar
from app.home import Home
from app.inbox import Conversation
from app.proposal_lines import proposal_lines
from app.savings_limits import limits_here
from app.stops import may_draft
from app.whoami import NOBODY
from approvals.active import active
from approvals.changes.change import parse_change
from approvals.propose import AGENT, DraftRequest, propose
from approvals.states import TERMINAL, words
from approvals.store import Draft, Proposal
from audit import log
from audit.event import Event
from lake.engine import Lake
from lake.price_book import own
from tools.catalogue import bind
from tools.desk import Desk, ProposalLine, Receipt, Wanted

MOST_DRAFTS = 20
"""No turn calls tools so often."""


def scope_of(session: Session, *, speaker: str, thread: str) -> tuple[str, ...]:
    """The teams that an answer may speak of: the speaker's, and in a channel only those the channel may read too."""
    people = active(session).people
    if speaker == NOBODY:
        return ("*",) if not people.by_id else ()
    person = people.by_id.get(speaker)
    # In one order: what is kept of the bill is found again by everybody who sees the same teams.
    own = tuple(sorted(person.sees_teams)) if person is not None else ()
    place = session.get(Conversation, thread)
    if place is None or place.private:
        return own
    return meet(own, tuple(sorted(people.channel_sees(place.team, place.channel))))


def meet(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """What both scopes allow; `*` is everything."""
    if "*" in one:
        return other
    if "*" in other:
        return one
    return tuple(team for team in one if team in other)


def sit(engine: Engine, home: Home, lake: Lake) -> Callable[[Seat], Toolbox]:
    """The port through which the conversation gets its tools."""
    seated = seated_with(engine, home, lake)

    def seat_down(seat: Seat) -> Toolbox:
        with reading(engine) as (session, now):
            scope = scope_of(session, speaker=seat.speaker, thread=seat.thread)
        return seated(seat, scope, now)

    return seat_down


def seated_with(engine: Engine, home: Home, lake: Lake) -> Callable[[Seat, tuple[str, ...], datetime], Toolbox]:
    """The tools of a seat at a time, for a scope that was judged already."""

    fiscal, expectations = fiscal_calendar(), expectations_here(home)
    limits, prices, target = limits_here(home), own(home.price_book), rules_here(home).target_percent

    def seated(seat: Seat, scope: tuple[str, ...], now: datetime) -> Toolbox:
        desk = Desk(
            lake=lake,
            now=now,
            speaker=seat.speaker,
            scope=scope,
            fiscal=fiscal,
            **expectations,
            propose=lambda wanted: _propose(engine, seat, wanted),
            carried_out=carried_out_here(engine, scope),
            proposals=lambda which: _lines(engine, seat, scope, which),
            thresholds=limits,
            prices=prices,
            uncategorised_target=target,
            earlier=dict(seat.earlier(scope)),
            next_number=seat.next_number,
        )
        return Toolbox(tools=bind(desk), results=desk.earlier, today=desk.today, scope=scope)

    return seated


def _lines(engine: Engine, seat: Seat, scope: tuple[str, ...], which: str) -> list[ProposalLine]:
    with reading(engine) as (session, _):
        return proposal_lines(session, speaker=seat.speaker, thread=seat.thread, scope=scope, which=which)


def _propose(engine: Engine, seat: Seat, wanted: Wanted) -> Receipt:
    draft = DraftRequest(
        id=stable_id(seat.thread, seat.key),
        thread=seat.thread,
        requester=seat.speaker,
        change=wanted.change,
        evidence=wanted.named_evidence,
    )
    with writing(engine) as (session, now):
        verdict = may_draft(session, seat.turn)
        if not verdict.allowed:
            data = {"requester": seat.speaker, "code": verdict.code, "reason": verdict.reason}
            log.append(session, now=now, event=Event.PROPOSAL_REFUSED, actor=AGENT, proposal=draft.id, data=data)
            return Receipt(None, accepted=False, reason=verdict.reason)
        drafted = propose(session, now=now, draft=draft)
    accepted = drafted.verdict.allowed
    return Receipt(drafted.proposal_id if accepted else None, accepted=accepted, reason=drafted.verdict.reason)


def stable_id(thread: str, key: str) -> str:
    """The id that a call's draft has however often the call runs again."""
    digest = sha256(f"{thread}\0{key}".encode()).digest()
    return f"P-{b32encode(digest).decode()[:10]}"


def draft_ids(thread: str, turn: str) -> list[str]:
    """The ids under which this turn may have drafted, whether or not it knows of it."""
    return [stable_id(thread, f"{turn}/{number}") for number in range(1, MOST_DRAFTS + 1)]


def title_of(change: str) -> str:
    """What would change, in one line."""
    return parse_change(json.loads(change)).title()


def proposal_rows(engine: Engine) -> Callable[..., dict[str, ProposalRow]]:
    """The port through which the conversation reads where its proposals stand."""

    def read(ids: list[str]) -> dict[str, ProposalRow]:
        rows: dict[str, ProposalRow] = {}
        with reading(engine) as (session, _):
            for name in ids:
                row, draft = session.get(Proposal, name), session.get(Draft, name)
                if row is not None:
                    rows[name] = ProposalRow(
                        version=row.version,
                        state=str(row.state),
                        words=words(row.state),
                        title=title_of(row.change),
                        terminal=row.state in TERMINAL,
                        sealed=True,
                        reason=row.reason or "",
                    )
                elif draft is not None:
                    rows[name] = ProposalRow(
                        version=0, state="draft", words="being checked by the worker", terminal=False, sealed=False
                    )
        return rows

    return read


__all__ = ["Ports", "meet", "proposal_rows", "scope_of", "seated_with", "sit"]
