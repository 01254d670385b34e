"""`spendgate slack`: the app's manifest, and what is right and wrong with an installed one."""

import asyncio
import sys
from dataclasses import asdict
from urllib.parse import urlsplit

from app.commands.console import print_json
from app.commands.here import place
from app.errors import Exit, Problem
from app.oauth_settings import load_oauth
from app.settings import is_loopback, load_slack
from app.slack.bolt import slack_client
from app.slack.doctor import Finding, Verdict, examine
from app.slack.doctor_workspaces import examine_workspaces
from app.slack.install import REDIRECT
from app.slack.manifest import manifest
from app.slack.tokens import Tokens


def show_manifest(*, url: str | None, several: str | None = None) -> None:
    """Prints the manifest as JSON, to paste at api.slack.com under "Create from a manifest". `several`: where people's
    browsers reach `serve`, for an app that several workspaces may install."""
    if several is not None:
        _public(several, "send browsers to", "Give the https address at which people's browsers reach `serve`.")
        redirect: str | None = f"{several.rstrip('/')}{REDIRECT}"
    else:
        oauth = load_oauth()
        redirect = oauth.redirect_url if oauth is not None else None
    if url is not None:
        _public(url, "deliver to", "Give such an address, or leave --url out: then the app uses Socket Mode.")
    print_json(manifest(url=url, redirect=redirect))


def _public(url: str, what: str, do: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or is_loopback(parts.hostname):
        raise Problem(
            f"Slack cannot {what} {url}.",
            why="Its addresses are https, and reachable from outside.",
            do=do,
            exit_code=Exit.USAGE,
        )


def doctor(*, as_json: bool) -> None:
    """Checks the configured app; exit code 1 where something is wrong."""
    settings, oauth = load_slack(), load_oauth()
    tokens = None if oauth is None else Tokens(place("command").engine, oauth, base_url=settings.base_url)

    async def look() -> list[Finding]:
        if tokens is not None:
            return await examine_workspaces(tokens.engine, tokens, settings)
        return await examine(slack_client(settings), settings)

    found = asyncio.run(look())
    wrong = any(one.verdict == Verdict.WRONG for one in found)
    if as_json:
        print_json({"ok": not wrong, "findings": [asdict(one) for one in found]})
    else:
        wide = max(len(one.check) for one in found)
        for one in found:
            sys.stdout.write(f"{one.verdict.value:8}{one.check.ljust(wide)}  {one.found}\n")
            if one.do:
                sys.stdout.write(f"{'':8}{'':{wide}}  → {one.do}\n")
    if wrong:
        sys.exit(Exit.ERROR)
