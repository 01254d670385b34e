"""A log on a real SQLite file, with entries of many kinds."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.database import open_database, writing
from app.migrate import create
from audit.event import Actor, ActorKind, Event
from audit.log import append
from audit.verify import Verification, verify
from tests.audit.packs import WATCH, Bench, cosign, packed, sign

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
WORDS = (
    (Event.LOG_STARTED, Actor(ActorKind.SERVICE, "init"), None, None),
    (Event.QUESTION_ASKED, Actor(ActorKind.PERSON, "p-0a11ce01"), None, None),
    (Event.PROPOSAL_SEALED, Actor(ActorKind.WORKER, "w-1"), "P-0000000001", 1),
    (Event.VOTE_REFUSED, Actor(ActorKind.UNKNOWN, "unknown"), "P-0000000001", None),
    (Event.APPROVAL_QUORUM_MET, Actor(ActorKind.PERSON, "p-0b0b0002"), "P-0000000001", 2),
    (Event.EXECUTION_INTENDED, Actor(ActorKind.WORKER, "w-1"), "P-0000000001", 3),
)


class Log:
    """A database file whose rows a test may change behind the program's back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = open_database(path)
        create(self.engine)

    def fill(self, count: int = len(WORDS)) -> None:
        with writing(self.engine) as (session, _):
            for at in range(count):
                event, actor, proposal, version = WORDS[at % len(WORDS)]
                append(
                    session,
                    now=START + timedelta(seconds=at),
                    event=event,
                    actor=actor,
                    proposal=proposal,
                    proposal_version=version,
                    data={"at": at, "said": "grüße – 猫", "why": None},
                )

    def raw(self, *statements: str | tuple[str, tuple[Any, ...]]) -> None:
        """Runs SQL as somebody with the file would: guards dropped first."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            sql, values = (statement, ()) if isinstance(statement, str) else statement
            connection.execute(sql, values)
        connection.close()

    def verify(self, expected_head: str | None = None) -> Verification:
        with writing(self.engine) as (session, _):
            return verify(session, expected_head=expected_head)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    made = Log(tmp_path / "log.db")
    made.fill()
    return made


@pytest.fixture
def empty_log(tmp_path: Path) -> Callable[[], Log]:
    return lambda: Log(tmp_path / "empty.db")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """One log for many examples; each puts back what it changed."""
    made = Log(tmp_path_factory.mktemp("kept") / "log.db")
    made.fill()
    made.raw()
    return made


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Packs of one log of twelve entries, signed at six, nine and twelve: the whole, a part, a proposal."""
    log = Log(tmp_path_factory.mktemp("packs") / "log.db")
    log.fill(6)
    with writing(log.engine) as (session, _):
        sign(session)
    log.fill(3)
    with writing(log.engine) as (session, _):
        cosign(session, sign(session))
    log.fill(3)
    with writing(log.engine) as (session, _):
        cosign(session, sign(session), at=1_800_000_060)
        whole, _ = packed(session, witness_keys=(WATCH.verifier,))
        part, _ = packed(session, first=4, last=9)
        proposal, _ = packed(session, proposal="P-0000000001")
    return {"whole": whole, "part": part, "proposal": proposal}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
