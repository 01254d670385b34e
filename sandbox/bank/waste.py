"""Waste planted in the bank on request: resources that a rule of savings must find, and others that only look so.

Apart from the bank as it always is, so that what is graded on that one stays comparable.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa

from sandbox.bank.calendar import Calendar, Floats
from sandbox.bank.line import Book, Line, usage
from sandbox.bank.machines import EBS, EC2
from sandbox.bank.organisation import ACCOUNTS, AWS, tags
from sandbox.bank.platform_aws import CLOUDWATCH, SAGEMAKER
from sandbox.bank.tokens import SERVICES
from sandbox.bank.waste_capacity import add_reserved, reserved_truth
from sandbox.bank.waste_groups import add_planted_groups, groups_in_cloud, groups_truth, groups_utilisation
from sandbox.bank.waste_hours import add_planted_desks, desks_in_cloud, desks_truth, desks_utilisation
from sandbox.bank.waste_inventory import add_lying, lying_in_cloud, lying_truth
from sandbox.bank.waste_models import add_planted_uses, uses_truth
from sandbox.bank.waste_projects import add_planted_projects
from sandbox.bank.waste_serving import add_planted_serving, serving_in_cloud, serving_truth, serving_utilisation

DISK, ADDRESS, NOTEBOOK, OLD = "gp2_to_gp3", "idle_address", "notebook_left_on", "old_generation"
IDLE, ENDPOINT, LOGS, UNITS = "idle_machine", "idle_endpoint", "log_retention", "unused_throughput"
LARGE, OVERSIZED = "rightsize_machine", "oversized_endpoint"
HOSTED, MACHINES = (ENDPOINT, OVERSIZED), (OLD, IDLE, LARGE)
REGION = "us-east-1"
HOURS_PER_MONTH = 730
WINDOW = 14


@dataclass(frozen=True)
class Planted:
    """One resource: how it is billed, and what a rule must say of it ("waste", "fine" or "unknown"), with the reason.

    `amount` is GiB of a disk, GB of logs or hours a day; `share` how much of its cost goes if the rule is followed,
    and `less` what is paid instead, in dollars a month at list price. `kind` is a type, or the GB of logs that arrive.
    """

    rule: str
    name: str
    account: str
    team: str
    environment: str
    amount: int
    verdict: str
    why: str
    kind: str = ""
    share: Decimal = Decimal(1)
    less: Decimal = Decimal(0)
    tagged: bool = True
    days: int = 60
    busy: str = ""

    def identity(self, seed: int) -> str:
        """The resource's id, the same for a seed whatever else is planted."""
        drawn = sha256(f"{seed}/waste/{self.name}".encode()).hexdigest()[:17]
        beginning = {DISK: "vol-", ADDRESS: "eipalloc-", **dict.fromkeys(MACHINES, "i-")}
        if self.rule == UNITS:
            return drawn[:12]
        return f"{beginning[self.rule]}{drawn}" if self.rule in beginning else self.name

    def bill_id(self, seed: int) -> str:
        """The id as AWS's bill writes it."""
        account, mine = ACCOUNTS[self.account].id, self.identity(seed)
        if self.rule == ADDRESS:
            return f"arn:aws:ec2:{REGION}:{account}:elastic-ip/{mine}"
        if self.rule in (DISK, *MACHINES):
            return mine
        if self.rule == LOGS:
            return f"arn:aws:logs:{REGION}:{account}:log-group:{mine}"
        if self.rule == UNITS:
            return f"arn:aws:bedrock:{REGION}:{account}:provisioned-model/{mine}"
        kind = "endpoint" if self.rule in HOSTED else "notebook-instance"
        return f"arn:aws:sagemaker:{REGION}:{account}:{kind}/{mine}"


GP3 = Decimal("0.2")  # 0.08 against 0.10 dollars
NIGHTS = 1 - Decimal(50) / 168

