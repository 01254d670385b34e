"""Bursts of hours from a gateway's log: found before any bill, in the asker's scope, always told as an estimate."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from lake import allocation, hourly
from lake.hourly import hour_of
from lake.load import ingest
from tests.tools.gateway_log import BATCH, CHAT, CLAIMS, FIRST, log_of, office, pulled, request
from tests.tools.small_bill import charge, days_of, desk_of, lake_of, written
from tools.anomalies import find_anomalies
from tools.bursts import ESTIMATE, bursts_now, find_bursts
from tools.catalogue import bind
from tools.detection.thresholds import AnomalyThresholds, HourThresholds

HOURS = 24 * 7 * 3 + 24 * 2 + 11  # a Wednesday, eleven o'clock
NOW = FIRST + timedelta(hours=HOURS, minutes=15)
LAST = HOURS - 1


def test_a_burst_is_told_within_the_hour_as_an_estimate_and_to_the_last_digit(tmp_path: Path) -> None:
    lake = pulled(tmp_path, log_of(HOURS, {(CHAT, LAST): "60.123456"}), now=NOW)
    desk = desk_of(lake, now=NOW)
    told = find_bursts(desk)
    assert ESTIMATE in told.notes
    [row] = told.rows
    assert (row.names["team"], row.names["model"], row.names["api_key"]) == CHAT
    assert row.texts["from"] == (FIRST + timedelta(hours=LAST)).isoformat()
    assert "still going on" in row.texts["hours"]
    figure = told.figure(row.figures["actual"])
    assert figure is not None
    assert figure.value == office(LAST) + Decimal("60.123456")
    assert figure.label.startswith("Estimated cost")
    assert not told.complete
    # What others may not see, they are not told; nor is it listed for another day.
    assert find_bursts(desk_of(lake, now=NOW, scope=("claims",))).rows == ()
    assert len(find_bursts(desk, where={"team": "fraud"}, period="2026-09-30").rows) == 1
    assert find_bursts(desk, period="2026-09-29").rows == ()
    # Ten minutes after its end an hour is settled, a minute before that it is not.
    desk.now = FIRST + timedelta(hours=HOURS, minutes=9)
    assert bursts_now(desk).bursts == ()
    # A limit of the team's own, and one of everybody.
    desk.now, desk.team_anomalies = NOW, {"fraud": AnomalyThresholds(hours=HourThresholds(least_excess=Decimal(500)))}
    assert [dict(one.names).get("team") for one in bursts_now(desk).bursts] == [None]
    desk.anomalies = AnomalyThresholds(hours=HourThresholds(least_excess=Decimal(500)))
    assert bursts_now(desk).bursts == ()
    error = find_bursts(desk, where={"region": "us-east-1"}).error
    assert error is not None
    assert "region" in error.what


@pytest.mark.slow
def test_an_assistant_that_asks_of_hours_is_told_of_bursts(tmp_path: Path) -> None:
    """By a period that no bill knows: the tool's description has no word more for it."""
    desk = desk_of(pulled(tmp_path, log_of(HOURS, {(CHAT, LAST): "60"}), now=NOW), now=NOW)
    [tool] = [one for one in bind(desk) if one.name == "find_anomalies"]
    told = json.loads(tool.invoke({"period": "last 24 hours"}))
    assert ESTIMATE in told["notes"]
    assert "key-chat" in json.dumps(told["rows"])


def test_an_assistant_that_asks_of_the_last_hours_is_told_of_these_alone(tmp_path: Path) -> None:
    """The burst ended five hours ago: it is news still, and none of the last three hours."""
    now = NOW + timedelta(hours=5)
    desk = desk_of(pulled(tmp_path, log_of(HOURS + 5, {(CHAT, LAST): "60"}), now=now), now=now)
    [tool] = [one for one in bind(desk) if one.name == "find_anomalies"]
    for period, told in (("last 3 hours", 0), ("last 24 hours", 1), ("the last hours", 1)):
        assert len(json.loads(tool.invoke({"period": period})).get("rows", [])) == told, period


