"""New figures from known ones: difference, sum, share, ratio; computed here, since a model computes nothing.

Both operands are named in the label with their periods, so that a reader sees what was set against what.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import StrEnum

from tools.asked import SUBJECTS, scope_notes
from tools.desk import EVERYONE, Desk, failed
from tools.detection.contributions import EXACT
from tools.result import Figure, Problem, ToolResult
from tools.sheet import Sheet
from tools.shown import shown

TOOL = "derive"
_PLACES = Decimal("0.000001")


class Operation(StrEnum):
    """What can be made of two figures."""

    DIFFERENCE = "difference"
    SUM = "sum"
    SHARE = "share"
    RATIO = "ratio"


_WORDS: dict[Operation, str] = {
    Operation.DIFFERENCE: "Difference: {a} minus {b}",
    Operation.SUM: "Sum: {a} plus {b}",
    Operation.SHARE: "Share: {a} as part of {b}",
    Operation.RATIO: "Ratio: {a} to {b}",
}
_COMPUTE: dict[Operation, Callable[[Decimal, Decimal], Decimal]] = {
    Operation.DIFFERENCE: EXACT.subtract,
    Operation.SUM: EXACT.add,
    Operation.SHARE: lambda a, b: EXACT.quantize(EXACT.divide(a * 100, b), _PLACES),
    Operation.RATIO: lambda a, b: EXACT.quantize(EXACT.divide(a, b), _PLACES),
}


def derive(desk: Desk, *, op: str, a: str, b: str) -> ToolResult:
    """`op` of the figures at addresses `a` and `b`; share and ratio are a to b."""
    try:
        operation = Operation(op.strip().lower())
    except ValueError:
        return failed(desk, TOOL, _unknown_operation(op))
    first, second = desk.figure(a), desk.figure(b)
    if first is None or second is None:
        return failed(desk, TOOL, _unknown_figure(desk, a if first is None else b))
    if problem := _unfit(operation, first, second):
        return failed(desk, TOOL, problem)
    sheet = Sheet(desk, TOOL)
    words = _WORDS[operation].format(a=_said(first, second), b=_said(second, first))
    period = first.period if first.period == second.period else f"{first.period} and {second.period}"
    unit = {Operation.SHARE: "%", Operation.RATIO: "ratio"}.get(operation, first.unit)
    row = sheet.row({}, texts={"part": words})
    value = _COMPUTE[operation](first.value, second.value)
    signed = operation == Operation.DIFFERENCE
    sheet.put(row, "value", value, label=words, unit=unit, period=period, signed=signed)
    sources = [desk.earlier[figure.id.split(".")[0]] for figure in (first, second)]
    sheet.notes.extend(_notes(desk, operation, sources))
    return sheet.done(
        title=words,
        columns=("part", "value"),
        query=f"{operation}({first.id}, {second.id})",
        snapshots=tuple(dict.fromkeys(name for source in sources for name in source.snapshots)),
        complete=all(source.complete for source in sources),
        completeness=tuple(dict.fromkeys(state for source in sources for state in source.completeness)),
    )


def _notes(desk: Desk, operation: Operation, sources: Sequence[ToolResult]) -> list[str]:
    """What was said beside the operands is true of what is made of them; what is counted stands in their labels."""
    notes = [note for source in sources for note in source.notes if note not in SUBJECTS.values()]
    if desk.scope != EVERYONE:
        notes += scope_notes(desk, None)[1:]
        if operation is Operation.SHARE:
            notes.append("It is a share of what you may see, and not of the whole bill.")
    return notes


def _said(figure: Figure, other: Figure) -> str:
    return figure.label if figure.period == other.period else f"{figure.label} ({figure.period})"


def _unfit(operation: Operation, first: Figure, second: Figure) -> Problem | None:
    if first.unit != second.unit:
        return Problem(
            what=f"{operation.capitalize()} of {first.unit} and {second.unit} means nothing.",
            why="The figures have different units; currencies are not converted.",
            do="Name two figures of the same unit.",
        )
    if operation == Operation.SUM and first.id == second.id:
        return Problem(
            what="A figure is not added to itself.",
            why=f"Both addresses are {first.id}.",
            do="Name two different figures.",
        )
    if operation in (Operation.SHARE, Operation.RATIO) and second.value == 0:
        return Problem(
            what=f"There is no {operation} of nothing.",
            # Its label is not repeated: it can hold a rule's limit or somebody's own words, and people may read this.
            why="The figure that it is set against is zero.",
            do="Name another figure as the whole, or take the difference.",
        )
    return None


def _unknown_operation(op: str) -> Problem:
    names = tuple(str(operation) for operation in Operation)
    return Problem(
        what=f"'{shown(op)}' is no operation.",
        why="Figures are combined in a few ways only.",
        do=f"Use one of: {', '.join(names)}.",
        candidates=names,
    )


def _unknown_figure(desk: Desk, address: str) -> Problem:
    latest = [figure.id for result in list(desk.earlier.values())[-2:] for figure in result.figures][:8]
    return Problem(
        what=f"No figure of this conversation is at '{shown(address)}'.",
        why="An address comes from a tool's result, such as q1.t1.effective.",
        do="Ask for the figure first, then name its address.",
        candidates=tuple(latest),
    )
