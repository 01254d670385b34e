"""Ways to misread a bill that have misled others, as far as no one source shows them, with their usual numbers."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from lake.engine import Lake
from lake.errors import LakeError
from lake.machines import machines
from lake.period import Period
from lake.question import Question

OCTOBER, NOVEMBER = Period.parse("2026-10"), Period.parse("2026-11")


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def by(lake: Lake, period: Period, name: str) -> dict[Any, Any]:
    return {row[name]: row["value"] for row in lake.ask(Question(period=period, by=(name,))).rows}


def test_pitfall_09_the_last_days_of_an_open_month_are_no_drop(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    whole, half = [charge("100", day=f"{day}") for day in days(date(2026, 11, 1), date(2026, 11, 21))], "55"
    load(write("november.csv", [*whole, charge(half, day="2026-11-22")]))
    (settled,) = lake.daily(by=("provider",))
    assert set(settled.values) == {Decimal(100)}
    assert settled.first + timedelta(days=len(settled.values)) == date(2026, 11, 20)  # three days before the load
    (arrived,) = lake.daily(by=("provider",), settled=False)
    assert arrived.values[-1] == Decimal(half)
    answered = lake.ask(Question(period=Period.parse("2026-11-01..2026-11-22")))
    assert not answered.complete
    assert "before 2026-11 settles" in answered.completeness[0].reason


@pytest.mark.parametrize("said", ["true", "True"])
def test_pitfall_10_what_splits_a_machine_over_pods_is_not_added_to_the_machine(
    said: str, write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    """Costs of Kubernetes are a split of machines that the cloud bills: ten dollars of nodes are not twenty."""
    load(write("cloud.csv", [charge("10.00", ResourceId="i-1")]))
    pods = [charge(cost, ResourceId=f"pod-{cost}", ProviderName="Kubernetes") for cost in ("6.00", "4.00")]
    with pytest.raises(LakeError, match="2 rows that split other charges") as refusal:
        load(write("pods.csv", [pod | {"X_Is_Allocation": said} for pod in pods]))
    assert "twice" in refusal.value.why
    assert lake.ask(Question(period=OCTOBER)).totals == [("USD", Decimal(10))]
    others = [
        pods[0] | {"ResourceId": no, "x_is_allocation": no} for no in ("", "false", "No", " 0 ", "NULL", "n", "F")
    ]
    load(write("other.csv", [others[0], *(other | {"EffectiveCost": "0"} for other in others[1:])]))
    assert lake.ask(Question(period=OCTOBER)).totals == [("USD", Decimal(16))]


def test_pitfall_10_what_is_said_in_other_words_is_taken_for_a_part(write: Any, charge: Any, load: Any) -> None:
    """A part that is counted is money counted twice, and nobody sees it; a charge that is refused is seen."""
    parts = [charge("1.00", x_is_allocation=said) for said in ("TRUE ", "1", "yes", "T", "Y", "in part", "-1")]
    with pytest.raises(LakeError, match=rf"{len(parts)} rows that split other charges \(x_is_allocation: -1\)"):
        load(write("pods.csv", [*parts, charge("2.00", x_is_allocation="0")]))


def test_pitfall_16_what_a_machine_costs_is_after_the_discount(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    """A saving reckoned from list prices would be a third larger than what the bill can fall by."""
    hours = {"ConsumedQuantity": "10", "ConsumedUnit": "Hours", "ResourceId": "i-1", "SkuMeter": "BoxUsage:g5.xlarge"}
    load(write("bill.csv", [charge("15.00", **hours, ListCost="20.00", ContractedCost="15.00")]))
    (machine,) = machines(lake, OCTOBER).found
    assert (machine.hours, machine.effective) == (Decimal(10), Decimal("15.00"))
    assert machine.uncovered_effective == Decimal("15.00")


def test_pitfall_17_a_tag_that_changes_moves_no_month_that_was_billed(
    write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    before = charge("5.00", day="2026-09-30", ResourceId="i-1", Tags='{"team": "risk"}')
    after = charge("7.00", day="2026-10-01", ResourceId="i-1", Tags='{"team": "fraud"}')
    load(write("september.csv", [before]))
    load(write("october.csv", [after]))
    september = Period.parse("2026-09")
    assert (by(lake, september, "team"), by(lake, OCTOBER, "team")) == ({"risk": 5}, {"fraud": 7})
    # A provider's own backfill is a restatement: it comes as a new revision, and says what it replaces.
    report = load(write("september.csv", [before | {"Tags": '{"team": "fraud"}'}]))
    assert by(lake, september, "team") == {"fraud": 5}
    assert [finding.rule for finding in report.findings] == ["replaced"]
    assert report.snapshots == ["aws/2026-09/2"]


def test_pitfall_19_capacity_by_the_hour_is_in_no_token_class(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    """Its cost per token is its hours over what it served: spread over the lines of the tokens it would count twice."""
    model = {"ServiceCategory": "AI and Machine Learning", "x_model": "gpt-5"}
    hour = charge("96.00", **model, ConsumedQuantity="24", ConsumedUnit="Hours", SkuMeter="Provisioned throughput")
    tokens = charge("1.50", **model, ConsumedQuantity="1000", ConsumedUnit="Tokens", x_token_class="output")
    load(write("bill.csv", [hour, tokens]))
    assert by(lake, OCTOBER, "token_class") == {"(none)": Decimal("96.00"), "output": Decimal("1.50")}
    assert by(lake, OCTOBER, "model") == {"gpt-5": Decimal("97.50")}


def test_pitfall_20_a_credit_that_ends_is_no_rise_of_usage(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    used = [charge("100", day=f"{day}") for day in days(date(2026, 10, 1), date(2026, 10, 31))]
    credit = {"ChargeCategory": "Credit", "PricingQuantity": "", "PricingUnit": ""}
    credits = [charge("-100", day=f"{day}", **credit) for day in days(date(2026, 10, 1), date(2026, 10, 15))]
    load(write("october.csv", [*used, *credits]), final=True)
    series = {one.key["charge_category"]: one.values for one in lake.daily(by=("charge_category",))}
    (net,) = lake.daily(by=("provider",))
    assert (net.values[0], net.values[-1]) == (Decimal(0), Decimal(100))
    assert set(series["Usage"]) == {Decimal(100)}
    assert series["Credit"] == (Decimal(-100),) * 15 + (Decimal(0),) * 16
