"""`spendgate allocation check` and `show`: what a rules file says before it counts, and how much spend has no name."""

from collections import Counter
from pathlib import Path

from app.commands.console import hint, print_json, print_table
from app.commands.desk import amounts, check_period, currency, refuse
from lake.allocation_rules import TABLES, read_rules
from tools.allocation import report_allocation
from tools.desk import Desk
from tools.rendering import cell


def check(file: Path, *, as_json: bool) -> None:
    """Prints the rules of a file in the order in which they count; raises LakeError, with the line, if it is faulty."""
    rules = read_rules(file)
    if as_json:
        listed = [{"table": one.method, "id": one.id, "line": one.line, "set": one.says} for one in rules.rules]
        print_json({"file": str(file), "digest": rules.digest, "target_percent": rules.target_percent, "rules": listed})
        return
    rows = [
        (str(number), one.method, one.id, ", ".join(f"{label}={value}" for label, value in one.says.items()))
        for number, one in enumerate(rules.rules, 1)
    ]
    print_table(("order", "table", "id", "sets"), rows, right=frozenset({"order"}))
    counted = Counter(one.method for one in rules.rules)
    told = ", ".join(f"{counted[table]} {table}" for table in TABLES if counted[table]) or "no rule"
    hint(f"{file} can be used: {told}. It counts for bills that are loaded from now on.")


def show(desk: Desk, *, period: str | None, ai: bool, as_json: bool) -> None:
    """Prints how much of the spend lacks a team, a use case …; raises Problem if there is no answer."""
    check_period(desk, period)
    result = report_allocation(desk, period=period, ai=ai or None)
    refuse(result)
    if not as_json:
        figures = {figure.id: figure for figure in result.figures}
        lines = [[cell(row, column, figures) for column in result.columns] for row in result.rows]
        print_table(result.columns, lines, right=frozenset({"without", "share"}))
        for note in (result.title + ".", *result.notes):
            hint(note)
        return
    rows = [
        {**row.names, **row.texts, "currency": currency(result, row.figures["without"]), **amounts(result, row.figures)}
        for row in result.rows
    ]
    print_json(
        {
            "rows": rows,
            "target_percent": desk.uncategorised_target,
            "notes": result.notes,
            "query": result.query,
            "snapshots": result.snapshots,
            "complete": result.complete,
            "completeness": [state.model_dump() for state in result.completeness],
        }
    )
