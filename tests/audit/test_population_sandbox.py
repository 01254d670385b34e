"""What the sandbox's AWS really journalled, by real boto3 through the real gate, against the gate's own log."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from app.log_population import gather
from approvals.claim import claim
from approvals.execute import execute
from approvals.executors.aws import AwsExecutor, aws_clients
from approvals.inspectors.instance import InstanceInspector
from approvals.lease import Claim
from approvals.reconcile import reconcile
from approvals.states import State
from audit.population import SKEW, Judged, Period
from audit.trail_event import ours
from audit.trail_files import Raw, records
from sandbox.aws.faults import Fault, FaultMode
from sandbox.aws.serve import ServedAws, serve_aws
from tests.audit.compared import reconcile as compare

ACCOUNT, REGION = "111122223333", "eu-central-1"
ONE, TWO, THREE, FREE = (f"i-0ccccccccccccccc{at}" for at in range(4))
USER = f"arn:aws:iam::{ACCOUNT}:user/sandbox"


def machine(name: str) -> dict[str, Any]:
    return {
        "instance_id": name, "instance_type": "g5.12xlarge", "region": REGION, "zone": f"{REGION}a",
        "account": ACCOUNT, "state": "running", "launch_time": "2026-08-01T06:00:00Z", "gpus": 4,
        "tags": {"environment": "development"},
    }  # fmt: skip


@pytest.fixture(scope="session")
def new_gate(on_sqlite: Any) -> Any:
    """One database is enough: what is compared are the entries' bodies."""
    return on_sqlite


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[ServedAws]:
    path = tmp_path / "machines.json"
    path.write_text(json.dumps({"machines": [machine(name) for name in (ONE, TWO, THREE, FREE)]}))
    with serve_aws(path) as served:
        yield served


@pytest.fixture
def cloud(gate: Any, aws: ServedAws) -> Any:
    clients = aws_clients(endpoint_url=aws.address, access_key=aws.access_key, secret_key="any")
    gate.inspector, gate.executor = InstanceInspector(clients), AwsExecutor(clients)
    return gate


def stop(name: str) -> dict[str, str]:
    return {"kind": "stop_instance", "account": ACCOUNT, "region": REGION, "instance_id": name}


def carried_out(gate: Any, name: str) -> Any:
    row = gate.approved(change=stop(name), evidence={"amount": "400", "currency": "USD", "saving": "380"})
    claimed = claim(gate.begin, proposal_id=row.id, worker="w-1", inspector=gate.inspector)
    assert isinstance(claimed, Claim)
    execute(gate.begin, claim=claimed, executor=gate.executor)
    return row


def told_by(gate: Any, aws: ServedAws, folder: Path) -> Judged:
    """The journal as the sandbox hands it out over HTTP, against the log.

    The sandbox goes by the machine's clock and the gate by the test's, which stands still: its time is put in.
    """
    with urllib.request.urlopen(f"{aws.address}/spendgate-sandbox/trail") as answer:  # noqa: S310 (loopback)
        (folder / "trail.json").write_bytes(answer.read())
    raws = [raw for raw in records(folder / "trail.json") if isinstance(raw, Raw)]
    shift = gate.now.isoformat()[:19] + "Z"
    raws = [raw._replace(record=raw.record | {"eventTime": shift}) for raw in raws]
    with gate.reading() as (session, _):
        logged = gather(session, skew=SKEW)
    return compare(logged, raws, ours([USER]), Period())


def test_what_the_gate_did_is_the_whole_population(cloud: Any, aws: ServedAws, tmp_path: Path) -> None:
    done = carried_out(cloud, ONE)
    assert reconcile(cloud.begin, proposal_id=done.id, inspector=cloud.inspector) == State.VERIFIED
    aws.faults.add(Fault("StopInstances", FaultMode.DROP_RESPONSE))
    lost = carried_out(cloud, TWO)
    assert cloud.state(lost) == State.UNKNOWN
    assert reconcile(cloud.begin, proposal_id=lost.id, inspector=cloud.inspector) == State.VERIFIED
    aws.faults.add(Fault("StopInstances", FaultMode.DROP_REQUEST))
    carried_out(cloud, THREE)
    told = told_by(cloud, aws, tmp_path)
    assert told.findings == []
    assert [pair.effect.planned.proposal for pair in told.matched] == [done.id, lost.id]
    assert (told.calls["matched"], told.effects["matched"], told.effects["open"]) == (2, 2, 1)


def test_what_somebody_did_beside_the_gate_under_its_key_is_found(cloud: Any, aws: ServedAws, tmp_path: Path) -> None:
    carried_out(cloud, ONE)
    beside = boto3.client(
        "ec2", endpoint_url=aws.address, region_name=REGION, aws_access_key_id=aws.access_key,
        aws_secret_access_key="any",
    )  # fmt: skip
    beside.stop_instances(InstanceIds=[FREE])
    beside.start_instances(InstanceIds=[ONE])
    told = told_by(cloud, aws, tmp_path)
    assert [(one.name, one.call and one.call.resource()) for one in told.findings] == [
        ("orphan", FREE),
        ("orphan", ONE),
    ]
    assert told.calls["matched"] == 1
