"""App Home: what this person has to do with Spendgate, drawn when it is opened. A pure function of what was read.

An approver sees what waits for them, a requester their own proposals, an auditor whether the log is whole and what was
refused, and somebody who is not linked how to be. It holds no buttons that decide: a decision is taken on the card,
which shows everything that is approved.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from app.drawn import CardMessage
from app.slack.answers import marked
from app.slack.cards import at, data, money
from app.slack.people import Speaker, not_linked, who
from approvals.active import entitled, judged_by
from approvals.card import Card, project
from approvals.errors import Altered
from approvals.person import People, Person
from approvals.policy import APPROVE, may_vote
from approvals.sealed import decode
from approvals.states import OPEN, State
from approvals.store import Proposal, standing_votes
from approvals.vote import standing
from audit.event import Event
from audit.lag import lag
from audit.log import LogEntry
from tools.shown import shown

View = dict[str, Any]
MOST, RECENT, HEADER = 10, 5, 150
READERS = frozenset({"auditor", "privacy"})
EXCEPTIONS = (Event.VOTE_REFUSED, Event.PROPOSAL_REFUSED, Event.SLACK_REFUSED, Event.BREAKGLASS_USED, Event.LOG_ALARM)


@dataclass(frozen=True)
class Line:
    """One proposal as a line, and where its card stands."""

    card: Card
    channel: str | None = None
    ts: str | None = None


@dataclass(frozen=True)
class Page:
    """What one person's Home shows; `person` is None for somebody who is not linked."""

    person: Person | None
    speaker: Speaker
    now: datetime
    waiting: tuple[Line, ...] = ()
    mine: tuple[Line, ...] = ()
    ended: tuple[Line, ...] = ()
    integrity: str = ""
    entries: int = 0
    last: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = field(default=())


def page_of(session: Session, speaker: Speaker, *, now: datetime) -> Page:
    """Reads what this person's Home shows."""
    people = entitled(session, now).people
    person = who(people, speaker)
    if person is None:
        return Page(None, speaker, now)
    waiting, mine = [], []
    for row in session.exec(select(Proposal).where(col(Proposal.state).in_(list(OPEN))).order_by(col(Proposal.id))):
        if row.requester == person.id:
            mine.append(row)
        elif _waits_for(session, row, person, people, now):
            waiting.append(row)
    ended = session.exec(
        select(Proposal)
        .where(Proposal.requester == person.id, col(Proposal.state).not_in(list(OPEN)))
        .order_by(col(Proposal.changed_at).desc())
        .limit(RECENT)
    ).all()
    waiting.sort(key=lambda row: row.expires_at or now)
    shown_as = [tuple(_line(session, row, people) for row in rows) for rows in (waiting, mine, ended)]
    page = Page(person, speaker, now, waiting=shown_as[0], mine=shown_as[1], ended=shown_as[2])
    return _with_log(session, page) if person.roles & READERS else page


def home_view(page: Page) -> View:
    """The view that is published; valid for Slack whatever the names in it."""
    if page.person is None:
        blocks = [_header("You are not linked yet"), _section(not_linked(page.speaker))]
        blocks.append(_small("Until then I answer nothing that would tell costs, and your presses count for nothing."))
        return {"type": "home", "blocks": blocks}
    held = page.person.roles | {lent.role for lent in page.person.lent}
    roles = ", ".join(sorted(held)) or "no role: you may ask, and decide nothing"
    blocks = [_header(f"{page.person.name}"), _small(f"Your roles: {data(roles)}")]
    if page.person.roles & READERS:
        blocks += _audit(page)
    if page.waiting or not page.person.roles & READERS:
        blocks += _listed("Waiting for you", page.waiting, "Nothing waits for you.", page.now)
    blocks += _listed("Your open proposals", page.mine, "You have no open proposal.", page.now)
    if page.ended:
        blocks += _listed("Ended lately", page.ended, "", page.now)
    told = f"As of {at(page.now)}. Ask me in the Messages tab: what did AI cost last month, by team?"
    return {"type": "home", "blocks": [*blocks, {"type": "divider"}, _small(told)]}


