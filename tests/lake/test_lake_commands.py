"""What `spendgate ingest` and `spendgate spend` print: the shapes that scripts rely on."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.commands import ingest, spend
from lake.errors import LakeError

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path, write: Any, charge: Any) -> Path:
    rows = [charge("10.10", Tags='{"team": "risk"}'), charge("0.90"), charge("x"), charge("4.00", day="2026-09-03")]
    ingest.run(home=tmp_path / "home", now=NOW, paths=[str(write("bill.csv", rows))], final=True)
    return tmp_path / "home"


def test_ingest_in_json(tmp_path: Path, write: Any, charge: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("bill.csv", [charge("10.10"), charge("x"), charge("0.000000000001", BillingCurrency="EUR")])
    ingest.run(home=tmp_path / "home", now=NOW, paths=[str(path)], as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["snapshots"] == ["aws/2026-10/1"]
    assert (told["rows_in"], told["rows_loaded"], told["rows_quarantined"]) == (3, 2, 1)
    assert told["totals"] == [
        {"currency": "EUR", "billed": "0.000000000001", "effective": "0.000000000001"},
        {"currency": "USD", "billed": "10.10", "effective": "10.10"},
    ]


def test_ingest_for_people(home: Path, write: Any, charge: Any, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    ingest.run(home=home, now=NOW, paths=[str(write("again.csv", [charge("1.00"), charge("y")]))])
    told = capsys.readouterr()
    assert told.out == "USD\t1.00\t1.00\n"
    assert "1 of 2 rows loaded into 1 snapshot." in told.err
    assert "quarantine.parquet" in told.err
    assert "replaces aws/2026-10/1" in told.err


def test_spend_in_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    spend.run(home=home, by="team,service", period="2026-10", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == [
        {"team": "risk", "service": "Machines", "currency": "USD", "value": "10.10"},
        {"team": "(untagged)", "service": "Machines", "currency": "USD", "value": "0.90"},
    ]
    assert told["totals"] == [{"currency": "USD", "value": "11.00"}]
    assert told["query"].startswith("SELECT")
    assert (told["snapshots"], told["complete"]) == (["aws/2026-10/1"], True)
    assert told["completeness"] == [
        {"source": "aws", "data_through": "2026-11-01T00:00:00+00:00", "final": True, "reason": ""}
    ]


def test_spend_compared(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    spend.run(home=home, period="2026-10", compare="2026-09", where=["service=machines"], as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["totals"] == [{"currency": "USD", "value": "11.00", "previous": "4.00"}]
    assert told["rows"][0]["difference"] == "7.00"


@pytest.mark.parametrize("compare", ["2025-09", "2026-08"])
def test_a_period_without_data_is_never_a_zero(home: Path, compare: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    spend.run(home=home, period="2026-10", compare=compare, by="team", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["totals"] == [{"currency": "USD", "value": "11.00", "previous": None}]
    assert {(row["previous"], row["difference"]) for row in told["rows"]} == {(None, None)}
    spend.run(home=home, period="2026-10", compare=compare)
    said = capsys.readouterr()
    assert said.out == "total USD 11.00 (before: no data)\n"
    assert f"{compare} is in scope: no data" in said.err


def test_a_period_that_the_bill_covers_in_part_is_said_to_be(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spend.run(home=home, period="2026-10", compare="2026", by="team", as_json=True)
    capsys.readouterr()
    answered = spend.run(home=home, period="2026-10", compare="2026")
    said = capsys.readouterr()
    assert not answered.comparable
    assert "2026 is not wholly covered, so no difference is taken" in said.err
    assert "the bill of aws begins on 2026-09-01" in said.err


def test_people_read_cents_and_scripts_read_all(
    tmp_path: Path, write: Any, charge: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("bill.csv", [charge("505784.1758536326"), charge("0.000012345", ServiceName="Small")])
    ingest.run(home=tmp_path, now=NOW, paths=[str(path)], final=True)
    told = capsys.readouterr()
    assert told.out == "USD\t505784.18\t505784.18\n"
    assert "billed, then effective" in told.err
    spend.run(home=tmp_path, by="service")
    assert capsys.readouterr().out == "Machines\tUSD\t505784.18\nSmall\tUSD\t0.00001\ntotal USD 505784.18\n"
    spend.run(home=tmp_path, as_json=True)
    assert json.loads(capsys.readouterr().out)["totals"][0]["value"] == "505784.175865977600".rstrip("0")


def test_an_empty_period_names_what_the_bill_holds(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    spend.run(home=home, period="2023-01")
    said = capsys.readouterr()
    assert said.out == ""
    assert "no data, not zero. The bill holds 2026-09-03 to 2026-10-05" in said.err


def test_without_a_period_the_last_complete_month(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    answered = spend.run(home=home, by="team", top=1)
    told = capsys.readouterr()
    assert answered.question.period.label == "2026-10"
    assert told.out == "risk\tUSD\t10.10\ntotal USD 11.00\n"
    assert "the last complete month" in told.err
    assert "Only 1 rows are shown" in told.err or "Only 1 row" in told.err


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"by": "planet"}, "planet"),
        ({"metric": "profit"}, "metric"),
        ({"period": "soon"}, "is no period"),
        ({"where": ["team"]}, "is no filter"),
        ({"where": ["team=nobody"]}, "No team is named 'nobody'"),
        ({"top": 0}, "limit"),
    ],
    ids=lambda given: str(given),
)
def test_what_cannot_be_asked_is_said(home: Path, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(LakeError) as refusal:
        spend.run(home=home, **({"period": "2026-10"} | wrong))
    assert said in str(refusal.value)
    assert refusal.value.exit_code == (4 if "nobody" in str(wrong) else 2)
    assert refusal.value.do


def test_scope_reaches_the_command(home: Path) -> None:
    assert spend.run(home=home, period="2026-10", teams_seen=("risk",)).totals == [("USD", Decimal("10.10"))]
