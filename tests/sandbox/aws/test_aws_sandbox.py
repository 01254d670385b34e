"""The sandbox's EC2 as real boto3 sees it: the bill's machines, what was changed, and answers that never come."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from sandbox.aws.errors import AwsSandboxError
from sandbox.aws.seed import access_key
from sandbox.aws.serve import ServedAws, serve_aws

pytestmark = pytest.mark.slow

AI, CORE = "471852036911", "205918374466"
GPU, OTHER, STOPPED, DATABASE = (
    "i-0aaaaaaaaaaaaaaa1",
    "i-0aaaaaaaaaaaaaaa2",
    "i-0aaaaaaaaaaaaaaa3",
    "i-0bbbbbbbbbbbbbbb1",
)


def machine(instance_id: str, **more: Any) -> dict[str, Any]:
    return {
        "instance_id": instance_id,
        "instance_type": "g5.12xlarge",
        "region": "us-east-1",
        "zone": "us-east-1c",
        "account": AI,
        "gpus": 4,
        "state": "running",
        "launch_time": "2026-07-27T14:24:00Z",
        "tags": {"Name": "credit-train-g5-07", "team": "credit-risk", "environment": "development"},
        **more,
    }


@pytest.fixture(scope="module")
def machines_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("aws") / "machines.json"
    machines = [
        machine(DATABASE, account=CORE, gpus=0, instance_type="r6i.16xlarge", tags={}),
        machine(GPU),
        machine(OTHER, region="eu-west-1", zone="eu-west-1a"),
        machine(STOPPED, state="stopped"),
    ]
    path.write_text(json.dumps({"machines": machines}))
    return path


@pytest.fixture
def served(machines_file: Path) -> Iterator[ServedAws]:
    with serve_aws(machines_file) as served:
        yield served


Connect = Callable[..., Any]


@pytest.fixture
def ec2(served: ServedAws) -> Connect:
    def connect(*, account: str = AI, region: str = "us-east-1", service: str = "ec2", key: str = "") -> Any:
        return boto3.client(
            service,
            endpoint_url=served.address,
            region_name=region,
            aws_access_key_id=key or access_key(account),
            aws_secret_access_key="any",
            config=Config(retries={"max_attempts": 0}, read_timeout=10),
        )

    return connect


def states(client: Any) -> dict[str, str]:
    pages = client.get_paginator("describe_instances").paginate()
    found = [i for page in pages for reservation in page["Reservations"] for i in reservation["Instances"]]
    return {instance["InstanceId"]: instance["State"]["Name"] for instance in found}


def http(served: ServedAws, path: str, *, method: str = "GET", body: Any = None, **headers: str) -> tuple[int, Any]:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(  # noqa: S310  (loopback)
        f"{served.address}/spendgate-sandbox/{path}", data=data, method=method, headers=headers
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def test_each_account_and_region_holds_its_machines_in_their_states(ec2: Connect) -> None:
    assert states(ec2()) == {GPU: "running", STOPPED: "stopped"}
    assert states(ec2(region="eu-west-1")) == {OTHER: "running"}
    assert states(ec2(account=CORE)) == {DATABASE: "running"}
    assert ec2(account=CORE, service="sts").get_caller_identity()["Account"] == CORE


def test_a_key_that_the_sandbox_does_not_know_opens_the_account_with_the_gpu_machines(ec2: Connect) -> None:
    assert GPU in states(ec2(key="anything"))


def test_an_instance_is_what_the_bill_says_it_is(ec2: Connect) -> None:
    [reservation] = ec2().describe_instances(InstanceIds=[GPU])["Reservations"]
    [instance] = reservation["Instances"]
    assert reservation["OwnerId"] == AI
    assert instance["InstanceType"] == "g5.12xlarge"
    assert instance["RootDeviceType"] == "ebs"
    assert instance["Placement"]["AvailabilityZone"] == "us-east-1c"
    assert instance["LaunchTime"] == datetime(2026, 7, 27, 14, 24, tzinfo=UTC)
    assert {"Key": "Name", "Value": "credit-train-g5-07"} in instance["Tags"]


def test_a_rehearsal_is_refused_in_aws_words_and_changes_nothing(served: ServedAws, ec2: Connect) -> None:
    with pytest.raises(ClientError) as refused:
        ec2().stop_instances(InstanceIds=[GPU], DryRun=True)
    assert refused.value.response["Error"]["Code"] == "DryRunOperation"
    assert states(ec2())[GPU] == "running"
    assert served.journal.calls() == ()


def test_stop_and_start_are_each_one_line_of_the_journal(served: ServedAws, ec2: Connect) -> None:
    stopped = ec2().stop_instances(InstanceIds=[GPU])
    assert states(ec2())[GPU] == "stopped"
    ec2().start_instances(InstanceIds=[GPU])
    assert states(ec2())[GPU] == "running"
    assert served.journal.changes() == ((GPU, "running", "stopped"), (GPU, "stopped", "running"))
    _, told = http(served, "calls")
    assert told["changes"] == 2
    first = told["calls"][0]
    assert (first["action"], first["instance_ids"], first["region"]) == ("StopInstances", [GPU], "us-east-1")
    assert first["request_id"] == stopped["ResponseMetadata"]["RequestId"] != "request-id"
    assert datetime.fromisoformat(first["time"]).tzinfo is not None


def test_stopping_what_is_stopped_is_a_call_that_changed_nothing(served: ServedAws, ec2: Connect) -> None:
    ec2().stop_instances(InstanceIds=[STOPPED])
    [call] = served.journal.calls()
    assert call.changed == {}
    assert served.journal.changes() == ()


def test_a_call_that_aws_refuses_is_in_the_journal_without_a_change(served: ServedAws, ec2: Connect) -> None:
    with pytest.raises(ClientError) as refused:
        ec2().stop_instances(InstanceIds=["i-0ccccccccccccccc9"])
    assert refused.value.response["Error"]["Code"] == "InvalidInstanceID.NotFound"
    assert [(call.status, call.changed) for call in served.journal.calls()] == [(400, {})]


def test_a_dropped_answer_hides_an_effect_that_happened(served: ServedAws, ec2: Connect) -> None:
    assert http(served, "faults", method="POST", body={"action": "StopInstances", "mode": "drop_response"})[0] == 201
    with pytest.raises(ConnectionClosedError):
        ec2().stop_instances(InstanceIds=[GPU])
    assert states(ec2())[GPU] == "stopped"
    assert [(call.answered, call.changed) for call in served.journal.calls()] == [
        (False, {GPU: ("running", "stopped")})
    ]
    ec2().start_instances(InstanceIds=[GPU])
    ec2().stop_instances(InstanceIds=[GPU])
    assert http(served, "faults")[1] == {"faults": []}


def test_a_dropped_request_has_no_effect(served: ServedAws, ec2: Connect) -> None:
    http(served, "faults", method="POST", body={"action": "*", "mode": "drop_request"})
    with pytest.raises(ConnectionClosedError):
        ec2().stop_instances(InstanceIds=[GPU])
    assert states(ec2())[GPU] == "running"
    assert served.journal.calls() == ()


@pytest.mark.parametrize(
    ("mode", "code", "status"), [("error500", "InternalError", 500), ("throttle", "RequestLimitExceeded", 503)]
)
def test_an_error_has_no_effect_and_is_spent_by_one_call(
    served: ServedAws, ec2: Connect, mode: str, code: str, status: int
) -> None:
    http(served, "faults", method="POST", body={"action": "StopInstances", "mode": mode})
    with pytest.raises(ClientError) as refused:
        ec2().stop_instances(InstanceIds=[GPU])
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert served.journal.calls() == ()
    ec2().stop_instances(InstanceIds=[GPU])
    assert served.journal.changes() == ((GPU, "running", "stopped"),)


def test_a_delayed_answer_comes_late_and_the_effect_at_once(served: ServedAws, ec2: Connect) -> None:
    fault = {"action": "StopInstances", "mode": "delay", "seconds": 2}
    http(served, "faults", method="POST", body=fault)
    caller = threading.Thread(target=lambda: ec2().stop_instances(InstanceIds=[GPU]))
    began = time.monotonic()
    caller.start()
    while not served.journal.changes() and time.monotonic() - began < 60:
        time.sleep(0.01)
    assert caller.is_alive()
    caller.join(timeout=60)
    assert time.monotonic() - began >= 2


def test_a_fault_leaves_rehearsals_and_other_actions_alone(served: ServedAws, ec2: Connect) -> None:
    http(served, "faults", method="POST", body={"action": "StopInstances", "mode": "error500"})
    with pytest.raises(ClientError, match="DryRunOperation"):
        ec2().stop_instances(InstanceIds=[GPU], DryRun=True)
    ec2().start_instances(InstanceIds=[STOPPED])
    assert len(http(served, "faults")[1]["faults"]) == 1
    assert http(served, "faults", method="DELETE")[1] == {"faults": []}
    ec2().stop_instances(InstanceIds=[GPU])


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"mode": "delay"},
        {"action": "StopInstances", "mode": "explode"},
        {"action": "StopInstances", "mode": "delay", "times": 0},
        {"action": "StopInstances", "mode": "delay", "seconds": 9999},
        {"action": "StopInstances", "mode": "delay", "often": 3},
    ],
)
def test_a_fault_that_cannot_be_read_is_refused(served: ServedAws, body: Any) -> None:
    status, told = http(served, "faults", method="POST", body=body)
    assert status == 400
    assert told["error"]
    assert http(served, "faults")[1] == {"faults": []}


def test_many_callers_at_once_stop_an_instance_once(served: ServedAws, ec2: Connect) -> None:
    clients = [ec2() for _ in range(6)]
    callers = [threading.Thread(target=client.stop_instances, kwargs={"InstanceIds": [GPU]}) for client in clients]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(timeout=60)
    assert len(served.journal.calls()) == 6
    assert served.journal.changes() == ((GPU, "running", "stopped"),)


def test_a_website_in_a_browser_may_not_call_it(served: ServedAws) -> None:
    status, told = http(served, "calls", Origin="https://elsewhere.example")
    assert (status, "not for browsers" in told["error"]) == (403, True)


def test_it_listens_on_loopback_only(served: ServedAws) -> None:
    assert served.address.startswith("http://127.0.0.1:")
    port = int(served.address.rpartition(":")[2])
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", port), timeout=1).close()


def test_a_new_sandbox_starts_afresh(machines_file: Path) -> None:
    with serve_aws(machines_file) as first:
        _client(first).stop_instances(InstanceIds=[GPU])
    with serve_aws(machines_file) as second:
        assert states(_client(second)) == {GPU: "running", STOPPED: "stopped"}
        assert second.journal.calls() == ()


def _client(served: ServedAws) -> Any:
    return boto3.client(
        "ec2",
        endpoint_url=served.address,
        region_name="us-east-1",
        aws_access_key_id=served.access_key,
        aws_secret_access_key="any",
    )


def test_a_port_in_use_is_named(machines_file: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AwsSandboxError, match=f"127.0.0.1:{port}") as refused, serve_aws(machines_file, port=port):
            pass
        assert "--port" in refused.value.do


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "cannot be read"),
        ("{", "is not JSON"),
        ("[]", "names no machines"),
        ('{"machines": []}', "names no machines"),
        ('{"machines": [{"instance_id": "i-0"}]}', "is incomplete"),
    ],
)
def test_a_bad_machines_file_is_explained(tmp_path: Path, content: str | None, what: str) -> None:
    path = tmp_path / "machines.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(AwsSandboxError, match=what) as refused, serve_aws(path):
        pass
    assert "spendgate sandbox bank" in refused.value.do


@pytest.mark.parametrize("name", [pytest.param("SIGINT", marks=pytest.mark.slow), "SIGTERM"])
def test_the_command_tells_its_address_and_ends_cleanly(machines_file: Path, name: str) -> None:
    code = (
        "import sys; from pathlib import Path; from app.commands.sandbox_aws import run; "
        "sys.exit(run(machines=Path(sys.argv[1])))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(machines_file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["instances"] == 4
        with urllib.request.urlopen(ready["calls"], timeout=5) as answer:  # noqa: S310
            assert json.load(answer) == {"calls": [], "changes": 0}
        deadline = time.monotonic() + 10
        while process.poll() is None and time.monotonic() < deadline:
            process.send_signal(signal.Signals[name])  # again and again: one that meets another must not hang it
        process.kill()
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


def test_the_journal_is_handed_out_as_a_trail_delivers_it_whatever_the_key(served: ServedAws, ec2: Connect) -> None:
    ec2(key="sandbox").stop_instances(InstanceIds=[GPU])
    with urllib.request.urlopen(f"{served.address}/spendgate-sandbox/trail", timeout=5) as answer:  # noqa: S310
        (record,) = json.loads(answer.read())["Records"]
    (call,) = served.journal.calls()
    assert record["requestParameters"] == {"instancesSet": {"items": [{"instanceId": GPU}]}}
    assert record["userIdentity"]["arn"] == f"arn:aws:iam::{served.seeded.default_account}:user/sandbox"
    assert (record["eventSource"], record["awsRegion"]) == ("ec2.amazonaws.com", "us-east-1")
    assert (record["requestID"], record["readOnly"]) == (call.request_id, False)
