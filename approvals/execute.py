"""Carries out a claimed proposal: for each step an intent, committed; then one send; then the receipt.

The intent's row is what makes it once: (proposal, step) is its key, and no code path sends for a step whose row was
there before (`resend.py` is the one exception, and only under the provider's own token). If the answer does not come,
or the process dies, the outcome is unknown until a read-back (`reconcile.py`) has found it.

Between two steps nothing is out and nobody holds the row: `proceed.py` reads back what the first led to, and only then
is the next step's intent stored.
"""

import secrets
from datetime import datetime
from typing import Any, NamedTuple

from sqlmodel import Session

from approvals.awake import PROMPT_SECONDS, awake
from approvals.changes.operations import declared
from approvals.changes.step import Step
from approvals.errors import Altered, GateError
from approvals.executors.port import Executor, NoAnswer, Receipt, Refused
from approvals.executors.router import Router
from approvals.lease import LEASE, Claim, LostClaim
from approvals.move import move
from approvals.sealed import Sealed, decode
from approvals.states import State
from approvals.store import DONE, REFUSED, TOOK_EFFECT, UNANSWERED, Effect, Proposal, effects_of, proposal_of
from approvals.switch import engaged, words_of
from audit.canonical import sha256
from audit.event import Actor, ActorKind, Event
from audit.log import append
from audit.transaction import Begin


class Answer(NamedTuple):
    """What came of one send: done, refused or no answer, with the receipt or the reason."""

    outcome: str
    receipt: Receipt | None
    code: str | None
    sentence: str


OVERSLEPT = Answer(
    REFUSED, None, "overslept", "the worker was held up between storing its intent and sending: not sent"
)


def execute(begin: Begin, *, claim: Claim, executor: Executor | Router) -> State:
    """Sends the first step of the claimed proposal, once; a rehearsal walks through all of them.

    EXECUTING is returned where steps are left: `proceed` sends each when the one before is read back as in effect.
    """
    for step in _steps(begin, claim):
        state = carry_step(begin, claim=claim, executor=executor, step=step)
        if state != State.EXECUTING or not _hands(executor, step).rehearsal:
            break
    return state


def carry_step(begin: Begin, *, claim: Claim, executor: Executor | Router, step: Step) -> State:
    """One step: its intent, its request, its receipt; where that led. LostClaim if it is not this worker's to send."""
    hands, token, decided_at = _hands(executor, step), token_of(claim, step), awake()
    stopped = _intend(begin, claim, hands, step, token)
    if stopped is not None:
        return stopped
    return _record(begin, claim, hands, step, _prompt(hands, step, token, decided_at))


def carry_again(
    begin: Begin, *, claim: Claim, executor: Executor | Router, step: Step, token: str, decided_at: float
) -> State:
    """Sends a step once more under the token of the first time; its effect's row stays the one that there is.

    A refusal of the second request says nothing of the first, so it leaves the outcome as unknown as it was.
    """
    hands = _hands(executor, step)
    answer = _prompt(hands, step, token, decided_at)
    if answer.outcome == REFUSED:
        told = f"sent again and refused ({answer.code}), which says nothing of the first time"
        answer = Answer(UNANSWERED, None, answer.code, told)
    return _record(begin, claim, hands, step, answer)


def _prompt(executor: Executor, step: Step, token: str, decided_at: float) -> Answer:
    return _send(executor, step, token) if awake() - decided_at < PROMPT_SECONDS else OVERSLEPT


def token_of(claim: Claim, step: Step) -> str:
    """The same for the same step of the same bytes, for providers that take an idempotency token."""
    return sha256(f"{claim.proposal_id}\0{claim.digest}\0{step.number}".encode())[:32]


def _hands(executor: Executor | Router, step: Step) -> Executor:
    return executor.of(step.request.operation) if isinstance(executor, Router) else executor


def really_sends(executor: Executor | Router, step: Step) -> bool:
    """Whether this worker would carry the step out: not only rehearse it, nor lack whatever could send it."""
    try:
        return not _hands(executor, step).rehearsal
    except GateError:
        return False


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


def _intend(begin: Begin, claim: Claim, executor: Executor, step: Step, token: str) -> State | None:
    """Commits that this step's request is about to be sent; after this nobody else sends it, whatever happens.

    Returns where it ended instead if the kill switch is on.
    """
    with begin() as (session, now):
        proposal, sealed = _mine(session, now, claim)
        at = _sealed_at(proposal, sealed, step)
        earlier = effects_of(session, proposal.id)
        if [effect.step for effect in earlier] != [other.number for other in sealed.steps[:at]]:
            raise LostClaim(
                f"step {step.number} of {proposal.id} is not sent",
                why="its request may have been sent before, or an earlier step has not been",
                do="Nothing to do: the worker reads back what happened",
            )
        if any(effect.rehearsal != executor.rehearsal for effect in earlier):
            raise LostClaim(
                f"step {step.number} of {proposal.id} is not sent",
                why="its earlier steps were carried out in another way: really, or as a rehearsal",
                do="Let a worker go on that carries such changes out (SPENDGATE_WORKER_EXECUTOR)",
            )
        stopped = _stopped_by_switch(session, now, proposal, claim, step, earlier)
        if stopped is not None:
            return stopped
        effect = Effect(
            proposal=proposal.id,
            step=step.number,
            attempt=f"a-{secrets.token_hex(8)}",
            token=token,
            fence=claim.fence,
            executor=executor.name,
            rehearsal=executor.rehearsal,
            request_hash=step.request.hash(),
            intended_at=now,
        )
        session.add(effect)
        session.flush()
        data = {
            "step": step.number,
            "attempt": effect.attempt,
            "fence": claim.fence,
            "token": token,
            "request_hash": effect.request_hash,
            "digest": claim.digest,
            "executor": executor.name,
            "rehearsal": executor.rehearsal,
        }
        _move(
            session, proposal, claim, State.EXECUTING, Event.EXECUTION_INTENDED, now, data,
            lease_until=now + LEASE, look_at=None,
        )  # fmt: skip
    return None


