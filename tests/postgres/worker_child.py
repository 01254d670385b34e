"""One process of many on a server: `worker_child.py FOLDER ADDRESS PART ARGUMENTS`, started by the test of replicas.

A worker runs the product's own loop until nothing is left open; a gate votes on whatever is pending, as one person.
"""

import json
import sys
import time
from pathlib import Path

from sqlmodel import col, select

from app.database import open_database, reading, writing
from app.processes.worker import Worker
from approvals.posted import posted
from approvals.states import OPEN, State
from approvals.store import Draft, Proposal
from approvals.vote import Ballot, vote
from tests.approvals.gate_stubs import Cloud, StubExecutor, StubInspector

SECONDS = 240


def work(folder: Path, address: str, name: str, wanted: int) -> dict[str, int]:
    engine, cloud = open_database(address), Cloud(folder)
    executor = StubExecutor(cloud)
    worker = Worker(engine, inspector=StubInspector(cloud), executor=executor, settle_seconds=5, name=name)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        worker.round()
        with reading(engine) as (session, _):
            states = session.exec(select(Proposal.state)).all()
        if len(states) == wanted and not {State(state) for state in states} & OPEN:
            return {"sent": executor.sent}
        time.sleep(0.1)
    raise SystemExit(f"not all was done in {SECONDS} seconds: {states}")


def decide(folder: Path, address: str, person: str, wanted: int) -> dict[str, int]:
    engine, cast, deadline = open_database(address), 0, time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        with reading(engine) as (session, _):
            rows = session.exec(select(Proposal).order_by(col(Proposal.id))).all()
            assert len(session.exec(select(Draft)).all()) == wanted
        for row in rows:
            if row.state == State.SEALED:
                with writing(engine) as (session, now):
                    posted(session, now=now, proposal_id=row.id, where="test")
            elif row.state == State.PENDING:
                ballot = Ballot(
                    proposal_id=row.id, person=person, choice="approve", digest=row.digest or "", via="terminal"
                )
                with writing(engine) as (session, now):
                    cast += vote(session, now=now, ballot=ballot).verdict.allowed
        if len(rows) == wanted and not {State(row.state) for row in rows} & OPEN:
            return {"cast": cast}
        time.sleep(0.1)
    raise SystemExit(f"not all was decided in {SECONDS} seconds")


def main() -> None:
    folder, address, what, name, wanted = sys.argv[1:]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    do = {"work": work, "decide": decide}[what]
    sys.stdout.write(json.dumps(do(Path(folder), address, name, int(wanted))) + "\n")


main()