WASTE: tuple[Planted, ...] = (
    Planted(DISK, "ledger-archive-gp2", "core", "core-banking", "production", 100, "waste", "small gp2", "gp2", GP3),
    Planted(DISK, "payments-mq-gp2", "payments", "payments", "production", 900, "waste",
            "throughput bought on top", "gp2", GP3, Decimal("0.04") * 125),
    Planted(DISK, "risk-mart-gp2", "data", "data-platform", "production", 4000, "waste",
            "IOPS and throughput bought on top", "gp2", GP3, Decimal("0.005") * 9000 + Decimal("0.04") * 125),
    Planted(DISK, "mobile-cache-gp2", "digital", "digital-channels", "staging", 200, "fine",
            "the throughput that it has costs more than gp3 saves", "gp2", GP3),
    Planted(DISK, "web-logs-gp3", "digital", "digital-channels", "production", 500, "", "is gp3 already", "gp3"),
    Planted(DISK, "claims-old-gp2", "ai", "claims-automation", "production", 800, "", "was deleted a week ago", "gp2",
            days=-7),
    Planted(ADDRESS, "partner-vpn-old", "shared", "infrastructure", "production", 24, "waste",
            "idle every hour", "PublicIPv4:IdleAddress"),
    Planted(ADDRESS, "demo-2025", "digital", "digital-channels", "development", 24, "waste",
            "idle every hour", "PublicIPv4:IdleAddress"),
    Planted(ADDRESS, "web-edge-vip", "digital", "digital-channels", "production", 24, "",
            "in use", "PublicIPv4:InUseAddress"),
    Planted(ADDRESS, "just-allocated", "payments", "payments", "production", 24, "fine",
            "idle for five days only", "PublicIPv4:IdleAddress", days=5),
    Planted(IDLE, "old-jump-host", "shared", "infrastructure", "production", 24, "waste",
            "neither CPU nor network", "m6a.2xlarge", busy="still"),
    Planted(IDLE, "poc-kafka-01", "digital", "digital-channels", "development", 24, "waste",
            "neither CPU nor network", "c6a.4xlarge", busy="still"),
    Planted(IDLE, "month-end-calc", "core", "core-banking", "production", 24, "fine",
            "works on one day of the fortnight", "r6a.4xlarge", busy="once"),
    Planted(IDLE, "licence-server", "shared", "infrastructure", "production", 24, "fine",
            "hardly any CPU, but its network is in use", "m6a.large", busy="network"),
    Planted(IDLE, "agent-gone-01", "data", "data-platform", "production", 24, "unknown",
            "its metrics end a week ago", "m6a.4xlarge", busy="silent"),
    Planted(OLD, "swift-gateway-01", "payments", "payments", "production", 24, "waste",
            "m5a.4xlarge is as large, 0.688 against 0.80 dollars", "m4.4xlarge", 1 - Decimal("0.688") / Decimal("0.8")),
    Planted(OLD, "ledger-report-old", "core", "core-banking", "staging", 24, "waste",
            "r5a.8xlarge is as large, 1.808 against 2.128 dollars", "r4.8xlarge",
            1 - Decimal("1.808") / Decimal("2.128")),
    Planted(OLD, "risk-calc-c4", "data", "data-platform", "production", 24, "fine",
            "whatever is as large as its 36 processors and 60 GiB costs more", "c4.8xlarge"),
    Planted(OLD, "teller-m1", "core", "core-banking", "production", 24, "unknown",
            "its type stands in no price list", "m1.large"),
    Planted(LARGE, "risk-batch-big", "data", "data-platform", "production", 24, "waste",
            "m6a.xlarge would hold it, 0.1728 against 0.6912 dollars", "m6a.4xlarge", Decimal("0.75"), busy="works"),
    Planted(LARGE, "vision-serving-big", "ai", "claims-automation", "production", 24, "waste",
            "one of its four GPUs works: g5.2xlarge, 1.212 against 5.672 dollars", "g5.12xlarge",
            1 - Decimal("1.212") / Decimal("5.672"), busy="works"),
    Planted(LARGE, "ledger-cache", "core", "core-banking", "production", 24, "fine",
            "little CPU, but its memory is full", "m6a.4xlarge", busy="works"),
    Planted(LARGE, "settlement-runs", "payments", "payments", "production", 24, "fine",
            "works hard in one hour of thirty", "m6a.4xlarge", busy="works"),
    Planted(LARGE, "fx-quotes", "core", "treasury", "production", 24, "unknown",
            "nobody measured its memory", "m6a.4xlarge", busy="works"),
    Planted(ENDPOINT, "credit-score-v3", "ai", "credit-risk", "production", 24, "waste",
            "nobody calls the old version", "ml.m5.4xlarge", busy="still"),
    Planted(ENDPOINT, "claims-poc-llm", "ai", "claims-automation", "development", 48, "waste",
            "two machines that nobody calls", "ml.g5.12xlarge", busy="still"),
    Planted(ENDPOINT, "quarter-end-stress", "ai", "treasury", "production", 24, "fine",
            "was called on one day of the fortnight", "ml.m5.4xlarge", busy="once"),
    Planted(ENDPOINT, "kyc-uncounted", "ai", "financial-crime", "production", 24, "unknown",
            "its calls were counted until a week ago", "ml.g4dn.xlarge", busy="silent"),
    Planted(OVERSIZED, "churn-score-v2", "ai", "fraud-analytics", "production", 144, "waste",
            "6 machines at 20 % need 2 at 60 %", "ml.m5.4xlarge", Decimal(4) / 6, busy="calm"),
    Planted(OVERSIZED, "payments-screen", "ai", "financial-crime", "production", 96, "fine",
            "4 machines at 70 % need all of them", "ml.m5.4xlarge", busy="hot"),
    Planted(OVERSIZED, "id-photo-check", "ai", "financial-crime", "production", 72, "unknown",
            "its GPUs were never measured", "ml.g4dn.xlarge", busy="calm"),
    Planted(UNITS, "claims-summaries-pt", "ai", "claims-automation", "production", 48, "waste",
            "two model units that nobody calls", "hourly", busy="still"),
    Planted(UNITS, "markets-brief-pt", "ai", "treasury", "production", 24, "fine",
            "was called on one day of the fortnight", "hourly", busy="once"),
    Planted(UNITS, "kyc-reader-pt", "ai", "financial-crime", "production", 24, "unknown",
            "bought for six months, of which no bill tells the end", "six months", busy="still"),
    Planted(UNITS, "rag-answers-pt", "ai", "data-platform", "production", 24, "unknown",
            "its calls were never counted", "hourly"),
    Planted(LOGS, "/bank/fraud/scoring", "ai", "fraud-analytics", "production", 6000, "waste",
            "holds eleven years of what arrives", "10", 1 - Decimal(365) / 4000),
    Planted(LOGS, "/bank/claims/llm-invocations", "ai", "claims-automation", "production", 9000, "waste",
            "prompts and answers of four years", "40", 1 - Decimal(365) / 1500),
    Planted(LOGS, "/bank/web/access", "digital", "digital-channels", "production", 900, "fine",
            "holds two hundred days", "30"),
    Planted(LOGS, "/bank/payments/audit-trail", "payments", "payments", "production", 8000, "fine",
            "its name says audit", "10"),
    Planted(LOGS, "/bank/core/old-batch", "core", "core-banking", "production", 2500, "unknown",
            "nothing arrives in it, so that nobody knows how old it is"),
    Planted(NOTEBOOK, "credit-explore-01", "ai", "credit-risk", "development", 24, "waste",
            "runs nights and weekends", "", NIGHTS),
    Planted(NOTEBOOK, "fraud-graph-lab", "ai", "fraud-analytics", "development", 24, "waste",
            "runs nights and weekends", "", NIGHTS),
    Planted(NOTEBOOK, "treasury-office", "ai", "treasury", "development", 10, "fine",
            "is switched off in the evening"),
    Planted(NOTEBOOK, "claims-prod-monitor", "ai", "claims-automation", "production", 24, "fine",
            "is production"),
    Planted(NOTEBOOK, "whose-notebook", "ai", "data-platform", "development", 24, "unknown",
            "carries no environment", tagged=False),
)  # fmt: skip
LOADS: dict[str, tuple[tuple[float, ...], ...]] = {
    "risk-batch-big": ((6, 18), (10, 18)),
    "vision-serving-big": ((3, 8), (6, 10), (4, 18), (15, 19)),
    "ledger-cache": ((4, 12), (70, 92)),
    "settlement-runs": ((5, 9), (10, 18)),
    "fx-quotes": ((6, 18), ()),
}
"""From where to where CPU, main memory, GPU activity and GPU memory of a working machine lie, in per cent."""
RUSH = 30
TYPES = {**dict.fromkeys(MACHINES, "Instance"), DISK: "Volume", ADDRESS: "Elastic IP", NOTEBOOK: "Notebook Instance",
         **dict.fromkeys(HOSTED, "Endpoint"), LOGS: "Log Group", UNITS: "Provisioned Model"}  # fmt: skip
