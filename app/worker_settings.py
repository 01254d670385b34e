"""What the worker is configured with: whose changes it really carries out, and the credentials for them.

Its alone: every other process refuses to start with these variables in its environment.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.settings import header_safe, missing, web_address, whole, wrong
from app.terraform_settings import TerraformSettings, load_terraform

LEAST_SETTLE_SECONDS = 360
"""Longer than the five minutes for which AWS accepts a signature, with a minute for what a request takes."""

REHEARSAL = "rehearsal"
EXECUTORS = ("aws", "litellm", "openai")


@dataclass(frozen=True)
class AdminSettings:
    """A provider's administration interface that the worker changes; `account` is the name that changes call it by."""

    key: str = field(repr=False)
    base_url: str
    account: str


@dataclass(frozen=True)
class WorkerSettings:
    """What the only process with hands holds. `executors` names whose changes are really carried out: of `EXECUTORS`;
    all others are rehearsed."""

    executors: frozenset[str]
    access_key: str | None = field(repr=False)
    secret_key: str | None = field(repr=False)
    session_token: str | None = field(repr=False)
    profile: str | None
    endpoint_url: str | None
    settle_seconds: int
    litellm: AdminSettings | None = None
    openai: AdminSettings | None = None
    terraform: TerraformSettings = field(default_factory=TerraformSettings)


def load_worker(env: Mapping[str, str] = os.environ) -> WorkerSettings:
    """The worker's settings. Without a word the executor is the rehearsal, which changes nothing."""
    executors = _executors(env)
    settle = env.get("SPENDGATE_WORKER_SETTLE_SECONDS", "600")
    if not whole(settle) or int(settle) > 86400:
        raise wrong(
            "SPENDGATE_WORKER_SETTLE_SECONDS",
            settle,
            "It is not a whole number of seconds up to a day.",
            "Use seconds, for example 600.",
        )
    endpoint_url = web_address(env, "SPENDGATE_WORKER_AWS_ENDPOINT_URL")
    if "aws" in executors and endpoint_url is None and int(settle) < LEAST_SETTLE_SECONDS:
        raise wrong(
            "SPENDGATE_WORKER_SETTLE_SECONDS",
            settle,
            "AWS takes a signed request for five minutes, so one that was held up could still take effect after it.",
            f"Use at least {LEAST_SETTLE_SECONDS}; 600 is the default.",
        )
    litellm, openai = (
        _admin(env, "LITELLM", "litellm", ""),
        _admin(env, "OPENAI", "openai", "https://api.openai.com/v1"),
    )
    if litellm and openai and litellm.account == openai.account:
        why = "Changes name by it which of the two they are for."
        raise wrong("SPENDGATE_WORKER_OPENAI_NAME", openai.account, why, "Give the two names that differ.")
    return WorkerSettings(
        executors=executors,
        access_key=env.get("SPENDGATE_WORKER_AWS_ACCESS_KEY_ID") or None,
        secret_key=env.get("SPENDGATE_WORKER_AWS_SECRET_ACCESS_KEY") or None,
        session_token=env.get("SPENDGATE_WORKER_AWS_SESSION_TOKEN") or None,
        profile=env.get("SPENDGATE_WORKER_AWS_PROFILE") or None,
        endpoint_url=endpoint_url,
        settle_seconds=int(settle),
        litellm=litellm,
        openai=openai,
        terraform=load_terraform(env),
    )


def _executors(env: Mapping[str, str]) -> frozenset[str]:
    """Whose changes are really carried out; none where the rehearsal is named, or nothing."""
    name = "SPENDGATE_WORKER_EXECUTOR"
    said = env.get(name, "").strip() or REHEARSAL
    named = frozenset(one.strip() for one in said.split(",") if one.strip())
    do = f"Use {REHEARSAL} (the default), or one or more of {', '.join(EXECUTORS)}, separated by commas."
    if not named or not named <= {REHEARSAL, *EXECUTORS}:
        raise wrong(name, said, "There is no such executor.", do)
    if REHEARSAL in named and len(named) > 1:
        raise wrong(name, said, "What is not named is rehearsed anyway, so this can be read in two ways.", do)
    for one in sorted(named & {"litellm", "openai"}):
        if not env.get(f"SPENDGATE_WORKER_{one.upper()}_KEY", "").strip():
            raise missing(f"SPENDGATE_WORKER_{one.upper()}_KEY", "worker", f"{name} names {one}: give it its key.")
    return named - {REHEARSAL}


def _admin(env: Mapping[str, str], prefix: str, name: str, usual: str) -> AdminSettings | None:
    """An interface that the worker may change; None where no key is set. `usual` is the address that all share."""
    key_name, url_name = f"SPENDGATE_WORKER_{prefix}_KEY", f"SPENDGATE_WORKER_{prefix}_BASE_URL"
    key, url = env.get(key_name, "").strip(), web_address(env, url_name) or usual
    if not key:
        return None
    header_safe(key_name, key)
    if not url:
        raise missing(url_name, "worker", "Every LiteLLM proxy has an address of its own; name it.")
    named = env.get(f"SPENDGATE_WORKER_{prefix}_NAME", "").strip() or name
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", named):
        why = "Changes name it so: small letters, digits and hyphens."
        raise wrong(f"SPENDGATE_WORKER_{prefix}_NAME", named, why, f"Leave it unset for {name}.")
    return AdminSettings(key, url, named)
