"""Scaling groups planted in the bank on request: some whose minimum holds more machines than their quiet hours need.

A bill knows a group only by the tag on its machines, so each machine is a line of its own; what the group counts of
itself (its minimum, its machines in service, their CPU) is told hour by hour beside the bill.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa

from sandbox.bank.calendar import Calendar
from sandbox.bank.line import Book, usage
from sandbox.bank.machines import EC2
from sandbox.bank.organisation import ACCOUNTS, AWS, tags

RULE, REGION, DAYS = "group_minimum", "us-east-1", 21
TAG = "aws:autoscaling:groupName"


@dataclass(frozen=True)
class Group:
    """`nights` machines run from 20 to 8 o'clock, `days` in the other twelve hours, at the CPU given for each.

    `spared` is which part of its machine hours a fitting minimum would spare, reckoned by hand for the reason given.
    `silent`: of the last week nothing was counted. `raised`: the minimum was one lower until three days ago.
    """

    name: str
    account: str
    team: str
    environment: str
    kind: str
    price: str
    minimum: int
    nights: int
    days: int
    cpu: tuple[float, float]
    verdict: str
    why: str
    spared: Fraction = Fraction(0)
    silent: bool = False
    raised: bool = False
    counted: bool = True

    def members(self, seed: int) -> list[str]:
        """The ids of its machines, the same for a seed whatever else is planted."""
        drawn = (sha256(f"{seed}/group/{self.name}/{at}".encode()).hexdigest()[:17] for at in range(self.days))
        return [f"i-{one}" for one in drawn]

    @property
    def resource(self) -> str:
        """The group as a rule names it: what a bill tells of its ARN."""
        return f"arn:aws:autoscaling:{REGION}:{ACCOUNTS[self.account].id}:autoScalingGroupName/{self.name}"


GROUPS: tuple[Group, ...] = (
    Group("web-frontend-asg", "digital", "digital-channels", "production", "m7i.xlarge", "0.2016", 8, 8, 8, (6, 10),
          "waste", "8 at 10 % of CPU need 2: a minimum of 3 spares 5 of 8", Fraction(5, 8)),
    Group("payments-api-asg", "payments", "payments", "production", "c7i.2xlarge", "0.357", 6, 6, 10, (15, 45),
          "waste", "only nights are at the minimum: 6 at 15 % need 2, so that 3 go in 12 of 24 hours, 36 of 192",
          Fraction(36, 192)),
    Group("ledger-batch-asg", "core", "core-banking", "production", "m7i.xlarge", "0.2016", 6, 6, 6, (40, 45),
          "fine", "6 at 45 % of CPU need all of them"),
    Group("kyc-docs-asg", "ai", "financial-crime", "production", "m7i.large", "0.1008", 2, 2, 2, (3, 4),
          "fine", "two machines always stay"),
    Group("claims-intake-asg", "ai", "claims-automation", "production", "m7i.xlarge", "0.2016", 5, 5, 5, (5, 8),
          "unknown", "nothing was counted in the last week", silent=True),
    Group("campaign-asg", "digital", "digital-channels", "production", "m7i.xlarge", "0.2016", 6, 6, 6, (5, 8),
          "unknown", "its minimum was raised three days ago", raised=True),
    Group("uncounted-asg", "data", "data-platform", "development", "m7i.large", "0.1008", 3, 3, 3, (5, 8),
          "unknown", "its metrics were never switched on", counted=False),
)  # fmt: skip


def add_planted_groups(book: Book) -> None:
    """Every machine of each group as a daily series: those beyond the nights' number run twelve hours a day."""
    for group in GROUPS:
        for at, member in enumerate(group.members(book.calendar.seed)):
            line = usage(
                AWS, ACCOUNTS[group.account], key=f"group/{group.name}/{at}", service=EC2,
                meter=f"{group.kind} Linux on-demand", unit="Hours", price=group.price, region=REGION,
                resource_id=member, resource_name=f"{group.name}-{at}", resource_type="Instance",
                details={"InstanceType": group.kind},
                tags={**tags(group.team, group.environment), TAG: group.name},
            )  # fmt: skip
            hours = 24.0 if at < group.nights else 12.0
            there = np.arange(book.calendar.length) >= book.calendar.length - 60
            book.add(line, np.where(there, hours, 0.0), step=1)


def groups_truth(book: Book, *, days: int, hours_per_month: int) -> list[dict[str, Any]]:
    """What a grader needs to know of each; the saving a month at the bank's own discount."""
    costs = {line.key: row for line, row in zip(book.lines, book.effective(), strict=True)}
    told = []
    for group in GROUPS:
        cost = sum(int(costs[f"group/{group.name}/{at}"][-days:].sum()) for at in range(group.days))
        daily = Decimal(cost) / Decimal(10) ** 12 / days
        saving = daily * hours_per_month / 24 * group.spared.numerator / group.spared.denominator
        told.append({
            "rule": RULE, "resource": group.resource, "name": group.name, "verdict": group.verdict, "why": group.why,
            "team": group.team, "saving_per_month": str(saving) if group.verdict == "waste" else "0",
        })  # fmt: skip
    return told


def groups_utilisation(calendar: Calendar) -> Any:
    """What each group counted of itself, hour by hour, for the last three weeks."""
    return pa.concat_tables([_counted(group, calendar) for group in GROUPS if group.counted])


def _counted(group: Group, calendar: Calendar) -> Any:
    count = DAYS * 24
    start = datetime.combine(calendar.until - timedelta(days=DAYS - 1), time(0), tzinfo=UTC)
    hour = np.arange(count)
    night = (hour % 24 < 8) | (hour % 24 >= 20)
    busiest = np.where(night, *group.cpu)
    sway = 0.8 + 0.2 * calendar.rng(f"group/{group.name}").random(count)
    minimum = np.full(count, group.minimum) - (group.raised & (hour < count - 72))
    table = pa.table({
        "ResourceId": pa.array([group.name] * count, pa.string()),
        "HourStart": pa.array(int(start.timestamp()) * 1_000_000 + hour * 3_600_000_000, pa.int64()).cast(
            pa.timestamp("us", tz="UTC")
        ),
        "cpu_avg_pct": pa.array(np.round(busiest * sway, 2)),
        "group_min": pa.array(minimum.astype(np.int64)),
        "group_in_service": pa.array(np.where(night, group.nights, group.days).astype(np.int64)),
    })  # fmt: skip
    return table.slice(0, count - 7 * 24) if group.silent else table


def groups_in_cloud(calendar: Calendar) -> dict[str, list[dict[str, Any]]]:
    """The groups and their machines as the sandbox's AWS is to know them, by the lists of its estate."""
    machines, groups = [], []
    for group in GROUPS:
        place = {"account": ACCOUNTS[group.account].id, "region": REGION}
        given = tags(group.team, group.environment)
        members = group.members(calendar.seed)
        machines += [
            {
                **place, "instance_id": member, "name": f"{group.name}-{at}", "instance_type": group.kind,
                "zone": f"{REGION}a", "account_name": ACCOUNTS[group.account].name, "gpus": 0, "state": "running",
                "tags": {"Name": f"{group.name}-{at}", **given}, "launch_time": "2026-01-05T09:00:00Z",
            }
            for at, member in enumerate(members[: group.nights])
        ]  # fmt: skip
        groups.append({
            **place, "group": group.name, "zone": f"{REGION}a", "min": group.minimum, "max": 2 * group.days,
            "members": members[: group.nights], "tags": given, "tracks_cpu": 50,
        })  # fmt: skip
    return {"machines": machines, "scaling_groups": groups}
