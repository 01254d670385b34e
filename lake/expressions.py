"""A typed question as an Ibis expression.

All expressions are in this file and `meter_expressions.py`, and they only sum money: Ibis casts a bare Python decimal
to three places without a word, and divides into binary floating point. So no amount is ever written into an expression,
and every ratio is taken later, in Python. No engine's own types either: a tag that is asked for is a column of its
own, and patterns are written as all engines read them, so that the same question can be asked of each.
"""

from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from lake.columns import CHARGES_COUNTED, COUNTS, PERCENT_TYPE, PERCENTS, STORED, tag_column
from lake.metered import HOUR_UNITS
from lake.period import Period
from lake.question import (
    ALLOCATED,
    DIMENSIONS,
    EVERY_TEAM,
    METRIC_COLUMNS,
    NONE,
    OPTIONAL,
    RATIOS,
    TAG,
    TIME_DIMENSIONS,
    UNTAGGED,
    Metric,
    Question,
)

VALUE, PREVIOUS, CURRENCY = "value", "previous", "currency"
# What the charges without the asked cost were billed, and how many they are; NULL where every charge has one.
UNKNOWN = {VALUE: "unknown_billed", PREVIOUS: "previous_unknown_billed"}
NO_TEAM = "no_team"
UNKNOWN_CHARGES = {VALUE: "unknown_charges", PREVIOUS: "previous_unknown_charges"}
# How many charges have the asked cost, where some may lack it.
KNOWN_CHARGES = {VALUE: "known_charges", PREVIOUS: "previous_known_charges"}
# What `rows` and `totals` sum: the sums of all rows are the totals.
SUMS = (VALUE, PREVIOUS, NO_TEAM, *UNKNOWN.values(), *UNKNOWN_CHARGES.values())
TAX = "Tax"
PUBLISHED, SNAPSHOT = "spendgate_lake", "x_snapshot"
# An instance type within running text: `g5.12xlarge`, `m7g.metal-24xl`.
_TYPE = r"[a-z]+[0-9][a-z0-9-]*\.(nano|micro|small|medium|large|[0-9]*xlarge|metal(-[0-9]+xl)?)"
INSTANCE_TYPE = rf"\b({_TYPE})\b"
# The same as every engine reads it: in PostgreSQL \b is a backspace, and Snowflake knows no group that is not kept.
PORTABLE_INSTANCE_TYPE = f"(^|[^a-z0-9_]){_TYPE}($|[^a-z0-9_])"


_TYPES = {
    "VARCHAR": "string",
    "BOOLEAN": "boolean",
    "BIGINT": "int64",
    "DATE": "date",
    "TIMESTAMPTZ": "timestamp('UTC')",
}
# Written down rather than read from the files: asking a backend for a table's columns takes longer than the query.
_COLUMNS = {
    name: _TYPES.get(kind) or kind.lower()
    for name, kind in (*STORED, (CHARGES_COUNTED, "BIGINT"))
    if not kind.startswith("MAP")
}
USAGE = ibis.table(
    {
        "resource": "string",
        "hour": "timestamp",
        **dict.fromkeys(PERCENTS, PERCENT_TYPE.lower()),
        **dict.fromkeys(COUNTS, "int64"),
    },
    name="usage",
)


def charges(tags: Sequence[str] = ()) -> ir.Table:
    """The table of charges, with a column for each of these tags' keys."""
    return ibis.table(_COLUMNS | {tag_column(key): "string" for key in tags}, name="charges")


def published(snapshots: Sequence[str], *, tags: Sequence[str], without: Sequence[str] = ()) -> ir.Table:
    """The charges of these snapshots on a server (`lake.engines`); tags that no charge there carries are `without`."""
    columns = _COLUMNS | {tag_column(key): "string" for key in tags if key not in without}
    table = ibis.table(columns | {SNAPSHOT: "string"}, name="charges", database=PUBLISHED)
    held = table.filter(table[SNAPSHOT].isin(sorted(snapshots)))
    return held.mutate(**{tag_column(key): ibis.null("string") for key in without}) if without else held


def tags(question: Question) -> tuple[str, ...]:
    """The keys of the tags that a question names."""
    named = (*question.by, *question.where)
    return tuple(sorted({name.removeprefix(TAG) for name in named if name.startswith(TAG)}))


