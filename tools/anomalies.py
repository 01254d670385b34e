"""What is unusual in the bill: spikes, level shifts, slow rises and new spend, told once, with what was expected.

Judged on settled days only: a day whose bill is still coming in would look like a fall today and a rise tomorrow.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256

from pydantic import ValidationError

from lake.errors import LakeError, NameNotKnown
from lake.period import Period
from lake.question import NONE, Question
from lake.store import Snapshot
from tools.asked import NotUnderstoodError, Where, filters, invalid, problem_of, scope_notes
from tools.desk import Desk, failed
from tools.detection.contributions import EXACT, ZERO, Contribution, add, contributions, percent
from tools.detection.discoveries import controlled
from tools.detection.grid import Leaf, Series, grids, level
from tools.detection.incidents import Incident, told_once
from tools.detection.robust import LEARNING_DAYS, WEEKS, scores
from tools.detection.rolling import Array
from tools.detection.runs import Event, Kind, events
from tools.detection.thresholds import AnomalyThresholds
from tools.periods import spoken, spoken_day, understood
from tools.result import Problem, ToolResult, display
from tools.sheet import Sheet
from tools.spend import provenance
from tools.wording import label, named

TOOL = "find_anomalies"
LEVELS = ((), ("service",), ("team",), ("team", "service"), ("team", "service", "model"))
LEAF = LEVELS[-1]
DRIVERS = ("token_class", "resource", "model", "use_case", "environment", "service", "team")  # most telling first
USAGE = {"charge_category": ("Usage",)}
MOST = 10
DRIVER_PERCENT = 50
EACH = 100  # amounts, at a rough count, that an event is as large as
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Found:
    """An incident with exact money, and the part that grew most."""

    incident: Incident
    actual: Decimal
    expected: Decimal
    driver: tuple[str, Contribution] | None = None

    @property
    def event(self) -> Event:
        return self.incident.event

    @property
    def excess(self) -> Decimal:
        return EXACT.subtract(self.actual, self.expected)

    @property
    def period(self) -> Period:
        return Period(self.event.start, self.event.end + timedelta(days=1))


@dataclass(frozen=True)
class Looked:
    """The days that were judged, of the finest level and of AI alone, and what is told of them, a row each."""

    leaves: tuple[Leaf, ...]
    ai_total: tuple[Leaf, ...]
    told: tuple[Found, ...]


def find_anomalies(
    desk: Desk, *, period: str | None = None, where: Where | None = None, ai: bool | None = None, top: int | None = None
) -> ToolResult:
    """Unusual spend in `period` (default: from the start of the last complete billing period to the last settled
    day), largest excess first. `ai` True: AI alone; None: everything."""
    return looked_at(desk, period=period, where=where, ai=ai, top=top)[0]


def looked_at(
    desk: Desk, *, period: str | None = None, where: Where | None = None, ai: bool | None = None, top: int | None = None
) -> tuple[ToolResult, Looked]:
    """The answer of `find_anomalies`, and what it was made of; nothing where the answer is a problem."""
    nothing = Looked((), (), ())
    try:
        return _answer(desk, period=period, where=where, ai=ai, top=min(max(top or MOST, 1), 50))
    except NotUnderstoodError as error:
        return failed(desk, TOOL, error.problem), nothing
    except ValidationError as error:
        return failed(desk, TOOL, invalid(error)), nothing
    except LakeError as error:
        return failed(desk, TOOL, problem_of(error)), nothing


def _answer(
    desk: Desk, *, period: str | None, where: Where | None, ai: bool | None, top: int
) -> tuple[ToolResult, Looked]:
    chosen, bill = filters(where or {}), desk.lake.current()
    leaves = daily(desk, LEAF, ai=ai, where=chosen)
    if not leaves:
        return failed(desk, TOOL, _NO_DAYS, notes=scope_notes(desk, ai)), Looked((), (), ())
    days = _days(desk, period, leaves)
    ai_total = _total_of_ai(desk, ai=ai, where=chosen)
    found, falls = _judged(desk, leaves, days, bill=bill, ai=ai, where=chosen)
    told = [_driven(desk, one, ai=ai, where=chosen) for one in found[:top]]
    sheet = Sheet(desk, TOOL)
    sheet.notes.extend(scope_notes(desk, ai))
    for one in told:
        _write(sheet, one, ai=ai, where=chosen)
    _note(sheet, desk, leaves, days, left=len(found) - len(told), falls=falls)
    behind = desk.lake.ask(
        Question(period=days, by=("day", *LEAF), where={**chosen, **USAGE}, ai=ai, teams_seen=desk.scope)
    )
    result = sheet.done(
        title=_title(len(found), leaves, days),
        columns=("series", "kind", "days", "actual", "expected", "excess", "excess_pct", "driver", "driver_change"),
        **provenance(behind),
    )
    return result, Looked(tuple(leaves), tuple(ai_total), tuple(told))


def _total_of_ai(desk: Desk, *, ai: bool | None, where: dict[str, tuple[str, ...]]) -> list[Leaf]:
    """The sum of AI, watched beside everything; where AI alone is asked for, it is the total anyway."""
    return daily(desk, (), ai=True, where=where) if ai is None else []


def _judged(
    desk: Desk,
    leaves: Sequence[Leaf],
    days: Period,
    *,
    bill: Sequence[Snapshot],
    ai: bool | None,
    where: dict[str, tuple[str, ...]],
) -> tuple[list[Found], int]:
    """What is worth telling of `days`, and how many falls were left out: judged once for a scope, limits and a `bill`,
    which counted before `leaves` were read."""

    def make() -> tuple[list[Found], int]:
        return judged(desk, leaves, days, ai_total=_total_of_ai(desk, ai=ai, where=where))

    limits = repr((desk.anomalies, tuple(sorted(desk.team_anomalies.items())), desk.calendar))
    digest = sha256(limits.encode()).digest()  # a calendar may be long, and each answer has a key
    key = ("judged", _asked(desk, ai=ai, where=where), days, digest)
    return desk.lake.remembered(key, make, lambda found: 1 + EACH * len(found[0]), bill=bill)


def _asked(desk: Desk, *, ai: bool | None, where: dict[str, tuple[str, ...]]) -> Hashable:
    """Of whose bill an answer is, and of what of it."""
    return desk.scope, ai, tuple(sorted(where.items()))


def found_now(desk: Desk) -> tuple[list[Found], date]:
    """Everything that is unusual now, largest excess first, and the last settled day. Raises LakeError without a bill
    that can be judged."""
    bill, leaves = desk.lake.current(), daily(desk, LEAF, ai=None, where={})
    if not leaves:
        raise LakeError(_NO_DAYS.what, why=_NO_DAYS.why, do=_NO_DAYS.do)
    found, _ = _judged(desk, leaves, _days(desk, None, leaves), bill=bill, ai=None, where={})
    return list(found), max(leaf.end for leaf in leaves) - timedelta(days=1)


def _title(found: int, leaves: Sequence[Leaf], days: Period) -> str:
    if not found and history_note(leaves, days):
        return f"Too little history to say what is unusual, {spoken(days)}"
    return f"{found or 'No'} unusual {'event' if found == 1 else 'events'}, {spoken(days)}"


def history_note(leaves: Sequence[Leaf], days: Period) -> str:
    """What cannot be judged for want of days before it; empty if the history is long enough."""
    first, end = min(leaf.first for leaf in leaves), max(leaf.end for leaf in leaves)
    known = (min(end, days.end) - first).days
    begins = f"The daily bill begins on {spoken_day(first)}"
    if known <= LEARNING_DAYS:
        return f"{begins}: too little history to judge (at least {LEARNING_DAYS} days are needed)."
    if (max(days.start, first) - first).days < 7 * WEEKS:
        return f"{begins}: there is little history before these days (less than {WEEKS} weeks); events may be missed."
    return ""


def _note(sheet: Sheet, desk: Desk, leaves: Sequence[Leaf], days: Period, *, left: int, falls: int) -> None:
    through = sorted({leaf.end - timedelta(days=1) for leaf in leaves})
    until = spoken_day(through[-1])
    early = f" (some sources only to {spoken_day(through[0])})" if len(through) > 1 else ""
    sheet.notes.append(f"Judged on settled days, to {until}{early}.")
    if short := history_note(leaves, days):
        sheet.notes.append(short)
    months = sorted(_months(leaves).items())
    floors = " and ".join(display(_floor(desk.anomalies, month), currency) for currency, month in months)
    others = "; teams with limits of their own by those" if desk.team_anomalies else ""
    sheet.notes.append(f"Told from {floors} and {desk.anomalies.least_percent} % beyond what was expected{others}.")
    if desk.calendar.days:
        sheet.notes.append("Holidays and seasons of the calendar are expected.")
    if left > 0:
        sheet.notes.append(f"{left} smaller events are not listed.")
    if falls:
        sheet.notes.append(f"{falls} {'fall' if falls == 1 else 'falls'} of spend not listed.")


_NO_DAYS = Problem(
    what="There are no days to judge.",
    why="No settled day with usage charges is loaded for what was asked.",
    do="Load daily bills of at least three weeks with 'spendgate ingest', or ask about something broader.",
)


def daily(
    desk: Desk,
    by: Sequence[str],
    *,
    ai: bool | None,
    where: dict[str, tuple[str, ...]],
    since: date | None = None,
    until: date | None = None,
) -> list[Leaf]:
    """Daily effective cost of usage in the speaker's scope; purchases, taxes and credits are no use of anything."""
    key = ("daily", tuple(by), _asked(desk, ai=ai, where=where), since, until)
    return desk.lake.remembered(
        key,
        lambda: _daily(desk, by, ai=ai, where=where, since=since, until=until),
        lambda found: sum(len(leaf.values) for leaf in found),
    )


