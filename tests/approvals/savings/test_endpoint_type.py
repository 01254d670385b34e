"""An endpoint runs on another type: a configuration copied field by field, the update to it, and the way back, under
each fault. SageMaker rolls a failed update back by itself, and that is told, too.
"""

from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from approvals.changes.change import parse_change
from approvals.claim import Refusal, claim
from approvals.execute import execute
from approvals.recover import recover
from approvals.sealed import decode
from approvals.settling import SETTLE
from approvals.states import State
from sandbox.aws.endpoint_updates import let_updates_fail
from sandbox.aws.faults import Fault, FaultMode
from sandbox.aws.serve import ServedAws
from tests.approvals.looking import refusal_of
from tests.approvals.savings.estate import (
    ACCOUNT,
    REGION,
    TYPED,
    approved,
    claimed,
    clients_of,
    machine_type,
    read_back,
)
from tests.approvals.savings.stepping import carried_out, go_on, run, undo_of

MAKE, UPDATE, DELETE = "CreateEndpointConfig", "UpdateEndpoint", "DeleteEndpointConfig"
SMALL = "ml.g4dn.xlarge"


def sagemaker(aws: ServedAws) -> Any:
    return clients_of(aws)(ACCOUNT, REGION, "sagemaker")


def configs(change: dict[str, Any]) -> tuple[str, str]:
    name = change["endpoint"]
    return f"{name}-v1", f"{name}-v1-ml-g4dn-xlarge"


