"""`./dev bench audit`: what the log costs, how soon it is signed, how long a proof takes. Ratios in one run.

Everything is the product's own code on a SQLite file and on a PostgreSQL that really writes to disk (fsync on).
"""

import argparse
import contextlib
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

import approvals.move as moving
from app.database import beginner, is_server, open_database, reading, writing
from app.guardrails import GUARDS
from app.log_key import KeyFolder
from app.migrate import create, upgrade
from app.processes.signer import Following
from approvals.adopt import initialise
from approvals.ids import new_id
from approvals.posted import posted
from approvals.propose import DraftRequest, propose
from approvals.seal import seal
from approvals.states import State
from approvals.store import proposal_of
from approvals.vote import Ballot, vote
from audit import checkpoint
from audit.canonical import sha256
from audit.event import Actor, ActorKind, Event
from audit.guard import SCHEMA
from audit.log import LEAF, NO_HASH, head
from audit.prove import prove
from audit.stored_tree import newest_checkpoint
from tests.approvals.gate_stubs import ARJUN, FIELDS, OLIVIA, PEOPLE, RULES, STOP, Cloud, StubInspector
from tests.postgres.server import NoServer, Server

WORKER = Actor(ActorKind.WORKER, "bench")
BLOCK = 100
LOG = "log_entry"


def main(arguments: list[str] | None = None) -> int:
    """Prints one JSON document; 1 where a bound is broken."""
    parser = argparse.ArgumentParser(prog="./dev bench audit", description=__doc__)
    parser.add_argument("--transitions", type=int, default=2000, help="of each kind and database (2000)")
    parser.add_argument("--entries", type=int, default=1_000_000, help="of the log whose proofs are timed (1000000)")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long the signer is watched (20)")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        told = measured(Path(folder), given.transitions, given.entries, given.seconds)
    sys.stdout.write(json.dumps(told, indent=1) + "\n")
    return 0 if all(told["held"].values()) else 1


def measured(folder: Path, transitions: int, entries: int, seconds: float) -> dict[str, Any]:
    """All figures, and which bounds they hold."""
    told: dict[str, Any] = {}
    with databases(folder) as made:
        for name, open_one in made.items():
            told[name] = cost_of_the_log(folder / name, open_one, transitions)
            told[name] |= signed_within(folder / f"{name}-signer", open_one(), seconds)
    told["proofs"] = proofs(folder / "long", entries)
    on_server = told.get("postgresql", {})
    told["held"] = {
        "a transition costs at most 1.5 times one without the log": all(
            told[name]["ratio"] <= 1.5 for name in ("sqlite", "postgresql") if name in told
        ),
        "200 transitions a second on PostgreSQL": on_server.get("transitions_a_second", 0) >= 200,
        "signed within a second (p99)": all(
            told[name]["signed_p99_seconds"] <= 1 for name in ("sqlite", "postgresql") if name in told
        ),
        "a proof has at most 2 KB and takes at most 50 ms": told["proofs"]["bytes"] <= 2048
        and told["proofs"]["p99_ms"] <= 50,
    }
    return told


@contextlib.contextmanager
def databases(folder: Path) -> Iterator[dict[str, Callable[[], Engine]]]:
    """Makers of new databases of each kind."""
    numbers = iter(range(1_000))

    def on_file() -> Engine:
        engine = open_database(folder / f"{next(numbers)}.db")
        create(engine)
        return engine

    made: dict[str, Callable[[], Engine]] = {"sqlite": on_file}
    try:
        server = Server(safe=True)
    except NoServer:
        sys.stderr.write("NOT MEASURED ON POSTGRESQL: there are no binaries of it\n")
        yield made
        return
    server.run("CREATE ROLE owner LOGIN CREATEDB CREATEROLE")

    def on_server() -> Engine:
        name = f"b{next(numbers)}"
        server.run(f"CREATE DATABASE {name} OWNER owner")
        engine = open_database(server.of(name))
        upgrade(engine)
        return engine

    try:
        yield made | {"postgresql": on_server}
    finally:
        server.stop()


def approved(engine: Engine, folder: Path, number: int) -> str:
    """A proposal that was drafted, sealed, shown and approved."""
    folder.mkdir(parents=True, exist_ok=True)
    cloud, where = Cloud(folder), {"instance_id": f"i-{number:017x}"}
    cloud.put(FIELDS | where)
    evidence = {"amount": "10", "currency": "USD", "saving": "9"}
    draft = DraftRequest(id=new_id(), thread="bench", requester=OLIVIA, change=STOP | where, evidence=evidence)
    with writing(engine) as (session, now):
        drafted = propose(session, now=now, draft=draft)
    row = seal(beginner(engine), draft_id=drafted.proposal_id, inspector=StubInspector(cloud))
    assert row is not None
    with writing(engine) as (session, now):
        posted(session, now=now, proposal_id=row.id, where="bench")
    ballot = Ballot(
        proposal_id=row.id, person=ARJUN, choice="approve", digest=row.digest or "", via="terminal", reason="x"
    )
    with writing(engine) as (session, now):
        assert vote(session, now=now, ballot=ballot).proposal_state == State.APPROVED
    return row.id


def begun(engine: Engine) -> Engine:
    """With rules and people in force."""
    with writing(engine) as (session, now):
        actor = Actor(ActorKind.SERVICE, "bench")
        initialise(session, now=now, rules_text=RULES, people_text=PEOPLE, actor=actor)
    return engine


def turn(engine: Engine, name: str) -> None:
    """One transition in a transaction of its own: on hold, or off it again."""
    with writing(engine) as (session, now):
        row = proposal_of(session, name)
        on = row.state == State.APPROVED
        to, event = (State.HELD, Event.APPROVAL_HELD) if on else (State.APPROVED, Event.APPROVAL_RELEASED)
        data = {"code": "bench", "reason": "measured"}
        assert moving.move(session, row, to=to, event=event, actor=WORKER, now=now, data=data)


