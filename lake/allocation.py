"""What gateways estimate, in a lake of its own: keys for splitting a bill and an early signal, never a cost.

A gateway prices what passes through it by its own list; the provider's bill of the same tokens is another figure, and
counting both counts the tokens twice. So a gateway's rows are snapshots like any others, checked, revised and asked in
the same way, in a folder that no question about spend reads; and a load into the bills' lake refuses them.
"""

import duckdb

from lake.engine import Lake
from lake.errors import LakeError
from lake.sources.api_charges import CostSource

FOLDER = "gateway"


def beside(lake: Lake) -> Lake:
    """The gateways' lake that belongs to this one."""
    return Lake(lake.folder / FOLDER)


def refuse_estimates(connection: duckdb.DuckDBPyConnection, lake: Lake, *, loading: bool) -> None:
    """Refuses a load of a gateway's estimates (in view `dated`, if any are `loading`) into the bills' lake."""
    if lake.folder.name == FOLDER or not loading:
        return
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
