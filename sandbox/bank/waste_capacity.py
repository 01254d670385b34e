"""Capacity reservations of EC2 planted in the bank on request: some in which nothing ever runs, others that are used in
part or were made a few days ago. AWS bills what is unused under the reservation's own id.
"""

from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any

import numpy as np

from sandbox.bank.line import Book, usage
from sandbox.bank.machines import EC2
from sandbox.bank.organisation import ACCOUNTS, AWS, tags

RULE, REGION = "unused_capacity", "us-east-1"


@dataclass(frozen=True)
class Reserved:
    """One reservation: machine hours a day that are unused and used, since how many days, and what is to be said."""

    name: str
    account: str
    team: str
    kind: str
    price: str
    unused: int
    used: int
    days: int
    verdict: str
    why: str

    def resource(self, seed: int) -> str:
        """Its id as AWS's bill writes it."""
        drawn = sha256(f"{seed}/capacity/{self.name}".encode()).hexdigest()[:17]
        return f"arn:aws:ec2:{REGION}:{ACCOUNTS[self.account].id}:capacity-reservation/cr-{drawn}"


RESERVED: tuple[Reserved, ...] = (
    Reserved("copilot-launch-slots", "ai", "engineering-platform", "p4d.24xlarge", "32.7726", 48, 0, 60, "waste",
             "two machines that were never started after the launch"),
    Reserved("claims-eval-slot", "ai", "claims-automation", "g5.12xlarge", "5.672", 24, 0, 40, "waste",
             "held since the evaluation ended"),
    Reserved("fraud-retrain-slots", "ai", "fraud-analytics", "g5.12xlarge", "5.672", 30, 18, 60, "unknown",
             "its two machines are used for a part of the day"),
    Reserved("kyc-launch-slot", "ai", "financial-crime", "g5.12xlarge", "5.672", 24, 0, 4, "fine",
             "reserved four days ago"),
)  # fmt: skip


def add_reserved(book: Book) -> None:
    """Each as a daily series of what is unused, and where there is any of what is used, which costs nothing itself."""
    at = np.arange(book.calendar.length)
    for one in RESERVED:
        there = at >= book.calendar.length - one.days
        for meter, hours, price in (("UnusedBox", one.unused, one.price), ("Reservation", one.used, "0")):
            if not hours:
                continue
            line = usage(
                AWS, ACCOUNTS[one.account], key=f"capacity/{one.name}/{meter}", service=EC2, unit="Hours", price=price,
                meter=f"{meter}:{one.kind}", region=REGION, resource_id=one.resource(book.calendar.seed),
                resource_name=one.name, resource_type="Capacity Reservation", tags=tags(one.team, "production"),
                details={"InstanceType": one.kind},
            )  # fmt: skip
            book.add(line, np.where(there, float(hours), 0.0), step=1)


def reserved_truth(book: Book, *, days: int, hours_per_month: int) -> list[dict[str, Any]]:
    """What a grader needs to know of each."""
    costs = {line.key: row for line, row in zip(book.lines, book.effective(), strict=True)}
    told = []
    for one in RESERVED:
        spent = int(costs[f"capacity/{one.name}/UnusedBox"][-days:].sum())
        saving = Decimal(spent) / Decimal(10) ** 12 / days * hours_per_month / 24
        told.append({
            "rule": RULE, "resource": one.resource(book.calendar.seed), "name": one.name, "verdict": one.verdict,
            "why": one.why, "team": one.team, "saving_per_month": str(saving) if one.verdict == "waste" else "0",
        })  # fmt: skip
    return told
