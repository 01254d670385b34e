"""A scaling group on the bill: all its machines, by the tag that AWS puts on them, and what came of a lower minimum."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from lake.load import ingest
from lake.period import Period
from lake.resources import daily_costs, scaling_groups
from lake.usage import hours
from tests.tools.small_bill import Charge, days_of, desk_of, lake_of, machine_day
from tools.bill_rules import judged
from tools.realised import Deed, follow

OCTOBER = Period(date(2026, 10, 1), date(2026, 11, 1))
AT = date(2026, 10, 15)
GROUP = "arn:aws:autoscaling:us-east-1:471852036911:autoScalingGroupName/web"


def member(day: date, number: int, *, group: str = "web", team: str = "fraud", rate: str = "0.5") -> Charge:
    tags = {"team": team, "environment": "production"} | ({"aws:autoscaling:groupName": group} if group else {})
    return machine_day(
        day, f"{group}-{number}", number, rate=rate, Tags=json.dumps(tags), PricingUnit="Hours", PricingQuantity="24",
        SkuMeter="m7i.xlarge Linux on-demand", SkuPriceDetails=json.dumps({"InstanceType": "m7i.xlarge"}),
    )  # fmt: skip


def october() -> list[Charge]:
    """Eight machines up to the day of the change and three afterwards, and one that is of no group."""
    days = days_of(date(2026, 10, 1), 31)
    rows = [member(day, number) for day in days for number in range(8 if day <= AT else 3)]
    return rows + [member(day, 99, group="") for day in days]


def test_a_group_is_all_machines_that_bear_its_name(tmp_path: Path) -> None:
    (group,) = scaling_groups(lake_of(tmp_path, october()), OCTOBER).found
    assert (group.resource_id, group.name, group.instance_type) == (GROUP, "web", "m7i.xlarge")
    (hours,) = group.hours
    assert hours.quantity == 24 * (8 * 15 + 3 * 16)
    assert (hours.least_day, hours.most_day) == (Decimal(36), Decimal(96))


def test_another_teams_machines_are_not_read(tmp_path: Path) -> None:
    lake = lake_of(tmp_path, october())
    assert scaling_groups(lake, OCTOBER, teams_seen=("treasury",)).found == []
    assert daily_costs(lake, OCTOBER, [GROUP], teams_seen=("treasury",)) == {}


def test_groups_of_one_name_are_told_apart_by_no_metric_whoever_may_see_the_other(tmp_path: Path) -> None:
    days = days_of(date(2026, 10, 1), 31)
    here = [member(day, number) for day in days for number in range(2)]
    there = [{**member(day, 10, team="treasury"), "RegionId": "eu-west-1"} for day in days]
    alone = [member(day, 20, group="api") for day in days]
    desk = desk_of(lake_of(tmp_path, here + there + alone), now=datetime(2026, 11, 1, 9, tzinfo=UTC))
    found = judged(replace(desk, scope=("fraud",))).found
    missing = {
        one.resource.name: one.judged.finding.missing for one in found if one.judged.form.name == "group_minimum"
    }
    assert set(missing) == {"web", "api"}
    assert any("bear its name" in one for one in missing["web"])
    assert not any("bear its name" in one for one in missing["api"])


def test_a_group_with_a_slash_in_its_name_is_not_measured_as_another(tmp_path: Path) -> None:
    lines = ["ResourceId,HourStart,cpu_avg_pct,group_min,group_in_service"]
    lines += [f"{name},2026-10-01T00:00:00Z,{cpu},8,8" for name, cpu in (("web", 10), ("pay/web", 90))]
    (tmp_path / "used.csv").write_text("\n".join(lines) + "\n")
    lake = lake_of(tmp_path, october())
    ingest(lake, [tmp_path / "used.csv"], now=datetime(2026, 11, 1, tzinfo=UTC))
    start, end = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC)
    ids = [GROUP, GROUP.replace("/web", "/pay/web")]
    assert [one.cpu_avg_pct for one in hours(lake.store, ids, start=start, end=end)] == [Decimal(90), Decimal(10)]


def test_what_a_lower_minimum_saved_is_measured_on_the_machines_that_are_left(tmp_path: Path) -> None:
    deed = Deed(
        proposal="P-0000000001", title="t", name="web", rule="group_minimum", team="fraud", ids=(GROUP, "web"), at=AT,
        promised=Decimal("1825"), currency="USD",
    )  # fmt: skip
    desk = desk_of(lake_of(tmp_path, october()), now=datetime(2026, 11, 10, 9, tzinfo=UTC))
    (followed,) = follow(desk, [deed])
    assert followed.measured is not None
    assert followed.measured.days > 7
    assert followed.measured.cash == 60 * followed.measured.days  # five machines of 12 dollars a day
