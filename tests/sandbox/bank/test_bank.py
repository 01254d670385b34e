"""The generated bill keeps FOCUS's promises, is the same for the same seed, and tells the truth about itself."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sandbox.bank.write import BankSummary, write_bank

UNTIL = date(2026, 11, 22)
BILL = "read_parquet('{folder}/bill/*/*.parquet')"


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> BankSummary:
    return write_bank(tmp_path_factory.mktemp("bank"), until=UNTIL)


@pytest.fixture(scope="module")
def truth(bank: BankSummary) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((bank.folder / "truth.json").read_text())
    return read


def ask(bank: BankSummary, query: str) -> list[tuple[Any, ...]]:
    """Rows of a query over the bill, which is called `bill` in it."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE VIEW bill AS SELECT * FROM {BILL.format(folder=bank.folder)}")
        return connection.execute(query).fetchall()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(bank: BankSummary, tmp_path: Path) -> None:
    write_bank(tmp_path / "again", until=UNTIL)
    write_bank(tmp_path / "other", until=UNTIL, seed=8)
    first, again, other = (contents(folder) for folder in (bank.folder, tmp_path / "again", tmp_path / "other"))
    assert first == again
    assert first.keys() == other.keys()
    assert not any(first[name] == other[name] for name in first)


def test_every_month_of_every_provider_is_there(bank: BankSummary) -> None:
    found = ask(bank, "SELECT ProviderName, count(DISTINCT BillingPeriodStart) FROM bill GROUP BY ALL ORDER BY 1")
    assert found == [("AWS", 14), ("Anthropic", 14), ("Microsoft", 14), ("OpenAI", 14)]
    assert ask(bank, "SELECT min(ChargePeriodStart)::DATE, max(ChargePeriodStart)::DATE FROM bill") == [
        (date(2025, 10, 1), UNTIL)
    ]


def test_a_month_costs_what_a_mid_sized_bank_pays(bank: BankSummary) -> None:
    months = ask(
        bank, "SELECT sum(EffectiveCost) FROM bill WHERE BillingPeriodStart < '2026-11-01' GROUP BY BillingPeriodStart"
    )
    assert all(800_000 < month[0] < 1_500_000 for month in months)
    assert len(months) == 13


def test_about_eight_percent_of_the_cost_has_no_tags(bank: BankSummary) -> None:
    [(share,)] = ask(bank, "SELECT sum(EffectiveCost) FILTER (Tags IS NULL) / sum(EffectiveCost) FROM bill")
    assert 0.07 < share < 0.09
    assert abs(Decimal(share) - bank.untagged_share) < Decimal("0.0001")


def test_the_truth_adds_up_to_the_bill(bank: BankSummary, truth: dict[str, Any]) -> None:
    [(total,)] = ask(bank, "SELECT sum(EffectiveCost) FROM bill")
    assert total == Decimal(truth["effective_cost"]) == bank.effective_cost
    for month, provider, cost in ask(
        bank, "SELECT strftime(BillingPeriodStart, '%Y-%m'), ProviderName, sum(EffectiveCost) FROM bill GROUP BY ALL"
    ):
        assert cost == Decimal(truth["effective_cost_by_billing_month"][month][provider])


def test_what_was_planted_can_be_found_in_the_bill(bank: BankSummary, truth: dict[str, Any]) -> None:
    kinds = [event["kind"] for event in truth["events"]]
    assert sorted(kinds) == ["level_shift", "new_service", "slow_leak", "slow_leak", "spike"]
    for event in truth["events"]:
        start, end = date.fromisoformat(event["start"]), date.fromisoformat(event["end"])
        before, during = daily_cost(bank, event["series"], start, end)
        assert during > before, event["id"]
        assert Decimal(event["excess_cost"]) > 5_000, event["id"]
        if event["kind"] in ("spike", "level_shift"):
            assert (UNTIL - start).days <= 41, event["id"]


def daily_cost(bank: BankSummary, series: dict[str, str], start: date, end: date) -> tuple[Decimal, Decimal]:
    """Mean effective cost a day of the series in the four weeks before the event, and during it."""
    column = {"provider": "ProviderName", "service": "ServiceName", "region": "RegionId", "resource": "ResourceId",
              "model": "x_model", "workload": "x_workload"}  # fmt: skip
    where = [
        f"{column[name]} = '{value}'" if name in column else f"json_extract_string(Tags, '$.{name}') = '{value}'"
        for name, value in series.items()
    ]
    query = (
        "SELECT coalesce(sum(EffectiveCost) FILTER (day < ?) / 28, 0), sum(EffectiveCost) FILTER (day >= ?) / ? "
        f"FROM (SELECT *, ChargePeriodStart::DATE AS day FROM bill WHERE {' AND '.join(where)}) "
        "WHERE day BETWEEN ? - 28 AND ?"
    )
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE VIEW bill AS SELECT * FROM {BILL.format(folder=bank.folder)}")
        row = connection.execute(query, [start, start, (end - start).days + 1, start, end]).fetchone()
    assert row is not None
    return Decimal(row[0]), Decimal(row[1])
