"""`spendgate anomalies`: unusual spend with its likely driver; what scans stored, and what people say of it."""

import sys
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from app.anomaly_marks import Saying, mark
from app.anomaly_picture import picture as picture_of
from app.anomaly_rows import BURST, OPEN, Anomaly, marks, quieted, seen_by, stored
from app.commands.console import hint, print_json, print_table
from app.commands.desk import amounts, check_period, check_where, currency, desk_here, refuse
from app.commands.here import person_at, place
from app.database import reading, writing
from app.errors import Exit, Problem
from app.picture_file import check_picture, write_picture
from approvals.active import active
from approvals.person import Person
from lake.question import TIME_DIMENSIONS, is_dimension
from tools.anomalies import Looked, looked_at
from tools.bursts import FILTERS, find_bursts
from tools.desk import Desk
from tools.detection.marks import Mark
from tools.event_days import event_days
from tools.rendering import cell
from tools.result import ToolResult, display
from tools.shown import shown

MONEY = frozenset({"Actual", "Estimated", "Expected", "Excess"})
HOUR_COLUMNS = ("hours", "series", "actual", "expected", "excess")
HOUR_HEADINGS = ("Hours", "Where", "Estimated", "Expected", "Excess")
COLUMNS = ("kind", "days", "series", "actual", "expected", "excess", "driver")
HEADINGS = ("Kind", "Days", "Where", "Actual", "Expected", "Excess", "Likely driver")


def run(
    desk: Desk | None = None,
    *,
    period: str | None = None,
    where: dict[str, str] | None = None,
    ai: bool = False,
    top: int | None = None,
    picture: Path | None = None,
    event: int | None = None,
    as_json: bool = False,
) -> None:
    """Lists the events of `period`, largest excess first; notes go to stderr. `picture`: a file to draw them into, or
    the one in line `event` alone."""
    if picture is not None:
        check_picture(picture)
    desk = desk or desk_here()
    check_period(desk, period)
    check_where(where, lambda name: is_dimension(name) and name not in TIME_DIMENSIONS)
    result, looked = looked_at(desk, period=period, where=where, ai=True if ai else None, top=top)
    refuse(result)
    if picture is not None:
        _draw(desk, result, looked, picture, event=event)
    if as_json:
        print_json(document(result))
        return
    _print(result, COLUMNS, HEADINGS)


def _draw(desk: Desk, result: ToolResult, looked: Looked, path: Path, *, event: int | None) -> None:
    """Draws the events of an answer, before it is printed: a file that cannot be written leaves no half answer."""
    if event is not None and not 1 <= event <= len(result.rows):
        told = f"1 to {len(result.rows)}" if result.rows else "none"
        raise Problem(
            f"There is no event {event} to draw.",
            why=f"The answer has events by number: {told}.",
            do="Leave --event away for all of them, or name one that is listed.",
            exit_code=Exit.NOT_FOUND,
        )
    if not result.rows:
        hint("No event, so no picture.")
        return
    write_picture(path, picture_of(result, event_days(desk, looked), only=event))
    hint(f"Drawn in {path}.")


def run_hours(desk: Desk, *, period: str | None, where: dict[str, str] | None, top: int | None, as_json: bool) -> None:
    """Lists the bursts of hours that gateways' estimates show, largest excess first; notes go to stderr."""
    check_period(desk, period)
    check_where(where, lambda name: name in FILTERS)
    result = find_bursts(desk, period=period, where=where, top=top)
    refuse(result)
    if as_json:
        rows = [
            {
                **row.names,
                **row.texts,
                "currency": currency(result, row.figures["actual"]),
                **amounts(result, row.figures),
            }
            for row in result.rows
        ]
        print_json({"estimate": True, "bursts": rows, "notes": list(result.notes)})
        return
    _print(result, HOUR_COLUMNS, HOUR_HEADINGS)


