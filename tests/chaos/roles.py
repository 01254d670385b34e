"""What the processes do that are killed: a worker, a gate that shows and votes, and one that drafts.

The worker is `app.processes.worker.Worker` with boto3 in its hands; marks on the board are set around its functions,
and it lingers a little between them, so that kills find it there too.
"""

import json
import logging
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import ProxyHandler, build_opener

from sqlalchemy import Engine
from sqlmodel import col, select

import app.processes.worker
import approvals.execute
from app.database import reading, writing
from app.processes.worker import Worker
from approvals.ids import new_id
from approvals.lease import Claim
from approvals.posted import posted
from approvals.propose import DraftRequest, open_for, propose
from approvals.states import State
from approvals.store import Proposal
from approvals.vote import Ballot, vote
from tests.chaos.board import Board
from tests.chaos.pace import SETTLE_SECONDS
from tests.chaos.world import ACCOUNT, OLIVIA, REGION, TYPES, VOTERS

logger = logging.getLogger("chaos")
LINGER_SECONDS = 0.012
READY_FOR_WORK = 4
"""As many proposals are kept before their claim; the drafting process adds what is missing."""

RESIZED = 0.35
BEFORE_CLAIM = (State.SEALED, State.PENDING, State.PARTIAL, State.APPROVED, State.HELD)


class Place(NamedTuple):
    """Where a process of the campaign lives."""

    open_engine: Callable[[str], Engine]
    hands: tuple[Any, Any]
    board: Board
    cloud: str


class Self:
    """This process: its slot on the board, and its own chance; set after the fork."""

    board: Board
    slot = 0
    chance = random.Random(0)


def mark(phase: str) -> None:
    Self.board.mark(Self.slot, phase)


def linger() -> None:
    time.sleep(Self.chance.uniform(0, LINGER_SECONDS))


def instrument() -> None:
    """Sets marks around what a worker does. A name that is gone is an error here, not a campaign that measures less."""
    _around(app.processes.worker, "seal", "sealing", "looking")
    _around(app.processes.worker, "recover", "recovering", "looking")
    _around(app.processes.worker, "reconcile", "reading back", "looking")
    _around(app.processes.worker, "proceed", "between steps", "looking")
    _around(app.processes.worker, "claim", "claiming", "claimed", lingers=True)
    _around(approvals.execute, "_intend", "storing the intent", "intent stored", lingers=True)
    _around(approvals.execute, "_send", "request in flight", "answered, not recorded", lingers=True)
    _around(approvals.execute, "_record", "answered, not recorded", "recorded", lingers=True)


def _around(module: Any, name: str, during: str, after: str, *, lingers: bool = False) -> None:
    known = getattr(module, name)

    def marked(*args: Any, **more: Any) -> Any:
        mark(during)
        result = known(*args, **more)
        if during == "claiming" and not isinstance(result, Claim):
            mark("looking")
            return result
        mark(after)
        if lingers:
            linger()
        return result

    setattr(module, name, marked)


def work(place: Place) -> None:
    """A worker, round after round."""
    inspector, executor = place.hands
    worker = Worker(place.open_engine("worker"), inspector=inspector, executor=executor, settle_seconds=SETTLE_SECONDS)
    _for_ever(worker.round, busy=0.01, idle=0.04)


def decide(place: Place) -> None:
    """Shows what is sealed and votes on what is shown, mostly in favour."""
    engine = place.open_engine("gate")

    def once() -> bool:
        with reading(engine) as (session, _):
            waiting = [State.SEALED.value, State.PENDING.value, State.PARTIAL.value]
            rows = list(session.exec(select(Proposal).where(col(Proposal.state).in_(waiting))))
        for row in rows:
            with writing(engine) as (session, now):
                if row.state == State.SEALED:
                    mark("posting")
                    posted(session, now=now, proposal_id=row.id, where="chaos")
                else:
                    mark("voting")
                    vote(session, now=now, ballot=_ballot(row))
            mark("looking")
        return bool(rows)

    _for_ever(once, busy=0.01, idle=0.03)


def _ballot(row: Proposal) -> Ballot:
    choice: Any = Self.chance.choices(("approve", "reject", "withdraw"), (94, 3, 3))[0]
    person = Self.chance.choice(VOTERS)
    return Ballot(proposal_id=row.id, person=person, choice=choice, digest=row.digest or "", via="terminal")


def draft(place: Place) -> None:
    """Keeps some proposals open, each to turn a machine into the state that it is not in."""
    engine, ask = place.open_engine("drafter"), build_opener(ProxyHandler({}))

    def once() -> bool:
        with reading(engine) as (session, _):
            early = [state.value for state in BEFORE_CLAIM]
            before = len(session.exec(select(Proposal.id).where(col(Proposal.state).in_(early))).all())
        if before >= READY_FOR_WORK:
            return False
        with ask.open(f"{place.cloud}/chaos/machines", timeout=10) as answer:
            machines = json.load(answer)
        for name in Self.chance.sample(sorted(machines), len(machines)):
            state, type_ = machines[name]
            if state in ("running", "stopped") and _propose(engine, _change(state, type_, name)):
                return True
        return False

    _for_ever(once, busy=0.005, idle=0.03)


def _change(state: str, type_: str, machine: str) -> dict[str, Any]:
    """Into the state that it is not in; of the running ones some to the other type, which takes three steps."""
    where = {"account": ACCOUNT, "region": REGION, "instance_id": machine}
    if state == "stopped":
        return {"kind": "start_instance", **where}
    if Self.chance.random() < RESIZED:
        other = next(name for name in TYPES if name != type_)
        return {"kind": "resize_instance", **where, "from_type": type_, "to_type": other}
    return {"kind": "stop_instance", **where}


def _propose(engine: Engine, change: dict[str, Any]) -> bool:
    with reading(engine) as (session, _):
        if open_for(session, f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{change['instance_id']}") is not None:
            return False
    mark("drafting")
    with writing(engine) as (session, now):
        evidence = {"amount": "1", "currency": "USD", "saving": "1"}
        asked = DraftRequest(id=new_id(), thread="chaos", requester=OLIVIA, change=change, evidence=evidence)
        drafted = propose(session, now=now, draft=asked)
    mark("looking")
    return drafted.verdict.allowed


def _for_ever(once: Callable[[], bool], *, busy: float, idle: float) -> None:
    while True:
        mark("looking")
        try:
            did = once()
        except Exception as error:  # noqa: BLE001 (as the product's own loops: a busy database passes)
            logger.warning("%s: %s", type(error).__name__, str(error)[:500])
            did = False
        time.sleep(busy if did else idle)


ROLES: dict[str, Callable[[Place], None]] = {"worker": work, "gate": decide, "drafter": draft}


def be(role: str, place: Place, *, slot: int, seed: int) -> None:
    """Becomes one of the roles, for ever."""
    Self.board, Self.slot, Self.chance = place.board, slot, random.Random(seed)
    mark("starting")
    ROLES[role](place)


def log_to(path: Path) -> None:
    """What the processes notice goes to one file beside the database."""
    logging.basicConfig(filename=path, level=logging.WARNING, format="%(process)d %(message)s")
