"""What a scan drafts: where a rule that somebody switched on finds a saving on the resource behind unusual spend.

What is meant is worked out beforehand, which takes seconds; it is stored in the scan's own transaction, so that each
state of the bill is drafted for once, or not at all. A draft is all that this can cause: people decide about it.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.anomaly_rows import Anomaly
from app.database import reading
from app.drafting_rules import switched_on
from app.expectations import expectations_here
from app.halt import halted
from app.home import Home
from app.savings_limits import limits_here
from approvals.active import active
from approvals.changes.change import parse_change
from approvals.ids import new_id
from approvals.propose import DraftRequest, open_for, propose
from approvals.states import TERMINAL, State
from approvals.store import Draft, Proposal
from audit import log
from audit.event import Actor, ActorKind, Event
from lake.engine import Lake
from lake.errors import LakeError
from lake.price_book import own
from tools.desk import Desk, Wanted
from tools.drafting import meant

logger = logging.getLogger(__name__)
MOST_A_SCAN = 3
MOST_OPEN = 10
"""So many drafts of scans may wait for people at once: more would be read by nobody."""
REST = timedelta(days=30)
"""So long nothing is asked again about a resource, whatever became of it: the same facts had their answer, and what was
carried out shows on the bill days later."""

DeskFor = Callable[[datetime, str, tuple[str, ...]], Desk]
"""A desk of a person who may see these teams."""


@dataclass(frozen=True)
class Behind:
    """What is behind an event: the team that owns the event (empty: wider than one) and the id of the resource."""

    owner: str
    resource: str


@dataclass(frozen=True)
class Intent:
    """One draft that is meant, in whose name, by which rule, and what that person may see as it was worked out."""

    person: str
    scope: tuple[str, ...]
    rule: str
    wanted: Wanted


def desks(home: Home, lake: Lake) -> DeskFor:
    """The desks of this home. Raises LakeError for a file of limits or prices that cannot be used."""
    limits, prices, expects = limits_here(home), own(home.price_book), expectations_here(home)

    def desk_for(now: datetime, person: str, scope: tuple[str, ...]) -> Desk:
        return Desk(lake=lake, now=now, speaker=person, scope=scope, thresholds=limits, prices=prices, **expects)

    return desk_for


def intents(engine: Engine, behind: Callable[[], Mapping[int, Behind]], desk_for: DeskFor | None) -> dict[int, Intent]:
    """What is meant for which event, by the number that `behind` gives it; nothing, and `behind` is not asked, where
    no rule is switched on or everything is stopped."""
    with reading(engine) as (session, now):
        on = switched_on(session)
        if desk_for is None or not on or halted(session):
            return {}
        people = active(session).people.by_id
    events, found = behind(), dict[int, Intent]()
    for person in sorted(set(on.values()) & set(people)):
        scope = tuple(sorted(people[person].sees_teams))
        mine = {number: one for number, one in events.items() if "*" in scope or (one.owner and one.owner in scope)}
        rules = [rule for rule, whose in on.items() if whose == person]
        try:
            told = meant(desk_for(now, person, scope), [one.resource for one in mine.values()], rules)
        except LakeError as error:
            # What is unusual is told all the same: a log of a gateway that cannot be read leaves no bill unscanned.
            logger.warning("no proposals are drafted in the name of %s (%s)", person, error)
            continue
        for number, one in mine.items():
            if number not in found and one.resource in told:
                found[number] = Intent(person, scope, *told[one.resource])
    return found


def draft(session: Session, *, now: datetime, by: str, meant_for: Collection[tuple[Anomaly, Intent]]) -> list[str]:
    """Stores what still holds of it, each with its entries, in the scan's writing transaction; the proposals' ids."""
    if not meant_for or halted(session):
        return []
    on, people = switched_on(session), active(session).people.by_id
    drafted: list[str] = []
    waiting = _waiting(session)
    left = min(MOST_A_SCAN, MOST_OPEN - len(waiting))
    for row, intent in meant_for:
        person = people.get(intent.person)
        if on.get(intent.rule) != intent.person or person is None or set(person.sees_teams) != set(intent.scope):
            continue
        # An event names one proposal: another beside one that waits would be in no message, and not be counted.
        if left > 0 and row.proposal not in waiting and _is_news(session, intent, now):
            made = _draft(session, row, intent, by=by, now=now)
            left -= len(made)
            drafted += made
    return drafted


def _draft(session: Session, row: Anomaly, intent: Intent, *, by: str, now: datetime) -> list[str]:
    actor = Actor(ActorKind.SERVICE, by)
    request = DraftRequest(
        id=new_id(),
        thread="",
        requester=intent.person,
        change=intent.wanted.change,
        evidence={**intent.wanted.named_evidence, "anomaly": row.id},
    )
    told = propose(session, now=now, draft=request, actor=actor)
    if not told.verdict.allowed:
        return []
    row.proposal = told.proposal_id
    session.add(row)
    data = {"anomaly": row.id, "rule": intent.rule, "requester": intent.person}
    log.append(session, now=now, event=Event.ANOMALY_PROPOSED, actor=actor, proposal=told.proposal_id, data=data)
    return [told.proposal_id]


def _is_news(session: Session, intent: Intent, now: datetime) -> bool:
    """Whether nothing is open about the resource, and nobody was asked for such a change of it lately."""
    change = parse_change(intent.wanted.change)
    if open_for(session, change.resource) is not None:
        return False
    ended = (
        select(Proposal.id)
        .join(Draft, col(Draft.id) == col(Proposal.id))
        .where(Draft.resource == change.resource, Draft.kind == change.kind, col(Proposal.changed_at) > now - REST)
    )
    return session.exec(ended.limit(1)).first() is None


def _waiting(session: Session) -> set[str]:
    """The drafts of scans that are still open. What is carried out waits for nobody here, nor a patch that is handed
    over, which may not be applied for days."""
    done = [state.value for state in TERMINAL | {State.SUCCEEDED}]
    ended = select(Proposal.id).where(col(Proposal.state).in_(done))
    asked = select(Anomaly.proposal).where(col(Anomaly.proposal).is_not(None), col(Anomaly.proposal).not_in(ended))
    return {proposal for proposal in session.exec(asked) if proposal is not None}
