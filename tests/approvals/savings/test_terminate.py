"""A stopped machine is terminated only behind an image of it that is there and whole, whatever happens in between."""

from typing import Any

import pytest

from approvals.changes.change import parse_change
from approvals.claim import Refusal, claim
from approvals.errors import GateError
from approvals.execute import execute
from approvals.inspectors.port import NotSealable, Snapshot
from approvals.sealed import decode
from approvals.settling import LOOK_SELDOM, SETTLE
from approvals.states import State
from approvals.store import effects_of
from approvals.undo import inverse_change
from sandbox.aws.faults import Fault, FaultMode
from sandbox.aws.images import fail_image, lose_snapshots
from sandbox.aws.serve import ServedAws
from tests.approvals.gate_stubs import SAM
from tests.approvals.looking import refusal_of
from tests.approvals.savings.estate import (
    ACCOUNT,
    ATTACHED,
    CHEAP,
    HALTED,
    REGION,
    SECOND,
    approved,
    claimed,
    clients_of,
    ended,
    moves,
    read_back,
)
from tests.approvals.savings.steps import begun, died_and_mended, go_on

IMAGE, GONE = (" image", "absent", "available"), ("", "stopped", "terminated")


def ec2(aws: ServedAws) -> Any:
    return clients_of(aws)(ACCOUNT, REGION, "ec2")


def image(aws: ServedAws, change: dict[str, Any]) -> dict[str, Any]:
    wanted = [{"Name": "name", "Values": [change["image_name"]]}]
    (found,) = ec2(aws).describe_images(Owners=["self"], Filters=wanted)["Images"]
    return dict(found)


