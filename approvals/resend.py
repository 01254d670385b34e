"""Sends a request a second time: only where the provider takes an idempotency token, and only under the same one.

Everything else stays at one request. The intent's row is the first one, and its fence moves on, so that a worker that
comes back late cannot mistake the second answer for its own. The approval, the switch and the time are judged again
before; the resource is not, since it may already look different because of the first request.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session

from approvals.awake import awake
from approvals.changes.operation import Again
from approvals.changes.operations import declared
from approvals.changes.step import Step
from approvals.claim import still_approved
from approvals.errors import Altered
from approvals.execute import carry_again
from approvals.executors.port import Executor
from approvals.executors.router import Router
from approvals.lease import LEASE, Claim
from approvals.move import move
from approvals.resent import resent_at
from approvals.sealed import Sealed, decode
from approvals.settling import SETTLE
from approvals.states import State
from approvals.store import Effect, Proposal, effects_of, proposal_of
from approvals.switch import engaged
from audit.event import Actor, ActorKind, Event
from audit.transaction import Begin

MOST = 3
"""Requests after the first; a provider that answers none of them has a fault that more of them would not mend."""

PAUSES_IN_SETTLE = 20
"""A settle time holds this many pauses between two requests: half a minute, where it is ten minutes."""


class Out(NamedTuple):
    """The step whose request is sent again, its effect's row, and the right to send it."""

    step: Step
    token: str
    claim: Claim


def resend(
    begin: Begin, *, proposal_id: str, worker: str, executor: Executor | Router, settle: timedelta = SETTLE
) -> State | None:
    """Sends the request whose outcome is unknown again, if that may be now; None, and nothing sent, if not."""
    decided_at = awake()
    with begin() as (session, now):
        out = _take(session, now, proposal_of(session, proposal_id), worker, settle)
    if out is None:
        return None
    return carry_again(begin, claim=out.claim, executor=executor, step=out.step, token=out.token, decided_at=decided_at)


def may_send_again(
    sealed: Sealed, effects: Sequence[Effect], sent_again: Sequence[datetime], *, now: datetime, settle: timedelta
) -> Effect | None:
    """The effect whose request may go out again at `now`: the open one, with a token, soon, and not often. Pure.

    Soon: a provider forgets its tokens some time, and forgets none within half a settle time.
    """
    unanswered = [effect for effect in effects if effect.outcome is None and not effect.rehearsal]
    if len(unanswered) != 1 or len(sent_again) >= MOST:
        return None
    (effect,) = unanswered
    step = next((step for step in sealed.steps if step.number == effect.step), None)
    if step is None or declared(step.request.operation).again != Again.SAME_TOKEN:
        return None
    last = max([effect.intended_at, *sent_again])
    soon = effect.intended_at + settle / 2
    return effect if last + settle / PAUSES_IN_SETTLE <= now < soon else None


def _take(session: Session, now: datetime, proposal: Proposal, worker: str, settle: timedelta) -> Out | None:
    if proposal.state != State.RECONCILING:
        return None
    try:
        sealed = decode(proposal.sealed, proposal.digest)
    except Altered:
        return None
    effects = effects_of(session, proposal.id)
    effect = may_send_again(sealed, effects, resent_at(session, proposal.id), now=now, settle=settle)
    if effect is None or effect.request_hash not in sealed.request_hashes:
        return None
    step = next(step for step in sealed.steps if step.number == effect.step)
    stopped = declared(step.request.operation).stoppable and engaged(session, step.request.account) is not None
    if stopped or step.request.hash() != effect.request_hash:
        return None
    if not still_approved(session, now, proposal, sealed).allowed:
        return None
    fence, until = proposal.fence + 1, now + LEASE
    data = {
        "step": effect.step,
        "attempt": effect.attempt,
        "fence": fence,
        "token": effect.token,
        "request_hash": effect.request_hash,
        "digest": proposal.digest,
        "executor": effect.executor,
    }
    taken = move(
        session, proposal, to=State.EXECUTING, event=Event.EXECUTION_RESENT, actor=Actor(ActorKind.WORKER, worker),
        now=now, data=data, fence=fence, claimed_by=worker, lease_until=until, look_at=None,
    )  # fmt: skip
    return Out(step, effect.token, Claim(proposal.id, worker, fence, proposal.digest or "", until)) if taken else None
