"""The changes that rules of savings lead to, on real client code: done, undone, refused, and every kind of lost answer.

boto3 against the sandbox, which counts what it changed and refuses what AWS refuses.
"""

import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from approvals.changes.change import parse_change
from approvals.changes.reversibility import class_of
from approvals.claim import Refusal, claim
from approvals.execute import execute
from approvals.executors.aws import AwsExecutor, aws_clients
from approvals.inspectors.address import AddressInspector
from approvals.inspectors.endpoint import EndpointInspector
from approvals.inspectors.log_group import LogGroupInspector
from approvals.inspectors.notebook import NotebookInspector
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from approvals.inspectors.router import Router
from approvals.inspectors.volume_type import VolumeTypeInspector
from approvals.lease import Claim
from approvals.reconcile import reconcile
from approvals.resend import resend
from approvals.sealed import decode
from approvals.settling import SETTLE
from approvals.states import State
from approvals.store import effects_of
from approvals.undo import inverse_change
from sandbox.aws.faults import Fault, FaultMode
from sandbox.aws.serve import ServedAws, serve_aws
from tests.approvals.gate_stubs import PEOPLE, SAM

ACCOUNT, REGION, PEER = "111122223333", "eu-central-1", "p-09ee0006"
PLACE = {"account": ACCOUNT, "region": REGION}
TAGS = {"Name": "x", "environment": "development", "team": "Risk Models"}
CHEAP = {"amount": "900", "currency": "USD"}
NUMBER = 40
MACHINE = "i-0ddddddddddddd000"
DISKS = [f"vol-0aaaaaaaaaaaaa{at:03d}" for at in range(NUMBER)]
ADDRESSES = [f"eipalloc-0aaaaaaaaaaaaa{at:03d}" for at in range(NUMBER)]
NOTEBOOKS = [f"notebook-{at}" for at in range(NUMBER)]
ENDPOINTS = [f"endpoint-{at}" for at in range(NUMBER)]
LOG_GROUPS = [f"/bank/service-{at:03d}" for at in range(NUMBER)]
TRAIL, CASE, HOLD = "/aws/cloudtrail/organization", "/bank/case", {"Data Retention": "10y"}
next_disk, next_address, next_notebook, next_endpoint, next_log_group = (count() for _ in range(5))


@pytest.fixture(scope="session")
def new_gate(on_sqlite: Any) -> Any:
    """One database is enough here: these tests are about the client's other end."""
    return on_sqlite


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAws]:
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
    estate = {"machines": [machine], "volumes": disks, "addresses": addresses, "notebooks": notebooks}
    log_groups: list[dict[str, Any]] = [{**PLACE, "log_group": name, "tags": TAGS} for name in LOG_GROUPS]
    log_groups[-1]["tags"] = TAGS | {"aws:cloudformation:stack-name": "scoring"}
    log_groups[-2]["tags"] = TAGS | {"legal-hold": "case 7"}
    log_groups[-3]["days"] = 90
    log_groups[-4]["days"] = 1827
    log_groups += [{**PLACE, "log_group": TRAIL, "tags": TAGS}, {**PLACE, "log_group": CASE, "tags": TAGS | HOLD}]
    estate |= {"endpoints": endpoints, "log_groups": log_groups}
    path.write_text(json.dumps(estate))
    with serve_aws(path) as served:
        yield served


@pytest.fixture
def cloud(gate: Any, aws: ServedAws) -> Any:
    clients = aws_clients(endpoint_url=aws.address, access_key=aws.access_key, secret_key="any")
    notebook, endpoint = NotebookInspector(clients), EndpointInspector(clients)
    gate.inspector = Router(
        {
            "change_volume_type": VolumeTypeInspector(clients),
            "release_address": AddressInspector(clients),
            "stop_notebook": notebook,
            "start_notebook": notebook,
            "delete_endpoint": endpoint,
            "create_endpoint": endpoint,
            "set_log_retention": LogGroupInspector(clients),
        }
    )
    gate.executor = AwsExecutor(clients)
    gate.adopt("people", PEOPLE + f'\n[[person]]\nid = "{PEER}"\nname = "Petra Peer"\nroles = ["peer"]\n')
    aws.faults.clear()
    return gate


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


