"""A scan of hours stores each burst once and lets it grow; it closes by itself, and is no event of the bill."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select
from typer.testing import CliRunner

from app.anomaly_marks import Saying, mark
from app.anomaly_rows import BURST, CLOSED, OPEN, Anomaly, AnomalyDue, marks, series_text, stored
from app.burst_scan import scan_hours
from app.cli import app
from app.commands import scan as command
from app.database import reading, writing
from app.home import open_home
from app.scan import Scanned, scan
from approvals.person import Person
from audit.log import LogEntry
from lake.engine import Lake
from lake.errors import LakeError
from tests.app.conftest import Hands
from tests.tools.gateway_log import BATCH, CHAT, FIRST, log_of, pulled
from tests.tools.small_bill import charge, days_of, lake_of, usage_hours
from tools.bursts import Judged, bursts_now
from tools.desk import Desk
from tools.detection.marks import MarkKind

HOURS = 24 * 7 * 3 + 24 * 2 + 11  # a Wednesday, eleven o'clock
BEGAN = HOURS - 1
NAMES = tuple(sorted(zip(("team", "model", "api_key"), CHAT, strict=True)))


def at(hours: int) -> datetime:
    return FIRST + timedelta(hours=hours, minutes=15)


def log(folder: Path, hours: int, lasting: int = 1) -> Lake:
    """The log at a quarter past; one key burns sixty more an hour from `BEGAN` on, for so many hours."""
    return pulled(folder, log_of(hours, {(CHAT, BEGAN + hour): "60" for hour in range(lasting)}), now=at(hours))


def scanned(engine: Engine, clock: Hands, lake: Lake, hours: int) -> Scanned:
    clock.now = at(hours)
    told = scan_hours(engine, lake, by=f"scan-{hours}")
    assert told is not None
    return told


def of_log(engine: Engine) -> list[str]:
    with reading(engine) as (session, _):
        return [word for word in session.exec(select(LogEntry.event).order_by(col(LogEntry.seq))) if "anomaly" in word]


def test_a_burst_is_stored_once_grows_in_place_and_closes_by_itself(
    engine: Engine, clock: Hands, tmp_path: Path
) -> None:
    first = log(tmp_path / "first", HOURS)
    told = scanned(engine, clock, first, HOURS)
    assert (told.done, told.new, told.owners) == (True, 1, ("fraud",))
    again = scan_hours(engine, first, by="scan-b")
    assert again is not None
    assert (again.done, again.by) == (False, f"scan-{HOURS}")
    with reading(engine) as (session, _):
        [row] = stored(session, bursts=True)
        assert (row.kind, row.state, row.owner, row.names) == (BURST, OPEN, "fraud", NAMES)
        assert row.first_hour == row.last_hour == (FIRST + timedelta(hours=BEGAN)).isoformat()
        [due] = session.exec(select(AnomalyDue)).all()
        assert (due.owner, json.loads(due.anomalies)) == ("fraud", [row.id])
        assert stored(session, bursts=False) == []
    grown = scanned(engine, clock, log(tmp_path / "grown", HOURS + 1, 2), HOURS + 1)
    assert (grown.new, grown.grown, grown.owners) == (0, 1, ("fraud",))  # twice as large: told again
    over = scanned(engine, clock, log(tmp_path / "over", HOURS + 5, 2), HOURS + 5)
    assert (over.new, over.grown, over.closed, over.owners) == (0, 1, 1, ())
    with reading(engine) as (session, _):
        [row] = stored(session, bursts=True)
        assert (row.state, row.last_hour) == (CLOSED, (FIRST + timedelta(hours=BEGAN + 1)).isoformat())
    assert of_log(engine) == ["anomaly.found", "anomaly.closed"]


@pytest.mark.slow
def test_what_was_restated_away_is_closed_and_what_is_over_is_not_told_again(
    engine: Engine, clock: Hands, tmp_path: Path
) -> None:
    scanned(engine, clock, log(tmp_path / "first", HOURS), HOURS)
    gone = scanned(engine, clock, log(tmp_path / "gone", HOURS + 1, 0), HOURS + 1)
    assert (gone.new, gone.closed) == (0, 1)
    back = scanned(engine, clock, log(tmp_path / "back", HOURS + 8), HOURS + 8)
    assert (back.new, back.grown, back.closed, back.owners) == (0, 0, 0, ())
    assert of_log(engine) == ["anomaly.found", "anomaly.closed"]


def test_two_scans_of_the_same_hours_store_one(
    engine: Engine, clock: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second judged the hours while the first stored them: the slot decides, not the look before."""
    clock.now, lake = at(HOURS), log(tmp_path, HOURS)

    def slow(desk: Desk) -> Judged:
        monkeypatch.setattr("app.burst_scan.bursts_now", bursts_now)
        first = scan_hours(engine, lake, by="scan-first")
        assert first is not None
        assert first.done
        return bursts_now(desk)

    monkeypatch.setattr("app.burst_scan.bursts_now", slow)
    late = scan_hours(engine, lake, by="scan-second")
    assert late is not None
    assert (late.done, late.by) == (False, "scan-first")
    with reading(engine) as (session, _):
        assert len(session.exec(select(Anomaly)).all()) == 1
        assert len(session.exec(select(AnomalyDue)).all()) == 1


