"""What is read of EC2 for an inventory: on moto's server, by boto3 as it is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from lake.errors import LakeError
from lake.sources.ec2_inventory import listed, stopped_at

NOW = datetime.now(UTC)
REASONS = [
    ("as EC2 writes it", "User initiated (2026-01-02 03:04:05 GMT)", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ("as moto writes it", "User initiated (2026-01-02 03:04:05 UTC)", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ("by its own system", "Client.InstanceInitiatedShutdown: Instance initiated shutdown", None),
    ("by the host", "Server.ScheduledStop: Stopped due to a scheduled retirement", None),
    ("none", "", None),
    ("no day", "User initiated (2026-02-31 03:04:05 GMT)", None),
    ("another zone", "User initiated (2026-01-02 03:04:05 PST)", None),
]


@pytest.mark.parametrize(("what", "reason", "at"), REASONS, ids=[row[0] for row in REASONS])
def test_when_a_machine_was_stopped(what: str, reason: str, at: datetime | None) -> None:
    assert stopped_at(reason) == at


@pytest.fixture
def ec2(moto: str) -> Any:
    return boto3.client(
        "ec2", region_name="ap-south-1", endpoint_url=moto, aws_access_key_id="x", aws_secret_access_key="x"
    )


def test_everything_is_listed_with_what_hangs_on_it(ec2: Any) -> None:
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": "fraud"}]}]
    made = ec2.run_instances(
        ImageId=image, MinCount=3, MaxCount=3, InstanceType="m5.large", TagSpecifications=tags,
        UserData="password=never-read",
    )["Instances"]  # fmt: skip
    running, stopped, gone = (one["InstanceId"] for one in made)
    loose = ec2.create_volume(Size=40, AvailabilityZone="ap-south-1a", VolumeType="gp3")["VolumeId"]
    more = ec2.create_volume(Size=41, AvailabilityZone="ap-south-1a", VolumeType="gp3")["VolumeId"]
    ec2.attach_volume(VolumeId=more, InstanceId=stopped, Device="/dev/sdf")
    ec2.modify_instance_attribute(InstanceId=stopped, DisableApiTermination={"Value": True})
    snapshot = ec2.create_snapshot(VolumeId=loose)["SnapshotId"]
    own = ec2.create_image(InstanceId=running, Name="golden")["ImageId"]
    ec2.stop_instances(InstanceIds=[stopped])
    ec2.terminate_instances(InstanceIds=[gone])
    told = listed(ec2, account="1", region="ap-south-1", now=NOW)
    assert "never-read" not in repr(told)
    by_id = {one.instance_id: one for one in told.machines}
    assert set(by_id) == {running, stopped}
    assert (by_id[running].state, by_id[running].protected, by_id[running].stopped_at) == ("running", None, None)
    one = by_id[stopped]
    assert (one.state, one.root, one.lifecycle, one.protected, one.tags) == (
        "stopped",
        "ebs",
        "",
        True,
        {"team": "fraud"},
    )
    assert one.stopped_at is not None
    assert abs(one.stopped_at - datetime.now(UTC)) < timedelta(hours=1)
    assert [disk.goes for disk in one.disks if disk.volume_id == more] == [False]
    assert len(one.disks) == 2
    disks = {disk.volume_id: disk for disk in told.disks}
    assert (disks[loose].size_gib, disks[loose].type, disks[loose].unattached) == (40, "gp3", True)
    assert not disks[more].unattached
    assert snapshot in {mine.snapshot_id for mine in told.snapshots if mine.volume_id == loose}
    (mine,) = (image for image in told.images if image.image_id == own)
    assert set(mine.snapshots) <= {snap.snapshot_id for snap in told.snapshots}
    assert mine.snapshots


def test_every_page_is_read(ec2: Any) -> None:
    with Stubber(ec2) as answers:
        answers.add_response("describe_instances", {"Reservations": []})
        row = {"Size": 1, "State": "available", "CreateTime": NOW, "VolumeType": "gp3"}
        answers.add_response("describe_volumes", {"Volumes": [{"VolumeId": "vol-1", **row}], "NextToken": "more"}, {})
        answers.add_response("describe_volumes", {"Volumes": [{"VolumeId": "vol-2", **row}]}, {"NextToken": "more"})
        answers.add_response("describe_snapshots", {"Snapshots": []}, {"OwnerIds": ["self"]})
        wanted = {"Owners": ["self"], "IncludeDeprecated": True, "IncludeDisabled": True}
        answers.add_response("describe_images", {"Images": []}, wanted)
        told = listed(ec2, account="1", region="ap-south-1", now=NOW)
    assert [one.volume_id for one in told.disks] == ["vol-1", "vol-2"]


def test_half_a_list_is_none(ec2: Any) -> None:
    with Stubber(ec2) as answers:
        answers.add_response("describe_instances", {"Reservations": []})
        answers.add_client_error("describe_volumes", "UnauthorizedOperation")
        with pytest.raises(LakeError, match="could not be listed") as refused:
            listed(ec2, account="1", region="ap-south-1", now=NOW)
    assert "DescribeVolumes" in refused.value.why
