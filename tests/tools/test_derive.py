"""New figures from known ones, and refusals where a combination means nothing."""

from decimal import Decimal
from typing import cast

import pytest

from lake.engine import Lake
from tools.derive import derive
from tools.desk import Desk
from tools.result import Figure, Row, ToolResult, figure


@pytest.fixture
def desk() -> Desk:
    from tests.tools.small_bill import NOW

    cells = [
        figure("q1.r1.effective", Decimal("25"), label="Effective cost, team fraud", unit="USD", period="October 2026"),
        figure("q1.t1.effective", Decimal("200"), label="Total effective cost", unit="USD", period="October 2026"),
        figure("q1.t1.before", Decimal("160"), label="Total effective cost", unit="USD", period="September 2026"),
        figure("q1.t2.effective", Decimal("9"), label="Total effective cost", unit="CHF", period="October 2026"),
        figure("q1.t3.effective", Decimal("0"), label="Effective cost, team idle", unit="USD", period="October 2026"),
    ]
    known = ToolResult(
        id="q1",
        tool="query_spend",
        title="Spend",
        rows=(Row(address="q1.r1"),),
        figures=tuple(cells),
        snapshots=("s1",),
    )
    return Desk(lake=cast(Lake, None), now=NOW, speaker="p-1", earlier={"q1": known})


def test_what_cannot_be_divided_by_is_not_repeated_with_the_limit_in_its_label(desk: Desk) -> None:
    label = "kyc-01: GPU active, share of time (idle if below 1 %)"
    known = figure("q1.r9.gpu_active", Decimal(0), label=label, unit="%", period="4 to 17 November 2026")
    desk.earlier["q1"] = desk.earlier["q1"].model_copy(update={"figures": (known,)})
    result = derive(desk, op="ratio", a="q1.r9.gpu_active", b="q1.r9.gpu_active")
    assert result.error is not None
    assert "set against is zero" in str(result.error)
    assert "1 %" not in str(result.error), "an amount that stands in an answer without a figure"


def only(result: ToolResult) -> Figure:
    assert result.error is None
    [made] = result.figures
    return made


CASES = [
    ("difference", "q1.t1.effective", "q1.t1.before", "+$40.00"),
    ("sum", "q1.t1.effective", "q1.t1.before", "$360.00"),
    ("share", "q1.r1.effective", "q1.t1.effective", "12.5 %"),
    ("Ratio", "{q1.t1.effective}", "{q1.t1.before}", "1.25"),
]


@pytest.mark.parametrize(("op", "a", "b", "shown"), CASES)
def test_derived(desk: Desk, op: str, a: str, b: str, shown: str) -> None:
    result = derive(desk, op=op, a=a, b=b)
    assert only(result).display == shown
    assert only(result).id == "q2.r1.value"
    assert result.snapshots == ("s1",)


def test_both_operands_stand_in_the_label_with_their_periods(desk: Desk) -> None:
    made = only(derive(desk, op="difference", a="q1.t1.effective", b="q1.t1.before"))
    assert made.label == ("Difference: Total effective cost (October 2026) minus Total effective cost (September 2026)")
    assert made.period == "October 2026 and September 2026"


def test_a_derived_figure_can_be_derived_from(desk: Desk) -> None:
    derive(desk, op="difference", a="q1.t1.effective", b="q1.t1.before")
    assert only(derive(desk, op="share", a="q2.r1.value", b="q1.t1.before")).display == "25.0 %"


REFUSED = [
    ("product", "q1.t1.effective", "q1.t1.before", "operation"),
    ("share", "q7.r1.effective", "q1.t1.before", "q7.r1.effective"),
    ("difference", "q1.t1.effective", "q1.t2.effective", "USD and CHF"),
    ("share", "q1.t1.effective", "q1.t3.effective", "nothing"),
    ("ratio", "q1.t1.effective", "q1.t3.effective", "nothing"),
    ("sum", "q1.t1.effective", "q1.t1.effective", "itself"),
    ("sum", "", "", "No figure"),
]


@pytest.mark.parametrize(("op", "a", "b", "said"), REFUSED)
def test_refused(desk: Desk, op: str, a: str, b: str, said: str) -> None:
    result = derive(desk, op=op, a=a, b=b)
    assert result.error is not None
    assert said in str(result.error)
    assert result.figures == ()
