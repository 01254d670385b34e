"""Whatever is asked about spend: the answer carries its query, its snapshots, how far each source reaches, and what of
it has no team."""

from collections.abc import Callable
from datetime import date

import pytest

from lake.engine import Lake
from lake.question import RATIOS, Metric
from tests.tools.small_bill import charge, desk_of, lake_of
from tools.allocation import report_allocation
from tools.desk import Desk
from tools.explain import explain_change
from tools.result import ToolResult
from tools.spend import query_spend

SEPTEMBER, OCTOBER = date(2026, 9, 15), date(2026, 10, 15)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    used = {"ConsumedUnit": "Tokens", "ConsumedQuantity": "5000000"}
    machine = {"ConsumedUnit": "Hours", "ConsumedQuantity": "3", "SkuMeter": "BoxUsage:p4d.24xlarge"}
    rows = [
        charge(day, cost, team=team, **facts)
        for day, cost in ((SEPTEMBER, "4"), (OCTOBER, "9"))
        for team, facts in (("kyc", used), ("", used), ("kyc", machine), ("", machine))
    ]
    return lake_of(tmp_path_factory.mktemp("provenance"), rows, final=True)


def spend(metric: Metric, compare: str | None = None) -> Callable[[Desk], ToolResult]:
    return lambda desk: query_spend(desk, metric=str(metric), period="2026-10", by=["service"], compare=compare)


ANSWERS: dict[str, Callable[[Desk], ToolResult]] = {
    **{str(metric): spend(metric) for metric in Metric},
    "compared": spend(Metric.EFFECTIVE, compare="previous"),
    "explained": lambda desk: explain_change(desk, period="2026-10"),
    "allocation": lambda desk: report_allocation(desk, period="2026-10"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_says_where_it_is_from(lake: Lake, name: str) -> None:
    result = ANSWERS[name](desk_of(lake))
    assert result.error is None
    assert result.figures
    assert "SELECT" in result.query
    assert "aws/2026-10/1" in result.snapshots
    assert [(state.source, state.final) for state in result.completeness] == [("aws", True)]
    assert result.complete
    if name in {str(ratio) for ratio in RATIOS} | {"allocation", "explained"}:
        return  # a ratio has no remainder; what has no team is the allocation's own row
    assert any(figure.id.endswith(".untagged") and figure.value > 0 for figure in result.figures)
