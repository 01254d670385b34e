"""Reading a loaded lake back, row by row."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.engine import Lake

Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def ask(lake: Lake) -> Ask:
    """SQL over `bill`, all charges that are loaded now."""

    def asked(sql: str) -> list[tuple[Any, ...]]:
        paths = [str(lake.folder / part.path) for item in lake.store.current() for part in item.files]
        with duckdb.connect() as connection:
            connection.execute(f"CREATE VIEW bill AS SELECT * FROM read_parquet({paths})")
            return connection.execute(sql).fetchall()

    return asked


@pytest.fixture
def held(lake: Lake) -> Callable[[], list[tuple[int, str]]]:
    """Row number and reason of every row in quarantine."""

    def found() -> list[tuple[int, str]]:
        paths = [str(lake.folder / item.quarantine) for item in lake.store.current() if item.quarantine]
        return [
            row
            for path in paths
            for row in duckdb.execute(f"SELECT x_row, reason FROM '{path}' ORDER BY x_row").fetchall()
        ]

    return found


@pytest.fixture
def parquet(tmp_path: Path) -> Callable[..., Path]:
    """Writes rows, with whatever nested values they have, as a Parquet file."""

    def written(name: str, rows: Iterable[dict[str, Any]], schema: pa.Schema | None = None) -> Path:
        pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), tmp_path / name)
        return tmp_path / name

    return written
