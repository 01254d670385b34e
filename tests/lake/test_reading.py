"""What files bring that is unusual but readable, and the few things that must wait in quarantine."""

import gzip
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lake.engine import Lake
from lake.period import Period
from lake.question import Question

ALL = Period.parse("2026")


def stored(lake: Lake, columns: str) -> list[Any]:
    parts = [str(lake.folder / part.path) for item in lake.store.current() for part in item.files]
    found: list[Any] = duckdb.execute(f"SELECT {columns} FROM read_parquet({parts}) ORDER BY x_file, x_row").fetchall()
    return found


def found(report: Any, rule: str, column: str = "") -> Any:
    return next(item for item in report.findings if item.rule == rule and column in ("", item.column))


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1e-7", "0.0000001"),
        ("8E-13", "0.000000000001"),
        ("1.5E+3", "1500"),
        ("+2.50", "2.5"),
        ("-0.000000000001", "-0.000000000001"),
        (".5", "0.5"),
        ("5.", "5"),
        (" 7.25 ", "7.25"),
        ("0.00000000000000000000", "0"),
        ("1.2345000000000000000000000", "1.2345"),
        ("12345678901234567890123456.123456789012", "12345678901234567890123456.123456789012"),
        ("0007", "7"),
    ],
)
def test_numbers_are_read_exactly(text: str, amount: str, write: Any, charge: Any, load: Any, lake: Lake) -> None:
    load(write("bill.csv", [charge(text)]))
    assert stored(lake, "EffectiveCost") == [(Decimal(amount),)]


