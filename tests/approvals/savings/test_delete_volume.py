"""A disk is deleted only behind a snapshot of it that is complete, whatever happens in between."""

from typing import Any

import pytest

from approvals.changes.change import parse_change
from approvals.claim import Refusal, claim
from approvals.execute import execute
from approvals.inspectors.port import NotSealable, Snapshot
from approvals.sealed import decode
from approvals.settling import SETTLE
from approvals.states import State
from sandbox.aws.copies import fail_snapshot
from sandbox.aws.faults import Fault, FaultMode
from sandbox.aws.serve import ServedAws
from tests.approvals.gate_stubs import SAM
from tests.approvals.savings.estate import (
    ACCOUNT,
    CHEAP,
    MACHINE,
    REGION,
    approved,
    claimed,
    clients_of,
    moves,
    old_disk,
    read_back,
)
from tests.approvals.savings.steps import begun, died_and_mended, go_on

COPIED, GONE = (" copy", "absent", "completed"), ("", "available", "absent")


def ec2(aws: ServedAws) -> Any:
    return clients_of(aws)(ACCOUNT, REGION, "ec2")


def copies(aws: ServedAws, change: dict[str, Any]) -> list[dict[str, Any]]:
    wanted = [{"Name": "volume-id", "Values": [change["volume_id"]]}]
    found: list[dict[str, Any]] = ec2(aws).describe_snapshots(OwnerIds=["self"], Filters=wanted)["Snapshots"]
    return found


def done(aws: ServedAws, change: dict[str, Any]) -> list[tuple[str, str, str]]:
    name = change["volume_id"]
    return [(told[0].removeprefix(name), *told[1:]) for told in moves(aws, name)]


def test_it_is_copied_then_deleted_and_a_disk_can_be_made_of_the_copy(cloud: Any, aws: ServedAws) -> None:
    got = begun(cloud, change := old_disk())
    assert done(aws, change) == [COPIED]
    assert go_on(cloud, got) == State.SUCCEEDED
    assert read_back(cloud, got) == State.VERIFIED
    assert done(aws, change) == [COPIED, GONE]
    (kept,) = copies(aws, change)
    tags = {tag["Key"]: tag["Value"] for tag in kept["Tags"]}
    assert tags == {"spendgate:copy-of": change["volume_id"], "spendgate:copy": "1"}
    made = ec2(aws).create_volume(SnapshotId=kept["SnapshotId"], AvailabilityZone=f"{REGION}a")
    assert (made["SnapshotId"], made["Size"]) == (kept["SnapshotId"], 100)


def test_what_is_sealed_says_what_is_lost_and_what_is_kept(cloud: Any) -> None:
    change = old_disk()
    row = cloud.pending(change=change, evidence=CHEAP)
    sealed: Any = decode(cloud.row(row.id).sealed, cloud.row(row.id).digest)
    assert f"the snapshot that is tagged spendgate:copy-of {change['volume_id']}" in sealed.reversibility
    assert sealed.blast_radius[-1].startswith("a snapshot of it with the tags spendgate:copy-of")
    assert sealed.title.startswith(f"Make a snapshot of EBS volume {change['volume_id']}, then delete")
    assert (sealed.change.copy_number, sealed.preconditions["copy"]) == (1, "none")


def test_one_vote_does_not_do_it(cloud: Any, aws: ServedAws) -> None:
    change = old_disk()
    row = cloud.pending(change=change, evidence=CHEAP)
    assert cloud.vote(row, SAM).verdict.allowed
    assert isinstance(claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector), Refusal)
    assert done(aws, change) == []


def test_one_that_was_sealed_before_there_were_copies_is_carried_out_as_it_was_sealed(
    cloud: Any, aws: ServedAws
) -> None:
    change = old_disk()
    del change["snapshot"]
    row = approved(cloud, change)
    sealed = decode(cloud.row(row.id).sealed, cloud.row(row.id).digest)
    assert "copy" not in sealed.preconditions
    got = claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector)
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.SUCCEEDED  # type: ignore[arg-type]
    assert done(aws, change) == [GONE]


def test_a_copy_that_takes_hours_is_waited_for(cloud: Any, aws: ServedAws) -> None:
    change = old_disk()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action="CreateSnapshot", mode=FaultMode.SLOW))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.EXECUTING
    for _ in range(3):
        cloud.later(hours=5)
        assert go_on(cloud, got) == State.EXECUTING
    assert done(aws, change) == [(" copy", "absent", "completed")]
    assert change["volume_id"] in aws.settle()
    assert go_on(cloud, got) == State.SUCCEEDED


def deleted(aws: ServedAws, change: dict[str, Any]) -> None:
    (made,) = copies(aws, change)
    ec2(aws).delete_snapshot(SnapshotId=made["SnapshotId"])


