"""Breaches of FOCUS that do not stop a load: each is told once a file and column, with how many rows and an example.

The rules are the specification's own (FOCUS 1.2): columns that must have a value, allowed values, how a moment and a
currency are written, and what holds between columns: a cost is its unit price times its quantity, a purchase that
covers later charges has no effective cost, only usage is consumed.
"""

from dataclasses import dataclass

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


def find(connection: duckdb.DuckDBPyConnection, files: list[str]) -> list[Finding]:
    """Looks through `clean`, the text of all charges before they are typed."""
    checks = [*_null_checks(), *_value_checks(), *_quantity_checks(), *_time_checks(), *_currency_check()]
    return _found(connection, checks, files, table="clean", row="row", where="true")


def find_in_charges(connection: duckdb.DuckDBPyConnection, files: list[str]) -> list[Finding]:
    """Looks through `charge`, where moments and numbers can be compared."""
    checks = [*_period_checks(), *_product_checks(), *_meaning_checks()]
    return _found(connection, checks, files, table="charge", row="x_row", where="fault IS NULL")


def _found(
    connection: duckdb.DuckDBPyConnection, checks: list[Check], files: list[str], *, table: str, row: str, where: str
) -> list[Finding]:
    asked = []
    for check in checks:
        shown = ", ".join(f"{duck.text(name + ' ')} || coalesce(CAST({duck.name(name)} AS VARCHAR), 'no value')"
                          for name in (check.column, *check.beside))  # fmt: skip
        asked += [
            f"count(*) FILTER (WHERE {check.broken})",
            f"min({row}) FILTER (WHERE {check.broken})",
            f"arg_min(concat_ws(', ', {shown}), {row}) FILTER (WHERE {check.broken})",
        ]
    query = f"SELECT file, {', '.join(asked)} FROM {table} WHERE {where} GROUP BY file ORDER BY file"  # noqa: S608
    return [
        Finding(
            rule=check.rule,
            file=files[told[0]],
            column=check.column,
            rows=count,
            text=check.text,
            example=f"row {first}: {values[:200]}",
        )
        for told in connection.execute(query).fetchall()
        for check, (count, first, values) in zip(checks, zip(*[iter(told[1:])] * 3, strict=True), strict=True)
        if count
    ]


def held_back(connection: duckdb.DuckDBPyConnection, files: list[str]) -> list[Finding]:
    """Where the rows of quarantine stand in their files, the first of each, so that a person finds them."""
    rows = connection.execute(
        "SELECT file, count(*), list(x_row ORDER BY x_row)[:3], list(fault ORDER BY x_row)[:3] FROM charge "
        "WHERE fault IS NOT NULL GROUP BY file ORDER BY file"
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


def _quantity_checks() -> list[Check]:
    return [
        Check("quantity", column.name, f"NOT {fits(column)}", f"{column.name} is no readable number; loaded without it")
        for column in COLUMNS
        if column.kind == Kind.QUANTITY
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
