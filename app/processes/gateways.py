"""The worker's eyes and hands for interfaces over HTTP, made from its own settings: LiteLLM's proxy, and OpenAI's
administration.

The key goes into a header of the client and nowhere else. A redirection is not followed, since the header would go
along, and nothing is sent again by itself.
"""

import httpx

from app.worker_settings import AdminSettings, WorkerSettings
from approvals.executors.admin import CONNECT_SECONDS, READ_SECONDS, AdminExecutor
from approvals.executors.litellm import LITELLM
from approvals.executors.openai_admin import OPENAI
from approvals.executors.port import Executor
from approvals.executors.rehearsal import Rehearsal
from approvals.inspectors.gateway import GatewayInspector
from approvals.inspectors.model_alias import ModelAliasInspector
from approvals.inspectors.openai_project import OpenAIInspector
from approvals.inspectors.port import Inspector
from audit.canonical import sha256

KINDS = ("block_gateway_key", "unblock_gateway_key", "set_gateway_budget")
OPENAI_KINDS = ("set_openai_spend_limit", "set_openai_rate_limit", "set_openai_models")


def gateway_eyes(settings: WorkerSettings) -> dict[str, Inspector]:
    """An inspector for each kind of change of an interface that is configured."""
    eyes: dict[str, Inspector] = {}
    if settings.litellm is not None:
        own = sha256(settings.litellm.key.encode())
        client, account = admin_client(settings.litellm), settings.litellm.account
        eyes |= dict.fromkeys(KINDS, GatewayInspector(client, account=account, own_key=own))
        eyes["set_model_alias"] = ModelAliasInspector(client, account=account)
    if settings.openai is not None:
        project = OpenAIInspector(admin_client(settings.openai), account=settings.openai.account)
        eyes |= dict.fromkeys(OPENAI_KINDS, project)
    return eyes


def gateway_hands(settings: WorkerSettings) -> dict[str, Executor]:
    """The executor of each interface that is configured: a rehearsal, unless its name is among the executors."""
    configured = ((settings.litellm, LITELLM), (settings.openai, OPENAI))
    return {
        f"{interface.name}:": AdminExecutor(admin_client(own), interface, account=own.account)
        if interface.name in settings.executors
        else Rehearsal()
        for own, interface in configured
        if own is not None
    }


def admin_client(settings: AdminSettings) -> httpx.Client:
    """A client that sends every request exactly once, to the configured address alone."""
    return httpx.Client(
        base_url=settings.base_url,
        headers={"Authorization": f"Bearer {settings.key}"},
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        follow_redirects=False,
    )