def cost_of_the_log(folder: Path, open_one: Callable[[], Engine], count: int) -> dict[str, Any]:
    """The same transition with its entry and without, in turns of a hundred, on two databases of one kind."""
    engines = {True: begun(open_one()), False: begun(open_one())}
    names = {logged: approved(engine, folder, 1) for logged, engine in engines.items()}
    without_guards(engines[False])
    spent: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(max(1, count // BLOCK)):
        for logged, engine in engines.items():
            known = vars(moving)["append"]
            if not logged:
                vars(moving)["append"] = lambda *_a, **_k: None
            began = time.perf_counter()
            try:
                for _ in range(BLOCK):
                    turn(engine, names[logged])
            finally:
                vars(moving)["append"] = known
            spent[logged].append((time.perf_counter() - began) / BLOCK)
    with_log, without = statistics.median(spent[True]), statistics.median(spent[False])
    at_once = many_at_once(engines[True], folder, count)
    return {
        "transition_ms": round(with_log * 1000, 3),
        "without_log_ms": round(without * 1000, 3),
        "ratio": round(with_log / without, 3),
        "transitions_a_second": round(at_once, 1),
    }


def many_at_once(engine: Engine, folder: Path, count: int) -> float:
    """Transitions a second of eight writers, each on a proposal of its own."""
    names = [approved(engine, folder, number) for number in range(2, 10)]

    def work(name: str) -> None:
        for _ in range(count // len(names)):
            turn(engine, name)

    began = time.perf_counter()
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(work, names))
    return (count // len(names)) * len(names) / (time.perf_counter() - began)


def without_guards(engine: Engine) -> None:
    """The comparison's database lets a row move without its entry, as one without a log would: what guards the log is
    gone, and what asks it. That sealed bytes stay is no part of the log."""
    with engine.begin() as connection:
        for guard in GUARDS:
            if LOG not in (guard.table, *guard.condition.replace(".", " ").split()):
                continue
            if is_server(engine):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {guard.name} ON {SCHEMA}.{guard.table}")
            else:
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {guard.name}")


def signed_within(folder: Path, engine: Engine, seconds: float) -> dict[str, Any]:
    """From an entry's commit to a stored checkpoint that holds it, with fifty transitions a second going on."""
    begun(engine)
    name = approved(engine, folder, 1)
    following = Following(engine, KeyFolder(folder / "key"))
    written: dict[int, float] = {}
    signed: list[tuple[int, float]] = []
    stopped = threading.Event()

    def sign() -> None:
        while not stopped.wait(0.2):
            following.round()
            signed.append((following.signer.size, time.perf_counter()))

    thread = threading.Thread(target=sign)
    thread.start()
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        turn(engine, name)
        with reading(engine) as (session, _):
            written[head(session)[0]] = time.perf_counter()
        time.sleep(0.02)
    time.sleep(1)
    stopped.set()
    thread.join()
    lags = sorted(next(at for size, at in signed if size >= seq) - when for seq, when in written.items())
    return {
        "signed_p50_seconds": round(lags[len(lags) // 2], 3),
        "signed_p99_seconds": round(lags[int(len(lags) * 0.99)], 3),
        "entries_watched": len(lags),
    }


def proofs(folder: Path, count: int) -> dict[str, Any]:
    """Proofs of random entries of a long log: bytes and time of the largest."""
    folder.mkdir(parents=True)
    engine = open_database(folder / "long.db")
    create(engine)
    fill(engine, count)
    following = Following(engine, KeyFolder(folder / "key"))
    began = time.perf_counter()
    following.round()
    whole = time.perf_counter() - began
    dice, times, largest = random.Random(9), [], 0
    with reading(engine) as (session, _):
        newest = newest_checkpoint(session)
        assert newest is not None
        signed = checkpoint.verify(newest.note, following.key.verifier)
        for _ in range(200):
            began = time.perf_counter()
            made = str(prove(session, dice.randint(1, count), signed))
            times.append((time.perf_counter() - began) * 1000)
            largest = max(largest, len(made.encode()))
    times.sort()
    return {
        "entries": count,
        "read_and_signed_seconds": round(whole, 1),
        "bytes": largest,
        "p50_ms": round(times[100], 2),
        "p99_ms": round(times[198], 2),
    }


def fill(engine: Engine, count: int) -> None:
    """A long log, written at once: bodies as `append` makes them, below the guards for speed."""
    without_guards(engine)
    before = NO_HASH
    columns = "seq, hash, prev, event, actor_kind, actor, proposal, proposal_version, recorded_at, body"
    statement = (
        f"INSERT INTO log_entry ({columns}) VALUES (?, ?, ?, 'log.read', 'person', 'p-0a0d1703', NULL, NULL, ?, ?)"
    )
    at = "2026-11-20T09:00:00.000000Z"
    with engine.begin() as connection:
        for first in range(1, count + 1, 10_000):
            rows = []
            for seq in range(first, min(first + 10_000, count + 1)):
                body = (
                    '{"actor":{"id":"p-0a0d1703","kind":"person"},"data":{"event":"","proposal":"","view":"list"},'
                    f'"event":"log.read","prev":"{before}","proposal":null,"proposal_version":null,'
                    f'"recorded_at":"{at}","schema":"spendgate.entry.v1","seq":{seq}}}'
                ).encode()
                after = sha256(LEAF, body)
                rows.append((seq, after, before, at, body))
                before = after
            connection.exec_driver_sql(statement, rows)


if __name__ == "__main__":
    raise SystemExit(main())
