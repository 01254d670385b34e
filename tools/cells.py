"""The cells of a change: its parts by several dimensions at once, asked of the lake once and added up by each of them.

A split by each dimension would read the bill as often as there are dimensions, for sums that the cells hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from lake.engine import Answered
from lake.question import Question
from tools.asked import Asked
from tools.desk import Desk
from tools.detection.contributions import EXACT, ZERO

Parts = dict[str, Decimal]


@dataclass(frozen=True)
class Cells:
    """One lake's answer by these dimensions, of one currency, with nothing left out of it."""

    answer: Answered

    @property
    def by(self) -> tuple[str, ...]:
        return tuple(self.answer.question.by)

    def split(self, dimension: str, within: tuple[str, str] | None = None) -> tuple[Parts, Parts]:
        """Cost by element of a dimension, before and after, exactly; `within` one element of another dimension."""
        sums: tuple[Parts, Parts] = {}, {}
        for row in self.answer.rows:
            if within is None or str(row[within[0]]) == within[1]:
                for side, parts in zip(("previous", "value"), sums, strict=True):
                    if value := row[side]:
                        name = str(row[dimension])
                        parts[name] = EXACT.add(parts.get(name, ZERO), Decimal(value))
        before, after = ({name: value for name, value in parts.items() if value} for parts in sums)
        return before, after


def cells(desk: Desk, definite: Asked, by: Sequence[str]) -> Cells | None:
    """The cells by as many of these dimensions as the lake lists whole, the first ones; None where two are too many."""
    for count in range(len(by), 1, -1):
        question = Question.model_validate(
            {**dict(definite.question), "by": tuple(by[:count]), "compare": definite.compare}
        )
        answer = desk.lake.ask(question)
        if not answer.truncated:
            return Cells(answer)
    return None
