"""Every change and every spoilt answer on real client code: boto3 against the sandbox, which counts what it changed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from approvals.changes.change import parse_change
from approvals.claim import claim
from approvals.execute import execute
from approvals.executors.aws import AwsExecutor, aws_clients
from approvals.executors.port import NoAnswer
from approvals.inspectors.instance import InstanceInspector
from approvals.inspectors.nodegroup import NodeGroupInspector
from approvals.inspectors.port import CannotLook, NotSealable
from approvals.inspectors.router import Router
from approvals.inspectors.volume import VolumeInspector
from approvals.lease import Claim
from approvals.proceed import proceed
from approvals.reconcile import reconcile
from approvals.resend import resend
from approvals.settling import SETTLE
from approvals.states import State
from approvals.store import effects_of
from sandbox.aws.faults import Fault, FaultMode
from sandbox.aws.serve import ServedAws, serve_aws
from tests.approvals.gate_stubs import PEOPLE, SAM
from tests.approvals.looking import refusal_of

pytestmark = pytest.mark.slow

ACCOUNT, REGION, PEER = "111122223333", "eu-central-1", "p-09ee0006"
MACHINES = [f"i-0ddddddddddddd{at:03d}" for at in range(60)]
VOLUMES = [f"vol-0ddddddddddddd{at:03d}" for at in range(22)]
UNTOUCHED, ATTACHED, MANAGED = VOLUMES[19:22]
TAGS = {"Name": "x", "environment": "development", "team": "Risk Models"}
CHEAP = {"amount": "900", "currency": "USD"}
PLACE = {"account": ACCOUNT, "region": REGION}


@pytest.fixture(scope="session")
def new_gate(on_sqlite: Any) -> Any:
    """One database is enough here: these tests are about the client's other end."""
    return on_sqlite


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAws]:
    path = tmp_path_factory.mktemp("aws") / "machines.json"
    zone = f"{REGION}a"
    machines = [
        {**PLACE, "instance_id": name, "instance_type": "g5.12xlarge", "zone": zone, "state": "running", "gpus": 4,
         "launch_time": "2026-08-01T06:00:00Z", "tags": TAGS} for name in MACHINES
    ]  # fmt: skip
    volumes = [{**PLACE, "volume_id": name, "zone": zone, "size": 500, "tags": TAGS} for name in VOLUMES]
    volumes[20]["attached_to"] = MACHINES[59]
    volumes[21]["tags"] = TAGS | {"kubernetes.io/created-for/pvc/name": "data"}
    groups = [
        {**PLACE, "cluster": "batch", "nodegroup": f"g{at}", "min": 1, "max": 4, "desired": 3, "tags": TAGS}
        for at in range(24)
    ]
    path.write_text(json.dumps({"machines": machines, "volumes": volumes, "node_groups": groups}))
    with serve_aws(path) as served:
        yield served


@pytest.fixture
def cloud(gate: Any, aws: ServedAws) -> Any:
    clients = aws_clients(endpoint_url=aws.address, access_key=aws.access_key, secret_key="any")
    instance = InstanceInspector(clients)
    kinds = ("stop_instance", "start_instance", "resize_instance", "undo_instance")
    eyes: dict[str, Any] = {"delete_volume": VolumeInspector(clients), "scale_node_group": NodeGroupInspector(clients)}
    gate.inspector, gate.executor = Router({**dict.fromkeys(kinds, instance), **eyes}), AwsExecutor(clients)
    gate.adopt("people", PEOPLE + f'\n[[person]]\nid = "{PEER}"\nname = "Petra Peer"\nroles = ["peer"]\n')
    aws.faults.clear()
    return gate


fresh = {"machine": iter(MACHINES[:58]), "volume": iter(VOLUMES[:19]), "group": iter(range(24))}


def stop() -> dict[str, Any]:
    return {"kind": "stop_instance", **PLACE, "instance_id": next(fresh["machine"])}


def resize(**more: Any) -> dict[str, Any]:
    return stop() | {"kind": "resize_instance", "from_type": "g5.12xlarge", "to_type": "g5.xlarge"} | more


def delete(name: str = "") -> dict[str, Any]:
    return {"kind": "delete_volume", **PLACE, "volume_id": name or next(fresh["volume"])}


def scale() -> dict[str, Any]:
    sizes = {"before": {"min": 1, "max": 4, "desired": 3}, "after": {"min": 0, "max": 4, "desired": 0}}
    return {"kind": "scale_node_group", **PLACE, "cluster": "batch", "nodegroup": f"g{next(fresh['group'])}", **sizes}


