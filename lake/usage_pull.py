"""Pulls hourly usage from CloudWatch into the lake: what is new since the last pull, and what may have come late.

What is pulled goes through the same door as a file of usage. A pull that dies leaves the usage as it was; the next one
asks for the same hours and goes on behind the last answer that was kept.
"""

import csv
import json
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from lake.columns import COUNTS, PERCENTS
from lake.engine import Lake
from lake.errors import LakeError
from lake.load import ingest
from lake.report import IngestReport
from lake.sources import cloudwatch
from lake.sources.cloudwatch import CloudWatch
from lake.sources.one_pull import sole
from lake.store import write_durably

FIRST_TIME = timedelta(days=15)
LATE = timedelta(hours=48)
"""CloudWatch's documentation: a value may arrive up to two days after its time."""
LONGEST = timedelta(days=455)
"""As long as CloudWatch keeps hourly values."""


@dataclass(frozen=True)
class Pulled:
    """What a pull brought: from when to before when, of how many resources and hours, and what stays unknown."""

    start: datetime
    end: datetime
    resources: int
    hours: int
    unreadable: int
    report: IngestReport
    """what the load of it did; an empty one where nothing was measured"""


def pull(lake: Lake, source: CloudWatch, *, folder: Path, now: datetime, since: date | None = None) -> Pulled:
    """Asks for the hours since the last pull and loads them; LakeError with the usage as it was.

    `folder` is where this account and region keeps its state, for one pull at a time. An answer that was begun is
    finished first, over the hours that it was about; with `since` those are asked anew, among the others.
    """
    with sole(folder):
        return _pull(lake, source, folder=folder, now=now, since=since)


def _pull(lake: Lake, source: CloudWatch, *, folder: Path, now: datetime, since: date | None) -> Pulled:
    state = _State.read(folder)
    end = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    start = _start(state, end, since)
    under_way = folder / "under-way"
    if state.asking and since is None:
        start, end = state.asking
    state.begun(folder, start, end)
    measured = source.read(source.series(), start=start, end=end, folder=under_way)
    rows = list(cloudwatch.rows(measured))
    report = IngestReport(snapshots=[], rows_in=0, rows_loaded=0, rows_quarantined=0, totals=[])
    if rows:
        with TemporaryDirectory(prefix="spendgate-") as making:
            path = Path(making) / "cloudwatch.csv"
            with path.open("w", newline="") as stream:
                writer = csv.DictWriter(stream, ["ResourceId", "HourStart", *PERCENTS, *COUNTS], restval="")
                writer.writeheader()
                writer.writerows(rows)
            report = ingest(lake, [path], now=now)
    state.finished(folder, end)
    shutil.rmtree(under_way, ignore_errors=True)
    return Pulled(start, end, len({row["ResourceId"] for row in rows}), len(rows), measured.unreadable, report)


def _start(state: "_State", end: datetime, since: date | None) -> datetime:
    """`since` only reaches back further: a pull that began later than its turn would leave hours that none asks for."""
    usual = end - FIRST_TIME if state.through is None else min(state.through, end) - LATE
    if since is None:
        return max(usual, end - LONGEST)
    start = datetime(since.year, since.month, since.day, tzinfo=UTC)
    if start >= end:
        raise LakeError(
            f"There is nothing to pull since {since}.",
            why="That day has no whole hour yet.",
            do="Name an earlier day.",
        )
    begun = state.asking[0] if state.asking else usual
    return max(min(start, usual, begun), end - LONGEST)


@dataclass(frozen=True)
class _State:
    """Until when all was pulled, and which hours a pull that did not end was about."""

    through: datetime | None = None
    asking: tuple[datetime, datetime] | None = None

    @classmethod
    def read(cls, folder: Path) -> "_State":
        try:
            found = json.loads((folder / "state.json").read_bytes())
            asking = found.get("asking")
            return cls(
                datetime.fromisoformat(found["through"]) if found.get("through") else None,
                (datetime.fromisoformat(asking[0]), datetime.fromisoformat(asking[1])) if asking else None,
            )
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise LakeError(
                f"{folder / 'state.json'} cannot be read.",
                why="It was kept by an earlier pull and is damaged.",
                do="Remove it and pull again with --since; the usage that is loaded stays.",
            ) from error

    def begun(self, folder: Path, start: datetime, end: datetime) -> None:
        self._write(folder, self.through, [start.isoformat(), end.isoformat()])

    def finished(self, folder: Path, end: datetime) -> None:
        self._write(folder, max(end, self.through) if self.through else end, None)

    def _write(self, folder: Path, through: datetime | None, asking: list[str] | None) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        state = {"through": through.isoformat() if through else None, "asking": asking}
        write_durably(folder / "state.json", json.dumps(state).encode())
