"""A figure's display, and that a result survives JSON to the last digit."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.result import Problem, Row, SourceState, ToolResult, display, figure

DISPLAYS = [
    ("1234.56", "USD", "$1,234.56"),
    ("-1234.565", "USD", "-$1,234.57"),
    ("0", "USD", "$0.00"),
    ("0.0014", "USD", "$0.0014"),
    ("0.000012345", "USD", "$0.000012"),
    ("1234.5", "EUR", "€1,234.50"),
    ("1234.5", "CHF", "1,234.50 CHF"),
    ("12.34", "%", "12.3 %"),
    ("0.5", "ratio", "0.50"),
    ("1234", "hours", "1,234 hours"),
    ("1234.4", "hours", "1,234 hours"),
    ("1.25", "hours", "1.3 hours"),
    ("12", "count", "12"),
]


@pytest.mark.parametrize(("value", "unit", "expected"), DISPLAYS)
def test_display(value: str, unit: str, expected: str) -> None:
    assert display(Decimal(value), unit) == expected


def test_a_change_shows_its_direction() -> None:
    assert display(Decimal("5"), "USD", signed=True) == "+$5.00"
    assert display(Decimal("-5"), "USD", signed=True) == "-$5.00"
    assert display(Decimal("0"), "%", signed=True) == "0.0 %"


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**15), max_value=10**15))
def test_a_result_reads_back_as_it_was_written(value: Decimal) -> None:
    cell = figure("q1.r1.effective", value, label="Effective cost", unit="USD", period="October 2026")
    result = ToolResult(
        id="q1",
        tool="query_spend",
        title="Effective cost by team",
        columns=("team", "effective"),
        rows=(Row(address="q1.r1", names={"team": "fraud"}, figures={"effective": cell.id}),),
        figures=(cell,),
        completeness=(SourceState(source="aws", data_through="2026-10-31", final=True),),
        notes=("No period was named.",),
        error=Problem(what="a.", why="b.", do="c.", candidates=("d",)),
    )
    text = json.dumps(result.to_json())
    assert ToolResult.from_json(json.loads(text)) == result
    assert json.loads(text)["figures"][0]["value"] == format(value, "f")
    assert "E" not in format(value, "f")
