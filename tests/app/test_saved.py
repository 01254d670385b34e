"""How far a saving got: a proposal counts at one stage, and at the next once it is there."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from app.cli import app
from app.commands import proposals
from app.database import reading
from app.processes.worker import Worker
from app.saved import Stage, copy_tags_of, disks_of, saved
from approvals.changes.change import parse_change
from tests.app.test_proposals_command import at_home

__all__ = ["at_home"]


def at(engine: Engine, scope: tuple[str, ...] = ("*",)) -> dict[Stage, list[str]]:
    with reading(engine) as (session, _):
        told = {stage: [deed.proposal for deed in saved(session, stage, scope=scope)] for stage in Stage}
    return {stage: names for stage, names in told.items() if names}


@pytest.mark.usefixtures("at_home")
def test_a_proposal_moves_from_stage_to_stage(
    engine: Engine, sealed: Callable[[str], str], worker: Worker, machine: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    name = sealed("t-1")
    assert at(engine) == {Stage.PROPOSED: [name]}
    assert at(engine, scope=("some-team",)) == {}
    proposals.decide(name, approve=True, reject=False, reason="", digest=None, person=None, as_json=False)
    assert at(engine) == {Stage.APPROVED: [name]}
    for _ in range(4):
        worker.round()
    assert machine.sent
    assert at(engine) == {Stage.REALISED: [name]}
    with reading(engine) as (session, now):
        (deed,) = saved(session, Stage.REALISED, scope=("*",))
    assert (deed.at, round(deed.promised, 2), deed.currency) == (now.date(), Decimal("3166.67"), "USD")
    assert deed.ids == ("arn:aws:ec2:us-east-1:471852036911:instance/i-0123456789abcdef0", "i-0123456789abcdef0")


@pytest.mark.usefixtures("at_home")
def test_the_command_tells_one_stage_at_a_time(engine: Engine, sealed: Callable[[str], str]) -> None:
    name = sealed("t-1")
    run = CliRunner()
    told = run.invoke(app, ["savings", "--proposed"])
    assert told.exit_code == 0, told.output
    assert name in told.output
    assert "$3,166.67" in told.output
    assert "No saving was carried out" in run.invoke(app, ["savings", "--realised"]).output
    assert run.invoke(app, ["savings", "--proposed", "--shadow"]).exit_code == 2


def test_what_a_terminated_machine_cost_is_what_its_disks_cost() -> None:
    place = {"account": "471852036911", "region": "us-east-1", "instance_id": "i-0123456789abcdef0"}
    disks = ["vol-0123456789abcdef0", "vol-0123456789abcdef1"]
    gone = parse_change({"kind": "terminate_instance", **place, "image_name": "kept", "disks": disks})
    arn = "arn:aws:ec2:us-east-1:471852036911:volume/"
    assert disks_of(gone) == tuple((f"{arn}{name}", name) for name in disks)
    assert disks_of(parse_change({"kind": "stop_instance", **place})) == ()


def test_the_copy_that_stays_is_known_by_its_tags() -> None:
    place = {"account": "471852036911", "region": "us-east-1"}
    gone = parse_change(
        {"kind": "terminate_instance", **place, "instance_id": "i-0123456789abcdef0", "image_name": "kept"}
    )
    disk = {"kind": "delete_volume", **place, "volume_id": "vol-0123456789abcdef0"}
    copied = parse_change({**disk, "snapshot": "first", "copy_number": 2})
    assert copy_tags_of(gone) == {"spendgate:image-of": "i-0123456789abcdef0"}
    assert copy_tags_of(copied) == {"spendgate:copy-of": "vol-0123456789abcdef0", "spendgate:copy": "2"}
    assert copy_tags_of(parse_change(disk)) == {}
