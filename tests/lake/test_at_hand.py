"""Rollups kept in memory answer to the same digits as their files, only while these snapshots count."""

import multiprocessing
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lake import at_hand, duck, expressions
from lake.engine import Lake
from lake.period import Period
from lake.question import DIMENSIONS, Question
from lake.rollup import Rolled
from tests.lake.conftest import Load, Write
from tests.lake.test_remembered import charge
from tests.lake.test_rollup import loaded, questions

__all__ = ["loaded"]
OCTOBER = Period.parse("2026-10")


@pytest.fixture
def two(lake: Lake, load: Load, write: Write) -> Lake:
    load(write("bill.csv", [charge("3.10", "fraud"), charge("5.20", "claims")]))
    return lake


def tables() -> set[str]:
    with duck.cursor() as connection:
        return {str(name) for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}


def without_its_rollups(lake: Lake) -> None:
    for rolled in Rolled:
        for snapshot in lake.current():
            file = rolled.file_of(snapshot)
            assert file is not None
            (lake.folder / file.path).unlink()


def test_every_question_has_the_same_answer_without_a_file(loaded: Path, tmp_path: Path) -> None:
    kept = Lake(shutil.copytree(loaded, tmp_path / "kept"))
    kept.keep_at_hand()
    without_its_rollups(kept)
    plain = Lake(loaded)
    some = [question for question in questions() if question.by not in (("day", "month"), ("month", "day"))][-8:]
    for question in some:
        assert kept.ask(question) == plain.ask(question), question
    for name in ("team", "service", "region"):
        assert name in DIMENSIONS
        assert kept.values(name) == plain.values(name)
    until = date(2026, 10, 20)
    assert kept.daily(by=("team",), until=until) == plain.daily(by=("team",), until=until)


def test_a_load_counts_at_once(two: Lake, load: Load, write: Write) -> None:
    two.keep_at_hand()
    assert two.ask(Question(period=OCTOBER)).totals == [("USD", Decimal("8.30"))]
    load(write("again.csv", [charge("4.00", "fraud"), charge("5.20", "claims")]))
    assert two.ask(Question(period=OCTOBER)).totals == [("USD", Decimal("9.20"))]
    two.keep_at_hand()
    without_its_rollups(two)
    assert two.ask(Question(period=OCTOBER, by=("team",))).totals == [("USD", Decimal("9.20"))]


def test_a_large_rollup_is_left_in_its_files(two: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_hand, "MOST_ROWS", 1)
    before = tables()
    two.keep_at_hand()
    assert tables() == before
    assert two.ask(Question(period=OCTOBER)).totals == [("USD", Decimal("8.30"))]


def test_what_is_read_stays_until_it_was_read_and_goes_then(two: Lake) -> None:
    before, question = tables(), Question(period=OCTOBER, by=("team",))
    two.keep_at_hand()
    first = tables() - before
    assert len(first) == 2
    with two.reader(two.current(), rolled=Rolled.MONTHS) as reader:
        assert len(reader.fetch(expressions.rows, question, 10)[0]) == 2
        two.keep_at_hand()
        assert len(reader.fetch(expressions.rows, question, 10)[0]) == 2
        assert len(first & tables()) == 1, "the months are still being read"
    del reader
    assert not first & tables()
    assert len(tables() - before) == 2


def _tell(lake: Lake, told: Any) -> None:
    told.put(lake.ask(Question(period=OCTOBER)).totals)


def test_a_forked_process_reads_the_files(two: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # multiprocessing ends its children without their ends
    two.keep_at_hand()
    context = multiprocessing.get_context("fork")
    told = context.Queue()
    child = context.Process(target=_tell, args=(two, told))
    child.start()
    assert told.get(timeout=60) == [("USD", Decimal("8.30"))]
    child.join(timeout=60)
    assert child.exitcode == 0
