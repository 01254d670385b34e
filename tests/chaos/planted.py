"""Faults that a campaign must find: one that passes with any of these switched on would be worth nothing."""

from contextlib import suppress
from typing import Any

from sqlmodel import col, select

import app.processes.worker
import approvals.recover
from approvals.executors.port import NoAnswer, Refused
from approvals.move import move
from approvals.sealed import decode
from approvals.states import State
from approvals.store import Proposal, effects_of, proposal_of
from audit.event import Actor, ActorKind, Event
from audit.transaction import Begin

FAULTS = ("none", "sends again", "takes lost for failed", "forgets the intent")


def plant(fault: str, executor: Any) -> None:
    """Switches one of them on in this process and all that are forked from it."""
    if fault == "sends again":
        _send_again(executor)
    elif fault == "takes lost for failed":
        _take_lost_for_failed()
    elif fault == "forgets the intent":
        _forget_the_intent(executor)
    elif fault != "none":
        raise ValueError(f"no such fault: {fault!r}; there are {', '.join(FAULTS)}")


def _send_again(executor: Any) -> None:
    """After a death the next worker sends the request that may have been sent, as a queue would deliver it again."""
    recover = approvals.recover.recover

    def faulty(begin: Begin, *, worker: str) -> list[str]:
        with begin() as (session, now):
            late = (col(Proposal.state) == State.EXECUTING.value, col(Proposal.lease_until) <= now)
            rows = list(session.exec(select(Proposal).where(*late)))
            again = [
                decode(row.sealed, row.digest).steps[effect.step - 1]
                for row in rows
                for effect in effects_of(session, row.id)
                if effect.outcome is None
            ]
        for step in again:
            with suppress(Refused, NoAnswer):
                executor.send(step.request, token="again")
        return recover(begin, worker=worker)

    vars(app.processes.worker)["recover"] = faulty


def _take_lost_for_failed() -> None:
    """What a dead worker was sending counts as not sent, without a look at the machine."""
    recover = approvals.recover.recover

    def faulty(begin: Begin, *, worker: str) -> list[str]:
        lost = recover(begin, worker=worker)
        actor = Actor(ActorKind.WORKER, worker)
        for name in lost:
            with begin() as (session, now):
                row = proposal_of(session, name)
                move(session, row, to=State.RECONCILING, event=Event.EXECUTION_RECONCILING, actor=actor, now=now)
                more = {"reason": "its worker died", "data": {"reason": "its worker died"}}
                move(session, row, to=State.FAILED, event=Event.EXECUTION_FAILED, actor=actor, now=now, **more)  # type: ignore[arg-type]
        return lost

    vars(app.processes.worker)["recover"] = faulty


def _forget_the_intent(executor: Any) -> None:
    """Sends a request for which no intent is stored, beside the one for which one is."""
    send = executor.send

    def faulty(request: Any, *, token: str) -> Any:
        send(request, token=token)
        return send(request, token=token)

    executor.send = faulty