def to_sql(expression: ir.Table) -> str:
    """The exact query that answers the expression."""
    return str(ibis.to_sql(_narrowed(expression), dialect="duckdb"))


def _narrowed(expression: ir.Table) -> ir.Table:
    """The same on tables of the columns that it names: each step of a compilation looks at all columns of its table, so
    that a question of four columns would take twice as long for the eighty others."""
    operation = expression.op()
    named = {field.name for field in operation.find(ops.Field)}
    narrow = {
        table: ops.UnboundTable(
            name=table.name,
            namespace=table.namespace,
            schema=ibis.schema({name: kind for name, kind in table.schema.items() if name in named}),
        )
        for table in operation.find(ops.UnboundTable)
    }
    return operation.replace(narrow).to_expr()


def dimension(charges: ir.Table, name: str) -> Any:
    """The column that this dimension stands for, with a word where a charge has none."""
    if name == "day":
        return charges.x_day.strftime("%Y-%m-%d")
    if name == "week":
        return charges.x_day.truncate("W").strftime("%Y-%m-%d")  # named by its Monday
    if name == "month":
        return charges.x_day.strftime("%Y-%m")
    if name.startswith(TAG):
        return charges[tag_column(name.removeprefix(TAG))].fill_null(UNTAGGED)
    column = charges[DIMENSIONS[name]]
    return column.fill_null(UNTAGGED if name in ALLOCATED else NONE)


def keys(by: Sequence[str]) -> dict[str, str]:
    """The result column of each dimension: its own name, but for tags, whose keys may be any text at all."""
    return {name: f"tag_{number}" if name.startswith(TAG) else name for number, name in enumerate(by)}


def within(charges: ir.Table, period: Period) -> Any:
    """Whether a charge starts in the period; x_day is the UTC day of its ChargePeriodStart."""
    return (charges.x_day >= ibis.date(period.start.isoformat())) & (charges.x_day < ibis.date(period.end.isoformat()))


def in_scope(charges: ir.Table, question: Question) -> ir.Table:
    """The charges that the question and the asker's scope admit, over all time."""
    # In one filter: every step on a table takes time to compile.
    conditions = []
    if EVERY_TEAM not in question.teams_seen:
        conditions.append(dimension(charges, "team").isin(sorted(set(question.teams_seen))))
    for name in sorted(question.where):
        conditions.append(dimension(charges, name).isin(sorted(set(question.where[name]))))
    if question.ai is not None:
        conditions.append(charges.x_ai == question.ai)
    if question.currency is not None:
        conditions.append(charges.BillingCurrency == question.currency)
    return charges.filter(*conditions) if conditions else charges


def grouped(charges: ir.Table, question: Question, by: tuple[str, ...]) -> ir.Table:
    """The metric summed by currency and these dimensions, for the period and the one it is compared with."""
    kept = in_scope(charges, question)
    asked = within(kept, question.period)
    wanted = asked if question.compare is None else asked | within(kept, question.compare)
    kept = kept.filter(wanted)
    columns: dict[str, Any] = {key: dimension(kept, name) for name, key in keys(by).items()}
    cost = kept[METRIC_COLUMNS[question.metric]]
    sums: dict[str, Any] = {}
    for name, period in ((VALUE, question.period), (PREVIOUS, question.compare)):
        if period is None:
            continue
        inside = within(kept, period) if question.compare else None
        sums[name] = cost.sum(where=inside)
        if question.metric in OPTIONAL:
            lacking = cost.isnull() if inside is None else cost.isnull() & inside
            sums[UNKNOWN[name]] = kept.BilledCost.sum(where=lacking)
            sums[UNKNOWN_CHARGES[name]] = kept[CHARGES_COUNTED].sum(where=lacking)
            known = cost.notnull() if inside is None else cost.notnull() & inside
            sums[KNOWN_CHARGES[name]] = kept[CHARGES_COUNTED].sum(where=known)
    sums[NO_TEAM] = cost.sum(where=within(kept, question.period) & kept.x_team.isnull())
    return kept.group_by(**columns, **{CURRENCY: kept.BillingCurrency}).agg(**sums)


