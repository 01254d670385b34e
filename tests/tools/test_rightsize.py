"""The rule of smaller sizes, as a table: a row is a sentence, the machine that it is of, the verdict and the money."""

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lake.metered import Metered
from tests.tools.small_bill import days_of, desk_of, lake_of, machine_day, usage_hours
from tests.tools.test_bill_rules import AT, FINE, LAST, LOOK, UNKNOWN, WASTE, assert_says, machine
from tools.bill_rules import judged
from tools.rules import rightsize
from tools.rules.evidence import Verdict
from tools.rules.judged import Load, Look, Use
from tools.rules.machine_thresholds import RightsizeThresholds
from tools.rules.thresholds import SavingsThresholds

SMALL = Load(cpu_percent=Decimal(18), memory_percent=Decimal(18), hours=336, last_at=AT - timedelta(hours=10))
ONE_GPU = replace(SMALL, cpu_percent=Decimal(8), memory_percent=Decimal(10), gpu_percent=Decimal(18),
                  gpu_memory_percent=Decimal(19))  # fmt: skip
LOADS = {
    "small": SMALL,
    "full memory": replace(SMALL, memory_percent=Decimal(82)),
    "no memory": replace(SMALL, memory_percent=None),
    "busy, no memory": replace(SMALL, cpu_percent=Decimal(85), memory_percent=None),
    "eighty per cent": replace(SMALL, cpu_percent=Decimal(20), memory_percent=Decimal(20)),
    "a little more": replace(SMALL, cpu_percent=Decimal("20.1"), memory_percent=Decimal(20)),
    "needs the processors": replace(SMALL, cpu_percent=Decimal(70)),
    "gaps": replace(SMALL, hours=200),
    "stale": replace(SMALL, last_at=AT - timedelta(hours=72)),
    "still": replace(SMALL, cpu_percent=Decimal(2), memory_percent=Decimal(9)),
    "one GPU": ONE_GPU,
    "its memory is spread": replace(ONE_GPU, gpu_memory_percent=Decimal(40)),
    "one GPU is full": replace(ONE_GPU, gpu_percent=Decimal(25)),
    "no GPU metrics": replace(ONE_GPU, gpu_percent=None, gpu_memory_percent=None),
}
IDS = {name: f"i-0abcdef0123456{at:03x}" for at, name in enumerate((*LOADS, "unmeasured"))}
SEEN = replace(LOOK, loads={IDS[name]: load for name, load in LOADS.items()}, uses={})


def loaded(load: str, kind: str = "m6a.4xlarge", price: str = "0.6912", **more: Any) -> Metered:
    return replace(machine(kind, price, **more), resource_id=IDS[load])


CASES: list[tuple[str, Any, Metered, Verdict | None, str]] = [
    ("18 % of 16 processors and of 64 GiB fit m6a.xlarge: three quarters of 0.6912 dollars an hour", rightsize,
     loaded("small"), WASTE, "378.43"),
    ("exactly 80 % of the smaller size is still headroom", rightsize, loaded("eighty per cent"), WASTE, "378.43"),
    ("a tenth of a per cent more needs c6a.2xlarge, whose 16 GiB will just do", rightsize, loaded("a little more"),
     WASTE, "281.20"),
    ("one of four GPUs works: g5.2xlarge holds it, g5.xlarge has too little memory", rightsize,
     loaded("one GPU", "g5.12xlarge", "5.672"), WASTE, "3255.80"),
    ("two days old: the same a month", rightsize, loaded("small", days=2), WASTE, "378.43"),
    ("half of it is covered by a plan: half in cash", rightsize, loaded("small", bare="0.5"), WASTE, "189.22"),
    ("a plan covers it: no cash is saved", rightsize, loaded("small", bare="0"), FINE, ""),
    ("little CPU, but its memory is full", rightsize, loaded("full memory"), FINE, ""),
    ("whatever would hold it is hardly cheaper", rightsize, loaded("needs the processors"), FINE, ""),
    ("GPU memory that is taken does not fit fewer GPUs", rightsize,
     loaded("its memory is spread", "g5.12xlarge", "5.672"), FINE, ""),
    ("one GPU that is always busy would be full", rightsize,
     loaded("one GPU is full", "g5.12xlarge", "5.672"), FINE, ""),
    ("nobody measured its memory", rightsize, loaded("no memory"), UNKNOWN, ""),
    ("its GPUs were not measured", rightsize, loaded("no GPU metrics", "g5.12xlarge", "5.672"), UNKNOWN, ""),
    ("too busy for any smaller size, whatever its memory", rightsize, loaded("busy, no memory"), None, ""),
    ("two fifths of its hours were not measured", rightsize, loaded("gaps"), UNKNOWN, ""),
    ("its metrics ended three days ago", rightsize, loaded("stale"), UNKNOWN, ""),
    ("a size that earns CPU credits", rightsize, loaded("small", "t3.2xlarge", "0.3328"), UNKNOWN, ""),
    ("Windows has other prices than the book's", rightsize, loaded("small", price="1.5", name="BoxUsage Windows"),
     UNKNOWN, ""),
    ("nothing was measured of it: the rule of idle machines says so", rightsize, loaded("unmeasured"), None, ""),
    ("it does nothing: it is to be stopped", rightsize, loaded("still"), None, ""),
    ("an old type has smaller sizes too: m4.xlarge", rightsize, loaded("small", "m4.4xlarge", "0.80"), WASTE, "438.00"),
    ("there is no smaller one", rightsize, loaded("small", "t3.nano", "0.0052"), None, ""),
    ("a type that stands in no list", rightsize, loaded("small", "m1.large", "0.175"), None, ""),
    ("a region without prices", rightsize, loaded("small", region="ap-south-1"), UNKNOWN, ""),
    ("a region that offers no such size", rightsize, loaded("small", region="af-south-1"), None, ""),
    ("a region without prices, and too busy", rightsize, loaded("busy, no memory", region="ap-south-1"), None,
     ""),
    ("stopped two days ago", rightsize, loaded("small", last=LAST - timedelta(days=2)), None, ""),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "rule", "resource", "verdict", "saving"), CASES, ids=[row[0] for row in CASES])
