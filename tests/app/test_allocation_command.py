"""`spendgate allocation` and what the rules file does to a load, as an operator sees it."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.allocation import rules_here
from app.cli import app
from app.home import Home
from lake.errors import LakeError
from tests.tools.small_bill import charge, days_of, written

FIRST = date(2026, 10, 1)
RULES = """
target_percent = 3

[[inherited]]
id = "account-fraud"
when = { account = "471852036911" }
set = { team = "fraud" }
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPENDGATE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SPENDGATE_ALLOCATION", raising=False)
    return tmp_path / "home"


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def test_the_rules_of_the_home_count_and_a_bill_of_other_rules_is_named(home: Path, tmp_path: Path) -> None:
    rows = [charge(day, "10", SubAccountId=account) for day in days_of(FIRST, 2) for account in ("471852036911", "2")]
    bill = str(written(tmp_path / "bill.csv", rows))
    assert run("ingest", bill, "--final").exit_code == 0
    told = run("lake", "status")
    assert "2026-10, USD: 100.00 % of the effective cost has no team (40.00), above the target of 5 %." in told.output
    assert "Loaded by other" not in told.output
    (home / "allocation.toml").write_text(RULES)
    assert "Loaded by other allocation rules than those of now: aws/2026-10/1." in run("lake", "status").output
    assert run("ingest", bill, "--final").exit_code == 0
    status = json.loads(run("lake", "status", "--json").stdout)
    assert status["loaded_by_other_rules"] == []
    assert status["uncategorised"][0] == {
        "period": "2026-10", "dimension": "team", "currency": "USD", "missing": "20.00", "total": "40.00",
        "share_percent": "50.00", "within_target": False,
    }  # fmt: skip
    shown = json.loads(run("allocation", "show", "--json").stdout)
    assert (shown["target_percent"], shown["rows"][0]["without"]) == (3, "20.000000000000")
    assert "untagged: 20.00 USD of it (50.00 %) has no team" in run("spend", "--by", "service").output
    by_rule = json.loads(run("spend", "--by", "team,allocation_method,allocation_rule", "--json").stdout)
    assert {(row["team"], row["allocation_method"], row["allocation_rule"]) for row in by_rule["rows"]} == {
        ("fraud", "inherited", "account-fraud"),
        ("(untagged)", "unallocated", "(none)"),
    }


def test_a_file_is_checked_before_it_counts(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(RULES)
    bad.write_text(RULES.replace("account =", "acount ="))
    told = run("allocation", "check", str(good))
    assert told.exit_code == 0
    assert "can be used: 1 inherited." in told.output
    listed = json.loads(run("allocation", "check", str(good), "--json").stdout)
    assert listed["rules"] == [{"table": "inherited", "id": "account-fraud", "line": 4, "set": {"team": "fraud"}}]
    refused = run("allocation", "check", str(bad))
    assert isinstance(refused.exception, LakeError) or refused.exit_code != 0


def test_a_named_file_that_is_not_there_is_refused_and_loads_nothing(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPENDGATE_ALLOCATION", str(tmp_path / "none.toml"))
    with pytest.raises(LakeError, match=r"none\.toml cannot be read"):
        rules_here(Home(home))
    refused = run("ingest", str(written(tmp_path / "bill.csv", [charge(FIRST, "1")])))
    assert refused.exit_code != 0
    assert not (home / "lake" / "manifests").exists()