def test_a_scan_that_newer_hours_overtook_closes_nothing_that_has_begun_since(
    engine: Engine, clock: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It judged the hours before the burst, while another pulled the next one and stored what began in it."""
    clock.now, lake = at(HOURS - 1), log(tmp_path, HOURS - 1, 0)

    def slow(desk: Desk) -> Judged:
        old = bursts_now(desk)
        monkeypatch.setattr("app.burst_scan.bursts_now", bursts_now)
        assert scanned(engine, clock, log(tmp_path, HOURS), HOURS).new == 1
        return old

    monkeypatch.setattr("app.burst_scan.bursts_now", slow)
    late = scan_hours(engine, lake, by="scan-late")
    assert late is not None
    assert (late.done, late.by) == (False, f"scan-{HOURS}")
    with reading(engine) as (session, _):
        assert [row.state for row in stored(session, bursts=True)] == [OPEN]
    assert of_log(engine) == ["anomaly.found"]


def test_the_lanes_never_touch_each_others_events(engine: Engine, clock: Hands, tmp_path: Path) -> None:
    """An event of the bill and a burst of the same series stand beside each other: neither scan closes, grows or
    quietens the other's."""
    clock.now = at(HOURS)
    days = {"started": "2026-10-05", "last_day": "2026-10-07", "state": OPEN, "kind": "spike"}
    texts = dict.fromkeys(("actual", "expected", "excess", "told_excess"), "9000")
    who = {"id": "A-bill", "series": series_text(NAMES), "currency": "USD", "owner": "fraud"}
    with writing(engine) as (session, now):
        session.add(Anomaly(**who, **days, **texts, found_at=now, changed_at=now))
    olivia = Person("p-1", "Olivia", roles=frozenset({"owner"}), sees_teams=("fraud",))
    with writing(engine) as (session, now):
        assert mark(session, now=now, saying=Saying("A-bill", MarkKind.NOT_AN_ANOMALY, "known"), person=olivia).allowed
    told = scanned(engine, clock, log(tmp_path / "log", HOURS), HOURS)
    assert (told.new, told.quiet, told.owners) == (1, 0, ("fraud",))
    bill = lake_of(tmp_path / "bill", [charge(day, "240", team="fraud") for day in days_of(date(2026, 8, 1), 100)])
    clock.now = datetime.fromisoformat("2026-11-10T09:00:00+00:00")
    assert scan(engine, bill, by="scan").done
    with reading(engine) as (session, _):
        assert [(row.kind, row.state) for row in stored(session, bursts=True)] == [(BURST, OPEN)]
        assert [(row.id, row.excess) for row in stored(session, bursts=False)] == [("A-bill", "9000")]
        assert (len(marks(session, bursts=True)), len(marks(session, bursts=False))) == (0, 1)


def test_without_a_gateway_no_hours_are_scanned(engine: Engine, tmp_path: Path) -> None:
    assert scan_hours(engine, Lake(tmp_path / "lake"), by="scan") is None
    days = days_of(date(2026, 10, 1), 30)
    machine = lake_of(tmp_path / "machine", [charge(day, "5") for day in days], usage=usage_hours(1, days[-2:]))
    assert scan_hours(engine, machine, by="scan") is None


def test_a_gateways_log_that_cannot_be_read_leaves_no_bill_unscanned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPENDGATE_HOME", str(tmp_path))
    home = open_home(tmp_path)
    lake_of(home.folder, [charge(day, "240", team="fraud") for day in days_of(date(2026, 8, 1), 100)])
    pulled(tmp_path / "made", log_of(HOURS), now=at(HOURS)).folder.joinpath("gateway").rename(home.lake / "gateway")
    for file in (home.lake / "gateway").rglob("*.parquet"):
        file.write_bytes(b"no parquet")
    with pytest.raises(LakeError):
        command.run()
    assert "0 new" in capsys.readouterr().out
    with pytest.raises(LakeError):
        command.run(as_json=True)
    assert json.loads(capsys.readouterr().out)["scanned"] is False


def test_at_a_terminal_bursts_are_listed_scanned_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a gateway alone and no bill: the scan stores the hours and says that there is no bill."""
    now = datetime.now().astimezone()
    begins = (now - timedelta(hours=HOURS, minutes=15)).replace(minute=0, second=0, microsecond=0)
    monkeypatch.setattr("tests.tools.gateway_log.FIRST", begins)
    monkeypatch.setenv("SPENDGATE_HOME", str(tmp_path))
    home = open_home(tmp_path)
    hours = int((now - timedelta(minutes=11) - begins) / timedelta(hours=1))
    lake = pulled(tmp_path / "made", log_of(hours, {(key, hours - 1): "300" for key in (CHAT, BATCH)}), now=now)
    lake.folder.rename(home.lake)
    run = CliRunner().invoke
    listed = run(app, ["anomalies", "list", "--hours"])
    assert listed.exit_code == 0, listed.stderr
    assert len(listed.stdout.splitlines()) == 2
    assert "the bill will tell" in listed.stderr
    document = json.loads(run(app, ["anomalies", "list", "--hours", "--json"]).stdout)
    assert document["estimate"]
    assert {row["api_key"] for row in document["bursts"]} == {"key-chat", "key-batch"}
    done = run(app, ["scan"])
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("Hours, estimated: 2 new")
    assert "No bill is loaded yet" in done.stderr
    assert json.loads(run(app, ["scan", "--json"]).stdout)["hours"]["scanned"] is False
    kept = run(app, ["anomalies", "stored"])
    assert kept.stdout.count("burst (estimate)") == 2
    refused = run(app, ["anomalies", "list", "--hours", "--where", "region=us-east-1"])
    assert "nothing that can be filtered by here" in str(refused.exception)
    assert command.words(Scanned(False, "scan-a", "s"), "these hours were").startswith("Nothing to do: these hours")
