"""The estate of savings in the sandbox, and the gate whose worker looks at it and changes it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.processes.cloud import eyes
from approvals.executors.aws import AwsExecutor
from sandbox.aws.serve import ServedAws, serve_aws
from tests.approvals.gate_stubs import PEOPLE
from tests.approvals.savings.estate import (
    ADDRESSES,
    ATTACHED,
    CASE,
    COPIES,
    DESKS,
    DISKS,
    ENDPOINTS,
    GROUPS,
    HALTED,
    HOLD,
    KEYS,
    LOG_GROUPS,
    MACHINE,
    NOTEBOOKS,
    PEER,
    PLACE,
    REGION,
    SCALING,
    SECOND,
    SERVING,
    TAGS,
    TRAIL,
    TYPED,
    UNITS,
    UNUSED,
    clients_of,
)


@pytest.fixture(scope="session")
def new_gate(on_sqlite: Any) -> Any:
    """One database is enough here: these tests are about the client's other end."""
    return on_sqlite


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAws]:
    """The sandbox with the estate, for all tests of a process: each takes resources that no other one touches."""
    path, zone = tmp_path_factory.mktemp("aws") / "machines.json", f"{REGION}a"
    machine = {**PLACE, "instance_id": MACHINE, "instance_type": "g5.12xlarge", "zone": zone, "state": "running",
               "launch_time": "2026-08-01T06:00:00Z", "tags": TAGS}  # fmt: skip
    disks: list[dict[str, Any]] = [
        {**PLACE, "volume_id": name, "zone": zone, "size": 100, "type": "gp2", "tags": TAGS} for name in DISKS
    ]
    disks[-1]["tags"] = TAGS | {"aws:cloudformation:stack-name": "ledger"}
    disks[-2]["type"] = "gp3"
    addresses: list[dict[str, Any]] = [{**PLACE, "allocation_id": name, "tags": TAGS} for name in ADDRESSES]
    addresses[-1]["attached_to"] = MACHINE
    addresses[-2]["tags"] = TAGS | {"kubernetes.io/service-name": "shop"}
    notebooks: list[dict[str, Any]] = [
        {**PLACE, "notebook": name, "instance_type": "ml.t3.xlarge", "status": "InService", "tags": TAGS}
        for name in NOTEBOOKS
    ]
    notebooks[-1]["status"] = "Stopped"
    endpoints: list[dict[str, Any]] = [
        {**PLACE, "endpoint": name, "config": f"{name}-v1", "instance_type": "ml.g4dn.xlarge", "tags": TAGS}
        for name in ENDPOINTS
    ]
    endpoints[-1]["tags"] = TAGS | {"aws:cloudformation:stack-name": "scoring"}
    endpoints[-2]["tags"] = TAGS | {"role": "Standby"}
    serving: list[dict[str, Any]] = [
        {**endpoints[0], "endpoint": name, "config": f"{name}-v1", "tags": TAGS, "machines": 6} for name in SERVING
    ]
    serving[-1]["tags"] = TAGS | {"aws:cloudformation:stack-name": "scoring"}
    scaling: list[dict[str, Any]] = [
        {**serving[0], "endpoint": name, "config": f"{name}-v1", "tags": TAGS} for name in SCALING
    ]
    scaling[-1]["tags"] = TAGS | {"aws:cloudformation:stack-name": "scoring"}
    scaling[-2]["tags"] = TAGS | {"role": "Standby"}
    scaling[-3]["instance_type"] = "ml.t2.xlarge"
    typed: list[dict[str, Any]] = [
        {**serving[0], "endpoint": name, "config": f"{name}-v1", "tags": TAGS, "machines": 2,
         "instance_type": "ml.g4dn.2xlarge"}
        for name in TYPED
    ]  # fmt: skip
    typed[-1]["tags"] = TAGS | {"aws:cloudformation:stack-name": "scoring"}
    typed[-2]["tags"] = TAGS | {"role": "Standby"}
    desks: list[dict[str, Any]] = [{**machine, "instance_id": name, "instance_type": "m6a.4xlarge"} for name in DESKS]
    desks[-1]["tags"] = TAGS | {"environment": "production"}
    desks[-2]["tags"] = TAGS | {"aws:autoscaling:groupName": "web"}
    desks[-3]["state"] = "stopped"
    desks[-5]["tags"] = TAGS | {"standby": "yes"}
    halted: list[dict[str, Any]] = [
        {**machine, "instance_id": name, "instance_type": "m6a.4xlarge", "state": "stopped"} for name in HALTED
    ]
    halted[-1]["state"] = "running"
    halted[-2]["tags"] = TAGS | {"aws:autoscaling:groupName": "web"}
    halted[-3]["tags"] = TAGS | {"aws:cloudformation:stack-name": "web"}
    halted[-4]["tags"] = TAGS | {"eks:cluster-name": "batch"}
    halted[-5]["tags"] = TAGS | {"aws:ec2launchtemplate:id": "lt-0123456789abcdef0"}
    disks.append({**PLACE, "volume_id": SECOND, "zone": zone, "size": 50, "tags": TAGS, "attached_to": HALTED[-6]})
    disks += [{**disks[0], "volume_id": name} for name in UNUSED]
    addresses.append({**PLACE, "allocation_id": ATTACHED, "tags": TAGS, "attached_to": HALTED[-6]})
    estate = {"machines": [machine, *desks, *halted], "volumes": disks, "addresses": addresses, "notebooks": notebooks}
    log_groups: list[dict[str, Any]] = [{**PLACE, "log_group": name, "tags": TAGS} for name in LOG_GROUPS]
    log_groups[-1]["tags"] = TAGS | {"aws:cloudformation:stack-name": "scoring"}
    log_groups[-2]["tags"] = TAGS | {"legal-hold": "case 7"}
    log_groups[-3]["days"] = 90
    log_groups[-4]["days"] = 1827
    log_groups += [{**PLACE, "log_group": TRAIL, "tags": TAGS}, {**PLACE, "log_group": CASE, "tags": TAGS | HOLD}]
    groups: list[dict[str, Any]] = [
        {**PLACE, "group": name, "zone": zone, "min": 8, "max": 12, "tags": TAGS, "tracks_cpu": 50} for name in GROUPS
    ]
    groups[-1]["tags"] = TAGS | {"aws:cloudformation:stack-name": "web"}
    groups[-2]["tags"] = TAGS | {"k8s.io/cluster-autoscaler/enabled": "true"}
    groups[-3].pop("tracks_cpu")
    groups[-4]["min"] = 9
    estate |= {
        "endpoints": [*endpoints, *serving, *scaling, *typed],
        "log_groups": log_groups,
        "scaling_groups": groups,
    }
    estate |= copies()
    estate |= {"throughputs": throughputs(), "access_keys": access_keys()}
    path.write_text(json.dumps(estate))
    with serve_aws(path) as served:
        yield served


