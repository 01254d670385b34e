"""The rollup of a snapshot: its charges summed by day and by every name but the resource's, for most questions.

A bill has many charges a day of the same team, service and model; few questions ask for one resource. The rollup is
written at load from the very rows of the snapshot, and must add up to them to the last digit before it is kept.
"""

from collections.abc import Iterable
from pathlib import Path

import duckdb

from lake import duck
from lake.columns import CHARGES_COUNTED
from lake.question import DIMENSIONS, METRIC_COLUMNS, OPTIONAL, TIME_DIMENSIONS, Question
from lake.store import Snapshot

RESOURCE = "resource"
KEYS = (
    "x_day", "x_source", "BillingCurrency", "x_ai",
    *(column for name, column in DIMENSIONS.items() if name != RESOURCE),
)  # fmt: skip
# Charges without one of these costs are summed apart from those that have it: added up together, the sum of the known
# ones would pass for the sum of all.
APART = tuple(OPTIONAL.values())
FILE = "rollup.parquet"


def write(connection: duckdb.DuckDBPyConnection, charges: Path, path: Path) -> None:
    """Sums the charges of this file into another, the days in order."""
    keys = ", ".join(duck.name(key) for key in KEYS)
    sums = ", ".join(f"sum({duck.name(cost)}) AS {duck.name(cost)}" for cost in METRIC_COLUMNS.values())
    apart = ", ".join(f"{duck.name(cost)} IS NULL" for cost in APART)
    select = (
        f"SELECT {keys}, {sums}, count(*) AS {CHARGES_COUNTED} FROM read_parquet({duck.text(str(charges))}) "  # noqa: S608
        f"GROUP BY {keys}, {apart} ORDER BY {keys}, {apart}"
    )
    connection.execute(f"COPY ({select}) TO {duck.text(str(path))} (FORMAT parquet, COMPRESSION zstd)")


def answers(question: Question, snapshots: Iterable[Snapshot]) -> bool:
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
    return all(snapshot.rollup is not None and columns <= set(snapshot.rollup.by) for snapshot in snapshots)
