"""How well alarms meet labelled events: strict, and the same for every rule.

An event is found by an alarm of its own series inside its days. What lies between its start and the end of its
after-effects, on its series or on a parent or child of it, counts as nothing. Every other alarm is false: alarms of one
series with no gap above a week are one false alarm, and one more for each further 30 days, so that a rule that never
falls silent cannot pass as one mistake.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tests.bench.detect_folder import DAY, Folder

LEARNING_DAYS = 90
GAP_DAYS = 7
LONGEST_DAYS = 30
DAYS_A_MONTH = 30.4375
SIZES = ((0.0, 0.25), (0.25, 0.5), (0.5, 1.0), (1.0, float("inf")))
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Score:
    """One rule on one folder; ratios from 0 to 1, `delay` in days by kind (median of those found)."""

    events: int
    found: int
    false: int
    precision: float
    recall: float
    f1: float
    false_per_series_month: float
    money: float
    delay: dict[str, float] = field(default_factory=dict)
    by_kind: dict[str, float] = field(default_factory=dict)
    by_size: dict[str, float] = field(default_factory=dict)


def scored_from(folder: Folder) -> int:
    """The first column that counts: after 90 days, or after a quarter of a shorter folder."""
    count = folder.values.shape[1]
    return int(min(LEARNING_DAYS * (DAY // folder.step), count // 4))


def score(folder: Folder, alarm: Flags, told_at: NDArray[np.int64] | None = None) -> Score:
    """The score of `alarm` [S, T]. `told_at` [S, T]: the row at which an alarm is told together with others of its
    family, -1 where it is told by itself; told together they are one false alarm, not many."""
    first = scored_from(folder)
    alarm = alarm.copy()
    alarm[:, :first] = False
    labels = [label for label in folder.labels if label.end >= first]
    excused = np.zeros(alarm.shape, dtype=bool)
    relatives = _relatives(folder)
    found, delays = [], []
    for label in labels:
        window = alarm[label.series, label.start : label.end + 1]
        found.append(bool(window.any()))
        delays.append(int(window.argmax()))
        for row in (label.series, *relatives.get(label.series, ())):
            excused[row, label.start : label.ignore + 1] = True
    false = _false(folder, alarm & ~excused, told_at)
    months = (~np.isnan(folder.values[:, first:])).sum() * folder.step / DAY / DAYS_A_MONTH
    hits = sum(found)
    precision = hits / (hits + false) if hits + false else 1.0
    recall = hits / len(labels) if labels else 1.0
    impact = sum(label.impact for label in labels)
    kinds = sorted({label.kind for label in labels})
    pairs = list(zip(labels, found, delays, strict=True))
    waits = {kind: [wait for one, hit, wait in pairs if hit and one.kind == kind] for kind in kinds}
    return Score(
        events=len(labels),
        found=hits,
        false=false,
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        false_per_series_month=false / months if months else 0.0,
        money=sum(one.impact for one, hit, _ in pairs if hit) / impact if impact else 1.0,
        delay={kind: float(np.median(wait)) * folder.step / DAY for kind, wait in waits.items() if wait},
        by_kind={kind: _share([hit for one, hit, _ in pairs if one.kind == kind]) for kind in kinds},
        by_size={
            f"{low:.0%} to {high:.0%}" if high < 99 else f"from {low:.0%}": _share(mine)
            for low, high in SIZES
            if (mine := [hit for one, hit, _ in pairs if low <= abs(one.size) < high])
        },
    )


def _share(hits: list[bool]) -> float:
    return sum(hits) / len(hits)


def _relatives(folder: Folder) -> dict[int, tuple[int, ...]]:
    """Everything above and below each series that has a family."""
    related: dict[int, set[int]] = {}
    for row in range(len(folder.parent)):
        above = int(folder.parent[row])
        while above >= 0:
            related.setdefault(row, set()).add(above)
            related.setdefault(above, set()).add(row)
            above = int(folder.parent[above])
    return {row: tuple(others) for row, others in related.items()}


def _false(folder: Folder, false: Flags, told_at: NDArray[np.int64] | None) -> int:
    if told_at is not None:
        together = false & (told_at >= 0)
        rows, columns = np.nonzero(together)
        false = false & ~together
        false[told_at[rows, columns], columns] = True
    a_day = max(DAY // folder.step, 1)
    gap, longest = (GAP_DAYS if a_day == 1 else a_day), LONGEST_DAYS * a_day
    last, began = np.full(len(false), -(10**9)), np.full(len(false), -(10**9))
    count = 0
    for column in np.flatnonzero(false.any(axis=0)):
        here = false[:, column]
        new = here & ((column - last > gap) | (column - began >= longest))
        count += int(new.sum())
        began[new], last[here] = column, column
    return count
