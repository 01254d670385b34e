"""The rules about keys of gateways on the bank's proxy: what was planted is found, nothing else, at the planted sum."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from approvals.changes.change import parse_change
from lake.load import ingest
from sandbox.bank.waste_gateway import gateway_log, gateway_truth
from sandbox.bank.write import write_bank
from tests.tools.gateway_log import FIRST, pulled, request
from tests.tools.small_bill import Asked, charge, days_of, desk_of, written
from tools.desk import Desk
from tools.gateway_rules import judged_keys
from tools.propose import propose_change
from tools.savings import find_savings

pytestmark = pytest.mark.slow

UNTIL = date(2026, 10, 31)
NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("gateway")
    lake = pulled(folder, gateway_log(UNTIL), now=NOW)
    _bill(lake, folder)
    return desk_of(lake, now=NOW, propose=Asked())


def _bill(lake: Any, folder: Path) -> None:
    """A bill of something else, so that there are days to look back on."""
    rows = [charge(day, "5", team="fraud") for day in days_of(date(2026, 10, 20), 12)]
    ingest(lake, [written(folder / "bill.csv", rows)], now=NOW)


@pytest.fixture(scope="module")
def told(desk: Desk) -> dict[tuple[str, str], Any]:
    return {(one.resource.resource_id, one.judged.form.name): one for one in judged_keys(desk)}


def test_all_that_was_planted_is_found_and_nothing_else(told: dict[tuple[str, str], Any]) -> None:
    planted = {(one["resource"], one["rule"]): one["verdict"] for one in gateway_truth(UNTIL)}
    assert {name: str(one.verdict) for name, one in told.items()} == planted
    assert sorted(planted.values()).count("waste") == 4


def test_the_money_is_the_planted_truth(told: dict[tuple[str, str], Any]) -> None:
    for one in gateway_truth(UNTIL):
        if one["verdict"] != "waste":
            continue
        made = told[one["resource"], one["rule"]].judged.money
        saving = Decimal(one["saving_per_month"])
        assert abs(made.cash - saving) <= saving / 1_000_000, one["name"]
        assert made.low <= made.cash <= made.high


def test_a_row_says_why_and_what_is_missing(told: dict[tuple[str, str], Any]) -> None:
    truth = {(one["name"], one["rule"]): one["resource"] for one in gateway_truth(UNTIL)}
    lacks = told[truth["old-proxy", "agent_loop"], "agent_loop"].judged.finding.missing
    assert any("which requests belong together in 336 hours" in one for one in lacks)
    loop = told[truth["research-agent", "agent_loop"], "agent_loop"]
    assert "one session sent at least 150 requests in each of 6 hours" in loop.judged.why


def test_the_list_shows_them_as_estimates_in_no_total(desk: Desk) -> None:
    result = find_savings(desk, top=100)
    mine = [row for row in result.rows if row.texts.get("rule") in ("key_runaway", "retry_storm", "agent_loop")]
    assert len([row for row in mine if row.texts["verdict"] == "waste"]) == 4
    assert not result.totals
    assert any("in no total" in note for note in result.notes)


def test_each_can_be_asked_for_and_a_budget_is_the_dearest_day_and_a_tenth(desk: Desk) -> None:
    for one in gateway_truth(UNTIL):
        if one["verdict"] != "waste":
            continue
        kind = "block_gateway_key" if one["rule"] == "agent_loop" else "set_gateway_budget"
        result = propose_change(desk, target=one["resource"], kind=kind)
        assert result.error is None, one["name"]
        wanted = desk.propose.wanted[-1]  # type: ignore[attr-defined]
        assert parse_change(wanted.change).resource == f"litellm:{one['resource']}"
        assert wanted.evidence["rule"] == one["rule"]
        assert wanted.evidence["team"] == one["team"]
        assert wanted.evidence["saving"] is None, "what a card and the totals of proposals would call a saving"
        assert Decimal(wanted.evidence["amount"]) > 0
        money = [figure["label"] for figure in wanted.evidence["figures"] if "a month" in figure["label"]]
        assert money
        assert all("by the gateway's estimate" in label for label in money)
        if one["name"] == "kyc-agent":
            # ten office hours of 4.00 and fourteen of 2.00 are 68.00 dollars a day
            assert wanted.change["after"] == {"max_budget": "75", "duration": "1d"}


def test_nothing_of_another_team_is_told(desk: Desk) -> None:
    theirs = Desk(lake=desk.lake, now=NOW, speaker="p-1", scope=("credit-risk",))
    assert {one.resource.team for one in judged_keys(theirs)} == {"credit-risk"}


@pytest.mark.parametrize("scope", [("claims",), ("*",)], ids=["one of them", "all"])
def test_a_key_that_teams_share_is_judged_only_by_who_sees_all_of_it(tmp_path: Path, scope: tuple[str, ...]) -> None:
    """A budget reckoned from one team's part would refuse what the others do with it every day."""
    shared, hours, name = "claude-sonnet-4-5", 24 * 15, "0b" * 32
    rows = [
        request((team, shared, name), FIRST + timedelta(hours=hour, minutes=number), Decimal(cost))
        for hour in range(hours)
        for number, (team, cost) in enumerate((("fraud", 9), ("claims", 1 if hour < hours - 8 else 90)))
    ]
    now = FIRST + timedelta(hours=hours)
    asks = Desk(lake=pulled(tmp_path, rows, now=now), now=now, speaker="p-1", scope=scope)
    (found,) = [one for one in judged_keys(asks) if one.judged.form.name == "key_runaway"]
    if scope == ("*",):
        assert found.judged.change is not None
        assert found.judged.change["after"] == {"max_budget": "264", "duration": "1d"}
    else:
        assert (str(found.verdict), found.judged.change) == ("unknown", None)
        assert any("you see only some of them" in one for one in found.judged.finding.missing)


def test_an_old_log_tells_of_no_now(desk: Desk) -> None:
    later = Desk(lake=desk.lake, now=NOW + timedelta(hours=9), speaker="p-1", scope=("*",))
    verdicts = {str(one.verdict) for one in judged_keys(later)}
    assert verdicts == {"unknown"}


@pytest.mark.slow
def test_the_bank_with_waste_has_this_log(tmp_path: Path) -> None:
    write_bank(tmp_path / "bank", until=UNTIL, months=6, waste=True)
    assert json.loads((tmp_path / "bank" / "gateway.json").read_text())["data"] == gateway_log(UNTIL)
    assert json.loads((tmp_path / "bank" / "truth.json").read_text())["gateway"] == gateway_truth(UNTIL)