def _waits_for(session: Session, row: Proposal, person: Person, people: People, now: datetime) -> bool:
    """Whether this person's approval would count now."""
    if row.state not in (State.PENDING, State.PARTIAL) or row.sealed is None:
        return False
    try:
        sealed = decode(row.sealed, row.digest)
    except Altered:
        return False
    held, people = standing(row, sealed, standing_votes(session, row.id)), judged_by(people, sealed.change.kind)
    verdict = may_vote(person=person.id, choice=APPROVE, digest=held.digest, standing=held, people=people, now=now)
    return verdict.allowed and person.id not in held.approvals


def _line(session: Session, row: Proposal, people: People) -> Line:
    where = session.get(CardMessage, row.id)
    return Line(project(session, row.id, people), where.channel if where else None, where.ts if where else None)


def _with_log(session: Session, page: Page) -> Page:
    newest = session.exec(select(LogEntry).order_by(col(LogEntry.seq).desc()).limit(RECENT)).all()
    odd = session.exec(
        select(LogEntry)
        .where(col(LogEntry.event).in_([event.value for event in EXCEPTIONS]))
        .order_by(col(LogEntry.seq).desc())
        .limit(RECENT)
    ).all()
    return Page(
        page.person,
        page.speaker,
        page.now,
        page.waiting,
        page.mine,
        page.ended,
        integrity=lag(session, now=page.now).sentence(),
        entries=newest[0].seq if newest else 0,
        last=tuple(map(_entry, newest)),
        exceptions=tuple(map(_entry, odd)),
    )


def _entry(entry: LogEntry) -> str:
    about = f" · {entry.proposal}" if entry.proposal else ""
    return f"{entry.seq} · {at(entry.recorded_at)} · `{entry.event}`{about}"


def _audit(page: Page) -> list[View]:
    exports = "`spendgate audit verify` · `audit export --format csv` · `audit pack`"
    blocks = [_section(f"*The action log*\n{page.entries} entries. {data(page.integrity)}")]
    blocks.append(_section("*Last entries*\n" + ("\n".join(page.last) or "The log is empty.")))
    blocks.append(_section("*Exceptions*\n" + ("\n".join(page.exceptions) or "Nothing was refused.")))
    return [*blocks, _small(f"To check and to export it, on the machine that runs Spendgate: {exports}")]


def _listed(title: str, lines: Sequence[Line], nothing: str, now: datetime) -> list[View]:
    heading = f"*{title}*" + (f" ({len(lines)})" if lines else "")
    if not lines:
        return [_section(f"{heading}\n{nothing}")]
    blocks = [_section(heading), *(_shown(line) for line in lines[:MOST])]
    if len(lines) > MOST:
        blocks.append(_small(f"and {len(lines) - MOST} more: `spendgate proposals list`"))
    return blocks


def _shown(line: Line) -> View:
    card = line.card
    saves = f" Saves {money(card.saving, card.currency)} a year." if card.saving else ""
    until = f" Until {at(card.expires_at)}." if card.expires_at and card.approvable else ""
    link = f"\nIts card is in <#{line.channel}>." if line.channel and not card.terminal else ""
    words = data(card.words[:1].upper() + card.words[1:])
    return _section(f"*{words}*: {data(shown(card.title, 2 * HEADER))} ({card.proposal}).{saves}{until}{link}")


def _header(text: str) -> View:
    return {"type": "header", "text": {"type": "plain_text", "text": shown(text, HEADER), "emoji": False}}


def _section(text: str) -> View:
    return {"type": "section", "text": marked(text[:3000])}


def _small(text: str) -> View:
    return {"type": "context", "elements": [marked(text[:2000])]}
