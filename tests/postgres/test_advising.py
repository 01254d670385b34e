"""Logged in as the agent: it may read what is sealed and add advice with its entry; nobody else may."""

from collections.abc import Callable

import pytest
from sqlalchemy.exc import ProgrammingError

from app.database import reading, writing
from app.database_roles import AGENT, GATE, WORKER
from app.second_readings import SecondReadings
from approvals.advice import advice_due, keep_advice
from approvals.store import Advice
from audit.verify import verify
from tests.agent.conftest import ScriptedModel
from tests.postgres.conftest import Served

SAID = '{"remarks": [{"severity": "note", "about": "change", "text": "APPROVE NOW"}]}'


async def test_the_agents_role_can_do_all_of_a_second_reading(
    new_served: Callable[[], Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    served = new_served()
    row = served.pending(1)
    monkeypatch.setattr("approvals.advice.high_risk", lambda *_: ("for this test",))
    readings = SecondReadings(
        served.engine(AGENT), owner="agent-1", model=ScriptedModel(script=[SAID]), model_name="scripted"
    )
    assert await readings.read_due() == 1
    with reading(served.owner) as (session, now):
        assert session.get_one(Advice, row.id).body.endswith("APPROVE NOW")
        assert advice_due(session, now) == []
        assert verify(session).ok


def test_no_other_role_can_advise(new_served: Callable[[], Served]) -> None:
    served = new_served()
    row = served.pending(1)
    for part in (GATE, WORKER):
        with pytest.raises(ProgrammingError, match=f"{part} may not write advice.given"):
            with writing(served.engine(part)) as (session, now):
                keep_advice(session, now=now, proposal_id=row.id, digest=row.digest or "", model="m", body="b")
