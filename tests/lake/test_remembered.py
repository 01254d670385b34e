"""What was answered once is kept: the same answer, no more than fits, never another scope's or another bill's."""

import gc
import tracemalloc
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from lake.engine import Lake
from lake.period import Period
from lake.question import Metric, Question
from lake.remembered import MOST_CELLS, Answers
from lake.store import Snapshot
from tests.lake.conftest import Load, Write, row
from tests.lake.queries import noted_queries

OCTOBER = Period.parse("2026-10")


def charge(cost: str, team: str) -> dict[str, str]:
    return row(cost, Tags=f'{{"team": "{team}"}}')


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return noted_queries(monkeypatch)


@pytest.fixture
def two(lake: Lake, load: Load, write: Write) -> Lake:
    load(write("bill.csv", [charge("3.10", "fraud"), charge("5.20", "claims")]))
    return lake


def test_the_same_question_is_asked_of_the_files_once(two: Lake, asked: list[str]) -> None:
    first = two.ask(Question(period=OCTOBER, by=("team",)))
    count = len(asked)
    assert count > 0
    assert two.ask(Question(period=OCTOBER, by=("team",))) == first
    assert len(asked) == count
    assert Lake(two.folder).ask(Question(period=OCTOBER, by=("team",))) == first
    assert len(asked) == 2 * count, "another lake knows nothing of it"


@pytest.mark.parametrize(
    "other",
    [
        {"teams_seen": ("fraud",)},
        {"where": {"team": ("fraud",)}},
        {"period": Period.parse("2026-09")},
        {"by": ()},
        {"metric": Metric.LIST},
        {"ai": True},
        {"currency": "USD"},
        {"limit": 1},
        {"compare": Period.parse("2026-09")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_question_gets_its_own_answer(two: Lake, other: dict[str, Any]) -> None:
    question = Question(period=OCTOBER, by=("team",))
    changed = question.model_copy(update=other)
    before = two.ask(question)
    assert two.ask(changed) == Lake(two.folder).ask(changed)
    assert two.ask(question) == before


def test_a_scope_never_gets_the_answer_of_another(two: Lake) -> None:
    everything = two.ask(Question(period=OCTOBER))
    assert everything.totals == [("USD", Decimal("8.30"))]
    fraud = two.ask(Question(period=OCTOBER, teams_seen=("fraud",)))
    assert fraud.totals == [("USD", Decimal("3.10"))]
    assert two.ask(Question(period=OCTOBER, teams_seen=("claims",))).totals == [("USD", Decimal("5.20"))]


def test_a_load_ends_what_was_remembered(two: Lake, load: Load, write: Write) -> None:
    assert two.ask(Question(period=OCTOBER)).totals == [("USD", Decimal("8.30"))]
    load(write("again.csv", [charge("4.00", "fraud"), charge("5.20", "claims")]))
    again = two.ask(Question(period=OCTOBER))
    assert again.totals == [("USD", Decimal("9.20"))]
    assert again.snapshots != []


def test_whoever_changes_an_answer_changes_nobody_elses(two: Lake) -> None:
    question = Question(period=OCTOBER, by=("team",), limit=1)
    first = two.ask(question)
    first.rows[0]["value"] = Decimal(0)
    first.rows.clear()
    first.others.clear()
    assert two.ask(question) == Lake(two.folder).ask(question)


def snapshots(lake: Lake) -> tuple[Snapshot, ...]:
    return lake.snapshots()


def test_no_more_is_kept_than_fits_and_the_oldest_goes_first(two: Lake) -> None:
    answers, made = Answers(most=10, each=1), []

    def of(name: str, weight: int) -> str:
        def make() -> str:
            made.append(name)
            return name

        return answers.of(snapshots(two), name, make, lambda _: weight - 1)

    assert [of("a", 4), of("b", 4), of("a", 4)] == ["a", "b", "a"]
    of("c", 4)  # b was asked longest ago
    assert answers.weight == 8
    assert [of("a", 4), of("c", 4)] == ["a", "c"]
    assert made == ["a", "b", "c"]
    of("b", 4)
    assert made == ["a", "b", "c", "b"]
    of("huge", 11)
    of("huge", 11)
    assert made[-2:] == ["huge", "huge"], "what does not fit is not kept, and takes nothing's place"
    assert answers.weight == 8


@pytest.mark.slow
def test_small_answers_weigh_what_they_take(two: Lake) -> None:
    """A thousand totals are as many queries and keys, and hardly an amount."""
    days = [date(2026, 9, 1) + timedelta(days=offset) for offset in range(60)]
    two.ask(Question(period=Period(days[0], days[-1]), where={"team": ("fraud",)}))
    gc.collect()
    before = two._answers.weight
    tracemalloc.start()
    try:
        for start in days:
            two.ask(Question(period=Period(start, start + timedelta(days=40)), where={"team": ("fraud",)}))
        gc.collect()
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    grown = two._answers.weight - before
    assert used / grown * MOST_CELLS < 120e6


def test_what_failed_is_not_kept(two: Lake) -> None:
    answers = Answers()

    def fail() -> str:
        raise OSError("the disk")

    with pytest.raises(OSError, match="the disk"):
        answers.of(snapshots(two), "a", fail, len)
    assert answers.of(snapshots(two), "a", lambda: "well", len) == "well"


def test_what_was_made_of_an_earlier_bill_is_not_kept_for_the_new_one(two: Lake) -> None:
    """A load comes while an answer is made."""
    answers = Answers()
    older = snapshots(two)
    newer = tuple(snapshot.model_copy(update={"revision": 2}) for snapshot in older)

    def slow() -> str:
        assert answers.of(newer, "a", lambda: "new", len) == "new"
        return "old"

    assert answers.of(older, "a", slow, len) == "old"
    assert answers.of(newer, "a", lambda: "made anew", len) == "new"


def test_what_is_made_of_other_answers_is_kept_where_a_server_tells_the_same_bill_anew(two: Lake) -> None:
    answers, made = Answers(), []

    def told() -> tuple[Snapshot, ...]:
        return tuple(snapshot.model_copy() for snapshot in snapshots(two))

    def whole() -> str:
        made.append("whole")
        return answers.of(told(), "part", lambda: "part", len) + "s"

    for _ in range(2):
        assert answers.of(told(), "whole", whole, len) == "parts"
    assert made == ["whole"]


def test_the_days_from_one_on_are_the_days_of_the_whole_series(two: Lake, load: Load, write: Write) -> None:
    days = [row("1.25", day=f"2026-10-{day:02}") for day in (1, 2, 5, 9, 12)]
    load(write("days.csv", days))
    (whole,) = two.daily(by=(), settled=False)
    for since in (date(2026, 10, 2), date(2026, 10, 3), date(2026, 10, 9)):
        (some,) = two.daily(by=(), since=since, settled=False)
        skipped = (some.first - whole.first).days
        assert some.first >= since
        assert some.values == whole.values[skipped:]
        assert sum(some.values) == sum(whole.values[(since - whole.first).days :])
    assert two.daily(by=(), since=date(2027, 1, 1), settled=False) == []
