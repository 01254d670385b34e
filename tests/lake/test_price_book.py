"""The price book: what it tells, from which dated list, and what it refuses rather than guess."""

import gzip
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import moto.ec2
import pytest

from lake import price_book
from lake.errors import LakeError
from lake.price_book import NotInBook

BOOK = price_book.shipped()
LISTS = 'list,dated,currency,source\nours,2026-11-01,EUR,"Contract 17"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    def written(**files: str) -> Path:
        for name, text in {"lists": LISTS, **files}.items():
            (tmp_path / f"{name}.csv").write_text(text)
        return tmp_path

    return written


@pytest.mark.parametrize(
    ("kind", "region", "per_hour", "dated"),
    [
        ("g5.12xlarge", "us-east-1", "5.672", date(2026, 1, 19)),
        ("p5.48xlarge", "us-east-1", "55.04", date(2026, 1, 19)),
        ("m5.large", "eu-central-1", "0.115", date(2025, 3, 2)),
        ("r6i.16xlarge", "us-east-1", "4.032", date(2026, 1, 19)),
        ("t3.medium", "us-east-2", "0.0416", date(2025, 3, 2)),
    ],
)
def test_a_price_stands_with_its_list(kind: str, region: str, per_hour: str, dated: date) -> None:
    found = BOOK.price(kind, region)
    assert (found.per_hour, found.currency, found.dated) == (Decimal(per_hour), "USD", dated)
    assert "AWS Price List" in found.source


def test_a_reckoned_price_says_so() -> None:
    assert BOOK.price("g5.12xlarge", "eu-west-1").source.startswith("reckoned: ")


def test_a_shape_is_what_the_provider_says_it_is() -> None:
    shape = BOOK.shape("g5.12xlarge")
    assert (shape.vcpus, shape.memory_gib, shape.gpus, shape.gpu) == (48, Decimal(192), Decimal(4), "NVIDIA A10G")
    assert (shape.gpu_memory_gib, shape.architectures) == (Decimal("89.40625"), ("x86_64",))
    assert (shape.family, shape.size, shape.generation, shape.series) == ("g5", "12xlarge", 5, "g")
    assert (shape.offered("eu-west-1"), shape.offered("eu-mars-1")) == (True, False)
    assert BOOK.shape("g6f.large").gpus == Decimal("0.125")
    assert not BOOK.shape("p3.8xlarge").current
    assert BOOK.shape("m7g.large").architectures == ("arm64",)


def test_shapes_agree_with_the_answers_of_ec2_that_they_were_taken_from() -> None:
    recorded = Path(str(moto.ec2.__file__)).parent / "resources" / "instance_types.json.gz"
    answers: dict[str, Any] = json.loads(gzip.decompress(recorded.read_bytes()))
    checked = 0
    for shape in BOOK.shapes():
        told = answers.get(shape.instance_type)
        if shape.list != "ec2-2026-10-27" or told is None:
            continue
        checked += 1
        assert shape.vcpus == told["VCpuInfo"]["DefaultVCpus"]
        assert shape.memory_gib * 1024 == told["MemoryInfo"]["SizeInMiB"]
        assert shape.gpu_memory_gib * 1024 == told.get("GpuInfo", {}).get("TotalGpuMemoryInMiB", 0)
        assert shape.current == told["CurrentGeneration"]
    assert checked > 1000


def test_every_price_is_of_a_described_type_and_grows_with_the_size() -> None:
    for (kind, region), one in BOOK.prices.items():
        assert BOOK.shape(kind).vcpus > 0
        half = BOOK.prices.get((f"{kind.partition('.')[0]}.large", region))
        whole = BOOK.prices.get((f"{kind.partition('.')[0]}.xlarge", region))
        if half and whole:
            assert half.per_hour < whole.per_hour
        # a price of dedicated machines among them would stand out; regions differ by up to half
        same = BOOK.prices.get((kind, "us-east-1"))
        assert same is not None
        assert Decimal("0.99") < one.per_hour / same.per_hour < Decimal("1.6")


@pytest.mark.parametrize(
    ("kind", "region", "why"),
    [
        ("x99.large", "us-east-1", "None of its lists prices that type"),
        ("m5.large", "mars-1", "Its lists hold prices of eu-central-1, eu-west-1"),
        ("p5.48xlarge", "eu-west-1", "Its lists price that type in us-east-1 only"),
    ],
)
def test_what_no_list_holds_is_refused_with_the_date_of_the_book(kind: str, region: str, why: str) -> None:
    with pytest.raises(NotInBook, match="price book of 2026-01-19") as refusal:
        BOOK.price(kind, region)
    assert why in refusal.value.why
    assert "price-book" in refusal.value.do


