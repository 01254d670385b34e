"""The rule about access keys, as a table; and on lists of keys as they are kept, shown and asked for."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from approvals.changes.change import parse_change
from lake.access_keys import AccessKey, KeyList, keep, kept
from lake.errors import LakeError
from tests.tools.small_bill import Asked, charge, days_of, desk_of, lake_of
from tools.key_rules import judged_access_keys
from tools.propose import propose_change
from tools.rules import unused_key
from tools.rules.evidence import Verdict
from tools.rules.thresholds import SavingsThresholds
from tools.savings import find_savings

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
WASTE, FINE, UNKNOWN = Verdict.WASTE, Verdict.FINE, Verdict.UNKNOWN
ID, ACCOUNT = "AKIAX0123456789ABCDE", "205918374466"


def key(made: int = 500, used: int | None = None, **more: Any) -> AccessKey:
    """Made, and last used, so many days ago."""
    last = None if used is None else NOW - timedelta(days=used)
    return replace(AccessKey("old-job", ID, True, NOW - timedelta(days=made), last, "fraud", "production"), **more)


def told(one: AccessKey, hours: int = 1) -> KeyList:
    return KeyList(ACCOUNT, NOW - timedelta(hours=hours), (one,))


CASES: list[tuple[str, Any, KeyList, Verdict | None, str]] = [
    ("was never used, and made long ago", unused_key, told(key()), WASTE, "0"),
    ("was last used ninety days ago, to the day", unused_key, told(key(used=90)), WASTE, "0"),
    ("was last used a day later", unused_key, told(key(used=89)), FINE, ""),
    ("was never used, and is new", unused_key, told(key(made=20)), FINE, ""),
    ("is disabled already", unused_key, told(key(active=False)), None, ""),
    ("the list is three days old: somebody may have used it since", unused_key, told(key(), 72), UNKNOWN, ""),
    ("an old list, by which it was in use: that is known", unused_key, told(key(used=10), 72), FINE, ""),
]


@pytest.mark.parametrize(("what", "rule", "listed", "verdict", "saving"), CASES, ids=[row[0] for row in CASES])
def test_the_rule_says(what: str, rule: Any, listed: KeyList, verdict: Verdict | None, saving: str) -> None:
    said = rule.judge(listed.keys[0], listed, SavingsThresholds(), now=NOW)
    assert (said.finding.verdict if said else None) == verdict
    if said is None:
        return
    assert (said.money is not None) == (said.change is not None) == (verdict == WASTE)
    assert bool(said.finding.missing) == (verdict == UNKNOWN)
    if said.money is not None:
        assert said.money.cash == said.money.high == Decimal(saving)
        assert parse_change(said.change).target == ID


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    """A bill of something else in euros, and one list of keys beside it."""
    rows = [charge(day, "5", team="fraud", BillingCurrency="EUR") for day in days_of(date(2026, 11, 1), 18)]
    lake = lake_of(tmp_path, rows, now=NOW)
    both = (key(), key(user="claims-job", key_id="AKIAX0123456789ABCDF", team="claims"))
    keep(lake.store.folder, replace(told(key()), keys=both))
    return desk_of(lake, now=NOW, propose=Asked())


def test_a_list_is_read_as_it_was_kept(desk: Any) -> None:
    (listed,) = kept(desk.lake.store.folder)
    assert listed.keys[0] == key()
    keep(desk.lake.store.folder, replace(listed, keys=()))
    assert kept(desk.lake.store.folder)[0].keys == ()


def test_it_is_listed_beside_the_bill_and_in_no_total(desk: Any) -> None:
    result = find_savings(desk)
    mine = [row for row in result.rows if row.texts.get("rule") == "unused_access_key"]
    assert [row.names["name"] for row in mine] == ["old-job", "claims-job"]
    assert "never used, made on" in mine[0].texts["why"]
    assert not result.totals


def test_it_can_be_asked_for_and_promises_no_saving(desk: Any) -> None:
    result = propose_change(desk, target="old-job")
    assert result.error is None
    (wanted,) = desk.propose.wanted
    assert wanted.change["kind"] == "disable_access_key"
    assert wanted.evidence["saving"] is None
    assert Decimal(wanted.evidence["amount"]) == 0


def test_another_teams_key_is_not_told(desk: Any) -> None:
    theirs = replace(desk, scope=("claims",))
    assert [one.resource.name for one in judged_access_keys(theirs)] == ["claims-job"]


@pytest.mark.parametrize("body", ["{", "[]", '{"account": "1", "loaded_at": "x", "keys": []}', '{"keys": [1]}'])
def test_a_damaged_list_is_told_and_not_passed_over(desk: Any, body: str) -> None:
    (desk.lake.store.folder / "access-keys" / f"{ACCOUNT}.json").write_text(body)
    with pytest.raises(LakeError, match="cannot be read"):
        kept(desk.lake.store.folder)
    assert json.loads(find_savings(desk).model_dump_json())["error"]["do"].endswith("spendgate usage keys.")
