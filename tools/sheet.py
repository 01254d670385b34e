"""A result being written: hands out addresses, so that no two figures of a thread can ever share one."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tools.desk import Desk
from tools.result import Figure, Row, SourceState, ToolResult, figure
from tools.shown import shown


@dataclass
class Sheet:
    """Rows, totals and figures of one result; `done` seals it and lays it on the desk."""

    desk: Desk
    tool: str
    id: str = ""
    rows: list[Row] = field(default_factory=list)
    totals: list[Row] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.id = self.desk.new_id()

    def row(self, names: dict[str, str], *, texts: dict[str, str] | None = None, total: bool = False) -> Row:
        """The next row (`q1.r3`) or total (`q1.t1`); names come from data and are made fit to show."""
        kept = self.totals if total else self.rows
        made = Row(
            address=f"{self.id}.{'t' if total else 'r'}{len(kept) + 1}",
            names={key: shown(value) for key, value in names.items()},
            texts=texts or {},
        )
        kept.append(made)
        return made

    def put(
        self, row: Row, column: str, value: Decimal, *, label: str, unit: str, period: str, signed: bool = False
    ) -> Figure:
        """A figure in `column` of `row`."""
        made = figure(f"{row.address}.{column}", value, label=label, unit=unit, period=period, signed=signed)
        row.figures[column] = made.id
        self.figures.append(made)
        return made

    def done(self, *, title: str, columns: tuple[str, ...], **more: Any) -> ToolResult:
        """The finished result; `more`: query, snapshots, complete, completeness, proposals."""
        result = ToolResult(
            id=self.id,
            tool=self.tool,
            title=title,
            columns=columns,
            rows=tuple(self.rows),
            totals=tuple(self.totals),
            figures=tuple(self.figures),
            notes=tuple(dict.fromkeys(self.notes)),
            **more,
        )
        return self.desk.keep(result)


def source_states(completeness: Any) -> tuple[SourceState, ...]:
    """The lake's account of its sources, as a result carries it."""
    return tuple(
        SourceState(
            source=shown(str(state.source)),
            data_through=str(state.data_through or "never"),
            final=bool(state.final),
            reason=str(state.reason or ""),
        )
        for state in completeness
    )
