"""Disks, stopped machines and snapshots planted in the bank on request: some lie about, others only look so.

Whether they do no bill tells: a list of what stands in EC2 does, which the sandbox's AWS is made to give.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import numpy as np

from sandbox.bank.calendar import Calendar
from sandbox.bank.line import Book, usage
from sandbox.bank.machines import EBS
from sandbox.bank.organisation import ACCOUNTS, AWS, tags

DISK, SNAPSHOT, MACHINE, REGION = "unattached_disk", "old_snapshot", "long_stopped_machine", "us-east-1"
GP3, STORED = Decimal("0.08"), Decimal("0.05")
COPIED = "vol-ffffffff"


@dataclass(frozen=True)
class Lying:
    """One thing. `gib` are those of the disk, of each disk of the machine, or those stored of the snapshot; `age` the
    days since the disk or snapshot was made or the machine stopped (None: EC2 tells no time). `of` is the disk of a
    snapshot; `image`: one is made of it.
    """

    rule: str
    name: str
    account: str
    team: str
    gib: tuple[int, ...]
    age: int | None
    verdict: str
    why: str
    more: dict[str, str] = field(default_factory=dict)
    of: str = ""
    image: bool = False
    protected: bool = False

    def ids(self, seed: int) -> tuple[str, ...]:
        """What the bill calls what it costs: the disk, the machine's disks, the snapshot."""
        if self.rule == SNAPSHOT:
            return (f"arn:aws:ec2:{REGION}:{ACCOUNTS[self.account].id}:snapshot/{self.identity(seed)}",)
        if self.rule == DISK:
            return (self.identity(seed),)
        return tuple(f"vol-{_drawn(seed, f'{self.name}/{at}')}" for at in range(len(self.gib)))

    def identity(self, seed: int) -> str:
        """EC2's id, the same for a seed whatever else is planted."""
        start = {DISK: "vol-", SNAPSHOT: "snap-", MACHINE: "i-"}[self.rule]
        return f"{start}{_drawn(seed, self.name)}"

    def resource(self, seed: int) -> str:
        """How the rule names it."""
        return self.ids(seed)[0] if self.rule == SNAPSHOT else self.identity(seed)

    def tags(self) -> dict[str, str]:
        """Those that it bears."""
        return {"Name": self.name, **tags(self.team, "production"), **self.more}


LYING: tuple[Lying, ...] = (
    Lying(DISK, "claims-train-scratch", "ai", "claims-automation", (800,), 300, "waste", "attached to nothing"),
    Lying(DISK, "fx-history-copy", "core", "treasury", (1500,), 700, "waste", "attached to nothing"),
    Lying(DISK, "payments-replica", "payments", "payments", (900,), 400, "fine", "its tag says that it stands by",
          {"purpose": "standby"}),
    Lying(DISK, "web-migration", "digital", "digital-channels", (600,), 10, "fine", "was made ten days ago"),
    Lying(DISK, "kafka-pvc", "data", "data-platform", (500,), 200, "fine", "Kubernetes keeps it for a claim",
          {"kubernetes.io/created-for/pvc/name": "kafka-0"}),
    Lying(MACHINE, "old-etl-01", "data", "data-platform", (300, 1000), 120, "waste", "stopped for four months"),
    Lying(MACHINE, "poc-graph-db", "digital", "digital-channels", (700,), 45, "waste", "stopped for six weeks"),
    Lying(MACHINE, "core-dr-standby", "core", "core-banking", (400,), 200, "fine", "its tag says that it stands by",
          {"purpose": "standby"}),
    Lying(MACHINE, "hsm-proxy-old", "payments", "payments", (200,), 300, "fine", "is protected", protected=True),
    Lying(MACHINE, "month-close-02", "core", "core-banking", (500,), 12, "fine", "was stopped twelve days ago"),
    Lying(MACHINE, "retired-host-07", "data", "data-platform", (400,), None, "unknown",
          "its host stopped it, and EC2 tells no time"),
    Lying(SNAPSHOT, "ledger-2023-close", "core", "core-banking", (600,), 700, "waste", "its disk is gone"),
    Lying(SNAPSHOT, "scratch-first", "ai", "claims-automation", (500,), 420, "waste", "its disk has a newer one",
          of="claims-train-scratch"),
    Lying(SNAPSHOT, "scratch-last", "ai", "claims-automation", (400,), 380, "fine", "the newest of a disk that stands",
          of="claims-train-scratch"),
    Lying(SNAPSHOT, "base-image-root", "shared", "infrastructure", (300,), 800, "fine", "an image is made of it",
          image=True),
    Lying(SNAPSHOT, "payments-vault", "payments", "payments", (900,), 900, "fine", "AWS Backup looks after it",
          {"aws:backup:source-resource": "arn:aws:ec2:us-east-1:338240571905:volume/vol-1"}),
    Lying(SNAPSHOT, "eu-ledger-copy", "core", "core-banking", (450,), 600, "unknown", "a copy, of nobody knows what",
          of=COPIED),
    Lying(SNAPSHOT, "web-spring", "digital", "digital-channels", (700,), 200, "fine", "is half a year old"),
)  # fmt: skip


