"""A folder of labelled cost series, read whatever is wrong with it: what cannot be used is counted and told, never lost
in silence and never a crash.

`series.csv` (series,date,value; long; `date` may be a timestamp), `labels.json` (series, start, end, ignore_until,
kind, size, impact); optional `ideal.csv` (series,date,mean,sigma), `calendar.csv` (date,kind), `parents.csv`
(series,parent). Where a date comes twice the later line counts, as a restated bill does.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DAY = 86_400
Moments = NDArray[np.int64]
Values = NDArray[np.float64]


class UnreadableError(Exception):
    """The folder cannot be measured; the message says what, why and what to do."""


@dataclass(frozen=True)
class Label:
    """One event: columns of the grid, both ends included; alarms to `ignore` are its after-effects."""

    series: int
    start: int
    end: int
    ignore: int
    kind: str
    size: float
    impact: float


@dataclass
class Folder:
    """Series side by side. `values` [S, T]: NaN where the file has no line; `first` in seconds since 1970, `step` in
    seconds; `calendar`: kinds by column; `parent[s]`: row of the parent, -1 without one; `notes`: what was left out."""

    name: str
    series: list[str]
    first: int
    step: int
    values: Values
    labels: list[Label]
    mean: Values | None = None
    sigma: Values | None = None
    calendar: dict[int, list[str]] = field(default_factory=dict)
    parent: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    notes: list[str] = field(default_factory=list)

    @property
    def first_day(self) -> datetime:
        """The moment of column 0."""
        return datetime.fromtimestamp(self.first, UTC)


def read_folder(path: Path) -> Folder:
    """The folder as one grid. Raises UnreadableError where nothing can be measured."""
    if not (path / "series.csv").is_file():
        raise UnreadableError(f"{path} holds no series.csv. Give a folder with series.csv (series,date,value).")
    notes: list[str] = []
    rows = _rows(path / "series.csv", ("series", "date", "value"), notes)
    series, moments, values = _columns(rows, notes)
    if not len(series):
        raise UnreadableError(f"{path / 'series.csv'} has no line with a series, a date and a number.")
    links = _links(path / "parents.csv", notes)
    names = sorted(set(series) | set(links.values()))
    row = {name: position for position, name in enumerate(names)}
    index = np.array([row[name] for name in series])
    step = _step(index, moments)
    first = int(moments.min()) // step * step
    count = (int(moments.max()) - first) // step + 1
    if count * len(names) > 400_000_000:
        raise UnreadableError(f"{path}: {len(names)} series x {count} steps do not fit into memory; give less days.")
    grid = np.full((len(names), count), np.nan)
    column = (moments - first) // step
    grid[index, column] = values
    twice = len(index) - len(np.unique(index * count + column))
    if twice:
        notes.append(f"{twice} lines restate a moment that was there already: the later line counts")
    folder = Folder(path.name, names, first, step, grid, [], notes=notes)
    folder.parent = np.array([row.get(links.get(name, ""), -1) for name in names], dtype=np.int64)
    _sum_up(folder)
    folder.labels = _labels(path / "labels.json", row, folder)
    _ideal(path / "ideal.csv", row, folder)
    for line in _rows(path / "calendar.csv", ("date", "kind"), notes):
        moment = _moment(line["date"])
        if moment is not None and 0 <= (at := (moment - first) // step) < count and line["kind"]:
            for position in range(at, min(at + max(DAY // step, 1), count)):
                folder.calendar.setdefault(position, []).append(line["kind"])
    return folder


def _rows(path: Path, wanted: tuple[str, ...], notes: list[str]) -> Iterator[dict[str, str]]:
    """The lines of a CSV file with these columns in any order; nothing where there is no such file."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(line.replace("\0", "") for line in file)
        header = [name.strip().lower() for name in next(reader, [])]
        if missing := [name for name in wanted if name not in header]:
            notes.append(f"{path.name} has no column {', '.join(missing)} and was not used")
            return
        places = [header.index(name) for name in wanted]
        short = 0
        try:
            for cells in reader:
                if len(cells) <= max(places):
                    short += bool(cells)
                    continue
                yield dict(zip(wanted, (cells[place].strip() for place in places), strict=True))
        except csv.Error as error:
            notes.append(f"{path.name}: the rest of the file cannot be read ({error})")
        if short:
            notes.append(f"{path.name}: {short} lines are too short and were left out")


