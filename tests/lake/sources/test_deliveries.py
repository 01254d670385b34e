"""A month that was delivered three times is the newest delivery, by its manifest; without one, every file counts."""

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lake.engine import Lake
from lake.errors import LakeError
from lake.load import expand
from lake.period import Period
from lake.question import Question
from lake.sources.deliveries import Manifest, newest

OLD, NEW = "cur/bank/20261001-20261101/a1/bank-1.csv", "cur/bank/20261001-20261101/b2/bank-1.csv"


def manifest(name: str, written: float, **said: Any) -> Manifest:
    return Manifest(name, written, json.dumps(said).encode())


def test_of_two_deliveries_the_newest_counts_whatever_its_name() -> None:
    told = [manifest("m-2", 2.0, reportKeys=[NEW]), manifest("m-9", 1.0, reportKeys=[OLD])]
    assert newest([OLD, NEW], told) == [NEW]
    assert newest([OLD, NEW], reversed(told)) == [NEW]
    assert newest([OLD, NEW], []) == [OLD, NEW]


def test_what_the_newest_does_not_name_is_left_out_below_its_period_alone() -> None:
    """A part of a longer delivery stays behind when a shorter one takes its place."""
    left, other, loose = f"{NEW}-left.csv", "cur/bank/20260901-20261001/z/bank-1.csv", "cur/notes.csv"
    told = [manifest("m", 1.0, reportKeys=[NEW])]
    assert newest([NEW, left, other, loose], told) == [NEW, other, loose]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("cur/bank/20261001-20261101/b2/bank-1.csv", {"reportKeys": ["cur/bank/20261001-20261101/b2/bank-1.csv"]}),
        ("x/data/BILLING_PERIOD=2026-10/run/f.parquet", {"dataFiles": ["s3://b/x/data/BILLING_PERIOD=2026-10/run/f.parquet"]}),
        ("x/20261001-20261031/run/part_0.parquet", {"blobs": [{"blobName": "x/20261001-20261031/run/part_0.parquet"}]}),
    ],
)  # fmt: skip
def test_each_providers_way_to_name_files(key: str, said: dict[str, Any]) -> None:
    elsewhere = key.replace("b2", "a1").replace("run", "earlier")
    assert newest([elsewhere, key], [manifest("m", 1.0, **said)]) == [key]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"reportKeys": 3}', b'{"blobs": [{}, 7]}', b"\xff\xfe"])
def test_a_file_of_another_form_is_no_manifest(body: bytes) -> None:
    assert newest([OLD, NEW], [Manifest("x-Manifest.json", 1.0, body)]) == [OLD, NEW]


def test_a_delivery_that_has_not_arrived_whole_is_refused() -> None:
    second = NEW.replace("-1.csv", "-2.csv")
    with pytest.raises(LakeError) as refusal:
        newest([OLD, NEW], [manifest("bank-Manifest.json", 2.0, reportKeys=[NEW, second])])
    assert "is not complete" in refusal.value.what
    assert second in refusal.value.why


def test_an_older_delivery_whose_files_are_gone_is_no_matter() -> None:
    gone = manifest("old", 1.0, reportKeys=[OLD])
    assert newest([NEW], [gone, manifest("new", 2.0, reportKeys=[NEW])]) == [NEW]


def test_a_copied_folder_counts_the_newest_delivery(
    tmp_path: Path, write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    """Ten dollars on the fifth, twenty on the sixth with the first ten among them: twenty, and never thirty."""
    folder = tmp_path / "copied"
    for run, (costs, written) in {"a1": (("10.00",), 1_000), "b2": (("10.00", "10.00"), 2_000)}.items():
        below = folder / "20261001-20261101" / run
        below.mkdir(parents=True)
        bill = write(f"{run}.csv", [charge(cost, SkuId=f"sku-{at}") for at, cost in enumerate(costs)])
        bill.rename(below / "bank-1.csv")
        said = {"reportKeys": [f"cur/bank/20261001-20261101/{run}/bank-1.csv"]}
        (below / "bank-Manifest.json").write_text(json.dumps(said))
        os.utime(below / "bank-Manifest.json", (written, written))
    assert [path.parent.name for path in expand([folder])] == ["b2"]
    load(folder)
    assert lake.ask(Question(period=Period.parse("2026-10"))).totals == [("USD", Decimal(20))]
