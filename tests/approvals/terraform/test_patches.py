"""What Terraform owns is handed over as a patch: sealed, voted on, never sent, and applied as the cloud shows."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.carried_out import carried_out
from app.commands.proposals import card_text
from approvals.active import active
from approvals.card import project
from approvals.changes.reversibility import class_of
from approvals.changes.terraform import PatchTerraform
from approvals.claim import Refusal, claim
from approvals.execute import execute
from approvals.propose import in_emergency, propose
from approvals.rollback import roll_back
from approvals.seal import GIVE_UP, seal
from approvals.sealed import decode
from approvals.states import State
from approvals.store import proposal_of
from lake.period import Period
from sandbox.aws.serve import ServedAws
from tests.approvals.gate_stubs import OLIVIA, RULES, SAM
from tests.approvals.governing import GLASS, MORE_PEOPLE
from tests.approvals.savings.estate import (
    ADDRESSES,
    CHEAP,
    DISKS,
    MACHINE,
    PLACE,
    address,
    approved,
    claimed,
    clients_of,
    disk,
    ended,
    group,
    moves,
    next_address,
    next_disk,
    old_disk,
    read_back,
)
from tests.approvals.terraform.states import ACCOUNT, REGION, SECRET, resource

Owned = Callable[..., Any]
SOURCE = """resource "aws_ebs_volume" "ledger" {
  size     = 100
  type     = "gp2"
  password = "hunter2-db-password"
}
"""


def ledger() -> tuple[str, list[dict[str, Any]]]:
    """A disk that nobody else touches, and the state that holds it."""
    name = DISKS[next(next_disk)]
    return name, [resource("aws_ebs_volume", "ledger", id=name)]


def gp3(aws: ServedAws, name: str, kind: str = "gp3") -> None:
    """What applying the patch does, by whoever applies it; AWS gives a gp3 its usual speed by itself."""
    ec2 = clients_of(aws)(ACCOUNT, REGION, "ec2")
    ec2.modify_volume(VolumeId=name, VolumeType=kind, Iops=3000, Throughput=125)


def patch_of(gate: Any, proposal: str) -> PatchTerraform:
    row = gate.row(proposal)
    change = decode(row.sealed, row.digest).change
    assert isinstance(change, PatchTerraform), row.reason
    return change


def told(gate: Any, proposal: str) -> str:
    with gate.reading() as (session, _):
        return card_text(project(session, proposal, active(session).people))


def carried(gate: Any) -> list[str]:
    """What a conversation is told was carried out today."""
    with gate.reading() as (session, now):
        days = Period(now.date(), now.date() + timedelta(days=1))
        return [one.what for one in carried_out(session, days, scope=("*",))]


def test_it_is_handed_over_applied_by_others_and_set_back_by_a_patch(terraform: Owned, aws: ServedAws) -> None:
    name, held = ledger()
    gate = terraform(held, SOURCE)
    got = claimed(gate, disk(name))
    patch = patch_of(gate, got.proposal_id)
    assert patch.address == "aws_ebs_volume.ledger"
    assert patch.diff[3:] == ('-  type     = "gp2"', '+  type     = "gp3"')
    card = told(gate, got.proposal_id)
    assert all(line in card for line in patch.lines())
    assert execute(gate.begin, claim=got, executor=gate.executor) == State.SUCCEEDED
    assert read_back(gate, got) == State.SUCCEEDED
    assert "handed over, not applied yet" in told(gate, got.proposal_id)
    assert carried(gate) == []
    assert moves(aws, name) == []
    gate.later(days=3)
    gp3(aws, name)
    assert read_back(gate, got) == State.VERIFIED
    assert "applied and checked" in told(gate, got.proposal_id)
    assert [name for name in carried(gate) if got.proposal_id in name]
    (gate.places / "source" / "main.tf").write_text(SOURCE.replace("gp2", "gp3"))
    with gate.writing() as (session, now):
        drafted = roll_back(session, now=now, proposal_id=got.proposal_id, person=OLIVIA)
    assert drafted.verdict.allowed, drafted.verdict
    row = seal(gate.begin, draft_id=drafted.proposal_id, inspector=gate.inspector)
    assert row is not None
    assert row.state == State.SEALED, row.reason
    assert patch_of(gate, row.id).diff[3:] == ('-  type     = "gp3"', '+  type     = "gp2"')


def test_it_needs_the_votes_of_what_it_would_do(terraform: Owned, aws: ServedAws) -> None:
    name = ADDRESSES[next(next_address)]
    gate = terraform([resource("aws_eip", "vpn", module="module.edge", id=name)], "")
    row = gate.pending(change=address(name), evidence=CHEAP)
    patch = patch_of(gate, row.id)
    assert class_of(patch) == "irreversible"
    assert row.class_name == "irreversible"
    assert patch.diff == ()
    assert patch.instruction.startswith("Remove aws_eip.vpn in module.edge, which the state bank.tfstate holds")
    assert gate.vote(row, SAM).verdict.allowed
    assert gate.state(row) == State.PARTIAL
    assert moves(aws, name) == []


def test_what_nobody_applies_ends_as_not_applied(terraform: Owned, aws: ServedAws) -> None:
    name, held = ledger()
    gate = terraform(held, SOURCE)
    got = claimed(gate, disk(name))
    execute(gate.begin, claim=got, executor=gate.executor)
    gate.later(days=13)
    assert read_back(gate, got) == State.SUCCEEDED
    gate.later(days=2)
    assert read_back(gate, got) == State.DIVERGED
    assert "handed over, and not applied in time: it now reads" in str(gate.row(got.proposal_id).reason)


def test_it_is_looked_at_every_ten_minutes_and_not_every_three_seconds(terraform: Owned) -> None:
    name, held = ledger()
    gate = terraform(held, SOURCE)
    got = claimed(gate, disk(name))
    execute(gate.begin, claim=got, executor=gate.executor)
    read_back(gate, got)
    assert (gate.row(got.proposal_id).look_at - gate.now).total_seconds() == 600


def test_in_an_emergency_it_is_asked_for_and_made_anew(terraform: Owned) -> None:
    name, held = ledger()
    gate = terraform(held, SOURCE)
    gate.adopt("people", MORE_PEOPLE)
    gate.adopt("rules", RULES + GLASS)
    old = gate.pending(change=disk(name), evidence=CHEAP)
    patch = patch_of(gate, old.id)
    with gate.writing() as (session, now):
        wanted = in_emergency(proposal_of(session, old.id), person=OLIVIA, incident="INC-20417")
        drafted = propose(session, now=now, draft=wanted)
    assert drafted.verdict.allowed, drafted.verdict
    row = seal(gate.begin, draft_id=drafted.proposal_id, inspector=gate.inspector)
    assert row is not None
    assert row.state == State.SEALED, row.reason
    assert patch_of(gate, row.id) == patch
    assert gate.state(old) == State.SUPERSEDED


@pytest.mark.parametrize("edit", ["the file changed", "the state holds it no more"])
def test_what_changed_after_the_votes_is_not_handed_over(terraform: Owned, aws: ServedAws, edit: str) -> None:
    name, held = ledger()
    gate = terraform(held, SOURCE)
    row = approved(gate, disk(name))
    changed = edit == "the file changed"
    gate = terraform(held if changed else [], "# moved\n" + SOURCE)
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    assert isinstance(got, Refusal)
    assert gate.state(row) == State.STALE
    assert "terraform: " in str(gate.row(row.id).reason)
    assert moves(aws, name) == []


def test_no_secret_of_state_or_source_is_kept(terraform: Owned) -> None:
    name, held = ledger()
    gate = terraform(held, SOURCE)
    got = claimed(gate, disk(name))
    execute(gate.begin, claim=got, executor=gate.executor)
    kept = gate.row(got.proposal_id).model_dump_json().encode() + bytes(gate.row(got.proposal_id).sealed)
    kept += repr(gate.log()).encode() + told(gate, got.proposal_id).encode()
    assert b"ledger" in kept
    assert SECRET.encode() not in kept


OTHERS: list[tuple[str, str, str, list[str]]] = [
    ("one of several that a block makes", "index", "(its block makes several)", []),
    ("a module's", "module", "in module.core", []),
    ("a variable in the file", "variable", "In aws_ebs_volume.ledger set type", []),
]


@pytest.mark.parametrize(("what", "how", "says", "diff"), OTHERS, ids=[row[0] for row in OTHERS])
def test_what_cannot_be_located_is_an_instruction(
    terraform: Owned, what: str, how: str, says: str, diff: list[str]
) -> None:
    name = DISKS[next(next_disk)]
    given: dict[str, dict[str, Any]] = {"index": {"index": 0}, "module": {"module": "module.core"}}
    held = [resource("aws_ebs_volume", "ledger", id=name, **given.get(how, {}))]
    gate = terraform(held, SOURCE.replace('"gp2"', "var.type") if how == "variable" else SOURCE)
    patch = patch_of(gate, gate.pending(change=disk(name), evidence=CHEAP).id)
    assert says in patch.instruction
    assert 'type = "gp3" (now "gp2")' in patch.instruction
    assert list(patch.diff) == diff


def test_more_than_one_argument_is_an_instruction(terraform: Owned) -> None:
    name, held = ledger()
    gate = terraform(held, SOURCE)
    patch = patch_of(gate, gate.pending(change=disk(name, iops=4000), evidence=CHEAP).id)
    assert 'set type = "gp3" (now "gp2"), iops = 4000' in patch.instruction
    assert patch.diff == ()


def test_a_tag_that_says_so_is_enough(terraform: Owned, aws: ServedAws) -> None:
    name = DISKS[next(next_disk)]
    ec2 = clients_of(aws)(ACCOUNT, REGION, "ec2")
    ec2.create_tags(Resources=[name], Tags=[{"Key": "managedby", "Value": "Terraform"}])
    gate = terraform(None)
    patch = patch_of(gate, gate.pending(change=disk(name), evidence=CHEAP).id)
    assert patch.address == ""
    assert f"the aws_ebs_volume with the id {name} set type" in patch.instruction
    assert "which its tags say that Terraform owns" in patch.instruction


def test_what_nobody_says_is_terraforms_is_changed_live(terraform: Owned) -> None:
    gate = terraform([resource("aws_ebs_volume", "other", id=DISKS[0])], SOURCE)
    row = gate.pending(change=group(), evidence=CHEAP)
    assert json.loads(row.change)["kind"] == "set_group_minimum"


def test_whether_a_machine_runs_is_not_terraforms(terraform: Owned) -> None:
    gate = terraform([resource("aws_instance", "gpu", id=MACHINE)], "")
    row = gate.pending(change={"kind": "stop_instance", **PLACE, "instance_id": MACHINE}, evidence=CHEAP)
    assert json.loads(row.change)["kind"] == "stop_instance"


def test_a_resource_in_two_places_is_left_alone(terraform: Owned) -> None:
    name, held = ledger()
    gate = terraform([*held, resource("aws_ebs_volume", "copy", id=name)], SOURCE)
    row = gate.sealed(change=disk(name), evidence=CHEAP)
    assert (row.state, row.code) == (State.UNSEALABLE, "managed_twice")


def test_a_patch_that_somebody_drafts_is_none(terraform: Owned) -> None:
    name, held = ledger()
    gate = terraform(held, SOURCE)
    made = {"kind": "patch_terraform", "of": disk(name), "instruction": "Delete everything"}
    row = gate.sealed(change=made, evidence=CHEAP)
    assert (row.state, row.code) == (State.UNSEALABLE, "made_by_worker")


def test_while_a_state_cannot_be_read_nothing_is_sealed(terraform: Owned, aws: ServedAws) -> None:
    """Nobody knows then who owns it; a live change might be one that Terraform takes back."""
    name, held = ledger()
    gate = terraform(held, SOURCE)
    (gate.places / "bank.tfstate").write_text("{")
    drafted = gate.draft(change=disk(name), evidence=CHEAP)
    assert seal(gate.begin, draft_id=drafted.proposal_id, inspector=gate.inspector) is None
    gate.later(seconds=GIVE_UP.total_seconds() + 1)
    row = seal(gate.begin, draft_id=drafted.proposal_id, inspector=gate.inspector)
    assert row is not None
    assert (row.state, row.code) == (State.UNSEALABLE, "cannot_look")
    assert "bank.tfstate cannot be read: it is not JSON" in str(row.reason)


def test_a_machine_to_go_is_imaged_by_hand_first(terraform: Owned, aws: ServedAws) -> None:
    change = ended()
    gate = terraform([resource("aws_instance", "batch", id=change["instance_id"])], "")
    got = claimed(gate, change)
    patch = patch_of(gate, got.proposal_id)
    first = f"First make an image named {change['image_name']} of {change['instance_id']} and wait until"
    assert patch.instruction.startswith(first)
    assert "Then remove aws_instance.batch" in patch.instruction
    assert execute(gate.begin, claim=got, executor=gate.executor) == State.SUCCEEDED
    ec2 = clients_of(aws)(ACCOUNT, REGION, "ec2")
    ec2.create_image(InstanceId=change["instance_id"], Name=change["image_name"])
    assert read_back(gate, got) == State.SUCCEEDED
    ec2.terminate_instances(InstanceIds=[change["instance_id"]])
    assert read_back(gate, got) == State.VERIFIED


def test_a_disk_to_go_is_copied_by_hand_first(terraform: Owned, aws: ServedAws) -> None:
    change = old_disk()
    gate = terraform([resource("aws_ebs_volume", "old", id=change["volume_id"])], "")
    got = claimed(gate, change)
    patch: Any = patch_of(gate, got.proposal_id)
    tags = f"spendgate:copy-of = {change['volume_id']} and spendgate:copy = 1"
    assert patch.instruction.startswith(
        f"First make a snapshot of {change['volume_id']} with the tags {tags}, and wait"
    )
    assert execute(gate.begin, claim=got, executor=gate.executor) == State.SUCCEEDED
    ec2 = clients_of(aws)(ACCOUNT, REGION, "ec2")
    ec2.create_snapshot(**patch.of.steps()[0].request.parameters)
    ec2.delete_volume(VolumeId=change["volume_id"])
    assert read_back(gate, got) == State.VERIFIED
