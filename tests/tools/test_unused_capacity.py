"""The rule about capacity reservations of EC2, as a table: a sentence, what is billed, the verdict, the worked money.

Two machines at 32.7726 dollars an hour each, 730 hours a month.
"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lake.metered import Metered
from tests.tools.small_bill import NOW, Asked, charge, days_of, desk_of, lake_of
from tests.tools.test_bill_rules import FINE, LAST, LOOK, UNKNOWN, WASTE, assert_says, machine, meter, resource
from tools.bill_rules import judged
from tools.propose import propose_change
from tools.rules import unused_capacity
from tools.rules.evidence import Verdict

ARN = "arn:aws:ec2:us-east-1:205918374466:capacity-reservation/cr-0123456789abcdef0"


def capacity(name: str = "UnusedBox:p4d.24xlarge", price: str = "32.7726", **more: Any) -> Metered:
    return resource(ARN, meter(name, "Hrs", "48", price, **more))


USED = meter("Reservation:p4d.24xlarge", "Hrs", "6", "0")
CASES: list[tuple[str, Any, Metered, Verdict | None, str]] = [
    ("two machines unused on every day: 2 × 730 hours", unused_capacity, capacity(), WASTE, "47848.00"),
    ("of the tenancy that is dedicated", unused_capacity, capacity("USE1-UnusedDed:p4d.24xlarge"), WASTE, "47848.00"),
    ("for seven days, to the day", unused_capacity, capacity(days=7), WASTE, "47848.00"),
    ("for six days: capacity for a launch is reserved ahead", unused_capacity, capacity(days=6), FINE, ""),
    ("some of it was used: how many were unused all day no sum tells", unused_capacity,
     resource(ARN, *capacity().meters, USED), UNKNOWN, ""),
    ("it was used until a week ago", unused_capacity,
     resource(ARN, *capacity(days=7).meters, replace(USED, last_day=LAST - timedelta(days=7))), UNKNOWN, ""),
    ("all of it is used", unused_capacity, capacity("Reservation:p4d.24xlarge", "0"), None, ""),
    ("a plan covers it: it is paid all the same", unused_capacity, capacity(bare="0"), FINE, ""),
    ("a plan covers half of it", unused_capacity, capacity(bare="0.5"), WASTE, "23924.00"),
    ("one of a cent an hour is worth nobody's question", unused_capacity, capacity(price="0.01"), FINE, ""),
    ("cancelled two days ago", unused_capacity, capacity(last=LAST - timedelta(days=2)), None, ""),
    ("a machine with such a meter is no reservation", unused_capacity, machine("p4d.24xlarge", "32.77", "UnusedBox"),
     None, ""),
]  # fmt: skip


@pytest.mark.parametrize(("what", "rule", "one", "verdict", "saving"), CASES, ids=[row[0] for row in CASES])
def test_the_rule_says(what: str, rule: Any, one: Metered, verdict: Verdict | None, saving: str) -> None:
    assert_says(rule.judge(one, LOOK), what, verdict, saving)


def test_it_is_told_with_what_people_do_and_nothing_of_it_is_proposed(tmp_path: Path) -> None:
    rows = [
        charge(
            day, "1573.08", team="fraud", service="Amazon EC2", ResourceId=ARN, SkuMeter="UnusedBox:p4d.24xlarge",
            PricingUnit="Hrs", PricingQuantity="48", SkuPriceDetails='{"InstanceType": "p4d.24xlarge"}',
        )
        for day in days_of(NOW.date() - timedelta(days=21), 21)
    ]  # fmt: skip
    desk = desk_of(lake_of(tmp_path, rows), propose=Asked())
    (one,) = judged(desk).found
    assert (one.judged.form.name, str(one.verdict)) == ("unused_capacity", "waste")
    refused = propose_change(desk, target="cr-0123456789abcdef0").error
    assert refused is not None
    assert "cancel it" in refused.do
    assert desk.propose.wanted == []  # type: ignore[attr-defined]
