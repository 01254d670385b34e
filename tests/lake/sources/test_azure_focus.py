"""Microsoft's own FOCUS export: zeros that mean nothing is known, services without a name, ids in two spellings."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lake.engine import Lake
from lake.period import Period
from lake.question import Metric, Question
from lake.usage import hours, utilisation

OCTOBER = Period.parse("2026-10")
MICROSOFT = {
    "ProviderName": "Microsoft",
    "PublisherName": "Microsoft",
    "x_SkuMeterSubcategory": "",
    "PricingQuantity": "10",
    "PricingUnit": "Hours",
}
RESERVATION = "/providers/Microsoft.Capacity/reservationOrders/AB12/reservations/CD34"


def found(report: Any) -> dict[str, int]:
    return {finding.rule: finding.rows for finding in report.findings}


def test_pitfall_15_a_list_cost_of_zero_in_microsofts_focus_is_not_known(
    write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    """Of 30.00 that were paid 20.00 have no list cost: a saving of 30.00 against 12.00 would be less than nothing."""
    marketplace = charge("20.00") | MICROSOFT | {"ListCost": "0.00000", "ContractedCost": "0"}
    known = charge("10.00") | MICROSOFT | {"ListCost": "12.00", "ContractedCost": "10.00"}
    free = charge("0.00") | MICROSOFT | {"ListCost": "0", "ContractedCost": "0"}
    report = load(write("focus.csv", [marketplace, known, free]), final=True)
    assert found(report)["list-cost-unknown"] == 1
    for metric, total in ((Metric.LIST, "12.00"), (Metric.CONTRACTED, "10.00")):
        answered = lake.ask(Question(period=OCTOBER, metric=metric))
        assert answered.totals == [("USD", Decimal(total))]
        assert [(lacking.charges, lacking.billed) for lacking in answered.unknown] == [(1, Decimal("20.00"))]


@pytest.mark.parametrize(
    ("more", "service"),
    [
        ({"PublisherName": "Databricks Inc."}, "Databricks Inc."),
        ({"PublisherName": "Microsoft Corp.", "x_SkuMeterSubcategory": "Reservation-Base VM"}, "Reservation-Base VM"),
        ({"x_SkuMeterSubcategory": " "}, "(none)"),
        ({"ProviderName": "AWS", "PublisherName": "Databricks Inc."}, "(none)"),
    ],
)  # fmt: skip
def test_a_service_without_a_name_is_called_by_its_seller_or_its_meter(
    more: dict[str, str], service: str, write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    load(write("focus.csv", [charge("1.00") | MICROSOFT | {"ServiceName": ""} | more]), final=True)
    (row,) = lake.ask(Question(period=OCTOBER, by=("service",))).rows
    assert row["service"] == service


def test_a_commitment_meets_what_it_covers_whatever_its_case(write: Any, charge: Any, load: Any, ask: Any) -> None:
    bought = charge("8.00") | MICROSOFT | {"ChargeCategory": "Purchase", "ResourceId": RESERVATION.upper()}
    used = charge("8.00") | MICROSOFT | {"CommitmentDiscountId": RESERVATION, "CommitmentDiscountStatus": "Used"}
    others = charge("1.00") | MICROSOFT | {"ProviderName": "AWS", "ResourceId": "i-0A"}
    load(write("focus.csv", [bought, used, others]), final=True)
    assert ask('SELECT "ResourceId", "CommitmentDiscountId" FROM bill ORDER BY x_row') == [
        (RESERVATION.lower(), None),
        (None, RESERVATION.lower()),
        ("i-0A", None),
    ]


def test_what_was_changed_is_kept_letter_by_letter(write: Any, charge: Any, load: Any, ask: Any) -> None:
    changed = {"ResourceId": MACHINE, "ListCost": "0.000", "ContractedCost": "0"}
    rows = [charge("2.00") | MICROSOFT | changed, charge("2.00") | MICROSOFT | {"ResourceId": MACHINE.lower()}]
    rows += [charge("2.00") | MICROSOFT | changed | {"ProviderName": "AWS"}]
    load(write("focus.csv", rows), final=True)
    kept = [json.loads(extra) for (extra,) in ask("SELECT x_extra FROM bill ORDER BY x_row")]
    alone = {"x_SkuMeterSubcategory": kept[1]["x_SkuMeterSubcategory"]}
    assert kept == [alone | changed, alone, alone]


MACHINE = "/subscriptions/S1/resourceGroups/RG-Train/providers/Microsoft.Compute/virtualMachines/GPU-1"
OCTOBER_DAYS = {"start": datetime(2026, 10, 1, tzinfo=UTC), "end": datetime(2026, 11, 1, tzinfo=UTC)}


def test_utilisation_is_found_whatever_the_case_of_the_machines_id(
    write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    """The bill has it in small letters, monitoring as Azure shows it, and now and then in capitals."""
    measured = [{"ResourceId": MACHINE, "HourStart": f"2026-10-05T0{hour}:00Z", "cpu_max_pct": "7"} for hour in "01"]
    measured += [{"ResourceId": MACHINE.upper(), "HourStart": "2026-10-05T01:00Z", "invocations": "3"}]
    measured += [{"ResourceId": "I-1", "HourStart": "2026-10-05T01:00Z", "cpu_max_pct": "9"}]
    load(write("focus.csv", [charge("1.00") | MICROSOFT | {"ResourceId": MACHINE}]), write("usage.csv", measured))
    (row,) = lake.ask(Question(period=OCTOBER, by=("resource",))).rows
    assert row["resource"] == MACHINE.lower()
    for name in (MACHINE.lower(), MACHINE):
        found = utilisation(lake.store, [name, "i-1"], **OCTOBER_DAYS)
        assert list(found) == [name]  # the ids of others are what they are, letter by letter
        assert (found[name].hours["cpu_max_pct"], found[name].invocations) == (2, 3)
        assert [one.resource_id for one in hours(lake.store, [name], **OCTOBER_DAYS)] == [name, name]


def test_utilisation_that_an_earlier_version_stored_is_found_too(
    write: Any, load: Any, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was kept as written, the same hour twice where it came in two spellings."""
    monkeypatch.setattr("lake.usage.folded", lambda name: name)
    hour = {"HourStart": "2026-10-05T00:00Z", "cpu_max_pct": "7", "invocations": "3"}
    load(write("usage.csv", [{"ResourceId": name} | hour for name in (MACHINE, MACHINE.upper())]))
    monkeypatch.undo()
    found = utilisation(lake.store, [MACHINE.lower()], **OCTOBER_DAYS)
    assert found[MACHINE.lower()].invocations == 3
    load(write("more.csv", [{"ResourceId": MACHINE.lower()} | hour | {"invocations": "5"}]))
    found = utilisation(lake.store, [MACHINE.lower()], **OCTOBER_DAYS)
    assert (found[MACHINE.lower()].invocations, found[MACHINE.lower()].hours["cpu_max_pct"]) == (5, 1)


def test_other_providers_files_are_read_letter_by_letter(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    """A list cost of zero is theirs to say: they write none where they know none."""
    load(write("focus.csv", [charge("20.00", ListCost="0")]), final=True)
    answered = lake.ask(Question(period=OCTOBER, metric=Metric.LIST))
    assert (answered.totals, answered.unknown) == ([("USD", Decimal(0))], [])
