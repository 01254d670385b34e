"""What scripts and people read at a terminal, and a result as plain text."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.commands import anomalies, savings
from app.errors import Exit, Problem
from lake.engine import Lake
from lake.errors import CannotBeAsked
from tests.tools.small_bill import Charge, charge, days_of, desk_of, lake_of, machine_day, usage_hours
from tools.desk import Desk
from tools.rendering import as_text
from tools.spend import query_spend

DAYS = days_of(date(2026, 6, 1), 162)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    rows: list[Charge] = [charge(day, "2000" if day == date(2026, 10, 20) else "100", team="fraud") for day in DAYS]
    rows += [machine_day(day, name, number) for number, name in ((1, "idle"), (2, "unseen")) for day in DAYS]
    return lake_of(tmp_path_factory.mktemp("listing"), rows, usage=usage_hours(1, DAYS[-14:]))


@pytest.fixture
def desk(lake: Lake) -> Desk:
    return desk_of(lake)


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_words_that_are_no_question_are_usage_errors(desk: Desk) -> None:
    wrong: list[Callable[[], None]] = [
        lambda: anomalies.run(desk, period="soon"),
        lambda: anomalies.run(desk, where={"colour": "red"}),
        lambda: savings.run(desk, where={"colour": "red"}),
    ]
    for asked in wrong:
        with pytest.raises(CannotBeAsked) as refusal:
            asked()
        assert refusal.value.exit_code == Exit.USAGE


def test_anomalies_for_scripts(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    anomalies.run(desk, as_json=True)
    said = printed(capsys)
    [spike] = said["anomalies"]
    assert (spike["kind"], spike["from"], spike["team"]) == ("spike", "2026-10-20", "fraud")
    assert Decimal(spike["actual"]) - Decimal(spike["expected"]) == Decimal(spike["excess"]) == Decimal(1900)
    assert spike["currency"] == "USD"
    assert said["snapshots"]


def test_savings_for_scripts(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    savings.run(desk, as_json=True)
    said = printed(capsys)
    assert [(one["name"], one["per_month"], one["currency"]) for one in said["savings"]] == [
        ("idle", "3650.000000", "USD")
    ]
    [unknown] = said["unknown"]
    assert unknown["name"] == "unseen"
    assert "GPU active, share of time" in unknown["missing"]
    assert said["totals"][0]["per_year"] == "43800.000000"


def test_tables_on_stdout_and_remarks_on_stderr(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    savings.run(desk)
    anomalies.run(desk)
    said = capsys.readouterr()
    assert "idle\tidle\ti-00000000000000001" in said.out
    assert "spike\t20 October 2026\tteam fraud" in said.out
    assert "disks stay and are not counted" in said.err
    assert "disks" not in said.out


def test_an_unknown_name_ends_with_not_found(desk: Desk) -> None:
    with pytest.raises(Problem) as raised:
        savings.run(desk, where={"team": "frau"})
    assert raised.value.exit_code == Exit.NOT_FOUND
    assert "fraud" in raised.value.why


def test_a_result_as_text_has_every_figure_with_its_label_and_period(desk: Desk) -> None:
    result = query_spend(desk, period="2026-10", by=["service"], compare="previous")
    lines = as_text(result).splitlines()
    assert lines[0] == "Effective cost by service, October 2026 against September 2026"
    assert lines[1].split() == ["service", "effective", "before", "change", "change", "%"]
    assert "Total effective cost: $12,440.00 (October 2026)" in lines
    assert len({len(line) for line in lines[1:4]}) == 1
    assert "Team" not in as_text(query_spend(desk, where={"team": "x"}))
