"""Hourly utilisation: kept beside the bill, newest value wins, and what was not measured stays unknown."""

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lake.engine import Lake
from lake.errors import LakeError
from lake.usage import hours, utilisation

START = datetime(2026, 11, 1, tzinfo=UTC)
COLUMNS = "ResourceId HourStart cpu_max_pct gpu_active_pct gpu_encoder_pct gpu_memory_pct network_bytes".split()  # noqa: SIM905


def hour(machine: str, number: int, *values: Any) -> list[Any]:
    return [machine, (START + timedelta(hours=number)).isoformat(), *values]


@pytest.fixture
def measured(tmp_path: Path) -> Any:
    def written(name: str, rows: list[list[Any]], columns: list[str] = COLUMNS) -> Path:
        path = tmp_path / name
        with path.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(columns)
            writer.writerows(rows)
        return path

    return written


def used(lake: Lake, *machines: str, days: int = 14) -> Any:
    return utilisation(lake.store, machines, start=START, end=START + timedelta(days=days))


def test_shares_peaks_and_the_busiest_day(measured: Any, load: Any, lake: Lake) -> None:
    rows = [hour("i-1", n, 1 + n / 10, 0 if n < 20 else 50, 0, 2.5, 1_000_000) for n in range(24)]
    rows += [hour("i-1", 24, 1, 0, 4, 1, 500_000), hour("i-2", 0, 90, 90, 0, 80, 5)]
    report = load(measured("usage.csv", rows))
    assert (report.snapshots, report.usage_hours) == ([], 26)
    found = used(lake, "i-1", "i-2", "i-3")
    assert set(found) == {"i-1", "i-2"}
    one = found["i-1"]
    assert one.metric_hours == 25
    assert one.gpu_active_percent == Decimal("8.0000")  # 4 of 25 hours at 50 %
    assert one.encoder_active_percent == Decimal("0.1600")
    assert one.gpu_memory_max_percent == Decimal("2.5")
    assert one.cpu_max_percent == Decimal("3.3")
    assert one.network_mb_per_day == Decimal("24")
    assert one.last_metric_at == START + timedelta(hours=24)


def test_what_is_not_measured_is_none_and_never_zero(measured: Any, load: Any, lake: Lake) -> None:
    load(measured("usage.csv", [hour("i-1", n, 3, "", "", "", "") for n in range(30)]))
    one = used(lake, "i-1")["i-1"]
    assert (one.metric_hours, one.last_metric_at) == (0, None)
    assert (one.gpu_active_percent, one.gpu_memory_max_percent, one.encoder_active_percent) == (None, None, None)
    assert (one.network_mb_per_day, one.cpu_max_percent) == (None, Decimal(3))


def test_only_the_time_asked_for(measured: Any, load: Any, lake: Lake) -> None:
    load(
        measured(
            "usage.csv",
            [hour("i-1", -1, 99, 99, 99, 99, 9), hour("i-1", 0, 1, 1, 1, 1, 1), hour("i-1", 24, 99, 99, 99, 99, 9)],
        )
    )
    assert used(lake, "i-1", days=1)["i-1"].cpu_max_percent == Decimal(1)


def test_a_newer_load_adds_and_corrects(measured: Any, load: Any, lake: Lake) -> None:
    load(measured("a.csv", [hour("i-1", 0, 10, 10, 0, 0, 0), hour("i-1", 1, 20, 20, 0, 0, 0)]))
    load(measured("b.csv", [hour("i-1", 1, 30, 30, 0, 0, 0), hour("i-1", 2, 5, 5, 0, 0, 0)]))
    one = used(lake, "i-1")["i-1"]
    assert (one.metric_hours, one.cpu_max_percent, one.gpu_active_percent) == (3, Decimal(30), Decimal(15))
    load(measured("c.csv", [hour("i-9", 0, 1, 1, 1, 1, 1)]))
    assert sorted(path.name for path in (lake.folder / "usage").glob("*.parquet")) == ["2.parquet", "3.parquet"]
    assert set(used(lake, "i-1", "i-9")) == {"i-1", "i-9"}


ENDPOINT = ["ResourceId", "HourStart", "memory_pct", "invocations", "requests", "tokens"]


def test_memory_invocations_requests_and_tokens(measured: Any, load: Any, lake: Lake) -> None:
    rows = [hour("api", 0, 40, 10, 12, 5000), hour("api", 1, 90.5, 0, "", ""), hour("fn", 0, "", 7, "", "")]
    load(measured("usage.csv", rows, ENDPOINT))
    found = used(lake, "api", "fn")
    one = found["api"]
    assert (one.memory_max_percent, one.invocations, one.requests, one.tokens) == (Decimal("90.5"), 10, 12, 5000)
    assert (one.hours["invocations"], one.hours["tokens"], one.hours["cpu_max_pct"]) == (2, 1, 0)
    assert (found["fn"].memory_max_percent, found["fn"].tokens, found["fn"].cpu_max_percent) == (None, None, None)


