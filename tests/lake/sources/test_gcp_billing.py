"""Google Cloud's billing export: credits as charges, the invoice's month, labels, Parquet structs and JSON lines."""

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lake.errors import LakeError

LINE: dict[str, Any] = {
    "billing_account_id": "01AB-CD",
    "service": {"id": "6F81", "description": "Compute Engine"},
    "sku": {"id": "0048", "description": "A2 Instance Core running in Americas"},
    "usage_start_time": "2026-10-05 00:00:00 UTC",
    "usage_end_time": "2026-10-05 01:00:00 UTC",
    "project": {"id": "risk-prod", "name": "Risk", "labels": [{"key": "env", "value": "prod"}]},
    "labels": [{"key": "team", "value": "risk"}],
    "location": {"location": "us-central1", "region": "us-central1", "zone": "us-central1-a"},
    "cost": "10.123456",
    "currency": "USD",
    "usage": {"amount": "3600", "unit": "seconds", "amount_in_pricing_units": "1", "pricing_unit": "hour"},
    "credits": [],
    "invoice": {"month": "202610"},
    "cost_type": "regular",
    "cost_at_list": "12",
}
SUSTAINED = {"name": "Sustained Usage Discount", "amount": "-1.5", "type": "SUSTAINED_USAGE_DISCOUNT"}
PROMOTION = {"name": "Promo", "full_name": "Autumn promotion", "amount": "-0.623456", "type": "PROMOTION"}


def lines(folder: Path, *given: dict[str, Any], name: str = "gcp.jsonl") -> Path:
    (folder / name).write_text("".join(json.dumps(LINE | one) + "\n" for one in given))
    return folder / name


def test_credits_become_charges_and_the_net_is_the_invoice(tmp_path: Path, load: Any, ask: Any) -> None:
    report = load(lines(tmp_path, {"credits": [SUSTAINED, PROMOTION]}, {}, {"cost": 2.5, "credits": [PROMOTION]}))
    assert (report.rows_in, report.rows_loaded, report.rows_quarantined) == (6, 6, 0)
    assert [finding.rows for finding in report.findings if finding.rule == "credits-split"] == [3]
    assert ask(
        'SELECT x_row, "ChargeCategory", "BilledCost", "EffectiveCost", "ListCost", "ChargeDescription", '
        "x_extra->>'$.x_split_from_row' FROM bill ORDER BY x_row"
    )[2:] == [
        (3, "Usage", Decimal("2.5"), Decimal("2.5"), Decimal(12), LINE["sku"]["description"], None),
        (4, "Credit", Decimal("-1.5"), Decimal("-1.5"), Decimal(0), "Sustained Usage Discount", "1"),
        (5, "Credit", Decimal("-0.623456"), Decimal("-0.623456"), Decimal(0), "Autumn promotion", "1"),
        (6, "Credit", Decimal("-0.623456"), Decimal("-0.623456"), Decimal(0), "Autumn promotion", "3"),
    ]
    assert ask('SELECT sum("BilledCost") FROM bill') == [(Decimal("20"),)]
    # A credit keeps whose it is, so that the net cost of a team can be told.
    assert ask("SELECT x_team, count(*) FROM bill GROUP BY 1") == [("risk", 6)]


def test_pitfall_07_taxes_and_adjustments_are_no_use(tmp_path: Path, load: Any, ask: Any) -> None:
    extra = [{"cost": "1", "cost_type": kind} for kind in ("tax", "rounding_error")]
    late = {"cost": "-3", "cost_type": "adjustment", "usage_start_time": "2026-09-05 00:00:00 UTC"}
    load(lines(tmp_path, {}, *extra, late))
    assert ask('SELECT "ChargeCategory", "ChargeClass", "ConsumedQuantity" FROM bill ORDER BY x_row') == [
        ("Usage", None, Decimal(3600)), ("Tax", None, None), ("Adjustment", None, None),
        ("Adjustment", "Correction", None),
    ]  # fmt: skip


