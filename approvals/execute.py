"""Carries out a claimed proposal: for each step an intent, committed; then one send; then the receipt.

The intent's row is what makes it once: (proposal, step) is its key, and no code path sends for a step whose row was
there before. If the answer does not come, or the process dies, nobody sends again: the outcome is unknown until a
read-back (`reconcile.py`) has found it.
"""

import secrets
import time
from datetime import datetime
from typing import Any, NamedTuple

from sqlmodel import Session

from approvals.changes.step import Step
from approvals.errors import Altered
from approvals.executors.port import Executor, NoAnswer, Receipt, Refused
from approvals.lease import LEASE, Claim, LostClaim
from approvals.move import move
from approvals.sealed import Sealed, decode
from approvals.states import State
from approvals.store import DONE, REFUSED, UNANSWERED, Effect, Proposal, effects_of, proposal_of
from audit.canonical import sha256
from audit.event import Actor, ActorKind, Event
from audit.log import append
from audit.transaction import Begin


class _Answer(NamedTuple):
    outcome: str
    receipt: Receipt | None
    code: str | None
    sentence: str


PROMPT_SECONDS = 20.0
"""Within this time of deciding to send, a request is sent or not at all; storing the intent takes far less."""

OVERSLEPT = _Answer(
    REFUSED, None, "overslept", "the worker was held up between storing its intent and sending: not sent"
)
"""A stopped process or a suspended machine wakes up believing it is still then; others may have concluded meanwhile."""


def _awake() -> float:
    """Seconds that also count while the machine sleeps. It only ever keeps a request back; it decides nothing else."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def execute(begin: Begin, *, claim: Claim, executor: Executor) -> State:
    """Sends every step of the claimed proposal at most once and returns where that led."""
    steps = _steps(begin, claim)
    for step in steps:
        token = token_of(claim, step)
        before = _awake()
        _intend(begin, claim, executor, step, token)
        answer = _send(executor, step, token) if _awake() - before < PROMPT_SECONDS else OVERSLEPT
        state = _record(begin, claim, executor, step, answer, last=step is steps[-1])
        if state != State.EXECUTING:
            return state
    return State.EXECUTING


def token_of(claim: Claim, step: Step) -> str:
    """The same for the same step of the same bytes, for providers that take an idempotency token."""
    return sha256(f"{claim.proposal_id}\0{claim.digest}\0{step.number}".encode())[:32]


def _steps(begin: Begin, claim: Claim) -> tuple[Step, ...]:
    with begin() as (session, now):
        return _mine(session, now, claim)[1].steps


def _mine(session: Session, now: datetime, claim: Claim) -> tuple[Proposal, Sealed]:
    """The row and its document, if the claim still holds: worker, fence, lease, digest of the stored bytes."""
    proposal = proposal_of(session, claim.proposal_id)
    held = proposal.state in (State.CLAIMED, State.EXECUTING) and proposal.fence == claim.fence
    if not held or proposal.claimed_by != claim.worker or proposal.lease_until is None or now >= proposal.lease_until:
        raise LostClaim(
            f"{claim.proposal_id} is not carried out by this worker any more",
            why=f"its claim (number {claim.fence}) ended, or another worker holds it",
            do="Nothing to do: whoever holds it goes on, or reads back what happened",
        )
    sealed = decode(proposal.sealed, claim.digest)
    if proposal.digest != claim.digest:
        raise Altered(
            "the sealed proposal cannot be used",
            why="the claim is for another digest than the row's",
            do="Nothing is carried out. Run `spendgate audit verify`",
        )
    return proposal, sealed


def _intend(begin: Begin, claim: Claim, executor: Executor, step: Step, token: str) -> None:
    """Commits that this step's request is about to be sent. After this nobody sends it, whatever happens."""
    with begin() as (session, now):
        proposal, sealed = _mine(session, now, claim)
        request_hash = step.request.hash()
        at = [sealed_step.number for sealed_step in sealed.steps].index(step.number)
        if request_hash != sealed.request_hashes[at] or sealed.steps[at] != step:
            raise Altered(
                f"step {step.number} of {proposal.id} is not sent",
                why="its request is not the one that was sealed",
                do="Nothing is carried out. Run `spendgate audit verify`",
            )
        earlier = effects_of(session, proposal.id)
        if [effect.step for effect in earlier] != [other.number for other in sealed.steps[:at]]:
            raise LostClaim(
                f"step {step.number} of {proposal.id} is not sent",
                why="its request may have been sent before, or an earlier step has not been",
                do="Nothing to do: the worker reads back what happened",
            )
        effect = Effect(
            proposal=proposal.id,
            step=step.number,
            attempt=f"a-{secrets.token_hex(8)}",
            token=token,
            fence=claim.fence,
            executor=executor.name,
            rehearsal=executor.rehearsal,
            request_hash=request_hash,
            intended_at=now,
        )
        session.add(effect)
        session.flush()
        data = {
            "step": step.number,
            "attempt": effect.attempt,
            "fence": claim.fence,
            "token": token,
            "request_hash": request_hash,
            "digest": claim.digest,
            "executor": executor.name,
            "rehearsal": executor.rehearsal,
        }
        _move(session, proposal, claim, State.EXECUTING, Event.EXECUTION_INTENDED, now, data, lease_until=now + LEASE)


