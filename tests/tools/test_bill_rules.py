"""The rules that the bill alone can judge, as a table: a row is a sentence, the resource that it is of, the verdict."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lake.metered import Meter, Metered, MonthOfMeter
from lake.period import Period
from lake.resources import resources
from tests.tools.small_bill import Charge, charge, days_of, desk_of, lake_of, machine_day
from tools.rules import (
    group_minimum,
    idle_address,
    idle_endpoint,
    idle_machine,
    log_retention,
    notebook,
    old_disk,
    old_generation,
    unused_throughput,
)
from tools.rules.evidence import Verdict
from tools.rules.judged import GroupHour, Judgement, Look, Use
from tools.rules.money import Confidence, money
from tools.rules.thresholds import SavingsThresholds
from tools.savings import find_savings

LAST = date(2026, 10, 31)
AT = datetime(2026, 11, 1, 9, tzinfo=UTC)
STILL = Use(Decimal("2.9"), Decimal("1.4"), metric_hours=336, last_metric_at=AT - timedelta(hours=10))
USES = {
    "still": STILL,
    "busy": replace(STILL, cpu_max_percent=Decimal("5")),
    "network": replace(STILL, network_mb_per_day=Decimal("60")),
    "gaps": replace(STILL, metric_hours=224),
    "stale": replace(STILL, last_metric_at=AT - timedelta(hours=72)),
    "no cpu": replace(STILL, cpu_max_percent=None),
    "no cpu, busy": replace(STILL, cpu_max_percent=None, network_mb_per_day=Decimal("60")),
}
IDS_OF = {name: f"i-0123456789abcde{at:02x}" for at, name in enumerate((*USES, "unmeasured"))}
COUNTED = Use(invocations=0, invocation_hours=336, last_invocations_at=AT - timedelta(hours=10))
CALLS = {
    "uncalled": COUNTED,
    "called once": replace(COUNTED, invocations=1),
    "half counted": replace(COUNTED, invocation_hours=180),
    "counted until Thursday": replace(COUNTED, last_invocations_at=AT - timedelta(hours=72)),
    "of three days": replace(COUNTED, invocation_hours=72),
    "CPU only": STILL,
}
ARN = "arn:aws:sagemaker:us-east-1:205918374466:endpoint/"
UNIT_ARN = "arn:aws:bedrock:us-east-1:205918374466:provisioned-model/"
UNITS_OF = {name: f"{UNIT_ARN}{at:012d}" for at, name in enumerate((*CALLS, "unmeasured"))}
NAMES_OF = {name: f"{ARN}{name.replace(' ', '-').lower()}" for name in (*CALLS, "unmeasured")}
LOOK = Look(
    days=14, last_day=LAST, now=AT, limits=SavingsThresholds(),
    uses={IDS_OF[name]: use for name, use in USES.items()} | {NAMES_OF[name]: use for name, use in CALLS.items()}
    | {UNITS_OF[name]: use for name, use in CALLS.items()},
)  # fmt: skip
GROUP = "arn:aws:autoscaling:us-east-1:205918374466:autoScalingGroupName/"


def grouped(cpu: str, minimum: int = 8, running: int = 0, *, hours: int = 336, ago: int = 10) -> list[GroupHour]:
    """Hours that are all alike, the last of them so many hours ago."""
    at = [AT - timedelta(hours=ago + back) for back in range(hours)]
    return [GroupHour(hour, Decimal(cpu), minimum, running or minimum) for hour in at]


def twice(quiet: list[GroupHour], busy: list[GroupHour]) -> list[GroupHour]:
    """Half of the hours quiet, half busy."""
    return [one for pair in zip(quiet[::2], busy[1::2], strict=True) for one in pair]


GROUPS = {
    "quiet": grouped("10"),
    "twin": grouped("10"),
    "busy": grouped("45"),
    "two": grouped("3", 2),
    "nights": twice(grouped("15", 6), grouped("45", 6, 10)),
    "never at its minimum": grouped("45", 6, 10),
    "rush": grouped("80")[:24] + grouped("10")[24:],
    "one bad hour in twenty": [*grouped("80")[:16], *grouped("10")[16:]],
    "raised": grouped("10")[:72] + grouped("10", 7, 8)[72:],
    "gaps": grouped("10", hours=200),
    "stale": grouped("10", ago=72),
    "no minimum": [replace(one, minimum=None) for one in grouped("10")],
    "empty": grouped("0", 0, 1),
}
LOOK = replace(LOOK, groups={GROUP + name: tuple(hours) for name, hours in GROUPS.items()})
LOOK = replace(LOOK, namesakes=frozenset({f"{GROUP}twin"}))


WASTE, FINE, UNKNOWN = Verdict.WASTE, Verdict.FINE, Verdict.UNKNOWN


def meter(
    name: str, unit: str, a_day: str, price: str, *, days: int = 14, bare: str = "1", least: str = "", last: date = LAST
) -> Meter:
    """A meter that counts the same on every day; `bare` is the share that no commitment covers."""
    quantity, cost = Decimal(a_day) * days, Decimal(a_day) * Decimal(price)
    return Meter(
        name=name, unit=unit, months=(MonthOfMeter(LAST.replace(day=1), quantity, days),), list_cost=cost * days,
        effective=cost * days, uncovered=cost * days * Decimal(bare), least_day=cost, most_day=cost,
        least_quantity=Decimal(least or a_day), most_quantity=Decimal(a_day),
        first_day=last - timedelta(days=days - 1), last_day=last,
    )  # fmt: skip


def resource(resource_id: str, *meters: Meter, environment: str = "development") -> Metered:
    return Metered(
        resource_id=resource_id, name="x", provider="AWS", service="", account="205918374466", region="us-east-1",
        team="t", use_case="", environment=environment, currency="USD", details="", instance_type="", meters=meters,
    )  # fmt: skip


def disk(gib: int, name: str = "EBS:VolumeUsage.gp2", **more: Any) -> Metered:
    held = format(Decimal(gib) / 31, "f")
    return resource("vol-0123456789abcdef0", meter(name, more.pop("unit", "GB-Mo"), held, "0.10", **more))


def eip(name: str = "PublicIPv4:IdleAddress", **more: Any) -> Metered:
    arn = "arn:aws:ec2:us-east-1:205918374466:elastic-ip/eipalloc-0123456789abcdef0"
    return resource(arn, meter(name, "Hrs", "24", "0.005", **more))


def book(a_day: str = "24", environment: str = "development", **more: Any) -> Metered:
    arn = "arn:aws:sagemaker:us-east-1:205918374466:notebook-instance/lab"
    return resource(arn, meter("ml.t3.xlarge notebook", "Hours", a_day, "0.2", **more), environment=environment)


def machine(kind: str, price: str, name: str = "BoxUsage", region: str = "us-east-1", **more: Any) -> Metered:
    made = resource("i-0123456789abcdef0", meter(f"{name}:{kind}", "Hrs", "24", price, **more))
    return replace(made, instance_type=kind, region=region)


def used(name: str) -> Metered:
    return replace(machine("m6a.2xlarge", "0.344"), resource_id=IDS_OF[name])


def typed(kind: str) -> Metered:
    return replace(used("still"), instance_type=kind)


def hosted(name: str, machines: int = 1, **more: Any) -> Metered:
    made = resource(NAMES_OF[name], meter("ml.g5.2xlarge hosting", "Hours", str(24 * machines), "1.515", **more))
    return replace(made, instance_type="ml.g5.2xlarge")


def scaled(name: str, machines: int = 8, kind: str = "m7i.xlarge", **more: Any) -> Metered:
    """A group by its machines' hours: so many of them on the average."""
    made = resource(GROUP + name, meter(f"BoxUsage:{kind}", "Hrs", str(24 * machines), "0.2016", **more))
    return replace(made, instance_type=kind)


