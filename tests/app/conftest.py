"""A home with its database, the demo's people, and a clock that a test drives."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.database import beginner, open_database, system_clock, writing
from app.home import Home, open_home
from app.migrate import create
from app.processes.worker import Worker
from app.ready import DEFAULTS
from approvals.adopt import initialise
from approvals.changes.step import Request
from approvals.executors.port import Receipt
from approvals.ids import new_id
from approvals.inspectors.port import NotSealable, Snapshot
from approvals.propose import DraftRequest, propose
from approvals.seal import seal
from audit.event import Actor, ActorKind

ROOT = Path(__file__).parent.parent.parent
PEOPLE = (ROOT / "app" / "demo" / "people.toml").read_text()
RULES = (DEFAULTS / "rules.toml").read_text()


class Hands:
    """A clock that stands still until it is moved, or runs with the machine's (`running`)."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
        self.running = False
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return system_clock() + self.ahead if self.running else self.now

    def pass_(self, **much: float) -> None:
        """Moves on."""
        self.now += timedelta(**much)
        self.ahead += timedelta(**much)


@pytest.fixture
def clock() -> Hands:
    """The time that the database tells."""
    return Hands()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    return open_home(tmp_path / "home")


@pytest.fixture
def engine(home: Home, clock: Hands) -> Iterator[Engine]:
    """A database with version 1 of the shipped rules and the demo's people."""
    made = open_database(home.database, clock=clock)
    create(made)
    with writing(made) as (session, now):
        actor = Actor(ActorKind.SERVICE, "test")
        initialise(session, now=now, rules_text=RULES, people_text=PEOPLE, actor=actor)
    yield made
    made.dispose()


class Machine:
    """One EC2 instance, as an inspector sees it and an executor stops it; counts what was really changed."""

    name = "counting"
    rehearsal = False

    def __init__(self) -> None:
        self.state = "running"
        self.sent: list[str] = []

    def look(self, change: Any) -> Snapshot | NotSealable:
        if self.state != change.starts_from()["state"]:
            return NotSealable(f"it is {self.state}", "wrong_state")
        return Snapshot(self.fields(change), name="train-1", environment="development")

    def read_back(self, change: Any) -> dict[str, Any]:
        return self.fields(change)

    def fields(self, change: Any) -> dict[str, Any]:
        return {"state": self.state, "instance_id": change.instance_id, "account": change.account, "type": "g5.xlarge"}

    def send(self, request: Request, *, token: str) -> Receipt:
        self.sent.append(token)
        self.state = "stopped"
        return Receipt(request_id=f"r-{len(self.sent)}", response_hash="0" * 64)


@pytest.fixture
def machine() -> Machine:
    """The machine that proposals of these tests are about."""
    return Machine()


STOP = {"kind": "stop_instance", "account": "471852036911", "region": "us-east-1", "instance_id": "i-0123456789abcdef0"}


@pytest.fixture
def sealed(engine: Engine, machine: Machine) -> Callable[[str], str]:
    """Drafts (as Olivia, in a thread) and seals the stop of the machine; returns the proposal's id."""

    def make(thread: str) -> str:
        evidence = {"amount": "40000", "currency": "USD", "saving": "38000"}
        with writing(engine) as (session, now):
            draft = DraftRequest(id=new_id(), thread=thread, requester="p-0a11ce01", change=STOP, evidence=evidence)
            drafted = propose(session, now=now, draft=draft)
        assert drafted.verdict.allowed, drafted.verdict
        row = seal(beginner(engine), draft_id=drafted.proposal_id, inspector=machine)
        assert row is not None
        assert row.state == "sealed", row.reason
        return row.id

    return make


@pytest.fixture
def worker(engine: Engine, machine: Machine) -> Worker:
    """A worker with that machine in its hands."""
    return Worker(engine, inspector=machine, executor=machine, settle_seconds=5, name="worker-test")
