"""An endpoint's number of machines follows its calls from then on: two requests, and what ends them, under each fault.

The bounds alone scale nothing; so whatever breaks off between the two requests leaves the number as it was.
"""

from typing import Any

import pytest

from approvals.changes.change import parse_change
from approvals.changes.endpoint_scaling import EndEndpointScaling
from approvals.claim import Refusal, claim
from approvals.execute import execute
from approvals.lease import Claim
from approvals.recover import recover
from approvals.sealed import decode
from approvals.settling import SETTLE
from approvals.states import State
from sandbox.aws.faults import Fault, FaultMode
from sandbox.aws.serve import ServedAws
from tests.approvals.looking import refusal_of
from tests.approvals.savings.estate import (
    ACCOUNT,
    REGION,
    SCALING,
    approved,
    claimed,
    clients_of,
    moves,
    read_back,
    scaling,
)
from tests.approvals.savings.stepping import carried_out, go_on, run, undo_of

REGISTER, PUT, DEREGISTER = "RegisterScalableTarget", "PutScalingPolicy", "DeregisterScalableTarget"
COUNT = "UpdateEndpointWeightsAndCapacities"
BOUNDS, WHOLE = "2 to 6", "2 to 6 at 900"


def application(aws: ServedAws) -> Any:
    return clients_of(aws)(ACCOUNT, REGION, "application-autoscaling")


def set_machines(aws: ServedAws, name: str, number: int) -> None:
    """What the scaling does by itself, which moto does not."""
    clients_of(aws)(ACCOUNT, REGION, "sagemaker").update_endpoint_weights_and_capacities(
        EndpointName=name, DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredInstanceCount": number}]
    )


def lines(aws: ServedAws, change: dict[str, Any]) -> list[tuple[str, str]]:
    return [told[1:] for told in moves(aws, change["endpoint"])]


def test_bounds_then_policy_each_sent_once_with_what_was_voted_on(cloud: Any, aws: ServedAws) -> None:
    change = scaling()
    got = carried_out(cloud, change)
    row = cloud.row(got.proposal_id)
    sealed = decode(row.sealed, row.digest)
    first, second = sealed.steps
    resource = f"endpoint/{change['endpoint']}/variant/main"
    assert (first.request.parameters["MinCapacity"], first.request.parameters["MaxCapacity"]) == (2, 6)
    assert first.request.parameters["ResourceId"] == second.request.parameters["ResourceId"] == resource
    told = second.request.parameters["TargetTrackingScalingPolicyConfiguration"]
    assert told["TargetValue"] == 900
    assert "900 calls a minute each" in sealed.title
    assert "TargetValue 900" in second.sentence()
    assert lines(aws, change) == [("absent", BOUNDS), (BOUNDS, WHOLE)]
    (policy,) = application(aws).describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=resource)[
        "ScalingPolicies"
    ]
    assert policy["TargetTrackingScalingPolicyConfiguration"] == told


def test_it_is_ended_and_the_number_set_back_whatever_the_scaling_made_of_it(cloud: Any, aws: ServedAws) -> None:
    change = scaling()
    got = carried_out(cloud, change)
    set_machines(aws, change["endpoint"], 3)
    back = undo_of(cloud, got)
    assert isinstance(back, EndEndpointScaling)
    row = approved(cloud, back.model_dump(mode="json"))
    set_machines(aws, change["endpoint"], 4)  # it scales on while people vote
    again = claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector)
    assert isinstance(again, Claim)
    assert run(cloud, again) == State.SUCCEEDED
    assert read_back(cloud, again) == State.VERIFIED
    assert lines(aws, change)[-2:] == [(WHOLE, "absent"), ("4", "6")]
    asked = {"ServiceNamespace": "sagemaker", "ResourceId": f"endpoint/{change['endpoint']}/variant/main"}
    assert application(aws).describe_scaling_policies(**asked)["ScalingPolicies"] == []
    # And the way back of that is the same scaling once more.
    carried_out(cloud, undo_of(cloud, again).model_dump(mode="json"))
    assert lines(aws, change)[-1] == (BOUNDS, WHOLE)


TAKEN = [FaultMode.NONSENSE, FaultMode.TRUNCATED, FaultMode.EMPTY, FaultMode.DROP_RESPONSE]
LOST = [FaultMode.DROP_REQUEST, FaultMode.PROXY, FaultMode.ERROR]
QUICK = (FaultMode.DROP_RESPONSE, FaultMode.DROP_REQUEST)
ALL = [pytest.param(one, marks=() if one in QUICK else pytest.mark.slow) for one in (*TAKEN, *LOST)]


