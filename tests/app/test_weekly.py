"""The week's digest: due once a week and channel, whatever dies, and no more of it than the channel may know."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from app import weekly as due_module
from app.anomaly_marks import Saying, mark
from app.anomaly_rows import BURST, OPEN, Anomaly, series_text
from app.database import reading, writing
from app.digest import digest, last_week
from app.errors import Problem
from app.inbox import Conversation
from app.slack.answers import answer_blocks
from app.turns import StoredAnswer
from app.weekly import Weekly, digest_channels
from approvals.adopt import adopt
from approvals.engage import engage
from approvals.person import Person
from audit.event import Actor, ActorKind
from lake.engine import Lake
from lake.period import Period
from sandbox.slack.validation import findings_in_message
from tests.app.conftest import PEOPLE
from tests.tools.small_bill import charge, days_of, lake_of
from tools.desk import Desk
from tools.detection.marks import MarkKind

MONDAY = date(2026, 11, 16)
WEEK = Period(MONDAY, MONDAY + timedelta(days=7))
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CHANNELS = ("C0AIOPS", "C0APPROVE")
FRAUD_ALONE = 'id = "C0AIOPS"\nsees_teams = ["fraud"]'


def bill(folder: Path, *, through: date = date(2026, 11, 22)) -> Lake:
    """Two teams: 10 and 20 USD a day in the week before, 15 and 20 in the week itself."""
    first = MONDAY - timedelta(days=7)
    rows = []
    for day in days_of(first, (through - first).days + 1):
        rows.append(charge(day, "15" if day >= MONDAY else "10", team="risk", service="Amazon Bedrock"))
        rows.append(charge(day, "20", team="fraud", service="Amazon Bedrock"))
    return lake_of(folder, rows, now=datetime.combine(through, time(), UTC) + timedelta(hours=30))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return bill(tmp_path / "bill")


def looks(engine: Engine, lake: Lake, channels: tuple[str, ...] = CHANNELS) -> Weekly:
    def desk_for(now: datetime, scope: tuple[str, ...]) -> Desk:
        return Desk(lake=lake, now=now, speaker="weekly", scope=scope)

    return Weekly(engine, lake, desk_for, channels)


def rows(engine: Engine) -> list[tuple[StoredAnswer, Conversation]]:
    with reading(engine) as (session, _):
        return list(
            session.exec(
                select(StoredAnswer, Conversation)
                .where(StoredAnswer.thread == Conversation.thread)
                .order_by(StoredAnswer.turn)
            ).all()
        )


def people(engine: Engine, *, change: Callable[[str], str] = lambda text: text) -> None:
    with writing(engine) as (session, now):
        adopt(session, now=now, kind="people", text=change(PEOPLE), actor=Actor(ActorKind.SERVICE, "test"))


def test_each_channel_has_its_week_once_from_monday_morning_on(
    engine: Engine, lake: Lake, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    people(engine)
    clock.now = datetime(2026, 11, 23, 7, 59, tzinfo=UTC)
    assert looks(engine, lake).write_due() == 0
    clock.now = NOON
    assert looks(engine, lake, ("C0AIOPS", "C0NOTNAMED")).write_due() == 1
    assert looks(engine, lake).write_due() == 1, "the other channel; a second process writes nothing twice"
    assert looks(engine, lake).write_due() == 0
    assert [(answer.turn, place.channel, place.private) for answer, place in rows(engine)] == [
        ("digest:T0BANK/C0AIOPS/2026-11-16", "C0AIOPS", False),
        ("digest:T0BANK/C0APPROVE/2026-11-16", "C0APPROVE", False),
    ]
    clock.now = datetime(2026, 11, 29, 23, tzinfo=UTC)
    assert looks(engine, lake).write_due() == 0
    clock.now = datetime(2026, 12, 2, 8, tzinfo=UTC)
    assert looks(engine, lake).write_due() == 2, "the next week, after two days without a bill of it"
    assert "no data, not zero" in rows(engine)[1][0].body["answer"]
    assert not [one for one in caplog.records if one.name == "app.weekly"], "nobody tried what was done already"


def test_it_tells_the_totals_of_both_weeks_and_keeps_to_slacks_limits(engine: Engine, lake: Lake, clock: Any) -> None:
    people(engine)
    clock.now = NOON
    looks(engine, lake).write_due()
    body = rows(engine)[0][0].body
    assert "**The week of 16 to 22 November 2026**" in body["answer"]
    assert "Spent: **$245.00**; the week before $210.00, a change of +$35.00 (+16.7 %)." in body["answer"]
    assert "Unusual: nothing that is open." in body["answer"]
    assert "Waiting: no proposal waits" in body["answer"]
    assert "Saved: nothing is measured yet." in body["answer"]
    costs = [Decimal(one["value"]) for one in body["figures"] if one["id"].endswith(".effective")]
    assert costs == [Decimal(140), Decimal(105)]
    _, blocks = answer_blocks(body)
    assert findings_in_message(blocks) == []
    assert {"data_visualization", "data_table"} <= {block["type"] for block in blocks}
    assert "the bill reaches to 22 November 2026" in str(blocks)


def test_a_channel_hears_of_its_teams_alone(
    engine: Engine, lake: Lake, clock: Any, sealed: Callable[[str], str]
) -> None:
    def fewer(text: str) -> str:
        return text.replace('id = "C0AIOPS"\nsees_teams = ["*"]', FRAUD_ALONE)

    name = sealed("")
    people(engine, change=fewer)
    clock.now = NOON
    looks(engine, lake).write_due()
    few, everything = (answer.body["answer"] for answer, _ in rows(engine))
    assert "$140.00" in few
    assert "$245.00" not in few
    assert name not in few
    assert name in everything


def test_it_waits_for_the_bill_to_reach_sunday_and_no_longer_than_two_days(
    engine: Engine, tmp_path: Path, clock: Any
) -> None:
    people(engine)
    late = bill(tmp_path / "late", through=date(2026, 11, 20))
    clock.now = NOON
    assert looks(engine, late).write_due() == 0
    clock.now = datetime(2026, 11, 25, 8, tzinfo=UTC)
    assert looks(engine, late).write_due() == 2
    assert "the bill reaches to 20 November 2026" in rows(engine)[0][0].body["freshness"]
    assert looks(engine, Lake(tmp_path / "empty")).write_due() == 0


def test_what_is_priced_before_its_bill_comes_is_no_reach_nor_is_half_a_day(
    engine: Engine, tmp_path: Path, clock: Any
) -> None:
    """Sunday's usage at published prices, and Sunday's first hours: the bill has come to Saturday."""
    people(engine)
    clock.now = NOON
    loaded = datetime(2026, 11, 23, 6, tzinfo=UTC)
    saturday = [charge(day, "15", team="risk") for day in days_of(MONDAY - timedelta(days=7), 13)]
    sunday = date(2026, 11, 22)
    priced = charge(sunday, "15", team="risk", x_cost_source="provider_usage_priced")
    billed = [one | {"x_cost_source": "provider_cost_api"} for one in saturday]
    assert looks(engine, lake_of(tmp_path / "priced", [*billed, priced], now=loaded)).write_due() == 0
    hours = charge(sunday, "2", team="risk", ChargePeriodEnd=f"{sunday}T05:00:00Z")
    assert looks(engine, lake_of(tmp_path / "half", [*saturday, hours], now=loaded)).write_due() == 0


def unusual(name: str, kind: str, excess: str, now: datetime) -> Anomaly:
    texts = {"actual": excess, "expected": "0", "excess": excess, "told_excess": excess}
    days = {"started": "2026-11-18", "last_day": "2026-11-19", "state": OPEN, "kind": kind}
    hour = "2026-11-18T10:00:00+00:00" if kind == BURST else None
    series = series_text((("team", "risk"),))
    who = {"id": name, "series": series, "currency": "USD", "owner": "risk"}
    return Anomaly(**who, **days, **texts, first_hour=hour, last_hour=hour, found_at=now, changed_at=now)


def test_a_burst_is_told_as_an_estimate_and_what_has_grown_since_it_was_explained_is_told(
    engine: Engine, lake: Lake, clock: Any
) -> None:
    people(engine)
    clock.now = NOON
    olivia = Person("p-1", "Olivia", roles=frozenset({"owner"}), sees_teams=("risk",))
    with writing(engine) as (session, now):
        for row in (unusual("A-burst", BURST, "71", now), unusual("A-known", "spike", "100", now)):
            session.add(row)
    with writing(engine) as (session, now):
        said = Saying("A-known", MarkKind.NOT_AN_ANOMALY, "a test")
        assert mark(session, now=now, saying=said, person=olivia).allowed
    with reading(engine) as (session, now):
        before = digest(session, Desk(lake=lake, now=now, speaker="weekly"), WEEK)["answer"]
    assert "Unusual: 1 event.\n- risk: $71.00 beyond" in before
    assert "18 November 2026 (estimated from usage, the bill will tell)" in before
    with writing(engine) as (session, _):
        session.get_one(Anomaly, "A-known").excess = "9000"
    with reading(engine) as (session, now):
        after = digest(session, Desk(lake=lake, now=now, speaker="weekly"), WEEK)["answer"]
    assert "$9,000.00 beyond what was expected, since 18 November 2026\n" in after


def test_a_channel_of_one_team_too_is_told_what_is_missing_of_the_week(
    engine: Engine, tmp_path: Path, clock: Any
) -> None:
    late = bill(tmp_path / "late", through=date(2026, 11, 20))
    clock.now = datetime(2026, 11, 25, 8, tzinfo=UTC)
    with reading(engine) as (session, now):
        told = digest(session, Desk(lake=late, now=now, speaker="weekly", scope=("risk",)), WEEK)["answer"]
    assert "Note: 16 to 22 November 2026 is not complete" in told


def test_what_dies_while_it_is_written_leaves_it_due_and_a_stop_holds_it_back(
    engine: Engine, lake: Lake, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(engine)
    clock.now = NOON

    def killed(session: Session, desk: Desk, week: Period) -> dict[str, Any]:
        digest(session, desk, week)
        raise RuntimeError("killed")

    with monkeypatch.context() as dying:
        dying.setattr(due_module, "digest", killed)
        assert looks(engine, lake).write_due() == 0
    assert rows(engine) == []
    with writing(engine) as (session, now):
        assert engage(session, now=now, person="p-0b0b0002", scope="*", reason="a drill").allowed
    assert looks(engine, lake).write_due() == 0
    assert rows(engine) == []


def test_one_channel_that_cannot_be_told_holds_up_no_other(
    engine: Engine, lake: Lake, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(engine, change=lambda text: text.replace('id = "C0AIOPS"\nsees_teams = ["*"]', FRAUD_ALONE))
    clock.now = NOON

    def faulty(session: Session, desk: Desk, week: Period) -> dict[str, Any]:
        if desk.scope == ("fraud",):
            raise RuntimeError("faulty")
        return digest(session, desk, week)

    monkeypatch.setattr(due_module, "digest", faulty)
    assert looks(engine, lake).write_due() == 1
    assert [place.channel for _, place in rows(engine)] == ["C0APPROVE"]
    monkeypatch.setattr(due_module, "digest", digest)
    assert looks(engine, lake).write_due() == 1


def test_a_name_of_a_channel_is_no_id() -> None:
    assert digest_channels({"SPENDGATE_DIGEST_CHANNELS": " C0AIOPS, ,C0AIOPS,G0X12"}) == ("C0AIOPS", "G0X12")
    assert digest_channels({}) == ()
    with pytest.raises(Problem, match="ai-costs"):
        digest_channels({"SPENDGATE_DIGEST_CHANNELS": "#ai-costs"})


def test_the_last_week_is_a_whole_one() -> None:
    assert last_week(datetime(2026, 11, 23, tzinfo=UTC)) == WEEK
    assert last_week(datetime(2026, 11, 29, 23, 59, tzinfo=UTC)) == WEEK