def log_group(name: str = "", **more: Any) -> dict[str, Any]:
    given = {"log_group": name or LOG_GROUPS[next(next_log_group)], "days": 365}
    return {"kind": "set_log_retention", **PLACE, **given} | more


Make = Callable[[], dict[str, Any]]
EACH: list[tuple[Make, str, tuple[str, str, str]]] = [
    (disk, "ModifyVolume", (" type", "gp2", "gp3")),
    (address, "ReleaseAddress", ("", "unattached", "absent")),
    (notebook, "StopNotebookInstance", ("", "InService", "Stopped")),
    (endpoint, "DeleteEndpoint", ("", "InService", "absent")),
    (log_group, "PutRetentionPolicy", (" retention", "never", "365")),
]
NAMES = ["change_volume_type", "release_address", "stop_notebook", "delete_endpoint", "set_log_retention"]
FOR_GOOD = ("release_address", "set_log_retention")
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
    """What happened to the resource; of an address that goes and a type that changes, the one line that says so."""
    return [told for told in aws.journal.changes() if told[0].split()[0] == name]


@each
def test_it_is_done_once_and_read_back(
    cloud: Any, aws: ServedAws, make: Make, action: str, moved: tuple[str, str, str]
) -> None:
    change = make()
    got = claimed(cloud, change)
    assert moves(aws, target(change)) == []
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.SUCCEEDED
    assert read_back(cloud, got) == State.VERIFIED
    assert moves(aws, target(change)) == [(target(change) + moved[0], *moved[1:])]


BACK = [
    (disk, (" type", "gp3", "gp2")),
    (notebook, ("", "Stopped", "InService")),
    (endpoint, ("", "absent", "InService")),
]


@pytest.mark.parametrize(("make", "moved"), BACK)
def test_it_is_undone_by_the_sealed_inverse(
    cloud: Any, aws: ServedAws, make: Make, moved: tuple[str, str, str]
) -> None:
    change = make()
    got = claimed(cloud, change)
    execute(cloud.begin, claim=got, executor=cloud.executor)
    read_back(cloud, got)
    row = cloud.row(got.proposal_id)
    with cloud.reading() as (session, _):
        back = inverse_change(decode(row.sealed, row.digest), effects_of(session, got.proposal_id))
    assert back is not None
    again = claimed(cloud, back.model_dump(mode="json"))
    assert execute(cloud.begin, claim=again, executor=cloud.executor) == State.SUCCEEDED
    assert read_back(cloud, again) == State.VERIFIED
    assert moves(aws, target(change))[-1] == (target(change) + moved[0], *moved[1:])


@pytest.mark.parametrize("make", [address, log_group])
def test_what_is_gone_has_no_way_back(cloud: Any, make: Make) -> None:
    got = claimed(cloud, make())
    execute(cloud.begin, claim=got, executor=cloud.executor)
    row = cloud.row(got.proposal_id)
    with cloud.reading() as (session, _):
        assert inverse_change(decode(row.sealed, row.digest), effects_of(session, got.proposal_id)) is None


@pytest.mark.parametrize("make", [address, log_group])
def test_one_vote_does_not_do_what_cannot_be_undone(cloud: Any, aws: ServedAws, make: Make) -> None:
    change = make()
    row = cloud.pending(change=change, evidence=CHEAP)
    assert cloud.vote(row, SAM).verdict.allowed
    assert cloud.state(row) == State.PARTIAL
    assert isinstance(claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector), Refusal)
    assert moves(aws, target(change)) == []