@pytest.mark.parametrize("mode", ALL)
def test_without_an_answer_to_the_first_request_the_second_is_not_sent(
    cloud: Any, aws: ServedAws, mode: FaultMode
) -> None:
    change = scaling()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action=REGISTER, mode=mode))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.UNKNOWN
    cloud.later(seconds=SETTLE.total_seconds())
    assert read_back(cloud, got) == (State.DIVERGED if mode in TAKEN else State.FAILED)
    assert lines(aws, change) == ([("absent", BOUNDS)] if mode in TAKEN else [])
    back = undo_of(cloud, got)
    assert (back is None) == (mode in LOST)
    if back is not None:
        # Bounds without a policy moved no number: ending them sets none back.
        again = claimed(cloud, back.model_dump(mode="json"))
        assert run(cloud, again) == State.SUCCEEDED
        assert read_back(cloud, again) == State.VERIFIED
        assert lines(aws, change)[-1] == (BOUNDS, "absent")


@pytest.mark.parametrize("mode", ALL)
def test_without_an_answer_to_the_second_request_it_is_read_back(cloud: Any, aws: ServedAws, mode: FaultMode) -> None:
    change = scaling()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action=PUT, mode=mode))
    assert run(cloud, got) == State.UNKNOWN
    cloud.later(seconds=SETTLE.total_seconds())
    assert read_back(cloud, got) == (State.VERIFIED if mode in TAKEN else State.DIVERGED)
    assert lines(aws, change) == [("absent", BOUNDS), *([(BOUNDS, WHOLE)] if mode in TAKEN else [])]
    back = undo_of(cloud, got)
    assert back.policy == (mode in TAKEN)


@pytest.mark.parametrize("mode", ALL)
@pytest.mark.parametrize("action", [DEREGISTER, COUNT])
def test_its_end_without_an_answer_is_sent_once_too(
    cloud: Any, aws: ServedAws, action: str, mode: FaultMode
) -> None:  # fmt: skip
    change = scaling()
    got = carried_out(cloud, change)
    set_machines(aws, change["endpoint"], 3)
    again = claimed(cloud, undo_of(cloud, got).model_dump(mode="json"))
    before = len(aws.journal.calls())
    aws.faults.add(Fault(action=action, mode=mode))
    run(cloud, again)
    cloud.later(seconds=SETTLE.total_seconds())
    ends = {
        (DEREGISTER, True): (State.DIVERGED, [(WHOLE, "absent")]), (DEREGISTER, False): (State.FAILED, []),
        (COUNT, True): (State.VERIFIED, [(WHOLE, "absent"), ("3", "6")]),
        (COUNT, False): (State.DIVERGED, [(WHOLE, "absent")]),
    }  # fmt: skip
    end, moved = ends[action, mode in TAKEN]
    # A request that answers with nothing has no answer that could be spoilt: its yes is believed, and it goes on.
    if action == DEREGISTER and mode in TAKEN and cloud.state(cloud.row(again.proposal_id)) == State.SUCCEEDED:
        end, moved = ends[COUNT, True]
    assert read_back(cloud, again) == end
    assert [one for call in aws.journal.calls()[before:] for one in call.changed.values()] == moved


@pytest.mark.parametrize(("action", "left"), [(REGISTER, []), (PUT, [("absent", BOUNDS)])])
def test_a_yes_without_a_deed_is_not_believed(cloud: Any, aws: ServedAws, action: str, left: Any) -> None:
    change = scaling()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action=action, mode=FaultMode.HOLLOW))
    state = run(cloud, got)
    cloud.later(seconds=2 * SETTLE.total_seconds())
    ended = go_on(cloud, got) if state == State.EXECUTING else read_back(cloud, got)
    assert ended == State.DIVERGED
    assert lines(aws, change) == left


@pytest.mark.parametrize(("action", "end"), [(REGISTER, State.DIVERGED), (PUT, State.VERIFIED)])
def test_an_effect_that_comes_late_is_found_within_the_settle_time(
    cloud: Any, aws: ServedAws, action: str, end: State
) -> None:
    change = scaling()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action=action, mode=FaultMode.LATE))
    assert run(cloud, got) == State.UNKNOWN
    cloud.later(minutes=9)
    assert read_back(cloud, got) == State.RECONCILING
    assert change["endpoint"] in aws.settle()
    assert read_back(cloud, got) == end


def test_when_a_worker_dies_between_the_two_requests_another_one_goes_on(cloud: Any, aws: ServedAws) -> None:
    change = scaling()
    got = claimed(cloud, change)
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.EXECUTING
    cloud.later(minutes=5)
    recover(cloud.begin, worker="w2")
    assert go_on(cloud, got, "w2") == State.SUCCEEDED
    assert read_back(cloud, got) == State.VERIFIED
    assert lines(aws, change) == [("absent", BOUNDS), (BOUNDS, WHOLE)]