def lines(aws: ServedAws, change: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What happened to the endpoint and its two configurations."""
    mine = {change["endpoint"], *configs(change)}
    return [(told[0].split()[-1], *told[1:]) for told in aws.journal.changes() if told[0].split()[0] in mine]


def made(change: dict[str, Any]) -> tuple[str, str, str]:
    return ("(configuration)", "absent", SMALL)


def updated(change: dict[str, Any]) -> tuple[str, str, str]:
    return ("config", *configs(change))


def test_a_copy_with_the_type_exchanged_then_the_update_and_all_of_the_way_back(cloud: Any, aws: ServedAws) -> None:
    change = machine_type()
    old, new = configs(change)
    client = sagemaker(aws)
    got = carried_out(cloud, change)
    row = cloud.row(got.proposal_id)
    sealed = decode(row.sealed, row.digest)
    (variant,) = sealed.steps[0].request.parameters["ProductionVariants"]
    before = client.describe_endpoint_config(EndpointConfigName=old)["ProductionVariants"][0]
    after = client.describe_endpoint_config(EndpointConfigName=new)["ProductionVariants"][0]
    assert variant == before | {"InstanceType": SMALL} == after
    assert "InstanceType ml.g4dn.xlarge" in sealed.steps[0].sentence()
    assert client.describe_endpoint(EndpointName=change["endpoint"])["EndpointConfigName"] == new
    assert lines(aws, change) == [made(change), updated(change)]
    again = carried_out_back(cloud, got)
    assert client.describe_endpoint(EndpointName=change["endpoint"])["EndpointConfigName"] == old
    assert lines(aws, change)[2:] == [("config", new, old), ("(configuration)", SMALL, "absent")]
    # The name is free again, so that it can be done once more.
    carried_out(cloud, undo_of(cloud, again).model_dump(mode="json"))
    assert lines(aws, change)[-1] == updated(change)


def carried_out_back(cloud: Any, got: Any) -> Any:
    return carried_out(cloud, undo_of(cloud, got).model_dump(mode="json"))


def test_the_number_of_machines_that_runs_stays(cloud: Any, aws: ServedAws) -> None:
    change, client = machine_type(), sagemaker(aws)
    client.update_endpoint_weights_and_capacities(
        EndpointName=change["endpoint"],
        DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredInstanceCount": 5}],
    )
    carried_out(cloud, change)
    told = client.describe_endpoint(EndpointName=change["endpoint"])
    assert told["ProductionVariants"][0]["CurrentInstanceCount"] == 5


TAKEN = [FaultMode.NONSENSE, FaultMode.TRUNCATED, FaultMode.EMPTY, FaultMode.DROP_RESPONSE]
LOST = [FaultMode.DROP_REQUEST, FaultMode.PROXY, FaultMode.ERROR]
QUICK = (FaultMode.DROP_RESPONSE, FaultMode.DROP_REQUEST)
ALL = [pytest.param(one, marks=() if one in QUICK else pytest.mark.slow) for one in (*TAKEN, *LOST)]


@pytest.mark.parametrize("mode", ALL)
def test_without_an_answer_to_the_first_request_nothing_is_updated(cloud: Any, aws: ServedAws, mode: FaultMode) -> None:
    change = machine_type()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action=MAKE, mode=mode))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.UNKNOWN
    cloud.later(seconds=SETTLE.total_seconds())
    assert read_back(cloud, got) == (State.DIVERGED if mode in TAKEN else State.FAILED)
    assert lines(aws, change) == ([made(change)] if mode in TAKEN else [])
    back = undo_of(cloud, got)
    assert (back is None) == (mode in LOST)
    if back is not None:
        assert not back.updated
        carried_out(cloud, back.model_dump(mode="json"))
        assert lines(aws, change)[-1] == ("(configuration)", SMALL, "absent")


@pytest.mark.parametrize("mode", ALL)
def test_without_an_answer_to_the_update_it_is_read_back(cloud: Any, aws: ServedAws, mode: FaultMode) -> None:
    change = machine_type()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action=UPDATE, mode=mode))
    assert run(cloud, got) == State.UNKNOWN
    cloud.later(seconds=SETTLE.total_seconds())
    assert read_back(cloud, got) == (State.VERIFIED if mode in TAKEN else State.DIVERGED)
    assert lines(aws, change) == [made(change), *([updated(change)] if mode in TAKEN else [])]
    assert undo_of(cloud, got).updated == (mode in TAKEN)


@pytest.mark.parametrize("mode", ALL)
@pytest.mark.parametrize("action", [UPDATE, DELETE])
def test_its_way_back_without_an_answer_is_sent_once_too(
    cloud: Any, aws: ServedAws, action: str, mode: FaultMode
) -> None:  # fmt: skip
    change = machine_type()
    got = carried_out(cloud, change)
    again = claimed(cloud, undo_of(cloud, got).model_dump(mode="json"))
    aws.faults.add(Fault(action=action, mode=mode))
    run(cloud, again)
    cloud.later(seconds=SETTLE.total_seconds())
    old, new = configs(change)
    back, gone = ("config", new, old), ("(configuration)", SMALL, "absent")
    ends = {
        (UPDATE, True): (State.DIVERGED, [back]), (UPDATE, False): (State.FAILED, []),
        (DELETE, True): (State.VERIFIED, [back, gone]), (DELETE, False): (State.DIVERGED, [back]),
    }  # fmt: skip
    end, moved = ends[action, mode in TAKEN]
    assert read_back(cloud, again) == end
    assert lines(aws, change)[2:] == moved


@pytest.mark.parametrize("action", [MAKE, UPDATE])
def test_a_yes_without_a_deed_is_not_believed(cloud: Any, aws: ServedAws, action: str) -> None:
    change = machine_type()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action=action, mode=FaultMode.HOLLOW))
    state = run(cloud, got)
    cloud.later(seconds=2 * SETTLE.total_seconds())
    ended = go_on(cloud, got) if state == State.EXECUTING else read_back(cloud, got)
    assert ended == State.DIVERGED
    assert lines(aws, change) == ([made(change)] if action == UPDATE else [])


@pytest.mark.parametrize(("action", "end"), [(MAKE, State.DIVERGED), (UPDATE, State.VERIFIED)])
def test_an_effect_that_comes_late_is_found_within_the_settle_time(
    cloud: Any, aws: ServedAws, action: str, end: State
) -> None:
    change = machine_type()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action=action, mode=FaultMode.LATE))
    assert run(cloud, got) == State.UNKNOWN
    cloud.later(minutes=9)
    assert read_back(cloud, got) == State.RECONCILING
    aws.settle()
    assert read_back(cloud, got) == end


def test_an_update_that_takes_its_time_is_waited_for(cloud: Any, aws: ServedAws) -> None:
    change = machine_type()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action=UPDATE, mode=FaultMode.SLOW))
    assert run(cloud, got) == State.SUCCEEDED
    cloud.later(minutes=30)
    assert read_back(cloud, got) == State.SUCCEEDED
    assert sagemaker(aws).describe_endpoint(EndpointName=change["endpoint"])["EndpointStatus"] == "Updating"
    assert aws.settle() == [change["endpoint"]]
    assert read_back(cloud, got) == State.VERIFIED


def test_new_machines_that_do_not_start_leave_the_old_ones_and_that_is_told(cloud: Any, aws: ServedAws) -> None:
    change = machine_type()
    let_updates_fail(change["endpoint"])
    got = claimed(cloud, change)
    assert run(cloud, got) == State.SUCCEEDED
    aws.settle()
    assert sagemaker(aws).describe_endpoint(EndpointName=change["endpoint"])["EndpointStatus"] == "RollingBack"
    cloud.later(minutes=30)
    assert read_back(cloud, got) == State.SUCCEEDED
    aws.settle()
    assert read_back(cloud, got) == State.DIVERGED
    assert f"it now reads config {configs(change)[0]}" in str(cloud.row(got.proposal_id).reason)


def test_when_a_worker_dies_between_the_two_requests_another_one_goes_on(cloud: Any, aws: ServedAws) -> None:
    change = machine_type()
    got = claimed(cloud, change)
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.EXECUTING
    cloud.later(minutes=5)
    recover(cloud.begin, worker="w2")
    assert go_on(cloud, got, "w2") == State.SUCCEEDED
    assert read_back(cloud, got) == State.VERIFIED
    assert lines(aws, change) == [made(change), updated(change)]


def test_a_configuration_that_was_exchanged_after_the_votes_is_not_copied(cloud: Any, aws: ServedAws) -> None:
    change = machine_type()
    row = approved(cloud, change)
    old, client = configs(change)[0], sagemaker(aws)
    variant = client.describe_endpoint_config(EndpointConfigName=old)["ProductionVariants"][0]
    client.delete_endpoint_config(EndpointConfigName=old)
    client.create_endpoint_config(EndpointConfigName=old, ProductionVariants=[variant | {"InitialInstanceCount": 9}])
    assert isinstance(claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector), Refusal)
    assert cloud.state(row) == State.STALE
    assert "config_variants: main" in str(cloud.row(row.id).reason)


def test_one_whose_number_rules_set_is_left_alone(cloud: Any, aws: ServedAws) -> None:
    change = machine_type()
    clients_of(aws)(ACCOUNT, REGION, "application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker", ResourceId=f"endpoint/{change['endpoint']}/variant/main",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount", MinCapacity=1, MaxCapacity=9,
    )  # fmt: skip
    assert refusal_of(cloud.inspector, aws, change) == "scaled"


def variant_of(name: str, **more: Any) -> dict[str, Any]:
    return {"VariantName": "main", "ModelName": f"{name}-v1", "InstanceType": "ml.g4dn.2xlarge",
            "InitialInstanceCount": 2, "InitialVariantWeight": 1.0} | more  # fmt: skip


CAPTURE = {"EnableCapture": True, "InitialSamplingPercentage": 10, "DestinationS3Uri": "s3://x/y",
           "CaptureOptions": [{"CaptureMode": "Input"}]}  # fmt: skip
OTHERS: list[tuple[str, dict[str, Any], dict[str, Any], list[dict[str, Any]], str]] = [
    ("data capture", {}, {"DataCaptureConfig": CAPTURE}, [], "not_copied"),
    ("a queue", {}, {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://x/y"}}}, [], "not_copied"),
    ("an image of the machine", {"InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-2"}, {}, [], "not_copied"),
    ("a weight that is no whole number", {"InitialVariantWeight": 0.5}, {}, [], "not_copied"),
    ("another type", {"InstanceType": "ml.g4dn.4xlarge"}, {}, [], "wrong_type"),
    ("several variants", {}, {}, [{"VariantName": "next"}], "several_variants"),
]


@pytest.mark.parametrize(("what", "variant", "config", "more", "code"), OTHERS, ids=[row[0] for row in OTHERS])
def test_a_configuration_is_left_alone_that_has(
    cloud: Any, aws: ServedAws, what: str, variant: Any, config: Any, more: Any, code: str
) -> None:
    change, client = machine_type(), sagemaker(aws)
    name = change["endpoint"]
    variants = [variant_of(name, **variant), *(variant_of(name, **one) for one in more)]
    client.create_endpoint_config(EndpointConfigName=f"{name}-other", ProductionVariants=variants, **config)
    client.delete_endpoint(EndpointName=name)
    client.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-other")
    assert cloud.inspector.look(parse_change(change)).code == code


def test_a_name_that_is_taken_is_nothing_of_ours(cloud: Any, aws: ServedAws) -> None:
    change = machine_type()
    sagemaker(aws).create_endpoint_config(
        EndpointConfigName=configs(change)[1], ProductionVariants=[variant_of(change["endpoint"])]
    )
    assert refusal_of(cloud.inspector, aws, change) == "wrong_next_config"


LOOKS: list[tuple[str, dict[str, Any], str | None]] = [
    ("an endpoint on large machines", machine_type(TYPED[-4]), None),
    ("one of a stack", machine_type(TYPED[-1]), "managed"),
    ("one that stands by for another", machine_type(TYPED[-2]), "standby"),
    ("one that runs something else", machine_type(TYPED[-4], config="other"), "no_config"),
    ("an endpoint that is not there", machine_type("none"), "not_found"),
    ("an endpoint of another account", machine_type(TYPED[-4], account="999999999999"), "other_account"),
    ("a new configuration that is not there, to go back from", machine_type(TYPED[-4], kind="restore_endpoint_type"),
     "wrong_config"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "change", "code"), LOOKS, ids=[row[0] for row in LOOKS])
def test_a_look_at(cloud: Any, aws: ServedAws, what: str, change: dict[str, Any], code: str | None) -> None:
    assert refusal_of(cloud.inspector, aws, change) == code


@pytest.mark.parametrize(
    ("config", "new"),
    [
        ("scoring", "scoring-ml-g4dn-xlarge"),
        ("scoring-ml-g4dn-2xlarge", "scoring-ml-g4dn-xlarge"),
        ("s" * 63, "s" * 48 + "-ml-g4dn-xlarge"),
    ],
)
def test_the_new_name_follows_from_the_old_one_and_the_type(config: str, new: str) -> None:
    assert parse_change(machine_type("x", config=config)).new_config == new  # type: ignore[union-attr]


def test_the_sandbox_answers_an_update_in_the_shape_of_the_service_and_refuses_as_it_does(aws: ServedAws) -> None:
    client, shape = sagemaker(aws), botocore.session.get_session().get_service_model("sagemaker")
    name = TYPED[-3]
    told = client.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-v1")
    told.pop("ResponseMetadata")
    output = shape.operation_model(UPDATE).output_shape
    assert set(told) == set(output.members)
    assert set(output.required_members) <= set(told)
    status = shape.shape_for("EndpointStatus").enum
    assert {"Updating", "RollingBack", "InService"} <= set(status)
    for asked in (
        {"EndpointName": "none", "EndpointConfigName": "x"},
        {"EndpointName": name, "EndpointConfigName": "x"},
    ):
        with pytest.raises(ClientError, match="Could not find"):
            client.update_endpoint(**asked)
    let_updates_fail(name)
    client.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-v1")
    with pytest.raises(ClientError, match="in-progress"):
        client.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-v1")
    aws.settle()
    aws.settle()
