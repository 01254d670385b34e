"""Every rule that leads to a change, through everything: found, asked for, drift refused, done, read back, undone.

Nothing is made up between two steps: the finding is the rule's on the bank's bill, the proposal is what the tool makes
of it, and what carries it out is the worker with real client code against the sandboxes.
"""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from approvals.changes.reversibility import BY_KIND
from approvals.sealed import decode
from approvals.settling import looks
from approvals.states import State
from sandbox.aws.copies import make_image
from sandbox.aws.throughput import change_throughput
from tests.approvals.gate_stubs import OLIVIA
from tests.savings.conftest import Bank
from tests.savings.run import Run
from tools.desk import Desk
from tools.key_rules import judged_access_keys
from tools.rules.catalogue import FORMS
from tools.rules.form import Form

CHANGING = [form for form in FORMS if form.kind]
NOTE = {"Key": "checked-by", "Value": "somebody"}


@contextmanager
def tagged(run: Run, change: Any) -> Any:
    ec2 = run.clients(change.account, change.region, "ec2")
    ec2.create_tags(Resources=[change.target], Tags=[NOTE])
    yield "tags"
    ec2.delete_tags(Resources=[change.target], Tags=[NOTE])


@contextmanager
def started(run: Run, change: Any) -> Any:
    ec2 = run.clients(change.account, change.region, "ec2")
    ec2.start_instances(InstanceIds=[change.target])
    yield "state"
    ec2.stop_instances(InstanceIds=[change.target])


@contextmanager
def attached(run: Run, change: Any) -> Any:
    ec2 = run.clients(change.account, change.region, "ec2")
    machine = ec2.describe_instances()["Reservations"][0]["Instances"][0]["InstanceId"]
    ec2.attach_volume(VolumeId=change.target, InstanceId=machine, Device="/dev/sdz")
    yield "attached_to"
    ec2.detach_volume(VolumeId=change.target, InstanceId=machine, Device="/dev/sdz")


@contextmanager
def imaged(run: Run, change: Any) -> Any:
    """moto's own registration takes no snapshot of one's choice."""
    place = {"account": change.account, "region": change.region}
    make_image({**place, "image_id": "ami-0123456789abcdef0", "name": "needs-it", "snapshot": change.target})
    yield "images"
    run.clients(change.account, change.region, "ec2").deregister_image(ImageId="ami-0123456789abcdef0")


@contextmanager
def tagged_sagemaker(run: Run, change: Any) -> Any:
    client = run.clients(change.account, change.region, "sagemaker")
    kind = change.kind.split("_")[1]
    arn = f"arn:aws:sagemaker:{change.region}:{change.account}:{'notebook-instance' if kind == 'notebook' else kind}"
    client.add_tags(ResourceArn=f"{arn}/{change.target}", Tags=[NOTE])
    yield "tags"
    client.delete_tags(ResourceArn=f"{arn}/{change.target}", TagKeys=[NOTE["Key"]])


@contextmanager
def tagged_logs(run: Run, change: Any) -> Any:
    client = run.clients(change.account, change.region, "logs")
    arn = f"arn:aws:logs:{change.region}:{change.account}:log-group:{change.target}"
    client.tag_resource(resourceArn=arn, tags={NOTE["Key"]: NOTE["Value"]})
    yield "tags"
    client.untag_resource(resourceArn=arn, tagKeys=[NOTE["Key"]])


@contextmanager
def another_minimum(run: Run, change: Any) -> Any:
    client = run.clients(change.account, change.region, "autoscaling")
    client.update_auto_scaling_group(AutoScalingGroupName=change.target, MinSize=change.before - 1)
    yield "min"
    client.update_auto_scaling_group(AutoScalingGroupName=change.target, MinSize=change.before)


@contextmanager
def tagged_user(run: Run, change: Any) -> Any:
    iam = run.clients(change.account, change.region, "iam")
    iam.tag_user(UserName=change.user, Tags=[NOTE])
    yield "tags"
    iam.untag_user(UserName=change.user, TagKeys=[NOTE["Key"]])


@contextmanager
def more_units(run: Run, change: Any) -> Any:
    change_throughput(change.target, modelUnits=9)
    yield "units"
    change_throughput(change.target, modelUnits=2)


@contextmanager
def another_budget(run: Run, change: Any) -> Any:
    row = run.proxy.provider.keys[change.target]  # type: ignore[attr-defined]
    row.update(max_budget=77.0, budget_duration="1d")
    yield "max_budget"
    row.update(max_budget=None, budget_duration=None)


@contextmanager
def another_alias(run: Run, change: Any) -> Any:
    aliases = run.proxy.provider.teams[change.team]["litellm_model_table"]["model_aliases"]  # type: ignore[attr-defined]
    aliases["report"] = "gpt-4.1-mini"
    yield "other_aliases"
    del aliases["report"]


