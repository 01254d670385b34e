"""The rows that a load held back: where each stands in its file, why it counts in no total, and what it says.

They lie beside the snapshot of their source and billing period, and go with it when the period is loaded again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from lake.errors import LakeError
from lake.store import Snapshot

PART = 2_000
_PLACE = ("reason", "x_file", "x_row")


@dataclass(frozen=True)
class HeldRow:
    """One row as its file has it. `row` counts from 1 after a header; `values` are the columns that have a value."""

    source: str
    period: str
    file: str
    row: int
    reason: str
    values: dict[str, str]


def held_rows(folder: Path, snapshots: tuple[Snapshot, ...]) -> Iterator[HeldRow]:
    """Those beside these snapshots, in their order; LakeError for a file that is gone or damaged."""
    for snapshot in snapshots:
        if snapshot.quarantine is None:
            continue
        path = folder / snapshot.quarantine
        try:
            with pq.ParquetFile(path) as read:
                for part in read.iter_batches(PART):
                    for told in part.to_pylist():
                        yield _row(snapshot, told)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LakeError(
                f"{path} cannot be read.",
                why="It holds the rows that were held back of this bill, and is gone or damaged.",
                do="Load the bill again; what is loaded is not touched by this.",
            ) from error


def _row(snapshot: Snapshot, told: dict[str, object]) -> HeldRow:
    values = {name: str(value) for name, value in told.items() if name not in _PLACE and value is not None}
    return HeldRow(
        source=snapshot.source, period=snapshot.period, file=str(told["x_file"]), row=int(str(told["x_row"])),
        reason=str(told["reason"]), values=values,
    )  # fmt: skip
