"""LiteLLM's proxy in the sandbox, and the gate whose worker looks at it and changes it."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.processes.gateways import gateway_eyes, gateway_hands
from app.settings import AdminSettings, WorkerSettings
from approvals.executors.router import Router as Hands
from approvals.inspectors.router import Router as Eyes
from sandbox.admin.serve import ServedAdmin, serve_admin
from sandbox.litellm.proxy import LiteLLMProxy
from tests.approvals.gateway.proxy import KEYS, MASTER, TEAMS


@pytest.fixture(scope="session")
def new_gate(on_sqlite: Any) -> Any:
    """One database is enough here: these tests are about the client's other end."""
    return on_sqlite


@pytest.fixture
def served() -> Iterator[ServedAdmin]:
    with serve_admin(LiteLLMProxy(MASTER, KEYS, TEAMS)) as served:
        yield served


def settings_of(served: ServedAdmin, *, executor: str = "aws", key: str = MASTER) -> WorkerSettings:
    gateway = AdminSettings(key, served.address, "litellm")
    return WorkerSettings(executor, None, None, None, None, None, 600, litellm=gateway)


@pytest.fixture
def proxy(gate: Any, served: ServedAdmin) -> Any:
    settings = settings_of(served)
    gate.inspector = Eyes(gateway_eyes(settings))
    gate.executor = Hands(gateway_hands(settings), name="aws")
    return gate
