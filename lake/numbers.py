"""Brings every number of a bill into a text that a cast keeps to the last digit, and tells what could not be kept.

Most numbers already are; only the others (exponents, more places than the column has, no numbers at all) leave the
database and are read one by one with Python's decimals.
"""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

import duckdb
import pyarrow as pa

from lake import duck
from lake.columns import COLUMNS, SQL_TYPES, Column, Kind
from lake.money import MONEY_SCALE, QUANTITY_SCALE, Reading, add, fits_exactly, fits_narrow, read_number, times
from lake.money import plain as shown_plain
from lake.report import Finding

SCALES = {Kind.MONEY: MONEY_SCALE, Kind.QUANTITY: QUANTITY_SCALE}
NUMERIC = tuple(column for column in COLUMNS if column.kind in SCALES)


def fits(column: Column) -> str:
    """SQL: whether the text of this column is a number that its type holds exactly."""
    return f"regexp_full_match(trim({duck.name(column.name)}), {duck.text(fits_exactly(SCALES[column.kind]))})"


def cast(column: Column, value: str, *, short: bool = False) -> str:
    """SQL: the number that this text writes, exactly; NULL if it is none or does not fit. `short`: all are known to be
    of the common, shorter kind, so that none has to be looked at again."""
    narrow, narrow_type = fits_narrow(SCALES[column.kind])
    exact, exact_type = fits_exactly(SCALES[column.kind]), SQL_TYPES[column.kind]
    quick = f"CAST(CAST({value} AS {narrow_type}) AS {exact_type})"
    if short:
        return quick
    return (
        f"CASE WHEN regexp_full_match({value}, {duck.text(narrow)}) THEN {quick} "
        f"WHEN regexp_full_match({value}, {duck.text(exact)}) THEN CAST({value} AS {exact_type}) END"
    )


@dataclass(frozen=True)
class Numbers:
    """What was found in the columns of numbers: those whose values are all `short`, and what could not be kept."""

    short: frozenset[str]
    findings: list[Finding]


def normalise(connection: duckdb.DuckDBPyConnection, files: list[str]) -> Numbers:
    """Has `clean` show odd but readable numbers plainly; unreadable ones stay, for the next step to judge.

    What the files wrote stays readable as the view `written`.
    """
    short = _short(connection)
    findings: list[Finding] = []
    plain: dict[str, str] = {}
    for column in NUMERIC:
        if column.name in short:
            continue
        name = duck.name(column.name)
        odd = connection.execute(
            f"SELECT file, {name}, count(*) FROM clean WHERE {name} IS NOT NULL AND NOT {fits(column)} GROUP BY ALL"  # noqa: S608
        ).fetchall()
        if odd:
            readings = {text: read_number(text, scale=SCALES[column.kind]) for _, text, _ in odd}
            readable = {text: reading.plain for text, reading in readings.items() if reading.plain is not None}
            if readable:
                plain[column.name] = f"plain_{column.name}"
                table = pa.table({"text": list(readable), "plain": list(readable.values())})
                duck.create(connection, plain[column.name], table)
            findings += _roundings(column, odd, readings, files)
    _show(connection, plain)
    return Numbers(short, findings)


def _short(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The columns all of whose values are of the common, shorter kind, by one look at each."""
    asked = ", ".join(
        f"coalesce(bool_and(regexp_full_match({duck.name(column.name)}, "
        f"{duck.text(fits_narrow(SCALES[column.kind])[0])})), true)"
        for column in NUMERIC
    )
    told = connection.execute(f"SELECT {asked} FROM clean").fetchall()[0]  # noqa: S608
    return frozenset(column.name for column, short in zip(NUMERIC, told, strict=True) if short)


def _show(connection: duckdb.DuckDBPyConnection, plain: dict[str, str]) -> None:
    shown = ", ".join(
        f"coalesce({table}.plain, w.{duck.name(name)}) AS {duck.name(name)}" for name, table in plain.items()
    )
    joins = " ".join(f"LEFT JOIN {table} ON {table}.text = w.{duck.name(name)}" for name, table in plain.items())
    replaced = f" REPLACE ({shown})" if shown else ""
    connection.execute(f"CREATE OR REPLACE VIEW clean AS SELECT w.*{replaced} FROM written w {joins}")  # noqa: S608


def _roundings(
    column: Column, odd: list[tuple[int, str, int]], readings: dict[str, Reading], files: list[str]
) -> list[Finding]:
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
        f"which moves the column's total by {shown_plain(-lost)}"
    )
    return Finding(rule="rounded", file=file, column=column.name, rows=rows, text=text)
