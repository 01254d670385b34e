"""Files that cannot be loaded: each is refused with what, why and what to do, and the lake stays as it was."""

import gzip
import os
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lake.columns import MANDATORY
from lake.engine import Lake
from lake.errors import LakeError
from lake.load import ingest

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def parquet_of(path: Path, target: Path) -> bytes:
    duckdb.execute(f"COPY (SELECT * FROM read_csv('{path}', all_varchar = true)) TO '{target}' (FORMAT parquet)")
    return target.read_bytes()


def not_focus(folder: Path, good: Path) -> Path:
    (folder / "bad.csv").write_text("name,amount\nfoo,1\n")
    return folder / "bad.csv"


def empty(folder: Path, good: Path) -> Path:
    (folder / "empty.csv").write_bytes(b"")
    return folder / "empty.csv"


def header_alone(folder: Path, good: Path) -> Path:
    (folder / "header.csv").write_text(good.read_text().splitlines()[0] + "\n")
    return folder / "header.csv"


def missing_column(folder: Path, good: Path) -> Path:
    (folder / "missing.csv").write_text(good.read_text().replace("ListCost", "ListKost"))
    return folder / "missing.csv"


def column_twice(folder: Path, good: Path) -> Path:
    (folder / "twice.csv").write_text(good.read_text().replace("ListCost", "BilledCost"))
    return folder / "twice.csv"


def cut_in_a_row(folder: Path, good: Path) -> Path:
    (folder / "cut.csv").write_text(good.read_text()[:-40])
    return folder / "cut.csv"


def open_quote(folder: Path, good: Path) -> Path:
    (folder / "quote.csv").write_text(good.read_text().replace("Machines", '"Machines', 1))
    return folder / "quote.csv"


def latin1(folder: Path, good: Path) -> Path:
    (folder / "latin.csv").write_bytes(good.read_text().replace("Machines", "Müller").encode("latin-1"))
    return folder / "latin.csv"


def utf16(folder: Path, good: Path) -> Path:
    (folder / "wide.csv").write_bytes(good.read_text().encode("utf-16"))
    return folder / "wide.csv"


def cut_gzip(folder: Path, good: Path) -> Path:
    (folder / "cut.csv.gz").write_bytes(gzip.compress(good.read_bytes() * 50)[:-20])
    return folder / "cut.csv.gz"


def false_gzip(folder: Path, good: Path) -> Path:
    (folder / "false.csv.gz").write_bytes(b"\x1f\x8b" + os.urandom(200))
    return folder / "false.csv.gz"


