"""A volume that goes for good and a node group that changes its size: what is peculiar to a kind of change."""

from typing import Any

import pytest

from approvals.claim import Refusal, claim
from approvals.execute import execute
from approvals.lease import Claim
from approvals.settling import SETTLE
from approvals.states import State
from tests.approvals.gate_stubs import (
    DELETE,
    GROUP_FIELDS,
    INSTANCE,
    PEOPLE,
    SAM,
    SCALE,
    VOLUME,
    VOLUME_FIELDS,
    StubExecutor,
)
from tests.approvals.test_execute_steps import CHEAP, PEER, claimed, read_back, undo_of

DELETED = [
    ("", State.SUCCEEDED, State.VERIFIED),
    ("lost after", State.UNKNOWN, State.VERIFIED),
    ("lost before", State.UNKNOWN, State.FAILED),
    ("refused", State.FAILED, State.FAILED),
]


@pytest.mark.parametrize(("behaviour", "first", "end"), DELETED, ids=[row[0] or "answered" for row in DELETED])
def test_a_volume_is_deleted_once_and_its_absence_is_the_proof(
    gate: Any, behaviour: str, first: State, end: State
) -> None:
    got = claimed_volume(gate)
    executor = StubExecutor(gate.cloud, behaviour)
    assert execute(gate.begin, claim=got, executor=executor) == first
    gate.later(seconds=SETTLE.total_seconds())
    assert read_back(gate, got) == end
    assert (executor.sent, undo_of(gate, got)) == (1, None)


def approved_volume(gate: Any) -> Any:
    gate.cloud.put(VOLUME_FIELDS)
    gate.adopt("people", PEOPLE + f'\n[[person]]\nid = "{PEER}"\nname = "Petra Peer"\nroles = ["peer"]\n')
    return gate.approved(SAM, PEER, change=DELETE, evidence=CHEAP)


def claimed_volume(gate: Any) -> Claim:
    row = approved_volume(gate)
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    assert isinstance(got, Claim), got
    return got


def test_a_volume_that_was_attached_after_the_approval_is_not_deleted(gate: Any) -> None:
    row = approved_volume(gate)
    gate.cloud.change(VOLUME, state="in-use", attached_to=[INSTANCE])
    refusal = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    assert isinstance(refusal, Refusal)
    assert refusal.state == State.STALE


def test_a_node_group_is_scaled_and_scaled_back_by_the_sealed_inverse(gate: Any) -> None:
    gate.cloud.put(GROUP_FIELDS)
    got = claimed(gate, SCALE)
    assert execute(gate.begin, claim=got, executor=gate.executor) == State.SUCCEEDED
    assert read_back(gate, got) == State.VERIFIED
    back = claimed(gate, undo_of(gate, got).model_dump(mode="json"))
    execute(gate.begin, claim=back, executor=gate.executor)
    assert read_back(gate, back) == State.VERIFIED
    assert gate.cloud.read("batch/gpu")["fields"] == GROUP_FIELDS
