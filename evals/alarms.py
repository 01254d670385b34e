"""Alarms of a bill replayed day by day, matched with what was planted in it: pure, so any rule is scored alike.

An ordinary change (a machine that really began or ended) is no fault to tell and no event to find: it counts on
neither side.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median
from typing import Any

from evals.days import Days, days

NEAR = timedelta(days=7)
DAYS_A_MONTH = 30.4375
MACHINE_SERVICES = ("Amazon Elastic Compute Cloud", "Amazon Elastic Block Store")


@dataclass
class Alarm:
    """One thing that was told: where, which days, and the last day of the bill on which it was told first."""

    names: dict[str, str]
    days: Days
    told: date

    def same(self, other: "Alarm") -> bool:
        """Whether the other tells the same again: one's names are among the other's, with days in common."""
        mine, theirs = set(self.names.items()), set(other.names.items())
        return (mine <= theirs or theirs <= mine) and self.days.meets(other.days)


def merged(told: Iterable[Alarm]) -> list[Alarm]:
    """Each alarm once, with its latest days and the day on which it was first told; `told` in order of days."""
    kept: list[Alarm] = []
    for one in told:
        known = next((alarm for alarm in kept if alarm.same(one)), None)
        if known is None:
            kept.append(one)
        else:
            known.days = one.days
            known.names = max(known.names, one.names, key=len)
    return kept


@dataclass(frozen=True)
class Truth:
    """Planted events, ordinary changes with the team that the bill shows, and the days that were replayed."""

    events: tuple[Mapping[str, Any], ...]
    ordinary: tuple[tuple[date, str], ...]
    window: Days

    @classmethod
    def of(cls, truth: Mapping[str, Any], machines: Mapping[str, Any], window: Days) -> "Truth":
        """From a bank's `truth.json` and `machines.json`; an untagged machine's cost stands under no team."""
        teams = {one["instance_id"]: one["tags"].get("team", "(untagged)") for one in machines["machines"]}
        ordinary = tuple(
            (date.fromisoformat(change["day"]), teams[change["resource"]])
            for change in truth["ordinary_changes"]
            if change.get("resource") in teams
        )
        return cls(tuple(truth["events"]), ordinary, window)

    def event_of(self, alarm: Alarm) -> Mapping[str, Any] | None:
        """The planted event that the alarm names: no name but the event's own, and days in common."""
        for event in self.events:
            named = all(event["series"].get(key) == value for key, value in alarm.names.items())
            if alarm.names and named and alarm.days.meets(days(f"{event['start']}..{event['end']}")):
                return event
        return None

    def is_ordinary(self, alarm: Alarm) -> bool:
        """Whether a machine of that team began or ended within a week of the alarm's first day."""
        team, service = alarm.names.get("team"), alarm.names.get("service")
        if (service is not None and service not in MACHINE_SERVICES) or not alarm.names:
            return False
        return any(team in (None, owner) and abs(day - alarm.days.first) <= NEAR for day, owner in self.ordinary)


@dataclass(frozen=True)
class Tally:
    """Counts of one rule, to be added up over banks. `waits`: days from an event's first to the day it was told."""

    planted: Mapping[str, str] = field(default_factory=dict)
    waits: Mapping[str, int] = field(default_factory=dict)
    true: int = 0
    ordinary: int = 0
    false: tuple[str, ...] = ()
    series_months: float = 0.0

    @property
    def precision(self) -> float:
        """Of what was told and is no ordinary change: the share that was planted."""
        told = self.true + len(self.false)
        return self.true / told if told else 1.0

    @property
    def recall(self) -> float:
        """Of what was planted: the share that was told."""
        return len(self.waits) / len(self.planted) if self.planted else 1.0

    @property
    def days_to_detect(self) -> float | None:
        """The median wait of what was found; 0 means: told with the event's first day."""
        return float(median(self.waits.values())) if self.waits else None

    @property
    def false_per_series_month(self) -> float:
        return len(self.false) / self.series_months if self.series_months else 0.0

    def recall_of(self, kind: str) -> float:
        """Recall of one kind of event."""
        mine = [event for event, one in self.planted.items() if one == kind]
        return sum(event in self.waits for event in mine) / len(mine) if mine else 1.0


def tally(alarms: Sequence[Alarm], truth: Truth, *, bank: str, series: int) -> Tally:
    """One bank's counts for one rule."""
    waits: dict[str, int] = {}
    true, ordinary, false = 0, 0, []
    for alarm in alarms:
        event = truth.event_of(alarm)
        if event is not None:
            true += 1
            wait = (alarm.told - date.fromisoformat(event["start"])).days
            name = f"{bank}/{event['id']}"
            waits[name] = min(wait, waits.get(name, wait))
        elif truth.is_ordinary(alarm):
            ordinary += 1
        else:
            names = ", ".join(alarm.names.values()) or "all"
            false.append(f"{bank}: {names}, {alarm.days.first} to {alarm.days.last}")
    planted = {f"{bank}/{event['id']}": str(event["kind"]) for event in truth.events}
    months = ((truth.window.last - truth.window.first).days + 1) / DAYS_A_MONTH
    return Tally(planted, waits, true, ordinary, tuple(false), series * months)


def added(tallies: Sequence[Tally]) -> Tally:
    """The counts of several banks together."""
    return Tally(
        planted={key: kind for one in tallies for key, kind in one.planted.items()},
        waits={key: wait for one in tallies for key, wait in one.waits.items()},
        true=sum(one.true for one in tallies),
        ordinary=sum(one.ordinary for one in tallies),
        false=tuple(text for one in tallies for text in one.false),
        series_months=sum(one.series_months for one in tallies),
    )
