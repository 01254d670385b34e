"""A scan stores each event once and lets it grow; owners are due one message; what people say of it is judged."""

import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.anomaly_marks import Saying, mark
from app.anomaly_rows import CLOSED, OPEN, Anomaly, AnomalyDue, AnomalyMark, series_text, stored
from app.database import reading, writing
from app.scan import scan
from approvals.person import Person
from audit.log import LogEntry
from lake.engine import Lake
from lake.load import ingest
from tests.tools.small_bill import NOW, Charge, charge, days_of, lake_of, written
from tools.anomalies import found_now
from tools.desk import Desk
from tools.detection.marks import MarkKind
from tools.judging import Found

FIRST, DAYS = date(2026, 5, 1), 180
SPIKE = FIRST + timedelta(days=170)
TEAMS = ("fraud", "claims", "kyc")
OWNER = Person("p-1", "Olivia", roles=frozenset({"owner"}), sees_teams=("fraud",))


def bill(folder: Path, *, days: int = DAYS, lasting: int = 1) -> Lake:
    return lake_of(folder, charges(days=days, lasting=lasting))


def charges(*, days: int = DAYS, lasting: int = 1) -> list[Charge]:
    """Three quiet teams; one of them costs five times as much from `SPIKE` on, for so many days."""
    rows: list[Charge] = []
    for number, team in enumerate(TEAMS):
        for at, day in enumerate(days_of(FIRST, days)):
            up = 5 if team == "fraud" and 0 <= (day - SPIKE).days < lasting else 1
            wave = 1 + 0.03 * ((at * 7 + number * 3) % 5 - 2)
            rows.append(charge(day, f"{400 * wave * up:.4f}", team=team, service="Amazon Bedrock"))
    return rows


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with reading(engine) as (open_session, _):
        yield open_session


def words(session: Session) -> list[str]:
    found = session.exec(select(LogEntry.event).order_by(col(LogEntry.seq)))
    return [word for word in found if word.startswith("anomaly.")]


def test_what_is_found_is_stored_once_and_its_owner_is_due_one_message(engine: Engine, tmp_path: Path) -> None:
    lake = bill(tmp_path / "bill")
    told = scan(engine, lake, by="scan-a")
    assert (told.done, told.new, told.owners) == (True, 1, ("fraud",))
    again = scan(engine, lake, by="scan-b")
    assert (again.done, again.by) == (False, "scan-a")
    with reading(engine) as (session, _):
        [row] = stored(session)
        assert (dict(row.names)["team"], row.started, row.kind) == ("fraud", SPIKE.isoformat(), "spike")
        assert Decimal(row.actual) - Decimal(row.expected) == Decimal(row.excess) > 1000
        [due] = session.exec(select(AnomalyDue)).all()
        assert (due.owner, json.loads(due.anomalies), due.posted_at) == ("fraud", [row.id], None)
        assert words(session)[0] == "anomaly.found"


@pytest.mark.slow
def test_an_event_grows_in_place_and_is_told_again_when_it_is_half_as_large_again(
    engine: Engine, tmp_path: Path
) -> None:
    scan(engine, bill(tmp_path / "one", days=171), by="scan")
    told = scan(engine, bill(tmp_path / "two", days=175, lasting=5), by="scan")
    assert (told.new, told.grown, told.owners) == (0, 1, ("fraud",))
    with reading(engine) as (session, _):
        [row] = stored(session)
        assert (row.started, row.last_day) == (SPIKE.isoformat(), (SPIKE + timedelta(days=4)).isoformat())


@pytest.mark.slow
def test_an_event_that_is_over_closes_by_itself(engine: Engine, tmp_path: Path) -> None:
    scan(engine, bill(tmp_path / "one", days=172), by="scan")
    with reading(engine) as (session, _):
        assert [row.state for row in stored(session)] == [OPEN]
    scan(engine, bill(tmp_path / "two", days=184), by="scan")
    with reading(engine) as (session, _):
        assert [row.state for row in stored(session)] == [CLOSED]
        assert words(session) == ["anomaly.found", "anomaly.closed"]
    told = scan(engine, bill(tmp_path / "three", days=185), by="scan")
    assert (told.done, told.new, told.grown, told.closed, told.owners) == (True, 0, 0, 0, ())
    with reading(engine) as (session, _):
        assert [row.state for row in stored(session)] == [CLOSED]
        assert words(session) == ["anomaly.found", "anomaly.closed"]


def kept(engine: Engine, started: date, last: date, state: str) -> None:
    """An event as a scan before has stored it."""
    with writing(engine) as (session, now):
        texts = {"actual": "2000", "expected": "400", "excess": "1600", "told_excess": "1600"}
        series = series_text(OF_FRAUD)
        row = {"id": f"A-{started}", "series": series, "currency": "USD", "owner": "fraud", "kind": "spike"}
        days = {"started": started.isoformat(), "last_day": last.isoformat(), "state": state}
        session.add(Anomaly(**row, **texts, **days, found_at=now, changed_at=now))


OF_FRAUD = (("service", "Amazon Bedrock"), ("team", "fraud"))


