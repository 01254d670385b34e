"""The rollups of a snapshot: its charges summed by every name but the resource's, by day and by month.

A bill has many charges a day of the same team, service and model, and few questions ask for one resource; of those
that do not, most ask for whole months. Both are written at load, the one by day from the very rows of the snapshot and
the one by month from that, and must add up to the charges to the last digit before they are kept.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path

import duckdb

from lake import duck
from lake.columns import CHARGES_COUNTED
from lake.question import DIMENSIONS, METRIC_COLUMNS, OPTIONAL, TIME_DIMENSIONS, Question
from lake.store import RollupFile, Snapshot

RESOURCE = "resource"
KEYS = (
    "x_day", "x_source", "BillingCurrency", "x_ai",
    *(column for name, column in DIMENSIONS.items() if name != RESOURCE),
)  # fmt: skip
# Charges without one of these costs are summed apart from those that have it: added up together, the sum of the known
# ones would pass for the sum of all.
APART = tuple(OPTIONAL.values())


class Rolled(StrEnum):
    """What a question is answered from, when not from the charges themselves; as an answer says it."""

    DAYS = "rollup"
    MONTHS = "rollup by month"

    def file_of(self, snapshot: Snapshot) -> RollupFile | None:
        """The file of this rollup; None if the snapshot has none."""
        return snapshot.rollup if self is Rolled.DAYS else snapshot.monthly


FILES = {Rolled.DAYS: "rollup.parquet", Rolled.MONTHS: "monthly.parquet"}


def write(connection: duckdb.DuckDBPyConnection, charges: Path, making: Path) -> dict[Rolled, Path]:
    """Sums the charges of this file into rollups in the folder `making`, the days and the months in order."""
    days, months = (making / FILES[rolled] for rolled in Rolled)
    _sum(connection, f"SELECT *, CAST(1 AS BIGINT) AS {CHARGES_COUNTED} FROM {_file(charges)}", days)  # noqa: S608
    # A month's charges stand on its first day, so that a question about whole months is the same question.
    first = "CAST(date_trunc('month', x_day) AS DATE) AS x_day"
    _sum(connection, f"SELECT * REPLACE ({first}) FROM {_file(days)}", months)  # noqa: S608
    return {Rolled.DAYS: days, Rolled.MONTHS: months}


def _file(path: Path) -> str:
    return f"read_parquet({duck.text(str(path))})"


def _sum(connection: duckdb.DuckDBPyConnection, source: str, path: Path) -> None:
    keys = ", ".join(duck.name(key) for key in KEYS)
    sums = ", ".join(f"sum({duck.name(cost)}) AS {duck.name(cost)}" for cost in METRIC_COLUMNS.values())
    apart = ", ".join(f"{duck.name(cost)} IS NULL" for cost in APART)
    counted = f"CAST(sum({CHARGES_COUNTED}) AS BIGINT) AS {CHARGES_COUNTED}"
    select = (
        f"SELECT {keys}, {sums}, {counted} FROM ({source}) "  # noqa: S608
        f"GROUP BY {keys}, {apart} ORDER BY {keys}, {apart}"
    )
    connection.execute(f"COPY ({select}) TO {duck.text(str(path))} (FORMAT parquet, COMPRESSION zstd)")


def answers(question: Question, snapshots: Sequence[Snapshot], *, daily: bool = False) -> Rolled | None:
    """The smallest rollup by which all of these snapshots can answer; None if only their charges can.

    `daily`: each day's sum is wanted, though the question does not say so.
    """
    if not _holds(question, snapshots):
        return None
    whole = question.period.months is not None and (question.compare is None or question.compare.months is not None)
    finer = daily or any(name in TIME_DIMENSIONS and name != "month" for name in question.by)
    if whole and not finer and all(snapshot.monthly is not None for snapshot in snapshots):
        return Rolled.MONTHS
    return Rolled.DAYS


def _holds(question: Question, snapshots: Iterable[Snapshot]) -> bool:
    """Whether the rollups of these snapshots hold all that the question names, by what each says it is summed by.

    A rollup of an earlier version may lack a column that its charges have: it would answer as if they had none. Every
    answer tells what has no team, and whoever sees some teams alone is answered by them.
    """
    named = {name for name in (*question.by, *question.where) if name not in TIME_DIMENSIONS}
    if not named <= set(DIMENSIONS) or question.metric not in METRIC_COLUMNS:
        return False
    columns = {DIMENSIONS[name] for name in named | {"team"}}
    if question.metric in OPTIONAL:
        columns.add(OPTIONAL[question.metric])
    return all(
        snapshot.rollup is not None
        and columns <= set(snapshot.rollup.by)
        and (snapshot.monthly is None or columns <= set(snapshot.monthly.by))
        for snapshot in snapshots
    )
