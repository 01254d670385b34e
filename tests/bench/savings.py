"""`./dev bench savings`: another optimiser's published recommendations, held against our rules on the same bill.

It answers for each recommendation whether we find the same resource, and where not, why not: our rule sees it in use,
lacks evidence, or does not exist. Numbers alone would reward whoever recommends most.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import duckdb

from lake.errors import LakeError
from lake.metered import Meter, Metered, MonthOfMeter
from tools.rules import idle_machine, old_generation, rightsize
from tools.rules.judged import Judgement, Load, Look, Use
from tools.rules.machine import INSTANCE
from tools.rules.thresholds import SavingsThresholds

RESOURCE = ("cloud_resource_id", "resource_id", "resourceid", "resource", "instance_id", "id")
DAY = ("date", "day", "usage_date", "chargeperiodstart", "timestamp", "time", "hourstart")
COST = ("cost", "effectivecost", "total_cost", "amount")
TYPE = ("instance_type", "flavor", "resource_type", "type", "meter")
REGION = ("region", "regionid", "region_id")
METRIC, VALUE = ("metric", "metric_name", "name"), ("value", "metric_value")
CPU = ("cpu_max_pct", "cpu", "cpu_percent", "cpu_utilization")
MEMORY = ("memory_pct", "memory", "ram", "memory_utilization")
NETWORK = ("network_bytes", "network", "network_in_io", "network_out_io", "bytes_sent")
NAME = ("name", "resource_name", "cloud_resource_name")
SAVING = ("saving", "savings", "possible_monthly_saving", "saving_per_month", "estimated_saving")
KINDS: tuple[tuple[str, str], ...] = (
    ("abandoned_instance", "idle_machine"), ("idle", "idle_machine"), ("abandoned_inst", "idle_machine"),
    ("generation", "old_generation"), ("obsolete_type", "old_generation"),
    ("rightsiz", "rightsize_machine"), ("modify", "rightsize_machine"), ("overprovisioned", "rightsize_machine"),
    ("terminate", "idle_machine"),
)  # fmt: skip
COLUMNS = f"""
Columns are found by their names, the first that there is: resource {", ".join(RESOURCE)};
day {", ".join(DAY)}; cost {", ".join(COST)}; instance type {", ".join(TYPE)};
region {", ".join(REGION)}. Points stand in columns of their own (CPU: {", ".join(CPU)};
memory: {", ".join(MEMORY)};
network: {", ".join(NETWORK)})
or as rows of a metric ({", ".join(METRIC)}) and its value ({", ".join(VALUE)}).
"""
NO_RULE = {
    "snapshot": "needs to know what a snapshot was made of, which costs and points do not tell",
    "volume": "needs to know whether the disk is attached, which costs and points do not tell",
    "ip": "needs a meter that tells idle addresses from used ones",
    "image": "no rule of ours is about images yet",
    "user": "no rule of ours is about people's accounts yet",
    "s3": "no rule of ours is about buckets yet",
    "bucket": "no rule of ours is about buckets yet",
    "stopped": "needs to know which disks a stopped machine has, which costs and points do not tell",
    "reserved": "no rule of ours buys commitments yet",
    "spot": "no rule of ours moves work to spot machines yet",
    "schedule": "needs every hour of a machine and its environment, which daily points do not tell",
}


@dataclass
class Seen:
    """One resource of the bill: its days' costs, its points, what it is called."""

    name: str = ""
    kind: str = ""
    region: str = ""
    costs: dict[date, Decimal] = field(default_factory=dict)
    cpu: list[tuple[datetime, Decimal]] = field(default_factory=list)
    memory: list[tuple[datetime, Decimal]] = field(default_factory=list)
    network: dict[date, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Recommended:
    """One recommendation of the other optimiser: for which resource, of which kind, saving how much a month."""

    kind: str
    resource: str
    saving: Decimal | None


def recommendations(document: Any, kind: str = "") -> Iterator[Recommended]:
    """Every object with a resource id, under the nearest name that says what it is about."""
    if isinstance(document, list):
        for one in document:
            yield from recommendations(one, kind)
    if not isinstance(document, dict):
        return
    low = {str(key).lower(): value for key, value in document.items()}
    kind = str(next((low[key] for key in ("module", "recommendation", "rule") if low.get(key)), kind))
    named = next((low[key] for key in RESOURCE if isinstance(low.get(key), str) and low[key]), None)
    if named:
        saving = next((low[key] for key in SAVING if low.get(key) is not None), None)
        yield Recommended(kind, named, _number(saving))
        return
    for key, value in document.items():
        yield from recommendations(value, kind if str(key).lower() in ("items", "data", "optimizations") else str(key))


def read_bill(folder: Path) -> tuple[dict[str, Seen], list[str]]:
    """Every table of the folder that holds costs or points by resource and day; what was not understood, named."""
    seen: dict[str, Seen] = {}
    remarks = []
    for path in sorted(path for path in folder.rglob("*") if path.suffix in (".csv", ".parquet", ".gz")):
        # As text, so that an amount stays what was written.
        source = "read_parquet(?)" if path.suffix == ".parquet" else "read_csv(?, all_varchar = true)"
        with duckdb.connect() as connection:
            table = connection.execute(f"SELECT * FROM {source}", [str(path)]).to_arrow_table()
        columns = [str(name).lower() for name in table.column_names]
        rows: Iterable[Any] = zip(*(column.to_pylist() for column in table.columns), strict=True)
        who, when = _first(columns, RESOURCE), _first(columns, DAY)
        if who is None or when is None:
            remarks.append(f"{path.name}: no column names a resource and a day; it has {', '.join(columns)}")
            continue
        for row in rows:
            _take(seen.setdefault(str(row[who]), Seen()), columns, row, _moment(row[when]))
    return seen, remarks


def _take(one: Seen, columns: list[str], row: Any, moment: datetime | None) -> None:
    if moment is None:
        return
    facts: dict[str, tuple[str, ...]] = {"kind": TYPE, "region": REGION, "name": NAME}
    for attribute, names in facts.items():
        at = _first(columns, names)
        if at is not None and row[at] and not getattr(one, attribute):
            setattr(one, attribute, str(row[at]))
    cost = _value(columns, row, COST)
    if cost is not None:
        one.costs[moment.date()] = one.costs.get(moment.date(), Decimal(0)) + cost
    metric, value = _first(columns, METRIC), _value(columns, row, VALUE)
    points = {str(row[metric]).lower(): value} if metric is not None and value is not None else {}
    shares = {CPU: one.cpu, MEMORY: one.memory}
    for names in (CPU, MEMORY, NETWORK):
        told = [points[name] for name in names if name in points]
        direct = None if points else _value(columns, row, names)
        for amount in (*told, *([direct] if direct is not None else [])):
            if names in shares:
                shares[names].append((moment, amount))
            else:
                one.network[moment.date()] = one.network.get(moment.date(), Decimal(0)) + amount


def judged(resource: str, one: Seen, last: date, rule: str, now: datetime) -> Judgement | None:
    """What our rule says of this resource, by the same code that judges a lake."""
    if not any(last - timedelta(days=back) in one.costs for back in range(14)):
        return None
    return JUDGES[rule](*_looked_at(resource, one, last, now))


def _looked_at(resource: str, one: Seen, last: date, now: datetime) -> tuple[Metered, Look]:
    days = [last - timedelta(days=back) for back in range(14)]
    costs = [one.costs[day] for day in days if day in one.costs]
    total = sum(costs, start=Decimal(0))
    meter = Meter(
        name=one.kind, unit="Hours", months=(MonthOfMeter(last.replace(day=1), Decimal(24 * len(costs)), len(costs)),),
        list_cost=None, effective=total, uncovered=total, least_day=min(costs), most_day=max(costs),
        least_quantity=Decimal(24), most_quantity=Decimal(24), first_day=min(day for day in days if day in one.costs),
        last_day=max(day for day in days if day in one.costs),
    )  # fmt: skip
    metered = Metered(
        resource_id=resource, name=one.name, provider="", service="", account="", region=one.region, team="",
        use_case="", environment="", currency="USD", details="", instance_type=one.kind, meters=(meter,),
    )  # fmt: skip
    recent = [(at, value) for at, value in one.cpu if at.date() in days]
    network = [value for day, value in one.network.items() if day in days]
    use = Use(
        cpu_max_percent=max((value for _, value in recent), default=None),
        network_mb_per_day=max(network) / 1_000_000 if network else None,
        metric_hours=len({at.replace(minute=0, second=0, microsecond=0) for at, _ in recent}),
        last_metric_at=max((at for at, _ in recent), default=None),
    )
    uses = {resource: use} if recent or network else {}
    limits = SavingsThresholds()
    memory = [(at, value) for at, value in one.memory if at.date() in days]
    load = Load(
        cpu_percent=_high(recent, limits), memory_percent=_high(memory, limits), last_at=use.last_metric_at,
        hours=min((count for count in (use.metric_hours, len(memory)) if count), default=0),
    )  # fmt: skip
    loads = {resource: load} if recent else {}
    return metered, Look(days=14, last_day=last, now=now, limits=limits, uses=uses, loads=loads)


JUDGES = {
    "idle_machine": idle_machine.judge, "old_generation": old_generation.judge, "rightsize_machine": rightsize.judge,
}  # fmt: skip


def _high(points: list[tuple[datetime, Decimal]], limits: SavingsThresholds) -> Decimal | None:
    """What so many per cent of these points stay within; without enough of them the highest."""
    if not points:
        return None
    ordered = sorted(value for _, value in points)
    return ordered[min(len(ordered) - 1, int(len(ordered) * limits.rightsize.percentile / 100))]


def held_against(seen: dict[str, Seen], theirs: list[Recommended]) -> list[dict[str, str]]:
    """One line for each of their recommendations: the same, or the reason why not."""
    last = max((day for one in seen.values() for day in one.costs), default=date.min)
    now = datetime.combine(last + timedelta(days=1), time(8), UTC) if last > date.min else datetime.now(UTC)
    lines = []
    for one in theirs:
        kind = one.kind.lower()
        rule = next((rule for word, rule in KINDS if word in kind), "")
        line = {"kind": one.kind, "resource": one.resource, "theirs": _text(one.saving), "ours": "", "rule": rule}
        if not rule:
            why = next((why for word, why in NO_RULE.items() if word in kind), "no rule of ours is about this yet")
            lines.append(line | {"same": "no rule", "why": why})
            continue
        told = judged(one.resource, seen[one.resource], last, rule, now) if one.resource in seen else None
        lines.append(line | _verdict(told, one, seen, last, rule))
    return lines


def _verdict(
    told: Judgement | None, one: Recommended, seen: dict[str, Seen], last: date, rule: str
) -> dict[str, str]:  # fmt: skip
    if told is not None and told.finding.verdict.saves:
        return {"same": "yes", "why": told.why, "ours": _text(told.money.cash if told.money else None)}
    if told is not None and told.finding.missing:
        return {"same": "unknown", "why": f"missing: {'; '.join(told.finding.missing)}"}
    if told is not None:
        broken = [check for check in told.finding.checks if check.holds is False]
        said = "; ".join(f"{check.label} {check.measured} {check.unit}, ours is {check.condition}" for check in broken)
        return {"same": "no", "why": said or told.why}
    known = seen.get(one.resource)
    if known is None:
        return {"same": "no data", "why": "the bill names no such resource"}
    if not known.costs or max(known.costs) != last:
        return {"same": "no", "why": "it is not billed on the last day: there is nothing left to stop"}
    if rule == "idle_machine" and not INSTANCE.search(one.resource):
        return {"same": "no rule", "why": "its id is none of an EC2 instance, which is what our executor stops"}
    if not known.cpu and not known.network:
        return {"same": "unknown", "why": "missing: CPU and network points"}
    if rule == rightsize.FORM.name:
        return {"same": "no", "why": _no_smaller(one.resource, known, last)}
    return {"same": "no", "why": "our rule is not about such a resource: a GPU machine or a current type"}


def _no_smaller(resource: str, known: Seen, last: date) -> str:
    """Why no size is proposed, by the steps of the rule itself."""
    metered, look = _looked_at(resource, known, last, datetime.combine(last, time(), UTC))
    try:
        own = look.book.shape(known.kind)
    except LakeError:
        return f"{known.kind or 'its type'} stands in no list of the price book"
    if resource in look.loads and rightsize.still(metered, look.loads[resource], look):
        return "it does nothing by CPU and network: ours would stop it"
    if (own.instance_type, known.region) not in look.book.prices:
        return f"the price book has no price of {known.kind} in {known.region}"
    if not rightsize.cheaper_sizes(look, own, metered):
        return f"the price book knows nothing smaller than {known.kind} in {known.region}"
    return "no smaller size would hold what was measured with headroom"


def main(arguments: list[str] | None = None) -> int:
    """Prints the table and what it adds up to; 1 if nothing could be read."""
    parser = argparse.ArgumentParser(
        prog="./dev bench savings",
        description=__doc__,
        epilog=COLUMNS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--bill", type=Path, required=True, help="folder with daily costs and points, CSV or Parquet")
    parser.add_argument("--recommendations", type=Path, required=True, help="the other optimiser's, JSON")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    given = parser.parse_args(arguments)
    try:
        theirs = list(recommendations(json.loads(given.recommendations.read_text())))
    except (OSError, ValueError) as error:
        print(f"{given.recommendations} cannot be read as JSON: {error}.", file=sys.stderr)
        return 1
    seen, remarks = read_bill(given.bill)
    lines = held_against(seen, theirs)
    if not lines or not seen:
        print(f"Nothing to compare: {len(theirs)} recommendations, {len(seen)} resources.", file=sys.stderr)
    counts = Counter(line["same"] for line in lines)
    if given.json:
        print(json.dumps({"lines": lines, "counts": counts, "resources": len(seen), "remarks": remarks}, indent=1))
    else:
        for line in lines:
            print("\t".join(line[key] for key in ("same", "kind", "resource", "theirs", "ours", "why")))
        told = ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))
        if told:
            print(f"{len(lines)} recommendations on {len(seen)} resources: {told}.", file=sys.stderr)
        for remark in remarks:
            print(remark, file=sys.stderr)
    return 0 if lines and seen else 1


def _first(columns: list[str], names: tuple[str, ...]) -> int | None:
    return next((columns.index(name) for name in names if name in columns), None)


def _value(columns: list[str], row: Any, names: tuple[str, ...]) -> Decimal | None:
    at = _first(columns, names)
    return None if at is None else _number(row[at])


def _number(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value)) if value is not None and value != "" else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _text(value: Decimal | None) -> str:
    return "" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    sys.exit(main())
