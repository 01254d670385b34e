"""The week's digest: due once a week and channel, whatever dies, and no more of it than the channel may know."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from app import weekly as due_module
from app.database import reading, writing
from app.digest import digest, last_week
from app.errors import Problem
from app.inbox import Conversation
from app.slack.answers import answer_blocks
from app.turns import StoredAnswer
from app.weekly import Weekly, digest_channels
from approvals.adopt import adopt
from approvals.engage import engage
from audit.event import Actor, ActorKind
from lake.engine import Lake
from lake.period import Period
from sandbox.slack.validation import findings_in_message
from tests.app.conftest import PEOPLE
from tests.tools.small_bill import charge, days_of, lake_of
from tools.desk import Desk

MONDAY = date(2026, 11, 16)
WEEK = Period(MONDAY, MONDAY + timedelta(days=7))
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CHANNELS = ("C0AIOPS", "C0APPROVE")


def bill(folder: Path, *, through: date = date(2026, 11, 22)) -> Lake:
    """Two teams: 10 and 20 USD a day in the week before, 15 and 20 in the week itself."""
    first = MONDAY - timedelta(days=7)
    rows = []
    for day in days_of(first, (through - first).days + 1):
        rows.append(charge(day, "15" if day >= MONDAY else "10", team="risk", service="Amazon Bedrock"))
        rows.append(charge(day, "20", team="fraud", service="Amazon Bedrock"))
    return lake_of(folder, rows)


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


def test_each_channel_has_its_week_once_from_monday_morning_on(engine: Engine, lake: Lake, clock: Any) -> None:
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
        return text.replace('id = "C0AIOPS"\nsees_teams = ["*"]', 'id = "C0AIOPS"\nsees_teams = ["fraud"]')

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
        with pytest.raises(RuntimeError):
            looks(engine, lake).write_due()
    assert rows(engine) == []
    with writing(engine) as (session, now):
        assert engage(session, now=now, person="p-0b0b0002", scope="*", reason="a drill").allowed
    assert looks(engine, lake).write_due() == 0
    assert rows(engine) == []


def test_a_name_of_a_channel_is_no_id() -> None:
    assert digest_channels({"SPENDGATE_DIGEST_CHANNELS": " C0AIOPS, ,C0AIOPS,G0X12"}) == ("C0AIOPS", "G0X12")
    assert digest_channels({}) == ()
    with pytest.raises(Problem, match="ai-costs"):
        digest_channels({"SPENDGATE_DIGEST_CHANNELS": "#ai-costs"})


def test_the_last_week_is_a_whole_one() -> None:
    assert last_week(datetime(2026, 11, 23, tzinfo=UTC)) == WEEK
    assert last_week(datetime(2026, 11, 29, 23, 59, tzinfo=UTC)) == WEEK
