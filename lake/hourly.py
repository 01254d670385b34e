"""What was used hour by hour, priced before any bill: an early signal in series of its own, never a cost.

A gateway tells within minutes what a provider's bill tells after a day or two, and prices it by its own list. So what
is read here is an estimate wherever it is shown, stays out of every sum of spend, and the bill has the last word.

An hour of which a source tells nothing is not known: neither zero nor anything else can be said of it. The newest hour
is not settled until some minutes after its end, since requests are written down in batches.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from lake import allocation, completeness, expressions
from lake.engine import Lake
from lake.money import add
from lake.period import Period
from lake.question import EVERY_TEAM, Question

HOUR = 3600
BY = ("team", "model", "api_key")
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

    def total(self, start: int, end: int) -> Decimal:
        """The exact sum from hour `start` to before hour `end`, over the hours that are known."""
        return add(cost for hour, cost in self.costs.items() if start <= hour < end)


@dataclass(frozen=True)
class Hourly:
    """One source's series up to before the hour `end`, the first that is not settled; `loaded_at`: how fresh it is."""

    source: str
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
    ends = {source: _settled(loaded, now) for source, loaded in fresh.items()}
    first = max(ends.values()) - hours
    period = Period(moment_of(first).date(), moment_of(max(ends.values())).date() + timedelta(days=1))
    question = Question(period=period, by=BY, teams_seen=teams_seen)
    with beside.reader(beside.current()) as reader:
        rows, _ = reader.fetch(expressions.hourly, question)
        told, _ = reader.fetch(expressions.hours_told, question)
    known = {source: frozenset(row["hour"] for row in told if row["x_source"] == source) for source in held}
    found: list[Hourly] = []
    for source, end in ends.items():
        kept = frozenset(hour for hour in known[source] if first <= hour < end)
        series = [
            HourlySeries({name: row[name] for name in BY}, row[expressions.CURRENCY], costs, kept)
            for row in rows
            if row["x_source"] == source
            and (costs := {hour: cost for hour, cost in zip(row["hours"], row["values"], strict=True) if hour in kept})
        ]
        found.append(Hourly(source, tuple(series), end, fresh[source]))
    return found


def _settled(loaded: datetime, now: datetime) -> int:
    """The first hour that is not settled in what was loaded then."""
    return hour_of(min(loaded, now) - LAG)
