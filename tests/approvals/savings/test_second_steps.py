"""A step that cannot be undone may come hours after the claim: people, freezes and the worker's hands count for it
anew, whatever a copy that was made first has cost.
"""

from typing import Any

import pytest

from approvals.execute import execute
from approvals.executors.rehearsal import Rehearsal
from approvals.settling import SETTLE
from approvals.states import State
from sandbox.aws.faults import Fault, FaultMode
from sandbox.aws.serve import ServedAws
from tests.approvals.gate_stubs import PEOPLE, RULES
from tests.approvals.savings.estate import (
    ACCOUNT,
    CHEAP,
    REGION,
    claimed,
    clients_of,
    ended,
    moves,
    old_disk,
    scaling,
)
from tests.approvals.savings.stepping import carried_out, undo_of
from tests.approvals.savings.steps import begun, go_on

NOBODY = PEOPLE.replace('roles = ["sre", "owner"]', 'roles = ["auditor"]')
FROZEN = f"""{RULES}
[[freeze]]
name = "quarter close"
zone = "UTC"
start = 2026-11-19T00:00:00
end = 2026-12-25T00:00:00
"""


def copied_alone(aws: ServedAws, change: dict[str, Any]) -> None:
    name = change["volume_id"]
    assert moves(aws, name) == [(f"{name} copy", "absent", "completed")]


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [("people", NOBODY, "no longer holds a role that may"), ("rules", FROZEN, "quarter close")],
    ids=["a voter lost the role", "a freeze began"],
)
def test_the_disk_stays_where_people_would_not_approve_it_any_more(
    cloud: Any, aws: ServedAws, kind: str, text: str, says: str
) -> None:
    got = begun(cloud, change := old_disk())
    cloud.adopt(kind, text)
    assert go_on(cloud, got) == State.DIVERGED
    assert says in cloud.row(got.proposal_id).reason
    assert "step 1 was done; the rest was not sent" in cloud.row(got.proposal_id).reason
    copied_alone(aws, change)


def test_an_image_that_takes_longer_than_the_time_to_begin_is_waited_for(cloud: Any, aws: ServedAws) -> None:
    got = claimed(cloud, change := ended())
    aws.faults.add(Fault(action="CreateImage", mode=FaultMode.SLOW))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.EXECUTING
    cloud.later(hours=20)
    assert go_on(cloud, got) == State.EXECUTING
    aws.settle()
    cloud.later(seconds=SETTLE.total_seconds())
    assert go_on(cloud, got) == State.SUCCEEDED
    name = change["instance_id"]
    assert (name, "stopped", "terminated") in moves(aws, name)


def test_a_worker_that_only_rehearses_waits_for_one_that_does_not(cloud: Any, aws: ServedAws) -> None:
    got, hands = begun(cloud, change := old_disk()), cloud.executor
    cloud.executor = Rehearsal()
    assert go_on(cloud, got) == State.EXECUTING
    cloud.executor = hands
    assert go_on(cloud, got) == State.SUCCEEDED
    assert (change["volume_id"], "available", "absent") in moves(aws, change["volume_id"])


def test_what_was_half_carried_out_is_never_told_as_rehearsed(cloud: Any, aws: ServedAws) -> None:
    got = begun(cloud, change := old_disk())
    cloud.executor = Rehearsal()
    cloud.later(days=2)
    assert go_on(cloud, got) == State.DIVERGED
    assert "would only rehearse it" in cloud.row(got.proposal_id).reason
    copied_alone(aws, change)


def test_one_that_can_be_undone_is_finished(cloud: Any, aws: ServedAws) -> None:
    """An endpoint whose scaling was ended would keep the number at which that left it."""
    back = undo_of(cloud, carried_out(cloud, change := scaling()))
    got = claimed(cloud, back.model_dump(mode="json"))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.EXECUTING
    cloud.adopt("rules", FROZEN)
    assert go_on(cloud, got) == State.SUCCEEDED
    assert any("UpdateEndpointWeightsAndCapacities" in call.action for call in aws.journal.calls()[-1:]), change


TAGGED = [("9999", "spendgate:copy"), ("", "spendgate:else")]


@pytest.mark.parametrize(("value", "key"), TAGGED, ids=["the highest number", "no number"])
def test_snapshots_that_others_tagged_leave_the_disk_to_be_proposed(
    cloud: Any, aws: ServedAws, value: str, key: str
) -> None:
    change = old_disk()
    tags = [{"Key": "spendgate:copy-of", "Value": change["volume_id"]}, {"Key": key, "Value": value}]
    marked = [{"ResourceType": "snapshot", "Tags": tags}]
    made = 1 if value else 2
    for _ in range(made):
        clients_of(aws)(ACCOUNT, REGION, "ec2").create_snapshot(VolumeId=change["volume_id"], TagSpecifications=marked)
    row = cloud.sealed(change=change, evidence=CHEAP)
    assert State(row.state) == State.SEALED, row.reason
    assert '"copy_number":1' in row.change


@pytest.mark.parametrize("make", [old_disk, ended])
@pytest.mark.parametrize("tag", ["legal-hold", "Do Not Delete"])
def test_what_somebody_must_keep_is_not_deleted(cloud: Any, aws: ServedAws, make: Any, tag: str) -> None:
    change = make()
    which = change.get("volume_id") or change["instance_id"]
    client = clients_of(aws)(ACCOUNT, REGION, "ec2")
    client.create_tags(Resources=[which], Tags=[{"Key": tag, "Value": "case 7"}])
    row = cloud.sealed(change=change, evidence=CHEAP)
    assert (State(row.state), row.code) == (State.UNSEALABLE, "held")