@pytest.mark.slow
def test_what_one_cause_raised_is_told_once(tmp_path: Path) -> None:
    """A small rise of both of a team's keys is the team's; a large one of each is two."""
    small = {(key, LAST): "18" for key in (CHAT, BATCH)}
    desk = desk_of(pulled(tmp_path / "small", log_of(HOURS, small), now=NOW), now=NOW)
    assert [one.names for one in bursts_now(desk).bursts] == [(("team", "fraud"),)]


def test_who_asks_of_one_key_is_told_of_its_burst_though_it_is_a_part_of_a_larger_one(tmp_path: Path) -> None:
    """Forty of the eighty-two dollars that everything cost too much are one key's: told as the whole, and as its own
    to whoever asks of that key or team."""
    more = {(CHAT, LAST): "40", (BATCH, LAST): "18", (CLAIMS, LAST): "24"}
    desk = desk_of(pulled(tmp_path, log_of(HOURS, more), now=NOW), now=NOW)
    assert [one.names for one in bursts_now(desk).bursts] == [()]
    [row] = find_bursts(desk, where={"api_key": CHAT[2]}).rows
    assert row.names["api_key"] == CHAT[2]
    assert [row.names["team"] for row in find_bursts(desk, where={"team": "fraud"}).rows] == ["fraud"]


def test_one_series_at_a_time_or_all_at_once_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = {(CHAT, LAST): "40", (BATCH, LAST - 1): "90", (CLAIMS, LAST): "24"}
    desk = desk_of(pulled(tmp_path, log_of(HOURS, more), now=NOW), now=NOW)
    at_once = bursts_now(desk).bursts
    assert at_once
    monkeypatch.setattr("tools.bursts.BLOCK", 1)
    assert bursts_now(desk).bursts == at_once


@pytest.mark.slow
def test_gaps_duplicates_and_late_hours_raise_nothing(tmp_path: Path) -> None:
    """Two days of which nothing came, rows that came twice, an hour that came later: no alarm, and no hour twice."""
    hours, now = HOURS + 168, NOW + timedelta(weeks=1)
    rows = log_of(hours, missing=range(hours - 60, hours - 12))
    late = FIRST + timedelta(hours=hours - 1, minutes=40)
    lake = pulled(tmp_path, [*rows, *rows[-400:]], now=now)
    assert bursts_now(desk_of(lake, now=now)).bursts == ()
    [source] = hourly.of_gateways(lake, now=now, hours=hours)
    [chat] = [one for one in source.series if one.names["api_key"] == CHAT[2]]
    assert chat.costs[hour_of(now) - 1] == office(hours - 1)
    assert hour_of(FIRST) + hours - 30 not in chat.known
    rows.append(request(CHAT, late, Decimal(90)))
    later = now + timedelta(minutes=20)
    lake = pulled(tmp_path, rows, now=later)
    [burst] = bursts_now(desk_of(lake, now=later)).bursts
    assert burst.actual == office(hours - 1) + 90


