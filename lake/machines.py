"""What machines cost and how long they ran: the bill's compute hours by machine, its disks and fees left out.

Hours that a commitment covers are told apart, since stopping the machine does not give their money back.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from lake import expressions
from lake.engine import Lake
from lake.instance_type import instance_type
from lake.period import Period
from lake.question import EVERY_TEAM, Question


@dataclass(frozen=True)
class Machine:
    """One machine's compute hours in a period; `uncovered` are those without a commitment discount. Names as billed."""

    resource_id: str
    name: str
    provider: str
    account: str
    region: str
    instance_type: str
    team: str
    use_case: str
    environment: str
    currency: str
    hours: Decimal
    uncovered_hours: Decimal
    effective: Decimal
    uncovered_effective: Decimal
    first_day: date
    last_day: date


@dataclass(frozen=True)
class Machines:
    """The machines of a period, costliest first, with the query that found them and the snapshots it read."""

    found: list[Machine]
    query: str
    snapshots: list[str]


def machines(lake: Lake, period: Period, *, teams_seen: tuple[str, ...] = (EVERY_TEAM,)) -> Machines:
    """Machines with metered compute hours in `period`, as far as the asker may see."""
    key = ("machines", period, teams_seen)
    found = lake.remembered(key, lambda: _machines(lake, period, teams_seen), lambda made: 4 * len(made.found))
    return replace(found, found=list(found.found))


def _machines(lake: Lake, period: Period, teams_seen: tuple[str, ...]) -> Machines:
    read = [snapshot for snapshot in lake.current() if snapshot.charged.overlaps(period)]
    if not read:
        return Machines([], "", [])
    with lake.reader(read) as reader:
        question = Question(period=period, teams_seen=teams_seen)
        rows, query = reader.fetch(expressions.machine_hours, question)
    found = [_machine(row) for row in rows if row["hours"] > 0]
    return Machines(sorted(found, key=lambda one: (-one.effective, one.resource_id)), query, [one.id for one in read])


def _machine(row: dict[str, Any]) -> Machine:
    kept: dict[str, Any] = {name: row[name] for name in Machine.__dataclass_fields__ if name in row}
    for name in ("name", "provider", "account", "region"):
        kept[name] = row[name] or ""
    for name in ("uncovered_hours", "uncovered_effective"):
        kept[name] = row[name] or Decimal(0)
    return Machine(**kept, instance_type=instance_type(row["details"], row["meter"], row["description"]))
