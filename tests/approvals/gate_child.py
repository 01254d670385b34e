"""One process at the gate, started by the tests of races and kills: `gate_child.py FOLDER WHAT [ARGUMENTS]`.

Prints one JSON line, unless it was told to kill itself on the way.
"""

import json
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import approvals.execute
from app.database import beginner, writing
from approvals.claim import claim
from approvals.execute import execute
from approvals.lease import Claim, LostClaim
from approvals.proceed import proceed
from approvals.propose import DraftRequest, propose
from approvals.reconcile import reconcile
from approvals.recover import recover
from approvals.states import State
from approvals.vote import Ballot, vote
from audit.event import Actor, ActorKind, Event
from audit.log import append
from tests.approvals.gate_database import open_gate_database
from tests.approvals.gate_stubs import Cloud, StubExecutor, StubInspector


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def carry_out(folder: Path, proposal: str, worker: str, where: str = "") -> dict[str, Any]:
    """Claims and executes, dying at `where`, which may end in "@2" for the second step."""
    where, _, number = where.partition("@")
    step = int(number or "1")
    begin = beginner(open_gate_database(folder))
    cloud = Cloud(folder)
    got = claim(begin, proposal_id=proposal, worker=worker, inspector=StubInspector(cloud))
    if not isinstance(got, Claim):
        return {"refused": got.verdict.code}
    if where == "claimed":
        die()
    if where == "inside the intent's transaction":
        wrap("_move", before=die, call=2 * step - 1)
    if where == "intent stored":
        wrap("_send", before=die, call=step)
    if where == "answer arrived":
        wrap("_record", before=die, call=step)
    if where == "inside the receipt's transaction":
        wrap("_write", after=die, call=step)
    if where == "receipt stored":
        wrap("_record", after=die, call=step)
    executor = StubExecutor(cloud, where, only=step) if where.startswith("die") else StubExecutor(cloud, "slow")
    try:
        state = execute(begin, claim=got, executor=executor)
    except LostClaim as error:
        return {"lost": error.why}
    return {"state": go_on(begin, proposal, worker, executor) if state == State.EXECUTING else state}


def go_on(begin: Any, proposal: str, worker: str, executor: Any) -> State:
    """Sends the steps that are left, each after the one before was read back, until it stands still or waits."""
    state, looks = State.EXECUTING, 0
    while state == State.EXECUTING and looks < 5:
        looks += 1
        state = proceed(
            begin, proposal_id=proposal, worker=worker, inspector=StubInspector(executor.cloud), executor=executor
        )
    return state


def wrap(name: str, *, before: Any = None, after: Any = None, call: int = 1) -> None:
    """Lets the process die right before or after the given call of a function of execute."""
    known, calls = getattr(approvals.execute, name), 0

    def wrapped(*args: Any, **keywords: Any) -> Any:
        nonlocal calls
        calls += 1
        if before is not None and calls == call:
            before()
        done = known(*args, **keywords)
        if after is not None and calls == call:
            after()
        return done

    setattr(approvals.execute, name, wrapped)


def cast(folder: Path, proposal: str, person: str, digest: str, choice: str) -> dict[str, Any]:
    ballot = Ballot(proposal_id=proposal, person=person, choice=choice, digest=digest, via="terminal")  # type: ignore[arg-type]
    with writing(open_gate_database(folder)) as (session, now):
        result = vote(session, now=now, ballot=ballot)
    return {"code": result.verdict.code, "already": result.already, "state": result.proposal_state}


def draft(folder: Path, request: str) -> dict[str, Any]:
    with writing(open_gate_database(folder)) as (session, now):
        drafted = propose(session, now=now, draft=DraftRequest.model_validate_json(request))
    return {"code": drafted.verdict.code, "already": drafted.already}


def note(folder: Path, count: str) -> dict[str, Any]:
    engine = open_gate_database(folder)
    for at in range(int(count)):
        with writing(engine) as (session, now):
            actor = Actor(ActorKind.SERVICE, f"race-{os.getpid()}")
            append(session, now=now, event=Event.LOG_READ, actor=actor, data={"at": at})
    return {"written": int(count)}


def mend(folder: Path, settle: str) -> dict[str, Any]:
    """What the next worker does: recover, go on with what is between two steps, read back everything that is due."""
    from approvals.due import due

    engine = open_gate_database(folder)
    begin = beginner(engine)
    lost = recover(begin, worker="w-mend")
    with writing(engine) as (session, now):
        work = due(session, now=now)
    for name in work.to_proceed:
        go_on(begin, name, "w-mend", StubExecutor(Cloud(folder)))
    with writing(engine) as (session, now):
        names = due(session, now=now).to_reconcile
    inspector = StubInspector(Cloud(folder))
    span = timedelta(seconds=float(settle))
    states = {name: reconcile(begin, proposal_id=name, inspector=inspector, settle=span) for name in names}
    return {"lost": lost, "states": states}


def main() -> None:
    folder, what, *arguments = sys.argv[1:]
    gate = Path(folder) / "start"
    if os.environ.get("WAIT_FOR_START"):
        (Path(folder) / f"ready-{os.getpid()}").touch()
        while not gate.exists():
            time.sleep(0.002)
    verbs: dict[str, Any] = {"carry_out": carry_out, "cast": cast, "draft": draft, "note": note, "mend": mend}
    sys.stdout.write(json.dumps(verbs[what](Path(folder), *arguments)) + "\n")


main()
