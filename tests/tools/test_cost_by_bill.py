"""What a resource costs a year by the bill: exact, or unknown rather than too small."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from approvals.evidence import read_evidence
from tests.tools.small_bill import NOW, Charge, charge, days_of, desk_of, lake_of
from tools.cost_by_bill import yearly_by_bill

DISK = ("arn:aws:ec2:us-east-1:471852036911:volume/vol-0a", "vol-0a")
UNTIL = date(2026, 11, 10)


def days(count: int, cost: str = "3", **more: str) -> list[Charge]:
    """So many days of a disk, up to the last of the bill; another resource has all of them."""
    given = {"team": "fraud", "ResourceId": "vol-0a"} | more
    return [charge(day, cost, **given) for day in days_of(UNTIL - timedelta(days=count), count)] + [
        charge(day, "100", ResourceId="vol-0b", team="fraud") for day in days_of(UNTIL - timedelta(days=40), 40)
    ]


CASES: list[tuple[str, list[Charge], str | None]] = [
    ("three dollars on each of the days", days(40), "1095"),
    ("it is five days old", days(5), "1095"),
    ("dearer days before the look-back do not count", [
        *days(14), *(charge(day, "9", team="fraud", ResourceId="vol-0a") for day in days_of(date(2026, 10, 1), 10)),
    ], "1095"),
    ("the bill knows it by its full name", days(14, ResourceId=DISK[0]), "1095"),
    ("the bill does not know it", days(14, ResourceId="vol-0c"), None),
    ("it is billed in two currencies", days(14) + days(3, BillingCurrency="EUR"), None),
    ("it was paid back", days(14, "-3"), None),
    ("a part is another team's", days(14) + days(14, team="claims"), None),
]  # fmt: skip


@pytest.mark.parametrize(("what", "rows", "amount"), CASES, ids=[row[0] for row in CASES])
def test_it_costs(tmp_path: Path, what: str, rows: list[Charge], amount: str | None) -> None:
    desk = replace(desk_of(lake_of(tmp_path, rows)), scope=("fraud",))
    told = yearly_by_bill(desk, DISK)
    assert (told is None) == (amount is None), what
    if told is not None and amount is not None:
        evidence = read_evidence(told)
        assert (evidence.amount, evidence.currency, evidence.saving) == (Decimal(amount), "USD", None)
        assert evidence.figures[0]["period"].startswith("at the rate of")


def test_a_bill_that_ended_long_ago_says_nothing_of_now(tmp_path: Path) -> None:
    lake = lake_of(tmp_path, days(14))
    assert yearly_by_bill(desk_of(lake, now=NOW + timedelta(days=13)), DISK) is not None
    assert yearly_by_bill(desk_of(lake, now=NOW + timedelta(days=14)), DISK) is None


def test_of_a_resource_that_teams_share_the_whole_is_told_to_who_sees_it(tmp_path: Path) -> None:
    told = yearly_by_bill(desk_of(lake_of(tmp_path, days(14) + days(14, "1", team="claims"))), DISK)
    assert told is not None
    assert Decimal(told["amount"]) == Decimal(1460)
