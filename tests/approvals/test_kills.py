"""A worker killed with SIGKILL at every border of the execution: never a second effect, never a lost one."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from approvals.sealed import decode
from approvals.settling import SETTLE
from approvals.states import State
from approvals.store import effects_of
from approvals.undo import inverse_change
from audit.verify import verify
from tests.approvals.gate_stubs import RESIZE, SAM

CHILD = Path(__file__).with_name("gate_child.py")
ROOT = Path(__file__).parents[2]


def child(gate: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(CHILD), str(gate.folder), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


BORDERS = [
    # where the worker dies, effects then, the end after another worker mended it
    ("claimed", 0, State.VERIFIED),
    ("inside the intent's transaction", 0, State.VERIFIED),
    ("intent stored", 0, State.FAILED),
    ("die before", 0, State.FAILED),
    ("die after", 1, State.VERIFIED),
    ("answer arrived", 1, State.VERIFIED),
    ("inside the receipt's transaction", 1, State.VERIFIED),
    ("receipt stored", 1, State.VERIFIED),
]
QUICK = ("die after",)
ROWS = [pytest.param(*row, id=row[0], marks=() if row[0] in QUICK else pytest.mark.slow) for row in BORDERS]


@pytest.mark.slow
@pytest.mark.parametrize(("where", "effects", "end"), ROWS)
def test_killed_at(gate: Any, where: str, effects: int, end: State) -> None:
    row = gate.approved()
    died = child(gate, "carry_out", row.id, "w1", where)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert len(gate.cloud.effects()) == effects
    gate.later(seconds=91)
    again = json.loads(child(gate, "carry_out", row.id, "w2").stdout)
    taken_over = where in ("claimed", "inside the intent's transaction")
    assert ("state" in again) == taken_over, again
    mended = [child(gate, "mend", str(SETTLE.total_seconds()))]
    gate.later(seconds=SETTLE.total_seconds())
    mended.append(child(gate, "mend", str(SETTLE.total_seconds())))
    assert all(done.returncode == 0 for done in mended), [done.stderr for done in mended]
    assert gate.state(row) == end
    assert len(gate.cloud.effects()) == (1 if end == State.VERIFIED else 0)
    assert gate.events(row.id).count("execution.intended") == 1
    with gate.writing() as (session, _):
        assert verify(session).ok


STEPS = [
    # where the worker dies in a resize, effects then, the end after others mended it, effects in the end
    ("intent stored@2", 1, State.DIVERGED, 1),
    ("inside the intent's transaction@2", 1, State.VERIFIED, 3),
    ("die before@2", 1, State.DIVERGED, 1),
    ("die after@2", 2, State.DIVERGED, 2),
    ("inside the receipt's transaction@2", 2, State.DIVERGED, 2),
    ("receipt stored@1", 1, State.VERIFIED, 3),
    ("receipt stored@2", 2, State.VERIFIED, 3),
    ("die after@3", 3, State.VERIFIED, 3),
    ("receipt stored@3", 3, State.VERIFIED, 3),
]
STEP_ROWS = [pytest.param(*row, id=row[0]) for row in STEPS]


@pytest.mark.slow
@pytest.mark.parametrize(("where", "effects", "end", "finally_"), STEP_ROWS)
def test_killed_in_a_resize_at(gate: Any, where: str, effects: int, end: State, finally_: int) -> None:
    row = gate.approved(SAM, change=RESIZE, evidence={"amount": "900", "currency": "USD"})
    died = child(gate, "carry_out", row.id, "w1", where)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert len(gate.cloud.effects()) == effects
    gate.later(seconds=91)
    mended = [child(gate, "mend", str(SETTLE.total_seconds()))]
    gate.later(seconds=SETTLE.total_seconds())
    mended.append(child(gate, "mend", str(SETTLE.total_seconds())))
    assert all(done.returncode == 0 for done in mended), [done.stderr for done in mended]
    assert gate.state(row) == end
    assert len(gate.cloud.effects()) == finally_ == len(set(gate.cloud.effects()))
    with gate.writing() as (session, _):
        assert verify(session).ok
        undo = inverse_change(decode(gate.row(row.id).sealed, row.digest), effects_of(session, row.id))
    assert undo is not None
    assert len(undo.steps()) == finally_
