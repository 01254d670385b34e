"""Finds out what happened, by reading only. Nothing is ever sent from here.

SUCCEEDED is read back until it looks as sealed (VERIFIED) or, after the settle time, does not (DIVERGED). UNKNOWN ends
the same way, or FAILED: the resource is as it was before, the settle time after the intent is over, and so the request
did not take effect. Until then it stays open and is looked at again.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from approvals.changes.change import parse_change
from approvals.changes.step import Step
from approvals.errors import Altered
from approvals.inspectors.port import CannotLook, Inspector
from approvals.move import move
from approvals.sealed import Sealed, decode
from approvals.states import State
from approvals.store import DONE, Effect, Proposal, effects_of, proposal_of
from audit.canonical import canonical, sha256
from audit.event import Actor, ActorKind, Event
from audit.transaction import Begin

SETTLE = timedelta(minutes=10)
"""After this long a provider's read answers are taken to show every request that took effect."""

PATIENCE = 6
"""A resource that is seen on its way (stopping) is waited for this many settle times."""

LOOK_AGAIN = timedelta(seconds=3)
READABLE = frozenset({State.SUCCEEDED, State.UNKNOWN, State.RECONCILING})


_EVENTS = {
    State.VERIFIED: Event.EXECUTION_VERIFIED,
    State.DIVERGED: Event.EXECUTION_DIVERGED,
    State.FAILED: Event.EXECUTION_FAILED,
    State.REHEARSED: Event.EXECUTION_REHEARSED,
}


def reconcile(
    begin: Begin, *, proposal_id: str, inspector: Inspector, worker: str = "worker", settle: timedelta = SETTLE
) -> State:
    """Reads the resource back and moves the proposal as far as that proves; returns where it stands."""
    actor = Actor(ActorKind.WORKER, worker)
    with begin() as (session, now):
        proposal = proposal_of(session, proposal_id)
        if State(proposal.state) not in READABLE:
            return State(proposal.state)
        if proposal.state == State.UNKNOWN:
            move(session, proposal, to=State.RECONCILING, event=Event.EXECUTION_RECONCILING, actor=actor, now=now)
        change = parse_change(json.loads(proposal.change))
    try:
        fields: dict[str, Any] | None = inspector.read_back(change)
    except CannotLook:
        fields = None
    with begin() as (session, now):
        proposal = proposal_of(session, proposal_id)
        if State(proposal.state) not in (State.SUCCEEDED, State.RECONCILING):
            return State(proposal.state)
        return _conclude(session, now, proposal, fields, actor, settle)


def _conclude(
    session: Session, now: datetime, proposal: Proposal, fields: dict[str, Any] | None, actor: Actor, settle: timedelta
) -> State:
    try:
        sealed = decode(proposal.sealed, proposal.digest)
    except Altered as error:
        found: tuple[State, str] | None = (State.DIVERGED, f"cannot be compared with what was approved: {error.why}")
        told = ""
    else:
        found = judge(
            sealed, effects_of(session, proposal.id), fields, state=State(proposal.state), now=now, settle=settle
        )
        told = _told(fields or {}, sealed)
    if found is None:
        proposal.look_at = now + LOOK_AGAIN
        session.add(proposal)
        return State(proposal.state)
    data = {"reason": found[1], "read_back": told, "read_back_hash": sha256(canonical(fields))}
    to = found[0]
    move(
        session, proposal, to=to, event=_EVENTS[to], actor=actor, now=now, data=data,
        reason=None if to == State.VERIFIED else found[1], code=None, look_at=None,
    )  # fmt: skip
    return to


def judge(
    sealed: Sealed,
    effects: Sequence[Effect],
    fields: dict[str, Any] | None,
    *,
    state: State,
    now: datetime,
    settle: timedelta,
) -> tuple[State, str] | None:
    """What the read-back proves, with its sentence; None while it proves nothing yet. Pure."""
    if effects and all(effect.rehearsal for effect in effects):
        return State.REHEARSED, "the rehearsal was interrupted; nothing was sent"
    if fields is None:
        return None
    done = [effect.step for effect in effects if effect.outcome == DONE]
    all_sent = len(effects) == len(sealed.steps)
    if all_sent and _looks(fields, sealed.steps[-1].expect):
        return State.VERIFIED, "read back as approved"
    since = max((effect.answered_at or effect.intended_at for effect in effects), default=now)
    on_the_way = any(_looks(fields, passing) for step in sealed.steps for passing in step.passing)
    if now < since + (settle * PATIENCE if on_the_way else settle):
        return None
    if state == State.SUCCEEDED:
        return State.DIVERGED, f"carried out, but it now reads {_told(fields, sealed)}"
    open_steps = [effect.step for effect in effects if effect.outcome is None]
    before = all(fields.get(name) == value for name, value in sealed.preconditions.items())
    if not done and before:
        return State.FAILED, "read back unchanged: the request did not take effect"
    return State.DIVERGED, _partly(sealed, fields, done, open_steps)


def _partly(sealed: Sealed, fields: dict[str, Any], done: list[int], open_steps: list[int]) -> str:
    told = [f"it now reads {_told(fields, sealed)}"]
    if done:
        told.insert(0, f"of {len(sealed.steps)} steps done: {', '.join(map(str, done))}")
    reached = [step.number for step in sealed.steps if step.number in open_steps and _looks(fields, step.expect)]
    if reached:
        told.append(f"step {', '.join(map(str, reached))} took effect without an answer")
    return "; ".join(told)


def inverse_of_done(sealed: Sealed, effects: Sequence[Effect]) -> list[Step]:
    """The steps that were done, last first: their sealed inverses, in this order, lead back."""
    done = {effect.step for effect in effects if effect.outcome == DONE}
    return [step for step in reversed(sealed.steps) if step.number in done and step.inverse is not None]


def _looks(fields: dict[str, Any], expected: dict[str, str]) -> bool:
    return all(fields.get(name) == value for name, value in expected.items())


def _told(fields: dict[str, Any], sealed: Sealed) -> str:
    names = sorted({name for step in sealed.steps for name in step.expect})
    return ", ".join(f"{name} {fields.get(name, 'absent')}" for name in names)
