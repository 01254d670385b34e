"""What has no name: in money and percent, taxes apart, and never spread over those that have one."""

import json
from decimal import Decimal
from typing import Any

import pytest

from lake.engine import Lake
from lake.period import Period
from lake.question import Metric, Question
from lake.uncategorised import uncategorised

OCTOBER = Period.parse("2026-10")


@pytest.fixture
def bank(write: Any, charge: Any, load: Any, lake: Lake) -> Lake:
    both = json.dumps({"team": "fraud", "use_case": "scoring"})
    rows = [
        charge("90.00", Tags=both, ServiceCategory="AI and Machine Learning"),
        charge("6.00", Tags=json.dumps({"team": "fraud"})),
        charge("4.00", ServiceName="Disks", ResourceId="d-1"),
        charge("50.00", ChargeCategory="Tax"),
        charge("-3.00", BillingCurrency="EUR", ChargeCategory="Credit"),
    ]
    load(write("bill.csv", rows), final=True)
    return lake


def test_the_share_without_a_name_leaves_taxes_out(bank: Lake) -> None:
    found = {(gap.dimension, gap.currency): gap for gap in uncategorised(bank, OCTOBER).found}
    team, use_case = found["team", "USD"], found["use_case", "USD"]
    assert (team.missing, team.total, team.share) == (Decimal(4), Decimal(100), Decimal(4))
    assert (use_case.missing, use_case.share) == (Decimal(10), Decimal(10))
    assert (team.within(5), use_case.within(5), use_case.within(10)) == (True, False, True)


def test_of_a_credit_there_is_no_share(bank: Lake) -> None:
    gap = next(gap for gap in uncategorised(bank, OCTOBER).found if gap.currency == "EUR")
    assert (gap.missing, gap.share, gap.within(5)) == (Decimal(-3), None, None)


def test_of_ai_alone_and_of_no_charge(bank: Lake) -> None:
    assert [gap.share for gap in uncategorised(bank, OCTOBER, dimensions=("team",), ai=True).found] == [Decimal(0)]
    assert uncategorised(bank, Period.parse("2025-01")).found == ()


@pytest.mark.parametrize("by", [("service",), ("resource",)])
def test_every_answer_tells_what_has_no_team(bank: Lake, by: tuple[str, ...]) -> None:
    answered = bank.ask(Question(period=OCTOBER, by=by))
    assert answered.untagged == [("EUR", Decimal(-3)), ("USD", Decimal(54))]
    assert bank.ask(Question(period=OCTOBER, where={"team": ("fraud",)})).untagged == [("USD", Decimal(0))]
    assert dict(bank.ask(Question(period=OCTOBER, metric=Metric.LIST)).untagged)["USD"] == Decimal(2)
