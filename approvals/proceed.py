"""Goes on with a change of several steps: the next is sent only when the one before is read back as in effect.

Between two steps nothing is out and nobody holds the proposal, so a worker may die there and any other goes on. AWS
would refuse to change the type of an instance that is still stopping; and a resource that somebody else touched
meanwhile is not the one whose change was approved.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlmodel import Session

from approvals.changes.change import parse_change
from approvals.changes.operation import Kind
from approvals.changes.operations import declared
from approvals.changes.step import Step
from approvals.claim import may_go_on
from approvals.errors import Altered
from approvals.execute import carry_step, done_words, really_sends
from approvals.executors.port import Executor
from approvals.executors.router import Router
from approvals.inspectors.port import CannotLook, Inspector
from approvals.lease import LEASE, Claim
from approvals.move import move
from approvals.recover import to_read_back
from approvals.sealed import Sealed, decode
from approvals.settling import LOOK_AGAIN, LOOK_LASTS, LOOK_SELDOM, PATIENCE, SETTLE, looks
from approvals.states import State
from approvals.store import TOOK_EFFECT, Effect, Proposal, effects_of, proposal_of
from audit.event import Actor, ActorKind, Event
from audit.transaction import Begin


class Ready(NamedTuple):
    """The step before is in effect: this one may be sent."""

    step: Step


class GivenUp(NamedTuple):
    """It will not come to the next step, and why."""

    reason: str


def proceed(
    begin: Begin,
    *,
    proposal_id: str,
    worker: str,
    inspector: Inspector,
    executor: Executor | Router,
    settle: timedelta = SETTLE,
) -> State:
    """Looks whether the next step may go out, and sends it once; returns where the proposal stands."""
    with begin() as (session, asked_at):
        proposal = proposal_of(session, proposal_id)
        effects = effects_of(session, proposal_id)
        if not _nothing_out(proposal, effects, asked_at):
            return State(proposal.state)
        if not _more_to_send(proposal, effects):
            to_read_back(session, proposal, worker, asked_at)
            return State(proposal.state)
        version, change = proposal.version, parse_change(json.loads(proposal.change))
    try:
        fields: dict[str, Any] | None = inspector.read_back(change)
    except CannotLook:
        fields = None
    with begin() as (session, now):
        proposal = proposal_of(session, proposal_id)
        if proposal.version != version or now > asked_at + LOOK_LASTS:
            return State(proposal.state)
        taken = _take(session, now, proposal, fields, worker, settle, executor)
    if taken is None:
        return _state(begin, proposal_id)
    claim, step = taken
    return carry_step(begin, claim=claim, executor=executor, step=step)


def _state(begin: Begin, proposal_id: str) -> State:
    with begin() as (session, _):
        return State(proposal_of(session, proposal_id).state)


def _nothing_out(proposal: Proposal, effects: Sequence[Effect], now: datetime) -> bool:
    """Every request that was sent is answered, and nobody holds it (any more)."""
    free = proposal.lease_until is None or proposal.lease_until <= now
    answered = bool(effects) and all(effect.outcome is not None and not effect.rehearsal for effect in effects)
    return proposal.state == State.EXECUTING and free and answered


def _more_to_send(proposal: Proposal, effects: Sequence[Effect]) -> bool:
    """Whether a step waits for its turn.

    Otherwise an answer came to a worker that did not hold it any more (so it only kept the receipt), and the one that
    did hold it is gone.
    """
    try:
        steps = decode(proposal.sealed, proposal.digest).steps
    except Altered:
        return True  # it ends below, with its reason
    return len(effects) < len(steps) and all(effect.outcome in TOOK_EFFECT for effect in effects)


def _take(
    session: Session, now: datetime, proposal: Proposal, fields: dict[str, Any] | None, worker: str,
    settle: timedelta, executor: Executor | Router,
) -> tuple[Claim, Step] | None:  # fmt: skip
    """The right to send the next step, as a claim with a new fence; None if it must wait, or has ended here."""
    actor, effects = Actor(ActorKind.WORKER, worker), effects_of(session, proposal.id)
    try:
        sealed = decode(proposal.sealed, proposal.digest)
        found = next_step(sealed, effects, fields, now=now, settle=settle)
        if isinstance(found, Ready):
            waits = _since(effects, now) + settle * declared(found.step.request.operation).patience > now
            found = _judged(session, now, proposal, sealed, found, executor, waits=waits)
    except Altered as error:
        found = GivenUp(error.why)
    if found is None:
        proposal.look_at = now + _pause(proposal, sealed.steps[len(effects) - 1], now)
        session.add(proposal)
        return None
    if isinstance(found, GivenUp):
        reason = f"{done_words(list(effects))}; the rest was not sent: {found.reason}"
        data: dict[str, Any] = {"reason": reason, "done": [effect.step for effect in effects]}
        move(
            session, proposal, to=State.DIVERGED, event=Event.EXECUTION_DIVERGED, actor=actor, now=now, data=data,
            reason=reason, code="steps_left", look_at=None,
        )  # fmt: skip
        return None
    fence, until = proposal.fence + 1, now + LEASE
    data = {"digest": proposal.digest, "fence": fence, "lease_until": until, "step": found.step.number}
    taken = move(
        session, proposal, to=State.EXECUTING, event=Event.EXECUTION_TAKEN_OVER, actor=actor, now=now, data=data,
        fence=fence, claimed_by=worker, lease_until=until,
    )  # fmt: skip
    return (Claim(proposal.id, worker, fence, proposal.digest or "", until), found.step) if taken else None


def _judged(
    session: Session, now: datetime, proposal: Proposal, sealed: Sealed, ready: Ready, executor: Executor | Router, *,
    waits: bool,
) -> Ready | GivenUp | None:  # fmt: skip
    """Whether the step may go out now, for what the resource does not show; None while it waits for that.

    One that cannot be undone may come hours after the claim, behind a copy that takes so long: people who would not
    approve it any more, and a freeze, count for it as they would at a claim. One that can is finished, since a
    machine that was stopped to be changed would stay stopped.
    """
    if not really_sends(executor, ready.step):
        return None if waits else GivenUp("no worker carries out such a step any more: each would only rehearse it")
    if declared(ready.step.request.operation).kind == Kind.MUTATION:
        return ready
    verdict = may_go_on(session, now, proposal, sealed)
    if verdict.allowed:
        return ready
    return None if verdict.code == "directory_down" and waits else GivenUp(verdict.reason)


def _since(effects: Sequence[Effect], now: datetime) -> datetime:
    """When the last step was answered."""
    return max((effect.answered_at or effect.intended_at for effect in effects), default=now)


def _pause(proposal: Proposal, last: Step, now: datetime) -> timedelta:
    """What may take hours (an image) is not asked for every three seconds of them."""
    long = declared(last.request.operation).patience > PATIENCE and now - proposal.changed_at >= LOOK_SELDOM
    return LOOK_SELDOM if long else LOOK_AGAIN


def next_step(
    sealed: Sealed, effects: Sequence[Effect], fields: dict[str, Any] | None, *, now: datetime, settle: timedelta
) -> Ready | GivenUp | None:
    """What the read-back between two steps allows; None while it is to be looked at again. Pure.

    Everything must look as it was sealed, except what the steps that were done were to change.
    """
    last = sealed.steps[len(effects) - 1]
    since = _since(effects, now)
    over = now >= since + settle * declared(last.request.operation).patience
    if fields is None:
        return GivenUp("the resource could not be read in time") if over else None
    wanted: dict[str, Any] = dict(sealed.preconditions)
    for step in sealed.steps[: len(effects)]:
        wanted |= step.expect
    wrong = sorted(name for name in wanted if fields.get(name) != wanted[name])
    if not wrong:
        return Ready(sealed.steps[len(effects)])
    touched = [name for name in wrong if name not in last.expect]
    if touched:
        return GivenUp(f"somebody else changed it meanwhile ({', '.join(touched)})")
    told = ", ".join(f"{name} {fields.get(name, 'absent')}, not {wanted[name]}" for name in wrong)
    on_the_way = any(looks(fields, passing) for passing in last.passing)
    over = over or (not on_the_way and now >= since + settle * declared(last.request.operation).settles)
    return GivenUp(f"it did not get there in time ({told})") if over else None
