"""The estate of savings, some of which Terraform owns: its state and its files in a folder of the test."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.processes.cloud import SERVICES, eyes
from approvals.executors.aws import AwsExecutor
from approvals.executors.hand_over import HandOver
from approvals.executors.router import Router as Hands
from approvals.inspectors.terraform import TerraformEyes
from sandbox.aws.serve import ServedAws
from tests.approvals.savings.conftest import aws, cloud, new_gate
from tests.approvals.savings.estate import clients_of
from tests.approvals.terraform.states import state

__all__ = ["aws", "cloud", "new_gate"]
SAYS = (("ManagedBy", "terraform"), ("terraform", None))


@pytest.fixture
def terraform(cloud: Any, aws: ServedAws, tmp_path: Path) -> Callable[..., Any]:
    """The gate whose worker knows these resources as Terraform's, and these files as their source."""

    def owned(resources: list[dict[str, Any]] | None = None, source: str = "") -> Any:
        states: tuple[Path, ...] = ()
        if resources is not None:
            states = (tmp_path / "bank.tfstate",)
            states[0].write_text(json.dumps(state(resources)))
        folder = tmp_path / "source"
        folder.mkdir(exist_ok=True)
        (folder / "main.tf").write_text(source)
        clients = clients_of(aws)
        sources = (folder,) if states else ()
        cloud.inspector = TerraformEyes(eyes(clients), states=states, sources=sources, tags=SAYS)
        hands = dict.fromkeys(SERVICES, AwsExecutor(clients))
        cloud.executor = Hands({**hands, "terraform:": HandOver()}, name="aws")
        cloud.places = tmp_path
        return cloud

    return owned