def done(aws: ServedAws, change: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What happened to the machine, without its name."""
    name = change["instance_id"]
    return [(told[0].removeprefix(name), *told[1:]) for told in moves(aws, name)]


def test_it_is_imaged_then_terminated_and_the_image_can_be_launched(cloud: Any, aws: ServedAws) -> None:
    change = ended()
    got = begun(cloud, change)
    assert done(aws, change) == [IMAGE]
    assert go_on(cloud, got) == State.SUCCEEDED
    assert read_back(cloud, got) == State.VERIFIED
    assert done(aws, change) == [IMAGE, GONE]
    kept = image(aws, change)
    assert {tag["Key"]: tag["Value"] for tag in kept["Tags"]} == {"spendgate:image-of": change["instance_id"]}
    (made,) = ec2(aws).run_instances(ImageId=kept["ImageId"], MinCount=1, MaxCount=1)["Instances"]
    assert (made["ImageId"], made["State"]["Name"]) == (kept["ImageId"], "pending")


def test_what_is_sealed_names_every_disk_what_is_lost_and_what_goes_on_costing(cloud: Any, aws: ServedAws) -> None:
    change = ended(HALTED[-6])
    row = cloud.pending(change=change, evidence=CHEAP)
    sealed: Any = decode(cloud.row(row.id).sealed, cloud.row(row.id).digest)
    (root, second) = sorted(sealed.change.disks, key=lambda disk: disk == SECOND)
    public = ec2(aws).describe_addresses(AllocationIds=[ATTACHED])["Addresses"][0]["PublicIp"]
    assert second == SECOND
    told = "\n".join(sealed.blast_radius)
    for line in (
        "its private address 10.", f"disk {root} is deleted with it", f"disk {SECOND} stays, and goes on costing",
        f"elastic address {public} is freed", f"the image {change['image_name']} and its 2 snapshots cost",
    ):  # fmt: skip
        assert line in told, told
    assert "can launch another machine" in sealed.reversibility
    assert "Value " + change["instance_id"] in sealed.steps[0].sentence()


def test_one_vote_does_not_do_it(cloud: Any, aws: ServedAws) -> None:
    change = ended()
    row = cloud.pending(change=change, evidence=CHEAP)
    assert cloud.vote(row, SAM).verdict.allowed
    assert cloud.state(row) == State.PARTIAL
    assert isinstance(claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector), Refusal)
    assert done(aws, change) == []


def test_nothing_of_it_is_undone_by_a_click(cloud: Any) -> None:
    got = begun(cloud, ended())
    go_on(cloud, got)
    row = cloud.row(got.proposal_id)
    with cloud.reading() as (session, _):
        assert inverse_change(decode(row.sealed, row.digest), effects_of(session, got.proposal_id)) is None


def test_an_image_that_takes_hours_is_waited_for(cloud: Any, aws: ServedAws) -> None:
    change = ended()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action="CreateImage", mode=FaultMode.SLOW))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.EXECUTING
    for _ in range(3):
        cloud.later(hours=5)
        asked_at = cloud.now
        assert go_on(cloud, got) == State.EXECUTING
        assert done(aws, change) == [IMAGE]
        assert cloud.row(got.proposal_id).look_at - asked_at >= LOOK_SELDOM
    assert change["instance_id"] in aws.settle()
    assert go_on(cloud, got) == State.SUCCEEDED


def test_an_image_that_takes_more_than_a_day_ends_it_with_the_machine_untouched(cloud: Any, aws: ServedAws) -> None:
    change = ended()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action="CreateImage", mode=FaultMode.SLOW))
    execute(cloud.begin, claim=got, executor=cloud.executor)
    cloud.later(hours=25)
    assert go_on(cloud, got) == State.DIVERGED
    aws.settle()
    assert done(aws, change) == [IMAGE]


def test_a_termination_on_its_way_is_waited_for(cloud: Any, aws: ServedAws) -> None:
    got = begun(cloud, change := ended())
    aws.faults.add(Fault(action="TerminateInstances", mode=FaultMode.SLOW))
    assert go_on(cloud, got) == State.SUCCEEDED
    cloud.later(minutes=30)
    assert read_back(cloud, got) == State.SUCCEEDED
    assert change["instance_id"] in aws.settle()
    assert read_back(cloud, got) == State.VERIFIED


def deregistered(aws: ServedAws, change: dict[str, Any]) -> None:
    ec2(aws).deregister_image(ImageId=image(aws, change)["ImageId"])


def without_its_snapshot(_aws: ServedAws, change: dict[str, Any]) -> None:
    """EC2 refuses to delete the snapshot of an image; whether one is there is looked at all the same."""
    lose_snapshots(change["instance_id"])


def failed(_aws: ServedAws, change: dict[str, Any]) -> None:
    fail_image(change["instance_id"])


def started(aws: ServedAws, change: dict[str, Any]) -> None:
    ec2(aws).start_instances(InstanceIds=[change["instance_id"]])


def another_disk(aws: ServedAws, change: dict[str, Any]) -> None:
    """A disk that the image does not hold."""
    (group,) = ec2(aws).describe_instances(InstanceIds=[change["instance_id"]])["Reservations"]
    zone = group["Instances"][0]["Placement"]["AvailabilityZone"]
    made = ec2(aws).create_volume(AvailabilityZone=zone, Size=1)["VolumeId"]
    ec2(aws).attach_volume(VolumeId=made, InstanceId=change["instance_id"], Device="/dev/sdg")


def of_another(aws: ServedAws, change: dict[str, Any]) -> None:
    """The image goes, and somebody gives its name to one of another machine."""
    deregistered(aws, change)
    ec2(aws).create_image(InstanceId=HALTED[-7], Name=change["image_name"])


MEANWHILE = [
    (deregistered, "image none, not available"), (without_its_snapshot, "image incomplete, not available"),
    (failed, "image failed, not available"), (started, "somebody else changed it meanwhile (state"),
    (another_disk, "somebody else changed it meanwhile (disks"), (of_another, "image of something else"),
]  # fmt: skip


@pytest.mark.parametrize(("meddle", "says"), MEANWHILE, ids=[row[0].__name__ for row in MEANWHILE])
def test_it_is_not_terminated_where_meanwhile(cloud: Any, aws: ServedAws, meddle: Any, says: str) -> None:
    got = begun(cloud, change := ended())
    meddle(aws, change)
    assert go_on(cloud, got) in (State.EXECUTING, State.DIVERGED)
    cloud.later(seconds=SETTLE.total_seconds())
    go_on(cloud, got)
    assert cloud.state(cloud.row(got.proposal_id)) == State.DIVERGED
    assert says in str(cloud.row(got.proposal_id).reason)
    assert GONE not in done(aws, change)
    assert "TerminateInstances" not in [
        call.action for call in aws.journal.calls() if change["instance_id"] in call.resources
    ]


def test_the_name_is_taken_after_the_claim_and_aws_refuses(cloud: Any, aws: ServedAws) -> None:
    change = ended()
    got = claimed(cloud, change)
    ec2(aws).create_image(InstanceId=HALTED[-7], Name=change["image_name"])
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.FAILED
    assert "InvalidAMIName.Duplicate" in str(cloud.row(got.proposal_id).reason)
    assert done(aws, change) == []


# what is lost or spoilt at the image, and whether it was made in the end: it is never terminated on that alone
AT_IMAGE = [
    (FaultMode.DROP_RESPONSE, State.DIVERGED, [IMAGE]), (FaultMode.NONSENSE, State.DIVERGED, [IMAGE]),
    (FaultMode.DROP_REQUEST, State.FAILED, []), (FaultMode.PROXY, State.FAILED, []),
    (FaultMode.ERROR, State.FAILED, []),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "end", "happened"), AT_IMAGE)
def test_an_answer_about_the_image_that_never_came(
    cloud: Any, aws: ServedAws, mode: FaultMode, end: State, happened: Any
) -> None:
    change = ended()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action="CreateImage", mode=mode))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.UNKNOWN
    cloud.later(seconds=SETTLE.total_seconds())
    assert read_back(cloud, got) == end
    assert go_on(cloud, got) == end
    assert done(aws, change) == happened


def test_an_image_that_was_only_promised_terminates_nothing(cloud: Any, aws: ServedAws) -> None:
    change = ended()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action="CreateImage", mode=FaultMode.HOLLOW))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.EXECUTING
    assert go_on(cloud, got) == State.EXECUTING
    cloud.later(seconds=SETTLE.total_seconds())
    assert go_on(cloud, got) == State.DIVERGED
    assert done(aws, change) == []


AT_TERMINATION = [
    (FaultMode.DROP_RESPONSE, State.VERIFIED, [IMAGE, GONE]), (FaultMode.NONSENSE, State.VERIFIED, [IMAGE, GONE]),
    (FaultMode.OTHER_ID, State.VERIFIED, [IMAGE, GONE]), (FaultMode.LATE, State.VERIFIED, [IMAGE, GONE]),
    (FaultMode.DROP_REQUEST, State.DIVERGED, [IMAGE]), (FaultMode.ERROR, State.DIVERGED, [IMAGE]),
    (FaultMode.HOLLOW, State.DIVERGED, [IMAGE]),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "end", "happened"), AT_TERMINATION)
def test_an_answer_about_the_termination_that_never_came(
    cloud: Any, aws: ServedAws, mode: FaultMode, end: State, happened: Any
) -> None:
    got = begun(cloud, change := ended())
    aws.faults.add(Fault(action="TerminateInstances", mode=mode))
    assert go_on(cloud, got) in (State.UNKNOWN, State.SUCCEEDED)
    aws.settle()
    cloud.later(seconds=SETTLE.total_seconds())
    assert read_back(cloud, got) == end
    assert go_on(cloud, got) == end
    assert done(aws, change) == happened


CRASHES = [
    ("ec2:CreateImage", False, State.FAILED, []), ("ec2:CreateImage", True, State.DIVERGED, [IMAGE]),
    ("ec2:TerminateInstances", False, State.DIVERGED, [IMAGE]),
    ("ec2:TerminateInstances", True, State.VERIFIED, [IMAGE, GONE]),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "after", "end", "happened"), CRASHES)
def test_a_worker_that_dies_between_sending_and_recording(
    cloud: Any, aws: ServedAws, operation: str, after: bool, end: State, happened: Any
) -> None:
    change = ended()
    got = claimed(cloud, change)
    assert died_and_mended(cloud, got, operation, after=after) == end
    assert done(aws, change) == happened


LOOKS: list[tuple[str, dict[str, Any], str | None]] = [
    ("a stopped machine", ended(HALTED[-6]), None),
    ("a machine that was launched from a template", ended(HALTED[-5]), None),
    ("a running machine", ended(HALTED[-1]), "wrong_state"),
    ("a machine of a scaling group", ended(HALTED[-2]), "in_scaling_group"),
    ("a machine of a stack", ended(HALTED[-3]), "managed"),
    ("a machine of a cluster", ended(HALTED[-4]), "managed"),
    ("a machine with other disks than are named", ended(HALTED[-6], disks=[SECOND]), "wrong_disks"),
    ("a machine that is not there", ended("i-0cccccccccccccc01"), "not_found"),
    ("a machine of another account", ended(HALTED[-6], account="999999999999"), "other_account"),
]


@pytest.mark.parametrize(("what", "change", "code"), LOOKS, ids=[row[0] for row in LOOKS])
def test_a_look_at(cloud: Any, aws: ServedAws, what: str, change: dict[str, Any], code: str | None) -> None:
    assert refusal_of(cloud.inspector, aws, change) == code


def test_a_protected_machine_is_refused_by_its_protection(cloud: Any, aws: ServedAws) -> None:
    change = ended()
    ec2(aws).modify_instance_attribute(InstanceId=change["instance_id"], DisableApiTermination={"Value": True})
    seen = cloud.inspector.look(parse_change(change))
    assert isinstance(seen, NotSealable)
    assert seen.code == "termination_protection"


def test_a_name_that_an_image_has_is_refused_and_that_of_another_account_is_none_of_its_concern(
    cloud: Any, aws: ServedAws
) -> None:
    change = ended()
    ec2(aws).create_image(InstanceId=change["instance_id"], Name=change["image_name"])
    seen = cloud.inspector.look(parse_change(change))
    assert isinstance(seen, NotSealable)
    assert seen.code == "image_exists"
    foreign = next(one["Name"] for one in ec2(aws).describe_images()["Images"] if one["OwnerId"] != ACCOUNT)
    assert isinstance(cloud.inspector.look(parse_change(change | {"image_name": foreign})), Snapshot)


def test_an_image_that_came_after_the_votes_stops_it(cloud: Any, aws: ServedAws) -> None:
    row = approved(cloud, change := ended())
    ec2(aws).create_image(InstanceId=change["instance_id"], Name=change["image_name"])
    assert isinstance(claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector), Refusal)
    assert cloud.state(row) == State.STALE
    assert "image: none, now available" in str(cloud.row(row.id).reason)


@pytest.mark.parametrize("name", ["", "ab", "a" * 129, "all*", "a?b", "a\nb", "-a", "k\u0435pt", "a[b]", "a;b"])
def test_a_name_that_no_image_can_bear_is_refused(name: str) -> None:
    with pytest.raises(GateError, match="image_name"):
        parse_change(ended("i-0ccccccccccccc000", image_name=name))
