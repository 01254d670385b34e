"""`spendgate slack`: the app's manifest, and what is right and wrong with an installed one."""

import asyncio
import sys
from dataclasses import asdict
from urllib.parse import urlsplit

from app.commands.console import print_json
from app.errors import Exit, Problem
from app.settings import is_loopback, load_slack
from app.slack.bolt import slack_client
from app.slack.doctor import Finding, Verdict, examine
from app.slack.manifest import manifest


def show_manifest(*, url: str | None) -> None:
    """Prints the manifest as JSON, to paste at api.slack.com under "Create from a manifest"."""
    parts = urlsplit(url) if url else None
    if parts is not None and (parts.scheme != "https" or not parts.hostname or is_loopback(parts.hostname)):
        raise Problem(
            f"Slack cannot deliver to {url}.",
            why="A request URL is https and reachable from outside.",
            do="Give such an address, or leave --url out: then the app uses Socket Mode, which needs none.",
            exit_code=Exit.USAGE,
        )
    print_json(manifest(url=url))


def doctor(*, as_json: bool) -> None:
    """Checks the configured app; exit code 1 where something is wrong."""
    settings = load_slack()

    async def look() -> list[Finding]:
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
