"""The board: what is below a floor is told, and what it says is fit to read."""

from typing import Any

import pytest

from evals import board
from evals.run import main

SCORES: dict[str, Any] = {
    "measured": {"date": "2026-11-18", "machine": "x", "command": "python -m evals.run --write"},
    "questions": {
        "model": "offline", "cases": 4, "passed": 3, "ratio": 0.75,
        "groups": {"spend": {"cases": 4, "passed": 3, "ratio": 0.75}},
        "failing": {"odd": {"ask": ["a|b?"], "reasons": ["wrong\nfigure"]}},
    },
    "detection": {
        "banks": {
            "seed 1 to 2026-11-17": {
                "planted": 5, "ours": {"found": 4, "false": 1}, "plain": {"found": 2, "false": 3},
            }
        },
        **{
            rule: {
                "precision": 0.9, "recall": 0.8, "days_to_detect": 2.0, "false_per_series_month": 0.002,
                "recall_by_kind": dict.fromkeys(board.KINDS, 0.5), "planted": 5, "found": 4, "missed": [], "false": [],
            }
            for rule in ("ours", "plain")
        },
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("least", "faults"),
    [
        ({"questions": {"overall": 0.75, "spend": 0.7}, "detection": {"recall": 0.8, "days_to_detect": 2}}, 0),
        ({"questions": {"overall": 0.76}}, 1),
        ({"questions": {"spend": 0.8}}, 1),
        ({"detection": {"precision": 0.95, "recall": 0.85}}, 2),
        ({"detection": {"days_to_detect": 1.0, "false_per_series_month": 0.001}}, 2),
    ],
)
def test_each_score_below_its_floor_is_told(least: dict[str, Any], faults: int) -> None:
    assert len(board.below(SCORES, least)) == faults


def test_nothing_found_is_no_quick_detection() -> None:
    scores = {"detection": {"ours": {**SCORES["detection"]["ours"], "days_to_detect": None}}}
    assert len(board.below(scores, {"detection": {"days_to_detect": 30}})) == 1


def test_a_case_that_passed_before_is_named() -> None:
    before = {"questions": {"model": "offline", "failing": {}}}
    assert board.newly_failing(SCORES, before) == ["odd"]
    assert board.newly_failing(SCORES, SCORES) == []
    assert board.newly_failing(SCORES, {"questions": {"model": "another", "failing": {}}}) == []


def test_the_page_shows_every_failing_case_and_floor() -> None:
    page = board.page(SCORES, {"questions": {"overall": 0.5}, "detection": {"recall": 0.7}})
    assert "- `odd` (a\\|b?): wrong figure." in page
    assert "at least 0.7" in page
    assert "| seed 1 to 2026-11-17 | 5 | 4 | 1 | 2 | 3 |" in page
    assert "| **all** | 4 | 3 | 0.75 | 0.50 |" in page


def test_the_stored_board_holds_its_floors_and_is_what_the_page_says() -> None:
    stored, least = board.load(), board.floors()
    assert board.below(stored, least) == []
    written = board.PAGE.read_text()
    assert written == board.page(stored, least) + board.kept(written)


@pytest.mark.parametrize("arguments", [["--case", "no-such"], ["nonsense"], ["--case", "ai-by-team", "--write"]])
def test_wrong_usage_ends_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.strip()
