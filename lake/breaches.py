"""Breaches of FOCUS that do not stop a load: each is told once a file and column, with how many rows it touches."""

import duckdb

from lake import duck
from lake.charges import TIMES, has_zone
from lake.columns import COLUMNS, Kind
from lake.numbers import fits
from lake.report import Finding


def find(connection: duckdb.DuckDBPyConnection, files: list[str]) -> list[Finding]:
    """Looks through `clean`, the text of all charges before they are typed."""
    checks = [*_null_checks(), *_value_checks(), *_quantity_checks(), *_time_checks(), *_currency_check()]
    counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for _, _, condition, _ in checks)
    rows = connection.execute(f"SELECT file, {counts} FROM clean GROUP BY file ORDER BY file").fetchall()  # noqa: S608
    return [
        Finding(rule=rule, file=files[row[0]], column=column, rows=count, text=text)
        for row in rows
        for (rule, column, _, text), count in zip(checks, row[1:], strict=True)
        if count
    ]


def find_in_charges(connection: duckdb.DuckDBPyConnection, files: list[str]) -> list[Finding]:
    """Looks through `charge`, where moments can be compared."""
    rows = connection.execute(
        'SELECT file, count(*) FROM charge WHERE "ChargePeriodEnd" <= "ChargePeriodStart" AND fault IS NULL '
        "GROUP BY file ORDER BY file"
    ).fetchall()
    text = "the charge period ends before or when it starts"
    return [
        Finding(rule="period-order", file=files[file], column="ChargePeriodEnd", rows=count, text=text)
        for file, count in rows
    ]


Check = tuple[str, str, str, str]


def _null_checks() -> list[Check]:
    return [
        ("null", column.name, f"{duck.name(column.name)} IS NULL", f"{column.name} has no value, which FOCUS requires")
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
            checks.append(("value", column.name, f"{duck.name(column.name)} NOT IN ({allowed})", text))
    return checks


def _quantity_checks() -> list[Check]:
    return [
        ("quantity", column.name, f"NOT {fits(column)}", f"{column.name} is no readable number; loaded without it")
        for column in COLUMNS
        if column.kind == Kind.QUANTITY
    ]


def _time_checks() -> list[Check]:
    return [
        (
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
        (
            "currency-case",
            "BillingCurrency",
            condition,
            "BillingCurrency is not written as three capitals; read as if it were",
        )
    ]
