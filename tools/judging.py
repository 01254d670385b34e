"""What is worth telling of some days: every level of the bill judged by its own past, each event told once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from lake.period import Period
from lake.question import NONE
from tools.desk import Desk
from tools.detection.contributions import EXACT, ZERO, Contribution, add
from tools.detection.discoveries import controlled
from tools.detection.grid import Leaf, Series, grids, level
from tools.detection.incidents import Incident, told_once
from tools.detection.robust import scores
from tools.detection.rolling import Array
from tools.detection.runs import Event, Kind, events
from tools.detection.thresholds import AnomalyThresholds

LEVELS = ((), ("service",), ("team",), ("team", "service"), ("team", "service", "model"))
LEAF = LEVELS[-1]
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Found:
    """An incident with exact money, and the part that grew most."""

    incident: Incident
    actual: Decimal
    expected: Decimal
    driver: tuple[str, Contribution] | None = None

    @property
    def event(self) -> Event:
        return self.incident.event

    @property
    def excess(self) -> Decimal:
        return EXACT.subtract(self.actual, self.expected)

    @property
    def period(self) -> Period:
        return Period(self.event.start, self.event.end + timedelta(days=1))


@dataclass(frozen=True)
class Unusual:
    """An event of one series, and whether that is of AI alone: what days of it are told of is asked later."""

    series: Series
    event: Event
    ai_alone: bool


def unusual(desk: Desk, leaves: Sequence[Leaf], *, ai_total: Sequence[Leaf] = ()) -> list[Unusual]:
    """Every event of all days and levels, judged together. `ai_total`: the sum of AI, watched as well."""
    if not leaves:
        return []
    first = min(leaf.first for leaf in leaves)
    watched = [(series, costs, True) for series, costs in grids(level(ai_total, ()), first)]
    for dimensions in LEVELS:
        series = level(leaves, dimensions, nameless=NONE if dimensions == LEAF else "")
        watched += [(group, costs, False) for group, costs in grids(series, first)]
    return _events(desk, watched, first)


def judged(desk: Desk, leaves: Sequence[Leaf], days: Period, *, of: Sequence[Unusual]) -> tuple[list[Found], int]:
    """What is worth telling of `days`, and how many falls were left out: `of` the events of these leaves."""
    if not leaves:
        return [], 0
    months = months_of(leaves)
    touching = [one for one in of if days.start <= one.event.end and one.event.start < days.end]
    exact = [_found(one.series, one.event, ai_alone=one.ai_alone) for one in touching]
    found = [one for one in exact if _worth(desk, one.incident, one.excess, months)]
    rises = {id(one.incident): one for one in found if one.event.kind != Kind.DROP}
    falls = [one.incident for one in found if one.event.kind == Kind.DROP and _is_news(desk, one.event, days)]
    news = [one.incident for one in rises.values() if _is_news(desk, one.event, days)]
    known = [one.incident for one in rises.values() if not _is_news(desk, one.event, days)]
    kept = told_once(news, known=known, worth=lambda one, rest: _worth(desk, one, Decimal(rest), months))
    return [rises[id(incident)] for incident in kept], len(told_once(falls))


def _events(desk: Desk, watched: Sequence[tuple[list[Series], Array, bool]], first: date) -> list[Unusual]:
    """`watched`: series with their costs, and whether they are of AI alone."""
    scored = controlled(
        [scores(costs, first, clock=desk.calendar.clock(first, costs.shape[1])) for _, costs, _ in watched]
    )
    return [
        Unusual(group[event.series], event, ai_alone)
        for (group, costs, ai_alone), judged_here in zip(watched, scored, strict=True)
        for event in events(costs, judged_here, first)
    ]


def _is_news(desk: Desk, event: Event, days: Period) -> bool:
    """What lasts since long before `days` is no news in them; what goes on growing is for longer."""
    limits = desk.anomalies
    age = (days.start - event.start).days
    return age <= (limits.leak_news_days if event.kind == Kind.LEAK else limits.news_days)


def _found(series: Series, event: Event, *, ai_alone: bool) -> Found:
    expected = max(Decimal(event.expected).quantize(_CENT), ZERO)
    incident = Incident(series.names, series.currency, event, ai_alone)
    return Found(incident, series.total(event.start, event.end), expected)


def months_of(leaves: Sequence[Leaf]) -> dict[str, Decimal]:
    """What the last thirty days cost, by currency."""
    months: dict[str, Decimal] = {}
    for currency in {leaf.currency for leaf in leaves}:
        mine = [leaf for leaf in leaves if leaf.currency == currency]
        end = max(leaf.end for leaf in mine)
        months[currency] = add(leaf.total(end - timedelta(days=30), end) for leaf in mine)
    return months


def floor_of(limits: AnomalyThresholds, month: Decimal) -> Decimal:
    """The least excess worth telling."""
    return max(limits.least_excess, month * limits.least_share_percent / 100)


def _worth(desk: Desk, one: Incident, excess: Decimal, months: dict[str, Decimal]) -> bool:
    """By the limits of the team whose cost it is, or of everybody where it is wider than one team."""
    limits = desk.team_anomalies.get(dict(one.names).get("team", ""), desk.anomalies)
    size, expected = abs(excess), max(Decimal(one.event.expected), ZERO)
    return size >= floor_of(limits, months[one.currency]) and size * 100 >= expected * limits.least_percent
