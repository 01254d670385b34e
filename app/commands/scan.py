"""`spendgate scan`: stores what is unusual and what is due to whom, once for each state of what is known."""

import os
import socket
import sys

from app.burst_scan import scan_hours
from app.commands.console import hint, print_json
from app.commands.here import place
from app.expectations import expectations_here
from app.lake_here import lake_here
from app.scan import Scanned, scan
from app.scan_drafts import desks
from lake.errors import LakeError


def run(*, as_json: bool = False) -> None:
    """Scans the hours of the gateways and the days of the bill, and says what became of each; what was scanned already
    is no fault. With hours alone the lack of a bill is told and is none either."""
    here = place("scan")
    by = f"scan-{socket.gethostname()}-{os.getpid()}"
    lake, expects = lake_here(here.home.lake), expectations_here(here.home)
    desk_for = desks(here.home, lake)
    hours, broken = None, None
    try:
        hours = scan_hours(here.engine, lake.files(), by=by, expects=expects, desk_for=desk_for)
    except LakeError as error:
        if not lake.current():
            raise
        broken = error  # told below: a gateway's log that cannot be read leaves no bill unscanned
    if hours is not None and not as_json:
        sys.stdout.write(f"Hours, estimated: {words(hours, 'these hours were')}\n")
    if hours is not None and not lake.current():
        if as_json:
            print_json({"hours": document(hours)})
        hint("No bill is loaded yet: only hours were scanned.")
        return
    told = scan(here.engine, lake, by=by, expects=expects, desk_for=desk_for)
    if as_json:
        print_json(document(told) | ({} if hours is None else {"hours": document(hours)}))
    else:
        sys.stdout.write(("Bill: " if hours is not None else "") + words(told) + "\n")
    if broken is not None:
        raise broken


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
        "drafted": list(told.drafted),
    }


def words(told: Scanned, what: str = "this bill was") -> str:
    """The result as people read it."""
    if not told.done:
        newer = "a newer one" if what == "this bill was" else "newer ones"
        return f"Nothing to do: {what} scanned before, by {told.by}. Load {newer} to scan again."
    owners = ", ".join(owner or "whoever looks after the whole bill" for owner in told.owners)
    due = f"A message is due to {owners}." if owners else "Nobody is due a message."
    quiet = f" {told.quiet} not told again, as people marked them." if told.quiet else ""
    drafted = f" Drafted for people to decide: {', '.join(told.drafted)}." if told.drafted else ""
    return f"{told.new} new, {told.grown} known before, {told.closed} closed.{quiet} {due}{drafted}"
