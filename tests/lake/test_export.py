"""Charges that are handed out load again as the same charges, and conform to FOCUS as far as the provider let them."""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from lake.columns import COLUMNS, LABELS, Kind
from lake.engine import Lake
from lake.errors import CannotBeAsked, LakeError
from lake.export import export
from lake.load import ingest
from lake.period import Period
from tests.lake.conftest import NOW

FORMS = ("csv", "parquet")


@pytest.fixture
def bank(write: Any, charge: Any, load: Any, lake: Lake) -> Lake:
    """Two billing periods with what is awkward in a file: quotes, long decimals, a credit, tags, own columns."""
    rows = [
        charge("0.000000000001", Tags=json.dumps({"team": 'the "first", team', "k": "ä\n€"}), InvoiceId="I-1"),
        charge("-12.50", ChargeCategory="Credit", ChargeDescription='a; b, "c"\nd', InvoiceId="I-1"),
        charge("12345678901234567890.123456789012", x_Note="1", Odd="two", SkuPriceDetails='{"x_GPU": 4}'),
        charge(
            "3", day="2026-10-07", x_team="fraud", x_model="m-1", ListCost="", PricingQuantity="0.100000000000000001"
        ),
        charge("100", day="2026-09-30", BillingCurrency="EUR"),
    ]
    load(write("bill.csv", rows), source="bank")
    return lake


def stored(lake: Lake) -> Counter[tuple[Any, ...]]:
    """Every charge of the lake, without where it came from."""
    names = ", ".join(f'"{name}"' for name in (*(column.name for column in COLUMNS), *LABELS))
    files = [str(lake.folder / file.path) for snapshot in lake.snapshots() for file in snapshot.files]
    found = duckdb.connect().execute(f"SELECT {names} FROM read_parquet({files})").to_arrow_table().to_pylist()
    return Counter(tuple(row.values()) for row in found)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_handed_out_loads_again_as_the_same_charges(bank: Lake, tmp_path: Path, form: str) -> None:
    target = tmp_path / f"out.{form}"
    done = export(bank, target, form=form)
    assert done.rows == 5
    again = Lake(tmp_path / "again")
    report = ingest(again, [target], now=NOW, source="bank")
    assert (report.rows_loaded, report.rows_quarantined) == (5, 0)
    assert stored(again) == stored(bank)
    assert [finding for finding in report.findings if finding.rule in ("column-name", "no-zone")] == []


def test_a_file_of_text_is_written_as_focus_writes_it(bank: Lake, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    done = export(bank, target, form="csv", period=Period.parse("2026-10"))
    with target.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["BilledCost"] for row in rows] == [
        "0.000000000001", "-12.5", "12345678901234567890.123456789012", "3",
    ]  # fmt: skip
    assert {row["ChargePeriodStart"] for row in rows} == {"2026-10-05T00:00:00Z", "2026-10-07T00:00:00Z"}
    assert [row["PricingQuantity"] for row in rows][-1] == "0.100000000000000001"
    assert {name for name in rows[0] if name not in {column.name for column in COLUMNS}} == {*LABELS, "x_Note", "x_Odd"}
    assert all(name.startswith("x_") for name in rows[0] if name not in {column.name for column in COLUMNS})
    assert [(finding.column, finding.rows) for finding in done.findings] == [("ListCost", 1)]


def test_a_parquet_file_keeps_types(bank: Lake, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    export(bank, target, form="parquet")
    schema = pq.read_schema(target)
    for column in COLUMNS:
        told = str(schema.field(column.name).type)
        if column.kind in (Kind.MONEY, Kind.QUANTITY):
            assert told.startswith("decimal128(38"), column.name
        elif column.kind is Kind.TIME:
            assert told == "timestamp[us, tz=UTC]", column.name


def test_only_what_was_asked_for_and_may_be_seen(bank: Lake, tmp_path: Path) -> None:
    done = export(bank, tmp_path / "a.csv", form="csv", period=Period.parse("2026-09"))
    assert done.rows == 1
    done = export(bank, tmp_path / "b.csv", form="csv", teams_seen=("fraud",))
    assert done.rows == 1
    with pytest.raises(CannotBeAsked, match="no source 'elsewhere'"):
        export(bank, tmp_path / "c.csv", form="csv", source="elsewhere")
    for scope in ({"teams_seen": ("nobody",)}, {"teams_seen": ()}, {"period": Period.parse("2020-01")}):
        with pytest.raises(LakeError, match="There is no charge"):
            export(bank, tmp_path / "d.csv", form="csv", **scope)
        assert not (tmp_path / "d.csv").exists()


def test_columns_of_the_provider_that_would_clash_stay_together(
    write: Any, charge: Any, load: Any, lake: Lake, tmp_path: Path
) -> None:
    load(write("bill.csv", [charge(Odd="1", x_odd="2")]))
    target = tmp_path / "out.csv"
    export(lake, target, form="csv")
    with target.open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert json.loads(row["x_extra"]) == {"Odd": "1", "x_odd": "2"}


def test_a_target_that_cannot_be_written_is_said(bank: Lake, tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="could not be written"):
        export(bank, tmp_path / "nowhere" / "out.csv", form="csv")
