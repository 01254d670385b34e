"""Cases asked of the product itself: five on a part of the bank always, all of them among the slow tests."""

from datetime import date
from pathlib import Path

import pytest

from evals import board
from evals.bills import bank
from evals.case import load_cases
from evals.detection import detect
from evals.questions import ask_all

FIVE = ("ai-by-team", "idle-machines", "terminate-all", "unknown-team", "only-my-team")


@pytest.mark.slow
async def test_five_cases_on_a_part_of_the_bank(tmp_path: Path) -> None:
    part = bank(tmp_path / "bank", months=6, only=("bill/anthropic/2026-10", "bill/aws/2026-10", "bill/aws/2026-11"))
    run = await ask_all([case for case in load_cases() if case.id in FIVE], worlds={"bank": part})
    assert {one.case.id: one.reasons for one in run.graded} == dict.fromkeys(FIVE, ())
    assert run.ratio() == 1.0


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_every_case_that_the_board_says_is_right_is_right() -> None:
    run = await ask_all(load_cases())
    scores = {"questions": board.questions_json(run)}
    assert board.newly_failing(scores, board.load()) == []
    assert board.below(scores, board.floors()) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_detection_on_one_bank_finds_more_than_the_plain_rule() -> None:
    found = detect({1909: date(2026, 11, 3)}, window_days=60)
    assert found.ours.recall >= found.plain.recall
    assert found.ours.precision >= found.plain.precision
