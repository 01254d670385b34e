"""The week in a channel: what was spent against the week before, what is unusual, what waits for whom, what was saved.

Figures and text are the tools' own; no model writes any of it, and a channel is told no more than it may read. There is
no budget of spend in Spendgate yet, so none is held against the week.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from app.anomaly_rows import BURST, OPEN, Anomaly, marks, quieted, seen_by, stored
from app.proposal_lines import proposal_lines
from app.saved import Stage, saved
from lake.engine import Lake
from lake.period import Period
from tools.desk import Desk, ProposalLine
from tools.detection.marks import MarkKind
from tools.periods import spoken, spoken_day
from tools.realised import follow, together
from tools.result import Figure, Row, ToolResult, display
from tools.shown import shown
from tools.spend import query_spend

MOST_LISTED, MOST_TEAMS, MOST_NOTES = 5, 15, 6
EXPECTED = (MarkKind.NOT_AN_ANOMALY, MarkKind.PLANNED)
WEEK = timedelta(days=7)
COLUMNS = ("effective", "before", "change", "change_pct")


def last_week(now: datetime) -> Period:
    """The last whole week, Monday to Sunday in UTC."""
    today = now.date()
    monday = today - timedelta(days=today.weekday())
    return Period(monday - WEEK, monday)


def reach(lake: Lake) -> date | None:
    """The last whole day that any source of the bill has delivered; None without a bill. A charge may begin later:
    usage that is priced before its bill comes, or a day that is still being delivered."""
    through = max((one.data_through for one in lake.current()), default=None)
    return None if through is None else through.date() - timedelta(days=1)


def digest(session: Session, desk: Desk, week: Period) -> dict[str, Any]:
    """The digest as an answer's body, told to whoever may see the desk's teams. Raises LakeError without a bill."""
    earlier = Period(week.start - WEEK, week.end - WEEK)
    spent = query_spend(desk, period=_days(week), compare=_days(earlier), by=["team"], top=100)
    lines = [
        f"**The week of {spoken(week)}**",
        *_spent(spent),
        *_unusual(_events(session, desk)),
        *_waiting(proposal_lines(session, speaker="", thread="", scope=desk.scope)),
        *_saved(session, desk),
        *(f"Note: {shown(note, 400)}" for note in spent.notes[:MOST_NOTES]),
    ]
    last = reach(desk.lake)
    return {
        "answer": "\n".join(lines),
        "figures": [one.model_dump(mode="json") for one in _figures(spent)],
        "tools": ["query_spend"],
        "freshness": f"the bill reaches to {spoken_day(last)}" if last else "there is no bill",
    }


def _days(period: Period) -> str:
    return f"{period.start.isoformat()}..{(period.end - timedelta(days=1)).isoformat()}"


def _spent(result: ToolResult) -> list[str]:
    """One line for each currency: the total, what it was, and by how much it changed where both weeks are known."""
    if result.error is not None:
        return [f"Spent: unknown. {shown(str(result.error), 400)}"]
    lines = []
    for row in result.totals:
        now, before, change, share = (
            _of(result, row, name) for name in ("effective", "before", "change", "change_pct")
        )
        if now is None:
            continue
        against = f"; the week before {before.display}" if before else "; nothing is known of the week before"
        more = f", a change of {change.display}" if change else ""
        part = f" ({share.display})" if change and share else ""
        lines.append(f"Spent: **{now.display}**{against}{more}{part}.")
    return lines or ["Spent: the bill holds no charge of this week. That is no data, not zero."]


def _of(result: ToolResult, row: Row, column: str) -> Figure | None:
    return result.figure(row.figures.get(column, ""))


def _figures(result: ToolResult) -> list[Figure]:
    """The cost of each team, largest first, for the chart; then the changes that are largest either way."""
    costs = [one for row in result.rows[:MOST_TEAMS] if (one := _of(result, row, "effective"))]
    changes = [one for row in result.rows if (one := _of(result, row, "change"))]
    changes.sort(key=lambda one: abs(one.value), reverse=True)
    return [*costs, *changes[:MOST_LISTED]]


def _events(session: Session, desk: Desk) -> list[Anomaly]:
    """What is unusual now and may be told here, newest first, without what people said was to be expected; what has
    grown since they said so is news again."""
    said = {lane: [mark for mark in marks(session, bursts=lane) if mark.kind in EXPECTED] for lane in (True, False)}
    return [
        row
        for row in stored(session, state=OPEN)
        if seen_by(row, desk.scope) and quieted(row, said[row.kind == BURST], desk.today) is None
    ]


def _unusual(rows: Sequence[Anomaly]) -> list[str]:
    if not rows:
        return ["Unusual: nothing that is open."]
    return [f"Unusual: {_count(len(rows), 'event')}.", *_listed([_event(row) for row in rows])]


def _event(row: Anomaly) -> str:
    names = ", ".join(shown(value) for _, value in row.names) or "the whole bill"
    since = spoken_day(date.fromisoformat(row.started))
    told = f"{names}: {_money(row.excess, row.currency)} beyond what was expected, since {since}"
    return f"{told} (estimated from usage, the bill will tell)" if row.kind == BURST else told


def _money(amount: str, currency: str) -> str:
    return display(Decimal(amount), currency)


def _waiting(lines: Sequence[ProposalLine]) -> list[str]:
    waits = sorted((line for line in lines if line.awaits_votes), key=lambda line: (line.created, line.id))
    if not waits:
        return ["Waiting: no proposal waits for a decision."]
    told = []
    for line in waits:
        roles = [shown(slot.role) for slot in line.slots if not slot.person]
        needed = f"needs the approval of {' and '.join(roles)}" if roles else "waits for a decision"
        until = f", until {line.expires:%Y-%m-%d %H:%M} UTC" if line.expires else ""
        told.append(f"{line.id} {shown(line.title)}: {needed}{until}")
    return [f"Waiting: {_count(len(waits), 'proposal')}, oldest first.", *_listed(told)]


def _saved(session: Session, desk: Desk) -> list[str]:
    """Measured on the bill since each change; a promise is told apart, and what was rehearsed not at all."""
    followed = follow(desk, saved(session, Stage.REALISED, scope=desk.scope))
    measured = [(one.deed.currency, one.measured.cash) for one in followed if one.measured is not None]
    approved = saved(session, Stage.APPROVED, scope=desk.scope)
    promised = together([(deed.currency, deed.promised) for deed in approved])
    sums = " and ".join(display(value, name) for name, value in together(measured).items())
    lines = [
        f"Saved: **{sums}** so far, measured on the bill after {_count(len(measured), 'change')}."
        if measured
        else "Saved: nothing is measured yet."
    ]
    if promised:
        rates = " and ".join(display(value, name) for name, value in promised.items())
        lines.append(f"Approved, and not yet verified as carried out: {rates} a month, as promised.")
    return lines


def _listed(told: Sequence[str]) -> list[str]:
    left = len(told) - MOST_LISTED
    return [*(f"- {one}" for one in told[:MOST_LISTED]), *([f"- … and {left} more"] if left > 0 else [])]


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
