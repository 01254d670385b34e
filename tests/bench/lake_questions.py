"""The twelve everyday questions about spend, and how somebody without a lake would ask them of the charges' files.

Each is a `Question`; the SQL, Polars and pandas beside it read the very Parquet files that the lake keeps, in which the
labels are columns already. All must come to the same figures.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from lake import duck
from lake.period import Period, add_months
from lake.question import ALLOCATED, DIMENSIONS, METRIC_COLUMNS, NONE, UNTAGGED, Metric, Question

FORMATS = {"day": "%Y-%m-%d", "month": "%Y-%m"}
Figures = dict[tuple[str, ...], Decimal]
"""What was answered: a value for each group."""


@dataclass(frozen=True)
class Everyday:
    """A question and how people say it; `detail` if only the charges themselves can answer it."""

    said: str
    question: Question
    detail: bool = False


def everyday(last: Period, *, account: str, team: str) -> list[Everyday]:
    """The twelve, for a lake whose newest month is `last`."""
    before, year = last.previous(), Period(add_months(last.start, -11), last.end)
    quarter = Period(add_months(last.start, -2), last.end)
    begun = Period(last.start, last.start.replace(day=21))
    same_days = Period(before.start, before.start.replace(day=21))

    def ask(**named: Any) -> Question:
        return Question(**named)

    return [
        Everyday("cost by team by month, a year", ask(period=year, by=("team", "month"))),
        Everyday("top ten resources of a month", ask(period=last, by=("resource",), limit=10), detail=True),
        Everyday(
            "daily series of one account by service, 3 months",
            ask(period=quarter, by=("day", "service"), where={"account": (account,)}),
        ),
        Everyday("AI by model and token class, a month", ask(period=last, by=("model", "token_class"), ai=True)),
        Everyday("untagged share, a year", ask(period=year, by=("team",))),
        Everyday("month to date against last month, by service", ask(period=begun, compare=same_days, by=("service",))),
        Everyday("the total by month, a year", ask(period=year, by=("month",))),
        Everyday(
            "billed by account, a month", ask(metric=Metric.BILLED, period=last, by=("account",), limit=20)
        ),
        Everyday("one team's services by month", ask(period=year, by=("service", "month"), where={"team": (team,)})),
        Everyday("AI by use case by month, a year", ask(period=year, by=("use_case", "month"), ai=True)),
        Everyday("by region and service, a quarter", ask(period=quarter, by=("region", "service"))),
        Everyday("daily total, 3 months", ask(period=quarter, by=("day",))),
    ]  # fmt: skip


def drill_down(last: Period, *, team: str, service: str) -> Question:
    """Which resources of one team's service cost most on which days of the newest month."""
    return Question(period=last, by=("day", "resource"), where={"team": (team,), "service": (service,)}, limit=100)


def sql(question: Question, files: Sequence[Path]) -> str:
    """As somebody would write it by hand over the charges' files."""
    read = f"read_parquet([{', '.join(duck.text(str(path)) for path in files)}])"
    cost = METRIC_COLUMNS[question.metric]
    groups = [_group(name) for name in question.by]
    asked = [_within(period) for period in (question.period, question.compare) if period]
    where = [f"({' OR '.join(asked)})", *(_equals(name, values) for name, values in question.where.items())]
    if question.ai is not None:
        where.append("x_ai")
    value = f"sum({cost}) FILTER ({asked[0].join(('WHERE ', ''))})" if question.compare else f"sum({cost})"
    order = f" ORDER BY {len(groups) + 2} DESC LIMIT {question.limit}" if question.limit else ""
    columns = ", ".join([*groups, "BillingCurrency", value])
    return f"SELECT {columns} FROM {read} WHERE {' AND '.join(where)} GROUP BY ALL{order}"


def _group(name: str) -> str:
    if name in FORMATS:
        return f"strftime(x_day, '{FORMATS[name]}')"
    return f"coalesce({DIMENSIONS[name]}, '{_absent(name)}')"


def _absent(name: str) -> str:
    return UNTAGGED if name in ALLOCATED else NONE