PRICES = {"gp2": "0.1", "gp3": "0.08", "": "0.2", "m4.4xlarge": "0.8", "r4.8xlarge": "2.128", "c4.8xlarge": "1.591",
          "m1.large": "0.175", "g5.12xlarge": "5.672",
          "m6a.large": "0.0864", "m6a.2xlarge": "0.3456", "m6a.4xlarge": "0.6912",
          "c6a.4xlarge": "0.612", "r6a.4xlarge": "0.9072", "ml.m5.4xlarge": "0.922", "ml.g5.12xlarge": "7.09",
          "ml.g4dn.xlarge": "0.736", "hourly": "39.6", "six months": "22"}  # fmt: skip


CORES = {"ml.m5.4xlarge": 16, "ml.g4dn.xlarge": 4}
TERMS = {"hourly": "no commitment", "six months": "6 month commitment"}
FIXED = {ADDRESS: "0.005", LOGS: "0.03"}


def add_waste(book: Book) -> None:
    """Each planted resource as a daily series."""
    for planted in WASTE:
        book.add(_line(planted, book.calendar), _quantity(planted, book.calendar), step=1)
        if planted.rule == LOGS and planted.kind:
            arrived = np.full(book.calendar.length, float(planted.kind))
            book.add(_line(planted, book.calendar, arrived=True), arrived, step=1)
    add_planted_uses(book)
    add_planted_groups(book)
    add_planted_desks(book)
    add_planted_projects(book)
    add_planted_serving(book)
    add_lying(book)
    add_reserved(book)


