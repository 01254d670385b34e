"""What two workers do on one database at one time: each look and each expiry is one worker's."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine
from sqlmodel import select

from app.database import reading, writing
from app.inbox import conversation
from app.processes.worker import Worker
from approvals.posted import posted
from approvals.settling import LOOK_AGAIN
from approvals.store import TimerSlot, proposal_of
from approvals.vote import Ballot, vote
from audit.log import entries

ARJUN = "p-0b0b0002"


class Eyes:
    """Eyes on a machine that is still on its way, which count how often they look."""

    def __init__(self, machine: Any) -> None:
        self.machine, self.reads = machine, 0

    def look(self, change: Any) -> Any:
        return self.machine.look(change)

    def read_back(self, change: Any) -> dict[str, Any]:
        self.reads += 1
        return {**self.machine.fields(change), "state": "stopping"}


def approved(engine: Engine, sealed: Callable[[str], str]) -> str:
    with writing(engine) as (session, _):
        place = conversation(session, surface="slack", team="T0BANK", channel="D0", thread_ts="1.1", private=True)
    name = sealed(place.thread)
    with writing(engine) as (session, now):
        posted(session, now=now, proposal_id=name, where="test")
        digest = proposal_of(session, name).digest or ""
        ballot = Ballot(proposal_id=name, person=ARJUN, choice="approve", digest=digest, via="terminal")
        assert vote(session, now=now, ballot=ballot).verdict.allowed
    return name


def replicas(engine: Engine, machine: Any, eyes: Any) -> list[Worker]:
    return [Worker(engine, inspector=eyes, executor=machine, settle_seconds=60, name=f"w{at}") for at in range(2)]


def test_a_look_is_taken_by_one_of_two_workers(
    engine: Engine, machine: Any, sealed: Callable[[str], str], clock: Any
) -> None:
    name = approved(engine, sealed)
    eyes = Eyes(machine)
    workers = replicas(engine, machine, eyes)
    workers[0]._carry_out(name)
    for look in range(1, 4):
        with ThreadPoolExecutor(2) as together:
            list(together.map(lambda worker: worker._read(name), workers))
        assert eyes.reads == look
        clock.pass_(seconds=LOOK_AGAIN.total_seconds())


def test_a_look_that_its_worker_did_not_live_to_take_is_taken_in_the_next_slot(
    engine: Engine, machine: Any, sealed: Callable[[str], str], clock: Any
) -> None:
    name = approved(engine, sealed)
    first, second = replicas(engine, machine, machine)
    first._carry_out(name)

    class Dies:
        def read_back(self, _change: Any) -> dict[str, Any]:
            raise SystemExit

    first.inspector = Dies()  # type: ignore[assignment]
    with suppress(SystemExit):
        first.round()
    second.round()
    with reading(engine) as (session, _):
        assert proposal_of(session, name).state == "succeeded"
    clock.pass_(seconds=LOOK_AGAIN.total_seconds())
    second.round()
    with reading(engine) as (session, _):
        assert proposal_of(session, name).state == "verified"


def test_what_is_over_its_time_expires_once_and_old_slots_are_forgotten(
    engine: Engine, machine: Any, sealed: Callable[[str], str], clock: Any
) -> None:
    name = approved(engine, sealed)
    clock.pass_(hours=5)
    with ThreadPoolExecutor(2) as together:
        list(together.map(lambda worker: worker._expire(), replicas(engine, machine, machine)))
    with reading(engine) as (session, _):
        assert proposal_of(session, name).state == "expired"
        told = [entry.event for entry in entries(session, limit=1000, proposal=name)]
        assert told.count("proposal.expired") == 1
    clock.pass_(hours=5)
    replicas(engine, machine, machine)[0]._expire()
    with reading(engine) as (session, now):
        assert {row.name for row in session.exec(select(TimerSlot))} == {"expire", "forget slots"}
        assert all(now - row.taken_at < timedelta(hours=1) for row in session.exec(select(TimerSlot)))
