"""LiteLLM's proxy and OpenAI's administration in the sandbox, and the gate whose worker looks at and changes them."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.processes.gateways import gateway_eyes, gateway_hands
from app.worker_settings import AdminSettings, WorkerSettings
from approvals.executors.router import Router as Hands
from approvals.inspectors.router import Router as Eyes
from sandbox.admin.serve import ServedAdmin, serve_admin
from sandbox.litellm.proxy import LiteLLMProxy
from sandbox.openai.organisation import OpenAIOrganisation
from tests.approvals.gateway.organisation import ADMIN, OPENAI_MAKES, PROJECTS
from tests.approvals.gateway.proxy import KEYS, MASTER, TEAMS


@pytest.fixture(scope="session")
def new_gate(on_sqlite: Any) -> Any:
    """One database is enough here: these tests are about the client's other end."""
    return on_sqlite


@pytest.fixture
def servers() -> Iterator[dict[str, ServedAdmin]]:
    with serve_admin(LiteLLMProxy(MASTER, KEYS, TEAMS)) as litellm:
        with serve_admin(OpenAIOrganisation(ADMIN, PROJECTS)) as openai:
            yield {"litellm": litellm, "openai": openai}


@pytest.fixture
def served(request: pytest.FixtureRequest, servers: dict[str, ServedAdmin]) -> ServedAdmin:
    """The one that the test's change is for; LiteLLM's where a test has none of its own."""
    params = getattr(request.node, "callspec", None)
    make = params.params.get("make") if params else None
    return servers["openai" if make in OPENAI_MAKES else "litellm"]


def settings_of(
    served: ServedAdmin, *, executor: str | None = None, key: str = MASTER, openai: ServedAdmin | None = None
) -> WorkerSettings:
    """What is configured is carried out, unless another executor is named."""
    gateway = AdminSettings(key, served.address, "litellm")
    organisation = AdminSettings(ADMIN, f"{openai.address}/v1", "openai") if openai else None
    configured = {"litellm", *(["openai"] if openai else [])}
    executors = frozenset(({executor} if executor else configured) - {"rehearsal"})
    return WorkerSettings(executors, None, None, None, None, None, 600, litellm=gateway, openai=organisation)


@pytest.fixture
def eyes(servers: dict[str, ServedAdmin]) -> Eyes:
    """The worker's inspectors, without a gate."""
    return Eyes(gateway_eyes(settings_of(servers["litellm"], openai=servers["openai"])))


@pytest.fixture
def proxy(gate: Any, eyes: Eyes, servers: dict[str, ServedAdmin]) -> Any:
    gate.inspector = eyes
    settings = settings_of(servers["litellm"], openai=servers["openai"])
    gate.executor = Hands(gateway_hands(settings), name="litellm, openai")
    return gate
