"""`spendgate savings list`: idle GPU machines with the evidence, and machines whose use is unknown."""

from typing import Any

from app.commands.console import hint, print_json, print_table
from app.commands.desk import amounts, check_where, currency, desk_here, refuse
from tools.desk import Desk
from tools.rendering import cell, cells
from tools.result import Row, ToolResult
from tools.rules.evidence import Verdict
from tools.savings import FILTERS, find_savings

COLUMNS = ("verdict", "name", "resource", "instance_type", "team", "environment", "per_month", "missing")
HEADINGS = ("Verdict", "Name", "Instance", "Type", "Team", "Environment", "Saving a month", "Missing evidence")


def run(
    desk: Desk | None = None, *, where: dict[str, str] | None = None, top: int | None = None, as_json: bool = False
) -> None:
    """Lists idle machines, largest saving first, then unknown ones; totals and notes go to stderr."""
    check_where(where, lambda name: name in FILTERS)
    result = find_savings(desk or desk_here(), where=where, top=top)
    refuse(result)
    if as_json:
        print_json(document(result))
        return
    figures = {figure.id: figure for figure in result.figures}
    rows = [[cell(row, column, figures) for column in COLUMNS] for row in result.rows]
    print_table(HEADINGS, rows, right=frozenset({"Saving a month"}))
    for total in result.totals:
        for figure in cells(total, figures):
            hint(f"{figure.label}: {figure.display}")
    for note in (result.title + ".", *result.notes):
        hint(note)


def document(result: ToolResult) -> dict[str, Any]:
    """The result as scripts read it: decimals as text."""
    return {
        "savings": [_machine(result, row) for row in result.rows if row.texts["verdict"] == Verdict.IDLE],
        "unknown": [_machine(result, row) for row in result.rows if row.texts["verdict"] == Verdict.UNKNOWN],
        "totals": [
            {"currency": currency(result, row.figures["per_month"]), **amounts(result, row.figures)}
            for row in result.totals
        ],
        "notes": list(result.notes),
        "query": result.query,
        "snapshots": list(result.snapshots),
        "complete": result.complete,
        "completeness": [state.model_dump() for state in result.completeness],
    }


def _machine(result: ToolResult, row: Row) -> dict[str, Any]:
    money = {"currency": currency(result, row.figures["per_month"])} if "per_month" in row.figures else {}
    missing = {"missing": row.texts["missing"].split("; ")} if "missing" in row.texts else {}
    return {**row.names, **money, **amounts(result, row.figures), **missing}
