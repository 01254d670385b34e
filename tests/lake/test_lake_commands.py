"""What `spendgate ingest` and `spendgate spend` print: the shapes that scripts rely on."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.commands import export, ingest, spend
from app.commands import lake as lake_command
from app.errors import Problem
from lake.allocation_rules import TAGS_ALONE
from lake.engine import Lake
from lake.errors import LakeError
from tools.fiscal import FiscalCalendar

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path, write: Any, charge: Any) -> Path:
    rows = [charge("10.10", Tags='{"team": "risk"}'), charge("0.90"), charge("x"), charge("4.00", day="2026-09-03")]
    ingest.run(home=tmp_path / "home", now=NOW, paths=[str(write("bill.csv", rows))], final=True)
    return tmp_path / "home"


def test_ingest_in_json(tmp_path: Path, write: Any, charge: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [charge("10.10"), charge("7.07", BillingPeriodEnd=""), charge("0.000000000001", BillingCurrency="EUR")]
    path = write("bill.csv", rows)
    ingest.run(home=tmp_path / "home", now=NOW, paths=[str(path)], as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["snapshots"] == ["aws/2026-10/1"]
    assert (told["rows_in"], told["rows_loaded"], told["rows_quarantined"]) == (3, 2, 1)
    assert told["totals"] == [
        {"currency": "EUR", "billed": "0.000000000001", "effective": "0.000000000001"},
        {"currency": "USD", "billed": "10.10", "effective": "10.10"},
    ]
    assert told["held_back"] == [{"currency": "USD", "rows": 1, "billed": "7.07", "effective": "7.07"}]


def test_ingest_for_people(home: Path, write: Any, charge: Any, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    ingest.run(
        home=home, now=NOW, paths=[str(write("again.csv", [charge("1.00"), charge("8.00", BillingCurrency="$")]))]
    )
    told = capsys.readouterr()
    assert told.out == "USD\t1.00\t1.00\n"
    assert "1 of 2 rows loaded into 1 snapshot." in told.err
    assert "1 row (billed 8.00 of no readable currency). See them: spendgate lake quarantine" in told.err
    assert "replaces aws/2026-10/1" in told.err


def test_spend_in_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    spend.run(home=home, today=NOW.date(), by="team,service", period="2026-10", as_json=True)
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
    spend.run(
        home=home, today=NOW.date(), period="2026-10", compare="2026-09", where=["service=machines"], as_json=True
    )
    told = json.loads(capsys.readouterr().out)
    assert told["totals"] == [{"currency": "USD", "value": "11.00", "previous": "4.00"}]
    assert told["rows"][0]["difference"] == "7.00"


def test_the_largest_and_the_others_as_one_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    spend.run(home=home, today=NOW.date(), by="team", period="2026-10", top=1)
    told = capsys.readouterr()
    assert told.out == "risk\tUSD\t10.10\n(all others)\tUSD\t0.90\ntotal USD 11.00\n"
    spend.run(home=home, today=NOW.date(), by="team", period="2026-10", top=1, as_json=True)
    assert json.loads(capsys.readouterr().out)["others"] == [
        {"team": "(all others)", "currency": "USD", "value": "0.90"}
    ]


def test_spend_as_csv_has_a_heading_and_exact_amounts(
    tmp_path: Path, write: Any, charge: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [charge("-0.000000000001", Tags='{"team": "=cmd()"}'), charge("2", Tags='{"team": "a,b"}')]
    ingest.run(home=tmp_path / "home", now=NOW, paths=[str(write("bill.csv", rows))], final=True)
    capsys.readouterr()
    spend.run(home=tmp_path / "home", today=NOW.date(), by="team", granularity="month", as_csv=True)
    assert capsys.readouterr().out.splitlines() == [
        "month,team,currency,value", '2026-10,"a,b",USD,2.00', "2026-10,'=cmd(),USD,-0.000000000001",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "total"), [("last month", "11.00"), ("Q3", "4.00"), ("FY2027 Q1", "15.00"), ("FY26", "4.00")]
)
def test_spend_reads_periods_as_people_say_them(
    home: Path, words: str, total: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    spend.run(
        home=home, today=NOW.date(), period=words, fiscal=FiscalCalendar(9 if "Q1" in words else 10), as_json=True
    )
    assert json.loads(capsys.readouterr().out)["totals"] == [{"currency": "USD", "value": total}]


def test_spend_in_tokens_for_people(
    tmp_path: Path, write: Any, charge: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    used = {"ConsumedUnit": "Tokens", "ConsumedQuantity": "2000000", "x_model": "small"}
    ingest.run(home=tmp_path / "home", now=NOW, paths=[str(write("bill.csv", [charge("5.00", **used)]))], final=True)
    capsys.readouterr()
    spend.run(home=tmp_path / "home", today=NOW.date(), by="model", metric="tokens")
    spend.run(home=tmp_path / "home", today=NOW.date(), metric="cost-per-million-tokens")
    assert capsys.readouterr().out == (
        "small\ttokens\t2000000\ntotal tokens 2000000\ntotal USD per million tokens 2.50\n"
    )


def test_spend_says_what_has_no_list_cost(
    tmp_path: Path, write: Any, charge: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [charge("10.00", ListCost=""), charge("2.00", ListCost="3"), charge("5", BillingCurrency="EUR", ListCost="")]
    ingest.run(home=tmp_path / "home", now=NOW, paths=[str(write("bill.csv", rows))], final=True)
    capsys.readouterr()
    spend.run(home=tmp_path / "home", today=NOW.date(), period="2026-10", metric="list")
    told = capsys.readouterr()
    assert told.out == "total EUR no data\ntotal USD 3.00\n"
    assert "not known: 1 charge without a list cost in 2026-10, billed 10.00 USD: in no sum above." in told.err
    spend.run(home=tmp_path / "home", today=NOW.date(), period="2026-10", metric="list", as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["totals"] == [{"currency": "EUR", "value": None}, {"currency": "USD", "value": "3.00"}]
    assert document["unknown"][1] == {"currency": "USD", "charges": 1, "billed": "10.00"}


@pytest.mark.parametrize("compare", ["2025-09", "2026-08"])
def test_a_period_without_data_is_never_a_zero(home: Path, compare: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    spend.run(home=home, today=NOW.date(), period="2026-10", compare=compare, by="team", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["totals"] == [{"currency": "USD", "value": "11.00", "previous": None}]
    assert {(row["previous"], row["difference"]) for row in told["rows"]} == {(None, None)}
    spend.run(home=home, today=NOW.date(), period="2026-10", compare=compare)
    said = capsys.readouterr()
    assert said.out == "total USD 11.00 (before: no data)\n"
    assert f"{compare} is in scope: no data" in said.err


def test_a_period_that_the_bill_covers_in_part_is_said_to_be(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spend.run(home=home, today=NOW.date(), period="2026-10", compare="2026", by="team", as_json=True)
    capsys.readouterr()
    answered = spend.run(home=home, today=NOW.date(), period="2026-10", compare="2026")
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
    spend.run(home=tmp_path, today=NOW.date(), by="service")
    assert capsys.readouterr().out == "Machines\tUSD\t505784.18\nSmall\tUSD\t0.00001\ntotal USD 505784.18\n"
    spend.run(home=tmp_path, today=NOW.date(), as_json=True)
    assert json.loads(capsys.readouterr().out)["totals"][0]["value"] == "505784.175865977600".rstrip("0")


def test_an_empty_period_names_what_the_bill_holds(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    spend.run(home=home, today=NOW.date(), period="2023-01")
    said = capsys.readouterr()
    assert said.out == ""
    assert "no data, not zero. The bill holds 2026-09-03 to 2026-10-05" in said.err


def test_without_a_period_the_last_complete_month(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    answered = spend.run(home=home, today=NOW.date(), by="team", top=1)
    told = capsys.readouterr()
    assert answered.question.period.label == "2026-10"
    assert told.out == "risk\tUSD\t10.10\n(all others)\tUSD\t0.90\ntotal USD 11.00\n"
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
        spend.run(home=home, today=NOW.date(), **({"period": "2026-10"} | wrong))
    assert said in str(refusal.value)
    assert refusal.value.exit_code == (4 if "nobody" in str(wrong) else 2)
    assert refusal.value.do


def test_scope_reaches_the_command(home: Path) -> None:
    assert spend.run(home=home, today=NOW.date(), period="2026-10", teams_seen=("risk",)).totals == [
        ("USD", Decimal("10.10"))
    ]


def test_the_status_of_a_lake_and_of_an_empty_one(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    lake_command.status(lake=Lake(home / "lake"), rules=TAGS_ALONE, teams_seen=("*",), as_json=True)
    (told,) = json.loads(capsys.readouterr().out)["sources"]
    assert (told["source"], told["periods"], told["rows"], told["quarantined"]) == ("aws", ["2026-09", "2026-10"], 3, 1)
    lake_command.status(lake=Lake(home / "lake"), rules=TAGS_ALONE, teams_seen=("*",), as_json=False)
    assert capsys.readouterr().out == "aws\t2026-09 … 2026-10\t2026-10-06 00:00\tfinal\t3\t1\n"
    lake_command.status(lake=Lake(tmp_path / "none"), rules=TAGS_ALONE, teams_seen=("*",), as_json=False)
    told = capsys.readouterr()
    assert (told.out, "The lake is empty" in told.err) == ("", True)


def tie(
    home: Path, *stated: str, scope: tuple[str, ...] = ("*",), period: str = "2026-10", as_json: bool = True
) -> int:
    return lake_command.tie(
        lake=Lake(home / "lake"), period=period, stated=stated, source=None, teams_seen=scope, as_json=as_json
    )


def test_invoices_tie_or_the_exit_code_says_so(
    home: Path, write: Any, charge: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    ingest.run(home=home, now=NOW, paths=[str(write("bill.csv", [charge("11.005", InvoiceId="I=1")]))])
    capsys.readouterr()
    assert tie(home, "I=1=11.005") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["agrees"] is True
    assert [(one["invoice"], one["billed"], one["difference"]) for one in told["invoices"]] == [
        ("I=1", "11.005", "0.00")
    ]
    assert tie(home, "I=1=11", "X=3", as_json=False) == 7
    said = capsys.readouterr()
    assert said.out == "aws\t2026-10\tI=1\tUSD\t11.00\t11.00\tdiffers by\t0.005\n"
    assert "no charge of invoice X in 2026-10" in said.err
    assert tie(home, period="2020", as_json=False) == 0
    assert "No billing period that begins in 2020" in capsys.readouterr().err
    for wrong in ("I1", "=3", "I=much", "I=NaN"):
        with pytest.raises(Problem, match="states no total"):
            tie(home, wrong)
    with pytest.raises(Problem, match="states no total"):
        tie(home, "I=1", "I=2")
    with pytest.raises(Problem, match="may not tie"):
        tie(home, scope=("risk",))


def test_a_file_is_handed_out_whole_once_or_not_at_all(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def hand_out(name: str, **more: Any) -> None:
        asked: dict[str, Any] = {"focus": "1.2", "period": None, "source": None, "teams_seen": ("*",), "as_json": True}
        export.run(lake=Lake(home / "lake"), out=tmp_path / name, **(asked | more))

    capsys.readouterr()
    hand_out("out.csv")
    assert json.loads(capsys.readouterr().out)["rows"] == 3
    assert (tmp_path / "out.csv").read_text().startswith("AvailabilityZone,BilledCost,")
    hand_out("two.PARQUET", as_json=False)
    assert "3 charges in FOCUS 1.2 written" in capsys.readouterr().err
    before = sorted(tmp_path.iterdir())
    with pytest.raises(Problem, match="is there already"):
        hand_out("out.csv")
    with pytest.raises(Problem, match=r"FOCUS 1\.0 is not written"):
        hand_out("old.csv", focus="1.0")
    with pytest.raises(Problem, match="in which form"):
        hand_out("out.xlsx")
    with pytest.raises(LakeError, match="There is no charge"):
        hand_out("none.csv", period="2020")
    assert sorted(tmp_path.iterdir()) == before