def _daily(
    desk: Desk,
    by: Sequence[str],
    *,
    ai: bool | None,
    where: dict[str, tuple[str, ...]],
    since: date | None,
    until: date | None,
) -> list[Leaf]:
    used = {**where, **USAGE}
    try:
        found = desk.lake.daily(by=tuple(by), ai=ai, where=used, teams_seen=desk.scope, since=since, until=until)
    except NameNotKnown as error:
        if error.dimension == "charge_category":
            return []  # a bill without a single usage charge
        raise
    return [Leaf(series.key, series.currency, series.first, tuple(series.values)) for series in found if series.values]


def judged(
    desk: Desk, leaves: Sequence[Leaf], days: Period, *, ai_total: Sequence[Leaf] = ()
) -> tuple[list[Found], int]:
    """What is worth telling of `days`, and how many falls were left out. `ai_total`: the sum of AI, watched as well."""
    if not leaves:
        return [], 0
    first = min(leaf.first for leaf in leaves)
    watched = [(series, costs, True) for series, costs in grids(level(ai_total, ()), first)]
    for dimensions in LEVELS:
        series = level(leaves, dimensions, nameless=NONE if dimensions == LEAF else "")
        watched += [(group, costs, False) for group, costs in grids(series, first)]
    months = _months(leaves)
    found = [one for one in _events(desk, watched, first, days) if _worth(desk, one.incident, one.excess, months)]
    rises = {id(one.incident): one for one in found if one.event.kind != Kind.DROP}
    falls = [one.incident for one in found if one.event.kind == Kind.DROP and _is_news(desk, one.event, days)]
    news = [one.incident for one in rises.values() if _is_news(desk, one.event, days)]
    known = [one.incident for one in rises.values() if not _is_news(desk, one.event, days)]
    kept = told_once(news, known=known, worth=lambda one, rest: _worth(desk, one, Decimal(rest), months))
    return [rises[id(incident)] for incident in kept], len(told_once(falls))