def rows(charges: ir.Table, question: Question, limit: int) -> ir.Table:
    """One more row than the limit, so that a cut is seen; the order is the same each time."""
    found = grouped(charges, question, question.by)
    times = [found[key].asc() for name, key in keys(question.by).items() if name in TIME_DIMENSIONS]
    others = [found[key].asc() for name, key in keys(question.by).items() if name not in TIME_DIMENSIONS]
    value = ibis.desc(found[VALUE], nulls_first=False)
    order = [value, *times, *others] if question.limit else [*times, value, *others]
    return found.order_by([*order, found[CURRENCY].asc()]).limit(limit + 1)


def totals(charges: ir.Table, question: Question) -> ir.Table:
    """One total for each currency, over all that the question admits, whatever the rows show."""
    return grouped(charges, question, ()).order_by(CURRENCY)


def quantities(charges: ir.Table, question: Question) -> ir.Table:
    """What was consumed, by unit, currency and the question's dimensions, with its effective cost; for GPU hours also
    by what tells the type of machine. Every group, since they are brought to one unit before any is the largest."""
    kept = in_scope(charges, question)
    asked = within(kept, question.period)
    wanted = asked if question.compare is None else asked | within(kept, question.compare)
    kept = kept.filter(wanted, kept.ChargeCategory == "Usage", kept.ConsumedQuantity.notnull())
    columns: dict[str, Any] = {key: dimension(kept, name) for name, key in keys(question.by).items()}
    columns |= {"unit": kept.ConsumedUnit, CURRENCY: kept.BillingCurrency}
    if RATIOS.get(question.metric, question.metric) is Metric.GPU_HOURS:
        columns |= {"details": kept.SkuPriceDetails, "meter": kept.SkuMeter, "description": kept.ChargeDescription}
    sums: dict[str, Any] = {}
    for name, cost, period in ((VALUE, "cost", question.period), (PREVIOUS, "previous_cost", question.compare)):
        if period is not None:
            inside = within(kept, period)
            sums[name], sums[cost] = kept.ConsumedQuantity.sum(where=inside), kept.EffectiveCost.sum(where=inside)
            sums[UNKNOWN[name]] = kept.BilledCost.sum(where=inside)
            sums[UNKNOWN_CHARGES[name]] = kept[CHARGES_COUNTED].sum(where=inside)
    sums[NO_TEAM] = kept.ConsumedQuantity.sum(where=within(kept, question.period) & kept.x_team.isnull())
    return kept.group_by(**columns).agg(**sums)


def missing(charges: ir.Table, question: Question, names: Sequence[str]) -> ir.Table:
    """For each currency the metric of all charges but taxes, and of those among them that lack each of these names."""
    kept = _taxes_apart(charges, question)
    cost = kept[METRIC_COLUMNS[question.metric]]
    lacking = {name: cost.sum(where=kept[DIMENSIONS[name]].isnull()) for name in names}
    found = kept.group_by(**{CURRENCY: kept.BillingCurrency}).agg(**{VALUE: cost.sum()}, **lacking)
    return found.order_by(CURRENCY)


def missing_by(charges: ir.Table, question: Question, name: str, limit: int) -> ir.Table:
    """What `missing` sums of one name, by the question's dimensions and currency, largest first."""
    kept = _taxes_apart(charges, question)
    kept = kept.filter(kept[DIMENSIONS[name]].isnull())
    columns: dict[str, Any] = {key: dimension(kept, by) for by, key in keys(question.by).items()}
    cost = kept[METRIC_COLUMNS[question.metric]].sum()
    found = kept.group_by(**columns, **{CURRENCY: kept.BillingCurrency}).agg(**{VALUE: cost})
    return found.order_by([found[VALUE].desc(), *columns, CURRENCY]).limit(limit)


def _taxes_apart(charges: ir.Table, question: Question) -> ir.Table:
    kept = in_scope(charges, question)
    return kept.filter(within(kept, question.period), kept.ChargeCategory.fill_null(NONE) != TAX)


def sources(charges: ir.Table, question: Question) -> ir.Table:
    """The sources that ever had a charge in scope."""
    return in_scope(charges, question).select("x_source").distinct().order_by("x_source")


