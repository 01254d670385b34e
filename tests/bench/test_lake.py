"""The benchmark of the lake measures what it says: on a small bill, all ways come to the same figures."""

from pathlib import Path

import pytest

from lake.engine import Lake
from lake.load import ingest
from tests.bench import lake as bench
from tests.bench import lake_bill
from tests.bench.lake_child import NOW


@pytest.mark.slow
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_all_ways_come_to_the_same_figures(tmp_path: Path, form: str) -> None:
    found = bench.measure(tmp_path, rows=3000, months=2, form=form, repeat=1)
    assert [one["said"] for one in found["questions"] if not one["same"]] == []
    assert len(found["questions"]) == 12
    assert found["drill_down"]["same"]
    assert {one["read"] for one in found["questions"]} == {"charges", "rollup", "rollup by month"}
    assert all(found["ingest"][how]["cpu"] > 0 for how in ("duckdb", "lake"))
    assert "| the lake |" in bench.table(found)


@pytest.mark.slow
def test_the_generated_bill_is_the_same_each_time_and_conforms(tmp_path: Path) -> None:
    one, again = (lake_bill.write(tmp_path / f"{name}.csv", 500, months=2) for name in ("one", "again"))
    assert one.path.read_bytes() == again.path.read_bytes()
    report = ingest(Lake(tmp_path / "lake"), [one.path], now=NOW)
    assert (report.rows_loaded, report.rows_quarantined) == (500, 0)
    assert report.findings == []