def _line(planted: Planted, calendar: Calendar, *, arrived: bool = False) -> Line:
    """The resource's daily series; of a log group that of what it stores, or of what arrived in it."""
    service, meter, unit = {
        DISK: (EBS, f"{planted.kind} storage", "GB-Months"),
        ADDRESS: (EC2, planted.kind, "Hours"),
        **dict.fromkeys(MACHINES, (EC2, f"{planted.kind} Linux on-demand", "Hours")),
        NOTEBOOK: (SAGEMAKER, "ml.t3.xlarge notebook", "Hours"),
        LOGS: (CLOUDWATCH, "Logs stored", "GB-Months"),
        ENDPOINT: (SAGEMAKER, f"{planted.kind} hosting", "Hours"),
        OVERSIZED: (SAGEMAKER, f"{planted.kind} hosting", "Hours"),
        UNITS: (SERVICES["AWS"], f"Model unit of Claude 3.5 Haiku, {TERMS.get(planted.kind)}", "Hours"),
    }[planted.rule]
    key, price = f"waste/{planted.name}", FIXED.get(planted.rule) or PRICES[planted.kind]
    if arrived:
        key, meter, unit, price = f"{key}/arrived", "Logs ingested", "GB", "0.5"
    given = tags(planted.team, planted.environment)
    return usage(
        AWS, ACCOUNTS[planted.account], key=key, service=service, meter=meter, unit=unit,
        price=price, region=REGION,
        resource_id=planted.bill_id(calendar.seed), resource_name=planted.name,
        details={"InstanceType": planted.kind} if planted.rule in (*HOSTED, *MACHINES) else {},
        resource_type=TYPES[planted.rule],
        tags=given if planted.tagged else {},
    )  # fmt: skip


def _quantity(planted: Planted, calendar: Calendar) -> Floats:
    at = np.arange(calendar.length)
    there = at >= calendar.length - planted.days if planted.days > 0 else at < calendar.length + planted.days
    values = np.where(there, float(planted.amount), 0.0)
    return values / calendar.month_length if planted.rule in (DISK, LOGS) else values


