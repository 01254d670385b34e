"""What was asked, made definite: which days, of which charges, for whom; every assumption becomes a note that is told.

Arguments come from a language model or a command line, so whatever cannot be understood ends in a problem that says
what would be: never in a guess, since a figure for the wrong team looks exactly like one for the right one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from lake.errors import LakeError, NameNotKnown
from lake.period import Period
from lake.question import DIMENSIONS, TIME_DIMENSIONS, Metric, Question
from tools.desk import EVERYONE, Desk
from tools.periods import MONTHS, compared, spoken, understood
from tools.result import Problem
from tools.shown import shown
from tools.wording import dimension

Where = Mapping[str, str | Sequence[str]]


class NotUnderstoodError(Exception):
    """Arguments that cannot be made definite; carries the problem that becomes the result."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True)
class Asked:
    """A definite question, and what had to be assumed."""

    question: Question
    compare: Period | None
    notes: tuple[str, ...]
    comparable: bool = True
    """Whether the bill reaches back to `compare`; without that a change is not computed."""

    def over(self, period: Period) -> Question:
        """The same question about other days."""
        return self.question.model_copy(update={"period": period})


def asked(
    desk: Desk,
    *,
    metric: str = "effective",
    period: str | None = None,
    by: Sequence[str] = (),
    where: Where | None = None,
    compare: str | None = None,
    ai: bool | None = None,
    currency: str | None = None,
) -> Asked:
    """The question that these words mean at this desk. Raises NotUnderstoodError, and nothing else, for bad words."""
    try:
        days, notes = _days(desk, period)
        other = None
        if compare:
            other = compared(compare, period=days, today=desk.today, fiscal=desk.fiscal, named=period)
        question = Question(
            metric=_metric(metric),
            period=days,
            where=filters(where or {}),
            by=tuple(dict.fromkeys(dimension(name) for name in by)),
            ai=ai,
            currency=currency.strip().upper() if currency and currency.strip() else None,
            teams_seen=desk.scope,
        )
        if other is not None and set(question.by) & set(TIME_DIMENSIONS):
            raise NotUnderstoodError(_TIME_COMPARED)
    except LakeError as error:
        raise NotUnderstoodError(problem_of(error)) from error
    except ValidationError as error:
        raise NotUnderstoodError(invalid(error)) from error
    return Asked(question, other, (*notes, *scope_notes(desk, ai)))


def problem_of(error: LakeError) -> Problem:
    """What the lake refused, as a problem; names that were close are candidates."""
    candidates = tuple(shown(name) for name in error.closest) if isinstance(error, NameNotKnown) else ()
    # Told as they are offered: `failed` finds them in the sentence again.
    why = f"The closest known names: {', '.join(candidates)}." if candidates else shown(error.why, 600)
    return Problem(
        what=shown(error.what, 300),
        why=why,
        do=shown(error.do, 300),
        candidates=candidates,
    )


_TIME_COMPARED = Problem(
    what="Days or months cannot be compared with those of another period.",
    why="Two periods have no day or month in common.",
    do="Leave out 'compare' to see the days or months one after another, or 'by' day and month to compare.",
)


def _days(desk: Desk, period: str | None) -> tuple[Period, tuple[str, ...]]:
    if period and period.strip():
        days = understood(period, today=desk.today, fiscal=desk.fiscal)
        return days, _fiscal_notes(desk, period, days)
    last = desk.lake.last_complete_period()
    if last is None:
        newest = desk.lake.latest_period()  # raises, with what to do, when the lake is empty
        return newest, (
            f"No period was named and the bill holds no complete month: {spoken(newest)} is the newest with charges.",
        )
    return last, (f"No period was named: {spoken(last)} is the last complete billing period that the bill holds.",)


def _fiscal_notes(desk: Desk, period: str, days: Period) -> tuple[str, ...]:
    """Says which days a fiscal period is; and of a plain quarter, where the fiscal ones are others, that it is not."""
    if re.search(r"\bf(?:y|q|iscal)", period.lower()):
        begins = MONTHS[desk.fiscal.first_month - 1].capitalize()
        return (f"{shown(period.strip())} is {spoken(days)}: fiscal years begin in {begins}.",)
    if desk.fiscal.differs and days.months == 3 and re.search(r"\bq[1-4]|quarter", period.lower()):
        return (f"{spoken(days)} is the quarter of the calendar year; a fiscal one is asked for as FY2026 Q1.",)
    return ()


_METRIC_WORDS = {
    "amortised": "effective",
    "amortized": "effective",
    "cost": "effective",
    "invoice": "billed",
    "usage": "quantity",
    "token": "tokens",
    "gpu hour": "gpu_hours",
    "unit": "cost_per_million_tokens",
    "cost per token": "cost_per_million_tokens",
    "cost per 1m tokens": "cost_per_million_tokens",
    "price per million tokens": "cost_per_million_tokens",
}


def _metric(name: str) -> Metric:
    lowered = name.strip().lower().replace("_", " ").replace("-", " ").removesuffix(" cost")
    try:
        return Metric(_METRIC_WORDS.get(lowered, lowered.replace(" ", "_")))
    except ValueError:
        raise NotUnderstoodError(
            Problem(
                what=f"'{shown(name)}' is nothing that the bill measures.",
                why="It has four costs, what was used, and what a unit of that cost.",
                do=f"Ask for one of: {', '.join(Metric)}.",
                candidates=tuple(str(known) for known in Metric),
            )
        ) from None


def filters(where: Where) -> dict[str, tuple[str, ...]]:
    """Filters with the dimensions' own names; empty ones are left out."""
    chosen_by: dict[str, tuple[str, ...]] = {}
    for name, values in where.items():
        chosen = (values,) if isinstance(values, str) else tuple(str(value) for value in values)
        if any(value.strip() for value in chosen):
            chosen_by[dimension(name)] = tuple(value.strip() for value in chosen if value.strip())
    return chosen_by


def invalid(error: ValidationError) -> Problem:
    """What to tell of words that make no question: why not, and the dimensions that there are."""
    details: list[Any] = list(error.errors())
    return Problem(
        what="The question cannot be asked like this.",
        why=shown("; ".join(str(item["msg"]).removeprefix("Value error, ") for item in details), 400) + ".",
        do=f"Dimensions are: {', '.join((*DIMENSIONS, *TIME_DIMENSIONS, 'tag:KEY'))}.",
    )


SUBJECTS = {True: "AI spend only.", False: "Everything but AI.", None: "All spend, AI and everything else."}


def scope_notes(desk: Desk, ai: bool | None) -> tuple[str, ...]:
    """What is counted, and for whom: always told beside a figure."""
    said = SUBJECTS[ai]
    if desk.scope == EVERYONE:
        return (said,)
    teams = ", ".join(shown(team) for team in desk.scope) or "none"
    return said, f"Only what you may see: {'team' if len(desk.scope) == 1 else 'teams'} {teams}."
