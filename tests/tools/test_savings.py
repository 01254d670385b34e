"""Idle machines by evidence, on a fleet of machines that each differ in one thing."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from lake.engine import Lake
from tests.tools.small_bill import NOW, Charge, charge, days_of, desk_of, lake_of, machine_day, usage_hours
from tools.desk import ProposalLine
from tools.result import Row, ToolResult
from tools.savings import find_savings

DAYS = days_of(date(2026, 10, 20), 21)  # to 9 November, the day before `NOW`
LAST = DAYS[-14:]
COVERED = {"CommitmentDiscountId": "sp-1", "CommitmentDiscountStatus": "Used"}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    rows: list[Charge] = []
    usage: list[Charge] = []
    for number, name in enumerate(("idle", "busy", "unmeasured", "half-covered", "no-gpu-metric"), 1):
        rows += [machine_day(day, name, number) for day in DAYS]
    rows = [
        row | (COVERED if row["ResourceName"] == "half-covered" and index % 2 else {}) for index, row in enumerate(rows)
    ]
    usage += usage_hours(1, LAST) + usage_hours(4, LAST)
    usage += usage_hours(2, LAST, gpu_active_pct="70") + usage_hours(5, LAST, gpu_active_pct="")
    rows += [machine_day(day, "stopped", 6) for day in DAYS[:-3]]
    usage += usage_hours(6, LAST[:-3])
    rows += [machine_day(day, "no-gpu", 7, SkuPriceDetails='{"InstanceType": "m5.large"}') for day in DAYS]
    rows += [machine_day(day, "by-meter", 8, SkuPriceDetails="", SkuMeter="BoxUsage:p3.2xlarge") for day in DAYS]
    usage += usage_hours(7, LAST) + usage_hours(8, LAST)
    # A disk of the idle machine: it stays when the machine is stopped, so it is no saving.
    rows += [charge(day, "90", service="Amazon EBS", ServiceCategory="Storage", ResourceId="vol-1") for day in DAYS]
    return lake_of(tmp_path_factory.mktemp("savings"), rows, usage=usage)


def by_name(result: ToolResult) -> dict[str, Row]:
    return {row.names["name"]: row for row in result.rows}


def value(result: ToolResult, name: str, column: str) -> Decimal:
    found = result.figure(by_name(result)[name].figures[column])
    assert found is not None
    return found.value


def test_verdicts(lake: Lake) -> None:
    result = find_savings(desk_of(lake))
    assert {name: row.texts["verdict"] for name, row in by_name(result).items()} == {
        "idle": "idle",
        "by-meter": "idle",
        "half-covered": "idle",
        "unmeasured": "unknown",
        "no-gpu-metric": "unknown",
    }
    assert any("1 in use; 1 already stopped, not counted" in note for note in result.notes)


def test_saving_is_the_machines_own_rate_times_730(lake: Lake) -> None:
    result = find_savings(desk_of(lake))
    assert value(result, "idle", "per_month") == Decimal("3650")  # 5.00 an hour; its disk is not in it
    assert value(result, "idle", "per_year") == Decimal("43800")
    assert value(result, "idle", "annual_cost") == Decimal("43800")


def test_covered_hours_are_no_saving(lake: Lake) -> None:
    result = find_savings(desk_of(lake))
    assert value(result, "half-covered", "per_month") == Decimal("1825")
    assert value(result, "half-covered", "annual_cost") == Decimal("43800")


def test_totals_count_only_what_is_proven(lake: Lake) -> None:
    result = find_savings(desk_of(lake))
    total = result.figure(f"{result.id}.t1.per_month")
    assert total is not None
    assert total.value == Decimal("3650") * 2 + Decimal("1825")
    assert "all 3 idle machines" in total.label


def test_every_condition_is_evidence_and_what_is_missing_is_said(lake: Lake) -> None:
    result = find_savings(desk_of(lake))
    labels = [figure.label for figure in result.figures if figure.id.startswith(by_name(result)["idle"].address + ".")]
    assert "idle: GPU active, share of time (idle if below 1 %)" in labels
    assert "idle: network a day, highest (idle if below 5 MB)" in labels
    assert "GPU active" in by_name(result)["no-gpu-metric"].texts["missing"]
    assert "hours of metrics" not in by_name(result)["unmeasured"].figures
    assert "per_month" not in by_name(result)["unmeasured"].figures


def test_filters_and_unknown_names(lake: Lake) -> None:
    assert set(by_name(find_savings(desk_of(lake), where={"resource": "idle"}))) == {"idle"}
    assert find_savings(desk_of(lake), where={"environment": "development"}).error is None
    refused = find_savings(desk_of(lake), where={"team": "frauds"})
    assert refused.error is not None
    assert refused.error.candidates == ("fraud",)
    assert find_savings(desk_of(lake), where={"colour": "red"}).error is not None


def test_old_metrics_prove_nothing(lake: Lake) -> None:
    later = desk_of(lake, now=NOW.replace(day=20))
    result = find_savings(later)
    assert {row.texts["verdict"] for row in result.rows} == {"unknown"}
    assert "the last one: 2026-11-09 23:00 UTC" in by_name(result)["idle"].texts["missing"]


def test_machines_that_people_decide_about_are_said_to_be(lake: Lake) -> None:
    def line(number: int, changed: date, *, open_: bool, words: str) -> ProposalLine:
        return ProposalLine(
            id=f"P-{number}",
            words=words,
            title="",
            resource="",
            instance=f"i-0{number:016x}",
            requester="you",
            created=changed,
            changed=changed,
            open=open_,
        )

    lines = [
        line(1, date(2026, 11, 10), open_=False, words="done and checked."),
        line(4, date(2026, 10, 1), open_=True, words="waiting for approval"),
        line(8, date(2026, 10, 1), open_=False, words="rejected"),
        line(2, date(2026, 11, 10), open_=True, words="of a machine that is not listed"),
    ]
    notes = find_savings(desk_of(lake, proposals=lambda _which: lines)).notes
    assert [note for note in notes if "P-" in note] == [
        "Of idle there is a proposal, P-1, since 10 November 2026: done and checked.",
        "Of half-covered there is a proposal, P-4, since 1 October 2026: waiting for approval.",
    ]


def test_how_far_was_read_is_said(lake: Lake) -> None:
    said = "The bill and the metrics were read to 9 November 2026: a machine stopped after that still stands here."
    assert said in find_savings(desk_of(lake)).notes


def test_a_type_that_stands_only_in_the_description_makes_a_machine_unknown(tmp_path: Path) -> None:
    bare = {"SkuPriceDetails": "", "SkuMeter": "", "ResourceId": "i-0l6bb5al993lfa983"}
    rows = [
        machine_day(day, "", 1, **bare, ChargeDescription=text)
        for day in DAYS
        for text in ("$1.624 per On Demand Linux g5.4xlarge Instance Hour", "zone: some other fee")
    ]
    result = find_savings(desk_of(lake_of(tmp_path, rows)))
    assert [(row.names["instance_type"], row.texts["verdict"]) for row in result.rows] == [("g5.4xlarge", "unknown")]
    assert not any("no GPU machines" in note for note in result.notes)


def test_without_machines_nothing_is_claimed(tmp_path: Path) -> None:
    result = find_savings(desk_of(lake_of(tmp_path, [charge(date(2026, 10, 3), "5", team="fraud")])))
    assert result.rows == ()
    assert any("no data, not no saving" in note for note in result.notes)
    assert find_savings(desk_of(Lake(tmp_path / "empty"))).error is not None