def waste_truth(book: Book) -> list[dict[str, Any]]:
    """What a grader needs to know of each; the saving a month at the bank's own discount, as 730 hours of a day's."""
    costs = {line.key: row for line, row in zip(book.lines, book.effective(), strict=True)}
    told = []
    for planted in WASTE:
        resource = planted.bill_id(book.calendar.seed)
        daily = Decimal(int(costs[f"waste/{planted.name}"][-WINDOW:].sum())) / Decimal(10) ** 12 / WINDOW
        paid = Decimal(1000 - AWS.discount) / 1000
        saving = daily * HOURS_PER_MONTH / 24 * planted.share - planted.less * paid
        told.append({
            "rule": planted.rule, "resource": resource, "name": planted.name, "verdict": planted.verdict,
            "why": planted.why, "team": planted.team if planted.tagged else None,
            "saving_per_month": str(saving) if planted.verdict == "waste" else "0",
        })  # fmt: skip
    told += uses_truth(book, days=WINDOW, hours_per_month=HOURS_PER_MONTH)
    told += groups_truth(book, days=WINDOW, hours_per_month=HOURS_PER_MONTH)
    told += serving_truth(book, days=WINDOW, hours_per_month=HOURS_PER_MONTH)
    told += reserved_truth(book, days=WINDOW, hours_per_month=HOURS_PER_MONTH)
    told += desks_truth(book, days=WINDOW, hours_per_month=HOURS_PER_MONTH)
    return told + lying_truth(book, days=WINDOW, hours_per_month=HOURS_PER_MONTH)