def names(charges: ir.Table, question: Question, name: str, limit: int | None = None) -> ir.Table:
    """The values of a dimension that charges in scope carry, those with most charges first; so many at most."""
    kept = in_scope(charges, question)
    counted = kept.group_by(name=dimension(kept, name)).agg(charges=kept[CHARGES_COUNTED].sum())
    ordered = counted.order_by([counted.charges.desc(), counted.name.asc()])
    return ordered if limit is None else ordered.limit(limit)


def daily(charges: ir.Table, question: Question) -> ir.Table:
    """The metric by day, source and the question's dimensions, over the question's period."""
    kept = in_scope(charges, question)
    kept = kept.filter(within(kept, question.period))
    columns: dict[str, Any] = {key: dimension(kept, name) for name, key in keys(question.by).items()}
    cost = kept[METRIC_COLUMNS[Metric(question.metric)]]
    columns |= {CURRENCY: kept.BillingCurrency, "x_day": kept.x_day, "x_source": kept.x_source}
    found = kept.group_by(**columns).agg(**{VALUE: cost.sum()})
    order = [found[key] for key in keys(question.by).values()]
    return found.order_by([*order, found[CURRENCY], found.x_day, found.x_source])


def hourly(charges: ir.Table, question: Question) -> ir.Table:
    """The metric by hour (its first second, from 1970 in UTC) of each source and of the question's dimensions, of rows
    of single hours. A row a series, with its hours and their sums: a row an hour takes four times as long to hand over.
    """
    kept = in_scope(charges, question)
    kept = kept.filter(within(kept, question.period), _one_hour(kept))
    columns: dict[str, Any] = {key: dimension(kept, name) for name, key in keys(question.by).items()}
    columns |= {CURRENCY: kept.BillingCurrency, "hour": _hour(kept), "x_source": kept.x_source}
    found = kept.group_by(**columns).agg(**{VALUE: kept[METRIC_COLUMNS[question.metric]].sum()})
    series = [name for name in columns if name != "hour"]
    lists = {"hours": found.hour.collect(order_by=found.hour), "values": found[VALUE].collect(order_by=found.hour)}
    return found.group_by(series).agg(**lists).order_by(series)


def hourly_counts(charges: ir.Table, question: Question) -> ir.Table:
    """As `hourly`, for each unit apart: the metric, what was counted and the largest count of a row."""
    kept = in_scope(charges, question)
    kept = kept.filter(within(kept, question.period), _one_hour(kept))
    columns: dict[str, Any] = {key: dimension(kept, name) for name, key in keys(question.by).items()}
    columns |= {CURRENCY: kept.BillingCurrency, "hour": _hour(kept), "x_source": kept.x_source}
    columns["unit"] = kept.ConsumedUnit.fill_null("")
    sums = {VALUE: kept[METRIC_COLUMNS[question.metric]].sum(), "counted": kept.ConsumedQuantity.sum()}
    found = kept.group_by(**columns).agg(**sums, most=kept.ConsumedQuantity.max())
    series = [name for name in columns if name != "hour"]
    named = {"hours": "hour", "values": VALUE, "counts": "counted", "mosts": "most"}
    lists = {name: found[column].collect(order_by=found.hour) for name, column in named.items()}
    return found.group_by(series).agg(**lists).order_by(series)


def unseen_keys(charges: ir.Table, question: Question) -> ir.Table:
    """The keys of each source of which somebody outside the asker's scope used a part, in rows of single hours."""
    outside = ~dimension(charges, "team").isin(sorted(set(question.teams_seen)))
    kept = charges.filter(within(charges, question.period), _one_hour(charges), outside)
    return kept.select("x_source", api_key=dimension(kept, "api_key")).distinct()


def hours_told(charges: ir.Table, question: Question) -> ir.Table:
    """The hours of which each source tells anything at all, whoever asks."""
    kept = charges.filter(within(charges, question.period), _one_hour(charges))
    return kept.select("x_source", hour=_hour(kept)).distinct()


def _hour(charges: ir.Table) -> Any:
    return charges.ChargePeriodStart.truncate("h").epoch_seconds().cast("int64")


def _one_hour(charges: ir.Table) -> Any:
    return charges.ChargePeriodEnd.epoch_seconds() - charges.ChargePeriodStart.epoch_seconds() <= 3600