def _send(executor: Executor, step: Step, token: str) -> _Answer:
    try:
        receipt = executor.send(step.request, token=token)
    except NoAnswer as error:
        return _Answer(UNANSWERED, None, None, f"no answer: {error}")
    except Refused as error:
        return _Answer(REFUSED, None, error.code, error.sentence)
    except Exception as error:  # noqa: BLE001 - whatever it was, the request may have gone out: that is not a failure
        return _Answer(UNANSWERED, None, None, f"no answer: {type(error).__name__}")
    return _Answer(DONE, receipt, None, "")


def _record(begin: Begin, claim: Claim, executor: Executor, step: Step, answer: _Answer, *, last: bool) -> State:
    with begin() as (session, now):
        proposal = proposal_of(session, claim.proposal_id)
        effect = session.get(Effect, (claim.proposal_id, step.number), populate_existing=True)
        if effect is None:
            raise RuntimeError(f"the intent of step {step.number} of {claim.proposal_id} is gone")
        told = _write(session, now, effect, answer)
        if proposal.state != State.EXECUTING or proposal.fence != claim.fence:
            return _late(session, now, proposal, claim, told)
        if answer.outcome == UNANSWERED:
            return _unknown(session, now, proposal, claim, told | {"reason": answer.sentence})
        _move(session, proposal, claim, State.EXECUTING, Event.EXECUTION_ANSWERED, now, told, lease_until=now + LEASE)
        if answer.outcome == REFUSED:
            return _stopped(session, now, proposal, claim, step, answer)
        if not last:
            return State.EXECUTING
        to = State.REHEARSED if executor.rehearsal else State.SUCCEEDED
        event = Event.EXECUTION_REHEARSED if executor.rehearsal else Event.EXECUTION_SUCCEEDED
        _move(session, proposal, claim, to, event, now, {"steps": step.number}, look_at=now)
        return to


def _write(session: Session, now: datetime, effect: Effect, answer: _Answer) -> dict[str, Any]:
    """Stores the answer beside its intent. No answer leaves the row open: a read-back will tell."""
    if answer.outcome != UNANSWERED:
        effect.outcome, effect.answered_at, effect.error_code = answer.outcome, now, answer.code
        if answer.receipt is not None:
            effect.provider_request_id = answer.receipt.request_id
            effect.response_hash = answer.receipt.response_hash
        session.add(effect)
        session.flush()
    return {
        "step": effect.step,
        "attempt": effect.attempt,
        "outcome": answer.outcome,
        "provider_request_id": effect.provider_request_id,
        "response_hash": effect.response_hash,
        "error_code": answer.code,
    }


def _late(session: Session, now: datetime, proposal: Proposal, claim: Claim, told: dict[str, Any]) -> State:
    """The lease ended while the request was out: the receipt is kept, and what it means the read-back decides."""
    actor = Actor(ActorKind.WORKER, claim.worker)
    append(
        session, now=now, event=Event.EXECUTION_ANSWERED, actor=actor, proposal=proposal.id, data=told | {"late": True}
    )
    return State(proposal.state)


def _unknown(session: Session, now: datetime, proposal: Proposal, claim: Claim, told: dict[str, Any]) -> State:
    _move(
        session, proposal, claim, State.UNKNOWN, Event.EXECUTION_UNKNOWN, now, told,
        reason=told["reason"], code="no_answer", look_at=now,
    )  # fmt: skip
    return State.UNKNOWN


def _stopped(session: Session, now: datetime, proposal: Proposal, claim: Claim, step: Step, answer: _Answer) -> State:
    """The provider refused this step. Earlier steps did take effect, so with any of them it is not simply failed."""
    done = [effect.step for effect in effects_of(session, proposal.id) if effect.outcome == DONE]
    to, event = State.FAILED, Event.EXECUTION_FAILED
    reason = f"the provider refused it ({answer.code}): {answer.sentence[:300]}"
    if done:
        to, event = State.DIVERGED, Event.EXECUTION_DIVERGED
        reason = f"steps {', '.join(map(str, done))} were done; step {step.number} was refused ({answer.code})"
    data = {"reason": reason, "done": done, "refused": step.number, "error_code": answer.code}
    _move(session, proposal, claim, to, event, now, data, reason=reason, code=answer.code)
    return to


def _move(
    session: Session,
    proposal: Proposal,
    claim: Claim,
    to: State,
    event: Event,
    now: datetime,
    data: dict[str, Any],
    **columns: Any,
) -> None:
    actor = Actor(ActorKind.WORKER, claim.worker)
    if not move(session, proposal, to=to, event=event, actor=actor, now=now, data=data, **columns):
        raise LostClaim(
            f"{proposal.id} is not carried out by this worker any more",
            why="its row was moved by another worker",
            do="Nothing to do: the worker reads back what happened",
        )