def claimed(gate: Any, change: dict[str, Any]) -> Claim:
    voters = (SAM, PEER) if change["kind"] == "delete_volume" else (SAM,)
    row = gate.approved(*voters, change=change, evidence=CHEAP)
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    assert isinstance(got, Claim), got
    return got


def go_on(gate: Any, got: Claim) -> State:
    return proceed(
        gate.begin, proposal_id=got.proposal_id, worker="w1", inspector=gate.inspector, executor=gate.executor
    )


def read_back(gate: Any, got: Claim) -> State:
    return reconcile(gate.begin, proposal_id=got.proposal_id, inspector=gate.inspector)


def changes(aws: ServedAws, target: str) -> list[tuple[str, str, str]]:
    return [told for told in aws.journal.changes() if told[0].split()[0] == target]


def calls(aws: ServedAws, target: str) -> list[str]:
    return [call.action for call in aws.journal.calls() if target in call.resources]


def test_a_resize_on_real_client_code(cloud: Any, aws: ServedAws) -> None:
    change = resize()
    got = claimed(cloud, change)
    name = change["instance_id"]
    assert calls(aws, name) == []
    aws.faults.add(Fault(action="StopInstances", mode=FaultMode.SLOW))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.EXECUTING
    assert go_on(cloud, got) == State.EXECUTING
    assert calls(aws, name) == ["StopInstances"]
    assert name in aws.settle()
    assert go_on(cloud, got) == State.EXECUTING
    assert go_on(cloud, got) == State.SUCCEEDED
    assert read_back(cloud, got) == State.VERIFIED
    assert changes(aws, name) == [
        (name, "running", "stopped"),
        (f"{name} type", "g5.12xlarge", "g5.xlarge"),
        (name, "stopped", "running"),
    ]
    with cloud.reading() as (session, _):
        tokens = [effect.token for effect in effects_of(session, got.proposal_id)]
    assert [call.mark for call in aws.journal.calls() if name in call.resources] == tokens


def test_a_type_change_that_aws_refuses_ends_it_with_the_stop_named(cloud: Any, aws: ServedAws) -> None:
    change = resize()
    got = claimed(cloud, change)
    execute(cloud.begin, claim=got, executor=cloud.executor)
    known = cloud.inspector.read_back

    def late(asked: Any) -> Any:
        fields = known(asked)
        clients = aws_clients(endpoint_url=aws.address, access_key=aws.access_key, secret_key="any")
        clients(ACCOUNT, REGION, "ec2").start_instances(InstanceIds=[change["instance_id"]])
        return fields

    cloud.inspector.read_back = late
    assert go_on(cloud, got) == State.DIVERGED
    assert "step 1 was done; step 2 was refused (IncorrectInstanceState)" in cloud.row(got.proposal_id).reason


def test_a_volume_on_real_client_code(cloud: Any, aws: ServedAws) -> None:
    change = delete()
    got = claimed(cloud, change)
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.SUCCEEDED
    assert read_back(cloud, got) == State.VERIFIED
    assert changes(aws, change["volume_id"]) == [(change["volume_id"], "available", "absent")]


def test_a_node_group_on_real_client_code(cloud: Any, aws: ServedAws) -> None:
    change = scale()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action="UpdateNodegroupConfig", mode=FaultMode.SLOW))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.SUCCEEDED
    assert read_back(cloud, got) == State.SUCCEEDED
    name = f"batch/{change['nodegroup']}"
    assert aws.settle() == [name]
    assert read_back(cloud, got) == State.VERIFIED
    assert changes(aws, name) == [(name, "3 (1 to 4)", "0 (0 to 4)")]


TAKEN = [
    FaultMode.OTHER_ID, FaultMode.EMPTY, FaultMode.WRONG_BEFORE, FaultMode.NONSENSE, FaultMode.TRUNCATED,
    FaultMode.DROP_RESPONSE,
]  # fmt: skip
LOST = [FaultMode.DROP_REQUEST, FaultMode.PROXY, FaultMode.ERROR]
STOPS = [(mode, State.VERIFIED, 1) for mode in TAKEN] + [(mode, State.FAILED, 0) for mode in LOST]


@pytest.mark.parametrize(("mode", "end", "count"), STOPS, ids=[row[0].value for row in STOPS])
def test_an_answer_to_a_stop_that_is_none(cloud: Any, aws: ServedAws, mode: FaultMode, end: State, count: int) -> None:
    change = stop()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action="StopInstances", mode=mode))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.UNKNOWN
    cloud.later(seconds=SETTLE.total_seconds())
    assert read_back(cloud, got) == end
    assert resend(cloud.begin, proposal_id=got.proposal_id, worker="w1", executor=cloud.executor) is None
    assert len(changes(aws, change["instance_id"])) == len(calls(aws, change["instance_id"])) == count