def test_table(sentence: str, rule: Any, resource: Metered, verdict: Verdict | None, saving: str) -> None:
    assert_says(rule.judge(resource, SEEN), sentence, verdict, saving)


def test_the_change_names_both_types_and_the_reason_every_load() -> None:
    said = rightsize.judge(loaded("one GPU", "g5.12xlarge", "5.672"), SEEN)
    assert said is not None
    assert said.change is not None
    assert (said.change["from_type"], said.change["to_type"]) == ("g5.12xlarge", "g5.2xlarge")
    assert "GPU memory 76.00 %" in said.why
    assert "CPU 48.00 %" in said.why


def test_what_is_missing_is_named() -> None:
    said = rightsize.judge(loaded("no GPU metrics", "g5.12xlarge", "5.672"), SEEN)
    assert said is not None
    assert said.finding.missing == ("GPU activity", "GPU memory")
    burst = rightsize.judge(loaded("no memory", "t3.2xlarge", "0.3328"), SEEN)
    assert burst is not None
    assert burst.finding.missing == ("main memory", "how its CPU credits are used, of which each size has its own")


def test_a_size_that_the_region_does_not_offer_is_not_taken() -> None:
    kinds = {**SEEN.book.kinds}
    kinds["m6a.xlarge"] = replace(kinds["m6a.xlarge"], offered_in=frozenset({"eu-west-1"}))
    said = rightsize.judge(loaded("small"), replace(SEEN, book=replace(SEEN.book, kinds=kinds)))
    assert said is not None
    assert said.change is not None
    assert said.change["to_type"] != "m6a.xlarge"


@pytest.mark.parametrize(("limits", "to_type"), [({"most_percent": 40}, "m6a.2xlarge"), ({"least_percent": 90}, "")])
def test_its_limits_are_settings(limits: dict[str, int], to_type: str) -> None:
    wanted: dict[str, Any] = {name: Decimal(value) for name, value in limits.items()}
    given = RightsizeThresholds(**wanted)
    look: Look = replace(SEEN, limits=SavingsThresholds(rightsize=given))
    said = rightsize.judge(loaded("small"), look)
    assert said is not None
    assert said.finding.verdict == (WASTE if to_type else FINE)
    if to_type:
        assert said.change is not None
        assert said.change["to_type"] == to_type


def test_an_idle_machine_with_a_busy_network_is_not_still() -> None:
    resource = loaded("still")
    busy = Use(cpu_max_percent=Decimal(3), network_mb_per_day=Decimal(60), metric_hours=336)
    said = rightsize.judge(resource, replace(SEEN, uses={resource.resource_id: busy}))
    assert said is not None
    assert said.finding.verdict == WASTE


def test_hours_of_which_an_encoder_was_not_measured_count(tmp_path: Path) -> None:
    days = days_of(date(2026, 10, 18), 14)
    meter = {"SkuMeter": "BoxUsage:m6a.4xlarge", "PricingUnit": "Hours", "PricingQuantity": "24"}
    kind = {"rate": "0.6912", "SkuPriceDetails": json.dumps({"InstanceType": "m6a.4xlarge"}), **meter}
    rows = [machine_day(day, "risk-batch", 7, **kind) for day in days]
    used = {"cpu_max_pct": "18", "memory_pct": "18", "network_bytes": "900000000"}
    hours = [
        *usage_hours(7, days[:1], **used, gpu_encoder_pct="0"),
        *usage_hours(7, days[1:], **used, gpu_encoder_pct=""),
    ]
    desk = desk_of(lake_of(tmp_path, rows, usage=hours), now=AT)
    (said,) = (one for one in judged(desk).found if one.judged.form is rightsize.FORM)
    assert said.verdict == WASTE
