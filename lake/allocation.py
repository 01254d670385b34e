"""What gateways estimate, in a lake of its own: keys for splitting a bill and an early signal, never a cost.

A gateway prices what passes through it by its own list; the provider's bill of the same tokens is another figure, and
counting both counts the tokens twice. So a gateway's rows are snapshots like any others, checked, revised and asked in
the same way, in a folder that no question about spend reads; and a load into the bills' lake refuses them.
"""

from collections.abc import Sequence

import duckdb

from lake import duck
from lake.engine import Lake
from lake.errors import LakeError
from lake.sources.api_charges import CostSource
from lake.sources.table_file import TableFile

FOLDER = "gateway"
MARK = "x_is_allocation"
"""The column in which a file says that a row splits another charge, as costs of Kubernetes split those of machines."""
NO = ("", "false", "f", "no", "n", "0", "null")
"""What it says, in any case, where a row is a charge like any other; whatever else it says, a row is taken for a part:
a part that is counted is money counted twice, and a charge that is refused is seen."""


def beside(lake: Lake) -> Lake:
    """The gateways' lake that belongs to this one."""
    return Lake(lake.folder / FOLDER)


def refuse_estimates(
    connection: duckdb.DuckDBPyConnection, lake: Lake, files: Sequence[TableFile], *, loading: bool
) -> None:
    """Refuses a load of what splits a bill into the bills' lake: a gateway's estimates (in view `dated`, if any are
    `loading`), and rows that say themselves that they are parts of other charges."""
    if lake.folder.name == FOLDER or not loading:
        return
    for number, file in enumerate(files):
        marked = next((name for name in file.names if name.lower() == MARK), None)
        if marked is not None:
            _refuse_parts(connection, file, number, marked)
    found = connection.execute(
        "SELECT count(*), min(f.name) FROM dated d JOIN file_names f ON f.number = d.file WHERE d.x_cost_source = ?",
        [CostSource.GATEWAY.value],
    ).fetchone()
    if found and found[0]:
        raise LakeError(
            f"{found[1]} holds {found[0]} estimates of a gateway.",
            why="They would be counted beside the provider's bill of the same tokens.",
            do="Load the provider's bill; a gateway's figures come by `spendgate sources pull` and count in no total.",
        )


def _refuse_parts(connection: duckdb.DuckDBPyConnection, file: TableFile, number: int, column: str) -> None:
    path = duck.text(f'$."{column}"')
    said = f"coalesce(lower(trim(json_extract_string(x_extra, {path}))), '')"
    none = ", ".join(duck.text(text) for text in NO)
    found = connection.execute(
        f"SELECT count(*), min({said}) FROM clean WHERE file = ? AND {said} NOT IN ({none})",  # noqa: S608
        [number],
    ).fetchone()
    if found and found[0]:
        raise LakeError(
            f"{file.name} holds {found[0]} rows that split other charges ({column}: {found[1][:40]}).",
            why="What they split is in the cloud's bill already, and both together would count it twice.",
            do="Load the cloud's bill, and this file without those rows.",
        )
