"""The gate on real client code: boto3 against the AWS sandbox on loopback, which counts every change it makes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from approvals.changes.change import parse_change
from approvals.changes.instance import StopInstance
from approvals.claim import Refusal, claim
from approvals.execute import execute
from approvals.executors.aws import AwsExecutor, aws_clients
from approvals.executors.port import NoAnswer, Refused
from approvals.executors.rehearsal import Rehearsal
from approvals.inspectors.instance import InstanceInspector
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from approvals.lease import Claim
from approvals.reconcile import reconcile
from approvals.settling import SETTLE
from approvals.states import State
from sandbox.aws.faults import Fault, FaultMode
from sandbox.aws.serve import ServedAws, serve_aws
from tests.approvals.gate_stubs import ARJUN

ACCOUNT, REGION = "111122223333", "eu-central-1"
IDLE, GROUPED, STOPPED = "i-0aaaaaaaaaaaaaaa1", "i-0aaaaaaaaaaaaaaa2", "i-0aaaaaaaaaaaaaaa3"
SPARE = [f"i-0bbbbbbbbbbbbbb{at:02d}" for at in range(12)]


def machine(name: str, state: str = "running", **tags: str) -> dict[str, Any]:
    return {
        "instance_id": name,
        "instance_type": "g5.12xlarge",
        "region": REGION,
        "zone": f"{REGION}a",
        "account": ACCOUNT,
        "state": state,
        "launch_time": "2026-08-01T06:00:00Z",
        "gpus": 4,
        "tags": {"Name": "fraud-train-03", "environment": "development", "owner": "jane.doe@bank.example", **tags},
    }


@pytest.fixture(scope="session")
def new_gate(on_sqlite: Any) -> Any:
    """One database is enough here: these tests are about the client's other end."""
    return on_sqlite


@contextmanager
def some_machines(folder: Path) -> Iterator[ServedAws]:
    path = folder / "machines.json"
    machines = [machine(IDLE), machine(GROUPED, **{"aws:autoscaling:groupName": "web"}), machine(STOPPED, "stopped")]
    path.write_text(json.dumps({"machines": machines + [machine(name) for name in SPARE]}))
    with serve_aws(path) as served:
        yield served


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAws]:
    with some_machines(tmp_path_factory.mktemp("aws")) as served:
        yield served


@pytest.fixture
def cloud(gate: Any, aws: ServedAws) -> Any:
    clients = aws_clients(endpoint_url=aws.address, access_key=aws.access_key, secret_key="any")
    gate.inspector, gate.executor = InstanceInspector(clients), AwsExecutor(clients)
    aws.faults.clear()
    return gate


def stop(name: str = IDLE) -> dict[str, str]:
    return {"kind": "stop_instance", "account": ACCOUNT, "region": REGION, "instance_id": name}


def calls_on(aws: ServedAws, name: str) -> int:
    return sum(name in call.instance_ids for call in aws.journal.calls())


def client_of(aws: ServedAws) -> Any:
    return aws_clients(endpoint_url=aws.address, access_key=aws.access_key, secret_key="any")(ACCOUNT, REGION, "ec2")


def claimed(gate: Any, name: str) -> Claim:
    row = gate.approved(change=stop(name))
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    assert isinstance(got, Claim), got
    return got


def test_an_approved_stop_stops_one_instance_once(cloud: Any, aws: ServedAws) -> None:
    got = claimed(cloud, SPARE[0])
    assert calls_on(aws, SPARE[0]) == 0  # sealing and claiming only looked
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.SUCCEEDED
    assert reconcile(cloud.begin, proposal_id=got.proposal_id, inspector=cloud.inspector) == State.VERIFIED
    assert calls_on(aws, SPARE[0]) == 1
    assert (SPARE[0], "running", "stopped") in aws.journal.changes()
    entry = next(entry for entry in cloud.log(got.proposal_id) if entry.event == "execution.answered")
    request_id = json.loads(entry.body)["data"]["provider_request_id"]
    assert request_id == next(call.request_id for call in aws.journal.calls() if SPARE[0] in call.instance_ids)


def test_sealed_bytes_hold_fingerprints_of_tags_and_no_persons_name(cloud: Any) -> None:
    row = cloud.sealed(change=stop(SPARE[1]))
    told = json.loads(row.sealed)
    assert set(told["preconditions"]["tags"]) == {"Name", "environment", "owner"}
    assert b"jane.doe" not in row.sealed
    assert told["policy"]["environment"] == "non_production"
    assert told["resource_name"] == "fraud-train-03"


FAULTS = [
    ("the answer is lost", FaultMode.DROP_RESPONSE, State.UNKNOWN, State.VERIFIED, 1, SPARE[2]),
    ("the request is lost", FaultMode.DROP_REQUEST, State.UNKNOWN, State.FAILED, 0, SPARE[3]),
    ("the provider fails", FaultMode.ERROR, State.UNKNOWN, State.FAILED, 0, SPARE[4]),
    ("the provider is too busy", FaultMode.THROTTLE, State.FAILED, State.FAILED, 0, SPARE[5]),
]


@pytest.mark.parametrize(("what", "mode", "first", "end", "count", "name"), FAULTS, ids=[row[0] for row in FAULTS])
def test_nothing_is_sent_again_when(
    cloud: Any, aws: ServedAws, what: str, mode: FaultMode, first: State, end: State, count: int, name: str
) -> None:
    got = claimed(cloud, name)
    aws.faults.add(Fault(action="StopInstances", mode=mode))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == first
    assert calls_on(aws, name) == count
    cloud.later(seconds=SETTLE.total_seconds())
    assert reconcile(cloud.begin, proposal_id=got.proposal_id, inspector=cloud.inspector) == end
    assert calls_on(aws, name) == count


