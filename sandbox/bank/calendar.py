"""The bank's time: which days the bill covers, and how weeks, month ends, holidays and earnings seasons shape them."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Days = NDArray[np.int64]

# Monday to Sunday, relative to a weekday.
WEEKS: dict[str, tuple[float, ...]] = {
    "steady": (1, 1, 1, 1, 1, 1, 1),
    "office": (0.97, 1.06, 1.08, 1.04, 0.88, 0.16, 0.13),
    "business": (1.05, 1.03, 1.0, 1.0, 0.98, 0.62, 0.5),
    "retail": (0.96, 0.95, 0.98, 1.02, 1.16, 1.1, 0.88),
    "training": (0.7, 1.15, 1.1, 1.05, 0.9, 1.35, 0.9),
    "night": (1.1, 0.9, 0.9, 0.9, 0.95, 1.2, 1.3),
}
MONTH_END: dict[str, float] = {"business": 0.14, "night": 0.38, "training": 0.12, "office": 0.05}
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Calendar:
    """The days from `first` to `until`, both included, and the seed that all noise comes from."""

    first: date
    until: date
    seed: int

    @classmethod
    def back_from(cls, until: date, *, months: int, seed: int) -> "Calendar":
        """`months` calendar months ending with the one that holds `until`, whose rest is not yet billed."""
        count = until.year * 12 + until.month - months
        return cls(date(count // 12, count % 12 + 1, 1), until, seed)

    @property
    def length(self) -> int:
        return (self.until - self.first).days + 1

    @cached_property
    def dates(self) -> list[date]:
        return [self.first + timedelta(days=day) for day in range(self.length)]

    @cached_property
    def weekday(self) -> Days:
        return np.array([day.weekday() for day in self.dates], dtype=np.int64)

    @cached_property
    def month_starts(self) -> list[date]:
        return [day for day in self.dates if day.day == 1]

    def index(self, day: date) -> int:
        return (day - self.first).days

    @cached_property
    def month_length(self) -> Floats:
        return np.array([(next_month(day) - day.replace(day=1)).days for day in self.dates], dtype=np.float64)

    @cached_property
    def earnings(self) -> Floats:
        """1 in the weeks 2 to 6 of each quarter, in which results are published; rising and falling, not a box."""
        return np.array([_earnings(day) for day in self.dates])

    @cached_property
    def month_end(self) -> Floats:
        """1 on the last three days and the first two of a month, when books are closed."""
        near = [(next_month(day) - day).days <= 3 or day.day <= 2 for day in self.dates]
        return np.array(near, dtype=np.float64)

    @cached_property
    def holiday(self) -> Floats:
        return np.array([_is_holiday(day) for day in self.dates], dtype=np.float64)

    @cached_property
    def shopping(self) -> Floats:
        """Card traffic between Thanksgiving and Christmas."""
        season = [(11, 24) <= (day.month, day.day) <= (12, 24) for day in self.dates]
        return np.array(season, dtype=np.float64)

    def kinds(self) -> list[tuple[date, str]]:
        """What an organisation would write in its own calendar of these days."""
        return [
            (day, name)
            for day, *flags in zip(self.dates, self.holiday, self.shopping, self.earnings, strict=True)
            for name, flag in zip(("holiday", "shopping", "results"), flags, strict=True)
            if flag > 0
        ]

    def shape(self, kind: str, *, earnings: float = 0.0) -> Floats:
        """How a kind of work moves over the days, around 1; `earnings` is what the season adds, as a share."""
        values: Floats = np.array(WEEKS[kind], dtype=np.float64)[self.weekday]
        values = values * (1 + MONTH_END.get(kind, 0.0) * self.month_end) * (1 + earnings * self.earnings)
        if kind in ("office", "business"):
            values = values * np.where((self.holiday > 0) & (self.weekday < 5), 0.35, 1.0)
        if kind == "retail":
            values = values * (1 + 0.3 * self.shopping)
        return values

    def growth(self, yearly: float) -> Floats:
        """1 at the end, less before: `yearly` 0.5 means half as much again each year."""
        age = np.arange(self.length, dtype=np.float64) - (self.length - 1)
        grown: Floats = np.exp(np.log1p(yearly) * age / 365.0)
        return grown

    def rng(self, key: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, crc32(key.encode())])

    def noise(self, key: str, sigma: float) -> Floats:
        """Lognormal noise around 1 that belongs to `key`, so that a new series never changes an old one."""
        rng = self.rng(key)
        slow = np.cumsum(rng.normal(0, 1, self.length)) / max(self.length, 1) ** 0.5
        slow = slow - np.linspace(0, slow[-1], self.length)
        noisy: Floats = np.exp(rng.normal(0, sigma, self.length) + 0.6 * sigma * slow)
        return noisy


def next_month(day: date) -> date:
    """The first day of the month after the one that holds `day`."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def day_number(day: date) -> int:
    """Days since 1970, as Arrow stores a date."""
    return (day - EPOCH).days


def _earnings(day: date) -> float:
    opening = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=8)
    into = (day - opening).days
    if not 0 <= into < 35:
        return 0.0
    return min(1.0, (into + 1) / 5, (35 - into) / 5)


def _is_holiday(day: date) -> bool:
    if (day.month, day.day) in {(1, 1), (7, 4), (12, 25), (12, 26)} or (day.month == 12 and day.day >= 29):
        return True
    return day.month == 11 and day.weekday() == 3 and 22 <= day.day <= 28
