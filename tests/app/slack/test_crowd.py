"""A small crowd on PostgreSQL: the short run of `python -m tests.app.slack.crowd`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_of_a_crowd_one_vote_counts_and_everybody_else_is_told_why_not() -> None:
    command = [sys.executable, "-m", "tests.app.slack.crowd", "--people", "40"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["statuses"] == {"200": 40}
    assert (found["votes"], found["quorums"], found["told_why_not"], found["log_verifies"]) == (1, 1, 39, True)
