"""What single resources were billed: every meter of those whose id is of a kind that somebody asks for.

The bill knows a resource by its id alone, so the ids are what chooses: a disk, an address, a notebook.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from lake import meter_expressions
from lake.compiled import Build
from lake.engine import Lake
from lake.instance_type import instance_type
from lake.measures import TOKENS, one_unit
from lake.metered import HOUR_UNITS, Meter, Metered, MonthOfMeter
from lake.money import add, product
from lake.period import Period
from lake.question import EVERY_TEAM, Question


@dataclass(frozen=True)
class Resources:
    """The resources of a period in the order of their ids, the query that found them, and the snapshots it read."""

    found: list[Metered]
    query: str
    snapshots: list[str]


def resources(lake: Lake, period: Period, *, ids: str, teams_seen: tuple[str, ...] = (EVERY_TEAM,)) -> Resources:
    """Those whose ResourceId matches the regular expression `ids` (RE2), as far as the asker may see."""
    key = ("resources", period, ids, teams_seen)
    return _once(lake, key, lambda: _resources(lake, meter_expressions.resource_meters, period, teams_seen, ids))


def models(lake: Lake, period: Period, *, teams_seen: tuple[str, ...] = (EVERY_TEAM,)) -> Resources:
    """Every use of a language model that was paid by the token, as far as the asker may see; its meters count single
    tokens, whatever the bill counts in."""
    return _once(lake, ("models", period, teams_seen), lambda: _models(lake, period, teams_seen))


def scaling_groups(lake: Lake, period: Period, *, teams_seen: tuple[str, ...] = (EVERY_TEAM,)) -> Resources:
    """Every scaling group whose machines bear its name on the bill, with the hours of all of them as its meters."""
    tags = (meter_expressions.GROUP_TAG,)
    key = ("groups", period, teams_seen)
    return _once(lake, key, lambda: _resources(lake, meter_expressions.group_meters, period, teams_seen, tags=tags))


def tags_of(
    lake: Lake, period: Period, keys: tuple[str, ...], *, ids: str, teams_seen: tuple[str, ...] = (EVERY_TEAM,)
) -> dict[str, dict[str, str]]:
    """By resource, what those of these tags say that it bears; one that bears none is absent."""

    def make() -> dict[str, dict[str, str]]:
        rows, _, _ = _fetched(lake, meter_expressions.resource_tags, period, teams_seen, ids, keys, tags=keys)
        borne = {
            row["resource_id"]: {key: row[f"tag{at}"] for at, key in enumerate(keys) if row[f"tag{at}"]} for row in rows
        }
        return {name: tags for name, tags in borne.items() if tags}

    return lake.remembered(("tags", period, keys, ids, teams_seen), make, lambda found: 2 * len(found) + 1)


def last_billed(lake: Lake, period: Period, *, ids: str, teams_seen: tuple[str, ...] = (EVERY_TEAM,)) -> date | None:
    """The last day in `period` on which any of them was billed; None if none was."""
    return _last(lake, meter_expressions.last_day, period, teams_seen, ids)


def models_last_billed(lake: Lake, period: Period, *, teams_seen: tuple[str, ...] = (EVERY_TEAM,)) -> date | None:
    """The last day in `period` on which tokens were billed; None if none were."""
    return _last(lake, meter_expressions.last_day_of_models, period, teams_seen)


def _once(lake: Lake, key: Hashable, make: Callable[[], Resources]) -> Resources:
    """What the bill says of resources, read once; what a rule makes of it also depends on the time, and is not kept."""
    made = lake.remembered(key, make, lambda read: 6 * sum(len(one.meters) for one in read.found))
    return replace(made, found=list(made.found))


def _models(lake: Lake, period: Period, teams_seen: tuple[str, ...]) -> Resources:
    rows, query, snapshots = _fetched(lake, meter_expressions.model_meters, period, teams_seen)
    return Resources(_folded([told for row in rows if (told := _in_tokens(row))]), query, snapshots)


def _last(lake: Lake, build: Build, period: Period, teams_seen: tuple[str, ...], *more: Any) -> date | None:
    def make() -> date | None:
        rows, _, _ = _fetched(lake, build, period, teams_seen, *more)
        return rows[0]["last_day"] if rows else None

    return lake.remembered((build.__name__, period, teams_seen, *more), make, lambda _: 1)


def _in_tokens(row: dict[str, Any]) -> dict[str, Any] | None:
    unit, factor = one_unit(row["unit"])
    if unit != TOKENS:
        return None
    counted = ("quantity", "least_quantity", "most_quantity")
    return {**row, "unit": TOKENS, **{name: product(row[name] or Decimal(0), factor) for name in counted}}


def _resources(
    lake: Lake, build: Build, period: Period, teams_seen: tuple[str, ...], *more: Any, tags: tuple[str, ...] = ()
) -> Resources:
    rows, query, snapshots = _fetched(lake, build, period, teams_seen, *more, tags=tags)
    return Resources(_folded(rows), query, snapshots)


def _fetched(
    lake: Lake, build: Build, period: Period, teams_seen: tuple[str, ...], *more: Any, tags: tuple[str, ...] = ()
) -> tuple[list[dict[str, Any]], str, list[str]]:
    """The rows, the query and the snapshots that it read; nothing at all where none has such days."""
    read = [snapshot for snapshot in lake.current() if snapshot.charged.overlaps(period)]
    if not read:
        return [], "", []
    with lake.reader(read, tags=tags) as reader:
        rows, query = reader.fetch(build, Question(period=period, teams_seen=teams_seen), *more)
    return rows, query, [one.id for one in read]


def _folded(rows: list[dict[str, Any]]) -> list[Metered]:
    """One resource a ResourceId and currency; its rows come a meter and month each."""
    by_resource: dict[tuple[str, str], dict[tuple[str, str], list[dict[str, Any]]]] = {}
    for row in rows:
        meters = by_resource.setdefault((row["resource_id"], row["currency"]), {})
        meters.setdefault((row["meter"] or "", row["unit"] or ""), []).append(row)
    return [_resource(key, meters) for key, meters in sorted(by_resource.items())]


def _resource(key: tuple[str, str], meters: dict[tuple[str, str], list[dict[str, Any]]]) -> Metered:
    every = [row for rows in meters.values() for row in rows]
    newest = max(every, key=lambda row: row["last_day"])
    # A disk or a network line stands under the machine's id too, and tells nothing of its type or system.
    hours = [row for row in sorted(every, key=lambda row: row["last_day"]) if (row["unit"] or "").lower() in HOUR_UNITS]
    types = [kind for row in hours if (kind := instance_type(row["details"], row["meter"], row["meter"]))]
    told = hours[-1] if hours else newest
    names = {
        name: newest.get(name) or ""
        for name in (
            "name", "provider", "service", "account", "region", "team", "use_case", "environment", "model", "workload"
        )
    }  # fmt: skip
    return Metered(
        resource_id=key[0],
        currency=key[1],
        details=told["details"] or "",
        instance_type=types[-1] if types else "",
        meters=tuple(_meter(*called, rows) for called, rows in sorted(meters.items())),
        **names,
    )


def _meter(name: str, unit: str, rows: list[dict[str, Any]]) -> Meter:
    return Meter(
        name=name,
        unit=unit,
        months=tuple(
            MonthOfMeter(row["first_day"].replace(day=1), row["quantity"] or Decimal(0), int(row["days"]))
            for row in rows
        ),
        list_cost=None if any(row["unlisted"] for row in rows) else add(row["list_cost"] for row in rows),
        effective=add(row["effective"] for row in rows),
        uncovered=add(row["uncovered"] or Decimal(0) for row in rows),
        least_day=min(row["least_day"] for row in rows),
        most_day=max(row["most_day"] for row in rows),
        least_quantity=min(row["least_quantity"] or Decimal(0) for row in rows),
        most_quantity=max(row["most_quantity"] or Decimal(0) for row in rows),
        first_day=min(row["first_day"] for row in rows),
        last_day=max(row["last_day"] for row in rows),
    )


@dataclass
class ResourceDays:
    """One resource's days, and the sources whose bills tell of it; a day without a charge is absent.

    Whether an absent day cost nothing is the sources' to say: one that they have not delivered is not known.
    """

    days: dict[date, "DayCost"] = field(default_factory=dict)
    sources: set[str] = field(default_factory=set)

    def count(self, day: date, cost: "DayCost") -> None:
        """Adds a cost to what is known of a day."""
        known = self.days.get(day, DayCost(Decimal(0), Decimal(0)))
        self.days[day] = DayCost(add([known.effective, cost.effective]), add([known.uncovered, cost.uncovered]))


@dataclass(frozen=True)
class DayCost:
    """What a resource cost on one day; `uncovered` is what no commitment covers."""

    effective: Decimal
    uncovered: Decimal


def daily_costs(
    lake: Lake, period: Period, resource_ids: Iterable[str], *, teams_seen: tuple[str, ...] = (EVERY_TEAM,)
) -> dict[tuple[str, str], ResourceDays]:
    """By resource and currency, what each day cost and who says so; of a scaling group, what its machines did."""
    start = meter_expressions.GROUP_START
    wanted = sorted(set(resource_ids))
    single = [name for name in wanted if not name.startswith(start)]
    groups = [name for name in wanted if name.startswith(start)]
    rows = _fetched(lake, meter_expressions.resource_days, period, teams_seen, single)[0] if single else []
    if groups:
        tags = (meter_expressions.GROUP_TAG,)
        rows += _fetched(lake, meter_expressions.group_days, period, teams_seen, groups, tags=tags)[0]
    found: dict[tuple[str, str], ResourceDays] = {}
    for row in rows:
        one = found.setdefault((row["resource_id"], row["currency"]), ResourceDays())
        one.count(row["day"], DayCost(row["effective"], row["uncovered"] or Decimal(0)))
        one.sources.add(row["source"])
    return found


def summed_days(several: Iterable[ResourceDays]) -> ResourceDays:
    """The days of several resources together."""
    whole = ResourceDays()
    for one in several:
        whole.sources |= one.sources
        for day, cost in one.days.items():
            whole.count(day, cost)
    return whole