def test_one_vote_does_not_do_it_where_the_amount_is_not_known(cloud: Any) -> None:
    board, risk = "p-0b0a0010", "p-0f150011"
    more = (
        f'\n[[person]]\nid = "{who}"\nname = "{role}"\nroles = ["{role}"]\n'
        for who, role in ((board, "board"), (risk, "risk"))
    )
    cloud.adopt("people", PEOPLE + "".join(more))
    row = cloud.pending(change=log_group(), evidence={})
    assert cloud.vote(row, board).verdict.allowed
    assert cloud.state(row) == State.PARTIAL
    assert cloud.vote(row, risk).verdict.allowed
    assert cloud.state(row) == State.APPROVED


def test_what_only_the_provider_knows_is_read_sealed_and_voted_on(cloud: Any) -> None:
    asked = endpoint()
    row = cloud.pending(change=asked, evidence=CHEAP)
    sealed = decode(row.sealed, row.digest)
    config = f"{asked['endpoint']}-v1"
    assert config in sealed.title
    assert sealed.steps[0].inverse is not None
    assert sealed.steps[0].inverse.parameters["EndpointConfigName"] == config
    assert json.loads(row.change)["config"] == config
    assert asked.get("config") is None


def test_an_endpoint_with_scaling_rules_is_left_alone_since_they_would_be_lost(cloud: Any, aws: ServedAws) -> None:
    change = endpoint()
    clients = aws_clients(endpoint_url=aws.address, access_key=aws.access_key, secret_key="any")
    clients(ACCOUNT, REGION, "application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker", ResourceId=f"endpoint/{change['endpoint']}/variant/main",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount", MinCapacity=1, MaxCapacity=4,
    )  # fmt: skip
    seen = cloud.inspector.look(parse_change(change))
    assert isinstance(seen, NotSealable)
    assert (seen.code, "would be lost" in seen.reason) == ("scaled", True)


def test_an_endpoint_whose_configuration_is_gone_could_not_be_brought_back(cloud: Any, aws: ServedAws) -> None:
    change = endpoint()
    clients = aws_clients(endpoint_url=aws.address, access_key=aws.access_key, secret_key="any")
    clients(ACCOUNT, REGION, "sagemaker").delete_endpoint_config(EndpointConfigName=f"{change['endpoint']}-v1")
    seen = cloud.inspector.look(parse_change(change))
    assert isinstance(seen, NotSealable)
    assert seen.code == "no_config"


def replace_config(clients: Any, change: dict[str, Any]) -> None:
    """Somebody puts other machines and another model behind the configuration's name; the endpoint runs on."""
    client, config = clients(ACCOUNT, REGION, "sagemaker"), f"{change['endpoint']}-v1"
    variant = {"VariantName": "main", "ModelName": f"{ENDPOINTS[-3]}-v1", "InstanceType": "ml.p3.16xlarge"}
    client.delete_endpoint_config(EndpointConfigName=config)
    client.create_endpoint_config(
        EndpointConfigName=config, ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
    )


def delete_model(clients: Any, change: dict[str, Any]) -> None:
    clients(ACCOUNT, REGION, "sagemaker").delete_model(ModelName=f"{change['endpoint']}-v1")


BEHIND = [(replace_config, "config_variants: main"), (delete_model, "models: ")]


@pytest.mark.parametrize(("meddle", "says"), BEHIND, ids=["configuration", "model"])
def test_an_endpoint_whose_way_back_changed_after_the_votes_is_not_deleted(
    cloud: Any, aws: ServedAws, meddle: Any, says: str
) -> None:
    change = endpoint()
    row = approved(cloud, change)
    meddle(aws_clients(endpoint_url=aws.address, access_key=aws.access_key, secret_key="any"), change)
    before = len(aws.journal.calls())
    assert isinstance(claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector), Refusal)
    assert cloud.state(row) == State.STALE
    assert says in str(cloud.row(row.id).reason)
    assert len(aws.journal.calls()) == before


