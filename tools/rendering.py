"""A result as plain text for people: title, table, totals, notes; what stands when a model's own words were refused."""

from collections.abc import Sequence

from tools.result import Figure, Row, ToolResult

MOST_ROWS = 30
_HEADINGS = {
    "change_pct": "change %",
    "use_case": "use case",
    "per_month": "saving a month",
    "per_year": "saving a year",
    "annual_cost": "cost a year",
}


def as_text(result: ToolResult, *, most: int = MOST_ROWS) -> str:
    """Lines of text, aligned in columns; an error as what, why and what to do."""
    if result.error is not None:
        near = f" Close: {', '.join(result.error.candidates)}." if result.error.candidates else ""
        return f"{result.error}{near}"
    figures = {figure.id: figure for figure in result.figures}
    lines = [result.title, *table(result, figures, result.rows[:most])]
    if len(result.rows) > most:
        lines.append(f"… {len(result.rows) - most} more rows")
    for row in result.totals:
        lines.extend(f"{figure.label}: {figure.display} ({figure.period})" for figure in cells(row, figures))
    lines.extend(result.notes)
    return "\n".join(lines)


def table(result: ToolResult, figures: dict[str, Figure], rows: Sequence[Row]) -> list[str]:
    """`rows` under the result's columns, only those that some row fills."""
    filled = [column for column in result.columns if any(cell(row, column, figures) for row in rows)]
    if not rows or not filled:
        return []
    grid = [[_HEADINGS.get(column, column) for column in filled]]
    grid += [[cell(row, column, figures) for column in filled] for row in rows]
    widths = [max(len(line[index]) for line in grid) for index in range(len(filled))]
    right = [any(column in row.figures for row in rows) for column in filled]
    return ["  ".join(_aligned(text, width, at) for text, width, at in zip(line, widths, right, strict=True)).rstrip()
            for line in grid]  # fmt: skip


def cell(row: Row, column: str, figures: dict[str, Figure]) -> str:
    """What stands in `column` of `row`: a figure's display, a name or a text."""
    if column in row.figures:
        return figures[row.figures[column]].display
    if column == "part":
        inside = f"within {row.texts['within']}: " if "within" in row.texts else ""
        return inside + (", ".join(row.names.values()) or row.texts.get("part", ""))
    return row.names.get(column) or row.texts.get(column) or ""


def cells(row: Row, figures: dict[str, Figure]) -> list[Figure]:
    """The figures of `row` in their order."""
    return [figures[address] for address in row.figures.values()]


def _aligned(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)
