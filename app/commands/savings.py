"""`spendgate savings list`: what could be saved, by rule, with the evidence; and what cannot be judged, and why."""

from decimal import Decimal
from typing import Any

from app.commands.console import hint, print_json, print_table
from app.commands.desk import amounts, check_where, currency, desk_here, refuse
from tools.desk import Desk
from tools.rendering import cell, cells
from tools.result import Figure, Row, ToolResult
from tools.rules.evidence import Verdict
from tools.savings import find_savings
from tools.savings_filters import FILTERS

COLUMNS = ("verdict", "name", "resource", "rule", "team", "environment", "per_month", "because")
TOLD: tuple[str, ...] = ("rule", "why", "risk", "reversibility", "confidence")
HEADINGS = ("Verdict", "Name", "Resource", "Rule", "Team", "Environment", "Saving a month", "Why, or what is missing")


def run(
    desk: Desk | None = None,
    *,
    where: dict[str, str] | None = None,
    top: int | None = None,
    minimum: Decimal | None = None,
    as_json: bool = False,
) -> None:
    """Lists savings, those of machines first, then what is unknown; totals and notes go to stderr."""
    check_where(where, lambda name: name in FILTERS)
    result = find_savings(desk or desk_here(), where=where, top=top, minimum=minimum)
    refuse(result)
    if as_json:
        print_json(document(result))
        return
    figures = {figure.id: figure for figure in result.figures}
    rows = [[_cell(row, column, figures) for column in COLUMNS] for row in result.rows]
    print_table(HEADINGS, rows, right=frozenset({"Saving a month"}))
    for total in result.totals:
        for figure in cells(total, figures):
            hint(f"{figure.label}: {figure.display}")
    for note in (result.title + ".", *result.notes):
        hint(note)


def _cell(row: Row, column: str, figures: dict[str, Figure]) -> str:
    if column == "resource":
        return row.names["resource"].rpartition("/")[2]  # the end of an ARN tells as much on a narrow screen
    if column == "because":
        return row.texts.get("missing") or row.texts.get("why") or row.names.get("instance_type", "")
    return cell(row, column, figures)


def document(result: ToolResult) -> dict[str, Any]:
    """The result as scripts read it: decimals as text."""
    return {
        "savings": [_machine(result, row) for row in result.rows if Verdict(row.texts["verdict"]).saves],
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
    rule: dict[str, str] = {key: row.texts[key] for key in TOLD if key in row.texts}
    return {**row.names, **rule, **money, **amounts(result, row.figures), **missing}
