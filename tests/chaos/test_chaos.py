"""A short campaign of kills on every database there is, and campaigns with a planted fault, which must be found."""

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.__main__ import total
from tests.chaos.campaign import AIMS, Campaign, Plan
from tests.chaos.ending import die_with_parent
from tests.chaos.store import DATABASES

ROOT = Path(__file__).parents[2]
AFTER_THE_EFFECT = ("answered, not recorded",)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("database", DATABASES)
def test_kills_at_random_points_leave_every_effect_once_and_nothing_open(database: str, tmp_path: Path) -> None:
    found = Campaign(Plan(kills=40, seed=11, database=database), tmp_path).run()
    assert found["evidence"] == []
    assert found["violations"] == 0
    assert found["kills"] >= 40  # whoever is stopped when it ends is killed too
    assert found["changes"] >= found["proposals"]["verified"] > 0
    hit = set(found["warm kills by phase"])
    assert len(hit & set(AIMS)) >= 4, hit


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("sends again", "requests, "),
        ("forgets the intent", "requests, "),
        ("takes lost for failed", "its proposals account for"),
    ],
)
def test_a_planted_fault_is_found(fault: str, told: str, tmp_path: Path) -> None:
    found = Campaign(Plan(kills=8, seed=12, planted=fault, aims=AFTER_THE_EFFECT, only_aimed=True), tmp_path).run()
    assert found["violations"] > 0
    assert any(told in line for line in found["evidence"]), found["evidence"]


def test_a_campaign_that_is_interrupted_leaves_no_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.chaos", "--kills", "1000", "--cold", "0", "--folder", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    campaign = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=partial(die_with_parent, os.getpid()),
    )
    try:
        deadline = time.monotonic() + 60
        while len(_named(tmp_path)) < 6:  # the cloud, the nursery and their four
            assert time.monotonic() < deadline, "the campaign did not begin"
            assert campaign.poll() is None
            time.sleep(0.1)
        campaign.terminate()
        _, told = campaign.communicate(timeout=30)
    finally:
        campaign.kill()
        campaign.wait()
    assert campaign.returncode == 130, told
    assert _named(tmp_path) == []


def _named(folder: Path) -> list[str]:
    """The processes whose arguments name this campaign's folder, its own first one left out."""
    listed = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(folder) in line and "-m tests.chaos " not in line]


def test_campaigns_add_up() -> None:
    one: dict[str, Any] = {"database": "sqlite", "seed": 1, "kills": 3, "proposals": {"verified": 2}, "evidence": []}
    other = {**one, "seed": 2, "kills": 4, "proposals": {"verified": 1, "failed": 1}, "evidence": ["x"]}
    assert total([one, other]) == {
        "database": "sqlite",
        "seed": "all",
        "kills": 7,
        "proposals": {"verified": 3, "failed": 1},
        "evidence": ["x"],
    }