def test_pitfall_08_the_invoice_month_is_pacific_and_the_hours_are_utc(
    tmp_path: Path, load: Any, ask: Any, lake: Any
) -> None:
    evening = {"usage_start_time": "2026-11-01 05:00:00 UTC", "usage_end_time": "2026-11-01 06:00:00 UTC"}
    load(lines(tmp_path, {}, evening, evening | {"invoice": {"month": "202611"}}))
    assert [(item.period, item.rows) for item in lake.store.current()] == [("2026-10", 2), ("2026-11", 1)]
    assert ask(
        "SELECT strftime(timezone('UTC', \"BillingPeriodStart\"), '%d %H'), "
        "strftime(timezone('UTC', \"BillingPeriodEnd\"), '%d %H'), x_day::VARCHAR FROM bill ORDER BY x_row"
    ) == [
        ("01 07", "01 07", "2026-10-05"), ("01 07", "01 07", "2026-11-01"), ("01 07", "01 08", "2026-11-01"),
    ]  # fmt: skip


def test_labels_of_a_resource_win_over_those_of_its_project(tmp_path: Path, load: Any, ask: Any) -> None:
    twice = [{"key": "env", "value": "dev"}, {"key": "env", "value": "test"}, {"key": "team", "value": "kyc"}]
    load(lines(tmp_path, {}, {"labels": twice}, {"labels": [], "project": None}))
    assert ask('SELECT "Tags"::VARCHAR, x_team, x_environment, "SubAccountId" FROM bill ORDER BY x_row') == [
        ('{"env":"prod","team":"risk"}', "risk", "prod", "risk-prod"),
        ('{"env":"dev","team":"kyc"}', "kyc", "dev", "risk-prod"),
        (None, None, None, None),
    ]


def test_gemini_is_ai_with_its_model_and_its_class_of_tokens(tmp_path: Path, load: Any, ask: Any) -> None:
    skus = [
        "Gemini 2.5 Flash Text Input - Predictions",
        "Gemini 2.5 Pro Text Output",
        "Gemini 2.5 Flash Cached Text Input",
    ]
    load(lines(tmp_path, *({"service": {"description": "Vertex AI"}, "sku": {"description": sku}} for sku in skus)))
    assert ask('SELECT x_ai, x_model, x_token_class FROM bill ORDER BY x_row') == [
        (True, "gemini-2.5-flash", "input_uncached"), (True, "gemini-2.5-pro", "output"),
        (True, "gemini-2.5-flash", "input_cache_read"),
    ]  # fmt: skip


@pytest.mark.parametrize("wrapped", [False, True], ids=["lists", "lists as BigQuery wraps them"])
def test_parquet_structs_keep_every_digit(wrapped: bool, parquet: Any, load: Any, ask: Any) -> None:
    amount = Decimal("-0.123456789012345678")
    money = pa.decimal128(38, 18)
    credit = pa.struct([("name", pa.string()), ("amount", money)])
    kinds = {
        "service": pa.struct([("description", pa.string())]), "sku": pa.struct([("description", pa.string())]),
        "invoice": pa.struct([("month", pa.string())]), "billing_account_id": pa.string(), "currency": pa.string(),
        "usage_start_time": pa.timestamp("us", "UTC"), "usage_end_time": pa.timestamp("us", "UTC"), "cost": money,
        "credits": pa.struct([("list", pa.list_(pa.struct([("element", credit)])))]) if wrapped else pa.list_(credit),
        "usage": pa.struct([("amount", pa.float64()), ("unit", pa.string())]),
    }  # fmt: skip
    row = {name: LINE[name] for name in ("service", "sku", "invoice", "billing_account_id", "currency")}
    row |= {
        "usage_start_time": datetime(2026, 10, 5, tzinfo=UTC),
        "usage_end_time": datetime(2026, 10, 5, 1, tzinfo=UTC),
    }
    row |= {"cost": Decimal("1.000000000001"), "usage": {"amount": 0.1, "unit": "requests"}}
    given = [{"name": "Promo", "amount": amount}]
    row["credits"] = {"list": [{"element": one} for one in given]} if wrapped else given
    report = load(parquet("gcp.parquet", [row], pa.schema(list(kinds.items()))))
    assert ask('SELECT "BilledCost", "ConsumedQuantity" FROM bill ORDER BY x_row') == [
        (Decimal("1.000000000001"), Decimal("0.1")),
        (Decimal("-0.123456789012"), None),
    ]
    # The places that money has no room for are told, to the last.
    assert any("moves the column's total by 0.000000000000345678" in finding.text for finding in report.findings)


