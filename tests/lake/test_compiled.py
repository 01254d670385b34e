"""A question of a shape that was asked before has the query that it would be compiled to by itself."""

from datetime import date, timedelta
from typing import Any

import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot.optimizer.simplify import simplify

from lake import compiled, expressions, meter_expressions
from lake.period import Period
from lake.question import DIMENSIONS, EVERY_TEAM, METRIC_COLUMNS, TIME_DIMENSIONS, Question

OCTOBER, SEPTEMBER = Period.parse("2026-10"), Period.parse("2026-09")
NAMES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "it's",
            "'; DROP TABLE charges; --",
            "a\\n",
            "\ue0fe00000\ue0ff",
            "'\ue0fe00001\ue0ff'",
            "MAKE_DATE(1811, 1, 11)",
            "{}",
            "$1",
            "(untagged)",
        ]
    ),
).filter(lambda text: "\x00" not in text)
DAYS = st.dates(date(1811, 1, 1), date(2200, 1, 1))
PLAIN = st.sampled_from([*DIMENSIONS, "tag:cost", "tag:it's"])


@st.composite
def periods(draw: st.DrawFn) -> Period:
    start = draw(st.one_of(DAYS, st.sampled_from([OCTOBER.start, SEPTEMBER.start, date(1811, 1, 11)])))
    return Period(start, start + timedelta(days=draw(st.integers(1, 400))))


@st.composite
def questions(draw: st.DrawFn) -> Question:
    compare = draw(st.one_of(st.none(), periods()))
    by = PLAIN if compare else st.one_of(PLAIN, st.sampled_from(TIME_DIMENSIONS))
    return Question(
        metric=draw(st.sampled_from(list(METRIC_COLUMNS))),
        period=draw(periods()),
        compare=compare,
        by=tuple(draw(st.lists(by, max_size=3, unique=True))),
        where=draw(st.dictionaries(PLAIN, st.lists(NAMES, max_size=3).map(tuple), max_size=2)),
        ai=draw(st.sampled_from([None, True, False])),
        currency=draw(st.one_of(st.none(), NAMES)),
        limit=draw(st.sampled_from([None, 5])),
        teams_seen=draw(st.one_of(st.just((EVERY_TEAM,)), st.lists(NAMES, max_size=3).map(tuple))),
    )


def more(question: Question) -> list[tuple[Any, ...]]:
    asked: list[tuple[Any, ...]] = [
        (expressions.rows, 10),
        (expressions.totals,),
        (expressions.sources,),
        (expressions.names, "team", None),
        (expressions.names, "tag:cost", 7),
        (expressions.daily,),
        (expressions.quantities,),
        (expressions.missing, ("team", "model")),
        (expressions.missing_by, "team", 5),
        (expressions.machine_hours,),
        (meter_expressions.last_day, "^vol-.*1811"),
        (meter_expressions.resource_days, ["i-1", "MAKE_DATE(1811, 1, 11)", "'\ue0fe00001\ue0ff'"]),
        (meter_expressions.resource_meters, "^vol-"),
        (meter_expressions.model_meters,),
        (meter_expressions.last_day_of_models,),
    ]
    return asked


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(questions(), st.integers(0, 14))
def test_a_filled_query_is_the_one_that_would_be_compiled(question: Question, which: int) -> None:
    build, *rest = more(question)[which]
    tags = sorted({*expressions.tags(question), "cost"})
    alone = expressions.to_sql(build(expressions.charges(tags), question, *rest))
    filled = compiled.to_sql(build, tags, question, *rest)
    assert read(filled) == read(alone)


def read(query: str) -> Any:
    """The query as a tree. A condition that stands twice, as of a team that is asked for and is all that its asker
    may see, is compiled to one; a filled query holds both."""
    return simplify(sqlglot.parse_one(query, dialect="duckdb"))


def test_periods_that_touch_or_are_one_are_compared_as_asked() -> None:
    for other in (SEPTEMBER, OCTOBER, Period(OCTOBER.end, date(2026, 12, 1))):
        question = Question(period=OCTOBER, compare=other, by=("team",))
        alone = expressions.to_sql(expressions.rows(expressions.charges(), question, 10))
        assert compiled.to_sql(expressions.rows, (), question, 10) == alone


def test_a_shape_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled._template.cache_clear()
    for day in range(1, 20):
        asked = Question(period=Period(date(2026, 10, day), date(2026, 10, day + 1)), where={"team": (f"team {day}",)})
        assert f"'team {day}'" in compiled.to_sql(expressions.rows, (), asked, 10)
    assert compiled._template.cache_info().misses == 1
    compiled.to_sql(expressions.rows, (), Question(period=OCTOBER, where={"team": ("a", "b")}), 10)
    assert compiled._template.cache_info().misses == 2
