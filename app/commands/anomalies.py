"""`spendgate anomalies list`: unusual spend, with what was expected and the likely driver."""

from typing import Any

from app.commands.console import hint, print_json, print_table
from app.commands.desk import amounts, check_period, check_where, currency, desk_here, refuse
from lake.question import TIME_DIMENSIONS, is_dimension
from tools.anomalies import find_anomalies
from tools.desk import Desk
from tools.rendering import cell
from tools.result import ToolResult

COLUMNS = ("kind", "days", "series", "actual", "expected", "excess", "driver")
HEADINGS = ("Kind", "Days", "Where", "Actual", "Expected", "Excess", "Likely driver")


def run(
    desk: Desk | None = None,
    *,
    period: str | None = None,
    where: dict[str, str] | None = None,
    ai: bool = False,
    top: int | None = None,
    as_json: bool = False,
) -> None:
    """Lists the events of `period`, largest excess first; notes go to stderr."""
    desk = desk or desk_here()
    check_period(desk, period)
    check_where(where, lambda name: is_dimension(name) and name not in TIME_DIMENSIONS)
    result = find_anomalies(desk, period=period, where=where, ai=True if ai else None, top=top)
    refuse(result)
    if as_json:
        print_json(document(result))
        return
    figures = {figure.id: figure for figure in result.figures}
    rows = [[cell(row, column, figures) for column in COLUMNS] for row in result.rows]
    print_table(HEADINGS, rows, right=frozenset({"Actual", "Expected", "Excess"}))
    for note in (result.title + ".", *result.notes):
        hint(note)


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