def _sealed_at(proposal: Proposal, sealed: Sealed, step: Step) -> int:
    """Which of the sealed steps this is; Altered where it is none of them, GateError where nobody declared it."""
    at = [sealed_step.number for sealed_step in sealed.steps].index(step.number)
    if step.request.hash() != sealed.request_hashes[at] or sealed.steps[at] != step:
        raise Altered(
            f"step {step.number} of {proposal.id} is not sent",
            why="its request is not the one that was sealed",
            do="Nothing is carried out. Run `spendgate audit verify`",
        )
    declared(step.request.operation)
    return at


def _stopped_by_switch(
    session: Session, now: datetime, proposal: Proposal, claim: Claim, step: Step, earlier: list[Effect]
) -> State | None:
    """With the kill switch on no further intent is stored: what was begun ends as it is, named step by step."""
    turn = engaged(session, step.request.account) if declared(step.request.operation).stoppable else None
    if turn is None:
        return None
    to, event, reason = State.VETOED, Event.PROPOSAL_VETOED, words_of(turn)
    if earlier:
        to, event = State.DIVERGED, Event.EXECUTION_DIVERGED
        reason = f"stopped by the kill switch: {done_words(earlier)}; step {step.number} was not sent; {reason}"
    data = {"reason": reason, "done": _done(earlier), "code": "kill_switch"}
    _move(session, proposal, claim, to, event, now, data, reason=reason, code="kill_switch", look_at=None)
    return to


def _send(executor: Executor, step: Step, token: str) -> Answer:
    try:
        receipt = executor.send(step.request, token=token)
    except NoAnswer as error:
        return Answer(UNANSWERED, None, None, f"no answer: {error}")
    except Refused as error:
        return Answer(REFUSED, None, error.code, error.sentence)
    except Exception as error:  # noqa: BLE001 - whatever it was, the request may have gone out: that is not a failure
        return Answer(UNANSWERED, None, None, f"no answer: {type(error).__name__}")
    return Answer(DONE, receipt, None, "")


def _record(begin: Begin, claim: Claim, executor: Executor, step: Step, answer: Answer) -> State:
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
        last = step.number == decode(proposal.sealed, claim.digest).steps[-1].number
        between = {} if answer.outcome == REFUSED or last or executor.rehearsal else {"lease_until": None}
        kept = {"lease_until": now + LEASE, "look_at": now} | between
        _move(session, proposal, claim, State.EXECUTING, Event.EXECUTION_ANSWERED, now, told, **kept)
        if answer.outcome == REFUSED:
            return _stopped(session, now, proposal, claim, step, answer)
        if not last:
            return State.EXECUTING
        to = State.REHEARSED if executor.rehearsal else State.SUCCEEDED
        event = Event.EXECUTION_REHEARSED if executor.rehearsal else Event.EXECUTION_SUCCEEDED
        _move(session, proposal, claim, to, event, now, {"steps": step.number}, look_at=now)
        return to


def _write(session: Session, now: datetime, effect: Effect, answer: Answer) -> dict[str, Any]:
    """Stores the answer beside its intent. No answer leaves the row open: a read-back will tell."""
    if answer.outcome != UNANSWERED and effect.answered_at is None:
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


def _stopped(session: Session, now: datetime, proposal: Proposal, claim: Claim, step: Step, answer: Answer) -> State:
    """The provider refused this step. Earlier steps did take effect, so with any of them it is not simply failed."""
    effects = effects_of(session, proposal.id)
    to, event = State.FAILED, Event.EXECUTION_FAILED
    reason = f"the provider refused it ({answer.code}): {answer.sentence[:300]}"
    if _done(effects):
        to, event = State.DIVERGED, Event.EXECUTION_DIVERGED
        reason = f"{done_words(effects)}; step {step.number} was refused ({answer.code}): {answer.sentence[:300]}"
    data = {"reason": reason, "done": _done(effects), "refused": step.number, "error_code": answer.code}
    _move(session, proposal, claim, to, event, now, data, reason=reason, code=answer.code, look_at=None)
    return to


def _done(effects: list[Effect]) -> list[int]:
    return [effect.step for effect in effects if effect.outcome in TOOK_EFFECT]


def done_words(effects: list[Effect]) -> str:
    """Which steps took effect: "step 1 was done", "steps 1, 2 were done"."""
    done = _done(effects)
    return f"step{'s' if len(done) > 1 else ''} {', '.join(map(str, done))} {'were' if len(done) > 1 else 'was'} done"


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