@contextmanager
def another_limit(run: Run, change: Any) -> Any:
    row = run.openai.provider.projects[change.target]  # type: ignore[attr-defined]
    row["spend_limit"] = {"object": "project.spend_limit", "threshold_amount": 77_00, "currency": "USD",
                          "interval": "month", "enforcement": {"status": "inactive"}}  # fmt: skip
    yield "spend_limit"
    row["spend_limit"] = None


Meddle = Callable[[Run, Any], AbstractContextManager[str]]
MEDDLES: dict[str, Meddle] = {
    "stop_instance": tagged, "resize_instance": tagged, "schedule_stop": tagged, "change_volume_type": tagged,
    "terminate_instance": started, "delete_volume": attached, "delete_snapshot": imaged, "release_address": tagged,
    "stop_notebook": tagged_sagemaker,
    "delete_endpoint": tagged_sagemaker,
    "set_endpoint_count": tagged_sagemaker, "set_endpoint_scaling": tagged_sagemaker,
    "set_endpoint_type": tagged_sagemaker,
    "set_log_retention": tagged_logs, "set_group_minimum": another_minimum, "delete_throughput": more_units,
    "set_gateway_budget": another_budget, "block_gateway_key": another_budget,
    "disable_access_key": tagged_user, "set_model_alias": another_alias,
    "set_openai_spend_limit": another_limit,
}  # fmt: skip


def planted(bank: Bank, rule: str) -> dict[str, Any]:
    """The first resource of which the bank itself says that this rule must find it."""
    truth = json.loads((bank.folder / "truth.json").read_text())
    if rule == "idle_gpu_instance":
        return {"resource": truth["idle"][0]["instance_id"]}
    listed = [*truth["waste"], *truth["gateway"], *truth["keys"], *truth["projects"]]
    return next(one for one in listed if (one["rule"], one["verdict"]) == (rule, "waste"))


@pytest.mark.slow
@pytest.mark.parametrize("form", CHANGING, ids=[form.name for form in CHANGING])
def test_a_finding_becomes_a_change_that_runs_and_is_undone(form: Form, run: Run, bank: Bank) -> None:
    target = planted(bank, form.name)["resource"]
    # Somebody touches the resource after the votes: what people decided about is not what stands there any more.
    asked = run.ask(target, form.kind)
    assert "error" not in asked, asked
    (first,) = asked["proposals"]
    sealed = run.approved(first)
    assert json.loads(sealed.evidence)["rule"] == form.name
    before = run.stands(first)
    with MEDDLES[form.kind](run, run.change(first)) as field:
        assert field in form.drift
        assert run.ended(first) == State.STALE
        assert f"{field}: " in str(run.gate.row(first).reason)
    assert run.stands(first) == before
    # Asked for again it is carried out, once, and read back.
    (second,) = run.ask(target, form.kind)["proposals"]
    run.approved(second)
    assert run.ended(second) == State.VERIFIED, run.gate.row(second).reason
    steps = decode(run.gate.row(second).sealed, run.gate.row(second).digest).steps
    assert looks(run.stands(second), steps[-1].expect)
    assert run.gate.events(second).count("execution.intended") == len(steps)
    _way_back(form, run, second, before)


def _way_back(form: Form, run: Run, done: str, before: dict[str, Any]) -> None:
    """The inverse that was sealed, voted on like any other change; nothing where the rule says there is none."""
    back = run.undone(done)
    assert (back is None) == (BY_KIND[form.kind] == "irreversible"), form.reversibility
    if back is None:
        assert form.reversibility.startswith("irreversible")
        return
    run.approved(back)
    assert run.ended(back) == State.VERIFIED, run.gate.row(back).reason
    assert looks(run.stands(done), run.change(done).starts_from())


@pytest.mark.slow
def test_of_the_banks_access_keys_all_that_was_planted_is_found_and_nothing_else(run: Run, bank: Bank) -> None:
    truth = json.loads((bank.folder / "truth.json").read_text())["keys"]
    desk = Desk(lake=bank.lake, now=run.gate.now, speaker=OLIVIA, scope=("*",))
    told = {one.resource.resource_id: str(one.verdict) for one in judged_access_keys(desk)}
    # The accounts' own keys, with which the sandbox is opened, are new.
    assert {told.pop(name) for name in told.keys() - {one["resource"] for one in truth}} <= {"fine"}
    assert told == {one["resource"]: one["verdict"] for one in truth if one["verdict"]}


def test_every_change_that_a_rule_leads_to_has_its_drift_tried() -> None:
    assert set(MEDDLES) == {form.kind for form in CHANGING}
