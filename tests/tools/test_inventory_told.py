"""What stands in EC2, told by the tools: beside the bill of a small lake, with what was never listed, and to whom."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lake.inventory import FOLDER, AttachedDisk, Inventory, ListedDisk, ListedMachine, keep
from tests.tools.small_bill import NOW, Asked, Charge, charge, days_of, desk_of, lake_of
from tools.bill_rules import judged
from tools.propose import propose_change
from tools.savings import find_savings

ACCOUNT, REGION = "471852036911", "us-east-1"
DISKS = {"vol-00000000000000001": "fraud", "vol-00000000000000002": "fraud", "vol-00000000000000003": "claims"}
OLD = "i-00000000000000001"


def bill() -> list[Charge]:
    """Three disks of 500 GiB of gp3 from the middle of October on, at 0.08 dollars a GB-month."""
    days = days_of(date(2026, 10, 15), 26)
    length = {10: 31, 11: 30}
    return [
        charge(
            day, str(round(Decimal(40) / length[day.month], 6)), team=team, service="Amazon EBS", ResourceId=name,
            SkuMeter="EBS:VolumeUsage.gp3", PricingUnit="GB-Mo", ResourceName=f"disk-{name[-1]}",
            PricingQuantity=str(round(Decimal(500) / length[day.month], 9)), ServiceCategory="Storage",
        )
        for day in days for name, team in DISKS.items()
    ]  # fmt: skip


def disk(name: str, state: str = "available") -> ListedDisk:
    return ListedDisk(name, 500, "gp3", state, NOW - timedelta(days=900))


def machine(*disks: str) -> ListedMachine:
    return ListedMachine(
        OLD, "stopped", "m6a.large", NOW - timedelta(days=60), "ebs", "", protected=False, product_codes=(),
        disks=tuple(AttachedDisk(name, goes=True) for name in disks), tags={"Name": "old-job"},
    )  # fmt: skip


def listed(desk: Any, *disks: ListedDisk, machines: tuple[ListedMachine, ...] = ()) -> None:
    """Weekly lists of these up to an hour ago."""
    for weeks in range(5, -1, -1):
        at = NOW - timedelta(weeks=weeks, hours=1)
        keep(desk.lake.store.folder, Inventory(ACCOUNT, REGION, at, machines, disks))


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    return desk_of(lake_of(tmp_path, bill()), propose=Asked())


def verdicts(desk: Any) -> dict[str, tuple[str, str]]:
    return {one.resource.resource_id: (one.judged.form.name, str(one.verdict)) for one in judged(desk).found}


ONE, TWO, THREE = DISKS


def test_without_a_list_nothing_is_judged_and_that_is_said(desk: Any) -> None:
    assert verdicts(desk) == {}
    assert any("Whether 3 disks and snapshots are needed is unknown" in note for note in find_savings(desk).notes)


def test_lists_in_a_row_show_what_is_attached_to_nothing(desk: Any) -> None:
    listed(desk, disk(ONE), disk(TWO, "in-use"), disk(THREE))
    assert verdicts(desk) == {ONE: ("unattached_disk", "waste"), THREE: ("unattached_disk", "waste")}
    told = find_savings(desk)
    assert not any("is unknown: nobody listed" in note for note in told.notes)
    (row, _) = (row for row in told.rows if row.texts.get("rule") == "unattached_disk")
    month = told.figure(row.figures["per_month"])
    assert month is not None
    # 40 dollars a month of 31 or 30 days, for 730 hours, less 25.00 of the snapshot.
    assert Decimal("14.2") < month.value < Decimal("15.6")
    asked = propose_change(desk, target=ONE)
    assert asked.error is None
    (wanted,) = desk.propose.wanted
    assert (wanted.change["kind"], wanted.change["snapshot"]) == ("delete_volume", "first")


def test_a_stopped_machine_is_told_by_its_disks_to_those_who_see_them(desk: Any) -> None:
    listed(desk, disk(ONE, "in-use"), disk(TWO, "in-use"), machines=(machine(ONE, TWO),))
    assert verdicts(desk) == {OLD: ("long_stopped_machine", "waste")}
    (one,) = judged(desk).saving()
    assert (one.resource.name, one.resource.team, one.resource.account) == ("old-job", "fraud", ACCOUNT)
    assert verdicts(replace(desk, scope=("claims",))) == {}
    assert verdicts(replace(desk, scope=("fraud",))) == {OLD: ("long_stopped_machine", "waste")}


def test_a_machine_of_which_one_sees_a_part_is_unknown_to_one(desk: Any) -> None:
    listed(desk, disk(ONE, "in-use"), disk(THREE, "in-use"), machines=(machine(ONE, THREE),))
    (whole,) = judged(desk).found
    assert (str(whole.verdict), whole.resource.team) == ("waste", "(untagged)")
    (part,) = judged(replace(desk, scope=("fraud",))).found
    assert (str(part.verdict), part.judged.finding.missing) == ("unknown", ("the cost of 1 more of its disks",))


def test_of_another_account_or_region_a_list_says_nothing(desk: Any) -> None:
    for account, region in ((ACCOUNT, "eu-west-1"), ("205918374466", REGION)):
        at = NOW - timedelta(hours=1)
        keep(desk.lake.store.folder, Inventory(account, region, at, (machine(ONE, TWO),), (disk(THREE),)))
    (told,) = judged(desk).found
    assert (told.resource.resource_id, str(told.verdict)) == (OLD, "unknown")
    assert "a bill of its disks in one currency and in its region" in told.judged.finding.missing


def test_a_damaged_list_is_told_and_not_passed_over(desk: Any) -> None:
    listed(desk, disk(ONE))
    (desk.lake.store.folder / FOLDER / f"{ACCOUNT}-{REGION}.json").write_text("{")
    refused = find_savings(desk).error
    assert refused is not None
    assert "spendgate usage inventory" in refused.do
