"""Real processes on one database file, started at the same moment: the database decides, and only one of them acts."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from approvals.ids import new_id
from approvals.states import State
from approvals.store import standing_votes
from audit.verify import verify
from tests.approvals.gate_stubs import ARJUN, DANA, OLIVIA, STOP

CHILD = Path(__file__).with_name("gate_child.py")
ROOT = Path(__file__).parents[2]


def together(gate: Any, *calls: list[str]) -> list[dict[str, Any]]:
    """Starts one process for each call, lets them all go at once, and returns what each printed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WAIT_FOR_START": "1"}
    started = [
        subprocess.Popen(
            [sys.executable, str(CHILD), str(gate.folder), *call],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for call in calls
    ]
    deadline = time.monotonic() + 60
    while len(list(gate.folder.glob("ready-*"))) < len(calls) and time.monotonic() < deadline:
        assert all(child.poll() is None for child in started), started[0].communicate()
        time.sleep(0.02)
    (gate.folder / "start").touch()
    told = []
    for child in started:
        out, err = child.communicate(timeout=60)
        assert child.returncode == 0, err
        told.append(json.loads(out))
    return told


@pytest.mark.slow
def test_many_workers_claim_one_approved_proposal_and_one_sends(gate: Any) -> None:
    row = gate.approved()
    told = together(gate, *(["carry_out", row.id, f"w{at}"] for at in range(6)))
    assert sum(answer.get("state") == State.SUCCEEDED for answer in told) == 1
    assert sum("refused" in answer for answer in told) == 5
    assert len(gate.cloud.effects()) == 1
    assert gate.events(row.id).count("execution.claimed") == 1


@pytest.mark.slow
def test_many_clicks_of_one_person_are_one_vote(gate: Any) -> None:
    row = gate.pending()
    told = together(gate, *(["cast", row.id, ARJUN, row.digest, "approve"] for _ in range(6)))
    assert sum(not answer["already"] for answer in told) == 1
    assert {answer["state"] for answer in told} == {State.APPROVED}
    with gate.reading() as (session, _):
        assert len(standing_votes(session, row.id)) == 1
    assert gate.events(row.id).count("approval.quorum_met") == 1


@pytest.mark.slow
def test_votes_of_many_people_at_once_are_all_judged_and_none_is_lost(gate: Any) -> None:
    gate.cloud.put(gate.cloud.read()["fields"], environment="production")
    row = gate.pending()
    told = together(
        gate,
        ["cast", row.id, ARJUN, row.digest, "approve"],
        ["cast", row.id, DANA, row.digest, "approve"],
        ["cast", row.id, OLIVIA, row.digest, "approve"],
        ["cast", row.id, "p-ffffffff", row.digest, "approve"],
    )
    assert [answer["code"] for answer in told] == ["ok", "ok", "own_proposal", "unknown_person"]
    assert gate.state(row) == State.APPROVED
    told_in_log = sorted(event for event in gate.events(row.id) if event.startswith(("vote.", "approval.")))
    assert told_in_log == ["approval.quorum_met", *["vote.approved"] * 2, *["vote.refused"] * 2]


@pytest.mark.slow
def test_a_rejection_and_claims_at_once_end_in_one_of_two_ways(gate: Any) -> None:
    row = gate.approved()
    *claims, rejected = together(
        gate,
        *(["carry_out", row.id, f"w{at}"] for at in range(3)),
        ["cast", row.id, ARJUN, row.digest, "reject"],
    )
    effects = len(gate.cloud.effects())
    if rejected["code"] == "ok":
        assert (gate.state(row), effects) == (State.REJECTED, 0)
    else:
        assert rejected["code"] in ("not_open", "closed")
        assert (gate.state(row), effects) == (State.SUCCEEDED, 1)
    assert sum("state" in answer for answer in claims) == effects


@pytest.mark.slow
def test_drafts_for_one_resource_at_once_leave_one(gate: Any) -> None:
    requests = [
        json.dumps({"id": new_id(), "thread": "cli:race", "requester": OLIVIA, "change": STOP}) for _ in range(5)
    ]
    told = together(gate, *(["draft", request] for request in requests))
    assert sorted(answer["code"] for answer in told) == [*["already_open"] * 4, "ok"]


@pytest.mark.slow
def test_many_writers_make_one_chain(gate: Any) -> None:
    before = len(gate.log())
    together(gate, *(["note", "25"] for _ in range(4)))
    with gate.writing() as (session, _):
        found = verify(session)
    assert (found.ok, found.entries) == (True, before + 100)