def access_keys() -> list[dict[str, Any]]:
    """Of the last three one is disabled, one was used in November, and one is another user's."""
    made = [
        {**PLACE, "user": f"job-{name[-3:]}", "key_id": name, "created_at": "2026-01-05T09:00:00Z", "tags": TAGS}
        for name in KEYS
    ]
    made[-1]["status"] = "Inactive"
    made[-2]["last_used_at"] = "2026-11-02T09:00:00Z"
    return made


def copies() -> dict[str, list[dict[str, Any]]]:
    """Snapshots of disks that are gone; of the last eight each is kept by something, but the first of them."""
    made: list[dict[str, Any]] = [
        {**PLACE, "snapshot_id": name, "volume_id": "vol-0bbbbbbbbbbbbb000", "size": 80, "tags": TAGS,
         "started_at": "2025-01-05T03:00:00Z"} for name in COPIES
    ]  # fmt: skip
    made[-1]["tags"] = TAGS | {"aws:backup:source-resource": "x"}
    made[-2]["tags"] = TAGS | {"dlm:managed": "true"}
    made[-3]["tags"] = TAGS | {"legal-hold": "case 7"}
    made[-4] |= {"lock": "governance"}
    made[-5] |= {"shared_with": ["999999999999"]}
    made[-6] |= {"state": "pending"}
    made[-8] |= {"lock": "expired"}
    image = {**PLACE, "image_id": "ami-0aaaaaaaaaaaaaaa1", "name": "base", "snapshot": COPIES[-7]}
    return {"snapshots": made, "images": [image]}


def throughputs() -> list[dict[str, Any]]:
    """Of the last three one belongs to a stack, one is bound to a term, and of one the term is over."""
    made: list[dict[str, Any]] = [
        {**PLACE, "throughput": name, "name": f"units-{name}", "model": "anthropic.claude-v2", "units": 2, "tags": TAGS}
        for name in UNITS
    ]
    made[-1]["tags"] = TAGS | {"aws:cloudformation:stack-name": "summaries"}
    made[-2] |= {"commitment": "SixMonths", "until": "2099-06-30T00:00:00Z"}
    made[-3] |= {"commitment": "OneMonth", "until": "2026-03-01T00:00:00Z"}
    return made


@pytest.fixture
def cloud(gate: Any, aws: ServedAws) -> Any:
    clients = clients_of(aws)
    gate.inspector = eyes(clients)
    gate.executor = AwsExecutor(clients)
    gate.adopt("people", PEOPLE + f'\n[[person]]\nid = "{PEER}"\nname = "Petra Peer"\nroles = ["peer"]\n')
    aws.faults.clear()
    return gate