def test_between_the_two_requests_nobody_else_may_have_touched_it(cloud: Any, aws: ServedAws) -> None:
    change = scaling()
    got = claimed(cloud, change)
    execute(cloud.begin, claim=got, executor=cloud.executor)
    set_machines(aws, change["endpoint"], 5)
    assert go_on(cloud, got) == State.DIVERGED
    assert "somebody else" in str(cloud.row(got.proposal_id).reason)
    assert lines(aws, change) == [("absent", BOUNDS), ("6", "5")]


def register(aws: ServedAws, change: dict[str, Any], least: int = 1) -> None:
    application(aws).register_scalable_target(
        ServiceNamespace="sagemaker", ResourceId=f"endpoint/{change['endpoint']}/variant/main",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount", MinCapacity=least, MaxCapacity=9,
    )  # fmt: skip


def test_what_others_scale_meanwhile_is_left_to_them(cloud: Any, aws: ServedAws) -> None:
    change = scaling()
    row = approved(cloud, change)
    register(aws, change)
    assert isinstance(claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector), Refusal)
    assert cloud.state(row) == State.STALE
    assert "scaling: none, now 1 to 9 machines, no policy" in str(cloud.row(row.id).reason)


def test_another_policy_than_ours_is_not_ended(cloud: Any, aws: ServedAws) -> None:
    change = scaling()
    got = carried_out(cloud, change)
    back = undo_of(cloud, got)
    resource = f"endpoint/{change['endpoint']}/variant/main"
    wanted = parse_change(change | {"variant": "main"}).wanted()  # type: ignore[union-attr]
    application(aws).put_scaling_policy(
        PolicyName="spendgate-calls", ServiceNamespace="sagemaker", ResourceId=resource,
        ScalableDimension="sagemaker:variant:DesiredInstanceCount", PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=wanted | {"TargetValue": 500},
    )  # fmt: skip
    seen = cloud.inspector.look(back)
    assert (seen.code, "another policy" in seen.reason) == ("wrong_scaling", True)


def test_one_that_is_scaled_already_is_left_alone(cloud: Any, aws: ServedAws) -> None:
    change = scaling()
    register(aws, change)
    assert refusal_of(cloud.inspector, aws, change) == "wrong_scaling"


def of_variants(aws: ServedAws, name: str, variants: list[dict[str, Any]], **more: Any) -> None:
    """The endpoint made anew from another configuration."""
    client = clients_of(aws)(ACCOUNT, REGION, "sagemaker")
    client.create_endpoint_config(EndpointConfigName=f"{name}-other", ProductionVariants=variants, **more)
    client.delete_endpoint(EndpointName=name)
    client.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-other")


def variant(name: str, **more: Any) -> dict[str, Any]:
    return {"VariantName": "main", "ModelName": f"{name}-v1", "InstanceType": "ml.p3.16xlarge",
            "InitialInstanceCount": 6, "InitialVariantWeight": 1.0} | more  # fmt: skip


def test_of_several_variants_none_is_carried_out(cloud: Any, aws: ServedAws) -> None:
    change = scaling()
    name = change["endpoint"]
    of_variants(aws, name, [variant(name), variant(name, VariantName="next")])
    seen = cloud.inspector.look(parse_change(change))
    assert seen.code == "several_variants"


def test_one_that_answers_later_is_not_scaled_by_its_calls(cloud: Any, aws: ServedAws) -> None:
    change = scaling()
    name = change["endpoint"]
    of_variants(aws, name, [variant(name)], AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://x/y"}})
    seen = cloud.inspector.look(parse_change(change))
    assert seen.code == "asynchronous"


LOOKS: list[tuple[str, dict[str, Any], str | None]] = [
    ("an endpoint that nothing scales", scaling(SCALING[-4]), None),
    ("one of a stack", scaling(SCALING[-1]), "managed"),
    ("one that stands by for another", scaling(SCALING[-2]), "standby"),
    ("machines that AWS does not scale", scaling(SCALING[-3]), "not_scalable"),
    ("one that runs another number", scaling(SCALING[-4], most=9), "wrong_machines"),
    ("a variant that it does not have", scaling(SCALING[-4], variant="other"), "wrong_variant"),
    ("an endpoint that is not there", scaling("none"), "not_found"),
    ("an endpoint of another account", scaling(SCALING[-4], account="999999999999"), "other_account"),
    ("a scaling that is not there, to be ended", scaling(SCALING[-4], kind="end_endpoint_scaling"), "wrong_scaling"),
]


@pytest.mark.parametrize(("what", "change", "code"), LOOKS, ids=[row[0] for row in LOOKS])
def test_a_look_at(cloud: Any, aws: ServedAws, what: str, change: dict[str, Any], code: str | None) -> None:
    assert refusal_of(cloud.inspector, aws, change) == code


def test_bounds_without_room_between_them_are_no_scaling() -> None:
    with pytest.raises(Exception, match="nothing to scale"):
        parse_change(scaling("x", least=6))
