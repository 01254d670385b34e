"""The query that answers a question, compiled once for each shape of question.

Compiling an expression takes longer than asking it of a small lake. Most questions differ from an earlier one in their
days and names alone: so a shape is compiled with marks in the place of these, and a question of that shape only fills
them in.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from lake import duck, expressions
from lake.period import Period
from lake.question import EVERY_TEAM, Question

Build = Callable[..., Any]
"""One of `lake.expressions`: of a table of charges, a question, and what else it takes."""

MOST_SHAPES = 512
# Days of a year that no bill is of, and characters that Unicode gives to nobody: what a mark is can be nothing else.
_DAYS = (date(1811, 1, 11), date(1811, 2, 12), date(1811, 3, 13), date(1811, 4, 14))
_MARK = "\ue0fe{:05}\ue0ff"
_MARKS = re.compile("'\ue0fe([0-9]{5})\ue0ff'|MAKE_DATE\\(1811, ([1-4]), [0-9]+\\)")
_COULD_BE_MARKS = re.compile(r"1811|\\ue0f")  # within the repr of texts
_Shape = tuple[Any, ...]


def to_sql(build: Build, tags: Sequence[str], question: Question, *more: Any) -> str:
    """The query of `build(charges, question, *more)` on the embedded engine, charges with these tags' columns: what it
    would be compiled to by itself."""
    more = tuple(tuple(each) if isinstance(each, list) else each for each in more)
    if _COULD_BE_MARKS.search(repr(more)):
        return expressions.to_sql(build(expressions.charges(tags), question, *more))
    template = _template(build, tuple(tags), _shape(question), more)
    names, days = _names(question), _days(question)

    def filled(mark: re.Match[str]) -> str:
        if mark[1] is not None:
            return duck.text(names[int(mark[1])])
        day = days[int(mark[2]) - 1]
        return f"MAKE_DATE({day.year}, {day.month}, {day.day})"

    return _MARKS.sub(filled, template)


@lru_cache(MOST_SHAPES)
def _template(build: Build, tags: tuple[str, ...], shape: _Shape, more: tuple[Any, ...]) -> str:
    return expressions.to_sql(build(expressions.charges(tags), _marked(shape), *more))


def _shape(question: Question) -> _Shape:
    """All of a question that its query's form depends on: everything but its days and how its names are written."""
    everybody = EVERY_TEAM in question.teams_seen
    return (
        question.metric,
        question.by,
        tuple((name, len(set(question.where[name]))) for name in sorted(question.where)),
        question.compare is not None,
        question.ai,
        question.currency is not None,
        question.limit is not None,
        None if everybody else len(set(question.teams_seen)),
    )


def _marked(shape: _Shape) -> Question:
    """A question of this shape with marks for its days and names, in the order of `_days` and `_names`."""
    metric, by, filters, compared, ai, currency, limited, teams = shape
    first, end, before, before_end = _DAYS
    counted = iter(range(100_000))

    def marks(count: int) -> tuple[str, ...]:
        return tuple(_MARK.format(next(counted)) for _ in range(count))

    return Question(
        metric=metric,
        period=Period(first, end),
        by=by,
        compare=Period(before, before_end) if compared else None,
        ai=ai,
        limit=1 if limited else None,
        teams_seen=(EVERY_TEAM,) if teams is None else marks(teams),
        where={name: marks(count) for name, count in filters},
        currency=marks(1)[0] if currency else None,
    )


def _names(question: Question) -> list[str]:
    """What is written into the query, list by list in the order in which `in_scope` sorts it."""
    names = [] if EVERY_TEAM in question.teams_seen else sorted(set(question.teams_seen))
    for name in sorted(question.where):
        names += sorted(set(question.where[name]))
    return names + ([question.currency] if question.currency is not None else [])


def _days(question: Question) -> tuple[date, ...]:
    periods = (question.period, *([question.compare] if question.compare else []))
    return tuple(day for period in periods for day in (period.start, period.end))
