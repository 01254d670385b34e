"""What is unusual in the bill: spikes, level shifts, slow rises and new spend, told once, with what was expected.

Judged on settled days only: a day whose bill is still coming in would look like a fall today and a rise tomorrow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256

from pydantic import ValidationError

from lake.errors import LakeError
from lake.period import Period
from lake.question import Question
from lake.store import Snapshot
from tools.asked import NotUnderstoodError, Where, filters, invalid, problem_of, scope_notes
from tools.desk import Desk, failed
from tools.detection.contributions import EXACT, percent
from tools.detection.grid import Leaf
from tools.detection.robust import LEARNING_DAYS, WEEKS
from tools.drivers import driven
from tools.judging import LEAF, Found, Unusual, floor_of, judged, months_of, unusual
from tools.nearby import near
from tools.periods import spoken, spoken_day, understood
from tools.result import Problem, ToolResult, display
from tools.sheet import Sheet
from tools.spend import provenance
from tools.usage_days import USAGE, asked_of, daily
from tools.wording import label, named

TOOL = "find_anomalies"
MOST = 10
MOST_NEARBY = 3
_CENT = Decimal("0.01")
EACH = 100  # amounts, at a rough count, that an event is as large as


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
    told = [driven(desk, one, ai=ai, where=chosen) for one in found[:top]]
    sheet = Sheet(desk, TOOL)
    sheet.notes.extend(scope_notes(desk, ai))
    for one in told:
        _write(sheet, one, ai=ai, where=chosen)
    sheet.notes.extend(_nearby(desk, told))
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


def _nearby(desk: Desk, told: Sequence[Found]) -> list[str]:
    """What happened near the beginning of the largest events, a note each."""
    notes = []
    for one in told[:MOST_NEARBY]:
        names = {name: (value,) for name, value in one.incident.names}
        began = Period(one.event.start, one.event.start + timedelta(days=1))
        of = ", ".join(named(name, value) for name, value in one.incident.names) or "all spend"
        notes.append(near(desk, began, names, of=f"the event of {of}"))
    return [note for note in notes if note]


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

    limits = repr((desk.anomalies, tuple(sorted(desk.team_anomalies.items())), desk.calendar))
    digest = sha256(limits.encode()).digest()  # a calendar may be long, and each answer has a key
    key = (asked_of(desk, ai=ai, where=where), digest)

    def events() -> list[Unusual]:
        return unusual(desk, leaves, ai_total=_total_of_ai(desk, ai=ai, where=where))

    def make() -> tuple[list[Found], int]:
        # The events of all days are the same whatever days are asked about, and to find them takes longest.
        every = desk.lake.remembered(("unusual", *key), events, lambda found: 1 + EACH * len(found), bill=bill)
        return judged(desk, leaves, days, of=every)

    return desk.lake.remembered(("judged", *key, days), make, lambda found: 1 + EACH * len(found[0]), bill=bill)


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
    months = sorted(months_of(leaves).items())
    floors = " and ".join(display(floor_of(desk.anomalies, month), currency) for currency, month in months)
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
