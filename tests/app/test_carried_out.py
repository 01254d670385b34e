"""Which proposals a conversation is told were carried out: those that had an effect, of teams that one may see."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app.carried_out import carried_out, carried_out_here
from app.commands import proposals
from app.database import reading
from app.processes.worker import Worker
from lake.period import Period
from tests.app.test_proposals_command import at_home

__all__ = ["at_home"]


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
    assert done.what.startswith(f"{name} (Stop EC2 instance i-0123456789abcdef0")
    assert done.day == today.start
    assert everything(Period(today.start - timedelta(days=5), today.start)) == []
    with reading(engine) as (session, _):
        assert carried_out(session, today, scope=("some-team",)) == []
        assert carried_out(session, today, scope=()) == []
