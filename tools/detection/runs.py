"""Alarm days to events: when each began, whether it lasts, what it cost beyond what was to be expected.

The rule adapts to a new level within weeks; a shift judged by its adapted expectation would look cheaper every day. So
an event that lasts is measured against the weeks before it began.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import numpy as np

from tools.detection.clock import is_month_edge
from tools.detection.robust import Scores
from tools.detection.rolling import Array, Flags, Grid

EARLY_DAYS = 28  # of an event, of which
SURPRISING = 1 / 4  # must each have been surprising by itself
GAP_DAYS = 7
SHORT_DAYS = 3
BACK_DAYS = 28
LEAK_DAYS = 14
WEEKS = 6


class Kind(StrEnum):
    """What an event looks like."""

    SPIKE = "spike"
    SHIFT = "level shift"
    LEAK = "slow rise"
    NEW = "new"
    DROP = "drop"


@dataclass(frozen=True)
class Event:
    """One event of one series: its days, and what they cost against what was expected. `lasting`: not over yet;
    `beyond`: of each day, what it cost beyond what was expected."""

    series: int
    start: date
    end: date
    actual: float
    expected: float
    score: float
    kind: Kind
    lasting: bool
    beyond: tuple[float, ...]

    @property
    def excess(self) -> float:
        return self.actual - self.expected

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    def beyond_during(self, other: "Event") -> float:
        """The part of the excess that fell on days of `other`."""
        first, last = ((day - self.start).days for day in (other.start, other.end))
        return sum(self.beyond[max(first, 0) : max(last + 1, 0)])


def events(costs: Array, scored: Scores, first_day: date) -> list[Event]:
    """The events of every series, in order of series and time."""
    found: list[Event] = []
    for series in np.flatnonzero(scored.alarm.any(axis=1)):
        alarms = np.flatnonzero(scored.alarm[series])
        position = 0
        while position < len(alarms):
            start = int(alarms[position])
            event, end = _event(costs[series], scored, first_day, series=int(series), start=start, alarms=alarms)
            found.append(event)
            position = int(np.searchsorted(alarms, end + GAP_DAYS, side="right"))
            rose = event.excess > 0
            # The way back to the old level is the event's end and no event of its own.
            while position < len(alarms) and alarms[position] <= end + BACK_DAYS:
                if scored.onset[series, alarms[position]] or scored.rises[series, alarms[position]] == rose:
                    break
                position += 1
    return found


def _event(
    cost: Array, scored: Scores, first_day: date, *, series: int, start: int, alarms: np.ndarray
) -> tuple[Event, int]:
    grouped = _group(alarms[alarms >= start])
    before = _weekday_medians(cost, start)
    new = bool(scored.onset[series, start])
    edges = np.array([is_month_edge(first_day + timedelta(days=day)) for day in range(start, len(cost))])
    calendar = before[: len(cost) - start] * scored.month[series, start:]
    expected: Grid = np.zeros(len(cost) - start) if new else calendar
    floor = max(0.25, 0.03 * float(expected.mean()) if len(expected) else 0.25)
    ratio = np.log((np.maximum(cost[start:], 0) + floor) / (np.maximum(expected, 0) + floor))
    usual = float(np.median(ratio[grouped[grouped < start + GAP_DAYS] - start]))  # at first: a leak has yet to grow
    end = start + _last_elevated(ratio, usual, skipped=edges, at_least=0 if new else int(grouped[-1]) - start)
    if not new and not _goes_on(alarms, start, end):
        end = int(grouped[-1])
    if end - start < SHORT_DAYS and not new:
        expected = scored.expected[series, start:]  # knows the calendar, and has had no time to adapt
    window = slice(start, end + 1)
    actual, wanted = float(cost[window].sum()), float(expected[: end + 1 - start].sum())
    lasting = end >= len(cost) - 2 and end - start >= SHORT_DAYS
    kind = _kind(ratio[: end + 1 - start], new=new, fell=actual < wanted, lasting=lasting)
    score = float(scored.score[series, window].max())
    days = [first_day + timedelta(days=position) for position in (start, end)]
    beyond = tuple((cost[window] - expected[: end + 1 - start]).tolist())
    return Event(series, days[0], days[1], actual, wanted, score, kind, lasting, beyond), end


def _group(alarms: np.ndarray) -> np.ndarray:
    """The first alarms with no gap longer than a week between them."""
    breaks = np.flatnonzero(np.diff(alarms) > GAP_DAYS)
    return np.asarray(alarms[: breaks[0] + 1] if len(breaks) else alarms)


def _goes_on(alarms: np.ndarray, start: int, end: int) -> bool:
    """Whether it is one event to its end. After a few surprising days a level that grows as it always did never comes
    back to what it was, and that is no event."""
    early = min(end, start + EARLY_DAYS - 1)
    return bool(np.count_nonzero((alarms >= start) & (alarms <= early)) >= SURPRISING * (early + 1 - start))


def _weekday_medians(cost: Array, start: int) -> Array:
    """What each day from `start` on would cost if the six weeks before it went on: medians by weekday."""
    week = []
    for offset in range(7):
        same = [start + offset - 7 * back for back in range(1, WEEKS + 1) if start + offset - 7 * back >= 0]
        week.append(float(np.median(cost[same])) if same else 0.0)
    return np.asarray(np.resize(np.array(week), max(len(cost) - start, 7)), dtype=np.float64)


def _last_elevated(ratio: Array, usual: float, *, skipped: Flags, at_least: int) -> int:
    """The last day, counted from the start, that is still half as unusual as the alarms were. A pause of a few days is
    bridged; the edges of months, which have prices of their own, neither prolong an event nor end it."""
    last, pause = 0, 0
    for day, size in enumerate(ratio * np.sign(usual)):
        if size >= abs(usual) / 2 and not (skipped[day] and day):
            last, pause = day, 0
        elif not skipped[day]:
            pause += 1
        if pause > SHORT_DAYS:
            break
    return last if last > 0 else min(at_least, SHORT_DAYS - 1)


def _kind(ratio: Array, *, new: bool, fell: bool, lasting: bool) -> Kind:
    if new:
        return Kind.NEW
    if fell:
        return Kind.DROP
    third = len(ratio) // 3
    if len(ratio) >= LEAK_DAYS and np.median(ratio[-third:]) > 1.6 * max(np.median(ratio[:third]), 0.01):
        return Kind.LEAK
    return Kind.SHIFT if lasting or len(ratio) > GAP_DAYS else Kind.SPIKE
