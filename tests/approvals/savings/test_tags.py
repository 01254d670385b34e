"""What is special about tags: which keys and values may be added at all, and what Terraform owns."""

import json
from typing import Any

import pytest

from app.processes.cloud import eyes
from approvals.changes.change import parse_change
from approvals.errors import GateError
from approvals.inspectors.port import NotSealable, Snapshot
from approvals.inspectors.terraform import TerraformEyes
from approvals.states import State
from sandbox.aws.serve import ServedAws
from tests.approvals.savings.estate import CHEAP, DISKS, clients_of, tag

DEAR = {"amount": "99999999", "currency": "USD"}
KEYS = [
    "environment",
    "Env",
    "st-age",
    "aws:team",
    "spendgate:team",
    "kubernetes.io/team",
    "eks:team",
    "Name",
    "team\n",
]
VALUES = ["", " fraud", "fraud ", "a\nb", "fraud\n", "x" * 257, "<b>"]
MORE = [*({"key": key} for key in KEYS), *({"value": value} for value in VALUES)]


@pytest.mark.parametrize("more", [*MORE, {"resource_type": "instance"}], ids=str)
def test_it_is_no_change_with(more: dict[str, Any]) -> None:
    with pytest.raises(GateError):
        parse_change(tag(DISKS[-3]) | more)


@pytest.mark.parametrize(
    "more", [{"key": "Cost-Center"}, {"value": "x" * 256}, {"key": "use-case"}], ids=["a", "b", "c"]
)
def test_it_is_a_change_with(more: dict[str, Any]) -> None:
    assert parse_change(tag(DISKS[-3]) | more).kind == "add_tag"


def test_what_terraform_owns_is_not_tagged_past_it(aws: ServedAws) -> None:
    looks, change = eyes(clients_of(aws)), parse_change(tag(DISKS[-3]))
    assert isinstance(TerraformEyes(looks).look(change), Snapshot)
    seen = TerraformEyes(looks, tags=(("team", None),)).look(change)
    assert isinstance(seen, NotSealable)
    assert seen.code == "managed"


def test_one_that_a_person_wrote_down_needs_the_votes_of_the_dearest(cloud: Any) -> None:
    """Nobody computed an amount for it, and none is no small one."""
    cheap, dear, unknown = (
        cloud.sealed(change=tag(name), evidence=evidence)
        for name, evidence in zip(DISKS[-4:-1], (CHEAP, DEAR, {}), strict=True)
    )
    assert {State(row.state) for row in (cheap, dear, unknown)} == {State.SEALED}
    assert [json.loads(row.sealed)["policy"]["slots"] for row in (cheap, dear, unknown)] == [
        [["owner"]], [["vp"]], [["vp"]],
    ]  # fmt: skip
    assert "amount not known, so as above every limit" in json.loads(unknown.sealed)["policy"]["reason"]
