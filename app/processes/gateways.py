"""The worker's eyes and hands for interfaces over HTTP, made from its own settings: so far LiteLLM's proxy.

The key goes into a header of the client and nowhere else. A redirection is not followed, since the header would go
along, and nothing is sent again by itself.
"""

import httpx

from app.settings import AdminSettings, WorkerSettings
from approvals.executors.admin import CONNECT_SECONDS, READ_SECONDS, AdminExecutor
from approvals.executors.litellm import LITELLM
from approvals.executors.port import Executor
from approvals.executors.rehearsal import Rehearsal
from approvals.inspectors.gateway import GatewayInspector
from approvals.inspectors.port import Inspector
from audit.canonical import sha256

KINDS = ("block_gateway_key", "unblock_gateway_key", "set_gateway_budget")


def gateway_eyes(settings: WorkerSettings) -> dict[str, Inspector]:
    """An inspector for each kind of change of an interface that is configured."""
    if settings.litellm is None:
        return {}
    own = sha256(settings.litellm.key.encode())
    looks = GatewayInspector(admin_client(settings.litellm), account=settings.litellm.account, own_key=own)
    return dict.fromkeys(KINDS, looks)


def gateway_hands(settings: WorkerSettings) -> dict[str, Executor]:
    """The executor of each interface that is configured: a rehearsal, where the cloud's is one."""
    if settings.litellm is None:
        return {}
    if settings.executor == "rehearsal":
        return {"litellm:": Rehearsal()}
    return {"litellm:": AdminExecutor(admin_client(settings.litellm), LITELLM, account=settings.litellm.account)}


def admin_client(settings: AdminSettings) -> httpx.Client:
    """A client that sends every request exactly once, to the configured address alone."""
    return httpx.Client(
        base_url=settings.base_url,
        headers={"Authorization": f"Bearer {settings.key}"},
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        follow_redirects=False,
    )