DELETIONS = [
    (FaultMode.NONSENSE, State.VERIFIED),
    (FaultMode.TRUNCATED, State.VERIFIED),
    (FaultMode.DROP_RESPONSE, State.VERIFIED),
    (FaultMode.PROXY, State.FAILED),
    (FaultMode.DROP_REQUEST, State.FAILED),
]


@pytest.mark.parametrize(("mode", "end"), DELETIONS, ids=[row[0].value for row in DELETIONS])
def test_a_deletion_is_sent_once_whatever_comes_back(cloud: Any, aws: ServedAws, mode: FaultMode, end: State) -> None:
    change = delete()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action="DeleteVolume", mode=mode))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.UNKNOWN
    for _ in range(25):
        cloud.later(seconds=30)
        read_back(cloud, got)
        resend(cloud.begin, proposal_id=got.proposal_id, worker="w1", executor=cloud.executor)
    assert cloud.state(got) == end
    assert len(calls(aws, change["volume_id"])) == (1 if end == State.VERIFIED else 0)


SCALINGS = [FaultMode.DROP_REQUEST, FaultMode.PROXY, FaultMode.ERROR, FaultMode.LATE]


@pytest.mark.parametrize("mode", SCALINGS, ids=[mode.value for mode in SCALINGS])
def test_a_lost_scaling_is_sent_again_and_scales_once(cloud: Any, aws: ServedAws, mode: FaultMode) -> None:
    change = scale()
    got = claimed(cloud, change)
    name = f"batch/{change['nodegroup']}"
    aws.faults.add(Fault(action="UpdateNodegroupConfig", mode=mode))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.UNKNOWN
    assert read_back(cloud, got) == State.RECONCILING
    cloud.later(seconds=30)
    again = resend(cloud.begin, proposal_id=got.proposal_id, worker="w1", executor=cloud.executor)
    assert again == State.SUCCEEDED
    aws.settle()  # the first request arrives now, if it was only held up
    assert read_back(cloud, got) == State.VERIFIED
    assert len(changes(aws, name)) == 1


@pytest.mark.parametrize("mode", [FaultMode.EMPTY, FaultMode.NONSENSE, FaultMode.TRUNCATED])
def test_a_spoilt_answer_to_a_scaling_is_none(cloud: Any, aws: ServedAws, mode: FaultMode) -> None:
    got = claimed(cloud, scale())
    aws.faults.add(Fault(action="UpdateNodegroupConfig", mode=mode))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.UNKNOWN
    assert read_back(cloud, got) == State.VERIFIED


def test_an_effect_that_comes_late_is_found_within_the_settle_time(cloud: Any, aws: ServedAws) -> None:
    change = stop()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action="StopInstances", mode=FaultMode.LATE))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.UNKNOWN
    cloud.later(minutes=9)
    assert read_back(cloud, got) == State.RECONCILING
    assert change["instance_id"] in aws.settle()
    assert read_back(cloud, got) == State.VERIFIED


def test_a_yes_without_a_deed_is_not_believed(cloud: Any, aws: ServedAws) -> None:
    got = claimed(cloud, stop())
    aws.faults.add(Fault(action="StopInstances", mode=FaultMode.HOLLOW))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.SUCCEEDED
    cloud.later(seconds=SETTLE.total_seconds())
    assert read_back(cloud, got) == State.DIVERGED
    assert "carried out, but it now reads state running" in cloud.row(got.proposal_id).reason


def test_awss_own_log_tells_of_an_effect_that_somebody_undid_meanwhile(cloud: Any, aws: ServedAws) -> None:
    change = scale()
    group = parse_change(change)
    got = claimed(cloud, change)
    aws.faults.add(Fault(action="UpdateNodegroupConfig", mode=FaultMode.DROP_RESPONSE))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.UNKNOWN
    clients = aws_clients(endpoint_url=aws.address, access_key=aws.access_key, secret_key="any")
    AwsExecutor(clients).send(group.inverse().steps()[0].request, token="f" * 32)  # type: ignore[union-attr]
    # The sandbox's log runs on this machine's clock, the gate on a clock of its own.
    told = NodeGroupInspector(clients).history(group, cloud.now.replace(year=2000))
    known = cloud.inspector.history
    cloud.inspector.history = lambda asked, _since: known(asked, cloud.now.replace(year=2000))
    assert {one.token for one in told} > {"f" * 32}
    cloud.later(seconds=SETTLE.total_seconds())
    assert read_back(cloud, got) == State.DIVERGED
    assert "as the provider's history shows" in cloud.row(got.proposal_id).reason


