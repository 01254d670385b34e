"""Files that are larger than any bill, and a disk that fills up: refused, with the old bill serving."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lake.engine import Lake
from lake.errors import LakeError
from lake.period import Period
from lake.question import Question

pytestmark = pytest.mark.slow

OCTOBER = Question(period=Period.parse("2026-10"))


def total(lake: Lake) -> Decimal:
    return dict(lake.ask(OCTOBER).totals)["USD"]


@contextmanager
def room_for(bytes_: int) -> Iterator[None]:
    """As if the disk had no room for a file of more than this: writing on fails with an error of the system."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [2_000, 20_000, 40_000])
def test_a_disk_that_fills_up_while_files_are_written(
    room: int, write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    """With several rooms, so that one file or another is the first that finds none."""
    load(write("one.csv", [charge("1.00")]))
    path = write("two.csv", [charge(f"{number}.5", ResourceId=f"r{number * 7919}") for number in range(3000)])
    with room_for(room), pytest.raises(LakeError) as refusal:
        load(path)
    assert refusal.value.what in ("The load was given up.", f"The lake in {lake.folder} cannot be written.")
    assert "nothing was" in refusal.value.do
    assert total(Lake(lake.folder)) == Decimal("1.00")
    assert load(path).rows_loaded == 3000
    assert not lake.store.incoming.exists()


def test_a_line_without_an_end_is_refused_without_being_held(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    """A line of two gigabytes is read no further than one of two megabytes and a half."""
    load(write("one.csv", [charge("1.00")]))
    rows = [charge("2.00"), charge("3.00", ChargeDescription="x" * 2_500_000), charge("4.00")]
    with pytest.raises(LakeError, match=r"longer than 2,000,000 bytes") as refusal:
        load(write("long.csv", rows))
    assert "one charge a line" in refusal.value.do
    assert total(lake) == Decimal("1.00")


def test_a_line_of_json_without_an_end_is_refused(tmp_path: Path, load: Any) -> None:
    path = tmp_path / "export.jsonl"
    with path.open("wb") as stream:
        stream.write(b'{"service": {"id": "A"}, "cost": 1, "note": "')
        stream.truncate(2**27)  # most of it a hole that takes no room on the disk
    with pytest.raises(LakeError, match=r"Line 1 is longer than 2,000,000 bytes"):
        load(path)


def test_the_longest_text_that_a_charge_may_have_is_kept(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    said = "x" * 1_500_000
    load(write("long.csv", [charge("2.00", ChargeDescription=said, ResourceId="r-1")]))
    by_resource = lake.ask(Question(period=Period.parse("2026-10"), by=("resource",)))
    assert [row["value"] for row in by_resource.rows] == [Decimal("2.00")]


@pytest.mark.slow
def test_thousands_of_unknown_columns_are_kept_and_told(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    many = {f"Unknown {number}": f"value {number}" for number in range(2000)}
    report = load(write("wide.csv", [charge("2.00") | many, charge("3.00")]))
    assert report.rows_loaded == 2
    assert sum(finding.rule == "column-unknown" for finding in report.findings) == 2000
    assert total(lake) == Decimal("5.00")
