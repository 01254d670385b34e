"""Tells the gate that a sealed proposal was shown to people: from then on it takes votes."""

from datetime import datetime

from sqlmodel import Session

from approvals.move import move
from approvals.policy import Verdict, no, yes
from approvals.states import State, words
from approvals.store import proposal_of
from audit.event import Actor, ActorKind, Event

SERVE = Actor(ActorKind.SERVICE, "serve")


def posted(session: Session, *, now: datetime, proposal_id: str, where: str, actor: Actor = SERVE) -> Verdict:
    """SEALED → PENDING. `where` is a channel or terminal, without a person's name. A second call changes nothing."""
    proposal = proposal_of(session, proposal_id)
    state = State(proposal.state)
    if state == State.SEALED:
        data = {"where": where, "digest": proposal.digest}
        move(
            session,
            proposal,
            to=State.PENDING,
            event=Event.PROPOSAL_POSTED,
            actor=actor,
            now=now,
            data=data,
            posted_where=where,
        )
        return yes("shown; it takes votes now")
    if state == State.UNSEALABLE:
        return no("closed", f"this proposal is closed: {words(state)}")
    return yes("already shown")
