"""What the agent says: one answer, as it is stored under its turn's id and shown on any surface."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from agent.answer import Checked, cleaned
from agent.ports import ProposalRow
from tools.result import Figure, ToolResult


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

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Answer":
        return cls(**stored)


def figures_json(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    """Figures as an answer carries them."""
    return [figure.model_dump(mode="json") for figure in figures]


def with_notes(checked: Checked, results: Sequence[ToolResult], proposed: Sequence[str]) -> str:
    """The checked text, below it what must be said with it: what was proposed, and the notes of the results used."""
    lines = [checked.text]
    for proposal in proposed:
        lines.append(f"Proposal {proposal} is drafted; nothing has been changed.")
    used = {figure.id.split(".")[0] for figure in checked.figures}
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