def units(name: str, count: int = 1, meter_name: str = "model unit, no commitment", **more: Any) -> Metered:
    return resource(UNITS_OF[name], meter(meter_name, "Hours", str(24 * count), "39.6", **more))


def logs(gb: str, a_day: str = "10", name: str = "/bank/scoring", **more: Any) -> Metered:
    """So many GB stored, and so many that arrive on every day; none where `a_day` is empty."""
    stored = meter("TimedStorage-ByteHrs", "GB-Mo", format(Decimal(gb) / 31, "f"), "0.03", **more)
    arrived = (meter("DataProcessing-Bytes", "GB", a_day, "0.5"),) if a_day else ()
    return resource(f"arn:aws:logs:us-east-1:205918374466:log-group:{name}", stored, *arrived)


CASES: list[tuple[str, Any, Metered, Verdict | None, str]] = [
    # gp2 → gp3: 0.10 against 0.08 dollars a GB-month; a month of 730 hours is 30.4167 of October's 31 days
    ("a small gp2 disk: gp3 has all its speed for a fifth less", old_disk, disk(100), WASTE, "1.96"),
    ("from 170 GiB on the throughput of gp2 is bought on top", old_disk, disk(900), WASTE, "12.66"),
    ("a large one needs IOPS too: 9,000 and 125 MB/s more", old_disk, disk(4000), WASTE, "28.49"),
    ("at 200 GiB that costs more than gp3 saves", old_disk, disk(200), FINE, ""),
    ("a disk of 10 GiB is not worth a person's vote", old_disk, disk(10), FINE, ""),
    ("gp3 is what it should be", old_disk, disk(100, "EBS:VolumeUsage.gp3"), None, ""),
    ("IOPS are no storage", old_disk, disk(100, "EBS:VolumeP-IOPS.gp2"), None, ""),
    ("a disk that is billed no longer is gone", old_disk, disk(100, last=LAST - timedelta(days=2)), None, ""),
    ("a size that changed: what it is now the sum cannot tell", old_disk, disk(100, least="1.5"), UNKNOWN, ""),
    ("a plan of compute hours covers no disk, but if one does it saves nothing in cash", old_disk,
     disk(100, bare="0"), FINE, ""),
    # idle addresses: 0.005 dollars an hour
    ("idle on all fourteen days", idle_address, eip(), WASTE, "3.65"),
    ("the older name of the meter", idle_address, eip("ElasticIP:IdleAddress"), WASTE, "3.65"),
    ("idle for thirteen days: somebody may have just put it there", idle_address, eip(days=13), FINE, ""),
    ("in use", idle_address, eip("PublicIPv4:InUseAddress"), None, ""),
    ("released two days ago", idle_address, eip(last=LAST - timedelta(days=2)), None, ""),
    ("idle by one meter and in use by another: it is moved about", idle_address,
     resource(eip().resource_id, *eip().meters, *eip("PublicIPv4:InUseAddress").meters), FINE, ""),
    # machines without GPUs: their use is in USES, by name
    ("neither CPU nor network on any day", idle_machine, used("still"), WASTE, "251.12"),
    ("one busy hour is use", idle_machine, used("busy"), FINE, ""),
    ("hardly any CPU, yet its network is in use", idle_machine, used("network"), FINE, ""),
    ("a third of its hours was never measured", idle_machine, used("gaps"), UNKNOWN, ""),
    ("the last metric is three days old", idle_machine, used("stale"), UNKNOWN, ""),
    ("CPU was never measured", idle_machine, used("no cpu"), UNKNOWN, ""),
    ("busy by its network, though CPU was never measured", idle_machine, used("no cpu, busy"), FINE, ""),
    ("nothing was measured: counted, not judged", idle_machine, used("unmeasured"), None, ""),
    ("a GPU machine is for another rule", idle_machine, replace(used("still"), instance_type="g5.xlarge"), None, ""),
    ("a Trainium machine: its work shows in neither", idle_machine, typed("trn1.2xlarge"), None, ""),
    ("an Inferentia machine", idle_machine, typed("inf2.xlarge"), None, ""),
    ("a Gaudi machine, which no price list holds any more", idle_machine, typed("dl1.24xlarge"), None, ""),
    ("a machine for video", idle_machine, typed("vt1.3xlarge"), None, ""),
    ("a machine of a type that is not told: it may have GPUs", idle_machine, typed(""), UNKNOWN, ""),
    ("not told, yet busy", idle_machine, replace(used("busy"), instance_type=""), FINE, ""),
    ("eight days old: its month is at the rate of eight days, not of fourteen", idle_machine,
     replace(machine("m6a.2xlarge", "0.344", days=8), resource_id=IDS_OF["still"]), WASTE, "251.12"),
    # old generations, by the shipped price book of 19 January 2026
    ("m4.4xlarge at 0.80 dollars; m5a.4xlarge is as large at 0.688", old_generation, machine("m4.4xlarge", "0.80"),
     WASTE, "81.76"),
    ("two days old: the same a month", old_generation, machine("m4.4xlarge", "0.80", days=2), WASTE, "81.76"),
    ("a machine with accelerators is not for this rule", old_generation, machine("inf1.xlarge", "0.228"), None, ""),
    ("a plan covers it: no cash is saved", old_generation, machine("m4.4xlarge", "0.80", bare="0"), FINE, ""),
    ("everything as large as c4.8xlarge costs more", old_generation, machine("c4.8xlarge", "1.591"), FINE, ""),
    ("how fast another GPU is no list tells", old_generation, machine("p3.8xlarge", "12.24"), None, ""),
    ("a few dollars are not worth a restart", old_generation, machine("m4.large", "0.10", bare="0.5"), FINE, ""),
    ("a current type", old_generation, machine("m7i.4xlarge", "0.8064"), None, ""),
    ("a type that stands in no list", old_generation, machine("m1.large", "0.175"), UNKNOWN, ""),
    ("a region without prices", old_generation, machine("m4.4xlarge", "0.80", region="af-south-1"), UNKNOWN, ""),
    ("Windows has other prices than the book's", old_generation, machine("m4.4xlarge", "1.5", "BoxUsage Windows"),
     UNKNOWN, ""),
    ("stopped two days ago", old_generation, machine("m4.4xlarge", "0.80", last=LAST - timedelta(days=2)), None, ""),
    # log groups: 0.03 dollars a GB-month; 10 GB a day arrive and are billed as 1.5 GB, so that 3,000 GB are 2,000 days
    ("holds five and a half years: all but one of them", log_retention, logs("3000"), WASTE, "72.19"),
    ("holds a year and no more", log_retention, logs("547"), FINE, ""),
    ("holds years, but too little to be worth two people's votes", log_retention, logs("30", "0.1"), FINE, ""),
    ("an auditor may ask for it", log_retention, logs("3000", name="/bank/payments-AUDIT"), FINE, ""),
    ("nothing arrives: nobody knows how old it is", log_retention, logs("3000", ""), UNKNOWN, ""),
    ("a commitment covers no logs, but if one did it would save no cash", log_retention, logs("3000", bare="0"), FINE,
     ""),
    ("what arrives and is not stored", log_retention,
     resource("arn:aws:logs:us-east-1:205918374466:log-group:x", meter("DataProcessing-Bytes", "GB", "9", "0.5")), None,
     ""),
    ("deleted two days ago", log_retention,
     resource("arn:aws:logs:us-east-1:205918374466:log-group:x",
              meter("TimedStorage-ByteHrs", "GB-Mo", "9", "0.03", last=LAST - timedelta(days=2))), None, ""),
    # scaling groups: 0.2016 dollars an hour and machine; their hours are in GROUPS, by name
    ("8 machines at 10 % need 2: a minimum of 3 lets 5 go", group_minimum, scaled("quiet"), WASTE, "735.84"),
    ("8 at 45 % need them all", group_minimum, scaled("busy"), FINE, ""),
    ("two always stay, one in each zone", group_minimum, scaled("two", 2), FINE, ""),
    ("6 at night at 15 % need 2, by day it has 10: 3 go in half of the hours", group_minimum, scaled("nights"), WASTE,
     "220.75"),
    ("never at its minimum: the minimum holds nothing", group_minimum, scaled("never at its minimum", 10), FINE, ""),
    ("busy in more than one hour in twenty", group_minimum, scaled("rush"), FINE, ""),
    ("busy in fewer: the group's policy meets those", group_minimum, scaled("one bad hour in twenty"), WASTE, "700.80"),
    ("a minimum that somebody raised within the look-back", group_minimum, scaled("raised"), UNKNOWN, ""),
    ("two fifths of its hours were never counted", group_minimum, scaled("gaps"), UNKNOWN, ""),
    ("counted until three days ago", group_minimum, scaled("stale"), UNKNOWN, ""),
    ("its metrics are not switched on: its minimum is not known", group_minimum, scaled("no minimum"), UNKNOWN, ""),
    ("nothing was counted", group_minimum, scaled("unheard of"), UNKNOWN, ""),
    ("the bill shows half of the machines: another group of this name was counted", group_minimum, scaled("quiet", 4),
     UNKNOWN, ""),
    ("another region has a group of its name and size: the metrics may be of that one", group_minimum, scaled("twin"),
     UNKNOWN, ""),
    ("machines with GPUs: CPU tells nothing of them", group_minimum, scaled("quiet", kind="g5.xlarge"), UNKNOWN, ""),
    ("machines of two kinds count differently", group_minimum,
     replace(scaled("quiet", 4), meters=(*scaled("quiet", 4).meters, *scaled("quiet", 4, "m7i.large").meters)),
     UNKNOWN, ""),
    ("a plan covers its machines: no cash is saved", group_minimum, scaled("quiet", bare="0"), FINE, ""),
    ("a minimum of none", group_minimum, scaled("empty", 1), FINE, ""),
    ("its machines were billed until two days ago", group_minimum, scaled("quiet", last=LAST - timedelta(days=2)), None,
     ""),
    ("a machine is no group", group_minimum, used("still"), None, ""),
    # provisioned throughput: 39.60 dollars an hour and model unit; their calls are in CALLS, by name
    ("no call in fourteen days", unused_throughput, units("uncalled"), WASTE, "28908.00"),
    ("two model units are billed for one hour, which is counted once", unused_throughput, units("uncalled", 2), WASTE,
     "57816.00"),
    ("one call is use", unused_throughput, units("called once"), FINE, ""),
    ("bought for a term: nothing is saved before its end, which no bill tells", unused_throughput,
     units("uncalled", meter_name="ProvisionedThroughput-6MonthCommitment"), UNKNOWN, ""),
    ("bought for a term and called", unused_throughput,
     units("called once", meter_name="ProvisionedThroughput-1MonthCommitment"), FINE, ""),
    ("bought by the hour, in the other spelling", unused_throughput,
     units("uncalled", meter_name="ProvisionedThroughput-NoCommitment-ModelUnits"), WASTE, "28908.00"),
    ("half of its hours were not counted", unused_throughput, units("half counted"), UNKNOWN, ""),
    ("calls were counted until three days ago", unused_throughput, units("counted until Thursday"), UNKNOWN, ""),
    ("its calls were never counted: silence is no zero", unused_throughput, units("unmeasured"), UNKNOWN, ""),
    ("something else of it was measured", unused_throughput, units("CPU only"), UNKNOWN, ""),
    ("deleted two days ago", unused_throughput, units("uncalled", last=LAST - timedelta(days=2)), None, ""),
    ("tokens of a model are no throughput", unused_throughput,
     resource("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude", *units("uncalled").meters), None, ""),
    # endpoints: 1.515 dollars an hour and machine; their calls are in CALLS, by name
    ("no call in fourteen days", idle_endpoint, hosted("uncalled"), WASTE, "1105.95"),
    ("two machines are billed for one hour, which is counted once", idle_endpoint, hosted("uncalled", 2), WASTE,
     "2211.90"),
    ("one call is use", idle_endpoint, hosted("called once"), FINE, ""),
    ("half of its hours were not counted", idle_endpoint, hosted("half counted"), UNKNOWN, ""),
    ("calls were counted until three days ago", idle_endpoint, hosted("counted until Thursday"), UNKNOWN, ""),
    ("three days old and counted ever since", idle_endpoint, hosted("of three days", days=3), WASTE, "1105.95"),
    ("a plan covers half of its hours: the other half is cash", idle_endpoint, hosted("uncalled", bare="0.5"), WASTE,
     "552.98"),
    ("its processors were measured, its calls were not: not judged", idle_endpoint, hosted("CPU only"), None, ""),
    ("nothing was measured: counted, not judged", idle_endpoint, hosted("unmeasured"), None, ""),
    ("deleted two days ago", idle_endpoint, hosted("uncalled", last=LAST - timedelta(days=2)), None, ""),
    ("a serverless one is not billed by the hour", idle_endpoint,
     resource(NAMES_OF["uncalled"], meter("Serverless Inference", "GB-Second", "5", "0.02")), None, ""),
    ("a notebook is no endpoint", idle_endpoint, book(), None, ""),
    # notebooks: 0.20 dollars an hour, 118 of 168 hours outside working time
    ("around the clock", notebook, book(), WASTE, "102.55"),
    ("switched off in the evening", notebook, book("10"), FINE, ""),
    ("off on some days", notebook, book(days=10), FINE, ""),
    ("one short day is a day on which somebody switched it off", notebook, book(least="12"), FINE, ""),
    ("production is left alone", notebook, book(environment="production"), FINE, ""),
    ("whose environment nobody knows", notebook, book(environment="(untagged)"), UNKNOWN, ""),
    ("an endpoint is no notebook", notebook,
     resource("arn:aws:sagemaker:us-east-1:205918374466:endpoint/lab", *book().meters), None, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sentence", "rule", "what", "verdict", "saving"), CASES, ids=[f"{row[1].FORM.name}: {row[0]}" for row in CASES]
)
def test_the_rule_says(sentence: str, rule: Any, what: Metered, verdict: Verdict | None, saving: str) -> None:
    assert_says(rule.judge(what, LOOK), sentence, verdict, saving)


def assert_says(said: Judgement | None, sentence: str, verdict: Verdict | None, saving: str) -> None:
    """What a row of a table tells: the verdict, the money to the cent, and of what is unknown what is missing."""
    assert (said.finding.verdict if said else None) == verdict, sentence
    if saving:
        assert said is not None
        assert said.money is not None
        assert round(said.money.cash, 2) == Decimal(saving)
        assert said.money.low <= said.money.cash <= said.money.high
    if verdict == UNKNOWN:
        assert said is not None
        assert said.finding.missing


def test_the_amount_that_people_decide_on_is_of_the_days_that_a_machine_was_there() -> None:
    """0.344 dollars an hour are 3,013.44 in 8,760 hours, whether it began a day ago or long before the look-back."""
    for days in (1, 8, 14):
        resource = replace(machine("m6a.2xlarge", "0.344", days=days), resource_id=IDS_OF["still"])
        said = idle_machine.judge(resource, LOOK)
        assert said is not None
        assert said.money is not None
        assert said.money.annual_cost == Decimal("3013.44")


def test_a_machines_type_is_that_of_its_hours_and_of_no_other_line(tmp_path: Path) -> None:
    """A disk and traffic are billed under the machine's id, later in the day and with details of their own."""
    about: dict[str, str] = {"ResourceId": IDS_OF["still"], "ServiceCategory": "Compute"}
    rows: list[Charge] = []
    for day in days_of(LAST - timedelta(days=13), 14):
        rows.append(charge(day, "120", PricingUnit="Hrs", SkuMeter="BoxUsage:g5.12xlarge", **about))
        rows.append(charge(day, "1", PricingUnit="GB", SkuMeter="DataTransfer-Out-Bytes", **about))
    rows.append(charge(LAST + timedelta(days=1), "1", PricingUnit="GB", SkuMeter="m5.large transfer", **about))
    found = resources(lake_of(tmp_path, rows), Period(LAST - timedelta(days=20), LAST + timedelta(days=2)), ids="i-")
    assert [one.instance_type for one in found.found] == ["g5.12xlarge"]
    rows = [charge(LAST, "1", PricingUnit="GB", SkuMeter="m5.large transfer", **about)]
    rows.append(charge(LAST, "1", PricingUnit="Hrs", SkuMeter="BoxUsage", **about))
    found = resources(lake_of(tmp_path / "untold", rows), Period(LAST, LAST + timedelta(days=1)), ids="i-")
    assert [one.instance_type for one in found.found] == [""]


def test_what_was_not_measured_is_counted_under_the_same_filter(tmp_path: Path) -> None:
    rows: list[Charge] = []
    for number, team in enumerate(("fraud", "fraud", "treasury"), 1):
        rows += [
            machine_day(day, f"m-{number}", number, Tags=json.dumps({"team": team}), PricingUnit="Hrs",
                        SkuPriceDetails=json.dumps({"InstanceType": "m5.large"}))
            for day in days_of(LAST - timedelta(days=13), 14)
        ]  # fmt: skip
    desk = desk_of(lake_of(tmp_path, rows), now=AT)
    asked: list[tuple[dict[str, str], int]] = [({}, 3), ({"team": "treasury"}, 1)]
    for where, count in asked:
        notes = " ".join(find_savings(desk, where=where).notes)
        assert f"{count} running machines without GPUs have no metrics" in notes


def test_every_rule_has_a_row_that_fires_and_one_that_does_not() -> None:
    for rule in (
        old_disk,
        idle_address,
        notebook,
        old_generation,
        idle_machine,
        idle_endpoint,
        log_retention,
    ):
        verdicts = {row[3] for row in CASES if row[1] is rule}
        assert verdicts >= {WASTE, FINE, None}


def test_gp3s_price_is_the_bills_own_where_it_shows_one() -> None:
    dear = replace(LOOK, disk_prices={("USD", "us-east-1", "gp3"): Decimal("0.09")})
    said, by_table = old_disk.judge(disk(100), dear), old_disk.judge(disk(100), LOOK)
    assert said is not None
    assert by_table is not None
    assert said.money is not None
    assert by_table.money is not None
    assert round(said.money.cash, 2) == Decimal("0.98")
    assert (said.money.confidence, by_table.money.confidence) == (Confidence.HIGH, Confidence.MEDIUM)


def test_covered_hours_save_no_cash_and_the_interval_says_so() -> None:
    made = money(book(bare="0.25").meters, days=14, share=Decimal(1), hours_per_month=730)
    assert (made.cash, made.effective, made.list_price) == (Decimal("36.5"), Decimal(146), Decimal(146))
    assert (made.low, made.high, made.confidence) == (Decimal("36.5"), Decimal(146), Confidence.LOW)
    assert made.annual_cost == Decimal(146 * 12)
