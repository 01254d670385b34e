"""What stands in AWS for the tests of savings' changes, a change of each kind, and what is done with one.

boto3 against the sandbox, which counts what it changed and refuses what AWS refuses.
"""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from approvals.changes.change import parse_change
from approvals.claim import claim
from approvals.executors.aws import aws_clients
from approvals.lease import Claim
from approvals.reconcile import reconcile
from approvals.states import State
from sandbox.aws.serve import ServedAws
from tests.approvals.gate_stubs import SAM

ACCOUNT, REGION, PEER = "111122223333", "eu-central-1", "p-09ee0006"
PLACE = {"account": ACCOUNT, "region": REGION}
TAGS = {"Name": "x", "environment": "development", "team": "Risk Models"}
BORNE = " ".join(f"{key}={value}" for key, value in sorted(TAGS.items()))
CHEAP = {"amount": "900", "currency": "USD"}
NUMBER = 60
MACHINE = "i-0ddddddddddddd000"
DISKS = [f"vol-0aaaaaaaaaaaaa{at:03d}" for at in range(NUMBER)]
ADDRESSES = [f"eipalloc-0aaaaaaaaaaaaa{at:03d}" for at in range(NUMBER)]
NOTEBOOKS = [f"notebook-{at}" for at in range(NUMBER)]
ENDPOINTS = [f"endpoint-{at}" for at in range(NUMBER)]
SCALING = [f"scaling-{at}" for at in range(NUMBER)]
TYPED = [f"typed-{at}" for at in range(NUMBER)]
SERVING = [f"serving-{at}" for at in range(NUMBER)]
LOG_GROUPS = [f"/bank/service-{at:03d}" for at in range(NUMBER)]
GROUPS = [f"web-{at:03d}" for at in range(NUMBER)]
UNITS = [f"{at:012d}" for at in range(NUMBER)]
DESKS = [f"i-0eeeeeeeeeeeee{at:03d}" for at in range(NUMBER)]
KEYS = [f"AKIAX{at:015d}" for at in range(NUMBER)]
TRAIL, CASE, HOLD = "/aws/cloudtrail/organization", "/bank/case", {"Data Retention": "10y"}
SECOND, ATTACHED = "vol-0cccccccccccccc99", "eipalloc-0ccccccccccccc99"
"""A second disk and an elastic address of the sixth last stopped machine."""
UNUSED = [f"vol-0bbbbbbbbbbbbb{at:03d}" for at in range(1, NUMBER)]
COPIES = [f"snap-0aaaaaaaaaaaa{at:03d}" for at in range(NUMBER)]
HALTED = [f"i-0ccccccccccccc{at:03d}" for at in range(NUMBER)]
next_disk, next_address, next_notebook, next_endpoint, next_log_group = (count() for _ in range(5))
next_group, next_units, next_desk, next_key, next_serving, next_scaling, next_typed = (count() for _ in range(7))
next_halted, next_copy, next_unused = count(), count(), count()


def clients_of(aws: ServedAws) -> Any:
    """boto3's clients for the estate, as the worker makes them."""
    return aws_clients(endpoint_url=aws.address, access_key=aws.access_key, secret_key="any")


def disk(name: str = "", **more: Any) -> dict[str, Any]:
    return {
        "kind": "change_volume_type", **PLACE, "volume_id": name or DISKS[next(next_disk)], "size_gib": 100,
        "from_type": "gp2", "to_type": "gp3", "iops": 3000, "throughput": 125,
    } | more  # fmt: skip


def address(name: str = "", **more: Any) -> dict[str, Any]:
    return {"kind": "release_address", **PLACE, "allocation_id": name or ADDRESSES[next(next_address)]} | more


def notebook(name: str = "", **more: Any) -> dict[str, Any]:
    return {"kind": "stop_notebook", **PLACE, "notebook": name or NOTEBOOKS[next(next_notebook)]} | more


def endpoint(name: str = "", **more: Any) -> dict[str, Any]:
    """As a rule of the bill asks for it: what the endpoint runs no bill tells."""
    return {"kind": "delete_endpoint", **PLACE, "endpoint": name or ENDPOINTS[next(next_endpoint)]} | more


def machines(name: str = "", **more: Any) -> dict[str, Any]:
    """Another number of machines for an endpoint; which variant they run no bill tells."""
    given = {"endpoint": name or SERVING[next(next_serving)], "before": 6, "after": 2}
    return {"kind": "set_endpoint_count", **PLACE, **given} | more


def scaling(name: str = "", **more: Any) -> dict[str, Any]:
    """An endpoint's number of machines to follow its calls; which variant they run no bill tells."""
    given = {"endpoint": name or SCALING[next(next_scaling)], "least": 2, "most": 6, "calls": 900}
    return {"kind": "set_endpoint_scaling", **PLACE, **given} | more


def machine_type(name: str = "", **more: Any) -> dict[str, Any]:
    """An endpoint on smaller machines; what it runs else no bill tells."""
    given = {"endpoint": name or TYPED[next(next_typed)], "before": "ml.g4dn.2xlarge", "after": "ml.g4dn.xlarge"}
    return {"kind": "set_endpoint_type", **PLACE, **given} | more


