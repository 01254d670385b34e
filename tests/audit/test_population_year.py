"""A whole year of a provider's events against its log: every planted fault is found, and nothing else is."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.database import open_database, reading
from app.log_population import gather
from audit.population import SKEW, Finding, Judged, Period
from audit.reconcile import Reconciliation
from audit.trail_event import ours
from audit.trail_files import Raw, files_of, records
from audit.verify import verify
from tests.audit.planted_year import FAULTS, plant
from tests.audit.year import ROLE, Year
from tests.audit.year_written import write_events, write_log

END = datetime(2026, 12, 1, tzinfo=UTC)


def judged(year: Year, folder: Path) -> Judged:
    """Through real files and a real database, as the command does it."""
    write_log(year, folder / "spendgate.db")
    write_events(year, folder / "cloudtrail")
    with reading(open_database(folder / "spendgate.db")) as (session, _):
        assert verify(session).ok
        logged = gather(session, skew=SKEW)
    reconciliation = Reconciliation(logged, ours([ROLE]), Period(to=END), now=END)
    for path in files_of([folder / "cloudtrail"])[0]:
        for raw in records(path):
            assert isinstance(raw, Raw)
            reconciliation.take(raw)
    told = reconciliation.end()
    assert sums(told, len(logged.effects)) == []
    return told


def sums(told: Judged, effects: int) -> list[str]:
    """Which of the two sums does not come out: every record, and every intent, is counted once."""
    records_in = told.calls["records"]
    wrong = []
    if sum(told.calls.values()) - records_in != records_in:
        wrong.append(f"{records_in} records, and counted are {told.calls}")
    if sum(told.effects.values()) != effects:
        wrong.append(f"{effects} effects, and counted are {told.effects}")
    return wrong


def about(finding: Finding) -> str:
    """What a finding is about, as the planted faults say it."""
    if finding.name in ("missing", "request_id") and (finding.call is None or finding.call.changes is False):
        return f"{finding.proposal}#{finding.effect.planned.step}" if finding.effect else finding.proposal
    if finding.name == "back_dated":
        return finding.proposal
    return finding.call.event_id if finding.call else ""


def compare(year: Year, told: Judged) -> tuple[int, list[object], list[object]]:
    """Found as planted; planted and not found; found and not planted."""
    truth = +year.truth
    found = Counter((one.name, about(one)) for one in told.findings)
    for one in told.findings:
        key = (one.name, one.proposal)
        if one.name == "double" and key in truth:  # which of several equals is the surplus one cannot be told
            found[one.name, about(one)] -= 1
            found[key] += 1
    return sum((truth & found).values()), list((truth - found).elements()), list((+found - truth).elements())


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))])
def test_every_planted_fault_is_found_and_nothing_else(tmp_path: Path, seed: int) -> None:
    year = Year(seed, proposals=160, background=1500)
    plant(year)
    found, lost, false = compare(year, judged(year, tmp_path))
    assert (lost, false) == ([], [])
    assert found == sum(year.truth.values()) >= len(FAULTS)


def test_a_clean_year_has_no_finding_and_a_match_for_every_change(tmp_path: Path) -> None:
    year = Year(11, proposals=160, background=1500)
    told = judged(year, tmp_path)
    assert told.findings == []
    assert len(told.matched) == sum(len(life.events) for life in year.lives) > 100
    assert told.calls["repeats"] == sum(life.end == "resent" for life in year.lives) > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("seed", "proposals", "background"), [(21, 2000, 40_000), (22, 600, 10_000), (23, 600, 10_000)]
)
def test_a_full_year_with_thousands_of_proposals(tmp_path: Path, seed: int, proposals: int, background: int) -> None:
    year = Year(seed, proposals, background)
    plant(year, times=proposals // 300)
    told = judged(year, tmp_path)
    found, lost, false = compare(year, told)
    print(
        f"seed {seed}: {told.calls['records']} records, {proposals} proposals; planted {sum(year.truth.values())},"
        f" found {found}, lost {len(lost)}, false alarms {len(false)}"
    )
    assert (lost, false) == ([], [])
