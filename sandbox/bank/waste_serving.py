"""Endpoints with a fixed number of machines planted in the bank on request: some whose quiet hours need far fewer,
and some whose load a smaller type would hold.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from sandbox.bank.calendar import Calendar
from sandbox.bank.line import Book, usage
from sandbox.bank.organisation import ACCOUNTS, AWS, tags
from sandbox.bank.platform_aws import SAGEMAKER

UNSCALED, LARGE = "endpoint_without_scaling", "oversized_endpoint_type"
REGION, DAYS, THERE = "us-east-1", 21, 60


@dataclass(frozen=True)
class Serving:
    """`machines` run at all hours; from 8 to 20 o'clock and in the other twelve hours they work at the CPU given for
    each (per cent of a machine), and answer so many calls an hour; `memory` is how much of it they hold, always.

    `spared` is which part of its machine hours following the rule would spare, reckoned by hand for the reason given.
    """

    rule: str
    name: str
    account: str
    team: str
    kind: str
    price: str
    cores: int
    machines: int
    cpu: tuple[float, float]
    calls: tuple[int, int]
    verdict: str
    why: str
    spared: Fraction = Fraction(0)
    counted: bool = True
    memory: float | None = None

    @property
    def resource(self) -> str:
        """The endpoint as AWS's bill writes it."""
        return f"arn:aws:sagemaker:{REGION}:{ACCOUNTS[self.account].id}:endpoint/{self.name}"


SERVING: tuple[Serving, ...] = (
    Serving(UNSCALED, "card-fraud-live", "ai", "fraud-analytics", "ml.m5.4xlarge", "0.922", 16, 6, (75, 7.5),
            (54_000, 5_400), "waste", "by day all of 6 machines at 75 %; by night 2 do, 4 of 6 in 12 of 24 hours",
            Fraction(1, 3)),
    Serving(UNSCALED, "swift-screen-live", "ai", "financial-crime", "ml.m5.4xlarge", "0.922", 16, 4, (72, 70),
            (36_000, 35_000), "fine", "as many calls by night as by day"),
    Serving(UNSCALED, "loan-docs-live", "ai", "credit-risk", "ml.m5.4xlarge", "0.922", 16, 4, (74, 45),
            (36_000, 3_600), "fine", "few calls by night, but they are heavy ones"),
    Serving(UNSCALED, "kyc-match-live", "ai", "financial-crime", "ml.m5.4xlarge", "0.922", 16, 4, (74, 8),
            (36_000, 3_600), "unknown", "its calls were never counted", counted=False),
    Serving(LARGE, "doc-tagger-live", "ai", "claims-automation", "ml.m5.4xlarge", "0.922", 16, 2, (20, 20),
            (2_000, 2_000), "waste", "20 % of its processors and 25 % of its memory: half the size costs half",
            Fraction(1, 2), memory=25.0),
    Serving(LARGE, "name-parser-live", "ai", "financial-crime", "ml.m5.2xlarge", "0.461", 8, 2, (60, 60),
            (2_000, 2_000), "fine", "half the size would be at 120 %", memory=60.0),
    Serving(LARGE, "letter-sorter-live", "ai", "claims-automation", "ml.m5.4xlarge", "0.922", 16, 2, (20, 20),
            (2_000, 2_000), "unknown", "its memory was never measured"),
)  # fmt: skip


def add_planted_serving(book: Book) -> None:
    """The machine hours of each as a daily series."""
    for one in SERVING:
        line = usage(
            AWS, ACCOUNTS[one.account], key=f"serving/{one.name}", service=SAGEMAKER, meter=f"{one.kind} hosting",
            unit="Hours", price=one.price, region=REGION, resource_id=one.resource, resource_name=one.name,
            resource_type="Endpoint", details={"InstanceType": one.kind}, tags=tags(one.team, "production"),
        )  # fmt: skip
        there = np.arange(book.calendar.length) >= book.calendar.length - THERE
        book.add(line, np.where(there, 24.0 * one.machines, 0.0), step=1)


def serving_truth(book: Book, *, days: int, hours_per_month: int) -> list[dict[str, Any]]:
    """What a grader needs to know of each; the saving a month at the bank's own discount."""
    costs = {line.key: row for line, row in zip(book.lines, book.effective(), strict=True)}
    told = []
    for one in SERVING:
        daily = Decimal(int(costs[f"serving/{one.name}"][-days:].sum())) / Decimal(10) ** 12 / days
        saving = daily * hours_per_month / 24 * one.spared.numerator / one.spared.denominator
        told.append({
            "rule": one.rule, "resource": one.resource, "name": one.name, "verdict": one.verdict, "why": one.why,
            "team": one.team, "saving_per_month": str(saving) if one.verdict == "waste" else "0",
        })  # fmt: skip
    return told


def serving_utilisation(calendar: Calendar) -> Any:
    """What was measured of each, hour by hour, for the last three weeks."""
    return pa.concat_tables([_measured(one, calendar) for one in SERVING], promote_options="default")


def _measured(one: Serving, calendar: Calendar) -> Any:
    hour = np.arange(DAYS * 24)
    start = datetime.combine(calendar.until - timedelta(days=DAYS - 1), time(0), tzinfo=UTC)
    moments = pa.array(int(start.timestamp()) * 1_000_000 + hour * 3_600_000_000, pa.int64())
    night = (hour % 24 < 8) | (hour % 24 >= 20)
    counted = {"invocations": pa.array(np.where(night, one.calls[1], one.calls[0]).astype(np.int64))}
    return pa.table({
        "ResourceId": pa.array([one.resource] * len(hour), pa.string()),
        "HourStart": moments.cast(pa.timestamp("us", tz="UTC")),
        "cpu_cores_pct": pa.array(np.where(night, one.cpu[1], one.cpu[0]).astype(float) * one.cores),
        **(counted if one.counted else {}),
        **({} if one.memory is None else {"memory_pct": pa.array(np.full(len(hour), one.memory))}),
    })  # fmt: skip


def serving_in_cloud() -> list[dict[str, Any]]:
    """The endpoints as the sandbox's AWS is to know them."""
    return [
        {
            "account": ACCOUNTS[one.account].id, "region": REGION, "endpoint": one.name, "config": f"{one.name}-config",
            "instance_type": one.kind, "machines": one.machines, "tags": tags(one.team, "production"),
        }
        for one in SERVING
    ]  # fmt: skip