def test_a_way_back_without_a_model_is_none(cloud: Any, aws: ServedAws) -> None:
    change = endpoint()
    clients = aws_clients(endpoint_url=aws.address, access_key=aws.access_key, secret_key="any")
    delete_model(clients, change)
    creation = {**change, "kind": "create_endpoint", "config": f"{change['endpoint']}-v1"}
    seen = cloud.inspector.look(parse_change(change))
    assert (seen.code, f"{change['endpoint']}-v1" in seen.reason) == ("no_model", True)
    clients(ACCOUNT, REGION, "sagemaker").delete_endpoint(EndpointName=change["endpoint"])
    assert cloud.inspector.look(parse_change(creation)).code == "no_model"


def test_an_eye_that_makes_another_change_of_it_is_not_believed(cloud: Any) -> None:
    other = parse_change(endpoint(config="x"))

    class Crooked:
        def look(self, change: Any) -> Snapshot:
            return Snapshot({"status": "InService"}, resolved=other)

    cloud.inspector = Crooked()
    row = cloud.sealed(change=endpoint(), evidence=CHEAP)
    assert (cloud.state(row), row.code) == (State.UNSEALABLE, "other_change")


def test_without_its_configuration_a_deletion_counts_as_one_that_cannot_be_undone() -> None:
    assert class_of(parse_change(endpoint("x"))) == "irreversible"
    assert class_of(parse_change(endpoint("x", config="x-v1"))) == "reversible"


TAKEN = [FaultMode.NONSENSE, FaultMode.TRUNCATED, FaultMode.DROP_RESPONSE]
LOST = [FaultMode.DROP_REQUEST, FaultMode.PROXY, FaultMode.ERROR]
ENDS = [(mode, State.VERIFIED, 1) for mode in TAKEN] + [(mode, State.FAILED, 0) for mode in LOST]


QUICK = (FaultMode.DROP_RESPONSE, FaultMode.DROP_REQUEST)
MODES = [pytest.param(*row, id=row[0].value, marks=() if row[0] in QUICK else pytest.mark.slow) for row in ENDS]


@pytest.mark.parametrize(("mode", "end", "times"), MODES)
@each
def test_an_answer_that_never_came_ends_in_the_right_state_and_is_sent_once(
    cloud: Any, aws: ServedAws, make: Make, action: str, moved: Any, mode: FaultMode, end: State, times: int
) -> None:
    change = make()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action=action, mode=mode))
    told = execute(cloud.begin, claim=got, executor=cloud.executor)
    # An answer without a body says nothing that could be spoilt; a page instead of one is no answer either.
    assert told in (State.UNKNOWN, State.SUCCEEDED)
    assert told == State.UNKNOWN or mode in (FaultMode.NONSENSE, FaultMode.TRUNCATED)
    cloud.later(seconds=SETTLE.total_seconds())
    assert read_back(cloud, got) == end
    assert resend(cloud.begin, proposal_id=got.proposal_id, worker="w1", executor=cloud.executor) is None
    assert len(moves(aws, target(change))) == times


@each
def test_a_yes_without_a_deed_is_not_believed(cloud: Any, aws: ServedAws, make: Make, action: str, moved: Any) -> None:
    change = make()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action=action, mode=FaultMode.HOLLOW))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.SUCCEEDED
    cloud.later(seconds=SETTLE.total_seconds())
    assert read_back(cloud, got) == State.DIVERGED
    assert moves(aws, target(change)) == []


@each
def test_an_effect_that_comes_late_is_found_within_the_settle_time(
    cloud: Any, aws: ServedAws, make: Make, action: str, moved: Any
) -> None:
    change = make()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action=action, mode=FaultMode.LATE))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.UNKNOWN
    cloud.later(minutes=9)
    assert read_back(cloud, got) == State.RECONCILING
    assert target(change) in aws.settle()
    assert read_back(cloud, got) == State.VERIFIED


LINGERS = [(disk, "ModifyVolume"), (notebook, "StopNotebookInstance"), (endpoint, "DeleteEndpoint")]


@pytest.mark.parametrize(("make", "action"), LINGERS)
def test_one_that_is_on_its_way_is_waited_for(cloud: Any, aws: ServedAws, make: Make, action: str) -> None:
    change = make()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action=action, mode=FaultMode.SLOW))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.SUCCEEDED
    cloud.later(minutes=30)
    assert read_back(cloud, got) == State.SUCCEEDED
    assert aws.settle() == [target(change)]
    assert read_back(cloud, got) == State.VERIFIED


