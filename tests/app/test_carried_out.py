"""Which proposals a conversation is told were carried out: those that had an effect, of teams that one may see."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app.carried_out import carried_out, carried_out_here
from app.commands import proposals
from app.database import reading, writing
from app.processes.worker import Worker
from approvals.states import State
from approvals.store import Proposal
from lake.period import Period
from tests.app.test_proposals_command import at_home

__all__ = ["at_home"]


def stands(engine: Engine, name: str, state: State, *, later: timedelta = timedelta()) -> None:
    """As it would stand after other outcomes; the moves between are tested where they are made."""
    with engine.begin() as connection:
        for (trigger,) in connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'proposal'"
        ).fetchall():
            connection.exec_driver_sql(f"DROP TRIGGER {trigger}")
    with writing(engine) as (session, now):
        row = session.get_one(Proposal, name)
        row.state, row.changed_at = state, now + later


@pytest.mark.usefixtures("at_home")
def test_what_had_an_effect_is_told_to_whoever_sees_the_team(
    engine: Engine, sealed: Callable[[str], str], worker: Worker, machine: Any
) -> None:
    name = sealed("t-1")
    with reading(engine) as (_, now):
        today = Period(now.date(), now.date() + timedelta(days=1))
    everything = carried_out_here(engine, ("*",))
    assert everything(today) == []
    proposals.decide(name, approve=True, reject=False, reason="", digest=None, person=None, as_json=False)
    assert everything(today) == [], "approved is not done"
    for _ in range(4):
        worker.round()
    assert machine.sent
    [done] = everything(today)
    stands(engine, name, State.UNKNOWN)
    assert everything(today) == [], "an outcome that nobody knows yet may be none"
    stands(engine, name, State.REVIEWED_OK, later=timedelta(days=9))
    assert everything(today) == [done], "carried out in an emergency, on the day on which it took effect"
    assert everything(Period(today.start + timedelta(days=9), today.start + timedelta(days=10))) == []
    assert done.what.startswith(f"{name} (Stop EC2 instance i-0123456789abcdef0")
    assert done.day == today.start
    assert everything(Period(today.start - timedelta(days=5), today.start)) == []
    with reading(engine) as (session, _):
        assert carried_out(session, today, scope=("some-team",)) == []
        assert carried_out(session, today, scope=()) == []
