"""What the worker is told of Terraform: paths that are there, folders that fit their states, tags."""

from pathlib import Path

import pytest

from app.errors import Problem
from app.terraform_settings import load_terraform


def test_without_a_word_only_tags_tell() -> None:
    told = load_terraform({})
    assert (told.states, told.sources) == ((), ())
    assert ("terraform", None) in told.tags
    assert ("managedby", "terraform") in told.tags


def test_states_and_folders_stand_in_one_order(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / f"{name}.tfstate").write_text("{}")
    told = load_terraform({
        "SPENDGATE_TERRAFORM_STATE": f"{tmp_path}/a.tfstate, {tmp_path}/b.tfstate",
        "SPENDGATE_TERRAFORM_SOURCE": f"{tmp_path}/a,{tmp_path}/b",
        "SPENDGATE_TERRAFORM_TAGS": "owned-by = iac , iac",
    })  # fmt: skip
    assert [path.name for path in told.states] == ["a.tfstate", "b.tfstate"]
    assert [path.name for path in told.sources] == ["a", "b"]
    assert told.tags == (("owned-by", "iac"), ("iac", None))


def test_no_tags_at_all_can_be_asked_for() -> None:
    assert load_terraform({"SPENDGATE_TERRAFORM_TAGS": ""}).tags == ()


REFUSED = [
    ("a state that is not there", {"SPENDGATE_TERRAFORM_STATE": "none.tfstate"}, "is no file"),
    ("a folder in place of a state", {"SPENDGATE_TERRAFORM_STATE": "."}, "is no file"),
    ("a folder that is not there", {"SPENDGATE_TERRAFORM_SOURCE": "none"}, "is no folder"),
    ("a folder without a state", {"SPENDGATE_TERRAFORM_SOURCE": "."}, "SPENDGATE_TERRAFORM_STATE names 0"),
    ("a value without a key", {"SPENDGATE_TERRAFORM_TAGS": "=terraform"}, "has no key"),
]


@pytest.mark.parametrize(("what", "env", "says"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_setting_that_cannot_work_is_refused(
    what: str, env: dict[str, str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Problem) as caught:
        load_terraform(env)
    assert says in caught.value.why
    assert caught.value.do