def test_an_answer_that_comes_too_late_is_no_answer(aws: ServedAws) -> None:
    def hurried(_account: str, _region: str, _service: str) -> Any:
        config = Config(retries={"total_max_attempts": 1}, read_timeout=0.3)
        keys = {"aws_access_key_id": aws.access_key, "aws_secret_access_key": "any"}
        return boto3.client("ec2", region_name=REGION, endpoint_url=aws.address, config=config, **keys)

    aws.faults.add(Fault(action="StopInstances", mode=FaultMode.DELAY, seconds=1))
    request = parse_change(stop(SPARE[6])).steps()[0].request
    with pytest.raises(NoAnswer, match="ReadTimeoutError"):
        AwsExecutor(hurried).send(request, token="t")


def test_nobody_there_is_a_request_that_was_not_sent() -> None:
    clients = aws_clients(endpoint_url="http://127.0.0.1:9", access_key="AKIA", secret_key="any")
    request = parse_change(stop()).steps()[0].request
    with pytest.raises(Refused, match="did not leave this machine"):
        AwsExecutor(clients).send(request, token="t")
    with pytest.raises(CannotLook):
        InstanceInspector(clients).look(parse_change(stop()))


@pytest.mark.parametrize("retries", [None, {"mode": "standard"}, {"max_attempts": 3}, {"total_max_attempts": 2}])
def test_a_client_that_would_send_again_is_refused(aws: ServedAws, retries: Any) -> None:
    def eager(_account: str, _region: str, _service: str) -> Any:
        keys = {"aws_access_key_id": aws.access_key, "aws_secret_access_key": "any"}
        config = Config(retries=retries) if retries else None
        return boto3.client("ec2", region_name=REGION, endpoint_url=aws.address, config=config, **keys)

    request = parse_change(stop(SPARE[7])).steps()[0].request
    with pytest.raises(Refused, match="client_sends_again"):
        AwsExecutor(eager).send(request, token="t")
    assert calls_on(aws, SPARE[7]) == 0


LOOKS = [
    ("an idle machine", stop(IDLE), None),
    ("a machine that is not there", stop("i-0ccccccccccccccc1"), "not_found"),
    ("a machine of a scaling group", stop(GROUPED), "in_scaling_group"),
    ("a stopped machine", stop(STOPPED), "wrong_state"),
    ("a stopped machine to be started", stop(STOPPED) | {"kind": "start_instance"}, None),
    ("a running machine to be started", stop(IDLE) | {"kind": "start_instance"}, "wrong_state"),
    ("a machine of another account", stop(IDLE) | {"account": "999999999999"}, "other_account"),
]


@pytest.mark.parametrize(("what", "change", "code"), LOOKS, ids=[row[0] for row in LOOKS])
def test_a_look_at(cloud: Any, aws: ServedAws, what: str, change: dict[str, str], code: str | None) -> None:
    before = len(aws.journal.calls())
    seen = cloud.inspector.look(parse_change(change))
    assert (seen.code if isinstance(seen, NotSealable) else None) == code
    assert len(aws.journal.calls()) == before
    if isinstance(seen, Snapshot):
        assert seen.environment == "development"
        assert "g5.12xlarge" in seen.blast_radius[0]


def test_stop_protection_set_after_the_approval_makes_it_stale(cloud: Any, aws: ServedAws) -> None:
    row = cloud.approved(change=stop(SPARE[8]))
    client_of(aws).modify_instance_attribute(InstanceId=SPARE[8], DisableApiStop={"Value": True})
    before = calls_on(aws, SPARE[8])
    got = claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector)
    assert isinstance(got, Refusal)
    assert (got.state, "stop_protection" in got.verdict.reason) == (State.STALE, True)
    assert calls_on(aws, SPARE[8]) == before


def test_somebody_else_stopping_it_makes_it_stale(cloud: Any, aws: ServedAws) -> None:
    row = cloud.approved(change=stop(SPARE[9]))
    client_of(aws).stop_instances(InstanceIds=[SPARE[9]])
    got = claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector)
    assert isinstance(got, Refusal)
    assert (got.state, got.verdict.code) == (State.STALE, "drift")
    assert "state: running, now stopped" in got.verdict.reason


def test_a_failing_look_holds_an_approval_instead_of_ending_it(cloud: Any, aws: ServedAws) -> None:
    row = cloud.approved(change=stop(SPARE[10]))
    aws.faults.add(Fault(action="DescribeInstances", mode=FaultMode.ERROR))
    got = claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector)
    assert isinstance(got, Refusal)
    assert (got.state, got.verdict.code) == (State.HELD, "cannot_look")
    assert isinstance(claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector), Claim)


def test_a_rehearsal_against_aws_changes_nothing(cloud: Any, aws: ServedAws) -> None:
    got = claimed(cloud, SPARE[11])
    assert execute(cloud.begin, claim=got, executor=Rehearsal()) == State.REHEARSED
    assert calls_on(aws, SPARE[11]) == 0
    assert cloud.vote(cloud.row(got.proposal_id), ARJUN, "reject").verdict.code == "closed"


def test_a_worker_that_slept_before_signing_sends_nothing(cloud: Any, aws: ServedAws, monkeypatch: Any) -> None:
    moments = iter([0.0, 20.0])
    monkeypatch.setattr("approvals.executors.aws.awake", lambda: next(moments))
    request = StopInstance(account=ACCOUNT, region=REGION, instance_id=SPARE[-1]).steps()[0].request
    with pytest.raises(Refused, match="before the request was signed"):
        cloud.executor.send(request, token="t")
    assert all(SPARE[-1] not in str(call) for call in aws.journal.changes())
