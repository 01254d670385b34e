"""`spendgate explain` as an operator sees it: a table that adds up, a document for scripts, refusals in sentences."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import app
from tests.tools.small_bill import charge, written


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPENDGATE_HOME", str(tmp_path / "home"))
    rows = [
        charge(date(2026, 9, 15), "20.000000000001", team="kyc", ConsumedUnit="Tokens", ConsumedQuantity="10"),
        charge(date(2026, 10, 15), "50", team="kyc", ConsumedUnit="Tokens", ConsumedQuantity="20"),
        charge(date(2026, 10, 16), "3", team="new", service="Amazon S3"),
    ]
    assert run("ingest", str(written(tmp_path / "bill.csv", rows)), "--final").exit_code == 0
    return tmp_path / "home"


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def test_contributions_and_reasons_add_up_to_the_change(home: Path) -> None:
    told = json.loads(run("explain", "--period", "2026-10", "--by", "team", "--json").stdout)
    (total,) = told["totals"]
    assert Decimal(total["change"]) == Decimal("32.999999999999")
    for within in (None, "price, volume and mix"):
        rows = [row for row in told["rows"] if row.get("within") == within]
        assert len(rows) >= 2
        assert sum(Decimal(row["change"]) for row in rows) == Decimal(total["change"])
    assert told["query"].count("SELECT") >= 3
    assert told["snapshots"]
    assert told["completeness"]


def test_for_people_it_is_a_table_with_its_total_last(home: Path) -> None:
    done = run("explain", "--period", "2026-10", "--compare", "previous", "--by", "team")
    lines = done.stdout.splitlines()
    assert lines[0] == "kyc\t$50.00\t$20.00\t+$30.00\t90.9 %"
    assert "within price, volume and mix: new usage\t\t\t+$3.00\t9.1 %" in lines
    assert "total USD\t$53.00\t$20.00\t+$33.00\t+165.0 %" in lines
    assert "Change of effective cost by team, October 2026 against September 2026." in done.output


def test_what_cannot_be_compared_is_said(home: Path) -> None:
    refused = run("explain", "--period", "2026-09")
    assert refused.exit_code != 0
    assert "no data, which is not a zero" in str(refused.exception)
