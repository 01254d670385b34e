"""Breaches of FOCUS that do not stop a load: each is told once a file and column, with how many rows and an example.

The rules are the specification's own (FOCUS 1.2): columns that must have a value, allowed values, how a moment and a
currency are written, and what holds between columns: a cost is its unit price times its quantity, a purchase that
covers later charges has no effective cost, only usage is consumed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from lake import duck
from lake.charges import TIMES, has_zone
from lake.columns import COLUMNS, Kind
from lake.numbers import fits
from lake.report import Finding

TOLERANCE = "1e-6"
"""Of a product, relative and in units: providers round prices, and a difference below says nothing about the bill."""


@dataclass(frozen=True)
class Check:
    """One rule about one column: the condition that breaks it, in SQL, and what an example shows besides the column."""

    rule: str
    column: str
    broken: str
    text: str
    beside: tuple[str, ...] = ()


def find(connection: duckdb.DuckDBPyConnection, files: list[str], short: frozenset[str]) -> list[Finding]:
    """Looks through `clean`, the text of all charges before they are typed; columns of numbers that are all `short`
    are known to be readable."""
    checks = [*_null_checks(), *_value_checks(), *_quantity_checks(short), *_time_checks(), *_currency_check()]
    return _found(connection, checks, table="clean", row="row", file=f"{_listed(files)}[file + 1]")


def find_in_charges(connection: duckdb.DuckDBPyConnection, written: Sequence[Path]) -> list[Finding]:
    """Looks through charges as they were written, where moments and numbers can be compared."""
    checks = [*_period_checks(), *_product_checks(), *_meaning_checks()]
    paths = _listed([str(path) for path in written])
    return _found(connection, checks, table=f"read_parquet({paths})", row="x_row", file="x_file")


def _listed(texts: list[str]) -> str:
    return f"[{', '.join(duck.text(text) for text in texts)}]"


def _found(
    connection: duckdb.DuckDBPyConnection, checks: list[Check], *, table: str, row: str, file: str
) -> list[Finding]:
    """Counts all at once, and looks for an example only of those that are broken: to write one takes longer."""
    counts = ", ".join(f"count(*) FILTER (WHERE {check.broken})" for check in checks)
    told = connection.execute(f"SELECT {file} AS name, {counts} FROM {table} GROUP BY 1 ORDER BY 1").fetchall()  # noqa: S608
    broken = [number for number in range(len(checks)) if any(one[number + 1] for one in told)]
    examples = {number: _examples(connection, checks[number], table=table, row=row, file=file) for number in broken}
    return [
        Finding(
            rule=checks[number].rule,
            file=name,
            column=checks[number].column,
            rows=found[number],
            text=checks[number].text,
            example=examples[number][name],
        )
        for name, *found in told
        for number in broken
        if found[number]
    ]


def _examples(
    connection: duckdb.DuckDBPyConnection, check: Check, *, table: str, row: str, file: str
) -> dict[str, str]:
    """The first row of each file that breaks the rule."""
    names = (check.column, *check.beside)
    firsts = ", ".join(f"arg_min({{'v': CAST({duck.name(name)} AS VARCHAR)}}, {row}).v" for name in names)
    found = connection.execute(
        f"SELECT {file}, min({row}), {firsts} FROM {table} WHERE {check.broken} GROUP BY 1"  # noqa: S608
    ).fetchall()
    examples = {}
    for name, first, *values in found:
        shown = ", ".join(
            f"{column} {'no value' if value is None else value}" for column, value in zip(names, values, strict=True)
        )
        examples[name] = f"row {first}: {shown[:200]}"
    return examples


def held_back(connection: duckdb.DuckDBPyConnection, files: list[str]) -> list[Finding]:
    """Where the rows of quarantine (table `held`) stand in their files: the first of each, for people to find."""
    rows = connection.execute(
        "SELECT file, count(*), list(x_row ORDER BY x_row)[:3], list(fault ORDER BY x_row)[:3] FROM held "
        "GROUP BY file ORDER BY file"
    ).fetchall()
    found = []
    for file, count, places, faults in rows:
        told = "; ".join(f"row {place}: {fault}" for place, fault in zip(places, faults, strict=True))
        text = f"{told}{' …' if count > len(places) else ''} (the first row after a header is row 1)"
        found.append(Finding(rule="held-back", file=files[file], rows=count, text=text))
    return found


def _null_checks() -> list[Check]:
    return [
        Check(
            "null",
            column.name,
            f"{duck.name(column.name)} IS NULL",
            f"{column.name} has no value, which FOCUS requires",
        )
        for column in COLUMNS
        if column.mandatory and not column.nullable and not column.required
    ]


def _value_checks() -> list[Check]:
    checks = []
    for column in COLUMNS:
        if column.allowed:
            allowed = ", ".join(duck.text(value) for value in column.allowed)
            some = ", ".join(column.allowed[:4]) + (" …" if len(column.allowed) > 4 else "")
            text = f"{column.name} has a value that FOCUS does not list ({some})"
            checks.append(Check("value", column.name, f"{duck.name(column.name)} NOT IN ({allowed})", text))
    return checks


def _quantity_checks(short: frozenset[str]) -> list[Check]:
    return [
        Check("quantity", column.name, f"NOT {fits(column)}", f"{column.name} is no readable number; loaded without it")
        for column in COLUMNS
        if column.kind == Kind.QUANTITY and column.name not in short
    ]


def _time_checks() -> list[Check]:
    return [
        Check(
            "no-zone",
            column.name,
            f"NOT {has_zone(duck.name(column.name))}",
            f"{column.name} names no time zone; read as UTC",
        )
        for column in TIMES
    ]


def _currency_check() -> list[Check]:
    name = '"BillingCurrency"'
    condition = f"regexp_full_match(trim({name}), '[A-Za-z]{{3}}') AND {name} <> upper(trim({name}))"
    return [
        Check(
            "currency-case",
            "BillingCurrency",
            condition,
            "BillingCurrency is not written as three capitals; read as if it were",
        )
    ]


def _period_checks() -> list[Check]:
    return [
        Check(
            "period-order",
            "ChargePeriodEnd",
            '"ChargePeriodEnd" <= "ChargePeriodStart"',
            "the charge period ends before or when it starts",
            ("ChargePeriodStart",),
        ),
        Check(
            "period-order",
            "BillingPeriodEnd",
            '"BillingPeriodEnd" <= "BillingPeriodStart"',
            "the billing period ends before or when it starts",
            ("BillingPeriodStart",),
        ),
        Check(
            "exclusive-end",
            "ChargePeriodEnd",
            "second(\"ChargePeriodEnd\") = 59 AND minute(\"ChargePeriodEnd\") = 59",
            "ChargePeriodEnd ends a second early: FOCUS ends a period with the first moment that is no longer in it",
        ),
    ]  # fmt: skip


def _product_checks() -> list[Check]:
    """A cost is its unit price times the quantity priced; a correction may be anything (FOCUS 1.2, ContractedCost)."""
    checks = []
    for cost, price in (("ContractedCost", "ContractedUnitPrice"), ("ListCost", "ListUnitPrice")):
        product = f'CAST("{price}" AS DOUBLE) * CAST("PricingQuantity" AS DOUBLE)'
        off = f'abs(CAST("{cost}" AS DOUBLE) - {product}) > {TOLERANCE} * greatest(1, abs({product}))'
        checks.append(
            Check(
                "cost-identity",
                cost,
                f"{off} AND \"ChargeClass\" IS DISTINCT FROM 'Correction'",
                f"{cost} is not {price} times PricingQuantity",
                (price, "PricingQuantity"),
            )
        )
    return checks


def _meaning_checks() -> list[Check]:
    usage = "\"ChargeCategory\" IS NOT DISTINCT FROM 'Usage'"
    return [
        Check(
            "consumed",
            "ConsumedQuantity",
            f'"ConsumedQuantity" IS NOT NULL AND (NOT ({usage}) '
            "OR \"CommitmentDiscountStatus\" IS NOT DISTINCT FROM 'Unused')",
            "ConsumedQuantity has a value though nothing was consumed: FOCUS has it with usage alone",
            ("ChargeCategory", "CommitmentDiscountStatus"),
        ),
        Check(
            "consumed",
            "ConsumedUnit",
            '("ConsumedUnit" IS NULL) <> ("ConsumedQuantity" IS NULL)',
            "ConsumedUnit and ConsumedQuantity do not come together",
            ("ConsumedQuantity",),
        ),
        Check(
            "priced",
            "PricingUnit",
            '("PricingUnit" IS NULL) <> ("PricingQuantity" IS NULL)',
            "PricingUnit and PricingQuantity do not come together",
            ("PricingQuantity",),
        ),
        Check(
            "commitment",
            "CommitmentDiscountStatus",
            f'"CommitmentDiscountId" IS NOT NULL AND {usage} AND "CommitmentDiscountStatus" IS NULL',
            "a commitment covers the usage, and it is not told whether it was used",
            ("CommitmentDiscountId",),
        ),
        Check(
            "commitment",
            "CommitmentDiscountStatus",
            '"CommitmentDiscountStatus" IS NOT NULL AND "CommitmentDiscountId" IS NULL',
            "the status of a commitment is told, and not which commitment it is",
        ),
        Check(
            "effective-of-purchase",
            "EffectiveCost",
            "\"ChargeCategory\" = 'Purchase' AND \"CommitmentDiscountId\" IS NOT NULL AND \"EffectiveCost\" <> 0",
            "the purchase of a commitment has an effective cost: what it covers would count twice",
            ("CommitmentDiscountId",),
        ),
    ]  # fmt: skip