def cut_parquet(folder: Path, good: Path) -> Path:
    body = parquet_of(good, folder / "whole.parquet")
    (folder / "whole.parquet").unlink()
    (folder / "cut.parquet").write_bytes(body[: len(body) // 2])
    return folder / "cut.parquet"


def damaged_parquet(folder: Path, good: Path) -> Path:
    body = bytearray(parquet_of(good, folder / "damaged.parquet"))
    body[40:400] = b"\xff" * 360
    (folder / "damaged.parquet").write_bytes(body)
    return folder / "damaged.parquet"


def binary(folder: Path, good: Path) -> Path:
    (folder / "picture.csv").write_bytes(b"\x89PNG\x00\x01\x02" * 30)
    return folder / "picture.csv"


def nowhere(folder: Path, good: Path) -> Path:
    return folder / "nowhere.csv"


def no_match(folder: Path, good: Path) -> Path:
    return folder / "*.nothing"


def folder_without_bills(folder: Path, good: Path) -> Path:
    (folder / "notes").mkdir()
    (folder / "notes" / "readme.txt").write_text("no bill")
    return folder / "notes"


def only_words(folder: Path, good: Path) -> Path:
    (folder / "words.csv").write_text(good.read_text().replace("7.25", "a lot"))
    return folder / "words.csv"


def mixed_delimiters(folder: Path, good: Path) -> Path:
    first, *others = good.read_text().splitlines()
    (folder / "mixed.csv").write_text("\n".join([first, others[0], others[1].replace(",", ";")]) + "\n")
    return folder / "mixed.csv"


CASES: list[tuple[Callable[[Path, Path], Path], str]] = [
    (not_focus, "is not a FOCUS file"),
    (empty, "is empty"),
    (header_alone, "holds no charge"),
    (missing_column, "lacks the mandatory FOCUS column ListCost"),
    (column_twice, "has the column BilledCost twice"),
    (cut_in_a_row, "cannot be read to its end"),
    (open_quote, "cannot be read to its end"),
    (mixed_delimiters, "cannot be read to its end"),
    (latin1, "is no UTF-8 text"),
    (utf16, "is no UTF-8 text"),
    (binary, "is no UTF-8 text"),
    (cut_gzip, "cannot be unpacked"),
    (false_gzip, "cannot be unpacked"),
    (cut_parquet, "is no readable Parquet file"),
    (damaged_parquet, "cannot be read to its end"),
    (nowhere, "does not exist"),
    (no_match, "No file matches"),
    (folder_without_bills, "holds nothing to load"),
    (only_words, "No charge of these files can be read"),
]


def listing(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize(("make", "said"), CASES, ids=[make.__name__ for make, _ in CASES])
def test_a_bad_file_is_refused_and_nothing_is_half_done(
    make: Callable[[Path, Path], Path], said: str, write: Any, charge: Any, load: Any, lake: Lake, tmp_path: Path
) -> None:
    kept = write("kept.csv", [charge("5.00", ProviderName="Kept")])
    load(kept)
    before, held = listing(lake.folder), lake.store.current()
    good = write("good.csv", [charge("7.25"), charge("7.25")])
    bad = make(tmp_path, good)
    with pytest.raises(LakeError) as refusal:
        load(bad)
    error = refusal.value
    assert said in error.what
    assert error.why
    assert error.do
    assert "Error" not in str(error)
    assert listing(lake.folder) == before
    assert Lake(lake.folder).store.current() == held


def test_a_header_that_stands_twice_is_one_row_that_waits(
    write: Any, charge: Any, load: Any, lake: Lake, tmp_path: Path
) -> None:
    """Two exports that were put into one file, one behind the other."""
    good = write("good.csv", [charge("7.25"), charge("0.75")]).read_text()
    (tmp_path / "joined.csv").write_text(good + good)
    report = load(tmp_path / "joined.csv")
    assert (report.rows_in, report.rows_loaded, report.rows_quarantined) == (5, 4, 1)
    (told,) = [finding for finding in report.findings if finding.rule == "held-back"]
    assert "row 3: BilledCost 'BilledCost' is no readable amount" in told.text
    assert [(total.currency, total.billed) for total in report.totals] == [("USD", Decimal("16.00"))]


def test_a_good_file_beside_a_bad_one_is_not_loaded(
    write: Any, charge: Any, load: Any, lake: Lake, tmp_path: Path
) -> None:
    good = write("good.csv", [charge("7.25")])
    with pytest.raises(LakeError):
        load(good, not_focus(tmp_path, good))
    assert lake.store.current() == ()


@pytest.mark.parametrize("column", MANDATORY)
def test_every_mandatory_column_is_missed(column: str, write: Any, charge: Any, load: Any) -> None:
    given = charge()
    del given[column]
    with pytest.raises(LakeError, match=f"lacks the mandatory FOCUS column {column}"):
        load(write("bill.csv", [given]))


@pytest.mark.parametrize("name", ["../outside", "UPPER", "a b", "", "a--b", "x" * 80, "a/b", ".."])
def test_a_source_name_that_is_no_name_is_refused(name: str, write: Any, charge: Any, load: Any) -> None:
    with pytest.raises(LakeError, match="is no name for a source"):
        load(write("bill.csv", [charge()]), source=name)


def test_a_provider_name_cannot_leave_the_folder(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    names = ["../../etc", "", "日本", "a/b\\c", "NULL"]
    load(write("bill.csv", [charge(ProviderName=name, BillingAccountId=name) for name in names]))
    for item in lake.store.current():
        for part in item.files:
            assert (lake.folder / part.path).resolve().is_relative_to(lake.folder.resolve())
    assert sum(item.rows for item in lake.store.current()) == len(names)


def test_a_home_that_cannot_be_written_is_said(write: Any, charge: Any, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    with pytest.raises(LakeError, match="cannot be written"):
        ingest(Lake(tmp_path / "home" / "lake"), [write("bill.csv", [charge()])], now=NOW)


def test_a_read_only_home_is_said(write: Any, charge: Any, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (tmp_path / "home").mkdir(mode=0o500)
    with pytest.raises(LakeError, match="cannot be written"):
        ingest(Lake(tmp_path / "home" / "lake"), [write("bill.csv", [charge()])], now=NOW)


def test_an_unreadable_file_is_said(write: Any, charge: Any, load: Any) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    path = write("bill.csv", [charge()])
    path.chmod(0)
    with pytest.raises(LakeError, match="cannot be read"):
        load(path)


def test_a_full_disk_leaves_nothing(
    write: Any, charge: Any, load: Any, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(write("one.csv", [charge("1.00")]))
    held = lake.store.current()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lake.store.write_durably", full)
    with pytest.raises(LakeError, match="No space left"):
        load(write("two.csv", [charge("2.00")]))
    monkeypatch.undo()
    assert Lake(lake.folder).store.current() == held
    load(write("two.csv", [charge("2.00")]))
    assert [item.rows for item in lake.store.current()] == [1]


def test_an_empty_lake_says_how_to_fill_it(lake: Lake) -> None:
    with pytest.raises(LakeError, match="The lake is empty"):
        lake.values("team")
    assert lake.last_complete_period() is None


def test_a_manifest_that_was_damaged_is_named(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    load(write("one.csv", [charge()]))
    path = next(lake.store.manifests.glob("*.json"))
    path.write_text("{not json")
    with pytest.raises(LakeError, match="cannot be understood"):
        Lake(lake.folder).store.current()


@pytest.mark.parametrize(
    ("lost", "asked"), [("charges.parquet", "resource"), ("monthly.parquet", "team"), ("rollup.parquet", "day")]
)
def test_a_snapshot_that_vanished_is_said(
    write: Any, charge: Any, load: Any, lake: Lake, lost: str, asked: str
) -> None:
    load(write("one.csv", [charge()]))
    (lake.folder / "snapshots" / lake.store.current()[0].id / lost).unlink()
    with pytest.raises(LakeError, match="A snapshot's file cannot be read"):
        lake.values(asked)
