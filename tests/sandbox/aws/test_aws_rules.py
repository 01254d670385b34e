"""What the sandbox adds to moto: AWS's own refusals and promises, its log, and answers that arrive spoilt."""

import contextlib
import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.parsers import ResponseParserError

from sandbox.aws.errors import AwsSandboxError
from sandbox.aws.faults import Fault, FaultMode
from sandbox.aws.serve import ServedAws, serve_aws

ACCOUNT, REGION = "471852036911", "us-east-1"
RUNNING, STOPPED = "i-0aaaaaaaaaaaaaaa1", "i-0aaaaaaaaaaaaaaa3"
VOLUME, ATTACHED = "vol-0aaaaaaaaaaaaaaa1", "vol-0aaaaaaaaaaaaaaa2"
GROUP = {"clusterName": "batch", "nodegroupName": "gpu"}
ZERO = {"minSize": 0, "maxSize": 4, "desiredSize": 0}


def estate() -> dict[str, list[dict[str, Any]]]:
    place = {"account": ACCOUNT, "region": REGION}
    machine = {**place, "instance_type": "g5.12xlarge", "zone": f"{REGION}c", "launch_time": "2026-07-27T14:24:00Z"}
    return {
        "machines": [
            {**machine, "instance_id": RUNNING, "state": "running", "tags": {}},
            {**machine, "instance_id": STOPPED, "state": "stopped", "tags": {}},
        ],
        "volumes": [
            {**place, "volume_id": VOLUME, "zone": f"{REGION}c", "size": 8, "tags": {"team": "ml"}},
            {**place, "volume_id": ATTACHED, "zone": f"{REGION}c", "size": 8, "attached_to": RUNNING},
        ],
        "node_groups": [{**place, "cluster": "batch", "nodegroup": "gpu", "min": 1, "max": 4, "desired": 3}],
    }


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedAws]:
    path = tmp_path / "machines.json"
    path.write_text(json.dumps(estate()))
    with serve_aws(path) as served:
        yield served


Connect = Callable[[str], Any]


@pytest.fixture
def aws(served: ServedAws) -> Connect:
    def connect(service: str) -> Any:
        return boto3.client(
            service, endpoint_url=served.address, region_name=REGION, aws_access_key_id=served.access_key,
            aws_secret_access_key="any", config=Config(retries={"max_attempts": 0}, inject_host_prefix=False),
        )  # fmt: skip

    return connect


