"""`spendgate explain`: why spend changed, as contributions and as price, volume and mix; both add up to the change."""

from typing import Any

from app.commands.console import hint, print_json, print_table
from app.commands.desk import amounts, check_period, check_where, currency, refuse
from lake.question import TIME_DIMENSIONS, is_dimension
from tools.desk import Desk
from tools.explain import explain_change
from tools.rendering import cell
from tools.result import Row, ToolResult

COLUMNS = ("part", "now", "before", "change", "share")


def run(
    desk: Desk,
    *,
    period: str | None,
    compare: str | None,
    by: str | None,
    where: dict[str, str] | None,
    metric: str,
    ai: bool,
    currency_named: str | None,
    as_json: bool,
) -> None:
    """Prints what the change is made of; raises Problem if it cannot be explained."""
    check_period(desk, period)
    check_where(where, lambda name: is_dimension(name) and name not in TIME_DIMENSIONS)
    result = explain_change(
        desk, period=period, compare=compare, by=by, where=where, metric=metric, ai=ai or None, currency=currency_named
    )
    refuse(result)
    if as_json:
        print_json(document(result))
        return
    figures = {figure.id: figure for figure in result.figures}
    columns = ("part", result.columns[1], *COLUMNS[2:])
    rows = [[cell(row, column, figures) for column in columns] for row in result.rows]
    rows += [[f"total {figures[next(iter(row.figures.values()))].unit}", *_cells(row, result)] for row in result.totals]
    print_table(COLUMNS, rows, right=frozenset(COLUMNS[1:]))
    for note in (result.title + ".", *result.notes):
        hint(note)


def _cells(row: Row, result: ToolResult) -> list[str]:
    figures = {figure.id: figure for figure in result.figures}
    return [cell(row, column, figures) for column in (result.columns[1], "before", "change", "change_pct")]


def document(result: ToolResult) -> dict[str, Any]:
    """The result as scripts read it: decimals as text."""
    return {
        "rows": [_row(row, result) for row in result.rows],
        "totals": [_row(row, result) for row in result.totals],
        "notes": list(result.notes),
        "query": result.query,
        "snapshots": list(result.snapshots),
        "complete": result.complete,
        "completeness": [state.model_dump() for state in result.completeness],
    }


def _row(row: Row, result: ToolResult) -> dict[str, Any]:
    unit = currency(result, next(iter(row.figures.values())))
    return {**row.names, **row.texts, "currency": unit, **amounts(result, row.figures)}
