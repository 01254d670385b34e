"""Machines for development planted in the bank on request: some that run unused through nights and weekends.

Their working hours are those that rules ship with, 7 to 20 o'clock from Monday to Friday in UTC: 65 of 168 hours.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa

from sandbox.bank.calendar import Calendar, Floats
from sandbox.bank.line import Book, usage
from sandbox.bank.machines import EC2
from sandbox.bank.organisation import ACCOUNTS, AWS, tags

RULE, REGION, DAYS = "off_hours", "us-east-1", 21
OFF = Fraction(168 - 65, 168)


@dataclass(frozen=True)
class Desk:
    """One machine. `nightly`: a job runs at two o'clock; `silent`: nothing was measured in the last week; `evenings`:
    it is switched off from 20 to 7 o'clock.
    """

    name: str
    account: str
    team: str
    kind: str
    price: str
    verdict: str
    why: str
    environment: str = "development"
    nightly: bool = False
    silent: bool = False
    evenings: bool = False
    tag: str = ""

    def identity(self, seed: int) -> str:
        """The machine's id, the same for a seed whatever else is planted."""
        return f"i-{sha256(f'{seed}/hours/{self.name}'.encode()).hexdigest()[:17]}"


MACHINES: tuple[Desk, ...] = (
    Desk("dev-build-01", "digital", "digital-channels", "c6a.4xlarge", "0.612", "waste", "used by day only"),
    Desk("dev-risk-models", "data", "data-platform", "r6a.4xlarge", "0.9072", "waste", "used by day only"),
    Desk("dev-regression", "core", "core-banking", "m6a.4xlarge", "0.6912", "fine", "tests run at night", nightly=True),
    Desk("dev-demo-env", "digital", "digital-channels", "m6a.2xlarge", "0.3456", "fine",
         "its tag says that it is to run", tag="always-on"),
    Desk("dev-evenings", "payments", "payments", "m6a.4xlarge", "0.6912", "fine", "is switched off in the evening",
         evenings=True),
    Desk("report-by-day", "core", "core-banking", "m6a.4xlarge", "0.6912", "fine", "is production", "production"),
    Desk("dev-agent-gone", "data", "data-platform", "m6a.4xlarge", "0.6912", "unknown", "its metrics end a week ago",
         silent=True),
)  # fmt: skip


def add_planted_desks(book: Book) -> None:
    """Each machine as a daily series of hours."""
    for desk in MACHINES:
        more = {desk.tag: "yes"} if desk.tag else {}
        line = usage(
            AWS, ACCOUNTS[desk.account], key=f"hours/{desk.name}", service=EC2,
            meter=f"{desk.kind} Linux on-demand", unit="Hours", price=desk.price, region=REGION,
            resource_id=desk.identity(book.calendar.seed), resource_name=desk.name, resource_type="Instance",
            details={"InstanceType": desk.kind}, tags={**tags(desk.team, desk.environment), **more},
        )  # fmt: skip
        book.add(line, _hours(desk, book.calendar), step=1)


def _hours(desk: Desk, calendar: Calendar) -> Floats:
    at = np.arange(calendar.length)
    a_day = 13.0 if desk.evenings else 24.0
    return np.where(at >= calendar.length - 60, a_day, 0.0)


def desks_truth(book: Book, *, days: int, hours_per_month: int) -> list[dict[str, Any]]:
    """What a grader needs to know of each; the saving a month at the bank's own discount."""
    costs = {line.key: row for line, row in zip(book.lines, book.effective(), strict=True)}
    told = []
    for desk in MACHINES:
        daily = Decimal(int(costs[f"hours/{desk.name}"][-days:].sum())) / Decimal(10) ** 12 / days
        saving = daily * hours_per_month / 24 * OFF.numerator / OFF.denominator
        told.append({
            "rule": RULE, "resource": desk.identity(book.calendar.seed), "name": desk.name, "verdict": desk.verdict,
            "why": desk.why, "team": desk.team, "saving_per_month": str(saving) if desk.verdict == "waste" else "0",
        })  # fmt: skip
    return told


def desks_utilisation(calendar: Calendar) -> Any:
    """What was measured of them, hour by hour, for the last three weeks; nobody works on the bank's holidays."""
    return pa.concat_tables([_worked(desk, calendar) for desk in MACHINES])


def _worked(desk: Desk, calendar: Calendar) -> Any:
    count = DAYS * 24
    hour, rng = np.arange(count), calendar.rng(f"hours/{desk.name}")
    start = datetime.combine(calendar.until - timedelta(days=DAYS - 1), time(0), tzinfo=UTC)
    working = (calendar.weekday[-DAYS:] < 5) & (calendar.holiday[-DAYS:] == 0)
    by_day = working[hour // 24] & (hour % 24 >= 8) & (hour % 24 < 18)
    if desk.nightly:
        by_day = by_day | (hour % 24 == 2)
    cpu = np.where(by_day, 20 + 40 * rng.random(count), 0.4 + 2.5 * rng.random(count))
    network = np.where(by_day, 4e7, 1e5) * (0.5 + rng.random(count))
    table = pa.table({
        "ResourceId": pa.array([desk.identity(calendar.seed)] * count, pa.string()),
        "HourStart": pa.array(int(start.timestamp()) * 1_000_000 + hour * 3_600_000_000, pa.int64()).cast(
            pa.timestamp("us", tz="UTC")
        ),
        "cpu_max_pct": pa.array(np.round(cpu, 2)),
        "network_bytes": pa.array(np.rint(network).astype(np.int64)),
        "memory_pct": pa.array(np.round(60 + 15 * rng.random(count), 2)),
    })  # fmt: skip
    if desk.evenings:
        table = table.filter(pa.array((hour % 24 >= 7) & (hour % 24 < 20)))
    return table.slice(0, count - 7 * 24) if desk.silent else table


def desks_in_cloud(calendar: Calendar) -> list[dict[str, Any]]:
    """The machines as the sandbox's AWS is to know them."""
    return [
        {
            "account": ACCOUNTS[desk.account].id, "region": REGION, "instance_id": desk.identity(calendar.seed),
            "name": desk.name, "instance_type": desk.kind, "zone": f"{REGION}a", "gpus": 0, "state": "running",
            "account_name": ACCOUNTS[desk.account].name, "launch_time": "2026-01-05T09:00:00Z",
            "tags": {"Name": desk.name, **tags(desk.team, desk.environment), **({desk.tag: "yes"} if desk.tag else {})},
        }
        for desk in MACHINES
    ]  # fmt: skip