def test_digits_beyond_the_scale_are_rounded_and_told(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    texts = ["0.0000000000015", "0.0000000000025", "0.00000000000151", "1"]
    report = load(write("bill.csv", [charge(text, ListCost="1", ContractedCost="1") for text in texts]))
    assert [value for (value,) in stored(lake, "EffectiveCost")] == [
        Decimal("0.000000000002"),
        Decimal("0.000000000002"),
        Decimal("0.000000000002"),
        Decimal(1),
    ]
    told = found(report, "rounded", "EffectiveCost")
    assert told.rows == 3
    exact = sum((Decimal(text) for text in texts), start=Decimal())
    moved = Decimal("1.000000000006") - exact
    assert format(moved, "f") in told.text


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("EffectiveCost", "NaN"),
        ("EffectiveCost", "inf"),
        ("BilledCost", "1,234.50"),
        ("BilledCost", "$5"),
        ("BilledCost", "1_000"),
        ("BilledCost", "٣"),
        ("ListCost", "n/a"),
        ("ContractedCost", "--"),
        ("EffectiveCost", ""),
        ("BilledCost", "123456789012345678901234567"),
        ("EffectiveCost", "1e999"),
        ("BillingCurrency", "dollars"),
        ("BillingCurrency", ""),
        ("ChargePeriodStart", "05/10/2026"),
        ("ChargePeriodStart", "2026-02-31T00:00:00Z"),
        ("ChargePeriodEnd", "soon"),
        ("BillingPeriodStart", ""),
        ("BillingPeriodEnd", "20261101"),
    ],
)
def test_unreadable_money_time_and_currency_waits_in_quarantine(
    column: str, text: str, write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    report = load(write("bill.csv", [charge("2.00"), charge("4.00", **{column: text}), charge("8.00")]))
    assert (report.rows_in, report.rows_loaded, report.rows_quarantined) == (3, 2, 1)
    assert lake.ask(Question(period=ALL)).totals == [("USD", Decimal("10.00"))]
    (held,) = duckdb.execute(
        f"SELECT reason, x_row, {column}, EffectiveCost FROM '{lake.folder / report.quarantine[0]}'"
    ).fetchall()
    assert column in held[0]
    assert held[1] == 2
    assert (held[2] or "") == text
    assert lake.store.current()[0].rows_quarantined == 1


def test_a_row_whose_period_cannot_be_read_waits_beside_a_bill_of_another_file(
    write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    september = {"ChargePeriodStart": "2026-09-05T00:00:00Z", "ChargePeriodEnd": "2026-09-06T00:00:00Z"}
    september |= {"BillingPeriodStart": "2026-09-01T00:00:00Z", "BillingPeriodEnd": "2026-10-01T00:00:00Z"}
    first = write("september.csv", [charge("2.00", **september)])
    second = write("october.csv", [charge("4.00"), charge("8.00", BillingPeriodStart="soon")])
    report = load(first, second)
    assert (report.rows_in, report.rows_loaded, report.rows_quarantined) == (3, 2, 1)
    assert [place.rsplit("/", 2)[0] for place in report.quarantine] == ["snapshots/aws/2026-09"]
    told = duckdb.execute(f"SELECT x_file, x_row, BilledCost FROM '{lake.folder / report.quarantine[0]}'").fetchall()
    assert told == [("october.csv", 2, "8.00")]


def test_every_row_and_all_the_money_that_can_be_read_is_accounted_for(
    write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    """Loaded, held back or repeated: the rows of the files; loaded and held back: the money of the files."""
    rows = [
        charge("2.000000000001"),
        charge("-0.30", BillingCurrency="EUR"),
        charge("40.07", ChargePeriodStart="yesterday"),
        charge("0.000000000005", BillingCurrency="EUR", BillingPeriodEnd=""),
        charge("5.11", BillingCurrency="dollars"),
        charge("6.00") | {"BilledCost": "six"},
        charge("a lot"),
    ]
    path = write("bill.csv", rows)
    twin = path.with_name("twin.csv")
    twin.write_text(path.read_text() + "\n")  # not byte for byte the same, and yet the same charges
    report = load(path, twin)
    assert report.rows_in == report.rows_loaded + report.rows_quarantined + report.rows_repeated == 14
    assert (report.rows_loaded, report.rows_repeated) == (2, 2)
    assert {(held.currency, held.rows, held.billed) for held in report.held_back} == {
        ("EUR", 2, Decimal("0.000000000010")),
        ("USD", 6, Decimal("80.14")),
        (None, 2, Decimal("10.22")),
    }
    assert {held.effective for held in report.held_back if held.currency == "USD"} == {Decimal("92.14")}
    loaded = {total.currency: total.billed for total in report.totals}
    assert loaded == {"EUR": Decimal("-0.30"), "USD": Decimal("2.000000000001")}


@pytest.mark.parametrize("column", ["ContractedCost", "ListCost", "ProviderName", "ServiceCategory", "ChargeCategory"])
def test_other_missing_values_load_with_a_finding(column: str, write: Any, charge: Any, load: Any, lake: Lake) -> None:
    report = load(write("bill.csv", [charge("2.00", **{column: "NULL"})]))
    assert report.rows_loaded == 1
    assert found(report, "null", column).rows == 1
    assert lake.ask(Question(period=ALL)).totals == [("USD", Decimal("2.00"))]


def test_a_quantity_that_is_no_number_loads_without_it(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    report = load(write("bill.csv", [charge(PricingQuantity="many")]))
    assert found(report, "quantity", "PricingQuantity").rows == 1
    assert stored(lake, "PricingQuantity") == [(None,)]


def test_values_outside_the_list_load_with_a_finding(write: Any, charge: Any, load: Any) -> None:
    report = load(write("bill.csv", [charge(ChargeCategory="usage", ServiceCategory="Magic")]))
    assert {item.column for item in report.findings if item.rule == "value"} == {"ChargeCategory", "ServiceCategory"}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-10-05T23:30:00Z", "2026-10-05 23:30:00"),
        ("2026-10-05 23:30:00", "2026-10-05 23:30:00"),
        ("2026-10-05T23:30Z", "2026-10-05 23:30:00"),
        ("2026-10-05T23:30", "2026-10-05 23:30:00"),
        ("2026-10-05", "2026-10-05 00:00:00"),
        ("2026-10-05T23:30:00-02:00", "2026-10-06 01:30:00"),
        ("2026-10-05 23:30:00.250+0100", "2026-10-05 22:30:00.25"),
        ("2026-10-05 23:30:00+01", "2026-10-05 22:30:00"),
        ("2026-10-05 23:30:00 UTC", "2026-10-05 23:30:00"),
    ],
)
def test_times_are_read_as_utc(text: str, moment: str, write: Any, charge: Any, load: Any, lake: Lake) -> None:
    report = load(write("bill.csv", [charge(ChargePeriodStart=text)]))
    assert stored(lake, "CAST(timezone('UTC', ChargePeriodStart) AS VARCHAR), x_day") == [
        (moment, date.fromisoformat(moment[:10]))
    ]
    zoned = "Z" in text or "UTC" in text or "+" in text or text.endswith("-02:00")
    assert (("no-zone", "ChargePeriodStart") in {(item.rule, item.column) for item in report.findings}) != zoned


def test_a_currency_in_small_letters_is_the_currency(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    report = load(write("bill.csv", [charge(BillingCurrency="usd"), charge(BillingCurrency="USD")]))
    assert found(report, "currency-case").rows == 1
    assert lake.ask(Question(period=ALL)).totals == [("USD", Decimal("2.00"))]


AWKWARD = "a \"quoted\", comma;\nnew line\ttab, =SUM(A1) 'x' -- ; DROP TABLE charge"


def test_awkward_text_comes_back_as_it_was(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    load(
        write("bill.csv", [charge(ChargeDescription=AWKWARD, ServiceName=AWKWARD, Tags=json.dumps({AWKWARD: AWKWARD}))])
    )
    assert stored(lake, "ChargeDescription, ServiceName") == [(AWKWARD, AWKWARD)]
    answered = lake.ask(Question(period=ALL, by=("service", f"tag:{AWKWARD}"), where={"service": (AWKWARD,)}))
    assert [(row["service"], row[f"tag:{AWKWARD}"]) for row in answered.rows] == [(AWKWARD, AWKWARD)]


def test_awkward_column_names_are_kept(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    name = 'x"); DROP TABLE clean; --'
    load(write('bill\'s "folder"/bill.csv', [charge() | {name: "1", "it's": "2", "x_own": "3"}]))
    assert json.loads(stored(lake, "x_extra")[0][0]) == {name: "1", "it's": "2", "x_own": "3"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_other_delimiters(delimiter: str, write: Any, charge: Any, load: Any) -> None:
    assert load(write("bill.csv", [charge("2.50")], delimiter=delimiter)).totals[0].effective == Decimal("2.50")


@pytest.mark.parametrize("lines", ["\n", "\r\n"])
def test_line_ends_and_a_byte_order_mark(lines: str, write: Any, charge: Any, load: Any) -> None:
    path = write("bill.csv", [charge("2.50"), charge("1.00")], encoding="utf-8-sig", lineterminator=lines)
    assert load(path).totals[0].effective == Decimal("3.50")


def test_gzip_whatever_it_is_called(write: Any, charge: Any, load: Any) -> None:
    path = write("bill.csv", [charge("2.50")])
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert load(path).totals[0].effective == Decimal("2.50")


def test_columns_in_other_letters_and_of_a_newer_version(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    given = charge("2.50", ServiceProviderName="Somebody")
    del given["ProviderName"]
    given["billedcost"] = given.pop("BilledCost")
    report = load(write("bill.csv", [given]))
    assert {item.column for item in report.findings if item.rule == "column-name"} == {
        "ServiceProviderName",
        "billedcost",
    }
    assert lake.values("provider") == ["Somebody"]


def as_parquet(write: Any, charge: Any, tmp_path: Path, select: str) -> Path:
    source = write("bill.csv", [charge("2.50", Tags='{"team": "risk"}'), charge("0.1")])
    target = tmp_path / "bill.parquet"
    duckdb.execute(
        f"COPY (SELECT {select} FROM read_csv('{source}', all_varchar = true)) TO '{target}' (FORMAT parquet)"
    )
    return target


def test_typed_parquet(write: Any, charge: Any, load: Any, lake: Lake, tmp_path: Path) -> None:
    select = (
        "* REPLACE (CAST(EffectiveCost AS DECIMAL(20,4)) AS EffectiveCost, CAST(BilledCost AS DOUBLE) AS BilledCost, "
        "CAST(ListCost AS INTEGER) AS ListCost, CAST(ChargePeriodStart AS TIMESTAMPTZ) AS ChargePeriodStart, "
        "CAST(ChargePeriodEnd AS TIMESTAMP) AS ChargePeriodEnd, "
        "CAST(BillingPeriodStart AS DATE) AS BillingPeriodStart, "
        "MAP {'team': 'risk'} AS Tags, CAST(ServiceName AS BLOB) AS ServiceName)"
    )
    report = load(as_parquet(write, charge, tmp_path, select))
    assert (report.totals[0].effective, report.totals[0].billed) == (Decimal("2.60"), Decimal("2.60"))
    assert found(report, "floating-point", "BilledCost")
    zoneless = {item.column for item in report.findings if item.rule == "no-zone"}
    assert zoneless == {"ChargePeriodEnd", "BillingPeriodStart"}
    assert lake.values("team") == ["risk"]
    assert lake.values("service") == ["Machines"]


def test_binary_floats_are_their_shortest_decimal(
    write: Any, charge: Any, load: Any, lake: Lake, tmp_path: Path
) -> None:
    select = (
        "* REPLACE (CAST(0.1 AS DOUBLE) + CAST(0.2 AS DOUBLE) AS EffectiveCost, CAST(1e-7 AS DOUBLE) AS BilledCost)"
    )
    report = load(as_parquet(write, charge, tmp_path, select))
    assert report.totals[0].billed == Decimal("0.0000002")
    assert report.totals[0].effective == Decimal("0.600000000000")
    assert found(report, "rounded", "EffectiveCost").rows == 2  # 0.30000000000000004


def test_the_session_time_zone_does_not_matter(
    write: Any, charge: Any, load: Any, lake: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    load(as_parquet(write, charge, tmp_path, "* REPLACE (CAST(ChargePeriodStart AS TIMESTAMPTZ) AS ChargePeriodStart)"))
    assert {day for (day,) in stored(lake, "x_day")} == {datetime(2026, 10, 5).date()}  # noqa: DTZ001


def test_a_period_that_ends_before_it_starts_loads_with_a_finding(write: Any, charge: Any, load: Any) -> None:
    report = load(write("bill.csv", [charge(ChargePeriodEnd="2026-10-04T00:00:00Z")]))
    assert found(report, "period-order").rows == 1
    assert report.rows_loaded == 1
