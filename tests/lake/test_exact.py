"""What must never happen: a digit lost between file and answer, however the charges are cut."""

import csv
import json
import os
import tempfile
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake.engine import Lake
from lake.load import ingest
from lake.period import Period
from lake.question import NONE, UNTAGGED, Question

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
QUICK = settings(
    max_examples=int(os.environ.get("LAKE_EXAMPLES", "6")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
amounts = st.one_of(
    st.decimals(min_value=-(10**9), max_value=10**9, places=12),
    st.decimals(min_value=-1, max_value=1, places=12),
    st.sampled_from([Decimal("0.000000000001"), Decimal("-0.000000000001"), Decimal(0)]),
)
# Any text that a CSV file can carry; "NULL", the empty text and blanks are how a file says that it has none.
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), min_size=1, max_size=12).filter(
    lambda text: text.strip() not in ("", "NULL")
)
names = st.one_of(st.none(), st.sampled_from(["a", "b", "it's", 'say "hi"', "x;y", "ü, ñ"]), words)
charges = st.fixed_dictionaries(
    {
        "effective": amounts,
        "billed": amounts,
        "service": names,
        "region": names,
        "team": st.one_of(st.none(), st.sampled_from(["risk", "Treasury"])),
        "currency": st.sampled_from(["USD", "EUR", "JPY"]),
        "day": st.integers(0, 60),
        "quantity": st.decimals(min_value=0, max_value=10**6, places=18),
    }
)


def cells(given_charge: dict[str, Any], defaults: dict[str, str]) -> dict[str, str]:
    start = date(2026, 9, 1) + timedelta(days=given_charge["day"])
    month = start.replace(day=1)
    following = (month + timedelta(days=32)).replace(day=1)
    return defaults | {
        "EffectiveCost": format(given_charge["effective"], "f"),
        "BilledCost": str(given_charge["billed"]),
        "ServiceName": given_charge["service"] or "",
        "RegionId": given_charge["region"] or "NULL",
        "Tags": json.dumps({"team": given_charge["team"]}) if given_charge["team"] else "",
        "BillingCurrency": given_charge["currency"],
        "ChargePeriodStart": f"{start}T00:00:00Z",
        "ChargePeriodEnd": f"{start + timedelta(days=1)}T00:00:00Z",
        "BillingPeriodStart": f"{month}T00:00:00Z",
        "BillingPeriodEnd": f"{following}T00:00:00Z",
        "PricingQuantity": format(given_charge["quantity"], "f"),
    }


def loaded(folder: Path, rows: list[dict[str, str]]) -> Lake:
    path = folder / "bill.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    lake = Lake(folder / "lake")
    report = ingest(lake, [path], now=NOW)
    assert (report.rows_loaded, report.rows_quarantined) == (len(rows), 0)
    return lake


@pytest.mark.slow
@QUICK
@given(st.lists(charges, min_size=1, max_size=30))
def test_any_grouping_adds_up_to_the_grand_total(charge: Any, given_charges: list[dict[str, Any]]) -> None:
    rows = [cells(one, charge()) for one in given_charges]
    wanted: dict[str, Decimal] = defaultdict(Decimal)
    for one in given_charges:
        wanted[one["currency"]] += one["effective"]
    with tempfile.TemporaryDirectory() as folder:
        lake = loaded(Path(folder), rows)
        for by in [("service",), ("team", "day"), ("region", "month", "service")]:
            answered = lake.ask(Question(period=Period.parse("2026"), by=by))
            assert dict(answered.totals) == dict(wanted)
            summed: dict[str, Decimal] = defaultdict(Decimal)
            for row in answered.rows:
                summed[str(row["currency"])] += Decimal(str(row["value"]))
            assert summed == wanted


@QUICK
@given(st.lists(charges, min_size=1, max_size=20))
def test_every_value_comes_back_as_it_was(charge: Any, given_charges: list[dict[str, Any]]) -> None:
    rows = [cells(one, charge()) for one in given_charges]
    with tempfile.TemporaryDirectory() as folder:
        lake = loaded(Path(folder), rows)
        parts = [str(lake.folder / part.path) for item in lake.store.current() for part in item.files]
        stored = duckdb.execute(
            "SELECT EffectiveCost, BilledCost, PricingQuantity, ServiceName, RegionId, x_team, BillingCurrency "
            f"FROM read_parquet({parts}) ORDER BY x_row"
        ).fetchall()
    for one, found in zip(given_charges, stored, strict=True):
        kept = (
            one["effective"],
            one["billed"],
            one["quantity"],
            one["service"],
            one["region"],
            one["team"],
            one["currency"],
        )
        assert found == kept


@pytest.mark.slow
@QUICK
@given(st.lists(charges, min_size=1, max_size=20), st.data())
def test_what_a_filter_keeps_and_drops_adds_up(charge: Any, given_charges: list[dict[str, Any]], data: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = loaded(Path(folder), [cells(one, charge()) for one in given_charges])
        dimension = data.draw(st.sampled_from(["service", "region", "team"]))
        value = data.draw(st.sampled_from([one[dimension] for one in given_charges]))
        shown = value if value is not None else UNTAGGED if dimension == "team" else NONE
        answered = lake.ask(Question(period=Period.parse("2026"), where={dimension: (shown,)}))
    wanted: dict[str, Decimal] = defaultdict(Decimal)
    for one in given_charges:
        if one[dimension] == value or (one[dimension] in (UNTAGGED, NONE) and value is None):
            wanted[one["currency"]] += one["effective"]
    assert dict(answered.totals) == dict(wanted)


@pytest.mark.parametrize("cost", ["0.0014", "0.0005", "-0.0009"])
def test_amounts_below_three_places_survive(cost: str, write: Any, charge: Any, load: Any, lake: Lake) -> None:
    load(write("bill.csv", [charge(cost), charge(cost, day="2026-09-09")]))
    answered = lake.ask(Question(period=Period.parse("2026-10"), compare=Period.parse("2026-09")))
    assert answered.rows[0]["value"] == Decimal(cost)
    assert answered.rows[0]["difference"] == Decimal(0)
