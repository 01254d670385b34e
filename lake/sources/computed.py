"""Columns that are computed from others of a line: sums, differences and products of amounts, exact to the last digit.

Short numbers are reckoned in the database. The others (exponents, many digits, words) leave it once for each distinct
set and are reckoned with Python's decimals, because a cast in the database would round them without a word.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import reduce
from uuid import uuid4

import duckdb
import pyarrow as pa

from lake import duck
from lake.money import LONGEST, MONEY_SCALE, add, as_written, difference, fits_narrow, product


class How(StrEnum):
    """What is done with the terms. A missing term adds nothing to a sum or a difference, and leaves no product."""

    SUM = "+"
    DIFFERENCE = "-"
    PRODUCT = "*"


@dataclass(frozen=True)
class Computed:
    """A column to be: what is done, and SQL for the text of each term."""

    how: How
    terms: tuple[str, ...]


def column(name: str) -> str:
    """SQL: the computed column of this name."""
    return duck.name(f"#{name}")


def lines(connection: duckdb.DuckDBPyConnection, sql: str, wanted: Mapping[str, Computed]) -> str:
    """SQL: the rows of `sql`, with a text column more for each that is computed.

    A column whose terms are all missing is NULL; one with a term that is no number holds the terms as they were
    written, so that the row is held back with them as its reason.
    """
    for name, one in wanted.items():
        odd = f"odd_{uuid4().hex}"
        terms = [f"t{index}" for index in range(len(one.terms))]
        given = ", ".join(f"{term} AS {duck.name('#' + key)}" for term, key in zip(one.terms, terms, strict=True))
        sql = f"SELECT *, {given} FROM ({sql})"  # noqa: S608
        _reckon_odd(connection, odd, sql, one.how, terms)
        keys = [duck.name("#" + key) for key in terms]
        joined = " AND ".join(f"l.{key} IS NOT DISTINCT FROM o.{term}" for key, term in zip(keys, terms, strict=True))
        short = " AND ".join(_short(f"l.{key}") for key in keys)
        sql = (
            f"SELECT l.* EXCLUDE ({', '.join(keys)}), "  # noqa: S608
            f"CASE WHEN {short} THEN {_in_sql(one.how, [f'l.{key}' for key in keys])} ELSE o.result END "
            f"AS {column(name)} FROM ({sql}) l LEFT JOIN {odd} o ON {joined}"
        )
    return sql


def _short(key: str) -> str:
    return f"({key} IS NULL OR regexp_full_match({key}, {duck.text(fits_narrow(MONEY_SCALE)[0])}))"


def _in_sql(how: How, keys: list[str]) -> str:
    kind = fits_narrow(MONEY_SCALE)[1]
    if how is How.PRODUCT:
        return f"CAST({' * '.join(f'CAST({key} AS {kind})' for key in keys)} AS VARCHAR)"
    numbers = [f"coalesce(CAST({key} AS {kind}), 0)" for key in keys]
    none = " AND ".join(f"{key} IS NULL" for key in keys)
    return f"CASE WHEN {none} THEN NULL ELSE CAST({f' {how} '.join(numbers)} AS VARCHAR) END"


def _reckon_odd(connection: duckdb.DuckDBPyConnection, table: str, sql: str, how: How, terms: list[str]) -> None:
    keys = [duck.name("#" + term) for term in terms]
    odd = " OR ".join(f"NOT {_short(key)}" for key in keys)
    found = connection.execute(f"SELECT DISTINCT {', '.join(keys)} FROM ({sql}) WHERE {odd}").fetchall()  # noqa: S608
    columns = {term: pa.array([row[index] for row in found], pa.string()) for index, term in enumerate(terms)}
    results = pa.array([_reckon(how, row) for row in found], pa.string())
    duck.create(connection, table, pa.table(columns).append_column("result", results))


def _reckon(how: How, texts: tuple[str | None, ...]) -> str | None:
    given = [None if text is None else as_written(text) for text in texts]
    if any(number is None and text is not None for number, text in zip(given, texts, strict=True)):
        return f" {how} ".join(text or "0" for text in texts)
    if how is How.PRODUCT:
        factors = [number for number in given if number is not None]
        return _plain(reduce(product, factors)) if len(factors) == len(given) else None
    first, *rest = (number or Decimal() for number in given)
    return _plain(add([first, *rest]) if how is How.SUM else difference(first, add(rest)))


def _plain(number: Decimal) -> str:
    # A number of the size of 1e9000 is no amount; written out it would be nine thousand digits.
    return format(number, "f") if abs(number.adjusted()) <= LONGEST else str(number)
