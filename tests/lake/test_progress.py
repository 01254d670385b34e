"""How far a load is: told to who watches, never further back, and nothing at all to nobody."""

import threading
from pathlib import Path
from typing import Any

import pytest

from lake import progress
from lake.engine import Lake
from lake.progress import Step, watched
from lake.sources.table_file import expected_rows, inspect


def test_a_load_tells_its_steps_in_order(
    write: Any, charge: Any, load: Any, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LOOK_SECONDS", 0.001)
    told: list[Step] = []
    rows = {name: [charge(str(number + 1), ServiceName=name) for number in range(200)] for name in ("a", "b")}
    paths = [write(f"{name}.csv", made) for name, made in rows.items()]
    with watched(told.append):
        load(*paths)
    names = list(dict.fromkeys(step.what for step in told))
    assert names == ["reading a.csv", "reading b.csv", "checking what was read", "writing aws 2026-10"]
    reading = [step for step in told if step.what.startswith("reading")]
    assert [step.done for step in reading] == sorted(step.done for step in reading)
    assert reading[-1].done == reading[-1].total == sum(path.stat().st_size for path in paths)
    assert reading[-1].rows == 201  # lines of a small file, its header among them
    assert threading.active_count() == len(threading.enumerate())
    assert not [thread for thread in threading.enumerate() if thread.name == "progress"]


def test_nobody_watches_and_nothing_is_looked_at(
    write: Any, charge: Any, load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake.load.expected_rows", lambda _: pytest.fail("nobody asked"))
    load(write("a.csv", [charge()]))


def test_a_load_that_fails_stops_looking(write: Any, load: Any) -> None:
    with pytest.raises(Exception, match="holds no charge"), watched(lambda _: None):
        load(_header_only(write))
    assert not [thread for thread in threading.enumerate() if thread.name == "progress"]


def _header_only(write: Any) -> Path:
    from tests.lake.conftest import row

    path: Path = write("a.csv", [row()])
    path.write_text(path.read_text().splitlines()[0] + "\n")
    return path


def test_rows_are_counted_in_parquet_and_reckoned_in_csv(tmp_path: Path) -> None:
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"COPY (SELECT range AS a FROM range(5000)) TO '{tmp_path}/a.parquet' (FORMAT parquet)")
    connection.execute(
        f"COPY (SELECT range + 100000000 AS a, repeat('x', 90) AS b FROM range(5000)) TO '{tmp_path}/a.csv'"
    )
    connection.execute(f"COPY (SELECT range AS a, 1 AS b FROM range(50)) TO '{tmp_path}/a.csv.gz' (COMPRESSION gzip)")
    assert expected_rows(inspect(tmp_path / "a.parquet", connection)) == (5000, False)
    rows, about = expected_rows(inspect(tmp_path / "a.csv", connection))
    assert about
    assert 4900 < (rows or 0) < 5100
    assert expected_rows(inspect(tmp_path / "a.csv.gz", connection)) == (None, False)
