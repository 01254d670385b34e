"""A run of `spendgate audit forget` killed at any statement leaves all or nothing, and the next run finishes it."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlmodel import Session

from app.commands import audit_forget
from app.database import open_database, reading
from app.home import Home
from approvals.active import active
from tests.app.test_forget import ARJUN, at_home, code_of, events, head_of, lived, places, proven

__all__ = ["at_home"]
STEPS = ("_forget_memory", "drop_lease", "scrub", "scrub_file", "where_found")
"""What follows the one transaction: a run may die before each of them."""
READS: str = STEPS[-1]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def in_child(home: Path, work: Callable[[], None]) -> int:
    """Forks, forgets in the child, and returns how it ended: 0, or the signal's number."""
    child = os.fork()
    if child == 0:
        try:
            os.environ["SPENDGATE_HOME"] = str(home)
            work()
            os._exit(code_of("forget", ARJUN, "--yes"))
        finally:
            os._exit(99)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def dying_at_statement(number: int, counted: Path) -> Callable[[], None]:
    def work() -> None:
        seen = 0

        def before(*_arguments: Any) -> None:
            nonlocal seen
            seen += 1
            counted.write_text(str(seen))
            if seen == number:
                die()

        setattr(audit_forget, READS, lambda *_arguments: [])  # it reads every column, and changes nothing
        event.listen(Engine, "before_cursor_execute", before)
        event.listen(Session, "before_commit", before)
        event.listen(Session, "after_commit", before)

    return work


def dying_before(step: str) -> Callable[[], None]:
    def work() -> None:
        setattr(audit_forget, step, lambda *_arguments, **_named: die())

    return work


@pytest.fixture
def prepared(
    engine: Engine, home: Home, at_home: None, sealed: Callable[[str], str], tmp_path: Path
) -> Callable[[], Home]:
    """Copies of a home in which the person lived."""
    lived(engine, home, sealed)
    engine.dispose()
    made = 0

    def copy() -> Home:
        nonlocal made
        made += 1
        folder = tmp_path / f"copy-{made}"
        shutil.copytree(home.folder, folder)
        return Home(folder)

    return copy


def finished_by_the_next(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """All or nothing now; and after another run all."""
    engine = open_database(home.database)
    erased = "privacy.erased" in events(engine)
    with reading(engine) as (session, _):
        assert (ARJUN in active(session).people.by_id) is not erased
    head = head_of(engine)
    proven(engine, head)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE lease SET until = '2026-01-01T00:00:00.000000Z'")  # half a minute later
    engine.dispose()
    monkeypatch.setenv("SPENDGATE_HOME", str(home.folder))
    assert code_of("forget", ARJUN, "--yes") == 0
    assert places(home.folder) == []
    proven(engine, head)
    assert events(engine).count("privacy.erased") == 1


def killed_at_statements(
    make: Callable[[], Home], patch: pytest.MonkeyPatch, counted: Path, most: int
) -> tuple[list[int], int]:
    """At `most` statements, evenly spread: at which of how many it was killed, and each time finished by the next."""
    assert in_child(make().folder, dying_at_statement(0, counted)) == 0
    total = int(counted.read_text())
    assert total > 40
    numbers = list(range(1, total + 1, -(-total // most)))
    for number in numbers:
        home = make()
        assert in_child(home.folder, dying_at_statement(number, counted)) == signal.SIGKILL
        finished_by_the_next(home, patch)
    return numbers, total


def test_killed_at_some_statements(
    prepared: Callable[[], Home], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    numbers, total = killed_at_statements(prepared, monkeypatch, tmp_path / "statements", most=3)
    assert len(numbers) == 3
    assert numbers[-1] <= total


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_at_every_statement(
    prepared: Callable[[], Home], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    numbers, total = killed_at_statements(prepared, monkeypatch, tmp_path / "statements", most=1000)
    assert numbers == list(range(1, total + 1))


@pytest.mark.parametrize("step", STEPS)
def test_killed_after_the_transaction(prepared: Callable[[], Home], monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    home = prepared()
    assert in_child(home.folder, dying_before(step)) == signal.SIGKILL
    finished_by_the_next(home, monkeypatch)
