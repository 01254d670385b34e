"""How well unusual spend is found: seeded banks replayed day by day through `find_anomalies`, beside a plain rule.

On each day of the window the tool sees the bill up to that day and no further, and is asked what is unusual in the
week that ends then. So a finding that only hindsight allows counts as late, and a false alarm that later vanishes
counts as one.
"""

import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from evals.alarms import Alarm, Tally, Truth, added, merged, tally
from evals.days import Days
from evals.plain_rule import Daily, Floor, plain_alarms
from lake.engine import Lake
from lake.load import ingest
from lake.series import DailySeries
from sandbox.bank.write import write_bank
from tools.anomalies import find_anomalies
from tools.business_calendar import BusinessCalendar, parsed
from tools.desk import Desk
from tools.detection.thresholds import AnomalyThresholds
from tools.judging import LEAF
from tools.result import Row
from tools.usage_days import USAGE

BANKS = {1905: date(2026, 11, 17), 1906: date(2026, 8, 20), 1907: date(2026, 5, 14), 1908: date(2026, 2, 25)}
WINDOW_DAYS = 126
MOST = 50
NAMES = ("team", "service", "model")


@dataclass(frozen=True)
class Detection:
    """Both rules over the same banks: `by_bank` has the bank's name, our counts and the plain rule's."""

    by_bank: tuple[tuple[str, Tally, Tally], ...]

    @property
    def ours(self) -> Tally:
        return added([ours for _, ours, _ in self.by_bank])

    @property
    def plain(self) -> Tally:
        return added([plain for _, _, plain in self.by_bank])


class AsOf(Lake):
    """A lake as it stood at the end of a past day, all its days settled."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.day = date(2200, 1, 1)
        self._read: dict[str, list[DailySeries]] = {}
        self._answered: Any = None

    def daily(self, **asked: Any) -> list[DailySeries]:
        """As in a lake whose bill ends on `day`; the days before it are read once, since they do not change."""
        asked.pop("since", None)
        until = min(asked.pop("until", None) or date.max, self.day + timedelta(days=1))
        key = repr(sorted(asked.items()))
        if key not in self._read:
            self._read[key] = super().daily(**asked)
        return [
            replace(one, values=one.values[: (until - one.first).days]) for one in self._read[key] if one.first < until
        ]

    def remembered(self, key: Any, make: Any, weigh: Any, *, bill: Any = None) -> Any:
        """Nothing but the days: what is judged of them changes with `day`."""
        return make()

    def ask(self, question: Any) -> Any:
        """The query behind a result is not scored; one answer stands for all."""
        self._answered = self._answered or super().ask(question)
        return self._answered


def detect(banks: dict[int, date] | None = None, *, window_days: int = WINDOW_DAYS, months: int = 14) -> Detection:
    """Makes each bank, loads it, replays its last days."""
    chosen = banks or BANKS
    scored = []
    for seed, until in chosen.items():
        with TemporaryDirectory(prefix="spendgate-evals-") as folder:
            ours, plain = _bank(Path(folder), seed=seed, until=until, window_days=window_days, months=months)
            scored.append((f"seed {seed} to {until.isoformat()}", ours, plain))
    return Detection(tuple(scored))


def _bank(folder: Path, *, seed: int, until: date, window_days: int, months: int) -> tuple[Tally, Tally]:
    write_bank(folder / "bank", until=until, seed=seed, months=months)
    lake = AsOf(folder / "lake")
    settled = datetime.combine(until + timedelta(days=5), time(8), UTC)
    ingest(lake, [folder / "bank" / "bill"], now=settled)
    window = Days(until - timedelta(days=window_days - 1), until)
    truth = Truth.of(_json(folder / "bank" / "truth.json"), _json(folder / "bank" / "machines.json"), window)
    leaves = lake.daily(by=LEAF, where=USAGE, ai=None, teams_seen=("*",))
    begun = min(leaf.first for leaf in leaves)
    series = [_series(leaf, begun) for leaf in leaves]
    bank = f"seed {seed}"
    calendar = parsed((folder / "bank" / "calendar.csv").read_text(encoding="utf-8"), "calendar.csv")
    ours = tally(replayed(lake, window, calendar), truth, bank=bank, series=len(series))
    alarms = merged(sorted(plain_alarms(series, window, _floor(series)), key=lambda alarm: alarm.told))
    return ours, tally(alarms, truth, bank=bank, series=len(series))


def replayed(lake: AsOf, window: Days, calendar: BusinessCalendar) -> list[Alarm]:
    """What `find_anomalies` tells on each day of the window, once each. Raises RuntimeError where it has no answer."""
    told: list[Alarm] = []
    for offset in range((window.last - window.first).days + 1):
        lake.day = window.first + timedelta(days=offset)
        now = datetime.combine(lake.day + timedelta(days=1), time(8), UTC)
        desk = Desk(lake=lake, now=now, speaker="p-0e7a1000", calendar=calendar)
        week = f"{lake.day - timedelta(days=6)}..{lake.day}"
        result = find_anomalies(desk, period=week, top=MOST)
        if result.error is not None:
            raise RuntimeError(f"find_anomalies had no answer for {week}: {result.error}")
        told += [_alarm(row, lake.day) for row in result.rows]
    return merged(told)


def _alarm(row: Row, day: date) -> Alarm:
    names = {name: row.names[name] for name in NAMES if name in row.names}
    span = Days(date.fromisoformat(row.texts["from"]), date.fromisoformat(row.texts["to"]))
    return Alarm(names, span, day)


def _series(one: DailySeries, first: date) -> Daily:
    """From the bill's first day on: before its own first day a series cost nothing, which the plain rule may know."""
    names = {name: value for name, value in one.key.items() if value != "(none)"}
    return Daily(names, first, (Decimal(0),) * (one.first - first).days + one.values)


def _floor(series: list[Daily]) -> Floor:
    """The same threshold as the product's: the larger of an amount and a share of the last thirty days."""
    limits = AnomalyThresholds()
    month = sum(float(sum(one.values[-30:])) for one in series)
    share = month * float(limits.least_share_percent) / 100
    return Floor(max(float(limits.least_excess), share), float(limits.least_percent))


def _json(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded
