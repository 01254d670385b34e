"""The rules about keys of gateways, as a table: a row is a sentence, the key that it is of, the verdict, the money."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.changes.change import parse_change
from lake.errors import LakeError
from lake.key_hours import KeyHours
from tools.rules import agent_loop, key_runaway, retry_storm
from tools.rules.configured import thresholds_of
from tools.rules.evidence import Verdict
from tools.rules.own_level import rank
from tools.rules.thresholds import SavingsThresholds

END, HOURS, WINDOW = 500_000, 336, 6
NOW = datetime.fromtimestamp(END * 3600, UTC) + timedelta(minutes=30)
LIMITS = SavingsThresholds()
WASTE, FINE, UNKNOWN = Verdict.WASTE, Verdict.FINE, Verdict.UNKNOWN
PAST, NEWEST = range(END - HOURS, END - WINDOW), range(END - WINDOW, END)
KEY = "0a" * 32


def key(before: str = "1", now: str = "10", **more: Any) -> KeyHours:
    """So many dollars in each hour before and in the newest; ten requests an hour, all alone, none of which fails."""
    costs = {hour: Decimal(before) for hour in PAST} | {hour: Decimal(now) for hour in NEWEST}
    every = [*PAST, *NEWEST]
    made = KeyHours(
        source="litellm", key=KEY, currency="USD", end=END, loaded_at=NOW - timedelta(minutes=20),
        known=frozenset(every), teams={"fraud"}, costs=costs, requests=dict.fromkeys(every, Decimal(10)),
        failed=dict.fromkeys(every, Decimal(0)), session=dict.fromkeys(every, Decimal(1)),
    )  # fmt: skip
    return replace(made, **more)


def counts(before: int, now: int) -> dict[int, Decimal]:
    return dict.fromkeys(PAST, Decimal(before)) | dict.fromkeys(NEWEST, Decimal(now))


def without(counted: dict[int, Decimal], *hours: int) -> dict[int, Decimal]:
    return {hour: value for hour, value in counted.items() if hour not in hours}


LULL = key().costs | {END - 3: Decimal("2.9")}
STORM: dict[str, Any] = {"requests": counts(10, 20), "failed": counts(0, 5)}
LOOP: dict[str, Any] = {"session": counts(2, 150), "requests": counts(10, 160)}
ALL = frozenset([*PAST, *NEWEST])
CASES: list[tuple[str, Any, KeyHours, Verdict | None, str]] = [
    # a day of 24 and a tenth is a budget of 27, 1.125 an hour; 8.875 beyond it are 6,478.75 in a month of 730 hours
    ("ten times its level in each hour", key_runaway, key(), WASTE, "6478.75"),
    ("three times its level, to the dollar", key_runaway, key(now="3"), WASTE, "1368.75"),
    ("just below three times its level", key_runaway, key(now="2.99"), FINE, ""),
    ("one of the newest hours was ordinary", key_runaway, key(costs=LULL), FINE, ""),
    ("it was as dear for a day a week ago: that is its level", key_runaway,
     key(costs=key().costs | dict.fromkeys(PAST[100:124], Decimal(10))), FINE, ""),
    ("one dear hour in two weeks is no level", key_runaway,
     key(costs=key().costs | {PAST[100]: Decimal(500)}), WASTE, "6478.75"),
    ("ninety cents an hour call nobody", key_runaway, key("0.01", "0.9"), None, ""),
    ("two of the newest hours are not known", key_runaway, key(known=ALL - {END - 1, END - 4}), UNKNOWN, ""),
    ("no whole day is known", key_runaway,
     key(known=frozenset(hour for hour in PAST if hour % 24 != 12) | set(NEWEST)), UNKNOWN, ""),
    ("half a week is known", key_runaway, key(known=frozenset([*PAST[-84:], *NEWEST])), UNKNOWN, ""),
    ("the log was pulled yesterday", key_runaway, key(loaded_at=NOW - timedelta(hours=24)), UNKNOWN, ""),
    ("other teams use it too, which the asker does not see", key_runaway, key(whole=False), UNKNOWN, ""),
    ("a loop on a key of which the asker sees a part", agent_loop, key(whole=False, **LOOP), UNKNOWN, ""),
    ("a storm on a key of which the asker sees a part", retry_storm, key(whole=False, **STORM), UNKNOWN, ""),
    ("it is new: nothing to hold it against", key_runaway, key("0", "10"), UNKNOWN, ""),
    # half of the requests are more than usual, at half a dollar each; the budget would refuse more than that
    ("twice the requests, a quarter of which fail", retry_storm, key(**STORM), WASTE, "3650"),
    ("retries for less than its dearest day: a budget would refuse nothing", retry_storm,
     key("2", "2.2", **STORM), FINE, ""),
    ("a budget refuses less than the retries cost", retry_storm, key("2", "4", **STORM), WASTE, "1307.917"),
    ("as many requests as ever, half of which fail", retry_storm, key(failed=counts(0, 5)), FINE, ""),
    ("twice the requests, none of which fails", retry_storm, key(requests=counts(10, 20)), FINE, ""),
    ("as many at this time of day on every day", retry_storm,
     key(requests={hour: Decimal(20 if hour % 24 in {h % 24 for h in NEWEST} else 2) for hour in ALL},
         failed=counts(0, 5)), FINE, ""),
    ("the log tells no failures", retry_storm, key(**STORM | {"failed": {}}), UNKNOWN, ""),
    ("the log tells no requests of one hour", retry_storm,
     key(**STORM | {"requests": without(STORM["requests"], END - 2)}), UNKNOWN, ""),
    ("it sent nothing at this time of day before", retry_storm, key(**STORM | {"requests": counts(0, 20)}), UNKNOWN,
     ""),
    ("a storm for cents", retry_storm, key("0.1", "0.2", **STORM), None, ""),
    # nine dollars an hour beyond an ordinary one
    ("one session, 150 requests in each hour", agent_loop, key(**LOOP), WASTE, "6570"),
    ("many requests of many sessions", agent_loop, key(requests=counts(10, 900)), FINE, ""),
    ("one session, and it was always so", agent_loop, key(session=counts(149, 150)), FINE, ""),
    ("119 in one of the newest hours", agent_loop, key(session=counts(2, 150) | {END - 1: Decimal(119)}), FINE, ""),
    ("nothing in one of the newest hours: it paused", agent_loop,
     key(session=without(counts(2, 150), END - 1), costs=without(key().costs, END - 1)), FINE, ""),
    ("the log tells no sessions", agent_loop, key(session={}), UNKNOWN, ""),
    ("a loop for cents", agent_loop, key("0.1", "0.2", **LOOP), None, ""),
]  # fmt: skip


@pytest.mark.parametrize(("what", "rule", "use", "verdict", "saving"), CASES, ids=[row[0] for row in CASES])
def test_the_rule_says(what: str, rule: Any, use: KeyHours, verdict: Verdict | None, saving: str) -> None:
    said = rule.judge(use, LIMITS, now=NOW)
    assert (said.finding.verdict if said else None) == verdict
    if said is None:
        return
    assert (said.money is not None) == (said.change is not None) == (verdict == WASTE)
    assert bool(said.finding.missing) == (verdict == UNKNOWN)
    if said.money is not None:
        assert abs(said.money.cash - Decimal(saving)) < Decimal("0.01")
        assert said.money.low <= said.money.cash <= said.money.high
        parse_change(said.change)


def test_every_rule_has_a_row_that_fires_one_that_does_not_and_one_that_is_unknown() -> None:
    for rule in (key_runaway, retry_storm, agent_loop):
        assert {row[3] for row in CASES if row[1] is rule} == {WASTE, FINE, UNKNOWN, None}


def test_a_budget_is_the_dearest_whole_day_and_a_tenth_in_whole_dollars() -> None:
    said = key_runaway.judge(key(), LIMITS, now=NOW)
    assert said is not None
    assert said.change == {
        "kind": "set_gateway_budget", "account": "litellm", "key": KEY, "after": {"max_budget": "27", "duration": "1d"},
    }  # fmt: skip


def test_the_amount_that_people_decide_by_is_what_it_usually_costs() -> None:
    said = agent_loop.judge(key(**LOOP), LIMITS, now=NOW)
    assert said is not None
    assert said.money is not None
    assert said.money.annual_cost == Decimal(730 * 12)
    assert said.money.low == Decimal(9 * 24)


def test_a_key_that_the_log_does_not_name_by_its_hash_cannot_be_changed() -> None:
    for rule, use in ((key_runaway, key(key="no key")), (agent_loop, key(key="key-chat", **LOOP))):
        said = rule.judge(use, LIMITS, now=NOW)
        assert said is not None
        assert (said.finding.verdict, said.change) == (WASTE, None)


@pytest.mark.parametrize("given_", ["window_hours = 0", "window_hours = 49", "level_percent = 101", "times = 3"])
def test_limits_by_which_nothing_could_be_judged_are_refused(given_: str) -> None:
    with pytest.raises(LakeError, match="cannot be used"):
        thresholds_of(f"[gateway]\n{given_}\n", name="savings.toml")


@given(st.lists(st.integers(0, 99), min_size=1, max_size=300))
def test_the_level_has_the_share_of_hours_below_or_at_it_and_no_smaller_one_has(values: list[int]) -> None:
    hours = [Decimal(value) for value in values]
    level = rank(hours, Decimal("0.995"))
    assert level in hours
    assert sum(one <= level for one in hours) >= Decimal("0.995") * len(hours)
    assert sum(one < level for one in hours) < Decimal("0.995") * len(hours)