def _events(desk: Desk, watched: Sequence[tuple[list[Series], Array, bool]], first: date, days: Period) -> list[Found]:
    """Events that touch `days`, of all levels judged together. `watched`: series with their costs, and whether they
    are of AI alone."""
    scored = controlled(
        [scores(costs, first, clock=desk.calendar.clock(first, costs.shape[1])) for _, costs, _ in watched]
    )
    return [
        _found(group[event.series], event, ai_alone=ai_alone)
        for (group, costs, ai_alone), judged_here in zip(watched, scored, strict=True)
        for event in events(costs, judged_here, first)
        if days.start <= event.end and event.start < days.end
    ]


def _is_news(desk: Desk, event: Event, days: Period) -> bool:
    """What lasts since long before `days` is no news in them; what goes on growing is for longer."""
    limits = desk.anomalies
    age = (days.start - event.start).days
    return age <= (limits.leak_news_days if event.kind == Kind.LEAK else limits.news_days)


def _found(series: Series, event: Event, *, ai_alone: bool) -> Found:
    expected = max(Decimal(event.expected).quantize(_CENT), ZERO)
    incident = Incident(series.names, series.currency, event, ai_alone)
    return Found(incident, series.total(event.start, event.end), expected)


def _months(leaves: Sequence[Leaf]) -> dict[str, Decimal]:
    """What the last thirty days cost, by currency."""
    months: dict[str, Decimal] = {}
    for currency in {leaf.currency for leaf in leaves}:
        mine = [leaf for leaf in leaves if leaf.currency == currency]
        end = max(leaf.end for leaf in mine)
        months[currency] = add(leaf.total(end - timedelta(days=30), end) for leaf in mine)
    return months


def _floor(limits: AnomalyThresholds, month: Decimal) -> Decimal:
    """The least excess worth telling."""
    return max(limits.least_excess, month * limits.least_share_percent / 100)


def _worth(desk: Desk, one: Incident, excess: Decimal, months: dict[str, Decimal]) -> bool:
    """By the limits of the team whose cost it is, or of everybody where it is wider than one team."""
    limits = desk.team_anomalies.get(dict(one.names).get("team", ""), desk.anomalies)
    size, expected = abs(excess), max(Decimal(one.event.expected), ZERO)
    return size >= _floor(limits, months[one.currency]) and size * 100 >= expected * limits.least_percent


