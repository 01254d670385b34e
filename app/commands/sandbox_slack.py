"""`spendgate sandbox slack`: a Slack workspace on this machine, to try the app without an account."""

from __future__ import annotations

from pathlib import Path


def run(
    *,
    port: int = 0,
    app_url: str | None = None,
    interactivity_url: str | None = None,
    signing_secret: str = "sandbox-signing-secret",  # noqa: S107  (guards nothing: the sandbox is on loopback)
    bot_token: str = "xoxb-sandbox",  # noqa: S107
    workspace: Path | None = None,
    audit_link: str | None = None,
    docs_link: str | None = None,
    retry_scale: float = 1 / 60,
    transcript: Path | None = None,
    app_token: str = "xapp-sandbox",  # noqa: S107
    socket_mode: bool = False,
    rate_limits: bool = False,
    clock: bool = False,
) -> None:
    """Serves until Ctrl-C; one JSON line on stdout when ready. `port` 0 takes a free one. Exits with 1 on an error."""
    from dataclasses import replace

    from sandbox.slack.clock import MovedClock
    from sandbox.slack.errors import SandboxError
    from sandbox.slack.seed import load_seed
    from sandbox.slack.server import create_site, listening_socket, report, serve
    from sandbox.slack.settings import SiteSettings

    settings = SiteSettings(
        port=port,
        app_url=app_url or None,
        interactivity_url=interactivity_url,
        signing_secret=signing_secret,
        bot_token=bot_token,
        audit_link=audit_link or None,
        docs_link=docs_link or None,
        retry_scale=1.0 if clock else retry_scale,  # whoever can skip an hour need not shorten it
        transcript=transcript,
        app_token=app_token,
        socket_mode=socket_mode,
        rate_limits=rate_limits,
    )
    try:
        seed = load_seed(workspace)
        listening = listening_socket(port)
        with listening:
            settings = replace(settings, port=listening.getsockname()[1])
            site = create_site(settings=settings, seed=seed, **({"clock": MovedClock()} if clock else {}))
            serve(site, listening)
    except SandboxError as error:
        report(error)
        raise SystemExit(1) from error