def _columns(rows: Iterator[dict[str, str]], notes: list[str]) -> tuple[list[str], Moments, Values]:
    series, moments, values, bad = [], [], [], 0
    known: dict[str, int | None] = {}
    for row in rows:
        text = row["date"]
        if text not in known:
            known[text] = _moment(text)
        moment, value = known[text], _number(row["value"])
        if moment is None or value is None or not row["series"]:
            bad += 1
            continue
        series.append(row["series"])
        moments.append(moment)
        values.append(value)
    if bad:
        notes.append(f"series.csv: {bad} lines without a series, a date or a finite number were left out")
    return series, np.array(moments, dtype=np.int64), np.array(values)


def _moment(text: str) -> int | None:
    """Seconds since 1970; a date without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) and abs(number) < 1e15 else None


def _step(index: NDArray[np.int64], moments: Moments) -> int:
    """The usual distance of neighbours in a series, in seconds; a day where there are none."""
    order = np.lexsort((moments, index))
    gaps = np.diff(moments[order])[(np.diff(index[order]) == 0)]
    gaps = gaps[gaps > 0]
    if not len(gaps):
        return DAY
    usual = int(np.median(gaps))
    return DAY if usual >= DAY else max(usual, 1)


def _links(path: Path, notes: list[str]) -> dict[str, str]:
    """The parent of each series; a link that closes a circle is left out."""
    links: dict[str, str] = {}
    for row in _rows(path, ("series", "parent"), notes):
        above, seen = row["parent"], {row["series"]}
        while above and above not in seen:
            seen.add(above)
            above = links.get(above, "")
        if above or not row["parent"] or not row["series"]:
            notes.append(f"parents.csv: {row['series']} under {row['parent']} closes a circle or is empty")
        else:
            links[row["series"]] = row["parent"]
    return links


def _sum_up(folder: Folder) -> None:
    """A parent without lines of its own is the sum of its children, from the lowest level up."""
    empty = {row for row in range(len(folder.series)) if np.isnan(folder.values[row]).all()}
    waiting = sorted(empty)
    while waiting:
        ready = [
            row for row in waiting if not any(int(child) in waiting for child in np.flatnonzero(folder.parent == row))
        ]
        for row in ready:
            parts = folder.values[folder.parent == row]
            if len(parts):
                known = ~np.isnan(parts).all(axis=0)
                folder.values[row, known] = np.nansum(parts[:, known], axis=0)
        waiting = [row for row in waiting if row not in ready]


def _labels(path: Path, row: dict[str, int], folder: Folder) -> list[Label]:
    if not path.is_file():
        folder.notes.append("there is no labels.json: nothing can be found, every alarm counts as false")
        return []
    try:
        stored: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise UnreadableError(f"{path} is no JSON ({error}). Give a list of labels or remove the file.") from error
    if not isinstance(stored, list):
        raise UnreadableError(f"{path} is not a list. Give a list of objects with series, start and end.")
    found, bad = [], 0
    for one in stored:
        try:
            start, end = _column(one["start"], folder), _column(one.get("end", one["start"]), folder, last=True)
            ignore = _column(one.get("ignore_until") or one.get("end", one["start"]), folder, last=True)
            size, impact = float(one.get("size") or 0), float(one.get("impact") or 0)
            last = folder.values.shape[1] - 1
            if end < start or end < 0 or start > last or not np.isfinite([size, impact]).all():
                raise ValueError
            kind = str(one.get("kind", "event"))
            found.append(
                Label(
                    row[one["series"]], max(start, 0), min(end, last), min(max(ignore, end), last), kind, size, impact
                )
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            bad += 1
    if bad:
        folder.notes.append(f"labels.json: {bad} labels name no series or no days of this folder and were left out")
    return found


def _column(text: str, folder: Folder, *, last: bool = False) -> int:
    moment = _moment(str(text))
    if moment is None:
        raise ValueError
    if last and len(str(text)) <= 10:
        moment += DAY - 1  # a label by date ends with that day, also on a finer grid
    return (moment - folder.first) // folder.step


def _ideal(path: Path, row: dict[str, int], folder: Folder) -> None:
    rows = _rows(path, ("series", "date", "mean", "sigma"), folder.notes)
    known: dict[str, int | None] = {}
    for one in rows:
        if folder.mean is None:
            folder.mean = np.full(folder.values.shape, np.nan)
            folder.sigma = np.full(folder.values.shape, np.nan)
        text = one["date"]
        if text not in known:
            known[text] = _moment(text)
        moment, mean, sigma = known[text], _number(one["mean"]), _number(one["sigma"])
        place = row.get(one["series"])
        if moment is None or mean is None or sigma is None or place is None or folder.sigma is None:
            continue
        column = (moment - folder.first) // folder.step
        if 0 <= column < folder.values.shape[1]:
            folder.mean[place, column], folder.sigma[place, column] = mean, sigma