def _within(period: Period) -> str:
    return f"(x_day >= DATE '{period.start}' AND x_day < DATE '{period.end}')"


def _equals(name: str, values: Sequence[str]) -> str:
    return f"{DIMENSIONS[name]} IN ({', '.join(duck.text(value) for value in values)})"


def by_sql(question: Question, files: Sequence[Path]) -> Callable[[], Figures]:
    """The question in SQL on a connection that is open already."""
    connection = duck.connect()
    written = sql(question, files)

    def asked() -> Figures:
        return _figures(connection.execute(written).fetchall())

    return asked


def _figures(rows: Sequence[tuple[Any, ...]]) -> Figures:
    return {tuple(row[:-1]): row[-1] for row in rows if row[-1] is not None}


def by_polars(question: Question, files: Sequence[Path]) -> Callable[[], Figures]:
    """The question in Polars, lazily over the files."""
    import polars as pl

    def within(period: Period) -> Any:
        return (pl.col("x_day") >= period.start) & (pl.col("x_day") < period.end)

    def group(name: str) -> Any:
        if name in FORMATS:
            return pl.col("x_day").dt.strftime(FORMATS[name]).alias(name)
        return pl.col(DIMENSIONS[name]).fill_null(_absent(name)).alias(name)

    def asked() -> Figures:
        kept = pl.scan_parquet(list(files))
        wanted = within(question.period)
        kept = kept.filter(wanted | within(question.compare) if question.compare else wanted)
        for name, values in question.where.items():
            kept = kept.filter(pl.col(DIMENSIONS[name]).is_in(list(values)))
        if question.ai is not None:
            kept = kept.filter(pl.col("x_ai"))
        cost = pl.col(METRIC_COLUMNS[question.metric])
        value = (cost.filter(wanted) if question.compare else cost).sum().alias("value")
        found = kept.group_by([*(group(name) for name in question.by), pl.col("BillingCurrency")]).agg(value)
        if question.limit:
            found = found.sort("value", descending=True).limit(question.limit)
        return _figures(found.collect().rows())

    return asked


def by_pandas(question: Question, files: Sequence[Path]) -> Callable[[], Figures]:
    """The question in pandas over a table that is in memory already; money as binary floats, as pandas has no other."""
    import pandas as pd

    cost = METRIC_COLUMNS[question.metric]
    named = [DIMENSIONS[name] for name in (*question.by, *question.where) if name not in FORMATS]
    columns = ", ".join(dict.fromkeys([*named, "x_day", "x_ai", "BillingCurrency"]))
    with duck.connect() as connection:
        read = f"read_parquet([{', '.join(duck.text(str(path)) for path in files)}])"
        table = connection.execute(f"SELECT {columns}, CAST({cost} AS DOUBLE) AS value FROM {read}").df()
    table["x_day"] = pd.to_datetime(table["x_day"])

    def within(period: Period) -> Any:
        return (table["x_day"] >= pd.Timestamp(period.start)) & (table["x_day"] < pd.Timestamp(period.end))

    def asked() -> Figures:
        kept = table[within(question.period)]
        for name, values in question.where.items():
            kept = kept[kept[DIMENSIONS[name]].isin(list(values))]
        if question.ai is not None:
            kept = kept[kept["x_ai"]]
        groups = [
            kept["x_day"].dt.strftime(FORMATS[name])
            if name in FORMATS
            else kept[DIMENSIONS[name]].fillna(_absent(name))
            for name in question.by
        ]
        found = kept["value"].groupby([*groups, kept["BillingCurrency"]]).sum()
        if question.limit:
            found = found.nlargest(question.limit)
        return {key if isinstance(key, tuple) else (key,): Decimal(value) for key, value in found.items()}

    return asked


def same(one: Figures, other: Figures, *, exactly: bool) -> bool:
    """Whether two ways came to the same figures; to a millionth where one of them has binary floats."""
    if exactly:
        return one == other
    off = Decimal("1e-6")
    return one.keys() == other.keys() and all(
        abs(one[key] - other[key]) <= off * max(Decimal(1), abs(one[key])) for key in one
    )
