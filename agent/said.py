"""What the agent says: one answer, as it is stored under its turn's id and shown on any surface."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from agent.answer import Checked, cleaned
from agent.ports import ProposalRow
from tools.result import Figure, ToolResult

LONG = 100
"""Rows; what has more than so many is handed out whole as a file, since no surface shows all of it."""


@dataclass(frozen=True)
class Answer:
    """`figures` are those that stand in the text, each with its own label and period; decimals are text."""

    turn: str
    answer: str
    figures: list[dict[str, Any]] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    proposals: list[str] = field(default_factory=list)
    asked_back: bool = False
    refused: bool = False
    model: str = "offline"
    tokens: dict[str, int] = field(default_factory=lambda: {"input": 0, "output": 0})
    """of all voices together"""
    used: dict[str, dict[str, int]] = field(default_factory=dict)
    """the same by voice, those included that failed before `model` answered"""
    tables: list[dict[str, Any]] = field(default_factory=list)
    """the whole of each result that the answer is from and that is too long to be shown, with exact amounts"""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Answer":
        return cls(**stored)


def figures_json(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    """Figures as an answer carries them."""
    return [figure.model_dump(mode="json") for figure in figures]


def used_by(checked: Checked) -> set[str]:
    """The results of which figures stand in the text."""
    return {figure.id.split(".")[0] for figure in checked.figures}


def long_tables(checked: Checked, results: Sequence[ToolResult]) -> list[dict[str, Any]]:
    """The results that the text is from and that have more than `LONG` rows, whole: title, heading and cells as text.

    An amount is exact, with its unit in the column after it: rows of one result may be of several currencies.
    """
    used = used_by(checked)
    return [_whole(result) for result in results if result.id in used and len(result.rows) > LONG]


def _whole(result: ToolResult) -> dict[str, Any]:
    figures = {figure.id: figure for figure in result.figures}
    amounts = [column for column in result.columns if any(column in row.figures for row in result.rows)]
    head = [
        part for column in result.columns for part in ((column, f"{column} unit") if column in amounts else (column,))
    ]
    rows: list[list[str]] = []
    for row in result.rows:
        cells: list[str] = []
        for column in result.columns:
            figure = figures.get(row.figures.get(column, ""))
            if column in amounts:
                cells += [format(figure.value, "f"), figure.unit] if figure else ["", ""]
            else:
                cells.append(row.names.get(column) or row.texts.get(column) or "")
        rows.append(cells)
    return {"title": result.title, "head": head, "rows": rows}


def with_notes(checked: Checked, results: Sequence[ToolResult], proposed: Sequence[str]) -> str:
    """The checked text, below it what must be said with it: what was proposed, and the notes of the results used."""
    lines = [checked.text]
    for proposal in proposed:
        lines.append(f"Proposal {proposal} is drafted; nothing has been changed.")
    used = used_by(checked)
    asks_back = not used and not proposed and checked.text.endswith("?")
    sources = [
        result for result in results if result.id in used or (not used and not asks_back and not checked.declined)
    ]
    for note in dict.fromkeys(cleaned(note) for result in sources for note in result.notes):
        if note and note not in checked.text:
            lines.append(f"Note: {note}")
    return "\n".join(lines)


def outcome_line(proposal: str, row: ProposalRow) -> str:
    """What a thread is told of its proposal, from the row alone."""
    title = f" ({cleaned(row.title)})" if row.title else ""
    reason = f" Reason: {cleaned(row.reason).rstrip('.')}." if row.reason else ""
    after = "" if row.terminal else " An entitled person decides with the buttons on its card."
    return f"Proposal {proposal}{title}: {cleaned(row.words)}.{reason}{after}"
