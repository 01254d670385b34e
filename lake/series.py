"""Daily amounts as series without gaps: what a rule that judges days is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from lake import completeness, expressions
from lake.money import add
from lake.store import Snapshot

_NOTHING = Decimal()


@dataclass(frozen=True)
class DailySeries:
    """One series of daily amounts, dense from `first`, complete days only."""

    key: dict[str, str]
    currency: str
    first: date
    values: tuple[Decimal, ...]


def through(source: str, held: Sequence[Snapshot], settled: bool) -> date:
    """The day after the last one of this source that is delivered, or `settled`."""
    if settled:
        return completeness.complete_through(source, list(held))
    return max(snapshot.data_through for snapshot in held).date()


def series(rows: Sequence[dict[str, Any]], by: tuple[str, ...], ends: Mapping[str, date]) -> list[DailySeries]:
    """The series of the rows of `expressions.daily`, each up to the earliest end among its sources (excluded)."""
    found: dict[tuple[str, ...], dict[date, Decimal]] = {}
    last: dict[tuple[str, ...], date] = {}
    names = (*expressions.keys(by).values(), "currency")
    for row in rows:
        key = tuple([row[name] for name in names])
        day, end, value = row["x_day"], ends[row["x_source"]], row["value"]
        if value is None:
            value = _NOTHING
        if key not in found:
            found[key], last[key] = {}, end
        elif end < last[key]:
            last[key] = end
        days = found[key]
        days[day] = add((days[day], value)) if day in days else value  # a day of several sources
    made = []
    for key, days in found.items():
        first = min(days)
        length = (last[key] - first).days
        if length > 0:
            values = tuple([days.get(first + timedelta(days=offset), _NOTHING) for offset in range(length)])
            made.append(DailySeries(dict(zip(by, key, strict=False)), key[-1], first, values))
    return made