def test_a_type_that_no_list_describes_is_refused() -> None:
    with pytest.raises(NotInBook, match=r"x99\.large is not in the price book of 2026-01-19"):
        BOOK.shape("x99.large")


def test_an_own_book_goes_before_the_shipped_one(folder: Any) -> None:
    prices = "instance_type,region,per_hour,list\nm5.large,eu-central-1,0.09,ours\nm5.large,eu-mars-1,0.5,ours\n"
    book = price_book.own(folder(on_demand=prices))
    found = book.price("m5.large", "eu-central-1")
    assert (found.per_hour, found.currency, found.source) == (Decimal("0.09"), "EUR", "Contract 17")
    assert book.price("m5.large", "eu-mars-1").per_hour == Decimal("0.5")
    assert book.price("m5.xlarge", "eu-central-1") == BOOK.price("m5.xlarge", "eu-central-1")
    assert book.dated == date(2026, 11, 1)
    assert BOOK.price("m5.large", "eu-central-1").currency == "USD"


def test_own_regions_count_without_own_shapes(folder: Any) -> None:
    book = price_book.own(folder(offered="name,regions,list\ng5,eu-mars-1,ours\ng5.xlarge,eu-mars-2,ours\n"))
    assert (book.shape("g5.12xlarge").offered("eu-mars-1"), book.shape("g5.12xlarge").offered("eu-west-1")) == (
        True,
        False,
    )
    assert book.shape("g5.xlarge").offered_in == {"eu-mars-2"}
    assert book.shape("m5.large") == BOOK.shape("m5.large")
    assert BOOK.shape("g5.12xlarge").offered("eu-west-1")


def test_an_own_shape_is_offered_where_the_shipped_one_is(folder: Any) -> None:
    heading = "instance_type,vcpus,memory_gib,gpus,gpu,gpu_memory_gib,architectures,current,list\n"
    book = price_book.own(folder(shapes=f"{heading}g5.12xlarge,48,192,2,,44,x86_64,yes,ours\n"))
    assert book.shape("g5.12xlarge").gpus == Decimal(2)
    assert book.shape("g5.12xlarge").offered_in == BOOK.shape("g5.12xlarge").offered_in


def test_without_an_own_folder_the_shipped_book_is_the_book(tmp_path: Path) -> None:
    assert price_book.own(tmp_path / "none") is BOOK


HEAD = "instance_type,region,per_hour,list\n"


@pytest.mark.parametrize(
    ("files", "line", "why"),
    [
        ({"on_demand": HEAD + "a.large,r,1,ours\na.large,r,one,ours\n"}, 3, "per_hour 'one' is no amount"),
        ({"on_demand": HEAD + "a.large,r,-1,ours\n"}, 2, "is no amount"),
        ({"on_demand": HEAD + "a.large,r,0,ours\n"}, 2, "A price of nothing"),
        ({"on_demand": HEAD + "a.large,r,1,theirs\n"}, 2, "names the list 'theirs'"),
        ({"on_demand": HEAD + ",r,1,ours\n"}, 2, "has no instance_type"),
        ({"on_demand": HEAD + "a.large\n"}, 2, "has no list"),
        ({"on_demand": "instance_type,per_hour\n"}, 1, "lacks the columns region, list"),
        ({"lists": "list,dated,currency,source\nours,soon,EUR,x\n"}, 2, "dated 'soon' is no day"),
        (
            {"lists": "list,dated,currency,source\nours,2026-01-01,,x\n", "on_demand": HEAD + "a,r,1,ours\n"},
            2,
            "no c",
        ),
        ({"lists": 'list,dated,currency,source\n"ours\n'}, 1, "cannot be read as CSV"),
        (
            {
                "shapes": "instance_type,vcpus,memory_gib,gpus,gpu,gpu_memory_gib,architectures,current,list\n"
                "a.large,1.5,1,0,,0,arm64,yes,ours\n"
            },
            2,
            "no whole number of processors",
        ),
    ],
)
def test_a_book_that_cannot_be_used_is_refused_by_its_line(
    files: dict[str, str], line: int, why: str, folder: Any
) -> None:
    with pytest.raises(LakeError, match=rf"line {line}\.") as refusal:
        price_book.own(folder(**files))
    assert why in refusal.value.why
