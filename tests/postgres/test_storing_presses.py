"""Presses on a server: stored at once whoever holds the write lock, and in the order in which they came."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.database import PRESSES, beside, reading, wait_in, writing
from app.database_roles import GATE
from app.presses import Press, Pressed
from app.slack.admission import Admission, Admitted, store
from tests.postgres.conftest import Served


def press(key: str, choice: str = "approve") -> Pressed:
    return Pressed(f"block_actions:{key}", choice, "P-1", "0" * 64, "T0BANK", "C0APPROVE", "U0ARJUN")  # type: ignore[arg-type]


def keys(engine: Engine, *begin: str) -> list[str]:
    """The keys that begin so, in the order in which they are judged."""
    with reading(engine) as (session, _):
        stored = session.exec(select(Press.key).order_by(col(Press.id))).all()
    return [key.partition(":")[2] for key in stored if key.startswith(tuple(f"block_actions:{one}" for one in begin))]


@contextmanager
def held(served: Served, *lines: int) -> Iterator[None]:
    """Somebody has the write lock, and these lines, until the end."""
    on, off = threading.Event(), threading.Event()

    def hold() -> None:
        with writing(served.engine(GATE)) as (session, _):
            for line in lines:
                wait_in(session, line)
            on.set()
            off.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert on.wait(10)
    try:
        yield
    finally:
        off.set()
        holder.join()


async def test_a_press_with_a_reason_waits_for_no_writer_and_keeps_its_place(served: Served) -> None:
    replicas = [Admission(served.engine(GATE)), Admission(served.engine(GATE))]
    with held(served):
        async with asyncio.timeout(60):
            await replicas[0].take(press("o1"), reason="right")
            await replicas[1].take(press("o2", "withdraw"))
    assert keys(served.owner, "o") == ["o1", "o2"]


async def test_it_waits_for_whoever_forgets_a_person(served: Served) -> None:
    admission = Admission(served.engine(GATE))
    with held(served, PRESSES):
        waits = asyncio.create_task(admission.take(press("f1"), reason="right"))
        await asyncio.sleep(0.2)
        assert not waits.done()
    await waits
    assert keys(served.owner, "f") == ["f1"]


def test_replicas_that_store_the_same_presses_in_another_order_store_each_once(served: Served) -> None:
    engine, failed = served.engine(GATE), list[Exception]()
    for turn in range(4):
        group = [Admitted(press(f"d{turn}-{number}")) for number in range(60)]
        gate = threading.Barrier(2)

        def replica(presses: list[Admitted], gate: threading.Barrier = gate) -> None:
            gate.wait()
            try:
                store(engine, presses)
            except Exception as error:  # noqa: BLE001 (whatever it is, the group was lost)
                failed.append(error)

        threads = [threading.Thread(target=replica, args=(one,)) for one in (group, group[::-1])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []
    assert len(keys(served.owner, "d")) == len(set(keys(served.owner, "d"))) == 240


def test_a_press_whose_number_is_taken_is_an_error_and_not_acknowledged(served: Served) -> None:
    engine = served.engine(GATE)
    store(engine, [Admitted(press("s1"))])
    with served.superuser() as connection:  # as if rows had been restored without their sequence
        connection.execute("SELECT setval('spendgate.slack_press_id_seq', 1, false)")
    with pytest.raises(IntegrityError):
        store(engine, [Admitted(press("s2"))])
    with served.superuser() as connection:
        connection.execute("SELECT setval('spendgate.slack_press_id_seq', 100000)")
    store(engine, [Admitted(press("s2"))])
    assert keys(served.owner, "s") == ["s1", "s2"]


def test_whose_it_was_stands_with_it(served: Served) -> None:
    store(served.engine(GATE), [Admitted(press("w1"))])
    with beside(served.engine(GATE)) as (session, _):
        assert session.exec(select(Press.person).where(Press.key == "block_actions:w1")).one() == "p-0b0b0002"
