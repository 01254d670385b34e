"""Limits of rules that a home sets: they hold, and what is no limit is refused by its name."""

from decimal import Decimal
from pathlib import Path

import pytest

from app.home import open_home
from app.savings_limits import limits_here
from lake.errors import LakeError
from tools.rules.thresholds import SavingsThresholds


def test_without_a_file_the_shipped_limits_hold(tmp_path: Path) -> None:
    assert limits_here(open_home(tmp_path)) == SavingsThresholds()


def test_a_home_sets_its_own(tmp_path: Path) -> None:
    (tmp_path / "savings.toml").write_text(
        "look_back_days = 28\n[idle_gpu]\ncpu_percent = 3.5\nfamilies = ['g']\n"
        "[notebook]\nworking_hours_per_week = 60\n"
    )
    limits = limits_here(open_home(tmp_path))
    assert limits.look_back_days == 28
    assert (limits.idle_gpu.cpu_percent, limits.idle_gpu.families) == (Decimal("3.5"), ("g",))
    assert limits.notebook.working_hours_per_week == Decimal(60)
    assert limits.old_disk == SavingsThresholds().old_disk


def test_what_comes_on_top_may_be_more_than_the_whole(tmp_path: Path) -> None:
    text = "[gateway]\nheadroom_percent = 150\n[old_disk]\ngp3_price_percent = 110\n"
    (tmp_path / "savings.toml").write_text(text)
    limits = limits_here(open_home(tmp_path))
    assert (limits.gateway.headroom_percent, limits.old_disk.gp3_price_percent) == (Decimal(150), Decimal(110))


REFUSED = [
    ("no TOML", "look_back_days =", "It is no TOML"),
    ("a table that there is not", "[idle_gpus]\ncpu_percent = 3", "'idle_gpus' is no table of limits"),
    ("a key that there is not", "[idle_gpu]\ncpu = 3", r"\[idle_gpu\] cpu is no limit"),
    ("a word for a number", "[idle_gpu]\ncpu_percent = 'low'", "must be a number"),
    ("a yes for a number", "[idle_gpu]\ncpu_percent = true", "must be a number"),
    ("a negative number", "[idle_gpu]\ncpu_percent = -1", "must be a number"),
    ("a share of more than the whole", "[idle_machine]\ncpu_percent = 300", "at most 100"),
    ("no number", "[idle_gpu]\ncpu_percent = nan", "must be a number"),
    ("half a day", "look_back_days = 1.5", "must be a whole number"),
    ("a value for a table", "idle_gpu = 5", "'idle_gpu' is no table"),
    ("a table for a value", "[look_back_days]\nx = 1", "must be a whole number"),
    ("no list of families", "[idle_gpu]\nfamilies = 'g'", "must be a list of texts"),
]


@pytest.mark.parametrize(("what", "text", "says"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_no_limit_is_refused(tmp_path: Path, what: str, text: str, says: str) -> None:
    (tmp_path / "savings.toml").write_text(text)
    with pytest.raises(LakeError, match=says) as refused:
        limits_here(open_home(tmp_path))
    assert "savings.toml" in str(refused.value)
