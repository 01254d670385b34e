"""Daily series laid side by side: one array a level, so that every level is judged by the same rule at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from tools.detection.contributions import add
from tools.detection.rolling import Array

Names = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Leaf:
    """One series at the finest level: exact daily amounts from `first` on."""

    names: Mapping[str, str]
    currency: str
    first: date
    values: tuple[Decimal, ...]

    @property
    def end(self) -> date:
        """The day after its last complete one."""
        return self.first + timedelta(days=len(self.values))

    def total(self, start: date, end: date) -> Decimal:
        """The exact sum from `start` to `end`, both included."""
        low, high = max((start - self.first).days, 0), max((end - self.first).days + 1, 0)
        return add(self.values[low:high])


@dataclass(frozen=True)
class Series:
    """A series of one level: its names, and the leaves that add up to it up to the earliest end among them."""

    names: Names
    currency: str
    leaves: tuple[Leaf, ...]

    @property
    def end(self) -> date:
        return min(leaf.end for leaf in self.leaves)

    def total(self, start: date, end: date) -> Decimal:
        """The exact sum from `start` to `end`, both included."""
        return add(leaf.total(start, end) for leaf in self.leaves)


def level(leaves: Sequence[Leaf], dimensions: Sequence[str], *, nameless: str = "") -> list[Series]:
    """The series of one level; one whose last name is `nameless` repeats the level above and is left out."""
    found: dict[tuple[Names, str], list[Leaf]] = {}
    for leaf in leaves:
        names = tuple((dimension, leaf.names[dimension]) for dimension in dimensions)
        if not (nameless and names and names[-1][1] == nameless):
            found.setdefault((names, leaf.currency), []).append(leaf)
    return [Series(names, currency, tuple(parts)) for (names, currency), parts in found.items()]


def grids(series: Sequence[Series], first: date) -> list[tuple[list[Series], Array]]:
    """Arrays of daily cost from `first`, one for each end that occurs: sources do not all reach the same day."""
    by_end: dict[date, list[Series]] = {}
    for one in series:
        by_end.setdefault(one.end, []).append(one)
    return [(group, np.stack([_row(one, first, end) for one in group])) for end, group in sorted(by_end.items())]


def _row(one: Series, first: date, end: date) -> Array:
    row = np.zeros((end - first).days)
    for leaf in one.leaves:
        start = (leaf.first - first).days
        values = np.array([float(value) for value in leaf.values[: max(len(row) - start, 0)]])
        row[start : start + len(values)] += values
    return row
