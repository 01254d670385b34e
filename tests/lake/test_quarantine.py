"""The rows that count in no total: where each stands, why, and what it says; to those alone who may see every team."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.commands import ingest, quarantine
from app.errors import Exit, Problem
from lake.engine import Lake
from lake.errors import LakeError

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path, write: Any, charge: Any) -> Lake:
    rows = [charge("10.10"), charge("x", ServiceName="Amazon EC2"), charge("0.90"), charge("8.00", BillingCurrency="$")]
    ingest.run(home=tmp_path / "home", now=NOW, paths=[str(write("bill.csv", rows))], final=True)
    return Lake(tmp_path / "home" / "lake")


def listed(lake: Lake, capsys: pytest.CaptureFixture[str], **given: Any) -> dict[str, Any]:
    capsys.readouterr()
    quarantine.run(**{"lake": lake, "source": None, "top": 100, "teams_seen": ("*",), "as_json": True, **given})
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_each_row_is_told_with_its_place_its_reason_and_its_text(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    told = listed(lake, capsys)
    assert told["held_back"] == 2
    assert [(one["file"], one["row"], one["period"]) for one in told["rows"]] == [
        ("bill.csv", 2, "2026-10"),
        ("bill.csv", 4, "2026-10"),
    ]
    amount, currency = told["rows"]
    assert "BilledCost" in amount["reason"]
    assert (amount["values"]["BilledCost"], amount["values"]["ServiceName"]) == ("x", "Amazon EC2")
    assert currency["values"]["BillingCurrency"] == "$"


def test_for_people_the_first_are_shown_and_the_others_counted(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    quarantine.run(lake=lake, source=None, top=1, teams_seen=("*",), as_json=False)
    told = capsys.readouterr()
    assert told.out.splitlines()[0].split("\t")[:4] == ["aws", "2026-10", "bill.csv", "2"]
    assert len(told.out.splitlines()) == 1
    assert "2 held back, in no total; 1 more with --top" in told.err


def test_a_lake_without_any_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quarantine.run(lake=Lake(tmp_path / "none"), source=None, top=9, teams_seen=("*",), as_json=False)
    told = capsys.readouterr()
    assert (told.out, "No row is held back" in told.err) == ("", True)


def test_who_sees_some_teams_only_is_shown_none(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Problem, match="not shown to you") as refused:
        listed(lake, capsys, teams_seen=("risk",))
    assert refused.value.exit_code == Exit.DENIED


def test_a_source_that_there_is_not_is_not_found(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Problem, match="no source 'gcp'") as refused:
        listed(lake, capsys, source="gcp")
    assert refused.value.exit_code == Exit.NOT_FOUND


@pytest.mark.parametrize("damage", ["gone", "cut", "another file"])
def test_a_damaged_file_is_named(lake: Lake, damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = lake.folder.rglob("quarantine.parquet")
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:200])
    else:
        path.write_bytes(next(lake.folder.rglob("charges.parquet")).read_bytes())
    with pytest.raises(LakeError, match="cannot be read"):
        listed(lake, capsys)