def _print(result: ToolResult, columns: Sequence[str], headings: Sequence[str]) -> None:
    figures = {figure.id: figure for figure in result.figures}
    cells = [[cell(row, column, figures) for column in columns] for row in result.rows]
    print_table(headings, cells, right=MONEY)
    for note in (result.title + ".", *result.notes):
        hint(note)


def show_stored(*, person: str | None, every: bool, as_json: bool) -> None:
    """What scans stored and the person may see, newest first, with the latest mark of each."""
    here = place("ask the bill")
    who = person_at(here, person)
    with reading(here.engine) as (session, now):
        rows = [row for row in stored(session, state=None if every else OPEN) if seen_by(row, who.sees_teams)]
        said = {bursts: marks(session, bursts=bursts) for bursts in (True, False)}
    lines = [_stored_line(row, said[row.kind == BURST], now.date()) for row in rows]
    if as_json:
        print_json({"anomalies": lines})
        return
    cells = [[line[name] for name in ("id", "kind", "days", "where", "excess", "mark", "proposal")] for line in lines]
    print_table(("Id", "Kind", "Days", "Where", "Excess", "Marked", "Proposed"), cells, right=frozenset({"Excess"}))
    if not lines:
        hint("Nothing is stored that you may see. `spendgate scan` looks for unusual spend.")


def _stored_line(row: Anomaly, said: list[Mark], today: date) -> dict[str, str]:
    latest = quieted(row, said, today)
    return {
        "id": row.id,
        "kind": f"{BURST} (estimate)" if row.kind == BURST else row.kind,
        "state": row.state,
        "days": _when(row),
        "where": ", ".join(shown(value) for _, value in row.names) or "all spend",
        "excess": f"{display(Decimal(row.excess), row.currency)}",
        "mark": "" if latest is None else str(latest.kind),
        "proposal": row.proposal or "",
    }


def _when(row: Anomaly) -> str:
    if row.first_hour and row.last_hour:
        first, last = (datetime.fromisoformat(hour) for hour in (row.first_hour, row.last_hour))
        end = last + timedelta(hours=1)
        day = "" if first.date() == end.date() else f"{end:%Y-%m-%d} "
        return f"{first:%Y-%m-%d %H:%M} to {day}{end:%H:%M} UTC"
    return row.started if row.started == row.last_day else f"{row.started} to {row.last_day}"


def say(saying: Saying, *, person: str | None, as_json: bool) -> None:
    """A person's word on a stored event; a refusal ends with its reason."""
    here = place()
    who = person_at(here, person)
    with reading(here.engine) as (session, _):
        known = active(session).people.by_id.get(who.id)
    with writing(here.engine) as (session, now):
        verdict = mark(session, now=now, saying=saying, person=known or Person(who.id, who.id))
    if not verdict.allowed:
        code = Exit.NOT_FOUND if verdict.code == "not_found" else Exit.DENIED
        raise Problem("The event was not marked.", why=verdict.reason, do=DO[verdict.code], exit_code=code)
    if as_json:
        print_json({"marked": saying.anomaly, "as": str(saying.kind)})
        return
    sys.stdout.write(verdict.reason + "\n")


DO = {
    "not_found": "`spendgate anomalies stored` shows those that you may see.",
    "no_role": "Ask somebody with a role, or have one given to you in people.toml.",
    "no_reason": "Add --reason.",
    "no_days": "Give --from and --until as days like 2026-11-22.",
}


def document(result: ToolResult) -> dict[str, Any]:
    """The result as scripts read it: decimals as text."""
    return {
        "anomalies": [
            {
                **row.names,
                "kind": row.texts["kind"],
                "from": row.texts["from"],
                "to": row.texts["to"],
                "days": row.texts["days"],
                "currency": currency(result, row.figures["actual"]),
                **amounts(result, row.figures),
            }
            for row in result.rows
        ],
        "notes": list(result.notes),
        "query": result.query,
        "snapshots": list(result.snapshots),
        "complete": result.complete,
        "completeness": [state.model_dump() for state in result.completeness],
    }
