"""Real replicas on one server: several workers and several gates at many proposals, and each takes effect once."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from app.database import WRITERS, open_database, reading, writing
from app.database_roles import AUDITOR, GATE, WORKER
from approvals.agree import disagreements
from approvals.states import State
from audit.event import Actor, ActorKind, Event
from audit.log import append, entries
from audit.verify import verify
from tests.approvals.gate_stubs import ARJUN, SAM
from tests.postgres.conftest import Served

CHILD = Path(__file__).with_name("worker_child.py")
ROOT = Path(__file__).parents[2]


def start(served: Served, part: str, what: str, name: str, wanted: int) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, str(CHILD), str(served.cloud.folder), served.address_of(part), what, name, str(wanted)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def let_go(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("go\n")
    child.stdin.flush()


def told(child: subprocess.Popen[str]) -> dict[str, int]:
    out, err = child.communicate(timeout=260)
    assert child.returncode == 0, err
    found: dict[str, int] = json.loads(out)
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("proposals", [6, pytest.param(24, marks=pytest.mark.slow)])
def test_two_workers_and_two_gates_make_as_many_effects_as_proposals(
    new_served: Callable[[], Served], proposals: int
) -> None:
    served = new_served()
    for number in range(proposals):
        served.proposed(number)
    children = [
        *(start(served, WORKER, "work", name, proposals) for name in ("w-1", "w-2")),
        *(start(served, GATE, "decide", person, proposals) for person in (ARJUN, SAM)),
    ]
    for child in children:
        let_go(child)
    one, other, *gates = [told(child) for child in children]
    assert one["sent"] + other["sent"] == proposals
    assert sum(gate["cast"] for gate in gates) == proposals
    sent = [line.split()[1] for line in served.cloud.effects()]
    assert Counter(sent) == Counter(f"i-{number:017x}" for number in range(proposals))
    with reading(served.engine(AUDITOR)) as (session, _):
        assert verify(session).ok
        assert disagreements(session) == []
        states = session.connection().execute(text("SELECT state, count(*) FROM proposal GROUP BY state")).all()
        assert [tuple(row) for row in states] == [(State.VERIFIED, proposals)]


def test_a_writer_that_is_killed_in_its_transaction_leaves_nothing_and_lets_go(served: Served) -> None:
    before = _count(served)
    code = (
        "import os, signal, sys; from app.database import open_database, writing; from audit.log import append;"
        "from audit.event import Actor, ActorKind, Event\n"
        "with writing(open_database(sys.argv[1])) as (session, now):\n"
        "    append(session, now=now, event=Event.LOG_READ, actor=Actor(ActorKind.PERSON, 'p'), data={})\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    died = subprocess.run(
        [sys.executable, "-c", code, served.address_of(AUDITOR)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    with writing(served.engine(AUDITOR)) as (session, now):
        append(session, now=now, event=Event.LOG_READ, actor=Actor(ActorKind.PERSON, "p-0a0d1703"), data={})
    assert _count(served) == before + 1


def test_a_writer_waits_for_the_one_before_and_gives_up_with_a_clear_error(served: Served) -> None:
    with served.owner.connect() as holder, holder.begin():
        holder.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITERS})
        engine = served.engine(GATE)
        with engine.connect() as connection:  # the same wait as `writing`, shortened
            connection.execute(text("SET lock_timeout = '100ms'"))
            begun = time.monotonic()
            with pytest.raises(OperationalError, match="lock timeout"):
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITERS})
            assert time.monotonic() - begun < 10
            connection.rollback()
        with reading(engine) as (session, _):  # a reader waits for nobody
            assert entries(session, limit=1)


def test_a_connection_that_was_cut_is_replaced(served: Served) -> None:
    """A server that was restarted, or an administrator who ended our sessions: the next transaction works."""
    engine = served.engine(GATE)
    with reading(engine):
        pass
    with served.superuser() as connection:
        ended = connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'spendgate_gate'"
        ).fetchone()
        assert ended is not None
        assert ended[0] >= 1
    with writing(engine) as (session, now):
        append(session, now=now, event=Event.LOG_READ, actor=Actor(ActorKind.PERSON, "p-0a0d1703"), data={})


def test_a_transaction_whose_connection_is_cut_leaves_nothing(served: Served) -> None:
    before = _count(served)
    with pytest.raises(OperationalError):
        _write_and_be_cut(served)
    assert _count(served) == before


def test_a_forked_child_opens_connections_of_its_own(served: Served) -> None:
    engine = open_database(served.address_of(GATE))  # its own: others may have left several connections in a pool
    mine = _backend(engine)
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writes, str(_backend(engine)).encode())
        finally:
            os._exit(0)
    os.close(writes)
    os.waitpid(child, 0)
    assert int(os.read(reads, 20)) != mine
    assert _backend(engine) == mine
    os.close(reads)
    engine.dispose()


def _backend(engine: Engine) -> int:
    with reading(engine) as (session, _):
        return int(session.connection().execute(text("SELECT pg_backend_pid()")).scalar_one())


def _write_and_be_cut(served: Served) -> None:
    with writing(served.engine(GATE)) as (session, now):
        append(session, now=now, event=Event.LOG_READ, actor=Actor(ActorKind.PERSON, "p-0a0d1703"), data={})
        mine = session.connection().execute(text("SELECT pg_backend_pid()")).scalar_one()
        with served.superuser() as connection:
            connection.execute("SELECT pg_terminate_backend(%s)", (mine,))


def _count(served: Served) -> int:
    with reading(served.engine(AUDITOR)) as (session, _):
        return len(entries(session, limit=10_000))
