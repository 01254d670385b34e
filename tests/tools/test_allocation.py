"""How much spend has no name, as a tool tells it: against the target, with the services that it comes from."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from lake.engine import Lake
from tests.tools.small_bill import charge, desk_of, lake_of
from tools.allocation import report_allocation
from tools.spend import query_spend

OCTOBER = date(2026, 10, 15)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    rows = [
        charge(OCTOBER, "88", Tags=json.dumps({"team": "fraud", "use_case": "scoring"})),
        charge(OCTOBER, "7", service="Amazon S3", ServiceCategory="Storage"),
        charge(OCTOBER, "5", service="OpenAI API"),
    ]
    return lake_of(tmp_path_factory.mktemp("allocation"), rows, final=True)


def test_each_label_has_its_share_and_the_services_behind_it(lake: Lake) -> None:
    result = report_allocation(desk_of(lake), period="2026-10")
    told = {}
    for row in result.rows:
        share = result.figure(row.figures.get("share", ""))
        cost = result.figure(row.figures["without"])
        assert cost is not None
        told[row.texts.get("part") or row.names["service"]] = (cost.display, share and share.display)
    assert told == {
        "no team": ("$12.00", "12.0 %"),
        "no use case": ("$12.00", "12.0 %"),
        "no owner": ("$100.00", "100.0 %"),
        "no project": ("$100.00", "100.0 %"),
        "no environment": ("$100.00", "100.0 %"),
        "Amazon S3": ("$7.00", None),
        "OpenAI API": ("$5.00", None),
    }
    assert result.rows[0].texts["target"] == "above the target"
    assert "At most 5 % may lack a name; taxes are left out." in result.notes
    assert result.snapshots
    assert result.query.count("SELECT") >= 2
    assert result.completeness
    assert result.complete


def test_what_a_gap_comes_from_leaves_taxes_out_as_the_gap_does(tmp_path: Path) -> None:
    rows = [
        charge(OCTOBER, "90", team="fraud"),
        charge(OCTOBER, "10", service="Amazon S3"),
        charge(OCTOBER, "40", service="Amazon S3", ChargeCategory="Tax"),
        charge(OCTOBER, "30", service="VAT", ChargeCategory="Tax"),
    ]
    result = report_allocation(desk_of(lake_of(tmp_path, rows)), period="2026-10")
    said = [(row.names.get("service", ""), result.figure(row.figures["without"])) for row in result.rows]
    assert [(name, figure and figure.display) for name, figure in said if name] == [("Amazon S3", "$10.00")]
    assert said[0][1] is not None
    assert said[0][1].display == "$10.00"


def test_the_target_is_that_of_the_rules(lake: Lake) -> None:
    result = report_allocation(desk_of(lake, uncategorised_target=12), period="2026-10")
    assert result.rows[0].texts["target"] == "within the target"


def test_whoever_sees_one_team_is_told_no_share_of_those_without(lake: Lake) -> None:
    result = report_allocation(desk_of(lake, scope=("fraud",)), period="2026-10")
    parts = [row.texts.get("part") for row in result.rows]
    assert "no team" not in parts
    assert "no use case" in parts
    assert "Amazon S3" not in str(result.to_json())


def test_no_charges_are_no_share(lake: Lake) -> None:
    refused = report_allocation(desk_of(lake), period="2025-01")
    assert refused.error is not None
    assert "no data, which is not a zero" in refused.error.why


def test_a_total_says_what_of_it_has_no_team(lake: Lake) -> None:
    result = query_spend(desk_of(lake), period="2026-10", by=["service"])
    figure = result.figure(f"{result.id}.t1.untagged")
    assert figure is not None
    assert (figure.value, figure.label) == (Decimal(12), "Total effective cost, without team")
    assert "untagged" not in query_spend(desk_of(lake), period="2026-10", by=["team"]).totals[0].figures