def refused(call: Callable[..., Any], **parameters: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return str(error.value.response["Error"]["Code"])


def test_a_type_changes_only_while_the_instance_is_stopped(served: ServedAws, aws: Connect) -> None:
    ec2, wanted = aws("ec2"), {"InstanceType": {"Value": "g5.xlarge"}}
    assert refused(ec2.modify_instance_attribute, InstanceId=RUNNING, **wanted) == "IncorrectInstanceState"
    assert refused(ec2.modify_instance_attribute, InstanceId=RUNNING, DryRun=True, **wanted) == "DryRunOperation"
    ec2.modify_instance_attribute(InstanceId=RUNNING, DisableApiStop={"Value": True})
    ec2.modify_instance_attribute(InstanceId=STOPPED, **wanted)
    assert served.journal.changes() == ((f"{STOPPED} type", "g5.12xlarge", "g5.xlarge"),)


def test_an_instance_that_is_stopping_cannot_be_started(served: ServedAws, aws: Connect) -> None:
    ec2 = aws("ec2")
    served.faults.add(Fault("StopInstances", FaultMode.SLOW))
    ec2.stop_instances(InstanceIds=[RUNNING])
    [told] = ec2.describe_instances(InstanceIds=[RUNNING])["Reservations"]
    assert told["Instances"][0]["State"] == {"Code": 64, "Name": "stopping"}
    assert refused(ec2.start_instances, InstanceIds=[RUNNING]) == "IncorrectInstanceState"
    assert served.settle() == [RUNNING]
    ec2.start_instances(InstanceIds=[RUNNING])


def test_a_token_that_is_known_is_answered_as_before_and_has_no_second_effect(served: ServedAws, aws: Connect) -> None:
    eks = aws("eks")
    first = eks.update_nodegroup_config(**GROUP, scalingConfig=ZERO, clientRequestToken="t-1")
    eks.update_nodegroup_config(**GROUP, scalingConfig=ZERO | {"desiredSize": 2}, clientRequestToken="t-2")
    again = eks.update_nodegroup_config(**GROUP, scalingConfig=ZERO, clientRequestToken="t-1")
    assert again["update"]["id"] == first["update"]["id"]
    assert served.journal.changes() == (
        ("batch/gpu", "3 (1 to 4)", "0 (0 to 4)"),
        ("batch/gpu", "0 (0 to 4)", "2 (0 to 4)"),
    )
    other = {"scalingConfig": ZERO | {"desiredSize": 1}, "clientRequestToken": "t-1"}
    assert refused(eks.update_nodegroup_config, **GROUP, **other) == "InvalidParameterException"
    assert len(served.journal.changes()) == 2


def test_a_token_whose_answer_was_lost_is_known_all_the_same(served: ServedAws, aws: Connect) -> None:
    eks = aws("eks")
    served.faults.add(Fault("UpdateNodegroupConfig", FaultMode.DROP_RESPONSE))
    with pytest.raises(ConnectionClosedError):
        eks.update_nodegroup_config(**GROUP, scalingConfig=ZERO, clientRequestToken="t-1")
    eks.update_nodegroup_config(**GROUP, scalingConfig=ZERO, clientRequestToken="t-1")
    assert len(served.journal.calls()) == 2
    assert len(served.journal.changes()) == 1


def test_a_volume_goes_once_and_an_attached_one_stays(served: ServedAws, aws: Connect) -> None:
    ec2 = aws("ec2")
    assert ec2.describe_volumes(VolumeIds=[VOLUME])["Volumes"][0]["Tags"] == [{"Key": "team", "Value": "ml"}]
    ec2.delete_volume(VolumeId=VOLUME)
    assert refused(ec2.delete_volume, VolumeId=VOLUME) == "InvalidVolume.NotFound"
    assert refused(ec2.delete_volume, VolumeId=ATTACHED) == "VolumeInUse"
    assert served.journal.changes() == ((VOLUME, "available", "absent"),)


def test_a_deed_that_is_only_told_leaves_everything_as_it_was(served: ServedAws, aws: Connect) -> None:
    for action in ("StopInstances", "DeleteVolume", "UpdateNodegroupConfig"):
        served.faults.add(Fault(action, FaultMode.HOLLOW))
    ec2 = aws("ec2")
    told = ec2.stop_instances(InstanceIds=[RUNNING])["StoppingInstances"][0]
    assert told["CurrentState"]["Name"] == "stopping"
    ec2.delete_volume(VolumeId=VOLUME)
    aws("eks").update_nodegroup_config(**GROUP, scalingConfig=ZERO)
    assert served.journal.changes() == ()
    assert ec2.describe_volumes(VolumeIds=[VOLUME])["Volumes"][0]["State"] == "available"


SPOILT = [
    (FaultMode.OTHER_ID, ["i-0f0f0f0f0f0f0f0f0"], "running"),
    (FaultMode.EMPTY, [], ""),
    (FaultMode.WRONG_BEFORE, [RUNNING], "stopped"),
]


@pytest.mark.parametrize(("mode", "named", "before"), SPOILT, ids=[row[0].value for row in SPOILT])
def test_an_answer_about_something_else(
    served: ServedAws, aws: Connect, mode: FaultMode, named: list[str], before: str
) -> None:
    served.faults.add(Fault("StopInstances", mode))
    told = aws("ec2").stop_instances(InstanceIds=[RUNNING]).get("StoppingInstances", [])
    assert [one["InstanceId"] for one in told] == named
    assert [one["PreviousState"]["Name"] for one in told] == ([before] if named else [])
    assert served.journal.changes() == ((RUNNING, "running", "stopped"),)


@pytest.mark.parametrize(("mode", "effects"), [(FaultMode.TRUNCATED, 1), (FaultMode.NONSENSE, 1), (FaultMode.PROXY, 0)])
def test_an_answer_that_aws_did_not_write(served: ServedAws, aws: Connect, mode: FaultMode, effects: int) -> None:
    served.faults.add(Fault("StopInstances", mode))
    told: dict[str, Any] = {"ResponseMetadata": {}}
    with contextlib.suppress(ClientError, ResponseParserError, KeyError):
        told = aws("ec2").stop_instances(InstanceIds=[RUNNING])
    assert "RequestId" not in told["ResponseMetadata"]
    assert len(served.journal.changes()) == effects


def test_an_effect_comes_when_it_is_let(served: ServedAws, aws: Connect) -> None:
    served.faults.add(Fault("StopInstances", FaultMode.LATE))
    with pytest.raises(ConnectionClosedError):
        aws("ec2").stop_instances(InstanceIds=[RUNNING])
    assert served.journal.changes() == ()
    request = urllib.request.Request(f"{served.address}/spendgate-sandbox/settle", method="POST", data=b"")  # noqa: S310
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
        assert json.load(answer) == {"settled": [RUNNING]}
    assert served.journal.changes() == ((RUNNING, "running", "stopped"),)
    assert not served.journal.calls()[0].answered
    assert served.settle() == []


def test_the_log_tells_what_was_called_and_with_which_mark(served: ServedAws, aws: Connect) -> None:
    ec2 = aws("ec2")
    ec2.meta.events.register(
        "before-send", lambda request, **_: request.headers.__setitem__("User-Agent", b"Boto3 spendgate/abc")
    )
    ec2.stop_instances(InstanceIds=[RUNNING])
    refused(ec2.stop_instances, InstanceIds=["i-0ccccccccccccccc9"])
    aws("ec2").start_instances(InstanceIds=[RUNNING])
    events = aws("cloudtrail").lookup_events()["Events"]
    records = [json.loads(event["CloudTrailEvent"]) for event in events]
    assert [event["EventName"] for event in events] == ["StartInstances", "StopInstances", "StopInstances"]
    assert ["spendgate/abc" in record["userAgent"] for record in records] == [False, True, True]
    assert ["errorCode" in record for record in records] == [False, True, False]
    wanted = [{"AttributeKey": "ResourceName", "AttributeValue": "i-0ccccccccccccccc9"}]
    assert len(aws("cloudtrail").lookup_events(LookupAttributes=wanted)["Events"]) == 1


@pytest.mark.parametrize("kind", ["volumes", "node_groups"])
def test_a_part_that_is_incomplete_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "machines.json"
    path.write_text(json.dumps(estate() | {kind: [{"account": ACCOUNT}]}))
    with pytest.raises(AwsSandboxError, match=f"of {kind}"), serve_aws(path):
        pass
