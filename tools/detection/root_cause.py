"""Which parts of a bill a change comes from: few slices of at most three names, whose contributions and an explicit
remainder add up to the change, to the last digit.

Exact sums first, statistics only to choose. A slice is believed when supposing that all of it grew by one factor, and
nothing else did, explains most of what moved: that is the ripple of Squeeze (ISSRE '19) and the surprise of Adtributor
(NSDI '14), which looks at one dimension at a time and goes blind when one part falls as much as another rises. What
moved is summed without its sign here, so parts that cancel each other out are found like any others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tools.detection.contributions import EXACT, add
from tools.detection.rolling import Array

MOST_CAUSES, MOST_NAMES = 5, 3
LEAST_OF_MOVED = 0.02  # of all that moved, for a slice to be worth naming
A_NAME_MORE = 0.04  # of what a slice explains: what a further name must add to be worth its length
TRIED_AGAIN = 24  # slices whose factor is taken anew by the median, which a second cause inside does not bend

Names = tuple[tuple[str, str], ...]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """One cell of the bill: its names by dimension, what it cost before and after. A name that it lacks names no cause:
    that a charge has no model tells nobody where to look."""

    names: Mapping[str, str]
    before: Decimal
    after: Decimal


@dataclass(frozen=True)
class Cause:
    """A slice: its names, and what its cells cost that no earlier cause holds."""

    names: Names
    before: Decimal
    after: Decimal
    cells: int

    @property
    def change(self) -> Decimal:
        return EXACT.subtract(self.after, self.before)

    @property
    def new(self) -> bool:
        return self.before == 0 and self.after != 0

    @property
    def gone(self) -> bool:
        return self.after == 0 and self.before != 0


@dataclass(frozen=True)
class Causes:
    """`named` (what explains most first) and `remainder` sum to `change` exactly; `explained`: the share of all that
    moved, without its sign, that the named ones explain (0 to 1)."""

    named: tuple[Cause, ...]
    remainder: Decimal
    change: Decimal
    explained: float


def root_causes(parts: Sequence[Part], *, most: int = MOST_CAUSES) -> Causes:
    """The slices that explain the change from before to after, at most `most`. Cells with the same names are added."""
    change = EXACT.subtract(add(part.after for part in parts), add(part.before for part in parts))
    cube = _Cube(parts)
    named: list[Cause] = []
    moved = cube.moved()
    left = np.ones(len(parts), dtype=bool)
    while len(named) < most and moved > 0 and left.any():
        found = cube.best(left, moved)
        if found is None:
            break
        names, cells = found
        rows = [int(row) for row in np.flatnonzero(cells)]
        before, after = add(parts[row].before for row in rows), add(parts[row].after for row in rows)
        named.append(Cause(names, before, after, len(rows)))
        left &= ~cells
    remainder = EXACT.subtract(change, add(cause.change for cause in named))
    unexplained = float(np.abs(cube.after - cube.before)[left].sum())
    return Causes(tuple(named), remainder, change, 1 - unexplained / moved if moved else 0.0)


class _Cube:
    """The parts as numbers: codes of each dimension's values, and money as floats to choose by, never to sum up."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.before: Array = np.array([float(part.before) for part in parts])
        self.after: Array = np.array([float(part.after) for part in parts])
        self.dimensions: list[str] = sorted({name for part in parts for name in part.names})
        self.values: list[list[str]] = []
        self.codes: list[Codes] = []
        for dimension in self.dimensions:
            mine = [part.names.get(dimension, "") for part in parts]
            values = sorted(set(mine))
            place = {value: code for code, value in enumerate(values)}
            self.values.append(values)
            self.codes.append(np.array([place[value] for value in mine], dtype=np.int64))
        self.lacking = [
            np.array([not value for value in values])[codes]
            for values, codes in zip(self.values, self.codes, strict=True)
        ]
        self.useful = [axis for axis, values in enumerate(self.values) if len(values) > 1]

    def moved(self) -> float:
        return float(np.abs(self.after - self.before).sum())

    def best(self, left: NDArray[np.bool_], moved: float) -> tuple[Names, NDArray[np.bool_]] | None:
        """The slice of the cells that are left that explains most; None where none is worth naming."""
        tried: list[tuple[float, tuple[int, ...], int]] = []
        for depth in range(1, min(MOST_NAMES, len(self.useful)) + 1):
            for axes in combinations(self.useful, depth):
                group, first = self._group(axes, left)
                gains = self._gain(group, left) / moved * (1 - A_NAME_MORE * (depth - 1))
                gains[np.logical_or.reduce([self.lacking[axis][first] for axis in axes])] = 0
                for code in np.argsort(-gains)[:TRIED_AGAIN]:
                    if gains[code] > 0:
                        tried.append((float(gains[code]), axes, int(first[code])))
        tried.sort(key=lambda one: (-one[0], len(one[1]), one[1], one[2]))
        best: tuple[float, Names, NDArray[np.bool_]] | None = None
        for _, axes, row in tried[:TRIED_AGAIN]:
            cells = left & np.logical_and.reduce([self.codes[axis] == self.codes[axis][row] for axis in axes])
            gain = self._exact_gain(cells) / moved * (1 - A_NAME_MORE * (len(axes) - 1))
            if best is None or gain > best[0]:
                names = tuple((self.dimensions[axis], self.values[axis][self.codes[axis][row]]) for axis in axes)
                best = gain, names, cells
        if best is None or best[0] < LEAST_OF_MOVED:
            return None
        return best[1], best[2]

    def _group(self, axes: tuple[int, ...], left: NDArray[np.bool_]) -> tuple[Codes, Codes]:
        """The number of each left cell's slice, and one cell of each slice."""
        code = np.zeros(int(left.sum()), dtype=np.int64)
        for axis in axes:
            code = code * len(self.values[axis]) + self.codes[axis][left]
        _, first, group = np.unique(code, return_index=True, return_inverse=True)
        return group, np.flatnonzero(left)[first]

    def _gain(self, group: Codes, left: NDArray[np.bool_]) -> Array:
        """For each slice, by how much less stays unexplained if all of it changed by one factor."""
        before, after = self.before[left], self.after[left]
        sums = np.bincount(group, before), np.bincount(group, after)
        factor = np.divide(sums[1], sums[0], out=np.ones_like(sums[0]), where=np.abs(sums[0]) > 1e-9)
        still = np.abs(after - before * factor[group])
        still[np.abs(sums[0][group]) <= 1e-9] = 0  # wholly new: there is nothing to hold it against
        return np.asarray(np.bincount(group, np.abs(after - before) - still))

    def _exact_gain(self, cells: NDArray[np.bool_]) -> float:
        before, after = self.before[cells], self.after[cells]
        if np.abs(before).sum() <= 1e-9:
            return float(np.abs(after).sum())
        weights = np.abs(before)
        ratio = np.divide(after, before, out=np.zeros_like(after), where=weights > 1e-9)
        order = np.argsort(ratio)
        half = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
        factor = ratio[order][min(int(half), len(order) - 1)]
        return float((np.abs(after - before) - np.abs(after - before * factor)).sum())
