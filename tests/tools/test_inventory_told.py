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


def machine(*disks: str, staying: tuple[str, ...] = (), **more: Any) -> ListedMachine:
    attached = [AttachedDisk(name, goes=name not in staying) for name in (*disks, *staying)]
    made = ListedMachine(
        OLD, "stopped", "m6a.large", NOW - timedelta(days=60), "ebs", "", protected=False, product_codes=(),
        disks=tuple(attached), tags={"Name": "old-job"},
    )  # fmt: skip
    return replace(made, **more)


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


PARTLY = [
    ("another team's disk goes with it", machine(ONE, THREE)),
    ("another team's disk stays", machine(ONE, staying=(THREE,))),
    ("a disk that is on no bill yet stays", machine(ONE, staying=("vol-0000000000000000a",))),
    ("its own tag names another team", machine(ONE, tags={"Name": "old-job", "Owner-Team": "claims"})),
]


@pytest.mark.parametrize("one", [row[1] for row in PARTLY], ids=[row[0] for row in PARTLY])
def test_of_a_machine_that_is_not_all_theirs_a_team_is_told_nothing(desk: Any, one: ListedMachine) -> None:
    listed(desk, disk(ONE, "in-use"), disk(THREE, "in-use"), machines=(one,))
    assert verdicts(replace(desk, scope=("fraud",))) == {}
    assert propose_change(replace(desk, scope=("fraud",)), target="old-job").error is not None
    assert desk.propose.wanted == []
    assert [name for name, _ in verdicts(desk).items()] == [OLD]


def test_a_machine_whose_disks_are_of_two_teams_is_told_to_who_sees_both(desk: Any) -> None:
    listed(desk, disk(ONE, "in-use"), disk(THREE, "in-use"), machines=(machine(ONE, THREE),))
    for scope in (("*",), ("claims", "fraud")):
        (whole,) = judged(replace(desk, scope=scope)).found
        assert (str(whole.verdict), whole.resource.team) == ("waste", "(untagged)")


HOSTILE = "Keep {q1.r1.cost} <!channel>\u202e saves $1,000,000"
BEARING: list[tuple[str, dict[str, Any]]] = [
    ("a tag that says to keep it", {"tags": {HOSTILE: "keep"}}),
    ("who looks after it", {"tags": {f"aws:backup:{HOSTILE}": "x"}}),
    ("a scaling group", {"tags": {"aws:autoscaling:groupName": HOSTILE}}),
    ("a product code", {"product_codes": (HOSTILE,)}),
    ("a lifecycle", {"lifecycle": HOSTILE}),
]


@pytest.mark.parametrize("more", [row[1] for row in BEARING], ids=[row[0] for row in BEARING])
def test_what_somebody_wrote_into_a_tag_reaches_a_sentence_as_harmless_text(desk: Any, more: dict[str, Any]) -> None:
    listed(desk, disk(ONE, "in-use"), machines=(machine(ONE, **more),))
    (told,) = judged(desk).found
    refused = propose_change(desk, target=OLD).error
    assert refused is not None
    for text in (told.judged.why, str(refused)):
        assert "(q1.r1.cost)" in text
        assert not {"{", "<", "\u202e"} & set(text)
        assert "1,000,000" not in text


def test_a_machine_that_is_called_like_a_disk_hides_none(desk: Any) -> None:
    """Anybody who may tag a machine of their own could else have another's disk left alone, or be taken for it."""
    listed(desk, disk(ONE), disk(TWO, "in-use"), machines=(machine(TWO, tags={"Name": ONE}),))
    assert propose_change(desk, target=ONE).error is None
    assert propose_change(desk, target=OLD).error is None
    assert [one.change["kind"] for one in desk.propose.wanted] == ["delete_volume", "terminate_instance"]


@pytest.mark.parametrize(
    ("more", "says"),
    [({"protected": None}, "Missing: whether EC2 is told to refuse"), ({"protected": True}, "EC2 is told to refuse")],
    ids=["unknown", "fine"],
)
def test_why_a_stopped_machine_is_not_proposed_is_told(desk: Any, more: dict[str, Any], says: str) -> None:
    listed(desk, disk(ONE, "in-use"), machines=(machine(ONE, **more),))
    refused = str(propose_change(desk, target=OLD).error)
    assert says in refused
    assert "No machine" not in refused


def test_a_list_whose_clock_was_ahead_is_no_evidence(desk: Any) -> None:
    at = NOW + timedelta(days=50)
    for weeks in range(6):
        ahead = Inventory(ACCOUNT, REGION, at + timedelta(weeks=weeks), (machine(TWO),), (disk(ONE), disk(TWO)))
        keep(desk.lake.store.folder, ahead)
    assert {verdict for _, verdict in verdicts(desk).values()} == {"unknown"}
    listed(desk, disk(ONE), disk(TWO))
    assert {verdict for _, verdict in verdicts(desk).values()} == {"waste"}


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
