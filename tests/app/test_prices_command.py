"""`spendgate prices`: a type's shape and prices, each with its list, and the home's own book before the shipped one."""

import json
from pathlib import Path

import pytest

from app.commands import prices
from lake.price_book import NotInBook


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPENDGATE_HOME", str(tmp_path))


def test_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    prices.show("g5.12xlarge", region=None, as_json=False)
    told = capsys.readouterr()
    assert "us-east-1\t5.672\tUSD\t2026-01-19\tpublished" in told.out.splitlines()
    assert "eu-west-1\t6.33166\tUSD\t2025-03-02\treckoned" in told.out.splitlines()
    assert "48 vCPU, 192 GiB, 4 × NVIDIA A10G (89.406 GiB in all), x86_64, earlier generation." in told.err
    assert "Source: AWS Price List" in told.err


def test_a_part_of_an_accelerator_is_not_rounded(capsys: pytest.CaptureFixture[str]) -> None:
    prices.show("g6f.xlarge", region=None, as_json=False)
    assert "0.125 × NVIDIA L4" in capsys.readouterr().err


def test_in_json_with_the_own_book(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "price-book"
    folder.mkdir()
    (folder / "lists.csv").write_text("list,dated,currency,source\nours,2026-11-01,EUR,Contract 17\n")
    (folder / "on_demand.csv").write_text("instance_type,region,per_hour,list\nm5.large,eu-central-1,0.09,ours\n")
    prices.show("m5.large", region="eu-central-1", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["shape"]["vcpus"] == 2
    assert told["prices"] == [
        {
            "region": "eu-central-1",
            "per_hour": "0.09",
            "currency": "EUR",
            "dated": "2026-11-01",
            "source": "Contract 17",
        }
    ]


def test_a_region_that_no_list_prices_is_refused() -> None:
    with pytest.raises(NotInBook, match="is not in the price book of 2026-01-19"):
        prices.show("p5.48xlarge", region="eu-west-1", as_json=False)
