"""What was used hour by hour, priced before any bill: an early signal in series of its own, never a cost.

A gateway tells within minutes what a provider's bill tells after a day or two, and prices it by its own list. Where
monitoring counts a model's tokens by the hour, they are priced at what a token of it cost on the bill of the last
weeks; of a machine an hour costs the same however busy it is, and tells nothing. So what is read here is an estimate
wherever it is shown, stays out of every sum of spend, and the bill has the last word.

An hour of which a source tells nothing is not known: neither zero nor anything else can be said of it. The newest hour
is not settled until some minutes after its end, since requests are written down in batches.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from lake import allocation, completeness, expressions, usage
from lake.engine import Lake
from lake.errors import NameNotKnown
from lake.money import add, per, product
from lake.period import Period
from lake.question import EVERY_TEAM, Question
from lake.series import DailySeries

HOUR = 3600
BY = ("team", "model", "api_key")
LEVELS = ((), ("team",), ("team", "model"), BY)
USAGE, USAGE_LEVELS = "usage", (("team",), ("team", "resource"))
PRICED_DAYS, LEAST_DAYS = 28, 7
"""Of how many days of the bill the price of a token is taken, and how many there must be of which every hour is
known."""
LAG = timedelta(minutes=10)
"""How long after its end an hour may still be written down: LiteLLM writes its log in batches, seconds to minutes."""


@dataclass(frozen=True)
class HourlySeries:
    """The estimates of one series by hour, exact. Hours are counted from 1970 in UTC, so that no clock change touches
    them. An hour in `known` without a cost cost nothing; any other hour is not known."""

    names: Mapping[str, str]
    currency: str
    costs: Mapping[int, Decimal]
    known: frozenset[int]


@dataclass(frozen=True)
class Hourly:
    """One source's series up to before the hour `end`, the first that is not settled; `loaded_at`: how fresh it is;
    `levels`: by which of their names they may be added up."""

    source: str
    levels: tuple[tuple[str, ...], ...]
    series: tuple[HourlySeries, ...]
    end: int
    loaded_at: datetime


def hour_of(moment: datetime) -> int:
    """The hour that this moment lies in."""
    return int(moment.timestamp()) // HOUR


def moment_of(hour: int) -> datetime:
    """The first moment of an hour."""
    return datetime.fromtimestamp(hour * HOUR, UTC)


def of_gateways(lake: Lake, *, now: datetime, hours: int, teams_seen: tuple[str, ...] = (EVERY_TEAM,)) -> list[Hourly]:
    """What each gateway beside this lake estimates of the last `hours` that are settled, by team, model and key.

    Rows of whole days, as earlier versions kept them, are no hours and left out. Raises LakeError where a file cannot
    be read; a lake without a gateway has none.
    """
    beside = allocation.beside(lake)
    held = completeness.by_source(beside.current())
    if not held:
        return []
    fresh = {source: max(snapshot.loaded_at for snapshot in snapshots) for source, snapshots in held.items()}
    ends = {source: settled(loaded, now) for source, loaded in fresh.items()}
    first = max(ends.values()) - hours
    period = Period(moment_of(first).date(), moment_of(max(ends.values())).date() + timedelta(days=1))
    question = Question(period=period, by=BY, teams_seen=teams_seen)
    with beside.reader(beside.current()) as reader:
        rows, _ = reader.fetch(expressions.hourly, question)
        told, _ = reader.fetch(expressions.hours_told, question)
    known = {source: frozenset(row["hour"] // HOUR for row in told if row["x_source"] == source) for source in held}
    found: list[Hourly] = []
    for source, end in ends.items():
        kept = frozenset(hour for hour in known[source] if first <= hour < end)
        series = [
            HourlySeries({name: row[name] for name in BY}, row[expressions.CURRENCY], costs, kept)
            for row in rows
            if row["x_source"] == source and (costs := _costs(row, kept))
        ]
        found.append(Hourly(source, LEVELS, tuple(series), end, fresh[source]))
    return found


def _costs(row: Mapping[str, Any], kept: frozenset[int]) -> dict[int, Decimal]:
    hours = (second // HOUR for second in row["hours"])
    return {hour: cost for hour, cost in zip(hours, row["values"], strict=True) if hour in kept}


def of_usage(lake: Lake, *, now: datetime, hours: int, teams_seen: tuple[str, ...] = (EVERY_TEAM,)) -> list[Hourly]:
    """What the tokens that monitoring counted in the last `hours` cost at the bill's own price, by team and resource.

    A resource of several teams is each team's by its share of the bill. What has no price, since too little of it was
    both billed and counted, is left out. Raises LakeError where a file cannot be read.
    """
    manifest = lake.store.usage()
    if manifest is None or not lake.current():
        return []
    end = settled(manifest.loaded_at, now)
    try:
        bill = lake.daily(
            by=("resource", "team"), ai=True, where={"charge_category": ("Usage",)}, teams_seen=teams_seen
        )
    except NameNotKnown:
        return []  # a bill without a single usage charge
    counted: dict[str, dict[int, int]] = {}
    ids = {one.key["resource"] for one in bill}
    for used in usage.hours(lake.store, ids, start=moment_of(end - hours), end=moment_of(end)):
        if used.tokens is not None:
            counted.setdefault(used.resource_id, {})[hour_of(used.hour)] = used.tokens
    series = []
    for one in bill:
        tokens = counted.get(one.key["resource"], {})
        price = _price(one, tokens)
        if price is not None:
            costs = {hour: product(price, Decimal(count)) for hour, count in tokens.items()}
            series.append(HourlySeries(one.key, one.currency, costs, frozenset(tokens)))
    return [Hourly(USAGE, USAGE_LEVELS, tuple(series), end, manifest.loaded_at)] if series else []


def _price(bill: DailySeries, tokens: Mapping[int, int]) -> Decimal | None:
    """What a token cost on the last days of the bill, of those days of which every hour was counted."""
    cost, count, days = [], 0, 0
    for back in range(1, min(PRICED_DAYS, len(bill.values)) + 1):
        midnight = datetime.combine(bill.first + timedelta(days=len(bill.values) - back), time(), UTC)
        hours = range(hour_of(midnight), hour_of(midnight) + 24)
        if all(hour in tokens for hour in hours):
            cost.append(bill.values[-back])
            count, days = count + sum(tokens[hour] for hour in hours), days + 1
    return per(add(cost), Decimal(count), times=1) if count and days >= LEAST_DAYS else None


def settled(loaded: datetime, now: datetime) -> int:
    """The first hour that is not settled in what was loaded then."""
    return hour_of(min(loaded, now) - LAG)
