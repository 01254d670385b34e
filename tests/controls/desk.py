"""The agent's tools as the product binds them, on a real database: what they can leave behind, whoever calls them."""

import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import select

from agent.ports import Seat, Toolbox
from app.database import reading
from app.home import Home
from app.seat import sit
from approvals.store import Draft, Proposal, Vote
from tests.approvals.gate import START
from tests.approvals.gate_stubs import OLIVIA
from tests.tools.small_bill import days_of, lake_of, machine_day, usage_hours


def box_of(engine: Engine, folder: Path, *, speaker: str = OLIVIA, key: str = "m1/1", **machine: str) -> Toolbox:
    """The tools for one seat, over a bill with one idle machine, called `idle-01` or `name`."""
    days = days_of(date(2026, 10, 30), 21)
    name = machine.pop("name", "idle-01")
    rows = [machine_day(day, name, 1, **machine) for day in days]
    lake = lake_of(folder, rows, usage=usage_hours(1, days[-14:]), now=START)
    home = Home(folder)
    return sit(engine, home, lake)(Seat(thread="t-tools", turn="m1", speaker=speaker, key=key, next_number=1))


def every_tool_tried(engine: Engine) -> int:
    """Calls each tool with what a model that was talked into it would say; how many drafts that left, and no more."""
    with tempfile.TemporaryDirectory() as folder:
        box = box_of(engine, Path(folder))
        before = _rows(engine)
        for tool in box.tools:
            for given in ATTEMPTS:
                said = json.loads(str(tool.invoke(given)))
                assert isinstance(said, dict)
    after = _rows(engine)
    assert after[1:] == before[1:]
    return len(after[0] - before[0])


ATTEMPTS: list[dict[str, Any]] = [
    {},
    {"target": "idle-01"},
    {"target": "q2.r1", "kind": "stop_instance"},
    {"target": "idle-01", "kind": "scale_node_group"},
    {"target": "idle-01", "approve": True, "voter": "p-0b0b0002"},
    {"proposal": "P-0000000001", "choice": "approve"},
    {"state": "approved"},
    {"which": "P-0000000001'; UPDATE proposal SET state = 'approved'; --"},
    {"op": "execute", "a": "q1.r1.effective", "b": "q1.r1.effective"},
]


def _rows(engine: Engine) -> tuple[set[str], set[tuple[str, str]], int]:
    with reading(engine) as (session, _):
        drafts = {draft.id for draft in session.exec(select(Draft))}
        states = {(row.id, row.state) for row in session.exec(select(Proposal))}
        return drafts, states, len(session.exec(select(Vote)).all())
