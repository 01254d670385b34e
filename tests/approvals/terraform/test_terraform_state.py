"""What is read of Terraform's states: whose resources they hold, and nothing that they keep secret."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.processes.cloud import cloud
from app.worker_settings import load_worker
from approvals.inspectors.port import CannotLook
from approvals.inspectors.terraform_state import States
from tests.approvals.terraform.states import ACCOUNT, REGION, SECRET, as_shown, resource, state

INSTANCE = "i-0123456789abcdef0"
GROUP_ARN = f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:x:autoScalingGroupName/web"
WEB = resource("aws_instance", "web", id=INSTANCE)
FOUND: list[tuple[str, list[dict[str, Any]], tuple[str, str], list[str]]] = [
    ("in the root", [WEB], ("aws_instance", INSTANCE), ["aws_instance.web"]),
    ("in a module", [resource("aws_instance", "web", module="module.shop", id=INSTANCE)],
     ("aws_instance", INSTANCE), ["module.shop.aws_instance.web"]),
    ("one of several", [resource("aws_instance", "web", index=1, id=INSTANCE)],
     ("aws_instance", INSTANCE), ["aws_instance.web[1]"]),
    ("one for each", [resource("aws_instance", "web", index="eu west", id=INSTANCE)],
     ("aws_instance", INSTANCE), ['aws_instance.web["eu west"]']),
    ("twice", [WEB, resource("aws_instance", "copy", id=INSTANCE)], ("aws_instance", INSTANCE),
     ["aws_instance.web", "aws_instance.copy"]),
    ("another type with its id", [resource("aws_ec2_instance_state", "web", id=INSTANCE)],
     ("aws_instance", INSTANCE), []),
    ("only looked up", [resource("aws_instance", "web", mode="data", id=INSTANCE)], ("aws_instance", INSTANCE), []),
    ("a name, by its ARN", [resource("aws_autoscaling_group", "web", id="web", arn=GROUP_ARN)],
     ("aws_autoscaling_group", "web"), ["aws_autoscaling_group.web"]),
    ("the same name in another account",
     [resource("aws_autoscaling_group", "web", id="web", arn=GROUP_ARN.replace(ACCOUNT, "9" * 12))],
     ("aws_autoscaling_group", "web"), []),
    ("a name without an ARN may be any account's", [resource("aws_autoscaling_group", "web", id="web")],
     ("aws_autoscaling_group", "web"), []),
    ("an id at an ARN's end",
     [resource("aws_bedrock_provisioned_model_throughput", "pt", id="pt",
               arn=f"arn:aws:bedrock:{REGION}:{ACCOUNT}:provisioned-model/abcdefghijkl")],
     ("aws_bedrock_provisioned_model_throughput", "abcdefghijkl"), ["aws_bedrock_provisioned_model_throughput.pt"]),
    ("an ARN that is the id",
     [resource("aws_bedrock_provisioned_model_throughput", "pt",
               id=f"arn:aws:bedrock:{REGION}:{ACCOUNT}:provisioned-model/abcdefghijkl")],
     ("aws_bedrock_provisioned_model_throughput", "abcdefghijkl"), ["aws_bedrock_provisioned_model_throughput.pt"]),
    ("an address that cannot be shown", [resource("aws_instance", "web", index="\u202e\n", id=INSTANCE)],
     ("aws_instance", INSTANCE), [""]),
]  # fmt: skip


@pytest.mark.parametrize("form", [state, as_shown], ids=["state", "shown"])
@pytest.mark.parametrize(("what", "resources", "asked", "addresses"), FOUND, ids=[row[0] for row in FOUND])
def test_a_resource(
    tmp_path: Path, what: str, resources: list[dict[str, Any]], asked: tuple[str, str], addresses: list[str], form: Any
) -> None:
    path = tmp_path / "terraform.tfstate"
    path.write_text(json.dumps(form(resources)))
    held = States((path,)).holding(*asked, account=ACCOUNT, region=REGION)
    assert sorted(one.address for one in held) == sorted(addresses)
    assert SECRET not in repr(held)


BROKEN: list[tuple[str, bytes, str]] = [
    ("not JSON", SECRET.encode() + b"{", "it is not JSON"),
    ("an old version", b'{"version": 3, "modules": []}', "neither a state of version 4"),
    ("a list", b"[]", "neither a state of version 4"),
    ("no resources", b'{"version": 4}', "another shape"),
    ("resources of another shape", b'{"version": 4, "resources": ["x"]}', "another shape"),
    ("no text", b"\xff\xfe\x00", "it is not JSON"),
    ("nested without end", b"[" * 100_000, "it is not JSON"),
]


@pytest.mark.parametrize(("what", "content", "says"), BROKEN, ids=[row[0] for row in BROKEN])
def test_a_state_that_cannot_be_read_decides_nothing(tmp_path: Path, what: str, content: bytes, says: str) -> None:
    path = tmp_path / "terraform.tfstate"
    path.write_bytes(content)
    with pytest.raises(CannotLook, match=says) as caught:
        States((path,)).holding("aws_instance", INSTANCE, account=ACCOUNT, region=REGION)
    assert SECRET not in str(caught.value)
    path.unlink()
    with pytest.raises(CannotLook, match="No such file"):
        States((path,)).holding("aws_instance", INSTANCE, account=ACCOUNT, region=REGION)


def test_a_state_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "terraform.tfstate"
    path.write_text(json.dumps(state([])))
    states = States((path,))
    assert states.holding("aws_instance", INSTANCE, account=ACCOUNT, region=REGION) == []
    path.write_text(json.dumps(state([WEB])))
    assert len(states.holding("aws_instance", INSTANCE, account=ACCOUNT, region=REGION)) == 1


def test_what_another_stands_in_place_of_is_owned_and_its_block_is_not_about_it(tmp_path: Path) -> None:
    path, web = tmp_path / "terraform.tfstate", resource("aws_instance", "web", id=INSTANCE)
    web["instances"][0]["deposed"] = "0a1b2c3d"
    path.write_text(json.dumps(state([web])))
    (held,) = States((path,)).holding("aws_instance", INSTANCE, account=ACCOUNT, region=REGION)
    assert held.many
    assert held.address == ""


def test_an_instance_as_old_states_write_it_is_owned(tmp_path: Path) -> None:
    path, web = tmp_path / "terraform.tfstate", resource("aws_instance", "web", id=INSTANCE)
    web["instances"][0]["attributes_flat"] = web["instances"][0].pop("attributes")
    path.write_text(json.dumps(state([web])))
    assert len(States((path,)).holding("aws_instance", INSTANCE, account=ACCOUNT, region=REGION)) == 1


def test_a_state_that_cannot_be_read_is_told_when_the_worker_starts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole, cut = tmp_path / "whole.tfstate", tmp_path / "cut.tfstate"
    whole.write_text(json.dumps({"version": 4, "resources": []}))
    cut.write_text("{")
    env = {
        "SPENDGATE_WORKER_AWS_ACCESS_KEY_ID": "AKIATEST", "SPENDGATE_WORKER_AWS_SECRET_ACCESS_KEY": "test",
        "SPENDGATE_TERRAFORM_STATE": f"{whole},{cut}",
    }  # fmt: skip
    cloud(load_worker(env), no_database, "w1")
    (told,) = [record.getMessage() for record in caplog.records]
    assert "cut.tfstate cannot be read: it is not JSON; until it can" in told


def no_database() -> Any:
    raise AssertionError("nothing is carried out here")
