"""Who owns a resource, by its tags; and what is refused or handed over whatever the worker may do itself."""

import json
from pathlib import Path
from typing import Any

import pytest

from approvals.changes.change import parse_change
from approvals.changes.terraform import PatchTerraform
from approvals.inspectors.aws import fingerprints
from approvals.inspectors.port import NotSealable, Snapshot
from approvals.inspectors.router import Router
from approvals.inspectors.terraform import TerraformEyes, says_terraform
from tests.approvals.gate_stubs import FIELDS, INSTANCE, RESIZE, STOP
from tests.approvals.terraform.states import resource, state

WANTED = (("terraform", None), ("ManagedBy", "terraform"))
TAGS: list[tuple[str, dict[str, str], bool]] = [
    ("none", {}, False),
    ("a key of its own", {"terraform": "true"}, True),
    ("the key names the workspace", {"Terraform": "bank/prod"}, True),
    ("the key says no", {"terraform": "False"}, False),
    ("a key and its value", {"ManagedBy": "terraform"}, True),
    ("in another case", {"managedby": "TERRAFORM"}, True),
    ("managed by something else", {"ManagedBy": "hand"}, False),
    ("the word in another tag", {"team": "terraform"}, False),
    ("among others", {"team": "x", "managedBy": "Terraform"}, True),
]


@pytest.mark.parametrize(("what", "tags", "says"), TAGS, ids=[row[0] for row in TAGS])
def test_tags_say_terraform(what: str, tags: dict[str, str], says: bool) -> None:
    assert says_terraform(fingerprints(tags), WANTED) is says


class Sees:
    """An inspector that sees what it is told to see."""

    def __init__(self, seen: Snapshot | NotSealable) -> None:
        self.seen = seen

    def look(self, change: Any) -> Snapshot | NotSealable:
        return self.seen

    def read_back(self, change: Any) -> dict[str, Any]:
        return self.seen.fields


def eyes_of(seen: Snapshot | NotSealable, folder: Path | None = None) -> TerraformEyes:
    eyes = Router(dict.fromkeys(("resize_instance", "stop_instance"), Sees(seen)))
    if folder is None:
        return TerraformEyes(eyes, tags=WANTED)
    (folder / "a.tfstate").write_text(json.dumps(state([resource("aws_instance", "web", id=INSTANCE)])))
    return TerraformEyes(eyes, states=(folder / "a.tfstate",))


def fields(**tags: str) -> dict[str, Any]:
    return FIELDS | {"tags": fingerprints(tags)}


def test_a_machine_of_a_stack_is_not_resized_past_its_template() -> None:
    seen = eyes_of(Snapshot(fields(**{"aws:cloudformation:stack-name": "web"}))).look(parse_change(RESIZE))
    assert isinstance(seen, NotSealable)
    assert seen.code == "managed"


def test_a_machine_of_nobody_is_changed_as_it_was_asked_for() -> None:
    seen = eyes_of(Snapshot(fields(team="x"))).look(parse_change(RESIZE))
    assert isinstance(seen, Snapshot)
    assert seen.resolved is None


def test_a_worker_without_the_right_to_do_it_hands_it_over_all_the_same(tmp_path: Path) -> None:
    no = NotSealable("the worker would not be permitted to do it", "not_permitted", fields(team="x"))
    seen = eyes_of(no, tmp_path).look(parse_change(RESIZE))
    assert isinstance(seen, Snapshot)
    assert isinstance(seen.resolved, PatchTerraform)
    assert seen.environment is None, "what was not looked at counts as production"
    assert eyes_of(no).look(parse_change(RESIZE)) is no


def test_what_cannot_be_done_at_all_is_no_patch_either(tmp_path: Path) -> None:
    no = NotSealable("it is m5.large, not g5.12xlarge", "wrong_type", fields(team="x"))
    assert eyes_of(no, tmp_path).look(parse_change(RESIZE)) is no


def test_whether_a_machine_runs_stands_in_no_configuration(tmp_path: Path) -> None:
    seen = eyes_of(Snapshot(fields(terraform="yes")), tmp_path).look(parse_change(STOP))
    assert isinstance(seen, Snapshot)
    assert seen.resolved is None


BLOCK = 'resource "aws_instance" "web" {\n  instance_type = "%s"\n}\n'


