"""What the sandbox is started with."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sandbox.slack.errors import SandboxError

EVENT_RETRY_SECONDS = (0.0, 60.0, 300.0)


@dataclass(frozen=True, kw_only=True)
class SiteSettings:
    """`retry_scale` shortens Slack's retry delays (at once, 1 min, 5 min), so that a demo does not wait for minutes."""

    port: int = 0
    app_url: str | None = None
    interactivity_url: str | None = None
    signing_secret: str = "sandbox-signing-secret"  # noqa: S105  (a secret of the sandbox, which guards nothing)
    bot_token: str = "xoxb-sandbox"  # noqa: S105
    app_token: str = "xapp-sandbox"  # noqa: S105
    socket_mode: bool = False
    rate_limits: bool = False
    audit_link: str | None = None
    docs_link: str | None = None
    retry_scale: float = 1 / 60
    ack_seconds: float = 3.0
    trigger_seconds: float = 3.0
    transcript: Path | None = None

    @property
    def base_url(self) -> str:
        """Where the sandbox itself is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def interactions_to(self) -> str | None:
        """The request URL of interactions: its own, or that of events."""
        return self.interactivity_url or self.app_url

    def checked(self) -> SiteSettings:
        """Itself, or SandboxError: requests leave for loopback only, links are links."""
        for name, url in (("--app-url", self.app_url), ("--interactivity-url", self.interactivity_url)):
            if url is not None and not is_loopback(url):
                raise SandboxError(
                    f"The sandbox does not send to {url}",
                    why="it signs with a known secret, so it talks to this machine only",
                    do=f"Give {name} an address like http://127.0.0.1:8001/slack/events.",
                )
        for name, url in (("--audit-link", self.audit_link), ("--docs-link", self.docs_link)):
            if url is not None and urlsplit(url).scheme not in ("http", "https"):
                raise SandboxError(
                    f"{url} is no web address",
                    why=f"{name} is shown as a link",
                    do="Give one that begins with http:// or https://.",
                )
        return self


def is_loopback(url: str) -> bool:
    """Whether a request to this address stays on this machine."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        return False
    if parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return False