def of_use(charges: ir.Table, question: Question) -> tuple[Any, Any]:
    """The conditions of a filter for usage in the question's period; purchases, taxes and credits are no use."""
    return within(charges, question.period), charges.ChargeCategory == "Usage"


def about(charges: ir.Table) -> dict[str, Any]:
    """Where a resource stands and whose it is: columns of a group that holds the charges of one."""
    columns = {
        "provider": charges.ProviderName,
        "account": charges.SubAccountId,
        "region": charges.RegionId,
        "details": charges.SkuPriceDetails,
        **{name: dimension(charges, name) for name in ("team", "use_case", "environment")},
    }
    return {name: column.max() for name, column in columns.items()}


def machine_days(machines: Sequence[str], *, start: str, end: str) -> ir.Table:
    """One row a resource and day: sums, peaks and hours of each share, sums and hours of each count."""
    kept = USAGE.filter(
        USAGE.resource.isin(machines), USAGE.hour >= ibis.timestamp(start), USAGE.hour < ibis.timestamp(end)
    )
    measured = kept.gpu_active_pct.notnull() & kept.cpu_max_pct.notnull()
    columns: dict[str, Any] = {f"{name}_sum": kept[name].sum() for name in PERCENTS}
    columns |= {f"{name}_max": kept[name].max() for name in PERCENTS}
    columns |= {f"{name}_hours": kept[name].count() for name in PERCENTS}
    columns |= {f"{name}_hours": kept[name].count() for name in COUNTS}
    columns |= {name: kept[name].sum() for name in COUNTS}
    columns |= {"measured": measured.sum(), "last": kept.hour.max(where=measured)}
    plain = kept.cpu_max_pct.notnull() & kept.network_bytes.notnull()
    columns |= {"plain": plain.sum(), "last_plain": kept.hour.max(where=plain)}
    columns["last_invocations"] = kept.hour.max(where=kept.invocations.notnull())
    return kept.group_by(resource=kept.resource, day=kept.hour.date()).agg(**columns).order_by(["resource", "day"])


def machine_highs(machines: Sequence[str], *, start: str, end: str, below: float) -> ir.Table:
    """One row a resource: of each share the value that this part (0 to 1) of its measured hours stayed within."""
    kept = USAGE.filter(
        USAGE.resource.isin(machines), USAGE.hour >= ibis.timestamp(start), USAGE.hour < ibis.timestamp(end)
    )
    columns: dict[str, Any] = {name: kept[name].cast("float64").quantile(below) for name in PERCENTS}
    columns |= {f"{name}_hours": kept[name].count() for name in PERCENTS}
    columns["last"] = kept.hour.max(where=kept.cpu_max_pct.notnull())
    return kept.group_by("resource").agg(**columns).order_by("resource")


def used_hours(resources: Sequence[str], *, start: str, end: str) -> ir.Table:
    """What was measured of these resources, hour by hour."""
    kept = USAGE.filter(
        USAGE.resource.isin(resources), USAGE.hour >= ibis.timestamp(start), USAGE.hour < ibis.timestamp(end)
    )
    return kept.order_by(["resource", "hour"])


def machine_hours(charges: ir.Table, question: Question) -> ir.Table:
    """Metered compute hours and their cost by machine; what no commitment covers beside it."""
    kept = in_scope(charges, question)
    kept = kept.filter(
        *of_use(kept, question),
        kept.ServiceCategory == "Compute",
        kept.ResourceId.notnull(),
        kept.ConsumedUnit.lower().isin(HOUR_UNITS),
    )
    bare = kept.CommitmentDiscountId.isnull()
    described = kept.ChargeDescription.lower()
    return kept.group_by(resource_id=kept.ResourceId, currency=kept.BillingCurrency).agg(
        name=kept.ResourceName.max(),
        **about(kept),
        meter=kept.SkuMeter.max(),
        description=described.max(where=described.re_search(PORTABLE_INSTANCE_TYPE)),
        hours=kept.ConsumedQuantity.sum(),
        uncovered_hours=kept.ConsumedQuantity.sum(where=bare),
        effective=kept.EffectiveCost.sum(),
        uncovered_effective=kept.EffectiveCost.sum(where=bare),
        first_day=kept.x_day.min(),
        last_day=kept.x_day.max(),
    )
