"""The requester takes a proposal back: possible until the worker has claimed it, a draft included."""

from datetime import datetime

from sqlmodel import Session

from approvals.active import active
from approvals.move import create, move
from approvals.policy import Verdict, may_withdraw, no, yes
from approvals.states import State
from approvals.store import Draft, find_proposal, from_draft
from audit.event import Actor, ActorKind, Event
from audit.log import append


def withdraw(session: Session, *, now: datetime, proposal_id: str, person: str) -> Verdict:
    """Judges and withdraws; a refusal is a result, and is logged."""
    draft = session.get(Draft, proposal_id)
    proposal = find_proposal(session, proposal_id)
    actor = Actor(ActorKind.PERSON, person)
    asked = proposal or draft
    if asked is None:
        verdict = no("not_found", "there is no such proposal")
    else:
        state = State(proposal.state) if proposal else State.DRAFT
        verdict = may_withdraw(person=person, requester=asked.requester, state=state, people=active(session).people)
    if not verdict.allowed:
        data = {"code": verdict.code, "reason": verdict.reason}
        named = asked.id if asked else None
        append(session, now=now, event=Event.PROPOSAL_CANCEL_REFUSED, actor=actor, proposal=named, data=data)
        return verdict
    event, reason = Event.PROPOSAL_CANCELLED, "withdrawn by the person who asked for it"
    if proposal is not None:
        move(session, proposal, to=State.CANCELLED, event=event, actor=actor, now=now, reason=reason, code="withdrawn")
    elif draft is not None:
        row = from_draft(draft, state=State.CANCELLED, now=now)
        row.reason, row.code = reason, "withdrawn"
        create(session, row, event=event, actor=actor, now=now)
    return yes(reason)
