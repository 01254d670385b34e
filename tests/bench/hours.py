"""`python -m tests.bench.hours`: how well bursts are found in generated hourly series, how soon, and how fast.

The series are like a gateway's: office hours, nightly jobs that come an hour early or late, machines that never sleep,
few requests, seldom used keys; with growth, holidays, ends of months, heavy tails, and outages of which nothing is
known. A burst is planted as a factor on what was to be expected, or as a sum where nothing was. Everything follows from
the seed; those in `TUNED` were looked at while the rule was written.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import process_time
from typing import Any

import bottleneck as bn
import numpy as np

from tools.detection.hours import DAY, QUIET_HOURS, WEEK, HourEvent, hour_events, hour_scores
from tools.detection.rolling import Array, Flags, lagged
from tools.detection.thresholds import HourThresholds

TUNED = (1, 2, 3)
LEARNING = 4 * WEEK
LATE = 6  # hours after a burst in which an alarm still means it
A_MONTH = 730
Random = np.random.Generator


@dataclass(frozen=True)
class Burst:
    """One planted burst: its hours, both included, and by how much it is beyond what was expected there."""

    series: int
    start: int
    end: int
    excess: float


@dataclass(frozen=True)
class Made:
    """Costs [S, T] by the hour with NaN where nothing is known, and what was planted in them."""

    costs: Array
    bursts: tuple[Burst, ...]
    kinds: tuple[str, ...]


def made(*, seed: int, series: int, weeks: int = 16, rate: float = 0.5) -> Made:
    """`rate`: bursts a series and month."""
    random = np.random.default_rng([seed, 168])
    count = weeks * WEEK
    hours = np.arange(count, dtype=np.float64)
    outages = np.zeros(count, dtype=bool)
    for start in random.integers(0, count, weeks // 3):
        outages[start : start + random.integers(2, 13)] = True
    holidays = np.isin(hours // DAY, random.choice(weeks * 7, weeks // 2, replace=False))
    ends = np.isin(hours // DAY % 30, (28, 29))
    rows, bursts, kinds = [], [], []
    for row in range(series):
        kind = random.choice(list(KINDS))
        mean, value = KINDS[kind](random, hours, holidays)
        course = (1 + random.uniform(-0.2, 0.6) * hours / count) * np.where(
            ends & (random.random() < 0.3), 1 + 0.6 * random.random(), 1
        )
        mean, value = mean * course, value * course
        planted: list[Burst] = []
        for _ in range(random.poisson(rate * count / A_MONTH)):
            start, lasts = int(random.integers(LEARNING, count - 30)), int(random.choice((1, 2, 4, 8, 24)))
            window = slice(start, start + lasts)
            if any(start - 2 * DAY < one.end and one.start < start + lasts + 2 * DAY for one in planted):
                continue
            usual = float(mean.mean()) or float(np.median(value[value > 0]))
            more = np.maximum(mean[window] * random.uniform(1, 9), usual * random.uniform(0.5, 4))
            value[window] += more * np.exp(random.normal(0, 0.2, lasts))
            planted.append(Burst(row, start, start + lasts - 1, float(more.sum())))
        rows.append(np.where(outages, np.nan, value))
        bursts += planted
        kinds.append(str(kind))
    return Made(np.stack(rows), tuple(bursts), tuple(kinds))


def _tails(random: Random, count: int, size: float) -> Array:
    """Factors around one, that remember the hour before and are far off now and then."""
    shocks = random.standard_t(4, count) * size
    carried = np.zeros(count)
    for hour in range(1, count):
        carried[hour] = 0.6 * carried[hour - 1] + 0.8 * shocks[hour]
    return np.asarray(np.exp(np.clip(carried, -3, 3)))


def _office(random: Random, hours: Array, holidays: Flags) -> tuple[Array, Array]:
    level, middle = np.exp(random.uniform(-1, 4)), random.uniform(12, 17)
    day = np.exp(-(((hours % DAY - middle) / 3.5) ** 2)) + 0.03
    free = (hours // DAY % 7 >= 5) | (holidays & (random.random() < 0.8))
    mean = level * day * np.where(free, random.uniform(0.05, 0.5), 1)
    return mean, mean * _tails(random, len(hours), random.uniform(0.08, 0.3))


def _nightly(random: Random, hours: Array, _holidays: Flags) -> tuple[Array, Array]:
    level, at = np.exp(random.uniform(0, 4.5)), int(random.integers(1, 7))
    weekdays = random.random() < 0.5
    mean = np.full(len(hours), 0.01 * level)
    value = mean.copy()
    for day in range(len(hours) // DAY):
        if weekdays and day % 7 >= 5:
            continue
        mean[day * DAY + at] += level
        moved = day * DAY + at + int(random.choice((-1, 0, 0, 0, 0, 1)))
        value[moved] += level * np.exp(random.normal(0, 0.2))
    return mean, value * _tails(random, len(hours), 0.05)


def _always(random: Random, hours: Array, _holidays: Flags) -> tuple[Array, Array]:
    level = np.exp(random.uniform(-1, 4))
    mean = level * (1 + 0.3 * np.sin(2 * np.pi * (hours % DAY) / DAY))
    return mean, mean * _tails(random, len(hours), random.uniform(0.03, 0.2))


def _few(random: Random, hours: Array, _holidays: Flags) -> tuple[Array, Array]:
    price, many = np.exp(random.uniform(-3, 1)), np.exp(random.uniform(-1, 3))
    day = np.where(hours // DAY % 7 >= 5, 0.3, 1) * np.where((hours % DAY > 7) & (hours % DAY < 20), 1.5, 0.3)
    return price * many * day, price * random.poisson(many * day) * np.exp(random.normal(0, 0.3, len(hours)))


def _seldom(random: Random, hours: Array, _holidays: Flags) -> tuple[Array, Array]:
    level, value = np.exp(random.uniform(0, 4)), np.zeros(len(hours))
    for start in np.flatnonzero(random.random(len(hours)) < random.uniform(2, 8) / WEEK):
        value[start : start + random.integers(1, 4)] += level * np.exp(random.normal(0, 0.5))
    return np.zeros(len(hours)), value


KINDS: dict[str, Callable[[Random, Array, Flags], tuple[Array, Array]]] = {
    "office hours": _office,
    "nightly jobs": _nightly,
    "day and night": _always,
    "few requests": _few,
    "seldom used": _seldom,
}


def measured(folder: Made, limits: HourThresholds | None = None) -> dict[str, Any]:
    """Recall of the bursts that are worth telling, false alarms a series and month, hours to detect, speed."""
    limits = limits or HourThresholds()
    least, percent = float(limits.least_excess), float(limits.least_percent)
    began = process_time()
    scored = hour_scores(folder.costs, least_excess=least)
    scored_in = process_time() - began
    events = hour_events(folder.costs, scored, [(least, percent)] * len(folder.costs))
    seconds = process_time() - began
    return {
        "series": len(folder.costs),
        "hours": folder.costs.shape[1],
        **_held(folder, events, least),
        "series-hours/s": round(folder.costs.size / seconds),
        "of them scoring": round(folder.costs.size / scored_in),
        "plain rule": _held(folder, plain(folder.costs, least, percent), least),
    }


def plain(costs: Array, least: float, percent: float) -> list[HourEvent]:
    """What a plain rule tells, from the same amounts on: hours above the mean of the four weeks before by three
    standard deviations."""
    before = [lagged(move(costs, 4 * WEEK, min_count=WEEK, axis=1), 1) for move in (bn.move_mean, bn.move_std)]
    with np.errstate(invalid="ignore"):
        alarm = costs > before[0] + 3 * before[1]
    found = []
    for series in np.flatnonzero(alarm.any(axis=1)):
        hours = np.flatnonzero(alarm[series])
        for run in np.split(hours, np.flatnonzero(np.diff(hours) > QUIET_HOURS) + 1):
            usual = before[0][series, run]
            excess = np.cumsum(costs[series, run] - usual)
            worth = (excess >= least) & (excess * 100 >= np.cumsum(usual) * percent)
            if worth.any():
                told = int(run[np.argmax(worth)])
                sums = float(usual.sum()), float(excess[-1])
                found.append(HourEvent(int(series), int(run[0]), int(run[-1]), told, *sums, 3.0, open=False))
    return found


def _held(folder: Made, events: Sequence[HourEvent], least: float) -> dict[str, Any]:
    """What was told, held against what was planted."""
    told = [event for event in events if event.told >= LEARNING]
    worth = [one for one in folder.bursts if one.excess >= 2 * least]
    hits = {one: _first(one, told) for one in worth}
    false = [event for event in told if not any(_means(event, one) for one in folder.bursts)]
    months = len(folder.costs) * (folder.costs.shape[1] - LEARNING) / A_MONTH
    delays = sorted(hit.told - one.start for one, hit in hits.items() if hit)
    return {
        "planted": len(worth),
        "found": len(delays),
        "recall": len(delays) / max(len(worth), 1),
        "excess found": sum(one.excess for one, hit in hits.items() if hit) / max(sum(one.excess for one in worth), 1),
        "false": len(false),
        "false a series and month": len(false) / months,
        "hours to detect": {"median": delays[len(delays) // 2], "p90": delays[int(0.9 * len(delays))]}
        if delays
        else {},
        "in their first hour": sum(delay == 0 for delay in delays) / max(len(delays), 1),
        "by kind": {kind: _of_kind(folder, kind, hits, false) for kind in KINDS},
        "by excess": {
            name: _share([hit for one, hit in hits.items() if low <= one.excess < high])
            for name, low, high in (("50 to 200", 50, 200), ("200 to 1,000", 200, 1000), ("more", 1000, np.inf))
        },
    }


def _first(burst: Burst, told: Sequence[HourEvent]) -> HourEvent | None:
    return min((one for one in told if _means(one, burst)), key=lambda one: one.told, default=None)


def _means(event: HourEvent, burst: Burst) -> bool:
    return event.series == burst.series and event.start <= burst.end and burst.start <= event.told <= burst.end + LATE


def _of_kind(folder: Made, kind: str, hits: dict[Burst, HourEvent | None], false: list[HourEvent]) -> dict[str, Any]:
    mine = [hit for one, hit in hits.items() if folder.kinds[one.series] == kind]
    return {**_share(mine), "false": sum(folder.kinds[one.series] == kind for one in false)}


def _share(hits: Sequence[HourEvent | None]) -> dict[str, Any]:
    return {"planted": len(hits), "recall": round(sum(hit is not None for hit in hits) / max(len(hits), 1), 3)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints one line of JSON for each seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102, 103])
    parser.add_argument("--series", type=int, default=400)
    given = parser.parse_args(arguments)
    for seed in given.seeds:
        report = measured(made(seed=seed, series=given.series))
        sys.stdout.write(json.dumps({"seed": seed, **report}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
