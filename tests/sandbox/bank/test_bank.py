"""The generated bank is the same for the same seed, looks like a bank, and tells the truth about itself."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.bank.errors import BankError
from sandbox.bank.events import level_shift_day, spike_day
from sandbox.bank.write import BankSummary, write_bank
from tests.sandbox.bank.conftest import UNTIL, Ask

AI = "(ServiceCategory = 'AI and Machine Learning' OR json_extract_string(SkuPriceDetails, '$.GpuCount') IS NOT NULL)"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(bank: BankSummary, tmp_path: Path) -> None:
    write_bank(tmp_path / "again", until=UNTIL)
    write_bank(tmp_path / "other", until=UNTIL, seed=8)
    first, again, other = (contents(folder) for folder in (bank.folder, tmp_path / "again", tmp_path / "other"))
    assert first == again
    assert first.keys() == other.keys()
    assert {name for name in first if first[name] == other[name]} == {"calendar.csv"}  # holidays are nobody's chance


def test_every_month_of_every_provider_is_there(ask: Ask) -> None:
    found = ask("SELECT ProviderName, count(DISTINCT BillingPeriodStart) FROM bill GROUP BY ALL ORDER BY 1")
    assert found == [("AWS", 14), ("Anthropic", 14), ("Microsoft", 14), ("OpenAI", 14)]
    assert ask("SELECT min(ChargePeriodStart)::DATE, max(ChargePeriodStart)::DATE FROM bill") == [
        (date(2025, 10, 1), UNTIL)
    ]


def test_a_month_costs_what_a_mid_sized_bank_pays_and_a_third_to_a_half_of_it_is_ai(ask: Ask) -> None:
    months = ask(
        f"SELECT sum(EffectiveCost), sum(EffectiveCost) FILTER ({AI}) FROM bill "
        "WHERE BillingPeriodStart < '2026-11-01' GROUP BY BillingPeriodStart"
    )
    assert len(months) == 13
    for total, ai in months:
        assert 800_000 < total < 1_500_000
        assert Decimal("0.33") < ai / total < Decimal("0.5")


def test_about_eight_percent_of_the_cost_has_no_tags(ask: Ask, bank: BankSummary) -> None:
    [(share,)] = ask("SELECT sum(EffectiveCost) FILTER (Tags IS NULL) / sum(EffectiveCost) FROM bill")
    assert 0.07 < share < 0.09
    assert abs(Decimal(share) - bank.untagged_share) < Decimal("0.0001")


def test_every_use_case_and_environment_and_both_workloads_have_cost(ask: Ask) -> None:
    def values(key: str) -> set[str]:
        query = "SELECT DISTINCT json_extract_string(Tags, ?) FROM bill WHERE Tags IS NOT NULL"
        return {value for (value,) in ask(query, f"$.{key}") if value}

    assert values("use_case") == {
        "fraud-detection",
        "credit-scoring",
        "claims",
        "treasury-forecasting",
        "kyc-assistant",
        "developer-copilot",
    }
    assert values("environment") == {"production", "staging", "development"}
    assert values("workload") == {"training", "inference"}
    assert {"team", "project", "cost_centre", "owner", "model"} <= {
        key for (keys,) in ask("SELECT DISTINCT json_keys(Tags) FROM bill WHERE Tags IS NOT NULL") for key in keys
    }


def test_weeks_month_ends_and_earnings_seasons_show(ask: Ask) -> None:
    copilot = "json_extract_string(Tags, '$.use_case') = 'developer-copilot' AND x_token_class IS NOT NULL"
    [(weekend,)] = ask(
        "SELECT avg(cost) FILTER (isodow(day) > 5) / avg(cost) FILTER (isodow(day) <= 5) FROM (SELECT "
        f"ChargePeriodStart::DATE AS day, sum(EffectiveCost) AS cost FROM bill WHERE {copilot} GROUP BY day)"
    )
    assert weekend < 0.35
    treasury = "json_extract_string(Tags, '$.use_case') = 'treasury-forecasting' AND x_token_class IS NOT NULL"
    [(season,)] = ask(
        f"SELECT sum(EffectiveCost) FILTER (ChargePeriodStart::DATE BETWEEN '2026-07-13' AND '2026-08-06') / "
        "sum(EffectiveCost) FILTER (ChargePeriodStart::DATE BETWEEN '2026-06-15' AND '2026-07-07') FROM bill "
        f"WHERE {treasury}"
    )
    assert season > 1.5
    [(month_end,)] = ask(
        "SELECT avg(cost) FILTER (near) / avg(cost) FILTER (NOT near) FROM (SELECT ChargePeriodStart::DATE AS day, "
        "(day(day + 3) <= 3 OR day(day) <= 2) AS near, sum(EffectiveCost) AS cost FROM bill "
        "WHERE ServiceName = 'AWS Glue' GROUP BY ALL)"
    )
    assert month_end > 1.2


def test_the_truth_adds_up_to_the_bill(ask: Ask, bank: BankSummary, truth: dict[str, Any]) -> None:
    [(total,)] = ask("SELECT sum(EffectiveCost) FROM bill")
    assert total == Decimal(truth["effective_cost"]) == bank.effective_cost
    for month, provider, cost in ask(
        "SELECT strftime(BillingPeriodStart, '%Y-%m'), ProviderName, sum(EffectiveCost) FROM bill GROUP BY ALL"
    ):
        assert cost == Decimal(truth["effective_cost_by_billing_month"][month][provider])


COLUMNS = {
    "provider": "ProviderName",
    "service": "ServiceName",
    "region": "RegionId",
    "resource": "ResourceId",
    "model": "x_model",
    "workload": "x_workload",
}


def test_what_was_planted_can_be_found_in_the_bill(ask: Ask, truth: dict[str, Any]) -> None:
    kinds = [event["kind"] for event in truth["events"]]
    assert sorted(kinds) == ["level_shift", "new_service", "slow_leak", "slow_leak", "spike"]
    for event in truth["events"]:
        where = " AND ".join(
            f"{COLUMNS[name]} = '{value}'" if name in COLUMNS else f"json_extract_string(Tags, '$.{name}') = '{value}'"
            for name, value in event["series"].items()
        )
        start, end = date.fromisoformat(event["start"]), date.fromisoformat(event["end"])
        days = "ChargePeriodStart::DATE BETWEEN ? AND ?"
        query = f"SELECT coalesce(sum(EffectiveCost), 0) FROM bill WHERE {where} AND {days}"
        [(before,)] = ask(query, start - timedelta(days=28), start - timedelta(days=1))
        [(during,)] = ask(query, start, end)
        assert during / ((end - start).days + 1) > Decimal("1.15") * before / 28, event["id"]
        assert during >= Decimal(event["excess_cost"]) > 5_000, event["id"]
        if event["kind"] == "new_service":
            assert before == 0
            assert during == Decimal(event["excess_cost"])


def test_the_jump_of_the_last_complete_month_is_the_level_shift(ask: Ask, truth: dict[str, Any]) -> None:
    moved = ask(
        "SELECT json_extract_string(Tags, '$.team'), ServiceName, "
        "coalesce(sum(EffectiveCost) FILTER (month = '2026-10'), 0) - "
        "coalesce(sum(EffectiveCost) FILTER (month = '2026-09'), 0) AS moved "
        f"FROM (SELECT *, strftime(ChargePeriodStart, '%Y-%m') AS month FROM bill WHERE {AI}) "
        "GROUP BY ALL ORDER BY abs(moved) DESC LIMIT 2"
    )
    [shift] = [event for event in truth["events"] if event["kind"] == "level_shift"]
    assert moved[0][:2] == (shift["series"]["team"], shift["series"]["service"])
    assert moved[0][2] > 2 * abs(moved[1][2])


@pytest.mark.parametrize("offset", range(0, 400, 3))
def test_spike_and_shift_are_recent_whatever_the_day(offset: int) -> None:
    until = date(2026, 1, 1) + timedelta(days=offset)
    shift, spike = level_shift_day(until), spike_day(until)
    assert 7 <= (until - spike).days <= 14
    assert spike.weekday() == 1
    assert 10 <= (until - shift).days <= 40
    assert (shift.year, shift.month) != (until.year, until.month)


@pytest.mark.parametrize("until", [date(2024, 2, 29), date(2026, 1, 1), date(2026, 7, 31)])
def test_any_day_can_be_the_last(tmp_path: Path, until: date) -> None:
    summary = write_bank(tmp_path / "bank", until=until, months=6)
    assert (summary.first, summary.until) == (_months_before(until, 5), until)
    assert Decimal("0.07") < summary.untagged_share < Decimal("0.09")


def _months_before(day: date, months: int) -> date:
    count = day.year * 12 + day.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


def test_too_few_months_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BankError, match="at least 6 months"):
        write_bank(tmp_path / "bank", until=UNTIL, months=3)
    assert not (tmp_path / "bank").exists()


def test_an_older_bank_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write_bank(tmp_path, until=date(2025, 3, 3), months=6)
    write_bank(tmp_path, until=date(2026, 3, 3), months=6, csv=True)
    files = sorted(path.name for path in (tmp_path / "bill" / "aws").iterdir())
    assert files == [f"{month}.csv" for month in ("2025-10", "2025-11", "2025-12", "2026-01", "2026-02", "2026-03")]
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == ["bill", "calendar.csv", "machines.json", "truth.json", "usage"]


def test_somebody_elses_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(BankError, match=r"thesis\.txt") as refused:
        write_bank(tmp_path, until=UNTIL)
    assert "--into" in refused.value.do
    assert contents(tmp_path) == {"thesis.txt": b"years of work"}


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bank").write_text("not a folder")
    for folder in (tmp_path / "bank", tmp_path / "bank" / "below"):
        with pytest.raises(BankError, match="cannot be written"):
            write_bank(folder, until=UNTIL)


def test_an_error_while_writing_leaves_the_older_bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bank(tmp_path, until=UNTIL, months=6)
    before = contents(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sandbox.bank.write._write_json", full)
    with pytest.raises(BankError, match="No space left on device"):
        write_bank(tmp_path, until=UNTIL, seed=9, months=6)
    assert contents(tmp_path) == before


def test_launches_and_purchases_are_told_as_ordinary_changes(ask: Ask, truth: dict[str, Any]) -> None:
    whats = {change["what"].split(":")[0] for change in truth["ordinary_changes"]}
    assert whats == {"machine launched", "machine stopped", "reservation bought", "migration credit ended"}
    for change in truth["ordinary_changes"]:
        if change["what"] == "machine launched":
            first = ask("SELECT min(ChargePeriodStart)::DATE FROM bill WHERE ResourceId = ?", change["resource"])
            assert first == [(date.fromisoformat(change["day"]),)]
        if change["what"] == "machine stopped":
            last = ask("SELECT max(ChargePeriodStart)::DATE FROM bill WHERE ResourceId = ?", change["resource"])
            assert last == [(date.fromisoformat(change["day"]) - timedelta(days=1),)]