@pytest.mark.parametrize(
    ("started", "last", "state", "new", "grown", "owners"),
    [
        pytest.param(0, 0, CLOSED, 0, 0, (), id="it is over, and is found in every later bill"),
        pytest.param(-1, -1, CLOSED, 1, 0, ("fraud",), id="another that ended the day before"),
        pytest.param(-1, -1, OPEN, 0, 1, (), id="an open one, grown"),
    ],
)
def test_an_event_that_is_over_is_told_anew_only_with_new_days(
    engine: Engine,
    tmp_path: Path,
    started: int,
    last: int,
    state: str,
    new: int,
    grown: int,
    owners: tuple[str, ...],
) -> None:
    kept(engine, SPIKE + timedelta(days=started), SPIKE + timedelta(days=last), state)
    told = scan(engine, bill(tmp_path / "bill", days=174), by="scan")
    assert (told.new, told.grown, told.owners) == (new, grown, owners)


def said(engine: Engine, person: Person, kind: MarkKind, reason: str = "a load test", **days: date) -> tuple[bool, str]:
    with reading(engine) as (session, _):
        [row] = stored(session)
        name = row.id
    with writing(engine) as (session, now):
        verdict = mark(session, now=now, saying=Saying(name, kind, reason, **days), person=person)
    return verdict.allowed, verdict.code


@pytest.mark.slow
def test_a_marked_event_stays_listed_and_is_not_told_again(engine: Engine, tmp_path: Path) -> None:
    scan(engine, bill(tmp_path / "one", days=171), by="scan")
    assert said(engine, OWNER, MarkKind.PLANNED, first=SPIKE, until=SPIKE) == (True, "marked")
    told = scan(engine, bill(tmp_path / "two", days=175, lasting=5), by="scan")
    assert (told.grown, told.quiet, told.owners) == (1, 1, ())
    with reading(engine) as (session, _):
        assert len(stored(session)) == 1
        [kept] = session.exec(select(AnomalyMark)).all()
        assert "load test" not in kept.reason_ref
        bodies = b"".join(body for _, body in session.exec(select(LogEntry.seq, LogEntry.body)))
        assert b"a load test" not in bodies  # the words are private; the entry commits to them
        assert words(session)[-1] == "anomaly.marked"


STRANGER = Person("p-2", "Sam", roles=frozenset({"owner"}), sees_teams=("claims",))
READER = Person("p-3", "Rae", sees_teams=("*",))


@pytest.mark.parametrize(
    ("person", "kind", "reason", "code"),
    [
        (STRANGER, MarkKind.ACKNOWLEDGED, "seen", "not_found"),
        (READER, MarkKind.ACKNOWLEDGED, "seen", "no_role"),
        (OWNER, MarkKind.ACKNOWLEDGED, "  ", "no_reason"),
        (OWNER, MarkKind.PLANNED, "a test", "no_days"),
        (OWNER, MarkKind.SNOOZED, "later", "no_days"),
    ],
)
def test_who_may_not_say_so_is_refused_and_the_refusal_is_logged(
    engine: Engine, person: Person, kind: MarkKind, reason: str, code: str
) -> None:
    with writing(engine) as (session, now):
        texts = dict.fromkeys(("actual", "expected", "excess", "told_excess"), "100")
        days = {"started": SPIKE.isoformat(), "last_day": SPIKE.isoformat()}
        series = series_text((("team", "fraud"),))
        row = {"id": "A-1", "series": series, "currency": "USD", "owner": "fraud", "kind": "spike", "state": OPEN}
        session.add(Anomaly(**row, **texts, **days, found_at=now, changed_at=now))
    assert said(engine, person, kind, reason) == (False, code)
    with reading(engine) as (session, _):
        assert words(session)[-1] == "anomaly.refused"
        assert session.exec(select(AnomalyMark)).all() == []


def test_two_scans_at_once_store_one(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second judged the bill while the first stored it: the slot decides, not the look before."""
    lake = bill(tmp_path / "bill")

    def slow(desk: Desk) -> tuple[list[Found], date]:
        monkeypatch.setattr("app.scan.found_now", found_now)
        assert scan(engine, lake, by="scan-first").done
        return found_now(desk)

    monkeypatch.setattr("app.scan.found_now", slow)
    late = scan(engine, lake, by="scan-second")
    assert (late.done, late.by) == (False, "scan-first")
    with reading(engine) as (session, _):
        assert len(session.exec(select(Anomaly)).all()) == 1
        assert len(session.exec(select(AnomalyDue)).all()) == 1


@pytest.mark.slow
def test_a_scan_that_a_newer_bill_overtook_takes_nothing_back(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It judged the bill of the first day of an event, while another loaded four more and stored what they cost."""
    lake = bill(tmp_path / "bill", days=171)

    def slow(desk: Desk) -> tuple[Sequence[Found], date]:
        old = found_now(desk)
        monkeypatch.setattr("app.scan.found_now", found_now)
        ingest(lake, [written(tmp_path / "newer.csv", charges(days=175, lasting=5))], now=NOW)
        assert scan(engine, lake, by="scan-first").new == 1
        return old

    monkeypatch.setattr("app.scan.found_now", slow)
    late = scan(engine, lake, by="scan-late")
    assert (late.done, late.by) == (False, "scan-first")
    with reading(engine) as (session, _):
        [row] = stored(session)
        assert row.last_day == (SPIKE + timedelta(days=4)).isoformat()


def test_an_event_that_was_over_and_goes_on_is_open_again(engine: Engine, tmp_path: Path) -> None:
    kept(engine, SPIKE, SPIKE, CLOSED)
    told = scan(engine, bill(tmp_path / "bill", days=174, lasting=3), by="scan")
    assert (told.new, told.grown, told.owners) == (0, 1, ("fraud",))
    with reading(engine) as (session, _):
        assert [(row.state, row.last_day) for row in stored(session)] == [(OPEN, str(SPIKE + timedelta(days=2)))]
        assert words(session) == ["anomaly.found"]
