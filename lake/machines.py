"""What machines cost and how long they ran: the bill's compute hours by machine, its disks and fees left out.

Hours that a commitment covers are told apart, since stopping the machine does not give their money back.
"""

import json
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir

from lake import duck, expressions
from lake.engine import Lake
from lake.period import Period
from lake.question import EVERY_TEAM, Question
from lake.store import Snapshot

HOUR_UNITS = ("hours", "hour", "hrs", "hr")
_TYPE = re.compile(r"\b([a-z]+[0-9][a-z0-9-]*\.(?:nano|micro|small|medium|metal|[0-9]*x?large))\b")


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
    read = [snapshot for snapshot in lake.store.current() if _held(snapshot).overlaps(period)]
    if not read:
        return Machines([], "", [])
    with duck.connect() as connection:
        files = ", ".join(duck.text(str(lake.folder / file.path)) for snapshot in read for file in snapshot.files)
        connection.execute(f"CREATE VIEW charges AS SELECT * FROM read_parquet([{files}], union_by_name = true)")  # noqa: S608
        charges = ibis.duckdb.from_connection(connection).table(expressions.CHARGES)
        query = str(ibis.to_sql(_expression(charges, Question(period=period, teams_seen=teams_seen)), dialect="duckdb"))
        rows = connection.execute(query).to_arrow_table().to_pylist()
    found = [_machine(row) for row in rows if row["hours"] > 0]
    return Machines(sorted(found, key=lambda one: (-one.effective, one.resource_id)), query, [one.id for one in read])


def _held(snapshot: Snapshot) -> Period:
    return Period(
        snapshot.first_day, snapshot.period_end if snapshot.period_end > snapshot.last_day else snapshot.last_day
    )


def _expression(charges: ir.Table, question: Question) -> ir.Table:
    kept = expressions.in_scope(charges, question)
    kept = kept.filter(
        expressions.within(kept, question.period),
        kept.ChargeCategory == "Usage",
        kept.ServiceCategory == "Compute",
        kept.ResourceId.notnull(),
        kept.ConsumedUnit.lower().isin(HOUR_UNITS),
    )
    bare = kept.CommitmentDiscountId.isnull()
    return kept.group_by(resource_id=kept.ResourceId, currency=kept.BillingCurrency).agg(
        name=kept.ResourceName.max(),
        provider=kept.ProviderName.max(),
        account=kept.SubAccountId.max(),
        region=kept.RegionId.max(),
        meter=kept.SkuMeter.max(),
        details=kept.SkuPriceDetails.max(),
        **{name: expressions.dimension(kept, name).max() for name in ("team", "use_case", "environment")},
        hours=kept.ConsumedQuantity.sum(),
        uncovered_hours=kept.ConsumedQuantity.sum(where=bare),
        effective=kept.EffectiveCost.sum(),
        uncovered_effective=kept.EffectiveCost.sum(where=bare),
        first_day=kept.x_day.min(),
        last_day=kept.x_day.max(),
    )


def _machine(row: dict[str, Any]) -> Machine:
    kept: dict[str, Any] = {name: row[name] for name in Machine.__dataclass_fields__ if name in row}
    for name in ("name", "provider", "account", "region"):
        kept[name] = row[name] or ""
    for name in ("uncovered_hours", "uncovered_effective"):
        kept[name] = row[name] or Decimal(0)
    return Machine(**kept, instance_type=_instance_type(row["details"], row["meter"]))


def _instance_type(details: str | None, meter: str | None) -> str:
    """From FOCUS's SkuPriceDetails, else from the meter's name (`BoxUsage:g5.12xlarge`); empty if neither tells."""
    try:
        given = json.loads(details or "{}").get("InstanceType")
    except (ValueError, AttributeError):
        given = None
    if isinstance(given, str) and given:
        return given
    found = _TYPE.search((meter or "").lower())
    return found[1] if found else ""
