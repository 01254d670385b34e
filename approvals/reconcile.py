"""Finds out what happened, by reading only. Nothing is ever sent from here.

SUCCEEDED is read back until it looks as sealed (VERIFIED) or, after the settle time, does not (DIVERGED). UNKNOWN ends
the same way, or FAILED: the resource is as it was before, the settle time after the intent is over, and so the request
did not take effect. Until then it stays open and is looked at again; what cannot be read for a day needs a person.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlmodel import Session

from approvals.changes.change import AnyChange, parse_change
from approvals.changes.terraform import PatchTerraform
from approvals.conclude import Conclusion, judge, told
from approvals.errors import Altered
from approvals.inspectors.port import CannotLook, Happening, Inspector
from approvals.move import move
from approvals.resent import resent_at
from approvals.sealed import decode
from approvals.settling import LOOK_AGAIN, LOOK_RARELY, LOOK_SELDOM, SETTLE
from approvals.states import State
from approvals.store import ABSENT, FOUND, Effect, Proposal, effects_of, proposal_of
from audit.canonical import canonical, sha256
from audit.event import Actor, ActorKind, Event
from audit.transaction import Begin

READABLE = frozenset({State.SUCCEEDED, State.UNKNOWN, State.RECONCILING})


_EVENTS = {
    State.VERIFIED: Event.EXECUTION_VERIFIED,
    State.DIVERGED: Event.EXECUTION_DIVERGED,
    State.FAILED: Event.EXECUTION_FAILED,
    State.REHEARSED: Event.EXECUTION_REHEARSED,
}


class _Read(NamedTuple):
    asked_at: datetime
    fields: dict[str, Any] | None
    history: Sequence[Happening] | None


def reconcile(
    begin: Begin, *, proposal_id: str, inspector: Inspector, worker: str = "worker", settle: timedelta = SETTLE
) -> State:
    """Reads the resource back and moves the proposal as far as that proves; returns where it stands.

    What is read proves what took effect by the time that it was asked for, not by the time that the answer is judged:
    a worker may sleep in between, and a late effect come about.
    """
    actor = Actor(ActorKind.WORKER, worker)
    with begin() as (session, asked_at):
        proposal = proposal_of(session, proposal_id)
        if State(proposal.state) not in READABLE:
            return State(proposal.state)
        if proposal.state == State.UNKNOWN:
            move(session, proposal, to=State.RECONCILING, event=Event.EXECUTION_RECONCILING, actor=actor, now=asked_at)
        change = parse_change(json.loads(proposal.change))
        unanswered = [effect for effect in effects_of(session, proposal_id) if effect.outcome is None]
    read = _look(inspector, change, unanswered, asked_at)
    with begin() as (session, now):
        proposal = proposal_of(session, proposal_id)
        if State(proposal.state) not in (State.SUCCEEDED, State.RECONCILING):
            return State(proposal.state)
        return _conclude(session, now, proposal, read, actor, settle)


def _look(inspector: Inspector, change: AnyChange, unanswered: Sequence[Effect], asked_at: datetime) -> _Read:
    """The fields as they stand, and where the inspector can tell it, what the provider's own log knows of the sends."""
    try:
        fields: dict[str, Any] | None = inspector.read_back(change)
    except CannotLook:
        fields = None
    remembers = getattr(inspector, "history", None)
    if remembers is None or not unanswered:
        return _Read(asked_at, fields, None)
    try:
        return _Read(asked_at, fields, remembers(change, min(effect.intended_at for effect in unanswered)))
    except CannotLook:
        return _Read(asked_at, fields, None)


def _conclude(
    session: Session, now: datetime, proposal: Proposal, read: _Read, actor: Actor, settle: timedelta
) -> State:
    effects = effects_of(session, proposal.id)
    seen, handed_over = "", False
    try:
        sealed = decode(proposal.sealed, proposal.digest)
    except Altered as error:
        why = f"cannot be compared with what was approved: {error.why}"
        found: Conclusion | None = Conclusion(State.DIVERGED, why)
    else:
        found = judge(
            sealed, effects, read.fields, state=State(proposal.state), now=read.asked_at, settle=settle,
            sent_again=resent_at(session, proposal.id), history=read.history,
        )  # fmt: skip
        seen, handed_over = told(read.fields or {}, sealed), isinstance(sealed.change, PatchTerraform)
    if found is None:
        soon = LOOK_RARELY if handed_over else LOOK_AGAIN
        proposal.look_at = now + (soon if read.fields is not None else _pause(proposal, now))
        session.add(proposal)
        return State(proposal.state)
    _settle_effects(session, effects, found)
    data: dict[str, Any] = {"reason": found.reason, "read_back": seen, "read_back_hash": sha256(canonical(read.fields))}
    data |= {"found": list(found.found), "absent": list(found.absent)}
    move(
        session, proposal, to=found.state, event=_EVENTS[found.state], actor=actor, now=now, data=data,
        reason=None if found.state == State.VERIFIED else found.reason, code=None, look_at=None,
    )  # fmt: skip
    return found.state


def _pause(proposal: Proposal, now: datetime) -> timedelta:
    """A provider that has not answered for a while is not asked every three seconds for a day."""
    return LOOK_AGAIN if now - proposal.changed_at < LOOK_SELDOM else LOOK_SELDOM


def _settle_effects(session: Session, effects: Sequence[Effect], found: Conclusion) -> None:
    """Writes down beside each intent without an answer what was proven of it; the undoing of them follows from that."""
    for effect in effects:
        proven = FOUND if effect.step in found.found else ABSENT if effect.step in found.absent else None
        if proven is not None and effect.outcome is None:
            effect.outcome = proven
            session.add(effect)
    session.flush()
