"""A gate on a real database with a clock that tests move and a cloud that is a folder: fixtures for several rooms.

The fixtures are taken into the one conftest above all rooms: taken into two, each room would make its own.

Every test that takes `gate` runs twice, on SQLite and on PostgreSQL; ask `gate.on_server` where they differ.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.database import beginner, open_database, reading, writing
from app.guardrails import run
from app.migrate import create, upgrade
from app.server import give_powers, make_conversation, make_roles
from approvals.adopt import adopt, initialise
from approvals.ids import new_id
from approvals.lease import Claim
from approvals.posted import posted
from approvals.propose import Drafted, DraftRequest, propose
from approvals.seal import seal
from approvals.states import State
from approvals.store import Proposal, proposal_of
from approvals.vote import Ballot, VoteResult, vote
from audit.event import Actor, ActorKind
from audit.log import LogEntry, entries
from audit.transaction import Transaction
from tests.approvals.gate_database import (
    CLOCK,
    KEEP,
    GateClock,
    address_in,
    drop,
    execute,
    open_gate_database,
    restored,
    unguarded,
)
from tests.approvals.gate_stubs import FIELDS, OLIVIA, PEOPLE, RULES, STOP, Clock, Cloud, StubExecutor, StubInspector
from tests.postgres.server import Server

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


class Gate:
    """The whole gate of one test, with the verbs shortened."""

    def __init__(self, folder: Path, free: list[str] | None = None) -> None:
        self.folder, self._free = folder, free
        self.engine = open_gate_database(folder)
        self.on_server = self.engine.dialect.name == "postgresql"
        self.clock = GateClock(folder, self.engine)
        self.database = folder / "spendgate.db"
        self.cloud = Cloud(folder)
        self.inspector = StubInspector(self.cloud)
        self.executor = StubExecutor(self.cloud)
        self.begin = beginner(self.engine)

    @property
    def now(self) -> datetime:
        return self.clock()

    def later(self, **spans: float) -> None:
        self.clock.set(self.clock() + timedelta(**spans))

    def writing(self) -> AbstractContextManager[Transaction]:
        return writing(self.engine)

    def reading(self) -> AbstractContextManager[Transaction]:
        return reading(self.engine)

    def draft(self, change: dict[str, Any] = STOP, requester: str = OLIVIA, **more: Any) -> Drafted:
        evidence = more.pop("evidence", {"amount": "40000", "currency": "USD", "saving": "38000"})
        request = DraftRequest(
            id=more.pop("id", new_id()),
            thread=more.pop("thread", "slack:T0BANK:C0AIOPS:1.0"),
            requester=requester,
            change=change,
            evidence=evidence,
            **more,
        )
        with self.writing() as (session, now):
            return propose(session, now=now, draft=request)

    def sealed(self, **more: Any) -> Proposal:
        drafted = self.draft(**more)
        assert drafted.verdict.allowed, drafted.verdict
        row = seal(self.begin, draft_id=drafted.proposal_id, inspector=self.inspector)
        assert row is not None
        return row

    def pending(self, **more: Any) -> Proposal:
        row = self.sealed(**more)
        with self.writing() as (session, now):
            posted(session, now=now, proposal_id=row.id, where="test")
        return self.row(row.id)

    def approved(self, *voters: str, **more: Any) -> Proposal:
        from tests.approvals.gate_stubs import ARJUN

        row = self.pending(**more)
        for voter in voters or (ARJUN,):
            result = self.vote(row, voter)
            assert result.verdict.allowed, result.verdict
        row = self.row(row.id)
        assert row.state == State.APPROVED
        return row

    def vote(self, row: Proposal, person: str | None, choice: str = "approve", **more: Any) -> VoteResult:
        ballot = Ballot(
            proposal_id=row.id,
            person=person,
            choice=choice,  # type: ignore[arg-type]
            digest=more.pop("digest", row.digest or ""),
            via="terminal",
            **more,
        )
        with self.writing() as (session, now):
            return vote(session, now=now, ballot=ballot)

    def row(self, proposal_id: str) -> Proposal:
        with self.reading() as (session, _):
            return proposal_of(session, proposal_id)

    def state(self, proposal: Proposal | Claim) -> State:
        name = proposal.proposal_id if isinstance(proposal, Claim) else proposal.id
        return State(self.row(name).state)

    def log(self, proposal_id: str | None = None) -> list[LogEntry]:
        with self.reading() as (session, _):
            return entries(session, limit=10_000, proposal=proposal_id)

    def events(self, proposal_id: str | None = None) -> list[str]:
        return [entry.event for entry in self.log(proposal_id)]

    def adopt(self, kind: str, text: str) -> None:
        with self.writing() as (session, now):
            adopt(session, now=now, kind=kind, text=text, actor=Actor(ActorKind.SERVICE, "test"))

    def sql(self, statement: str, *values: Any) -> None:
        """Runs a statement past the program, written as for SQLite (`?`, `DROP TRIGGER name`)."""
        execute(self.folder, statement, *values)

    def tamper(self, statement: str) -> None:
        """As somebody would who has the file or the server: triggers and foreign keys away, then the statement."""
        with unguarded(self.folder) as connection:
            connection.execute(statement)

    def close(self) -> None:
        """Lets the next test have a server's database, as it was at the beginning."""
        self.engine.dispose()
        address = address_in(self.folder)
        if address is None:
            return
        if self._free is not None and restored(address):
            self._free.append(address)
        else:
            drop(self.folder)