def resized(folder: Path, sources: tuple[Path, ...], states: int) -> PatchTerraform:
    """The patch of a resize, where the first of so many states holds the machine."""
    paths = tuple(folder / f"{number}.tfstate" for number in range(states))
    for number, path in enumerate(paths):
        held = [] if number else [resource("aws_instance", "web", id=INSTANCE)]
        path.write_text(json.dumps(state(held)))
    eyes = Router({"resize_instance": Sees(Snapshot(fields()))})
    seen = TerraformEyes(eyes, states=paths, sources=sources).look(parse_change(RESIZE))
    assert isinstance(seen, Snapshot)
    assert isinstance(seen.resolved, PatchTerraform)
    return seen.resolved


def test_files_that_workspaces_share_are_each_ones(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder in (mine, other):
        folder.mkdir()
        (folder / "main.tf").write_text(BLOCK % RESIZE["from_type"])
    assert resized(tmp_path, (mine, other), 2).diff
    shared = resized(tmp_path, (mine, mine / ".." / "mine"), 2)
    assert shared.diff == ()
    assert "aws_instance.web" in shared.instruction


LOGS = {"kind": "set_log_retention", "account": "1" * 12, "region": "eu-central-1", "log_group": "x" * 512, "days": 30}


def test_the_longest_name_is_told_whole() -> None:
    eyes = Router({"set_log_retention": Sees(Snapshot(fields(terraform="yes") | {"retention_days": "365"}))})
    seen = TerraformEyes(eyes, tags=WANTED).look(parse_change(LOGS))
    assert isinstance(seen, Snapshot)
    assert isinstance(seen.resolved, PatchTerraform)
    assert "x" * 512 in seen.resolved.instruction
    assert "retention_in_days = 30 (now 365)" in seen.resolved.instruction


@pytest.mark.parametrize(("kept", "stands", "found"), [("365", 365, True), ("never", 0, True), ("365", 7, False)])
def test_a_file_that_says_another_time_than_the_group_has_gets_no_diff(
    tmp_path: Path, kept: str, stands: int, found: bool
) -> None:
    arn = f"arn:aws:logs:{LOGS['region']}:{LOGS['account']}:log-group:app"
    (tmp_path / "a.tfstate").write_text(
        json.dumps(state([resource("aws_cloudwatch_log_group", "app", id="app", arn=arn)]))
    )
    (tmp_path / "main.tf").write_text(
        f'resource "aws_cloudwatch_log_group" "app" {{\n  retention_in_days = {stands}\n}}\n'
    )
    eyes = Router({"set_log_retention": Sees(Snapshot(fields() | {"retention_days": kept}))})
    owned = TerraformEyes(eyes, states=(tmp_path / "a.tfstate",), sources=(tmp_path,))
    seen = owned.look(parse_change(LOGS | {"log_group": "app"}))
    assert isinstance(seen, Snapshot)
    assert isinstance(seen.resolved, PatchTerraform)
    assert bool(seen.resolved.diff) == found


ROOT = "vol-0123456789abcdef0"
DISK = {"kind": "change_volume_type", "account": "1" * 12, "region": "eu-central-1", "volume_id": ROOT, "size_gib": 100,
        "from_type": "gp2", "to_type": "gp3", "iops": 3000, "throughput": 125}  # fmt: skip


@pytest.mark.parametrize(
    ("beside", "says"),
    [
        ([], 'In the root_block_device of aws_instance.web set volume_type = "gp3" (now "gp2")'),
        ([resource("aws_ebs_volume", "own", id=ROOT)], 'In aws_ebs_volume.own set type = "gp3" (now "gp2")'),
    ],
    ids=["in no resource of its own", "in one of its own"],
)
def test_the_disk_that_a_machine_starts_from_is_terraforms(
    tmp_path: Path, beside: list[dict[str, Any]], says: str
) -> None:
    web = resource("aws_instance", "web", id=INSTANCE, root_block_device=[{"volume_id": ROOT, "volume_type": "gp2"}])
    (tmp_path / "a.tfstate").write_text(json.dumps(state([web, *beside])))
    (tmp_path / "main.tf").write_text('resource "aws_instance" "web" {\n  type = "gp2"\n}\n')
    eyes = Router(dict.fromkeys(("change_volume_type", "delete_volume"), Sees(Snapshot(fields()))))
    owned = TerraformEyes(eyes, states=(tmp_path / "a.tfstate",), sources=(tmp_path,))
    seen = owned.look(parse_change(DISK))
    assert isinstance(seen, Snapshot)
    assert isinstance(seen.resolved, PatchTerraform)
    assert seen.resolved.instruction.startswith(says)
    assert seen.resolved.diff == ()
    gone = owned.look(
        parse_change({**{name: DISK[name] for name in ("account", "region", "volume_id")}, "kind": "delete_volume"})
    )
    assert isinstance(gone, Snapshot)
    assert (gone.resolved is None) == (beside == [])