def _drawn(seed: int, name: str) -> str:
    return sha256(f"{seed}/inventory/{name}".encode()).hexdigest()[:17]


def add_lying(book: Book) -> None:
    """Each disk and snapshot as a daily series of GB-months."""
    at, calendar = np.arange(book.calendar.length), book.calendar
    for one in LYING:
        days = 10 if one.rule == DISK and one.age == 10 else 60
        for number, (name, gib) in enumerate(zip(one.ids(calendar.seed), one.gib, strict=True)):
            snapshot = one.rule == SNAPSHOT
            line = usage(
                AWS, ACCOUNTS[one.account], key=f"inventory/{one.name}/{number}", service=EBS, unit="GB-Months",
                meter="Snapshot storage" if snapshot else "gp3 storage", price=str(STORED if snapshot else GP3),
                region=REGION, resource_id=name, resource_name=one.name, tags=tags(one.team, "production"),
                resource_type="Snapshot" if snapshot else "Volume",
            )  # fmt: skip
            book.add(line, np.where(at >= calendar.length - days, float(gib), 0.0) / calendar.month_length, step=1)


def lying_truth(book: Book, *, days: int, hours_per_month: int) -> list[dict[str, Any]]:
    """What a grader needs to know of each; of disks less a snapshot of every block at list price."""
    costs = {line.key: row for line, row in zip(book.lines, book.effective(), strict=True)}
    told = []
    for one in LYING:
        sums = [int(costs[f"inventory/{one.name}/{at}"][-days:].sum()) for at in range(len(one.gib))]
        saving = Decimal(sum(sums)) / Decimal(10) ** 12 / days * hours_per_month / 24
        copy = Decimal(0) if one.rule == SNAPSHOT else sum(one.gib) * STORED
        told.append({
            "rule": one.rule, "resource": one.resource(book.calendar.seed), "name": one.name, "verdict": one.verdict,
            "why": one.why, "team": one.team,
            "saving_per_month": str(saving - copy) if one.verdict == "waste" else "0",
        })  # fmt: skip
    return told


def lying_in_cloud(calendar: Calendar) -> dict[str, list[dict[str, Any]]]:
    """All of it as the sandbox's AWS is to know it, by the lists of its estate."""
    lists: dict[str, list[dict[str, Any]]] = {"machines": [], "volumes": [], "snapshots": [], "images": []}
    seed, until = calendar.seed, calendar.until
    disks = {one.name: one.identity(seed) for one in LYING if one.rule == DISK}
    for one in LYING:
        place = {"account": ACCOUNTS[one.account].id, "region": REGION, "tags": one.tags()}
        if one.rule == DISK:
            made = _at(until, one.age or 0)
            lists["volumes"].append({**place, **_volume(one.identity(seed), one.gib[0]), "created_at": made})
        elif one.rule == MACHINE:
            lists["machines"].append(_machine(one, seed, until, place))
            for at, (name, gib) in enumerate(zip(one.ids(seed)[1:], one.gib[1:], strict=True)):
                held = {"attached_to": one.identity(seed), "device": f"/dev/sd{'fgh'[at]}", "goes": True}
                lists["volumes"].append({**place, **_volume(name, gib), **held})
        else:
            of = COPIED if one.of == COPIED else disks.get(one.of, f"vol-{_drawn(seed, f'{one.name}/gone')}")
            mine = {"snapshot_id": one.identity(seed), "volume_id": of, "size": one.gib[0] + 100}
            lists["snapshots"].append({**place, **mine, "started_at": _at(until, one.age or 0)})
            if one.image:
                image = {"image_id": f"ami-{_drawn(seed, one.name)}", "name": one.name, "snapshot": one.identity(seed)}
                lists["images"].append({**place, **image})
    return lists


def _volume(name: str, gib: int) -> dict[str, Any]:
    return {"volume_id": name, "zone": f"{REGION}a", "size": gib, "type": "gp3"}


def _machine(one: Lying, seed: int, until: date, place: dict[str, Any]) -> dict[str, Any]:
    reason = "Server.ScheduledStop: Stopped due to a scheduled retirement"
    if one.age is not None:
        reason = f"User initiated ({_moment(until, one.age):%Y-%m-%d %H:%M:%S} GMT)"
    return {
        **place, "instance_id": one.identity(seed), "name": one.name, "instance_type": "m6a.2xlarge", "gpus": 0,
        "zone": f"{REGION}a", "account_name": ACCOUNTS[one.account].name, "state": "stopped", "stop_reason": reason,
        "protected": one.protected, "launch_time": "2023-02-01T09:00:00Z",
        "root": {"volume_id": one.ids(seed)[0], "size": one.gib[0], "type": "gp3"},
    }  # fmt: skip


def _moment(until: date, days: int) -> datetime:
    return datetime.combine(until - timedelta(days=days), time(9), UTC)


def _at(until: date, days: int) -> str:
    return _moment(until, days).isoformat()
