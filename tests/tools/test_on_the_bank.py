"""The generated bank, whose truth is stored beside it: what must be found, and how little else may be told.

The floors lie below what was measured on 21 banks of other seeds: of 105 planted events 90 found (every spike and new
service, 20 of 21 level shifts, 28 of 42 slow rises); of 157 told, 91 planted, 38 machines that really began, 28 false,
27 of them in the three banks whose first holiday season was judged.
"""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lake.engine import Lake
from lake.load import ingest
from sandbox.bank.write import write_bank
from tests.tools.bank_score import Score, score
from tests.tools.small_bill import Asked, desk_of
from tools.desk import Desk
from tools.propose import propose_change
from tools.result import Row, ToolResult
from tools.savings import find_savings

pytestmark = pytest.mark.slow

UNTIL = date(2026, 10, 31)
NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)
SEEDS = {7: date(2026, 11, 22), 31: date(2026, 7, 15), 32: date(2026, 5, 20)}
MORE_SEEDS = {number: date(2026, 3, 31) + timedelta(days=31 * (number % 7)) for number in range(301, 309)}


def pooled(scores: list[Score]) -> tuple[float, float]:
    """Recall of what was planted, and the share of what was told that is real."""
    planted = sum(len(one.planted) for one in scores)
    told = sum(one.told for one in scores)
    return sum(len(one.hit) for one in scores) / planted, 1 - sum(len(one.false) for one in scores) / told


def assert_found(one: Score) -> None:
    """What nobody may miss: the spike, the level shift, the new service, and one of the two slow rises."""
    found = sorted(one.planted[event] for event in one.hit)
    assert {"spike", "level_shift", "new_service", "slow_leak"} <= set(found), (found, one.false)


def test_what_was_planted_is_found_and_few_others_are(tmp_path: Path) -> None:
    scores = [score(tmp_path / str(seed), seed=seed, until=until) for seed, until in SEEDS.items()]
    for one in scores:
        assert_found(one)
        assert one.told <= 12
    recall, real = pooled(scores)
    assert recall >= 0.8
    assert real >= 0.75


@pytest.mark.slow
def test_the_same_on_more_banks(tmp_path: Path) -> None:
    scores = [score(tmp_path / str(seed), seed=seed, until=until) for seed, until in MORE_SEEDS.items()]
    for one in scores:
        assert {"spike", "new_service"} <= {one.planted[event] for event in one.hit}
    recall, real = pooled(scores)
    assert recall >= 0.75
    assert real >= 0.7


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bank")
    write_bank(folder, until=UNTIL, months=6)
    return folder


@pytest.fixture(scope="module")
def truth(bank: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((bank / "truth.json").read_text())
    return loaded


@pytest.fixture(scope="module")
def desk(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    lake = Lake(tmp_path_factory.mktemp("home"))
    # Two months of one provider hold every machine; the whole bill would take ten times as long to load.
    bills: list[str | Path] = [bank / "bill" / "aws" / f"2026-{month}.parquet" for month in ("09", "10")]
    ingest(lake, [*bills, bank / "usage"], now=NOW)
    return desk_of(lake, now=NOW, propose=Asked())


def of(result: ToolResult, verdict: str) -> dict[str, Row]:
    return {row.names["resource"]: row for row in result.rows if row.texts["verdict"] == verdict}


def test_idle_is_what_is_idle_and_unknown_what_nobody_measured(desk: Desk, truth: dict[str, Any]) -> None:
    result = find_savings(desk, top=100)
    assert set(of(result, "idle")) == {one["instance_id"] for one in truth["idle"]}
    assert set(of(result, "unknown")) == {one["instance_id"] for one in truth["unknown"]}
    assert not set(of(result, "idle")) & {one["instance_id"] for one in truth["decoys"]}
    order = [row.names["name"] for row in result.rows if row.texts["verdict"] == "idle"]
    assert order == [one["name"] for one in truth["idle"]]  # largest saving first


def test_savings_are_the_truths_to_the_cent(desk: Desk, truth: dict[str, Any]) -> None:
    result = find_savings(desk, top=100)
    for one in truth["idle"]:
        found = result.figure(of(result, "idle")[one["instance_id"]].figures["per_month"])
        assert found is not None
        assert abs(found.value - Decimal(one["monthly_effective_cost"])) < Decimal("0.01")


def test_only_idle_machines_can_be_asked_to_stop(desk: Desk, truth: dict[str, Any]) -> None:
    for one in (*truth["decoys"], *truth["unknown"]):
        assert propose_change(desk, target=one["instance_id"]).error is not None, one["name"]
    for one in truth["idle"]:
        assert propose_change(desk, target=one["name"]).error is None, one["name"]
    stopped = propose_change(desk, target="treasury-lab-p3-01")
    assert stopped.error is not None
