"""However a bill is cut, shuffled, loaded again or handed out, it is the same bill: told by random charges."""

import csv
import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.engine import Lake
from lake.export import export
from lake.load import ingest
from lake.report import IngestReport
from lake.store import Totals
from tests.lake.test_exact import NOW, QUICK, cells, charges
from tests.lake.test_export import stored

bills = st.lists(charges, min_size=1, max_size=20)


def bill_of(given_charges: list[dict[str, Any]], charge: Any) -> list[dict[str, str]]:
    """Rows that can be told apart: two charges that are alike in all columns are one to whoever reads two files."""
    return [cells(one, charge()) | {"InvoiceId": f"I-{number}"} for number, one in enumerate(given_charges)]


def written(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    return path


def loaded(lake: Lake, *paths: Path) -> IngestReport:
    report = ingest(lake, paths, now=NOW)
    assert report.rows_quarantined == 0
    return report


def sums(lake: Lake) -> dict[tuple[str, str], tuple[int, tuple[Totals, ...]]]:
    return {(one.source, one.period): (one.rows, one.totals) for one in lake.store.current()}


@pytest.mark.slow
@QUICK
@given(bills, st.integers(1, 4), st.randoms(use_true_random=False))
def test_any_order_and_any_split_is_the_same_bill(
    charge: Any, given_charges: list[dict[str, Any]], parts: int, dice: random.Random
) -> None:
    rows = bill_of(given_charges, charge)
    shuffled = dice.sample(rows, len(rows))
    cut = [some for part in range(parts) if (some := shuffled[part::parts])]
    with tempfile.TemporaryDirectory() as folder:
        whole, split = Lake(Path(folder) / "whole"), Lake(Path(folder) / "split")
        one = loaded(whole, written(Path(folder) / "bill.csv", rows))
        many = loaded(split, *(written(Path(folder) / f"{n}.csv", some) for n, some in enumerate(cut)))
        assert (many.rows_in, many.rows_loaded, many.totals) == (one.rows_in, one.rows_loaded, one.totals)
        assert sums(split) == sums(whole)
        assert stored(split) == stored(whole)
        assert sum(stored(whole).values()) == len(rows)


@pytest.mark.slow
@QUICK
@given(bills)
def test_loading_it_twice_is_loading_it_once(charge: Any, given_charges: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder) / "lake")
        path = written(Path(folder) / "bill.csv", bill_of(given_charges, charge))
        first = loaded(lake, path)
        before: tuple[dict[Any, Any], Counter[Any]] = sums(lake), stored(lake)
        second = loaded(lake, path)
        assert (sums(lake), stored(lake)) == before
        assert second.totals == first.totals
        assert {one.revision for one in lake.store.current()} == {2}


@pytest.mark.slow
@QUICK
@given(bills, st.sampled_from(("csv", "parquet")))
def test_what_is_handed_out_and_loaded_again_is_the_same(
    charge: Any, given_charges: list[dict[str, Any]], form: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake, again = Lake(Path(folder) / "lake"), Lake(Path(folder) / "again")
        loaded(lake, written(Path(folder) / "bill.csv", bill_of(given_charges, charge)))
        export(lake, Path(folder) / f"out.{form}", form=form)
        loaded(again, Path(folder) / f"out.{form}")
        assert stored(again) == stored(lake)
        assert sums(again) == sums(lake)
