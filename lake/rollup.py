"""The rollup of a snapshot: its charges summed by day and by every name but the resource's, for most questions.

A bill has many charges a day of the same team, service and model; few questions ask for one resource. The rollup is
written at load from the very rows of the snapshot, and must add up to them to the last digit before it is kept.
"""

from collections.abc import Iterable
from pathlib import Path

import duckdb

from lake import duck
from lake.columns import CHARGES_COUNTED
from lake.question import DIMENSIONS, METRIC_COLUMNS, TIME_DIMENSIONS, Question
from lake.store import Snapshot

RESOURCE = "resource"
KEYS = (
    "x_day", "x_source", "BillingCurrency", "x_ai",
    *(column for name, column in DIMENSIONS.items() if name != RESOURCE),
)  # fmt: skip
FILE = "rollup.parquet"


def write(connection: duckdb.DuckDBPyConnection, where: str, path: Path) -> None:
    """Sums the rows of `charge` that this SQL condition admits into a Parquet file, the days in order."""
    keys = ", ".join(duck.name(key) for key in KEYS)
    sums = ", ".join(f"sum({duck.name(cost)}) AS {duck.name(cost)}" for cost in METRIC_COLUMNS.values())
    connection.execute(
        f"COPY (SELECT {keys}, {sums}, count(*) AS {CHARGES_COUNTED} FROM charge WHERE {where} "  # noqa: S608
        f"GROUP BY {keys} ORDER BY {keys}) TO {duck.text(str(path))} (FORMAT parquet, COMPRESSION zstd)"
    )


def answers(question: Question, snapshots: Iterable[Snapshot]) -> bool:
    """Whether the rollups of these snapshots hold all that the question names; one without a rollup has to be read."""
    named = (*question.by, *question.where)
    rolled = all(name in TIME_DIMENSIONS or (name in DIMENSIONS and name != RESOURCE) for name in named)
    return rolled and all(snapshot.rollup is not None for snapshot in snapshots)