def meddle_with_disk(clients: Any, change: dict[str, Any]) -> None:
    clients(ACCOUNT, REGION, "ec2").modify_volume(VolumeId=change["volume_id"], Size=200)


def meddle_with_address(clients: Any, change: dict[str, Any]) -> None:
    clients(ACCOUNT, REGION, "ec2").associate_address(InstanceId=MACHINE, AllocationId=change["allocation_id"])


def meddle_with_notebook(clients: Any, change: dict[str, Any]) -> None:
    clients(ACCOUNT, REGION, "sagemaker").stop_notebook_instance(NotebookInstanceName=change["notebook"])


def meddle_with_endpoint(clients: Any, change: dict[str, Any]) -> None:
    """Somebody puts another configuration under the same name."""
    client, name = clients(ACCOUNT, REGION, "sagemaker"), change["endpoint"]
    variant = {"VariantName": "main", "ModelName": f"{name}-v1", "InstanceType": "ml.g4dn.xlarge"}
    client.create_endpoint_config(
        EndpointConfigName=f"{name}-v2", ProductionVariants=[{**variant, "InitialInstanceCount": 2}]
    )
    client.delete_endpoint(EndpointName=name)
    client.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-v2")


def meddle_with_log_group(clients: Any, change: dict[str, Any]) -> None:
    clients(ACCOUNT, REGION, "logs").put_retention_policy(logGroupName=change["log_group"], retentionInDays=3653)


DRIFT = [
    (disk, meddle_with_disk, "size_gib: 100, now 200"),
    (address, meddle_with_address, "state: unattached, now attached"),
    (notebook, meddle_with_notebook, "status: InService, now Stopped"),
    (endpoint, meddle_with_endpoint, "-v1, now "),
    (log_group, meddle_with_log_group, "retention_days: never, now 3653"),
]


@pytest.mark.parametrize(("make", "meddle", "says"), DRIFT, ids=NAMES)
def test_what_changed_after_the_votes_is_not_carried_out(
    cloud: Any, aws: ServedAws, make: Make, meddle: Any, says: str
) -> None:
    change = make()
    row = approved(cloud, change)
    meddle(aws_clients(endpoint_url=aws.address, access_key=aws.access_key, secret_key="any"), change)
    before = len(aws.journal.calls())
    got = claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector)
    assert isinstance(got, Refusal)
    assert cloud.state(row) == State.STALE
    assert says in str(cloud.row(row.id).reason)
    assert len(aws.journal.calls()) == before