def waste_in_cloud(calendar: Calendar) -> dict[str, list[dict[str, Any]]]:
    """The planted resources as the sandbox's AWS is to know them, by the lists of its estate."""
    lists: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("machines", "volumes", "addresses", "notebooks", "endpoints", "log_groups", "throughputs")
    }
    for planted in WASTE:
        if planted.days < 0:
            continue
        place = {"account": ACCOUNTS[planted.account].id, "region": REGION}
        given = {"Name": planted.name, **tags(planted.team, planted.environment)} if planted.tagged else {}
        mine = planted.identity(calendar.seed)
        if planted.rule in MACHINES:
            lists["machines"].append(_machine(planted, mine, place, given))
        elif planted.rule == DISK:
            made = {"volume_id": mine, "zone": f"{REGION}a", "size": planted.amount, "type": planted.kind}
            made |= _attached(planted, calendar.seed)
            lists["volumes"].append({**place, **made, "tags": given})
        elif planted.rule == ADDRESS:
            lists["addresses"].append({**place, "allocation_id": mine, "tags": given})
        elif planted.rule == LOGS:
            lists["log_groups"].append({**place, "log_group": mine, "tags": given})
        elif planted.rule == UNITS:
            term = {"commitment": "SixMonths", "until": "2099-06-30T00:00:00Z"} if planted.kind != "hourly" else {}
            model = "anthropic.claude-3-5-haiku-20241022-v1:0"
            made = {"throughput": mine, "name": planted.name, "model": model, "units": planted.amount // 24, **term}
            lists["throughputs"].append({**place, **made, "tags": given})
        elif planted.rule in HOSTED:
            made = {"endpoint": mine, "config": f"{mine}-config", "instance_type": planted.kind}
            made["machines"] = planted.amount // 24
            lists["endpoints"].append({**place, **made, "tags": given})
        else:
            made = {"notebook": mine, "instance_type": "ml.t3.xlarge", "status": "InService"}
            lists["notebooks"].append({**place, **made, "tags": given})
    for name, more in (*groups_in_cloud(calendar).items(), *lying_in_cloud(calendar).items()):
        lists[name] = [*lists.get(name, []), *more]
    lists["machines"] += desks_in_cloud(calendar)
    lists["endpoints"] += serving_in_cloud()
    return lists


def _attached(planted: Planted, seed: int) -> dict[str, str]:
    """To which machine of its account this disk is attached."""
    mine = [one for one in WASTE if one.account == planted.account]
    machine = next(one for one in mine if one.rule in MACHINES)
    at = [one for one in mine if one.rule == DISK].index(planted)
    return {"attached_to": machine.identity(seed), "device": f"/dev/sd{'fghij'[at]}"}


def _machine(planted: Planted, mine: str, place: dict[str, str], given: dict[str, str]) -> dict[str, Any]:
    return {
        **place, "instance_id": mine, "name": planted.name, "instance_type": planted.kind, "zone": f"{REGION}a",
        "account_name": ACCOUNTS[planted.account].name, "gpus": 4 if planted.kind.startswith("g5") else 0,
        "tags": given, "state": "running",
        "launch_time": "2023-02-01T09:00:00Z",
    }  # fmt: skip


DAYS = 21


def waste_utilisation(calendar: Calendar) -> Any:
    """What was measured of the planted resources that somebody watches, hour by hour, for the last three weeks."""
    tables = [_used(planted, calendar) for planted in WASTE if planted.busy]
    tables += [groups_utilisation(calendar), desks_utilisation(calendar), serving_utilisation(calendar)]
    return pa.concat_tables(tables, promote_options="default")


def _used(planted: Planted, calendar: Calendar) -> Any:
    """Calls of an endpoint, CPU and network of a machine; of one whose agent fell silent not those of the last week."""
    count = DAYS * 24
    start = datetime.combine(calendar.until - timedelta(days=DAYS - 1), time(0), tzinfo=UTC)
    moments = int(start.timestamp()) * 1_000_000 + np.arange(count, dtype=np.int64) * 3_600_000_000
    measured = _called(planted, count) if planted.rule in (*HOSTED, UNITS) else _worked(planted, calendar, count)
    table = pa.table({
        "ResourceId": pa.array([planted.bill_id(calendar.seed)] * count, pa.string()),
        "HourStart": pa.array(moments, pa.int64()).cast(pa.timestamp("us", tz="UTC")),
        **measured,
    })  # fmt: skip
    return table.slice(0, count - 7 * 24) if planted.busy == "silent" else table


def _called(planted: Planted, count: int) -> dict[str, Any]:
    called = (np.arange(count) // 24 == DAYS - 5) & (planted.busy == "once")
    if planted.rule != OVERSIZED:
        return {"invocations": pa.array(np.where(called, 40, 0).astype(np.int64))}
    at = (20 if planted.busy == "calm" else 70) * CORES[planted.kind]
    return {
        "invocations": pa.array(np.full(count, 900, np.int64)),
        "cpu_cores_pct": pa.array(np.full(count, float(at))),
    }


def _worked(planted: Planted, calendar: Calendar, count: int) -> dict[str, Any]:
    hour, rng = np.arange(count), calendar.rng(f"waste/{planted.name}")
    if planted.busy == "works":
        return _loaded(planted.name, hour, rng)
    cpu, network = 0.4 + 2.5 * rng.random(count), 3e4 + 8e4 * rng.random(count)
    if planted.busy == "once":
        cpu = np.where(hour // 24 == DAYS - 5, 30 + 50 * rng.random(count), cpu)
    if planted.busy == "network":
        network = network * 40
    nothing = pa.nulls(count, pa.float64())
    return {
        "cpu_max_pct": pa.array(np.round(cpu, 2)),
        "gpu_active_pct": nothing, "gpu_encoder_pct": nothing, "gpu_memory_pct": nothing,
        "network_bytes": pa.array(np.rint(network).astype(np.int64)),
        "memory_pct": pa.array(np.round(60 + 15 * rng.random(count), 2)),
    }  # fmt: skip


def _loaded(name: str, hour: Any, rng: Any) -> dict[str, Any]:
    """A machine that works, every hour between the same two levels of each; one of them hard every RUSH hours."""
    columns = ("cpu_max_pct", "memory_pct", "gpu_active_pct", "gpu_memory_pct")
    told: dict[str, Any] = {one: pa.nulls(len(hour), pa.float64()) for one in (*columns, "gpu_encoder_pct")}
    for column, levels in zip(columns, LOADS[name], strict=False):
        if levels:
            low, high = levels
            values = low + (high - low) * rng.random(len(hour))
            if column == "cpu_max_pct" and name == "settlement-runs":
                values = np.where(hour % RUSH == 0, 75.0, values)
            told[column] = pa.array(np.round(values, 2))
    if len(LOADS[name]) > 2:
        told["gpu_encoder_pct"] = pa.array(np.zeros(len(hour)))
    return {**told, "network_bytes": pa.array(np.rint(5e8 + 1e9 * rng.random(len(hour))).astype(np.int64))}
