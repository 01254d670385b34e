"""The bank's machines are one fleet in the bill, the list for EC2 and the utilisation; idle means idle by the rule."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.sandbox.bank.conftest import UNTIL, Ask

# AWS's rule for G and P instances: over 14 days the GPU is not working for more than 99 % of the time, its memory
# stays below 5 %, the encoder is unused, the CPU never reaches 5 %, the network moves less than 5 MB a day.
IDLE = """
SELECT ResourceId FROM utilization WHERE HourStart >= ? GROUP BY ResourceId
HAVING count(*) FILTER (gpu_active_pct > 0) < 0.01 * count(*) AND max(gpu_memory_pct) < 5 AND
count(*) FILTER (gpu_encoder_pct > 0) <= 0.01 * count(*) AND max(cpu_max_pct) < 5 AND
sum(network_bytes) / 14 < 5000000 AND max(HourStart) >= ?
"""
LAST_HOUR = datetime(2026, 11, 22, 23, tzinfo=UTC)


def test_the_bill_and_the_list_name_the_same_machines(ask: Ask, machines: list[dict[str, Any]]) -> None:
    billed = {row[0] for row in ask("SELECT DISTINCT ResourceId FROM bill WHERE ResourceType = 'Instance'")}
    listed = {machine["instance_id"] for machine in machines}
    assert billed == listed
    assert len(listed) == len(machines)
    assert all(re.fullmatch(r"i-0[0-9a-f]{16}", instance_id) for instance_id in listed)


def test_a_machine_is_told_alike_in_both(ask: Ask, machines: list[dict[str, Any]]) -> None:
    rows = ask(
        "SELECT DISTINCT ResourceId, json_extract_string(SkuPriceDetails, '$.InstanceType'), RegionId, "
        "AvailabilityZone, SubAccountId, json_extract_string(Tags, '$.team') FROM bill WHERE ResourceType = 'Instance'"
    )
    told = {
        (m["instance_id"], m["instance_type"], m["region"], m["zone"], m["account"], m["tags"].get("team"))
        for m in machines
    }
    assert set(rows) == told


def test_no_machine_runs_longer_than_the_day_or_before_its_launch(ask: Ask, machines: list[dict[str, Any]]) -> None:
    hours = {
        row[0]: row[1:]
        for row in ask(
            "SELECT ResourceId, min(ChargePeriodStart)::DATE, max(ChargePeriodStart)::DATE, max(ConsumedQuantity) "
            "FROM bill WHERE ResourceType = 'Instance' GROUP BY ALL"
        )
    }
    for machine in machines:
        first, last, longest = hours[machine["instance_id"]]
        assert longest <= 24
        assert first >= date.fromisoformat(machine["launch_time"][:10])
        if machine["state"] == "stopped":
            assert last < UNTIL
        else:
            assert last >= UNTIL - timedelta(days=2)


def test_exactly_the_planted_machines_are_idle_by_the_rule(ask: Ask, truth: dict[str, Any]) -> None:
    found = ask(IDLE, LAST_HOUR - timedelta(days=14) + timedelta(hours=1), LAST_HOUR - timedelta(hours=24))
    assert {row[0] for row in found} == {machine["instance_id"] for machine in truth["idle"]}


def test_an_idle_machine_worked_until_the_day_before_and_is_billed_since(ask: Ask, truth: dict[str, Any]) -> None:
    for machine in truth["idle"]:
        since = date.fromisoformat(machine["idle_since"])
        assert (UNTIL - since).days >= 20
        [(before, after)] = ask(
            "SELECT max(gpu_active_pct) FILTER (day = ?), max(gpu_active_pct) FILTER (day >= ?) "
            "FROM (SELECT *, HourStart::DATE AS day FROM utilization) WHERE ResourceId = ?",
            since - timedelta(days=1),
            since,
            machine["instance_id"],
        )
        assert before is None or before > 10
        assert after == 0
        [(hours, daily)] = ask(
            "SELECT min(ConsumedQuantity), max(EffectiveCost) FROM bill "
            "WHERE ResourceId = ? AND ChargePeriodStart >= ?",
            machine["instance_id"],
            since,
        )
        assert hours == 24
        assert daily == Decimal(machine["daily_effective_cost"])


def test_the_largest_saving_is_clearly_a_non_production_machine(truth: dict[str, Any]) -> None:
    first, *others = truth["idle"]
    assert first["environment"] == "development"
    assert "production" in {machine["environment"] for machine in others}
    assert all(
        Decimal(first["monthly_effective_cost"]) > 3 * Decimal(machine["monthly_effective_cost"]) for machine in others
    )


def test_what_cannot_be_judged_has_no_recent_metric(ask: Ask, truth: dict[str, Any]) -> None:
    last: dict[str, Any] = dict(ask("SELECT ResourceId, max(HourStart)::TIMESTAMP FROM utilization GROUP BY ALL"))
    ages = {machine["name"]: last.get(machine["instance_id"]) for machine in truth["unknown"]}
    assert ages["copilot-tune-g6e-01"] is None
    assert ages["claims-ocr-g4dn-02"] == datetime(2026, 11, 13, 23)  # noqa: DTZ001


def test_a_decoy_is_busy_in_one_respect_only(ask: Ask, truth: dict[str, Any]) -> None:
    decoys = {machine["name"]: machine["instance_id"] for machine in truth["decoys"]}
    query = "SELECT max(cpu_max_pct), avg(gpu_active_pct), min(gpu_memory_pct) FROM utilization WHERE ResourceId = ?"
    [(cpu, gpu, _)] = ask(query, decoys["fraud-backtest-g5-03"])
    assert cpu < 5
    assert gpu > 50
    [(cpu, gpu, memory)] = ask(query, decoys["treasury-standby-g6-02"])
    assert cpu < 5
    assert gpu == 0
    assert memory > 5
    days = ask(
        "SELECT DISTINCT isodow(HourStart) FROM utilization WHERE ResourceId = ? AND gpu_active_pct > 0",
        decoys["credit-weekly-g5-01"],
    )
    assert days == [(1,)]


def test_utilisation_covers_five_weeks_of_running_hours_once_each(ask: Ask) -> None:
    assert ask("SELECT ResourceId, HourStart FROM utilization GROUP BY ALL HAVING count(*) > 1") == []
    [(first, last)] = ask("SELECT min(HourStart)::TIMESTAMP, max(HourStart)::TIMESTAMP FROM utilization")
    assert (first, last) == (datetime(2026, 10, 19), LAST_HOUR.replace(tzinfo=None))  # noqa: DTZ001
    unbilled = ask(
        "SELECT DISTINCT u.ResourceId, u.HourStart::DATE FROM utilization u LEFT JOIN bill b ON "
        "b.ResourceId = u.ResourceId AND b.ChargePeriodStart::DATE = u.HourStart::DATE WHERE b.ResourceId IS NULL"
    )
    assert unbilled == []
