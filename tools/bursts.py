"""Bursts of hours before any bill: what a gateway's estimates show, told once, and always as an estimate.

The bill of these hours comes a day or two later and has the last word; what stands here is in no figure of spend, and
the daily judgement of the bill (`anomalies.py`) knows nothing of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np

from lake import hourly
from lake.errors import LakeError
from lake.hourly import Hourly, HourlySeries, moment_of
from lake.period import Period
from tools.asked import NotUnderstoodError, Where, filters, problem_of, scope_notes
from tools.desk import Desk, failed
from tools.detection.contributions import EXACT, ZERO, add, percent
from tools.detection.hours import LEAST_WEEKS, SPREAD_HOURS, WEEK, WEEKS, hour_events, hour_scores
from tools.detection.robust import BLOCK
from tools.detection.rolling import Array
from tools.detection.thresholds import HourThresholds
from tools.periods import spoken_day, understood
from tools.result import Problem, ToolResult, display
from tools.sheet import Sheet
from tools.wording import label, named

TOOL = "find_anomalies"
ESTIMATE = "Estimated from usage, the bill will tell: these amounts are in no figure of spend."
FILTERS = (*hourly.BY, "resource")
HISTORY = WEEKS * WEEK + SPREAD_HOURS  # hours: what the rule looks back on, for the first hour that is judged
MOST = 10
MAIN = Decimal("0.5")  # of a burst, that its parts must make to be told in its place
Names = tuple[tuple[str, str], ...]
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Burst:
    """One burst: its hours, `last` included, and estimates over those that are known. `going_on`: not over yet."""

    source: str
    names: Names
    currency: str
    first: int
    last: int
    actual: Decimal
    expected: Decimal
    going_on: bool

    @property
    def excess(self) -> Decimal:
        return EXACT.subtract(self.actual, self.expected)

    @property
    def hours(self) -> str:
        """`30 November 2026, 14:00 to 17:00 UTC`."""
        start, end = moment_of(self.first), moment_of(self.last + 1)
        day = "" if start.date() == end.date() else f"{spoken_day(end.date())}, "
        return f"{spoken_day(start.date())}, {start:%H:%M} to {day}{end:%H:%M} UTC"


@dataclass(frozen=True)
class Judged:
    """The bursts, largest excess first, and the sources they were looked for in."""

    bursts: tuple[Burst, ...]
    sources: tuple[Hourly, ...]


def find_bursts(
    desk: Desk,
    *,
    period: str | None = None,
    hours: int | None = None,
    where: Where | None = None,
    top: int | None = None,
) -> ToolResult:
    """Bursts of hours, largest excess first: those of `period`, of the last so many `hours`, or of the last days that
    are news."""
    try:
        return _answer(desk, period=period, hours=hours, where=filters(where or {}), top=min(max(top or MOST, 1), 50))
    except NotUnderstoodError as error:
        return failed(desk, TOOL, error.problem)
    except LakeError as error:
        return failed(desk, TOOL, problem_of(error))


def bursts_now(desk: Desk) -> Judged:
    """Every burst that is news now. Raises LakeError for hours that cannot be read."""
    return judged(desk, None)


def _answer(
    desk: Desk, *, period: str | None, hours: int | None, where: dict[str, tuple[str, ...]], top: int
) -> ToolResult:
    if unknown := sorted(set(where) - set(FILTERS)):
        raise NotUnderstoodError(_no_filter(unknown[0]))
    days = understood(period, today=desk.today, fiscal=desk.fiscal) if period and period.strip() else None
    found = judged(desk, days, where, hours)
    if not found.sources:
        return failed(desk, TOOL, _NO_HOURS)
    here = found.bursts
    sheet = Sheet(desk, TOOL)
    sheet.notes.append(ESTIMATE)
    sheet.notes.extend(scope_notes(desk, None)[1:])
    for one in here[:top]:
        _write(sheet, one)
    sheet.notes += [note for source in found.sources for note in _told_of(source)]
    limits = desk.anomalies.hours
    others = "; teams with limits of their own by those" if desk.team_anomalies else ""
    beyond = f"{limits.least_percent} % beyond what was expected of these hours{others}"
    sheet.notes.append(f"Told from {display(limits.least_excess, _currency(found.sources))} and {beyond}.")
    if len(here) > top:
        sheet.notes.append(f"{len(here) - top} smaller bursts are not listed.")
    return sheet.done(
        title=_title(len(here), found.sources),
        columns=("series", "kind", "hours", "actual", "expected", "excess", "excess_pct"),
        complete=False,
    )


def judged(
    desk: Desk, days: Period | None, where: Mapping[str, Sequence[str]] | None = None, hours: int | None = None
) -> Judged:
    """The bursts in the speaker's scope and of what is asked `where` that touch `days` or the last so many `hours`;
    that are news where neither is given."""
    back = 0 if days is None else max((desk.today - days.start).days + 1, 0) * 24
    asked_for = HISTORY + max(back, hours or 0, _news(desk))
    sources = [
        *hourly.of_gateways(desk.lake, now=desk.now, hours=asked_for, teams_seen=desk.scope),
        *hourly.of_usage(desk.lake, now=desk.now, hours=asked_for, teams_seen=desk.scope),
    ]
    found = [one for source in sources for one in _bursts(desk, source)]
    # Before a cause is told once: a part of a larger burst is all that there is to whoever asks of that part.
    asked = [one for one in found if all(dict(one.names).get(name) in given for name, given in (where or {}).items())]
    ends = {source.source: source.end for source in sources}
    since = None if hours is None else hourly.hour_of(desk.now) - hours
    kept = [one for one in asked if (_asked(desk, one, days, ends) if since is None else one.last >= since)]
    return Judged(tuple(sorted(_told_once(kept), key=lambda one: (-one.excess, one.first, one.names))), tuple(sources))


def _news(desk: Desk) -> int:
    return max(limits.hours.news_hours for limits in (desk.anomalies, *desk.team_anomalies.values()))


def _asked(desk: Desk, one: Burst, days: Period | None, ends: Mapping[str, int]) -> bool:
    if days is None:
        return one.last >= ends[one.source] - _limits(desk, one.names).news_hours
    return days.start <= moment_of(one.last).date() and moment_of(one.first).date() < days.end


def _limits(desk: Desk, names: Names) -> HourThresholds:
    """Those of the team whose cost it is, or of everybody where it is wider than one team."""
    return desk.team_anomalies.get(dict(names).get("team", ""), desk.anomalies).hours


def _bursts(desk: Desk, source: Hourly) -> list[Burst]:
    hours = [hour for one in source.series for hour in (min(one.known), max(one.known)) if one.known]
    if not hours:
        return []
    first = min(hours)
    found: list[Burst] = []
    for dimensions in source.levels:
        groups = _level(source.series, dimensions)
        keys = list(groups)
        for block in (keys[row : row + BLOCK] for row in range(0, len(keys), BLOCK)):
            costs = np.stack([_row(groups[key], first, source.end) for key in block])
            limits = [_limits(desk, names) for names, _ in block]
            scored = hour_scores(costs, least_excess=float(desk.anomalies.hours.least_excess))
            least = [(float(one.least_excess), float(one.least_percent)) for one in limits]
            for event in hour_events(costs, scored, least):
                (names, currency), start, end = block[event.series], first + event.start, first + event.end
                actual = _total(groups[block[event.series]], start, end)
                expected = Decimal(event.expected).quantize(_CENT)
                found.append(Burst(source.source, names, currency, start, end, actual, expected, event.open))
    return found


def _level(series: Sequence[HourlySeries], dimensions: Sequence[str]) -> dict[tuple[Names, str], list[HourlySeries]]:
    groups: dict[tuple[Names, str], list[HourlySeries]] = {}
    for one in series:
        names = tuple((dimension, one.names[dimension]) for dimension in dimensions)
        groups.setdefault((names, one.currency), []).append(one)
    return groups


def _row(series: Sequence[HourlySeries], first: int, end: int) -> Array:
    """What they cost together, hour by hour; NaN where nothing is known."""
    row = np.full(end - first, np.nan)
    row[[hour - first for hour in _known(series)]] = 0
    for one in series:
        for hour, cost in one.costs.items():
            row[hour - first] += float(cost)
    return row


def _known(series: Sequence[HourlySeries]) -> frozenset[int]:
    """The hours of which all of them are known."""
    return frozenset.intersection(*{one.known for one in series})


def _total(series: Sequence[HourlySeries], first: int, last: int) -> Decimal:
    """Exactly what they cost together in these hours, as far as all of them are known."""
    known = _known(series)
    return add(cost for one in series for hour, cost in one.costs.items() if first <= hour <= last and hour in known)


def _told_once(found: Sequence[Burst]) -> list[Burst]:
    """One cause once: the parts in place of the whole where they make most of it, else the whole alone."""
    kept: list[Burst] = []
    for one in sorted(found, key=lambda burst: -len(burst.names)):
        parts = [part for part in kept if _within(part, one)]
        if add(part.excess for part in parts) < one.excess * MAIN:
            kept = [part for part in kept if part not in parts]
            kept.append(one)
    return kept


def _within(part: Burst, whole: Burst) -> bool:
    same = part.source == whole.source and part.currency == whole.currency and set(whole.names) < set(part.names)
    return same and part.first <= whole.last and whole.first <= part.last


def _write(sheet: Sheet, one: Burst) -> None:
    names = dict(one.names)
    series = ", ".join(named(key, value) for key, value in names.items()) or "everything through the gateway"
    since = one.hours if not one.going_on else f"since {one.hours.split(' to ')[0]} UTC, still going on"
    first, end = moment_of(one.first).isoformat(), moment_of(one.last + 1).isoformat()
    texts = {"kind": "burst (estimate)", "hours": since, "from": first, "to": end, "source": one.source}
    row = sheet.row({"series": series, **names}, texts=texts)
    said = label("estimated cost", names, where={}, ai=None)
    unit, hours = one.currency, one.hours
    sheet.put(row, "actual", one.actual, label=f"E{said[1:]}", unit=unit, period=hours)
    sheet.put(row, "expected", one.expected, label=f"Expected {said}", unit=unit, period=hours)
    sheet.put(row, "excess", one.excess, label=f"Excess of {said}", unit=unit, period=hours, signed=True)
    over = percent(one.excess, one.expected) if one.expected > ZERO else None
    if over is not None:
        over = EXACT.quantize(over, _CENT)
        sheet.put(row, "excess_pct", over, label=f"Excess of {said}", unit="%", period=hours, signed=True)


def _title(found: int, sources: Sequence[Hourly]) -> str:
    if not found and all(_weeks(source) < LEAST_WEEKS for source in sources):
        return "Too little history to say which hours are unusual"
    return f"{found or 'No'} {'burst' if found == 1 else 'bursts'} of hours, estimated"


def _weeks(source: Hourly) -> float:
    """For how many weeks hours are known."""
    known = [hour for one in source.series for hour in one.known]
    return (source.end - min(known)) / WEEK if known else 0


def _told_of(source: Hourly) -> list[str]:
    end, loaded = moment_of(source.end), source.loaded_at
    notes = [f"{source.source}: hours to {_spoken(end)} as they were known at {_spoken(loaded)}."]
    if (weeks := _weeks(source)) < LEAST_WEEKS:
        notes.append(
            f"{source.source}: not enough history, {weeks:.1f} weeks of hours are known and {LEAST_WEEKS} are needed."
        )
    return notes


def _spoken(moment: datetime) -> str:
    return f"{spoken_day(moment.date())}, {moment:%H:%M} UTC"


def _currency(sources: Sequence[Hourly]) -> str:
    return next((one.currency for source in sources for one in source.series), "USD")


def _no_filter(name: str) -> Problem:
    return Problem(
        what=f"Hours cannot be filtered by '{name[:40]}'.",
        why="Before the bill is there, only what gateways and monitoring tell of an hour is known.",
        do=f"Filter by {', '.join(FILTERS[:-1])} or {FILTERS[-1]}.",
    )


_NO_HOURS = Problem(
    what="There are no hours to judge.",
    why="No gateway's log was pulled and no model's tokens were counted by the hour, and a bill tells days.",
    do="Run 'spendgate sources pull litellm' or 'spendgate usage pull', at best every hour.",
)
