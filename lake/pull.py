"""Pulls a provider's bill and usage: asked page by page, kept day by day, loaded by whole billing periods.

What is loaded goes through the same door as a file: the same checks, quarantine, revisions and totals. A pull that
dies leaves the bills as they were; the next one goes on with the page after the last that was kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from lake import allocation
from lake.allocation_rules import TAGS_ALONE, AllocationRules
from lake.engine import Lake
from lake.errors import LakeError
from lake.load import ingest
from lake.report import IngestReport
from lake.sources import api_charges
from lake.sources.api_source import ApiSource
from lake.sources.kept_pages import Kept
from lake.sources.one_pull import sole
from lake.sources.windows import WIDE, months, window

# As different interfaces name whose rows they are.
_ACCOUNTS = ("project_id", "workspace_id", "team_id")


@dataclass(frozen=True)
class Seen:
    """What a key showed of one day: how many rows, and of which projects, workspaces or teams."""

    day: date
    rows: int
    accounts: tuple[str, ...]


@dataclass(frozen=True)
class Standing:
    """How far a source was pulled. `through` is the last day that was asked for; None before the first pull."""

    name: str
    pulled_at: datetime | None
    through: date | None
    under_way: bool


def pull(
    lake: Lake,
    source: ApiSource,
    *,
    folder: Path,
    now: datetime,
    since: date | None = None,
    rules: AllocationRules = TAGS_ALONE,
) -> IngestReport:
    """Asks for what may have changed and loads the months it touches; LakeError with the bills as they were.

    `folder` is where this source's pages and days are kept. With `since` the pull reaches back to that month.
    """
    if since is not None and since > now.date():
        raise LakeError(
            f"There is nothing to pull since {since}.", why="That day has not come yet.", do="Name an earlier day."
        )
    kept = Kept(folder)
    with sole(folder):
        known = set.intersection(*(kept.known(kind) for kind in source.kinds))
        last_wide = kept.moment("last_wide")
        first, end = window(now=now, kept=known, last_wide=last_wide, since=since)
        pulled = kept.pull(source.api, source.requests(first, end))
        held = {kind: kept.days(kind, months(first, end)[0], end) | pulled.get(kind, {}) for kind in source.kinds}
        made = source.joined(held, now=now)
        target = allocation.beside(lake) if source.is_gateway else lake
        with TemporaryDirectory(prefix="spendgate-") as making:
            paths = api_charges.write(made.charges, Path(making), source.name)
            report = _load(target, paths, source=source.name, now=now, rules=rules)
        kept.replace(pulled)
        kept.note(
            pulled_at=now.isoformat(),
            through=(end - timedelta(days=1)).isoformat(),
            last_wide=(now if last_wide is None or end - first >= WIDE else last_wide).isoformat(),
        )
    report.findings[:0] = made.findings
    return report


def _load(lake: Lake, paths: list[Path], *, source: str, now: datetime, rules: AllocationRules) -> IngestReport:
    if not paths:
        return IngestReport(snapshots=[], rows_in=0, rows_loaded=0, rows_quarantined=0, totals=[])
    return ingest(lake, paths, now=now, source=source, rules=rules)


def probe(source: ApiSource, *, now: datetime) -> Seen:
    """What the key can see of yesterday, by one request; LakeError if it sees nothing."""
    day = now.date() - timedelta(days=1)
    request = source.probe(day)
    page = source.api.get(request.path, request.params)
    try:
        rows = [row for found in request.by_day(page).values() for row in found]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise LakeError(
            f"What {source.api.name} answered cannot be understood.",
            why=f"It is not in the form that is known: {type(error).__name__}.",
            do="Check the configured address and kind.",
        ) from error
    named = {str(row[name]) for row in rows for name in _ACCOUNTS if row.get(name)}
    return Seen(day, len(rows), tuple(sorted(named)))


def standing(names: Iterable[str], folder: Path) -> list[Standing]:
    """How far each of these sources was pulled into the folders below `folder`."""
    found = []
    for name in names:
        kept = Kept(folder / name)
        through = kept.state().get("through")
        found.append(
            Standing(name, kept.moment("pulled_at"), date.fromisoformat(through) if through else None, kept.under_way)
        )
    return found
