"""A database with its roles, in which proposals have lived; each role's connection by the password of its file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine

from app.database import beginner, open_database, writing
from app.home import Home, open_home
from app.migrate import upgrade
from app.server import give_powers, make_conversation, make_roles
from approvals.adopt import initialise
from approvals.claim import claim
from approvals.execute import execute
from approvals.ids import new_id
from approvals.lease import Claim
from approvals.posted import posted
from approvals.propose import DraftRequest, propose
from approvals.reconcile import reconcile
from approvals.seal import seal
from approvals.states import State
from approvals.store import Proposal
from approvals.vote import Ballot, vote
from audit.event import Actor, ActorKind
from tests.approvals.gate_stubs import ARJUN, FIELDS, OLIVIA, PEOPLE, RULES, STOP, Cloud, StubExecutor, StubInspector
from tests.postgres.server import Server


class Served:
    """One database on the server, its owner, and its roles."""

    def __init__(self, address: str, folder: Path, roles: Path) -> None:
        self.address, self.roles = address, roles
        self.owner = open_database(address)
        upgrade(self.owner)
        make_roles(self.owner, address, roles)
        make_conversation(address)
        give_powers(self.owner)
        with writing(self.owner) as (session, now):
            actor = Actor(ActorKind.SERVICE, "test")
            initialise(session, now=now, rules_text=RULES, people_text=PEOPLE, actor=actor)
        self.cloud = Cloud(folder)
        self.inspector, self.executor = StubInspector(self.cloud), StubExecutor(self.cloud)
        self._engines: dict[str, Engine] = {}

    def address_of(self, part: str) -> str:
        """The address in the part's file, on this database: all databases of a server share the roles."""
        _, _, written = (self.roles / f"{part}.env").read_text().strip().partition("=")
        login = written.split("@")[0]
        return f"{login}@{self.address.split('@')[1]}"

    def engine(self, part: str) -> Engine:
        """The application's engine, logged in as this part."""
        if part not in self._engines:
            self._engines[part] = open_database(self.address_of(part))
        return self._engines[part]

    @contextmanager
    def connect(self, part: str) -> Iterator[psycopg.Connection[Any]]:
        """A connection of this part ("owner" too); nothing that it did stays."""
        address = self.address if part == "owner" else self.address_of(part)
        with psycopg.connect(address, options="-c search_path=spendgate") as connection:
            yield connection
            connection.rollback()

    @contextmanager
    def superuser(self) -> Iterator[psycopg.Connection[Any]]:
        """The administrator of the server, on this database; what is done stays."""
        with psycopg.connect(self.address.replace("owner@", "postgres@"), autocommit=True) as connection:
            yield connection

    def proposed(self, number: int) -> str:
        """A draft by the agent's role."""
        where = {
            "instance_id": f"i-{number:017x}",
            "account": f"1234567890{number // 10:02}",
        }  # ten an account and hour
        self.cloud.put(FIELDS | where)
        draft = DraftRequest(
            id=new_id(),
            thread="t-1",
            requester=OLIVIA,
            change=STOP | where,
            evidence={"amount": "10", "currency": "USD", "saving": "9"},
        )
        with writing(self.engine("agent")) as (session, now):
            drafted = propose(session, now=now, draft=draft)
        assert drafted.verdict.allowed, drafted.verdict
        return drafted.proposal_id

    def pending(self, number: int) -> Proposal:
        """Sealed by the worker's role and shown by the gate's."""
        name = self.proposed(number)
        row = seal(beginner(self.engine("worker")), draft_id=name, inspector=self.inspector)
        assert row is not None
        assert row.state == State.SEALED, row.reason
        with writing(self.engine("gate")) as (session, now):
            posted(session, now=now, proposal_id=name, where="test")
        return row

    def approved(self, number: int) -> Proposal:
        """Voted on by the gate's role, by as many people as it needs."""
        row = self.pending(number)
        ballot = Ballot(
            proposal_id=row.id, person=ARJUN, choice="approve", digest=row.digest or "", via="terminal", reason="ok"
        )
        with writing(self.engine("gate")) as (session, now):
            result = vote(session, now=now, ballot=ballot)
        assert result.proposal_state == State.APPROVED, result.verdict
        return row

    def carried_out(self, number: int) -> State:
        """Claimed, executed and read back by the worker's role."""
        row, begin = self.approved(number), beginner(self.engine("worker"))
        got = claim(begin, proposal_id=row.id, worker="w-1", inspector=self.inspector)
        assert isinstance(got, Claim), got
        execute(begin, claim=got, executor=self.executor)
        return reconcile(begin, proposal_id=row.id, inspector=self.inspector)


@pytest.fixture(scope="session")
def new_served(
    postgres: Server, new_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Served]:
    """Makes databases with roles."""
    roles = tmp_path_factory.getbasetemp() / "roles"  # the server's roles, and so their passwords, are all databases'

    def make() -> Served:
        return Served(new_database(), tmp_path_factory.mktemp("served"), roles)

    return make


@pytest.fixture(scope="session")
def served(new_served: Callable[[], Served]) -> Served:
    """One database for all tests that only try: with a proposal in every stage."""
    made = new_served()
    made.proposed(1)
    made.pending(2)
    made.approved(3)
    assert made.carried_out(4) == State.VERIFIED
    return made


@pytest.fixture
def server_home(tmp_path: Path) -> Home:
    """A home whose database is on a server."""
    return open_home(tmp_path / "home")
