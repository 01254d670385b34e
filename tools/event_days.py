"""The days around each event that is told: what they cost, what was expected, and the band in which a day is no news.

What people look at to believe an event, or not. The money is exact; what was expected of a single day is an estimate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from lake.question import NONE
from tools.anomalies import Looked
from tools.desk import Desk
from tools.detection.band import Band, band
from tools.detection.contributions import EXACT, ZERO
from tools.detection.grid import Leaf, Series, grids, level
from tools.detection.rolling import Array
from tools.judging import LEAF, Found

BEFORE, AFTER = 70, 28  # days around the event
SHORT_DAYS = 3  # longer ones are held against the weeks before them, since what is expected of a day follows them
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class EventDay:
    """One day: `actual` money, exact; what was `expected`, and the least and the most that is no news by itself, to the
    cent; None while the series is still learnt."""

    day: date
    actual: Decimal
    expected: Decimal | None
    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True)
class EventDays:
    """An event's days and those around it. `held_against`: what a day of it was held against on average, for an event
    of more than a few days; `others`: first and last day of the other events told of the same series."""

    found: Found
    days: tuple[EventDay, ...]
    held_against: Decimal | None
    others: tuple[tuple[date, date], ...] = ()


def event_days(desk: Desk, looked: Looked) -> list[EventDays]:
    """The days around each event that was told, in the order of the rows."""
    kept: dict[tuple[tuple[str, ...], bool], list[tuple[list[Series], Array]]] = {}
    drawn = []
    for one in looked.told:
        key = one.incident.dimensions, one.incident.ai_alone
        if key not in kept:
            kept[key] = _grids(looked, *key)
        drawn.append(_around(desk, one, kept[key], looked))
    return drawn


def _grids(looked: Looked, dimensions: tuple[str, ...], ai_alone: bool) -> list[tuple[list[Series], Array]]:
    """The series of a level as they were judged."""
    leaves: Sequence[Leaf] = looked.ai_total if ai_alone else looked.leaves
    nameless = NONE if dimensions == LEAF else ""
    return grids(level(leaves, dimensions, nameless=nameless), _first(looked))


def _first(looked: Looked) -> date:
    return min(leaf.first for leaf in looked.leaves)


def _around(desk: Desk, one: Found, judged: Sequence[tuple[list[Series], Array]], looked: Looked) -> EventDays:
    mine = one.incident.names, one.incident.currency
    series, row, costs = next(
        (series, row, costs)
        for group, costs in judged
        for row, series in enumerate(group)
        if (series.names, series.currency) == mine
    )
    first = _first(looked)
    edges = band(costs, first, rows=[row], clock=desk.calendar.clock(first, costs.shape[1]))
    low, high = one.event.start - timedelta(days=BEFORE), one.event.end + timedelta(days=AFTER)
    columns = range(max((low - first).days, 0), min((high - first).days + 1, costs.shape[1]))
    days = tuple(_day(series, first, column, edges) for column in columns)
    same = [other for other in looked.told if other is not one and _same_series(other, one)]
    others = tuple((other.event.start, other.event.end) for other in same)
    return EventDays(one, days, _held_against(one), others)


def _same_series(one: Found, other: Found) -> bool:
    return all(
        getattr(one.incident, name) == getattr(other.incident, name) for name in ("names", "currency", "ai_alone")
    )


def _day(series: Series, first: date, column: int, edges: Band) -> EventDay:
    day = first + timedelta(days=column)
    expected, low, high = (_money(side[0, column]) for side in (edges.expected, edges.low, edges.high))
    return EventDay(day, series.total(day, day), expected, low, high)


def _money(value: np.floating) -> Decimal | None:
    return Decimal(float(value)).quantize(_CENT) if np.isfinite(value) else None


def _held_against(one: Found) -> Decimal | None:
    if one.event.days <= SHORT_DAYS:
        return None
    return max(EXACT.divide(one.expected, Decimal(one.event.days)).quantize(_CENT), ZERO)