def untagged(aws: ServedAws, change: dict[str, Any]) -> None:
    (made,) = copies(aws, change)
    ec2(aws).delete_tags(Resources=[made["SnapshotId"]], Tags=[{"Key": "spendgate:copy-of"}])


def failed(_aws: ServedAws, change: dict[str, Any]) -> None:
    fail_snapshot(change["volume_id"])


def attached(aws: ServedAws, change: dict[str, Any]) -> None:
    device = f"/dev/sd{change['volume_id'][-3:]}"
    ec2(aws).attach_volume(VolumeId=change["volume_id"], InstanceId=MACHINE, Device=device)


MEANWHILE = [
    (deleted, "copy none, not completed"), (untagged, "copy none, not completed"),
    (failed, "copy error, not completed"), (attached, "somebody else changed it meanwhile (attached_to"),
]  # fmt: skip


@pytest.mark.parametrize(("meddle", "says"), MEANWHILE, ids=[row[0].__name__ for row in MEANWHILE])
def test_it_is_not_deleted_where_meanwhile(cloud: Any, aws: ServedAws, meddle: Any, says: str) -> None:
    got = begun(cloud, change := old_disk())
    meddle(aws, change)
    go_on(cloud, got)
    cloud.later(seconds=SETTLE.total_seconds())
    assert go_on(cloud, got) == State.DIVERGED
    assert says in str(cloud.row(got.proposal_id).reason)
    assert GONE not in done(aws, change)


FAULTS = [
    ("CreateSnapshot", FaultMode.DROP_RESPONSE, State.DIVERGED, [COPIED]),
    ("CreateSnapshot", FaultMode.NONSENSE, State.DIVERGED, [COPIED]),
    ("CreateSnapshot", FaultMode.DROP_REQUEST, State.FAILED, []),
    ("CreateSnapshot", FaultMode.ERROR, State.FAILED, []),
    ("DeleteVolume", FaultMode.DROP_RESPONSE, State.VERIFIED, [COPIED, GONE]),
    ("DeleteVolume", FaultMode.LATE, State.VERIFIED, [COPIED, GONE]),
    ("DeleteVolume", FaultMode.DROP_REQUEST, State.DIVERGED, [COPIED]),
    ("DeleteVolume", FaultMode.HOLLOW, State.DIVERGED, [COPIED]),
]


@pytest.mark.parametrize(("action", "mode", "end", "happened"), FAULTS)
def test_an_answer_that_never_came(
    cloud: Any, aws: ServedAws, action: str, mode: FaultMode, end: State, happened: Any
) -> None:
    change = old_disk()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action=action, mode=mode))
    execute(cloud.begin, claim=got, executor=cloud.executor)
    go_on(cloud, got)
    aws.settle()
    cloud.later(seconds=SETTLE.total_seconds())
    assert read_back(cloud, got) == end
    assert go_on(cloud, got) == end
    assert done(aws, change) == happened
    assert len(copies(aws, change)) == len([told for told in happened if told == COPIED])


CRASHES = [
    ("ec2:CreateSnapshot", False, State.FAILED, []), ("ec2:CreateSnapshot", True, State.DIVERGED, [COPIED]),
    ("ec2:DeleteVolume", False, State.DIVERGED, [COPIED]), ("ec2:DeleteVolume", True, State.VERIFIED, [COPIED, GONE]),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "after", "end", "happened"), CRASHES)
def test_a_worker_that_dies_between_sending_and_recording(
    cloud: Any, aws: ServedAws, operation: str, after: bool, end: State, happened: Any
) -> None:
    got = claimed(cloud, change := old_disk())
    assert died_and_mended(cloud, got, operation, after=after) == end
    assert done(aws, change) == happened


def test_a_copy_that_an_earlier_change_left_is_not_taken_for_this_ones(cloud: Any, aws: ServedAws) -> None:
    change = old_disk()
    died_and_mended(cloud, claimed(cloud, change), "ec2:CreateSnapshot", after=True)
    got = claimed(cloud, change)
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.EXECUTING
    assert go_on(cloud, got) == State.SUCCEEDED
    numbers = {tag["Value"] for one in copies(aws, change) for tag in one["Tags"] if tag["Key"] == "spendgate:copy"}
    assert numbers == {"1", "2"}


def test_a_number_that_is_taken_is_refused(cloud: Any, aws: ServedAws) -> None:
    change = old_disk()
    numbered: Any = cloud.inspector.look(parse_change(change)).resolved
    assert isinstance(cloud.inspector.look(numbered), Snapshot)
    ec2(aws).create_snapshot(**numbered.steps()[0].request.parameters)
    seen = cloud.inspector.look(numbered)
    assert isinstance(seen, NotSealable)
    assert seen.code == "copy_exists"