@pytest.fixture(scope="session")
def made_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    clock = Clock(folder / "clock")
    clock.set(START)
    engine = open_database(folder / "spendgate.db", clock)
    create(engine)
    put_in_force(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder / "spendgate.db"


@pytest.fixture(scope="session")
def made_on_server(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database like which each test gets one."""
    postgres.run("CREATE DATABASE gate OWNER owner")
    engine = open_database(postgres.of("gate"))
    upgrade(engine)
    with engine.begin() as connection:
        for statement in CLOCK:
            connection.exec_driver_sql(statement)
    GateClock(tmp_path_factory.mktemp("made"), engine).set(START)
    put_in_force(engine)
    with engine.begin() as connection:
        for statement in KEEP:
            run(connection, statement)
    make_roles(engine, postgres.of("gate"), tmp_path_factory.getbasetemp() / "roles")
    make_conversation(postgres.of("gate"))
    give_powers(engine)
    engine.dispose()
    return "gate"


def put_in_force(engine: Engine) -> None:
    with writing(engine) as (session, now):
        initialise(session, now=now, rules_text=RULES, people_text=PEOPLE, actor=Actor(ActorKind.SERVICE, "test"))


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def new_gate(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Gate]:
    """Makes gates; close each, so that the next can have a server's database."""
    free: list[str] = []
    on_server = request.param == "postgresql"
    if not on_server:
        made_in_files: Callable[[], Gate] = request.getfixturevalue("on_sqlite")
        return made_in_files
    made: str = request.getfixturevalue("made_on_server")
    new_database = request.getfixturevalue("new_database")

    def make() -> Gate:
        folder = tmp_path_factory.mktemp("gate")
        (folder / "server").write_text(free.pop() if free else new_database(like=made))
        return begun(folder, free)

    return make


@pytest.fixture(scope="session")
def on_sqlite(made_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Gate]:
    """Makes gates on files; what does not depend on the database takes these alone."""

    def make() -> Gate:
        folder = tmp_path_factory.mktemp("gate")
        shutil.copyfile(made_database, folder / "spendgate.db")
        return begun(folder)

    return make


def begun(folder: Path, free: list[str] | None = None) -> Gate:
    """The gate of this folder at the start of a test, with one instance in its cloud."""
    Clock(folder / "clock").set(START)
    gate = Gate(folder, free)
    gate.cloud.put(FIELDS)
    return gate


@pytest.fixture
def gate(new_gate: Callable[[], Gate]) -> Iterator[Gate]:
    gate = new_gate()
    yield gate
    gate.close()