def test_json_lines_keep_the_digits_that_were_written(tmp_path: Path, load: Any, ask: Any) -> None:
    path = lines(tmp_path, {"cost": "COST", "credits": [SUSTAINED | {"amount": "AMOUNT"}]})
    written = path.read_text().replace('"COST"', "9007199254740993.123456789012").replace('"AMOUNT"', "-1e-12")
    path.write_text(written)
    load(path)
    assert ask('SELECT "BilledCost" FROM bill ORDER BY x_row') == [
        (Decimal("9007199254740993.123456789012"),),
        (Decimal("-0.000000000001"),),
    ]


def test_damaged_amounts_and_months_wait_in_quarantine(tmp_path: Path, load: Any, held: Any) -> None:
    bad: list[dict[str, Any]] = [
        {"cost": "much", "credits": [PROMOTION]},
        {"invoice": {"month": "202613"}},
        {"credits": [{"name": "x", "amount": "less"}]},
        {"credits": "?"},
    ]
    report = load(lines(tmp_path, {}, *bad))
    # The charge of a credit that cannot be read counts; the one whose credits are no list at all does not.
    assert (report.rows_loaded, report.rows_quarantined) == (2, 5)
    assert [row for row, _ in held()] == [2, 3, 5, 6, 7]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (json.dumps(LINE) + "\n{broken\n", "Line 2 is no JSON object"),
        (json.dumps(LINE) + "\n[1]\n", "Line 2 is no JSON object"),
        (json.dumps(LINE) + "\n" + json.dumps(LINE | {"currency": "\ud800"}) + "\n", "Line 2 is no JSON object"),
        (json.dumps(LINE)[:-1] + ', "cost": 1}\n', "Line 1 gives two values for it"),
        (json.dumps({name: value for name, value in LINE.items() if name != "currency"}), "lacks the column currency"),
    ],
    ids=["broken", "no object", "half a character", "a name twice", "no currency"],
)
def test_json_lines_that_cannot_be_read_are_refused_with_their_line(
    text: str, said: str, tmp_path: Path, load: Any, lake: Any
) -> None:
    (tmp_path / "gcp.jsonl").write_text(text)
    with pytest.raises(LakeError, match=said):
        load(tmp_path / "gcp.jsonl")
    assert lake.store.current() == ()


def test_compressed_json_lines_in_a_folder_are_found_and_a_cut_one_is_refused(
    tmp_path: Path, load: Any, ask: Any
) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    packed = gzip.compress(lines(tmp_path, {}, {"labels": [{"key": "team", "value": "kyc"}]}).read_bytes())
    (folder / "part.jsonl.gz").write_bytes(packed)
    (folder / "manifest.json").write_text("{}")
    load(folder)
    assert ask("SELECT x_team FROM bill ORDER BY x_row") == [("risk",), ("kyc",)]
    (folder / "part.jsonl.gz").write_bytes(packed[:-12])
    with pytest.raises(LakeError, match="cannot be unpacked"):
        load(folder)


def test_the_detailed_export_names_the_resource(tmp_path: Path, load: Any, ask: Any) -> None:
    resource = {"name": "vm-1", "global_name": "//compute.googleapis.com/projects/risk-prod/zones/a/instances/1"}
    load(lines(tmp_path, {"resource": resource, "credits": [PROMOTION]}, {}))
    assert ask('SELECT "ResourceName", "ResourceId" FROM bill ORDER BY x_row') == [
        ("vm-1", resource["global_name"]), (None, None), ("vm-1", resource["global_name"]),
    ]  # fmt: skip
