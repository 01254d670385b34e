"""The providers' interfaces that bills are pulled from: those whose key is in the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.settings import header_safe, missing, web_address, wrong


@dataclass(frozen=True)
class SourceSettings:
    """A provider's interface to pull from. `base_url` None is the provider's own address."""

    name: str
    key: str = field(repr=False)
    base_url: str | None
    legacy: bool = False


def load_sources(env: Mapping[str, str] = os.environ) -> list[SourceSettings]:
    """The interfaces that have a key, by name; an address alone is no source yet."""
    kind = env.get("SPENDGATE_SOURCE_ANTHROPIC_API", "").strip() or "analytics"
    if kind not in ("analytics", "legacy"):
        why = "Anthropic has the analytics endpoints and the legacy reports."
        raise wrong("SPENDGATE_SOURCE_ANTHROPIC_API", kind, why, "Use analytics (the default) or legacy.")
    variables = {
        "anthropic": ("SPENDGATE_SOURCE_ANTHROPIC_KEY", "SPENDGATE_SOURCE_ANTHROPIC_BASE_URL"),
        "litellm": ("SPENDGATE_SOURCE_LITELLM_KEY", "SPENDGATE_SOURCE_LITELLM_BASE_URL"),
        "openai": ("SPENDGATE_SOURCE_OPENAI_KEY", "SPENDGATE_SOURCE_OPENAI_BASE_URL"),
    }
    found = []
    for name, (key_name, url_name) in variables.items():
        key, url = env.get(key_name, "").strip(), web_address(env, url_name)
        if not key:
            continue
        header_safe(key_name, key)
        if name == "litellm" and url is None:
            raise missing(url_name, "sources", "Every LiteLLM proxy has an address of its own; name it.")
        found.append(SourceSettings(name, key, url, legacy=name == "anthropic" and kind == "legacy"))
    return found
