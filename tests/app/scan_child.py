"""A scan in a process of its own that is killed where it is told: `python -m tests.app.scan_child HOME LAKE STEP`."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from app import scan_drafts
from app.database import open_database
from app.home import open_home
from approvals.propose import propose
from audit import log
from audit.event import Event
from lake.engine import Lake
from tests.app.drafting_bill import NOW, scanned

PROPOSED, TOLD = "proposed", "told"
"""After the draft was made, and before its event's entry is."""


def main(home: str, lake: str, step: str) -> None:
    """Scans and dies."""
    append = log.append

    def dies_after(*given: Any, **named: Any) -> Any:
        propose(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    def dies_before(*given: Any, **named: Any) -> Any:
        if named.get("event") == Event.ANOMALY_PROPOSED:
            os.kill(os.getpid(), signal.SIGKILL)
        return append(*given, **named)

    if step == PROPOSED:
        setattr(scan_drafts, "propose", dies_after)  # noqa: B010 (no name of its own for a type checker)
    else:
        setattr(log, "append", dies_before)  # noqa: B010
    place = open_home(Path(home))
    scanned(open_database(place.database, clock=lambda: NOW), place, Lake(Path(lake)))


if __name__ == "__main__":
    main(*sys.argv[1:])