def test_each_metric_is_the_newest_that_was_measured(measured: Any, load: Any, lake: Lake) -> None:
    load(measured("cpu.csv", [hour("i-1", 0, 10, "", "", "", 5), hour("i-1", 1, 20, "", "", "", 5)]))
    load(measured("gpu.csv", [hour("i-1", 0, "", 60, 0, 30, "")]))
    load(measured("again.csv", [hour("i-1", 1, 25, "", "", "", "")]))
    one = used(lake, "i-1")["i-1"]
    assert (one.cpu_max_percent, one.gpu_active_percent, one.metric_hours) == (Decimal(25), Decimal(60), 1)


def test_a_resource_billed_by_its_arn_is_found_by_its_name(measured: Any, load: Any, lake: Lake) -> None:
    load(measured("usage.csv", [hour("i-1", 0, 10, "", "", "", 5), hour("api", 0, 1, "", "", "", 1)]))
    arns = ("arn:aws:ec2:eu-west-1:1:instance/i-1", "arn:aws:sagemaker:eu-west-1:1:endpoint/api", "other/i-1")
    assert set(used(lake, *arns)) == set(arns[:2])


def test_hour_by_hour(measured: Any, load: Any, lake: Lake) -> None:
    load(measured("usage.csv", [hour("i-1", n, n, "", "", "", n) for n in (2, 0, 1)]))
    found = hours(lake.store, ["i-1", "i-2"], start=START, end=START + timedelta(hours=2))
    assert [(one.hour, one.cpu_max_pct, one.network_bytes, one.tokens) for one in found] == [
        (START, Decimal(0), 0, None),
        (START + timedelta(hours=1), Decimal(1), 1, None),
    ]


def test_a_file_of_an_earlier_version_is_still_read(measured: Any, load: Any, lake: Lake) -> None:
    load(measured("usage.csv", [hour("i-1", 0, 10, "", "", "", 5)]))
    manifest = lake.store.usage()
    assert manifest is not None
    path = lake.folder / manifest.file.path
    older = path.with_suffix(".older")
    duckdb.execute(
        "COPY (SELECT resource, hour, cpu_max_pct, gpu_active_pct, gpu_encoder_pct, gpu_memory_pct, network_bytes "
        f"FROM '{path}') TO '{older}' (FORMAT parquet)"
    )
    older.replace(path)
    assert used(lake, "i-1")["i-1"].cpu_max_percent == Decimal(10)
    load(measured("more.csv", [hour("i-1", 1, 1, 2, 3, 4)], ENDPOINT))
    assert (used(lake, "i-1")["i-1"].cpu_max_percent, used(lake, "i-1")["i-1"].tokens) == (Decimal(10), 4)


def test_typed_parquet_in_a_folder_with_bills(
    measured: Any, write: Any, charge: Any, load: Any, lake: Lake, tmp_path: Path
) -> None:
    source = measured("usage.csv", [hour("i-1", 0, 1, 1, 1, 1, 1)])
    folder = tmp_path / "bank"
    (folder / "usage").mkdir(parents=True)
    duckdb.execute(f"COPY (SELECT * FROM '{source}') TO '{folder}/usage/utilization.parquet' (FORMAT parquet)")
    write("bank/bill/aws/2026-10.csv", [charge("2.00")])
    report = load(folder)
    assert (report.rows_loaded, report.usage_hours) == (1, 1)
    assert used(lake, "i-1")["i-1"].last_metric_at == START


@pytest.mark.parametrize("row", [["", START.isoformat(), 1, 1, 1, 1, 1], ["i-1", "noon", 1, 1, 1, 1, 1]])
def test_a_row_without_machine_or_hour_is_refused(row: list[Any], measured: Any, load: Any, lake: Lake) -> None:
    with pytest.raises(LakeError, match="is no readable utilisation"):
        load(measured("usage.csv", [row]))
    assert lake.store.usage() is None


def test_bad_utilisation_keeps_the_bill_beside_it_out(
    measured: Any, write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    with pytest.raises(LakeError):
        load(write("bill.csv", [charge()]), measured("usage.csv", []))
    assert lake.store.current() == ()


def test_without_any_utilisation_nothing_is_known(lake: Lake) -> None:
    assert used(lake, "i-1") == {}