@pytest.mark.parametrize("days", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_little_history_is_said_and_raises_nothing(tmp_path: Path, days: int) -> None:
    hours = days * 24 + 11
    now = FIRST + timedelta(hours=hours, minutes=15)
    told = find_bursts(desk_of(pulled(tmp_path, log_of(hours, {(CHAT, hours - 1): "500"}), now=now), now=now))
    assert told.rows == ()
    assert told.title.startswith("Too little history")
    assert any("not enough history" in note for note in told.notes)


@pytest.mark.slow
def test_a_clock_change_moves_no_hour(tmp_path: Path) -> None:
    """The night of 25 October has an hour twice in Europe and once in UTC: each request stays in its own hour."""
    change = int((FIRST.replace(month=10, day=25) - FIRST) / timedelta(hours=1))
    hours = change + 30
    rows = log_of(hours)
    for row in rows:  # as a proxy in Berlin writes it down: summer time until one o'clock UTC, then winter time
        at = datetime.fromisoformat(row["startTime"])
        off = timedelta(hours=2 if at < FIRST + timedelta(hours=change + 1) else 1)
        row["startTime"] = f"{(at + off).replace(tzinfo=None).isoformat()}+0{off.seconds // 3600}:00"
    now = FIRST + timedelta(hours=hours, minutes=15)
    lake = pulled(tmp_path, rows, now=now)
    [source] = hourly.of_gateways(lake, now=now, hours=hours)
    first = hour_of(FIRST)
    assert all(one.known == frozenset(range(first, first + hours)) for one in source.series)
    [chat] = [one for one in source.series if one.names["api_key"] == CHAT[2]]
    assert [chat.costs[first + hour] for hour in range(hours)] == [office(hour) for hour in range(hours)]
    assert bursts_now(desk_of(lake, now=now)).bursts == ()


def test_days_are_no_hours_and_the_bill_knows_nothing_of_a_burst(tmp_path: Path) -> None:
    """Estimates of whole days, as earlier versions kept them, raise nothing; what the bill's judgement says of its days
    is the same with the gateway beside it and without."""
    bill = [charge(day, "240", team="fraud") for day in days_of(FIRST.date(), 50)]
    lake = lake_of(tmp_path, bill, now=NOW)
    before = find_anomalies(desk_of(lake, now=NOW))
    rows = [
        charge(day, "0", EffectiveCost="5000", x_cost_source="gateway_estimate", x_team="fraud")
        for day in days_of(FIRST.date(), 50)
    ]
    ingest(allocation.beside(lake), [written(tmp_path / "days.csv", rows)], now=NOW, source="litellm")
    assert find_bursts(desk_of(lake, now=NOW)).rows == ()
    after = find_anomalies(desk_of(lake, now=NOW))
    assert (before.rows, before.figures, before.notes) == (after.rows, after.figures, after.notes)


MODEL = "anthropic.claude-sonnet-4-5"


def tokens_of(hours: int, more: int = 0) -> list[dict[str, str]]:
    """A model's tokens by the hour: a thousand times what the office costs, and `more` in the last one."""
    counts = [int(office(hour) * 1000) + (more if hour == hours - 1 else 0) for hour in range(hours)]
    return [
        {"ResourceId": MODEL, "HourStart": (FIRST + timedelta(hours=hour)).isoformat(), "tokens": str(count)}
        for hour, count in enumerate(counts)
    ]


def test_counted_tokens_are_priced_as_the_bill_prices_them(tmp_path: Path) -> None:
    """Two dollars for a thousand tokens on the bill, sixty thousand tokens more in the last hour: 120 dollars."""
    daily = [sum(int(office(24 * day + hour) * 1000) for hour in range(24)) for day in range(20)]
    bill = [
        charge(day, str(Decimal(count) / 500), team="fraud", ResourceId=MODEL)
        for day, count in zip(days_of(FIRST.date(), 20), daily, strict=True)
    ]
    lake = lake_of(tmp_path / "burst", bill, usage=tokens_of(HOURS, 60_000), now=NOW)
    told = find_bursts(desk_of(lake, now=NOW))
    [row] = told.rows
    assert (row.names["resource"], row.names["team"]) == (MODEL, "fraud")
    figure = told.figure(row.figures["actual"])
    assert figure is not None
    assert figure.value == Decimal(int(office(LAST) * 1000) + 60_000) / 500
    assert ESTIMATE in told.notes
    assert find_bursts(desk_of(lake, now=NOW, scope=("claims",))).error is not None
    machines = [row | {"ResourceId": "i-1", "tokens": "", "cpu_max_pct": "90"} for row in tokens_of(48)]
    assert find_bursts(desk_of(lake_of(tmp_path / "cpu", bill, usage=machines, now=NOW), now=NOW)).error is not None


def test_a_burst_of_counted_tokens_is_over_once_nothing_is_counted_any_more(tmp_path: Path) -> None:
    """What ran away was switched off, and the pulls after that bring no newer hour: a day of which nothing is known
    ends the burst, and three days later it is no news."""
    bill = [charge(day, "100", team="fraud", ResourceId=MODEL) for day in days_of(FIRST.date(), 20)]
    for days, told in ((0, [True]), (2, [False]), (5, [])):
        now = NOW + timedelta(days=days)
        lake = lake_of(tmp_path / f"{days}", bill, usage=tokens_of(HOURS, 60_000), now=now)
        assert [one.going_on for one in bursts_now(desk_of(lake, now=now)).bursts] == told


def test_without_a_gateway_it_says_what_to_do(tmp_path: Path) -> None:
    error = find_bursts(desk_of(lake_of(tmp_path, [charge(FIRST.date(), "5")]))).error
    assert error is not None
    assert "sources pull" in error.do
