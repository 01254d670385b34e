"""After an emergency: what was done by break-glass is looked at again by people who had no part in it.

DORA's technical standards (2024/1774, article 17) ask that emergency changes be documented, assessed and approved after
they were made. Until that is done nobody can break the glass again.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, and_
from sqlmodel import Session, col, select

from approvals.active import entitled
from approvals.emergency import may_review
from approvals.errors import Altered
from approvals.move import move
from approvals.person import People
from approvals.policy import Verdict, no, yes
from approvals.rules import Rules
from approvals.sealed import decode
from approvals.states import State
from approvals.store import BREAK_GLASS, ClaimRecord, Proposal, Vote, find_proposal
from audit.event import Actor, ActorKind, Event
from audit.log import append
from audit.private import reference


def fall_due(session: Session, *, now: datetime, worker: str = "worker") -> list[str]:
    """Moves every emergency change that ended with an effect to REVIEW_DUE and returns the ids."""
    moved = []
    for proposal in session.exec(select(Proposal).where(ended_unasked()).order_by(col(Proposal.id))).all():
        claimed = session.get(ClaimRecord, proposal.id)
        within = entitled(session, now).rules.break_glass
        due_at = (claimed.claimed_at if claimed else now) + within.review_within if within else now
        reason = f"{State(proposal.state)}; to be reviewed by {due_at:%Y-%m-%d %H:%M} UTC"
        if move(
            session,
            proposal,
            to=State.REVIEW_DUE,
            event=Event.BREAKGLASS_REVIEW_DUE,
            actor=Actor(ActorKind.WORKER, worker),
            now=now,
            data={"due_at": due_at, "outcome": proposal.state},
            outcome=proposal.state,
            reason=reason,
            look_at=due_at,
        ):
            moved.append(proposal.id)
    return moved


def ended_unasked() -> ColumnElement[bool]:
    """An emergency change that ended with an effect, and of which nobody was asked yet whether it was right."""
    ended = [State.VERIFIED.value, State.DIVERGED.value]
    return and_(col(Proposal.authority) == BREAK_GLASS, col(Proposal.state).in_(ended))


def review(
    session: Session, *, now: datetime, proposal_id: str, person: str | None, justified: bool, reason: str
) -> Verdict:
    """Says whether the emergency was one; a refusal is a result, and is logged."""
    proposal = find_proposal(session, proposal_id)
    current = entitled(session, now)
    known = person if person is not None and person in current.people.by_id else None
    actor = Actor(ActorKind.PERSON, known) if known else Actor(ActorKind.UNKNOWN, "unknown")
    verdict = _judge(session, proposal, known, reason, current.people, current.rules)
    if not verdict.allowed or proposal is None or known is None:
        refused = {"code": verdict.code, "reason": verdict.reason}
        named = proposal.id if proposal else None
        append(session, now=now, event=Event.BREAKGLASS_REFUSED, actor=actor, proposal=named, data=refused)
        return verdict
    to = State.REVIEWED_OK if justified else State.REVIEWED_BAD
    written = reference(session, person=known, text=reason, now=now)
    data = {"justified": justified, "reason": written, "outcome": proposal.outcome}
    move(
        session, proposal, to=to, event=Event.BREAKGLASS_REVIEWED, actor=actor, now=now, data=data,
        reason=f"it ended as {proposal.outcome}", look_at=None,
    )  # fmt: skip
    return yes("reviewed")


def _judge(
    session: Session, proposal: Proposal | None, person: str | None, reason: str, people: People, rules: Rules
) -> Verdict:
    if proposal is None or proposal.state != State.REVIEW_DUE:
        return no("not_due", "there is no review due under this id")
    if not reason.strip():
        return no("no_reason", "a review says why")
    try:
        sealed = decode(proposal.sealed, proposal.digest)
    except Altered as error:
        return no("altered", f"{error.what} {error.why}")
    voted = session.exec(select(Vote.person).where(Vote.proposal == proposal.id)).all()
    return may_review(
        person=person or "", involved={sealed.requester, *sealed.editors, *voted}, people=people, rules=rules
    )
