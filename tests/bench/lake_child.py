"""One load, measured in a process of its own: by the lake, or by DuckDB alone into the same column types.

DuckDB alone copies the file's columns into Parquet and checks nothing but that they can be cast; it is what a load
would cost at least.
"""

import json
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from lake import duck
from lake.columns import BY_NAME, SQL_TYPES
from lake.engine import Lake
from lake.load import ingest

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def by_the_lake(bill: Path, folder: Path) -> None:
    """Validates, types, rolls up and publishes."""
    ingest(Lake(folder), [bill], now=NOW, final=True)


def by_duckdb(bill: Path, folder: Path) -> None:
    """One statement: the file's columns, cast, into one Parquet file."""
    folder.mkdir(parents=True)
    target = duck.text(str(folder / "charges.parquet"))
    with duck.connect(spill=str(folder)) as connection:
        source = duck.text(str(bill))
        if bill.suffix == ".csv":
            header = bill.open().readline().strip().split(",")
            types = ", ".join(f"{duck.text(name)}: {duck.text(_type(name))}" for name in header)
            read = f"SELECT * FROM read_csv({source}, columns = {{{types}}}, auto_detect = false, header = true)"
        else:
            named = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({source})").fetchall()
            casts = ", ".join(f"CAST({duck.name(row[0])} AS {_type(row[0])}) AS {duck.name(row[0])}" for row in named)
            read = f"SELECT {casts} FROM read_parquet({source})"
        connection.execute(f"COPY ({read}) TO {target} (FORMAT parquet, COMPRESSION zstd)")


def _type(name: str) -> str:
    return SQL_TYPES[BY_NAME[name].kind] if name in BY_NAME else "VARCHAR"


def main(how: str, bill: str, folder: str) -> None:
    """Prints wall and processor seconds (of all threads) and the peak resident memory in bytes, as JSON."""
    load = {"lake": by_the_lake, "duckdb": by_duckdb}[how]
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    load(Path(bill), Path(folder))
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": used.ru_maxrss * 1024}))


if __name__ == "__main__":
    main(*sys.argv[1:])