def test_a_log_that_does_not_answer_leaves_the_read_back_to_decide(cloud: Any, aws: ServedAws) -> None:
    got = claimed(cloud, stop())
    aws.faults.add(Fault(action="StopInstances", mode=FaultMode.DROP_REQUEST))
    aws.faults.add(Fault(action="LookupEvents", mode=FaultMode.ERROR))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.UNKNOWN
    cloud.later(seconds=SETTLE.total_seconds())
    assert read_back(cloud, got) == State.FAILED


LOOKS: list[tuple[str, dict[str, Any], str | None]] = [
    ("a volume", delete(UNTOUCHED), None),
    ("an attached volume", delete(ATTACHED), "attached"),
    ("a cluster's volume", delete(MANAGED), "managed"),
    ("a volume that is not there", delete("vol-0ccccccccccccccc1"), "not_found"),
    ("a volume of another account", delete(UNTOUCHED) | {"account": "999999999999"}, "other_account"),
    ("a resize", resize(), None),
    ("a resize from another type", resize(from_type="g5.24xlarge"), "wrong_type"),
    ("a resize of a running one as stopped", resize(found="stopped"), "wrong_state"),
    ("a resize to a type that is not there", resize(to_type="g99.xlarge"), "no_such_type"),
    ("a resize to another architecture", resize(to_type="m6g.large"), "other_architecture"),
    ("a node group", scale(), None),
    ("a node group that is not there", scale() | {"nodegroup": "none"}, "not_found"),
    ("a cluster that is not there", scale() | {"cluster": "none"}, "not_found"),
    ("other sizes", scale() | {"before": {"min": 1, "max": 5, "desired": 3}}, "wrong_sizes"),
    ("a node group of another account", scale() | {"account": "999999999999"}, "other_account"),
]


@pytest.mark.parametrize(("what", "change", "code"), LOOKS, ids=[row[0] for row in LOOKS])
def test_a_look_at(cloud: Any, aws: ServedAws, what: str, change: dict[str, Any], code: str | None) -> None:
    assert refusal_of(cloud.inspector, aws, change) == code


DESCRIBING = [
    ("DescribeInstances", stop), ("DescribeInstanceTypes", resize), ("DescribeVolumes", delete),
    ("GetCallerIdentity", delete),
]  # fmt: skip
UNREADABLE = [FaultMode.NONSENSE, FaultMode.TRUNCATED, FaultMode.ERROR, FaultMode.THROTTLE, FaultMode.DROP_RESPONSE]


@pytest.mark.parametrize("mode", UNREADABLE, ids=[mode.value for mode in UNREADABLE])
@pytest.mark.parametrize(("action", "make"), DESCRIBING, ids=[row[0] for row in DESCRIBING])
def test_a_look_without_an_answer_decides_nothing(
    cloud: Any, aws: ServedAws, action: str, make: Any, mode: FaultMode
) -> None:
    change = make(UNTOUCHED) if make is delete else make_look(make)
    aws.faults.add(Fault(action=action, mode=mode))
    with pytest.raises(CannotLook):
        cloud.inspector.look(parse_change(change))


def make_look(make: Any) -> dict[str, Any]:
    """A machine that no test changes."""
    more: dict[str, Any] = {"instance_id": MACHINES[58]}
    return {"kind": "stop_instance", **PLACE, **more} if make is stop else RESIZE_LOOK | more


RESIZE_LOOK = {"kind": "resize_instance", **PLACE, "from_type": "g5.12xlarge", "to_type": "g5.xlarge"}


def test_a_kind_without_eyes_is_not_sealed_and_a_kind_with_two_pairs_is_refused(cloud: Any) -> None:
    blind = Router({})
    change = parse_change(make_look(stop))
    seen = blind.look(change)
    assert isinstance(seen, NotSealable)
    assert seen.code == "no_inspector"
    with pytest.raises(CannotLook):
        blind.read_back(change)
    with pytest.raises(Exception, match="Two inspectors"):
        cloud.inspector.also({"stop_instance": cloud.inspector})


def test_an_answer_that_was_not_written_by_aws_is_none(aws: ServedAws) -> None:
    clients = aws_clients(endpoint_url=aws.address, access_key=aws.access_key, secret_key="any")
    for mode in (FaultMode.PROXY, FaultMode.NONSENSE):
        aws.faults.add(Fault(action="StopInstances", mode=mode))
        with pytest.raises(NoAnswer):
            AwsExecutor(clients).send(parse_change(make_look(stop)).steps()[0].request, token="a" * 32)
