"""Brings every number of a bill into a text that a cast keeps to the last digit, and tells what could not be kept.

Most numbers already are; only the others (exponents, more places than the column has, no numbers at all) leave the
database and are read one by one with Python's decimals.
"""

from collections import defaultdict
from decimal import Decimal

import duckdb
import pyarrow as pa

from lake import duck
from lake.columns import COLUMNS, SQL_TYPES, Column, Kind
from lake.money import MONEY_SCALE, QUANTITY_SCALE, add, fits_exactly, fits_narrow, plain, read_number, times
from lake.report import Finding

SCALES = {Kind.MONEY: MONEY_SCALE, Kind.QUANTITY: QUANTITY_SCALE}
NUMERIC = tuple(column for column in COLUMNS if column.kind in SCALES)


def fits(column: Column) -> str:
    """SQL: whether the text of this column is a number that its type holds exactly."""
    return f"regexp_full_match(trim({duck.name(column.name)}), {duck.text(fits_exactly(SCALES[column.kind]))})"


def cast(column: Column, value: str) -> str:
    """SQL: the number that this text writes, exactly; NULL if it is none or does not fit."""
    narrow, narrow_type = fits_narrow(SCALES[column.kind])
    exact, exact_type = fits_exactly(SCALES[column.kind]), SQL_TYPES[column.kind]
    return (
        f"CASE WHEN regexp_full_match({value}, {duck.text(narrow)}) "
        f"THEN CAST(CAST({value} AS {narrow_type}) AS {exact_type}) "
        f"WHEN regexp_full_match({value}, {duck.text(exact)}) THEN CAST({value} AS {exact_type}) END"
    )


def normalise(connection: duckdb.DuckDBPyConnection, files: list[str]) -> list[Finding]:
    """Rewrites odd but readable numbers in `clean`; unreadable ones stay as they are, for the next step to judge."""
    findings: list[Finding] = []
    for column in NUMERIC:
        name = duck.name(column.name)
        odd = connection.execute(
            f"SELECT file, {name}, count(*) FROM clean WHERE {name} IS NOT NULL AND NOT {fits(column)} GROUP BY ALL"  # noqa: S608
        ).fetchall()
        if odd:
            findings += _rewrite(connection, column, odd, files)
    return findings


def _rewrite(
    connection: duckdb.DuckDBPyConnection, column: Column, odd: list[tuple[int, str, int]], files: list[str]
) -> list[Finding]:
    readings = {text: read_number(text, scale=SCALES[column.kind]) for _, text, _ in odd}
    readable = {text: reading.plain for text, reading in readings.items() if reading.plain is not None}
    if readable:
        duck.create(connection, "readable", pa.table({"text": list(readable), "plain": list(readable.values())}))
        name = duck.name(column.name)
        connection.execute(f"UPDATE clean SET {name} = readable.plain FROM readable WHERE clean.{name} = readable.text")  # noqa: S608
        connection.execute("DROP TABLE readable")
    rounded: dict[int, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for file, text, rows in odd:
        lost = readings[text].lost
        if lost:
            count, total = rounded[file]
            rounded[file] = (count + rows, add([total, times(lost, rows)]))
    return [_rounding(column, files[file], rows, lost) for file, (rows, lost) in rounded.items()]


def _rounding(column: Column, file: str, rows: int, lost: Decimal) -> Finding:
    text = (
        f"{column.name} has more than {SCALES[column.kind]} decimal places; rounded half to even, "
        f"which moves the column's total by {plain(-lost)}"
    )
    return Finding(rule="rounded", file=file, column=column.name, rows=rows, text=text)
