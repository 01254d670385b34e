"""Every question compiles for every engine, with no map, no binary floating point and no division."""

import ibis.expr.types as ir
import pytest
import sqlglot
from sqlglot import expressions as sql

from lake import expressions, meter_expressions
from lake.columns import STORED
from lake.engines import dialects
from lake.period import Period
from lake.question import DIMENSIONS, MEASURES, TIME_DIMENSIONS, Metric, Question

pytestmark = pytest.mark.slow

OCTOBER, SEPTEMBER = Period.parse("2026-10"), Period.parse("2026-09")
FLOATS = {sql.DataType.Type.DOUBLE, sql.DataType.Type.FLOAT}


def asked() -> list[Question]:
    """Each dimension grouped and filtered by, each metric, with and without a comparison, a scope and a limit."""
    made = [Question(period=OCTOBER, metric=metric) for metric in Metric]
    for name in (*DIMENSIONS, "tag:cost center"):
        made.append(Question(period=OCTOBER, by=("month", name), where={name: ("it's", "b\\c")}, limit=5))
        made.append(Question(period=OCTOBER, by=(name,), compare=SEPTEMBER, ai=True, currency="USD"))
    made += [Question(period=OCTOBER, by=(name,), teams_seen=("risk",)) for name in TIME_DIMENSIONS]
    return made


def told(questions: list[Question]) -> list[ir.Table]:
    """All that answering these questions runs."""
    found: list[ir.Table] = []
    for question in questions:
        charges = expressions.charges(expressions.tags(question))
        found.append(expressions.sources(charges, question))
        if question.metric in MEASURES:
            found.append(expressions.quantities(charges, question))
            continue
        found += [expressions.rows(charges, question, 10), expressions.totals(charges, question)]
        if not question.compare:
            found.append(expressions.daily(charges, question))
        found += [expressions.names(charges, question, name) for name in question.where]
    return found


def others() -> list[ir.Table]:
    """What is asked about machines, and of a published lake."""
    charges, tags, asked = expressions.charges(), ("a", "b"), Question(period=OCTOBER, teams_seen=("risk",))
    ids = "(^|/)(vol-[0-9a-f]{8,17})$"
    return [
        meter_expressions.resource_meters(charges, asked, ids),
        meter_expressions.model_meters(charges, asked),
        meter_expressions.last_day_of_models(charges, asked),
        meter_expressions.resource_days(charges, asked, ["vol-1"]),
        meter_expressions.last_day(charges, asked, ids),
        expressions.missing(charges, asked, ("team", "use_case")),
        expressions.machine_hours(charges, Question(period=OCTOBER)),
        expressions.machine_days(["i-1"], start="2026-10-01 00:00:00", end="2026-10-02 00:00:00"),
        expressions.published(["aws/2026-10/1"], tags=tags, without=("b",)),
    ]


def unwanted(engine: str, expression: ir.Table) -> list[str]:
    """What the query of this engine has that it must not have: divisions, floats, maps, the tags of a charge."""
    text = dialects.to_sql(expression, engine)
    tree = sqlglot.parse_one(text, dialect=dialects.compiler(engine).dialect)  # its own grammar reads it again
    parts: list[sql.Expression] = [*tree.find_all(sql.Div, sql.Map, sql.VarMap, sql.MapFromEntries)]
    parts += [cast for cast in tree.find_all(sql.Cast) if cast.to.this in FLOATS]
    return [*map(str, parts), *(["x_tags"] if "x_tags" in text else [])]


EVERYTHING = [
    Question(period=OCTOBER, by=("month", "team", "tag:cost center"), where={"service": ("it's", "b\\c")}, limit=5),
    Question(period=OCTOBER, by=("service",), compare=SEPTEMBER, ai=True, currency="USD", teams_seen=("risk",)),
    Question(period=OCTOBER, by=("week", "team"), compare=None, metric=Metric.LIST),
    Question(period=OCTOBER, by=("service",), compare=SEPTEMBER, metric=Metric.COST_PER_GPU_HOUR),
]


@pytest.mark.parametrize("engine", dialects.ENGINES)
def test_every_kind_of_question_compiles(engine: str) -> None:
    for expression in [*told(EVERYTHING), *others()]:
        assert unwanted(engine, expression) == []


@pytest.mark.slow
@pytest.mark.parametrize("engine", dialects.ENGINES)
def test_every_question_compiles(engine: str) -> None:
    for expression in told(asked()):
        assert unwanted(engine, expression) == []


def test_amounts_are_decimals_in_every_column() -> None:
    charges = expressions.charges()
    kinds = {name: str(kind) for name, kind in charges.schema().items()}
    for name, kind in STORED:
        if kind.startswith("DECIMAL"):
            assert kinds[name] == kind.lower().replace(",", ", "), name