LOOKS: list[tuple[str, dict[str, Any], str | None]] = [
    ("a gp2 disk", disk(DISKS[-3]), None),
    ("a disk of a stack: its template decides", disk(DISKS[-1]), "managed"),
    ("a disk that is gp3 already", disk(DISKS[-2]), "wrong_type"),
    ("a disk of another size than the bill shows", disk(DISKS[-3], size_gib=200), "wrong_size_gib"),
    ("a disk that is not there", disk("vol-0ccccccccccccccc1"), "not_found"),
    ("a disk of another account", disk(DISKS[-3], account="999999999999"), "other_account"),
    ("an unattached address", address(ADDRESSES[-3]), None),
    ("an attached address", address(ADDRESSES[-1]), "attached"),
    ("a cluster's address", address(ADDRESSES[-2]), "managed"),
    ("an address that is not there", address("eipalloc-0cccccccccccccc1"), "not_found"),
    ("an address of another account", address(ADDRESSES[-3], account="999999999999"), "other_account"),
    ("a notebook", notebook(NOTEBOOKS[-2]), None),
    ("a stopped notebook", notebook(NOTEBOOKS[-1]), "wrong_state"),
    ("a stopped notebook that is to start", notebook(NOTEBOOKS[-1], kind="start_notebook"), None),
    ("a notebook that is not there", notebook("none"), "not_found"),
    ("a notebook of another account", notebook(NOTEBOOKS[-2], account="999999999999"), "other_account"),
    ("an endpoint", endpoint(ENDPOINTS[-3]), None),
    ("an endpoint that runs what it should", endpoint(ENDPOINTS[-3], config=f"{ENDPOINTS[-3]}-v1"), None),
    ("an endpoint that runs something else", endpoint(ENDPOINTS[-3], config="other"), "wrong_config"),
    ("an endpoint of a stack", endpoint(ENDPOINTS[-1]), "managed"),
    ("an endpoint that stands by for another", endpoint(ENDPOINTS[-2]), "standby"),
    ("an endpoint that is not there", endpoint("none"), "not_found"),
    ("an endpoint of another account", endpoint(ENDPOINTS[-3], account="999999999999"), "other_account"),
    ("one to create whose name is taken", endpoint(ENDPOINTS[-3], kind="create_endpoint", config="x"), "taken"),
    ("a log group that keeps everything", log_group(LOG_GROUPS[-5]), None),
    ("a log group that keeps five years", log_group(LOG_GROUPS[-4]), None),
    ("a log group that keeps less already", log_group(LOG_GROUPS[-3]), "shorter_already"),
    ("a log group that somebody must keep", log_group(LOG_GROUPS[-2]), "held"),
    ("a log group whose lines an auditor asks for, by its name", log_group(TRAIL), "kept"),
    ("a log group that is kept for ten years, by a tag in other words", log_group(CASE), "held"),
    ("a log group of a stack", log_group(LOG_GROUPS[-1]), "managed"),
    ("a log group that is not there, though others begin so", log_group("/bank/service-0"), "not_found"),
    ("a log group of another account", log_group(LOG_GROUPS[-5], account="999999999999"), "other_account"),
    ("one to create from nothing", endpoint("new", kind="create_endpoint", config="x"), "no_config"),
]


@pytest.mark.parametrize(("what", "change", "code"), LOOKS, ids=[row[0] for row in LOOKS])
def test_a_look_at(cloud: Any, aws: ServedAws, what: str, change: dict[str, Any], code: str | None) -> None:
    before = len(aws.journal.calls())
    seen = cloud.inspector.look(parse_change(change))
    assert (seen.code if isinstance(seen, NotSealable) else None) == code
    assert len(aws.journal.calls()) == before
    if isinstance(seen, Snapshot):
        assert (seen.environment, seen.team) == ("development", "risk models")
        assert b"Risk Models" not in json.dumps(seen.fields).encode()


SILENT = [
    ("DescribeVolumes", disk(DISKS[-3])),
    ("DescribeVolumesModifications", disk(DISKS[-3])),
    ("DescribeAddresses", address(ADDRESSES[-3])),
    ("DescribeNotebookInstance", notebook(NOTEBOOKS[-2])),
    ("ListTags", notebook(NOTEBOOKS[-2])),
    ("DescribeEndpoint", endpoint(ENDPOINTS[-3])),
    ("DescribeEndpointConfig", endpoint(ENDPOINTS[-3])),
    ("DescribeModel", endpoint(ENDPOINTS[-3])),
    ("DescribeLogGroups", log_group(LOG_GROUPS[-5])),
    ("ListTagsForResource", log_group(LOG_GROUPS[-5])),
    ("DescribeScalableTargets", endpoint(ENDPOINTS[-3])),
]


@pytest.mark.slow
@pytest.mark.parametrize("mode", [FaultMode.NONSENSE, FaultMode.ERROR, FaultMode.THROTTLE, FaultMode.DROP_RESPONSE])
@pytest.mark.parametrize(("action", "change"), SILENT, ids=[row[0] for row in SILENT])
def test_a_look_without_an_answer_decides_nothing(
    cloud: Any, aws: ServedAws, action: str, change: dict[str, Any], mode: FaultMode
) -> None:
    aws.faults.add(Fault(action=action, mode=mode))
    with pytest.raises(CannotLook):
        cloud.inspector.look(parse_change(change))
