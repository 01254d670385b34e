"""Changes and operations as data: what each would send, what undoes it, and everything that is no change at all."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from approvals.changes.change import CLOUD_KINDS, KINDS, MOST_BYTES, parse_change
from approvals.changes.operation import Again, Kind, Operation, Proof, checked
from approvals.changes.operations import OPERATIONS, declared, table
from approvals.errors import GateError
from approvals.executors.answers import CALLS
from approvals.executors.litellm import PATHS
from approvals.executors.openai_admin import CALLS as OPENAI_CALLS
from tests.approvals.gate_stubs import ACCOUNT, DELETE, INSTANCE, REGION, RESIZE, SCALE, STOP

START = STOP | {"kind": "start_instance"}
MODIFY = {"InstanceId": INSTANCE, "InstanceType": {"Value": "g5.12xlarge"}}


def request(operation: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
    shape = parameters or {"InstanceIds": [INSTANCE]}
    return {"operation": operation, "account": ACCOUNT, "region": REGION, "parameters": shape}


BACK = [{"did": request("ec2:StopInstances"), "undo": request("ec2:StartInstances")}]
UNDO: dict[str, Any] = {**STOP, "kind": "undo_instance", "of": "P-0123456789", "back": BACK}
VARIANT = {"VariantName": "main", "ModelName": "credit-a", "InstanceType": "ml.g4dn.2xlarge", "InitialInstanceCount": 2}
EACH: dict[str, dict[str, Any]] = {
    "stop_instance": STOP,
    "start_instance": START,
    "resize_instance": RESIZE,
    "undo_instance": UNDO,
    "delete_volume": DELETE,
    "scale_node_group": SCALE,
    "change_volume_type": {
        "kind": "change_volume_type", "account": ACCOUNT, "region": REGION, "volume_id": "vol-0123456789abcdef0",
        "size_gib": 2000, "from_type": "gp2", "to_type": "gp3", "iops": 6000, "throughput": 250,
    },
    "release_address": {
        "kind": "release_address", "account": ACCOUNT, "region": REGION, "allocation_id": "eipalloc-0123456789abcdef0",
    },
    "stop_notebook": {"kind": "stop_notebook", "account": ACCOUNT, "region": REGION, "notebook": "credit-notebook"},
    "start_notebook": {"kind": "start_notebook", "account": ACCOUNT, "region": REGION, "notebook": "credit-notebook"},
    "delete_endpoint": {
        "kind": "delete_endpoint", "account": ACCOUNT, "region": REGION, "endpoint": "credit-v3", "config": "credit-a",
    },
    "create_endpoint": {
        "kind": "create_endpoint", "account": ACCOUNT, "region": REGION, "endpoint": "credit-v3", "config": "credit-a",
    },
    "set_endpoint_count": {
        "kind": "set_endpoint_count", "account": ACCOUNT, "region": REGION, "endpoint": "credit-v3", "variant": "main",
        "before": 6, "after": 2,
    },
    "set_endpoint_scaling": {
        "kind": "set_endpoint_scaling", "account": ACCOUNT, "region": REGION, "endpoint": "credit-v3",
        "variant": "main", "least": 2, "most": 6, "calls": 900,
    },
    "set_endpoint_type": {
        "kind": "set_endpoint_type", "account": ACCOUNT, "region": REGION, "endpoint": "credit-v3",
        "config": "credit-a", "before": "ml.g4dn.2xlarge", "after": "ml.g4dn.xlarge",
        "copied": {"ProductionVariants": [VARIANT]},
    },
    "restore_endpoint_type": {
        "kind": "restore_endpoint_type", "account": ACCOUNT, "region": REGION, "endpoint": "credit-v3",
        "config": "credit-a", "before": "ml.g4dn.2xlarge", "after": "ml.g4dn.xlarge",
        "copied": {"ProductionVariants": [VARIANT]},
    },
    "end_endpoint_scaling": {
        "kind": "end_endpoint_scaling", "account": ACCOUNT, "region": REGION, "endpoint": "credit-v3",
        "variant": "main", "least": 2, "most": 6, "calls": 900,
    },
    "set_log_retention": {
        "kind": "set_log_retention", "account": ACCOUNT, "region": REGION, "log_group": "/app/scoring", "days": 365,
    },
    "block_gateway_key": {"kind": "block_gateway_key", "account": "litellm", "key": "0a" * 32},
    "unblock_gateway_key": {"kind": "unblock_gateway_key", "account": "litellm", "key": "0a" * 32},
    "set_gateway_budget": {
        "kind": "set_gateway_budget", "account": "litellm", "team": "fraud",
        "after": {"max_budget": "100", "duration": "1d"}, "before": {"max_budget": None, "duration": None},
    },
    "set_model_alias": {
        "kind": "set_model_alias", "account": "litellm", "team": "fraud", "model": "gpt-4.1",
        "after": {"model": "gpt-4.1-mini"}, "before": {"model": None}, "others": {"chat": "gpt-5"},
    },
    "set_openai_spend_limit": {
        "kind": "set_openai_spend_limit", "account": "openai", "project": "proj_abc", "after": {"cents": 500_00},
        "before": {"cents": None},
    },
    "set_openai_rate_limit": {
        "kind": "set_openai_rate_limit", "account": "openai", "project": "proj_abc", "rate_limit": "rl-gpt-5",
        "after": {"requests": 60, "tokens": 30_000}, "before": {"requests": 500, "tokens": 30_000},
    },
    "set_openai_models": {
        "kind": "set_openai_models", "account": "openai", "project": "proj_abc",
        "after": {"mode": "allow_list", "models": ["gpt-5-mini"]}, "before": {"mode": None, "models": []},
    },
    "schedule_stop": {
        "kind": "schedule_stop", "account": ACCOUNT, "region": REGION, "instance_id": INSTANCE, "hour": 20,
        "zone": "Europe/Berlin", "until": "2027-01-31", "role": "evenings",
    },
    "unschedule_stop": {
        "kind": "unschedule_stop", "account": ACCOUNT, "region": REGION, "instance_id": INSTANCE, "hour": 20,
        "zone": "Europe/Berlin", "until": "2027-01-31", "role": "evenings",
    },
    "delete_snapshot": {
        "kind": "delete_snapshot", "account": ACCOUNT, "region": REGION, "snapshot_id": "snap-0123456789abcdef0",
    },
    "terminate_instance": {
        "kind": "terminate_instance", "account": ACCOUNT, "region": REGION, "instance_id": INSTANCE,
        "image_name": "kept-2026-12-01", "disks": ["vol-0123456789abcdef0"],
    },
    "delete_throughput": {
        "kind": "delete_throughput", "account": ACCOUNT, "region": REGION, "throughput": "abc123def456",
    },
    "disable_access_key": {
        "kind": "disable_access_key", "account": ACCOUNT, "user": "old-job", "key_id": "AKIAX0123456789ABCDE",
    },
    "add_tag": {
        "kind": "add_tag", "account": ACCOUNT, "region": REGION, "resource_type": "instance", "resource_id": INSTANCE,
        "key": "use_case", "value": "fraud",
    },
    "remove_tag": {
        "kind": "remove_tag", "account": ACCOUNT, "region": REGION, "resource_type": "volume",
        "resource_id": "vol-0123456789abcdef0", "key": "use_case", "value": "fraud",
    },
    "enable_access_key": {
        "kind": "enable_access_key", "account": ACCOUNT, "user": "old-job", "key_id": "AKIAX0123456789ABCDE",
    },
    "set_group_minimum": {
        "kind": "set_group_minimum", "account": ACCOUNT, "region": REGION, "group": "web", "before": 8, "after": 3,
    },
}  # fmt: skip


def test_there_is_an_example_of_every_kind() -> None:
    assert set(EACH) == set(CLOUD_KINDS) <= set(KINDS)


@pytest.mark.parametrize("kind", EACH)
def test_every_change_says_what_it_is_and_only_sends_what_is_declared(kind: str) -> None:
    change = parse_change(EACH[kind])
    assert parse_change(json.loads(json.dumps(change.model_dump(mode="json")))) == change
    assert change.target in change.title()
    assert change.account in change.resource
    assert change.reversibility().startswith(change.reversibility_class)
    for number, step in enumerate(change.steps(), 1):
        assert step.number == number
        operation = declared(step.request.operation)
        assert set(step.expect) & set(operation.proven_by)
        assert (step.inverse is None) == (operation.inverse is None)
        if step.inverse is not None:
            assert step.inverse.operation == operation.inverse
        assert step.request.operation in {**CALLS, **PATHS, **OPENAI_CALLS}
        assert all(word in step.sentence() for word in (change.account, change.region))
    with pytest.raises(Exception, match="frozen"):
        change.account = "999999999999"  # type: ignore[misc]


def test_a_deletion_of_before_there_were_copies_is_one_step_and_with_a_copy_two() -> None:
    before, first = parse_change(DELETE), parse_change(DELETE | {"snapshot": "first", "copy_number": 2})
    assert [step.request.operation for step in before.steps()] == ["ec2:DeleteVolume"]
    assert [step.request.operation for step in first.steps()] == ["ec2:CreateSnapshot", "ec2:DeleteVolume"]
    for step in first.steps():
        assert set(step.expect) & set(declared(step.request.operation).proven_by)
    assert "spendgate:copy, Value 2" in first.steps()[0].sentence()


def test_a_resize_is_stop_modify_start_and_of_a_stopped_instance_modify_alone() -> None:
    running, stopped = parse_change(RESIZE), parse_change(RESIZE | {"found": "stopped"})
    assert [step.request.operation for step in running.steps()] == [
        "ec2:StopInstances",
        "ec2:ModifyInstanceAttribute",
        "ec2:StartInstances",
    ]
    assert [step.request.operation for step in stopped.steps()] == ["ec2:ModifyInstanceAttribute"]
    assert running.steps()[-1].expect == {"state": "running", "type": "g5.xlarge"}
    assert stopped.steps()[0].inverse == running.steps()[1].inverse


def test_a_type_that_was_changed_while_it_stood_stopped_is_changed_back_only_while_it_does() -> None:
    (step,) = parse_change(RESIZE | {"found": "stopped"}).steps()
    assert step.inverse is not None
    back = [{"did": step.request.model_dump(), "undo": step.inverse.model_dump()}]
    undo = parse_change(UNDO | {"back": back})
    assert undo.starts_from() == {"state": "stopped", "type": "g5.xlarge"}  # type: ignore[union-attr]
    assert [one.expect for one in undo.steps()] == [{"state": "stopped", "type": "g5.12xlarge"}]


def test_an_undo_starts_from_where_the_steps_led_and_leads_back() -> None:
    forward = parse_change(RESIZE).steps()
    back = [{"did": step.request.model_dump(), "undo": step.inverse.model_dump()} for step in forward[1::-1]]  # type: ignore[union-attr]
    undo = parse_change(UNDO | {"back": back})
    assert undo.starts_from() == {"state": "stopped", "type": "g5.xlarge"}  # type: ignore[union-attr]
    assert [step.expect for step in undo.steps()] == [
        {"state": "stopped", "type": "g5.12xlarge"},
        {"state": "running", "type": "g5.12xlarge"},
    ]
    assert [step.inverse for step in undo.steps()] == [forward[1].request, forward[0].request]


def test_one_resource_has_one_name_whatever_the_change() -> None:
    names = {parse_change(EACH[kind]).resource for kind in EACH if "instance" in kind}
    assert names == {f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{INSTANCE}"}


def test_a_scaling_back_sends_exactly_the_sealed_inverse() -> None:
    change = parse_change(SCALE)
    assert change.inverse().steps()[0].request == change.steps()[0].inverse  # type: ignore[union-attr]


deep: Any = "x"
for _ in range(40):
    deep = {"a": deep}
endless: dict[str, Any] = dict(STOP)
endless["self"] = endless

BAD: list[tuple[str, Any, str]] = [
    ("no table", [STOP], "this is list"),
    ("nothing", None, "this is NoneType"),
    ("text", json.dumps(STOP), "this is str"),
    ("no kind", {key: value for key, value in STOP.items() if key != "kind"}, "kind"),
    ("a kind that is a list", STOP | {"kind": ["stop_instance"]}, "kind"),
    ("another provider", STOP | {"provider": "azure"}, "provider"),
    ("digits of another script", STOP | {"account": "１２３４５６７８９０１２"}, "account"),
    ("Arabic digits in a region", STOP | {"region": "eu-central-١"}, "region"),
    ("a Cyrillic letter in an id", STOP | {"instance_id": "i-0123456789аbcdef0"}, "instance_id"),
    ("a line break after an id", STOP | {"instance_id": INSTANCE + "\n"}, "instance_id"),
    ("a space before an id", STOP | {"instance_id": " " + INSTANCE}, "instance_id"),
    ("a zero-width space", STOP | {"instance_id": INSTANCE + "\u200b"}, "instance_id"),
    ("capital letters", STOP | {"instance_id": INSTANCE.upper()}, "instance_id"),
    ("half a surrogate", STOP | {"instance_id": "\ud800"}, "no Unicode"),
    ("an account as a number", STOP | {"account": 123456789012}, "account"),
    ("a field of another kind", STOP | {"to_type": "g5.xlarge"}, "to_type"),
    ("too deep", STOP | {"more": deep}, "nested more than"),
    ("without end", endless, "nested more than"),
    ("too large", STOP | {"note": "x" * MOST_BYTES}, "bytes, and the most is"),
    ("no JSON", STOP | {"when": object()}, "JSON cannot"),
    ("not a number", STOP | {"size": float("nan")}, "JSON cannot"),
    ("many faults", STOP | {f"extra{at}": at for at in range(300)}, "and 295 more"),
    ("a resize to the same type", RESIZE | {"to_type": "g5.12xlarge"}, "already"),
    ("a resize to no type", RESIZE | {"to_type": "large"}, "to_type"),
    ("a resize of a terminated one", RESIZE | {"found": "terminated"}, "found"),
    ("a volume's id that is an instance's", DELETE | {"volume_id": INSTANCE}, "volume_id"),
    ("a cluster with a slash", SCALE | {"cluster": "a/b"}, "cluster"),
    ("sizes out of order", SCALE | {"after": {"min": 3, "max": 4, "desired": 2}}, "not between"),
    ("no largest size", SCALE | {"after": {"min": 0, "max": 0, "desired": 0}}, "max"),
    ("a negative size", SCALE | {"after": {"min": -1, "max": 4, "desired": 0}}, "min"),
    ("sizes as text", SCALE | {"after": {"min": "0", "max": 4, "desired": 0}}, "min"),
    ("sizes as truth", SCALE | {"after": {"min": False, "max": 4, "desired": 0}}, "min"),
    ("scaling to the same", SCALE | {"after": SCALE["before"]}, "at least one number"),
    ("an undo of nothing", UNDO | {"back": []}, "back"),
    ("an undo of no proposal", UNDO | {"of": "the last one"}, "of"),
    ("an undo that terminates", UNDO | {"back": [BACK[0] | {"undo": request("ec2:TerminateInstances")}]}, "no stop"),
    (
        "an undo on another instance",
        UNDO | {"back": [BACK[0] | {"undo": request("ec2:StartInstances", {"InstanceIds": ["i-0ffffffffffffffff"]})}]},
        "no stop",
    ),
    (
        "an undo on two instances",
        UNDO | {"back": [BACK[0] | {"undo": request("ec2:StartInstances", {"InstanceIds": [INSTANCE, INSTANCE]})}]},
        "no stop",
    ),
    (
        "an undo with a parameter more",
        UNDO | {"back": [BACK[0] | {"undo": request("ec2:StopInstances", {"InstanceIds": [INSTANCE], "Force": True})}]},
        "no stop",
    ),
    (
        "an undo in another region",
        UNDO | {"back": [BACK[0] | {"undo": request("ec2:StartInstances") | {"region": "us-east-1"}}]},
        "another account or region",
    ),
    (
        "an undo to a type that is none",
        UNDO | {"back": [BACK[0] | {"undo": request("ec2:ModifyInstanceAttribute", MODIFY | {"InstanceType": "x"})}]},
        "no stop",
    ),
    ("an undo that undoes nothing", UNDO | {"back": [BACK[0] | {"undo": BACK[0]["did"]}]}, "undo nothing"),
]


@pytest.mark.parametrize(("what", "given", "says"), BAD, ids=[row[0] for row in BAD])
def test_what_is_no_change_is_refused_in_short_plain_text(what: str, given: Any, says: str) -> None:
    with pytest.raises(GateError, match=says) as refused:
        parse_change(given)
    assert str(refused.value).isascii()
    assert len(str(refused.value)) < 2_000


json_like: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kind=st.sampled_from(KINDS), more=st.dictionaries(st.sampled_from([*STOP, *SCALE, *UNDO, "x"]), json_like))
def test_no_input_whatever_breaks_it(kind: str, more: dict[str, Any]) -> None:
    try:
        change = parse_change({"kind": kind, **more})
    except GateError:
        return
    assert change.resource.isascii()


GOOD: dict[str, Any] = {
    "name": "x:Do",
    "kind": Kind.MUTATION,
    "again": Again.NEVER,
    "proof": Proof.READ_BACK,
    "proven_by": ("state",),
    "provider_checks": "",
}
BROKEN: list[tuple[str, dict[str, Any], str]] = [
    ("a purchase under a token", {"kind": Kind.PURCHASE, "again": Again.SAME_TOKEN, "token": "t"}, "never sent again"),
    ("a purchase if absent", {"kind": Kind.PURCHASE, "again": Again.IF_ABSENT}, "never sent again"),
    ("a deletion under a token", {"kind": Kind.DELETE, "again": Again.SAME_TOKEN, "token": "t"}, "never sent again"),
    ("a deletion with a way back", {"kind": Kind.DELETE, "inverse": "x:Do"}, "no inverse"),
    ("a token that it does not take", {"again": Again.SAME_TOKEN}, "needs a parameter"),
    ("a proof by no token", {"proof": Proof.PROVIDER_TOKEN}, "needs a parameter"),
    ("nothing to prove it by", {"proven_by": ()}, "nothing would tell"),
    ("an inverse that nobody declared", {"inverse": "x:Undo"}, "is not declared"),
    ("no service", {"name": "Do"}, "service:Operation"),
    ("less patience than it settles", {"settles": 9}, "patience"),
]


@pytest.mark.parametrize(("what", "wrong", "says"), BROKEN, ids=[row[0] for row in BROKEN])
def test_a_declaration_is_refused_that_has(what: str, wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        checked(Operation(**(GOOD | wrong)))


def test_the_shipped_declarations_hold_and_none_is_sent_again_on_absence_alone() -> None:
    assert checked(*OPERATIONS.values()) == OPERATIONS
    assert {one.again for one in OPERATIONS.values()} == {Again.NEVER, Again.SAME_TOKEN}
    assert all(one.again == Again.NEVER for one in OPERATIONS.values() if one.kind != Kind.MUTATION)
    with pytest.raises(ValueError, match="declared twice"):
        checked(*OPERATIONS.values(), dataclasses.replace(OPERATIONS["ec2:StopInstances"]))
    with pytest.raises(GateError, match="No declaration"):
        declared("ec2:RebootInstances")


def test_the_document_holds_the_table_as_it_is_declared() -> None:
    document = (Path(__file__).parents[2] / "docs" / "executors.md").read_text()
    assert table() in document