def log_group(name: str = "", **more: Any) -> dict[str, Any]:
    given = {"log_group": name or LOG_GROUPS[next(next_log_group)], "days": 365}
    return {"kind": "set_log_retention", **PLACE, **given} | more


def group(name: str = "", **more: Any) -> dict[str, Any]:
    given = {"group": name or GROUPS[next(next_group)], "before": 8, "after": 3}
    return {"kind": "set_group_minimum", **PLACE, **given} | more


def units(name: str = "", **more: Any) -> dict[str, Any]:
    return {"kind": "delete_throughput", **PLACE, "throughput": name or UNITS[next(next_units)]} | more


def schedule(name: str = "", **more: Any) -> dict[str, Any]:
    given = {"instance_id": name or DESKS[next(next_desk)], "hour": 20, "zone": "Europe/Berlin"}
    return {"kind": "schedule_stop", **PLACE, **given, "until": "2027-01-31", "role": "evenings"} | more


def access_key(name: str = "", **more: Any) -> dict[str, Any]:
    key = name or KEYS[next(next_key)]
    return {"kind": "disable_access_key", "account": ACCOUNT, "user": f"job-{key[-3:]}", "key_id": key} | more


def ended(name: str = "", **more: Any) -> dict[str, Any]:
    """A stopped machine to be terminated after an image of it was made."""
    machine = name or HALTED[next(next_halted)]
    return {"kind": "terminate_instance", **PLACE, "instance_id": machine, "image_name": f"kept-{machine}"} | more


def old_disk(name: str = "", **more: Any) -> dict[str, Any]:
    """A disk to be deleted after a snapshot of it was made."""
    return {
        "kind": "delete_volume",
        **PLACE,
        "volume_id": name or UNUSED[next(next_unused)],
        "snapshot": "first",
    } | more


def tag(name: str = "", **more: Any) -> dict[str, Any]:
    """A tag for a disk that has none of this key."""
    given = {"resource_type": "volume", "resource_id": name or DISKS[next(next_disk)]}
    return {"kind": "add_tag", **PLACE, **given, "key": "use_case", "value": "fraud"} | more


def copy(name: str = "", **more: Any) -> dict[str, Any]:
    return {"kind": "delete_snapshot", **PLACE, "snapshot_id": name or COPIES[next(next_copy)]} | more


Make = Callable[[], dict[str, Any]]
EACH: list[tuple[Make, str, tuple[str, str, str]]] = [
    (disk, "ModifyVolume", (" type", "gp2", "gp3")),
    (address, "ReleaseAddress", ("", "unattached", "absent")),
    (notebook, "StopNotebookInstance", ("", "InService", "Stopped")),
    (endpoint, "DeleteEndpoint", ("", "InService", "absent")),
    (machines, "UpdateEndpointWeightsAndCapacities", (" machines", "6", "2")),
    (log_group, "PutRetentionPolicy", (" retention", "never", "365")),
    (schedule, "CreateSchedule", (" schedule", "absent", "cron(0 20 1-31 1-12 ? 1970-2199) ENABLED")),
    (units, "DeleteProvisionedModelThroughput", ("", "InService", "absent")),
    (group, "UpdateAutoScalingGroup", (" minimum", "8", "3")),
    (access_key, "UpdateAccessKey", ("", "Active", "Inactive")),
    (tag, "CreateTags", (" tags", BORNE, f"{BORNE} use_case=fraud")),
    (copy, "DeleteSnapshot", ("", "completed", "absent")),
]
NAMES = [
    "change_volume_type", "release_address", "stop_notebook", "delete_endpoint", "set_endpoint_count",
    "set_log_retention", "schedule_stop", "delete_throughput", "set_group_minimum", "disable_access_key",
    "add_tag", "delete_snapshot",
]  # fmt: skip
FOR_GOOD = (
    "release_address", "set_log_retention", "delete_throughput", "terminate_instance", "delete_snapshot",
    "delete_volume",
)  # fmt: skip
each = pytest.mark.parametrize(("make", "action", "moved"), EACH, ids=NAMES)


def target(change: dict[str, Any]) -> str:
    return str(parse_change(change).target)


def approved(gate: Any, change: dict[str, Any]) -> Any:
    """By two people where it cannot be undone, by one where it can."""
    voters = (SAM, PEER) if change["kind"] in FOR_GOOD else (SAM,)
    return gate.approved(*voters, change=change, evidence=CHEAP)


def claimed(gate: Any, change: dict[str, Any]) -> Claim:
    row = approved(gate, change)
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    assert isinstance(got, Claim), got
    return got


def read_back(gate: Any, got: Claim) -> State:
    return reconcile(gate.begin, proposal_id=got.proposal_id, inspector=gate.inspector)


def moves(aws: ServedAws, name: str) -> list[tuple[str, str, str]]:
    """What happened to the resource; of an address or an endpoint that comes or goes and a type
    that changes, the one line that says so."""
    mine = [told for told in aws.journal.changes() if told[0].split()[0] == name]
    return [told for told in mine if not (told[0].endswith(" machines") and "absent" in told[1:])]
