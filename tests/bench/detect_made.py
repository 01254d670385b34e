"""Labelled cost series of our own, of other characters than the given ones: what a rule was not tuned on.

`bank`: daily, families under parents, with holidays, quarter ends, results seasons, price cuts of a whole family,
credits, missing days and heavy tails. `tokens`: daily, requests times price of a model: counts, launches, prices that
change, days without use, noise that grows with the level. `gateway`: hourly, with a shape of the week and outages.
Everything follows from the seed. Changes that are business (a price cut, a season, a launch) are not labelled.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from tests.bench.detect_folder import DAY, Folder, Label, Values

FIRST = date(2025, 3, 3)
HOLIDAYS = ("01-01", "04-18", "04-21", "05-01", "05-26", "07-04", "09-01", "11-27", "12-24", "12-25", "12-26", "12-31")
MEMBERS = 8
Random = np.random.Generator


@dataclass
class Course:
    """One series on its way: what is expected and what happens, with the deviation of the logarithm."""

    mean: Values
    value: Values
    sigma: Values


def made(kind: str, *, seed: int, series: int, days: int = 430, rate: float = 1.2) -> Folder:
    """A folder in memory. `rate`: events a series on average."""
    return MAKERS[kind](np.random.default_rng([seed, len(kind)]), series, days, rate)


def _bank(random: Random, series: int, days: int, rate: float) -> Folder:
    dates = [FIRST + timedelta(days=day) for day in range(days)]
    calendar: dict[int, list[str]] = {}
    for day, when in enumerate(dates):
        if when.strftime("%m-%d") in HOLIDAYS:
            calendar.setdefault(day, []).append("holiday")
        if when.month % 3 == 0 and (when + timedelta(days=3)).month != when.month:
            calendar.setdefault(day, []).append("quarter_end")
        if when.month % 3 == 1 and 12 <= when.day <= 30:
            calendar.setdefault(day, []).append("season")
    flags = {
        kind: np.array([kind in calendar.get(day, ()) for day in range(days)])
        for kind in ("holiday", "quarter_end", "season")
    }
    weekday = np.array([one.weekday() for one in dates])
    families = max(series // MEMBERS, 1)
    names = [f"f{family:03d}" for family in range(families)]
    parent = [-1] * families
    courses: list[Course] = [Course(np.zeros(days), np.zeros(days), np.ones(days)) for _ in range(families)]
    labels: list[Label] = []
    for family in range(families):
        cut = random.integers(100, days - 20) if random.random() < 0.5 else days
        price = np.where(np.arange(days) >= cut, 1 - random.uniform(0.15, 0.4), 1.0)
        own, children = family, []
        for member in range(MEMBERS):
            one = _bank_series(random, days, weekday, flags, price)
            children.append(len(courses))
            names.append(f"f{family:03d}-{member}")
            parent.append(own)
            courses.append(one)
        if random.random() < 0.5 * rate / 1.2:
            labels.append(_many_small(random, [courses[row] for row in children], own, days))
        for row in children:
            labels += planted(random, courses[row], row, days, rate * 0.8)
        for row in children:
            courses[own].mean += courses[row].mean
            courses[own].value += np.nan_to_num(courses[row].value)
        weights = [float(np.mean(courses[row].mean)) for row in children]
        noise = [weight * float(np.mean(courses[row].sigma)) for weight, row in zip(weights, children, strict=True)]
        courses[own].sigma[:] = max(float(np.sqrt(np.sum(np.square(noise))) / max(sum(weights), 1e-9)), 0.01)
    for course in courses[families:]:
        if random.random() < 0.3:
            course.value[random.integers(0, days, random.integers(1, 6))] = np.nan
    return _folder("bank", names, courses, labels, DAY, calendar=calendar, parent=parent)


def _bank_series(random: Random, days: int, weekday: Values, flags: dict[str, Values], price: Values) -> Course:
    base = float(np.exp(random.normal(5, 1.6)))
    working = random.random() < 0.7
    low = random.uniform(0.25, 0.9) if working else 1.0
    shape = np.where(weekday >= 5, low, 1.0) * np.where(flags["holiday"].astype(bool), low, 1.0)
    if random.random() < 0.35:
        shape = shape * np.where(flags["quarter_end"].astype(bool), 1 + random.uniform(0.3, 1.5), 1.0)
    if random.random() < 0.35:
        shape = shape * np.where(flags["season"].astype(bool), 1 + random.uniform(0.15, 0.6), 1.0)
    walk = np.exp(np.cumsum(random.normal(0, 0.005, days)) + random.normal(0.0003, 0.0006) * np.arange(days))
    sigma = float(np.exp(random.uniform(np.log(0.025), np.log(0.22))))
    noise = sigma * random.standard_t(4, days) / np.sqrt(2)
    mean = base * shape * walk * price
    value = mean * np.exp(noise)
    if random.random() < 0.15:  # a credit comes back now and then, below nothing
        value[random.integers(0, days, 2)] -= base * random.uniform(0.5, 3)
    return Course(mean, value, np.full(days, sigma))


def _many_small(random: Random, children: list[Course], own: int, days: int) -> Label:
    """All of a family rise by little, which no single one of them shows."""
    start = int(random.integers(120, days - 40))
    length, size = int(random.integers(20, 40)), float(random.uniform(0.12, 0.3))
    window = slice(start, start + length)
    extra = 0.0
    for child in children:
        extra += float(np.nansum(child.value[window]) * size)
        child.value[window] *= 1 + size
    return Label(own, start, start + 13, min(start + length + 21, days - 1), "many small", size, extra)


def _tokens(random: Random, series: int, days: int, rate: float) -> Folder:
    weekday = np.array([(FIRST + timedelta(days=day)).weekday() for day in range(days)])
    courses, labels, names = [], [], []
    for row in range(series):
        launch = int(random.integers(0, 60)) if random.random() < 0.3 else 0
        volume = float(np.exp(random.normal(6, 1.8)))
        time = np.maximum(np.arange(days) - launch, 0)
        adoption = 0.15 + 0.85 / (1 + np.exp(-(time - random.uniform(20, 160)) / random.uniform(25, 60)))
        week = np.where(weekday >= 5, random.uniform(0.1, 0.8), 1.0)
        price = np.full(days, float(np.exp(random.normal(-1.2, 0.8))))
        for _ in range(random.poisson(0.4)):
            price[int(random.integers(60, days)) :] *= random.choice([0.7, 0.8, 1.1])
        spread = float(random.uniform(0.05, 0.3))
        busy = np.exp(_carried(random.normal(0, spread, days), 0.5))
        requests = volume * adoption * week
        mean = requests * price
        drawn = random.poisson(np.minimum(requests * busy, 1e9))
        value = drawn * price * random.gamma(60, 1 / 60, days)
        sigma = np.sqrt(spread**2 / 0.75 + 1 / np.maximum(requests, 1) + 1 / 60)
        if random.random() < 0.12:
            idle = random.random(days) < random.uniform(0.05, 0.2)
            value, mean = np.where(idle, 0.0, value), np.where(idle, 0.01, mean)
        course = Course(mean, value, sigma)
        courses.append(course)
        labels += planted(random, course, row, days, rate)
        names.append(f"model-{row:04d}")
        if launch:
            course.value[:launch] = np.nan
            course.mean[:launch] = np.nan
    return _folder("tokens", names, courses, labels, DAY)


def _gateway(random: Random, series: int, days: int, rate: float) -> Folder:
    hours = np.arange(days * 24)
    courses, labels, names = [], [], []
    for row in range(series):
        of_day = 1 + random.uniform(0.2, 0.9) * np.sin((hours % 24 - random.uniform(6, 12)) / 24 * 2 * np.pi)
        weekend = np.where((hours // 24 + FIRST.weekday()) % 7 >= 5, random.uniform(0.2, 1.0), 1.0)
        walk = np.exp(np.cumsum(random.normal(0, 0.001, len(hours))))
        mean = np.exp(random.normal(2.5, 1.2)) * np.maximum(of_day, 0.05) * weekend * walk
        sigma = float(random.uniform(0.05, 0.25))
        value = mean * np.exp(_carried(random.normal(0, sigma, len(hours)), 0.4))
        course = Course(mean, value, np.full(len(hours), sigma / np.sqrt(1 - 0.16)))
        for _ in range(random.poisson(0.3)):
            lost = int(random.integers(0, len(hours) - 12))
            course.value[lost : lost + int(random.integers(1, 8))] = np.nan
        courses.append(course)
        labels += planted(random, course, row, len(hours), rate)
        names.append(f"key-{row:04d}")
    return _folder("gateway", names, courses, labels, 3600)


def _carried(noise: Values, share: float) -> Values:
    carried = np.zeros_like(noise)
    before = 0.0
    for position, shock in enumerate(noise):
        before = share * before + shock
        carried[position] = before
    return carried


def planted(random: Random, course: Course, row: int, count: int, rate: float) -> list[Label]:
    """Events of one series, at least 75 steps apart: a burst, a new level, a leak, a fall; sizes log-uniform."""
    labels: list[Label] = []
    value = course.value
    for _ in range(random.poisson(rate)):
        start = int(random.integers(100, count - 20))
        if any(abs(start - label.start) < 75 for label in labels):
            continue
        size = float(np.exp(random.uniform(np.log(0.12), np.log(4))))
        usual = float(np.nanmedian(value[start - 28 : start]))
        if not usual > 0:
            continue
        kind = str(random.choice(["spike", "shift", "drift", "drop"], p=[0.35, 0.3, 0.2, 0.15]))
        length = int(
            {"spike": random.integers(1, 4), "shift": random.integers(14, 50), "drift": random.integers(20, 41)}.get(
                kind, random.integers(3, 15)
            )
        )
        last = min(start + length, count) - 1
        window = slice(start, last + 1)
        before = np.nan_to_num(value[window]).copy()
        grown = np.linspace(1 / length, 1, length)[: last + 1 - start] if kind == "drift" else 1.0
        if kind == "drop":
            size = float(random.uniform(0.3, 0.95))
            value[window] = value[window] * (1 - size)
        else:
            value[window] = value[window] + size * grown * np.maximum(value[window], usual)
        end = {"shift": start + 13}.get(kind, last + 1)
        after = {"spike": 8, "shift": 21, "drift": 28, "drop": 14}[kind]
        impact = float(np.abs(np.nan_to_num(value[window]) - before).sum())
        labels.append(Label(row, start, min(end, count - 1), min(last + after, count - 1), kind, size, impact))
    return labels


def _folder(
    name: str,
    names: list[str],
    courses: list[Course],
    labels: list[Label],
    step: int,
    *,
    calendar: dict[int, list[str]] | None = None,
    parent: list[int] | None = None,
) -> Folder:
    return Folder(
        name,
        names,
        int(datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC).timestamp()),
        step,
        np.stack([course.value for course in courses]),
        labels,
        np.stack([course.mean for course in courses]),
        np.stack([course.sigma for course in courses]),
        calendar or {},
        np.array(parent if parent is not None else [-1] * len(names), dtype=np.int64),
    )


MAKERS: dict[str, Callable[[Random, int, int, float], Folder]] = {"bank": _bank, "tokens": _tokens, "gateway": _gateway}