def _driven(desk: Desk, one: Found, *, ai: bool | None, where: dict[str, tuple[str, ...]]) -> Found:
    """The same with what moved most, looked for once in a bill."""
    key = ("driver", _asked(desk, ai=ai, where=where), repr(one.incident))
    return desk.lake.remembered(key, lambda: _with_driver(desk, one, ai=ai, where=where), lambda _: 1)


def _with_driver(desk: Desk, one: Found, *, ai: bool | None, where: dict[str, tuple[str, ...]]) -> Found:
    """The part that moved most against the same weekdays just before: of the first dimension in which one part made
    at least half of all that moved, else of the dimension in which one made the largest share."""
    here = {**where, **{name: (value,) for name, value in one.incident.names}}
    since = one.event.start - _weeks_before(one)
    parts = daily(desk, DRIVERS, ai=ai or one.incident.ai_alone or None, where=here, since=since, until=one.period.end)
    parts = [part for part in parts if part.currency == one.incident.currency]
    tried = [_part(parts, dimension, one) for dimension in DRIVERS if dimension not in here]
    telling = [(part, share) for part, share, alone in tried if part and not alone and share >= DRIVER_PERCENT]
    whole = [(part, share) for part, share, _ in tried if part]
    if not whole:
        return one
    chosen = telling[0][0] if telling else max(whole, key=lambda pair: pair[1])[0]
    return Found(one.incident, one.actual, one.expected, chosen)


def _part(parts: Sequence[Leaf], dimension: str, one: Found) -> tuple[tuple[str, Contribution] | None, Decimal, bool]:
    """The element of `dimension` that moved most, its share of all that moved in percent, and whether it is alone."""
    back = _weeks_before(one)
    after = _sums(parts, dimension, one.event.start, one.event.end)
    before = _sums(parts, dimension, one.event.start - back, one.event.end - back)
    explained = contributions(before, after, limit=1)
    if not explained.named or explained.named[0].name.startswith("("):
        return None, ZERO, False
    largest = explained.named[0]
    moved = add(abs(EXACT.subtract(after.get(name, ZERO), before.get(name, ZERO))) for name in {**before, **after})
    return (dimension, largest), percent(abs(largest.change), moved) or ZERO, len({**before, **after}) == 1


def _weeks_before(one: Found) -> timedelta:
    """How far back the same weekdays are, over which nothing of the event lies."""
    return timedelta(days=-(-one.event.days // 7) * 7)


def _sums(parts: Sequence[Leaf], dimension: str, start: date, end: date) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for part in parts:
        if value := part.total(start, end):
            sums[part.names[dimension]] = EXACT.add(sums.get(part.names[dimension], ZERO), value)
    return sums


def _write(sheet: Sheet, one: Found, *, ai: bool | None, where: dict[str, tuple[str, ...]]) -> None:
    names, currency, event = dict(one.incident.names), one.incident.currency, one.event
    days = spoken(one.period)
    ai = ai or one.incident.ai_alone or None
    series = ", ".join(named(key, value) for key, value in names.items()) or ("all AI spend" if ai else "all spend")
    driver = {"driver": named(*_driver_name(one))} if one.driver else {}
    going = f"since {spoken_day(event.start)}, still going on" if event.lasting else days
    texts = {"kind": str(event.kind), "days": going, "from": event.start.isoformat(), "to": event.end.isoformat()}
    row = sheet.row({"series": series, **names, **driver}, texts=texts)
    said = label("effective cost", names, where=where, ai=ai)
    sheet.put(row, "actual", one.actual, label=f"E{said[1:]}", unit=currency, period=days)
    sheet.put(row, "expected", one.expected, label=f"Expected {said}", unit=currency, period=days)
    sheet.put(row, "excess", one.excess, label=f"Excess of {said}", unit=currency, period=days, signed=True)
    if (over := percent(one.excess, one.expected)) is not None:
        over = EXACT.quantize(over, _CENT)
        sheet.put(row, "excess_pct", over, label=f"Excess of {said}", unit="%", period=days, signed=True)
    if one.driver:
        said = f"Change of {label('effective cost', {**names, one.driver[0]: one.driver[1].name}, where=where, ai=ai)}"
        against = f"{days} against the same weekdays before"
        sheet.put(row, "driver_change", one.driver[1].change, label=said, unit=currency, period=against, signed=True)


def _driver_name(one: Found) -> tuple[str, str]:
    assert one.driver is not None  # noqa: S101
    return one.driver[0], one.driver[1].name


def _days(desk: Desk, period: str | None, leaves: Sequence[Leaf]) -> Period:
    """The named period, or from the start of the last complete billing period to the last settled day."""
    if period and period.strip():
        return understood(period, today=desk.today, fiscal=desk.fiscal)
    end = max((leaf.end for leaf in leaves), default=desk.today)
    last = desk.lake.last_complete_period()
    start = last.start if last and last.start < end else end - timedelta(days=60)
    return Period(start, end)
