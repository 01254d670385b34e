"""`spendgate scan`: stores what is unusual and what is due to whom, once for each state of the bill."""

import os
import socket
import sys

from app.commands.console import print_json
from app.commands.here import place
from app.expectations import expectations_here
from app.lake_here import lake_here
from app.scan import Scanned, scan


def run(*, as_json: bool = False) -> None:
    """Scans, and says what became of it; a bill that was scanned already is no fault."""
    here = place("scan")
    by = f"scan-{socket.gethostname()}-{os.getpid()}"
    told = scan(here.engine, lake_here(here.home.lake), by=by, expects=expectations_here(here.home))
    if as_json:
        print_json(document(told))
        return
    sys.stdout.write(words(told) + "\n")


def document(told: Scanned) -> dict[str, object]:
    """The result as scripts read it."""
    return {
        "scanned": told.done,
        "by": told.by,
        "slot": told.slot,
        "new": told.new,
        "grown": told.grown,
        "closed": told.closed,
        "not_told_because_marked": told.quiet,
        "due_to": [owner or "(no team)" for owner in told.owners],
    }


def words(told: Scanned) -> str:
    """The result as people read it."""
    if not told.done:
        return f"Nothing to do: this bill was scanned before, by {told.by}. Load a newer one to scan again."
    owners = ", ".join(owner or "whoever looks after the whole bill" for owner in told.owners)
    due = f"A message is due to {owners}." if owners else "Nobody is due a message."
    quiet = f" {told.quiet} not told again, as people marked them." if told.quiet else ""
    return f"{told.new} new, {told.grown} known before, {told.closed} closed.{quiet} {due}"
