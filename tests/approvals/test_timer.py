"""A timer's slot has one taker: among threads, among engines of their own, and after a death inside it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from app.database import writing
from approvals.store import TimerSlot
from approvals.timer import prune, slot_of, take
from tests.approvals.gate_database import open_gate_database

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
EVERY = timedelta(seconds=3)


def test_a_slot_is_taken_once(session: Any) -> None:
    assert take(session, name="expire", slot="a", by="w1", now=NOON)
    assert not take(session, name="expire", slot="a", by="w2", now=NOON)
    assert not take(session, name="expire", slot="a", by="w1", now=NOON)
    assert take(session, name="expire", slot="b", by="w2", now=NOON)
    assert take(session, name="other", slot="a", by="w2", now=NOON)


def test_replicas_with_connections_of_their_own_get_it_once(gate: Any) -> None:
    def replica(at: int) -> bool:
        with writing(open_gate_database(gate.folder)) as (session, now):
            return take(session, name="expire", slot=slot_of(now, EVERY), by=f"w{at}", now=now)

    with ThreadPoolExecutor(8) as together:
        got = list(together.map(replica, range(24)))
    assert got.count(True) == 1


def test_a_death_inside_the_transaction_leaves_the_slot_to_the_next(gate: Any) -> None:
    def dies() -> None:
        with gate.writing() as (session, now):
            assert take(session, name="expire", slot="a", by="w1", now=now)
            raise SystemExit

    with pytest.raises(SystemExit):
        dies()
    with gate.writing() as (session, now):
        assert take(session, name="expire", slot="a", by="w2", now=now)


def test_old_slots_of_one_timer_are_forgotten(session: Any) -> None:
    for hours in range(4):
        take(session, name="read back", slot=str(hours), by="w1", now=NOON + timedelta(hours=hours))
    take(session, name="expire", slot="kept", by="w1", now=NOON)
    assert prune(session, name="read back", before=NOON + timedelta(hours=2)) == 2
    assert sorted(row.slot for row in session.exec(select(TimerSlot))) == ["2", "3", "kept"]


@given(
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(1, 86_400),
)
def test_a_slot_lasts_exactly_as_long_as_it_says(now: datetime, seconds: int) -> None:
    every = timedelta(seconds=seconds)
    begun = datetime.fromisoformat(slot_of(now, every))
    assert begun <= now < begun + every
    assert slot_of(begun, every) == slot_of(now, every)
    assert slot_of(begun + every, every) != slot_of(now, every)
