"""AWS's own reports: each kind of line, commitments used and unused, and models that Marketplace bills."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lake.errors import LakeError

pytestmark = pytest.mark.slow

LINE = {
    "identity/LineItemId": "id-1",
    "bill/BillingEntity": "AWS",
    "bill/PayerAccountId": "111111111111",
    "bill/InvoiceId": "INV-1",
    "bill/BillingPeriodStartDate": "2026-10-01T00:00:00Z",
    "bill/BillingPeriodEndDate": "2026-11-01T00:00:00Z",
    "lineItem/UsageAccountId": "222222222222",
    "lineItem/LineItemType": "Usage",
    "lineItem/UsageStartDate": "2026-10-05T00:00:00Z",
    "lineItem/UsageEndDate": "2026-10-05T01:00:00Z",
    "lineItem/ProductCode": "AmazonEC2",
    "lineItem/UsageType": "BoxUsage:g5.xlarge",
    "lineItem/ResourceId": "i-0abc",
    "lineItem/UsageAmount": "1",
    "lineItem/CurrencyCode": "USD",
    "lineItem/UnblendedCost": "1.0060000001",
    "lineItem/LineItemDescription": "$1.006 per On Demand g5.xlarge hour",
    "lineItem/LegalEntity": "Amazon Web Services, Inc.",
    "product/ProductName": "Amazon Elastic Compute Cloud",
    "product/instanceType": "g5.xlarge",
    "product/region": "us-east-1",
    "pricing/publicOnDemandCost": "1.0060000001",
    "pricing/unit": "Hrs",
    "reservation/ReservationARN": "",
    "reservation/EffectiveCost": "",
    "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": "",
    "reservation/UnusedRecurringFee": "",
    "savingsPlan/SavingsPlanARN": "",
    "savingsPlan/SavingsPlanEffectiveCost": "",
    "savingsPlan/TotalCommitmentToDate": "",
    "savingsPlan/UsedCommitment": "",
    "resourceTags/user:Team": "risk",
}
FEES = {"lineItem/UsageType": "fee", "lineItem/UsageAmount": "", "pricing/publicOnDemandCost": ""}
PLAN = {"savingsPlan/SavingsPlanARN": "arn:sp/1"}
RESERVATION = {"reservation/ReservationARN": "arn:ri/1"}


def line(kind: str = "Usage", cost: str = "1", **more: str) -> dict[str, str]:
    """A line of this kind and unblended cost; further columns with `__` for the slash."""
    changed = {name.replace("__", "/"): value for name, value in more.items()}
    listed = {} if "pricing/publicOnDemandCost" in changed else {"pricing/publicOnDemandCost": cost}
    return LINE | {"lineItem/LineItemType": kind, "lineItem/UnblendedCost": cost} | listed | changed


def a_month() -> list[dict[str, str]]:
    """A month whose sums are plain: a reservation used for 7 of its 10, a plan for 5 of its 8, and all other kinds."""
    return [
        line("Usage", "2.50"),
        line("DiscountedUsage", "0", reservation__EffectiveCost="7", **RESERVATION, pricing__publicOnDemandCost="12"),
        line("RIFee", "4", **FEES, **RESERVATION, reservation__UnusedAmortizedUpfrontFeeForBillingPeriod="1.8",
             reservation__UnusedRecurringFee="1.2"),
        line("Fee", "6", **FEES, **RESERVATION),
        line("SavingsPlanCoveredUsage", "9", **PLAN, savingsPlan__SavingsPlanEffectiveCost="5"),
        line("SavingsPlanNegation", "-9", **PLAN),
        line("SavingsPlanRecurringFee", "8", **FEES, **PLAN, savingsPlan__TotalCommitmentToDate="8",
             savingsPlan__UsedCommitment="5"),
        line("Tax", "1.11", **FEES),
        line("Credit", "-0.75", **FEES),
        line("EdpDiscount", "-0.20", **FEES),
        line("Refund", "-0.30", **FEES, lineItem__UsageStartDate="2026-09-30T00:00:00Z"),
        line("Fee", "3", **FEES, lineItem__ProductCode="AWSSupportBusiness"),
    ]  # fmt: skip


def test_a_month_of_all_kinds_keeps_its_money(write: Any, load: Any, ask: Any) -> None:
    lines = a_month()
    report = load(write("cur.csv", lines))
    assert (report.rows_in, report.rows_loaded, report.rows_quarantined) == (len(lines) + 2, len(lines) + 2, 0)
    added = [finding for finding in report.findings if finding.rule == "commitment-unused"]
    assert sum(finding.rows for finding in added) == 2
    invoiced = sum(Decimal(given["lineItem/UnblendedCost"]) for given in lines)
    assert ask('SELECT sum("BilledCost") FROM bill') == [(invoiced,)]
    kinds = ask(
        'SELECT "ChargeCategory", count(*), sum("BilledCost"), sum("EffectiveCost") FROM bill GROUP BY 1 ORDER BY 1'
    )
    assert kinds == [
        ("Adjustment", 1, Decimal("-0.30"), Decimal("-0.30")),
        ("Credit", 2, Decimal("-0.95"), Decimal("-0.95")),
        ("Purchase", 4, Decimal("21"), Decimal("3")),
        ("Tax", 1, Decimal("1.11"), Decimal("1.11")),
        ("Usage", 6, Decimal("2.50"), Decimal("20.5")),
    ]
    assert ask("SELECT count(*) FROM bill WHERE \"ChargeClass\" = 'Correction'") == [(1,)]


def test_what_a_commitment_cost_is_what_was_used_and_unused(write: Any, load: Any, ask: Any) -> None:
    load(write("cur.csv", a_month()))
    told = ask(
        'SELECT "CommitmentDiscountId", sum("BilledCost") FILTER (WHERE "ChargeCategory" = \'Purchase\'), '
        'sum("EffectiveCost") FILTER (WHERE "CommitmentDiscountStatus" = \'Used\'), '
        'sum("EffectiveCost") FILTER (WHERE "CommitmentDiscountStatus" = \'Unused\'), '
        'sum("EffectiveCost") FILTER (WHERE "ChargeCategory" = \'Purchase\'), '
        'min("CommitmentDiscountCategory"), min("PricingCategory"), max("PricingCategory") '
        'FROM bill WHERE "CommitmentDiscountId" IS NOT NULL GROUP BY 1 ORDER BY 1'
    )
    assert told == [
        ("arn:ri/1", Decimal(10), Decimal(7), Decimal(3), Decimal(0), "Usage", "Committed", "Committed"),
        ("arn:sp/1", Decimal(8), Decimal(5), Decimal(3), Decimal(0), "Spend", "Committed", "Committed"),
    ]
    unused = ask(
        "SELECT \"ConsumedQuantity\", json_extract_string(x_extra, '$.x_split_from_row') FROM bill "
        "WHERE \"CommitmentDiscountStatus\" = 'Unused' ORDER BY x_row"
    )
    assert unused == [(None, "3"), (None, "7")]


def test_pitfall_05_billed_and_effective_are_two_views_of_one_month(write: Any, load: Any, ask: Any) -> None:
    load(write("cur.csv", a_month()))
    [(billed, effective)] = ask('SELECT sum("BilledCost"), sum("EffectiveCost") FROM bill')
    # All of the commitments was paid and used up in this month, so the two views agree; their sum would be twice it.
    assert billed == effective == Decimal("23.36")


def test_pitfall_06_buying_a_commitment_does_not_spike_the_effective_cost(write: Any, load: Any, ask: Any) -> None:
    days = [
        line("SavingsPlanCoveredUsage", "12", **PLAN, savingsPlan__SavingsPlanEffectiveCost="10",
             lineItem__UsageStartDate=f"2026-10-0{day}T00:00:00Z",
             lineItem__UsageEndDate=f"2026-10-0{day + 1}T00:00:00Z")
        for day in (1, 2, 3)
    ]  # fmt: skip
    back = [given | {"lineItem/LineItemType": "SavingsPlanNegation", "lineItem/UnblendedCost": "-12"} for given in days]
    bought = line("SavingsPlanUpfrontFee", "3650", **FEES, **PLAN)
    load(write("cur.csv", [*days, *back, bought | {"lineItem/UsageStartDate": "2026-10-01T00:00:00Z"}]))
    daily = ask('SELECT x_day, sum("BilledCost"), sum("EffectiveCost") FROM bill GROUP BY 1 ORDER BY 1')
    assert [effective for _, _, effective in daily] == [Decimal(10)] * 3
    assert [billed for _, billed, _ in daily] == [Decimal(3650), Decimal(0), Decimal(0)]


def test_pitfall_07_the_invoice_holds_what_unit_costs_leave_out(write: Any, load: Any, ask: Any) -> None:
    load(write("cur.csv", a_month()))
    aside = ask(
        "SELECT sum(\"BilledCost\") FROM bill WHERE \"ChargeCategory\" IN ('Tax', 'Credit', 'Adjustment') "
        "OR \"ServiceCategory\" = 'Management and Governance'"
    )
    used = ask('SELECT sum("BilledCost") FROM bill WHERE "ChargeCategory" = \'Usage\'')
    assert (aside, used) == ([(Decimal("2.86"),)], [(Decimal("2.50"),)])
    assert ask('SELECT sum("BilledCost") FROM bill WHERE "InvoiceId" = \'INV-1\'') == [(Decimal("23.36"),)]


MARKETPLACE = {
    "bill__BillingEntity": "AWS Marketplace", "lineItem__ProductCode": "8xkq3opaque",
    "lineItem__LegalEntity": "Anthropic, PBC",
    "product__instanceType": "", "lineItem__ResourceId": "", "pricing__unit": "Units",
}  # fmt: skip


def test_pitfall_03_a_model_that_marketplace_bills_is_bedrock_once(write: Any, load: Any, ask: Any) -> None:
    sold = line("Usage", "7.5", **MARKETPLACE, product__ProductName="Claude Sonnet 4 (Amazon Bedrock Edition)",
                lineItem__UsageType="USE1-MP:USE1_InputTokenCount-Units")  # fmt: skip
    own = line("Usage", "2", lineItem__ProductCode="AmazonBedrock", product__ProductName="Amazon Bedrock",
               lineItem__UsageType="USE1-Nova-Pro-output-tokens", product__instanceType="")  # fmt: skip
    other = line("Usage", "1", **MARKETPLACE, product__ProductName="A firewall", lineItem__UsageType="USE1-Hours",
                 lineItem__LineItemDescription="An hour of it")  # fmt: skip
    report = load(write("cur.csv", [sold, own, other]))
    told = ask(
        'SELECT "BilledCost", "ServiceName", "ServiceCategory", "PublisherName", x_ai, x_model, x_token_class '
        "FROM bill ORDER BY x_row"
    )
    assert told[0] == (
        Decimal("7.5"), "Amazon Bedrock", "AI and Machine Learning", "Anthropic, PBC", True, "claude-sonnet-4",
        "input_uncached",
    )  # fmt: skip
    assert told[1][1:3] == ("Amazon Bedrock", "AI and Machine Learning")
    assert told[1][5:] == ("nova-pro", "output")
    assert (told[2][1], told[2][4]) == ("A firewall", False)
    assert ask('SELECT count(*), sum("BilledCost") FROM bill WHERE "ServiceName" = \'Amazon Bedrock\'') == [
        (2, Decimal("9.5"))
    ]
    assert [finding.rows for finding in report.findings if finding.rule == "marketplace-model"] == [1]


def test_pitfall_04_consumption_units_are_a_virtual_currency(write: Any, load: Any, ask: Any) -> None:
    sold = line("Usage", "12.34", **MARKETPLACE, product__ProductName="Claude Platform on AWS",
                lineItem__LineItemDescription="Claude Consumption Units", lineItem__UsageType="USE1-CCU",
                lineItem__UsageAmount="1234")  # fmt: skip
    load(write("cur.csv", [sold]))
    assert ask(
        'SELECT "BilledCost", "EffectiveCost", "BillingCurrency", "PricingCurrency", "PricingCurrencyEffectiveCost", '
        '"ConsumedUnit", "ServiceName", x_ai, x_token_class FROM bill'
    ) == [
        (Decimal("12.34"), Decimal("12.34"), "USD", "CCU", Decimal(1234), "Claude Consumption Units",
         "Claude Platform on AWS", True, None)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("usage", "token_class"),
    [
        ("USE1-Claude4Sonnet-input-tokens", "input_uncached"),
        ("USE1-Claude4Sonnet-output-tokens", "output"),
        ("USE1-Claude4Sonnet-cache-read-input-token-count", "input_cache_read"),
        ("USE1-Claude4Sonnet-cache-write-input-token-count", "input_cache_write_5m"),
        ("USE1-Claude4Sonnet-mantle-input-tokens", "input_uncached"),
        ("USE1-Claude4Sonnet-ProvisionedThroughput", None),
    ],
)
def test_each_bedrock_usage_type_is_one_class_of_tokens(
    usage: str, token_class: str | None, write: Any, load: Any, ask: Any
) -> None:
    load(write("cur.csv", [line(lineItem__ProductCode="AmazonBedrock", lineItem__UsageType=usage)]))
    model = "claude4sonnet" if token_class else None
    assert ask("SELECT x_token_class, x_model FROM bill") == [(token_class, model)]


def test_sagemaker_says_what_its_machines_are_for(write: Any, load: Any, ask: Any) -> None:
    given = [
        "Host:ml.g5.xlarge",
        "USE1-Hosting:ml.g5.xlarge",
        "EUC1-Train:ml.p4d.24xlarge",
        "Notebk:ml.t3.medium",
        "Data",
    ]
    load(
        write("cur.csv", [line(lineItem__ProductCode="AmazonSageMaker", lineItem__UsageType=usage) for usage in given])
    )
    found = [row[0] for row in ask("SELECT x_workload FROM bill ORDER BY x_row")]
    assert found == ["inference", "inference", "training", "notebook", None]


def snake(name: str) -> str:
    group, _, own = name.partition("/")
    return (
        "".join(f"_{c.lower()}" if c.isupper() else c for c in group)
        + "_"
        + "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(own))
    )


def test_cur_2_as_parquet_with_maps_is_the_same_bill(parquet: Any, load: Any, ask: Any) -> None:
    rows = []
    for given in a_month():
        row: dict[str, Any] = {
            snake(name): value or None
            for name, value in given.items()
            if not name.startswith(("resourceTags", "product/"))
        }
        row["product"] = [("product_name", given["product/ProductName"]), ("instance_type", "g5.xlarge")]
        row["resource_tags"] = [("user_team", "risk")]
        row["line_item_iam_principal"] = "arn:aws:iam::222222222222:role/kyc"
        rows.append(row)
    maps = pa.map_(pa.string(), pa.string())
    schema = pa.schema([(name, maps if name in ("product", "resource_tags") else pa.string()) for name in rows[0]])
    load(parquet("cur2.parquet", rows, schema))
    assert ask('SELECT sum("BilledCost"), sum("EffectiveCost") FROM bill') == [(Decimal("23.36"), Decimal("23.36"))]
    assert ask("SELECT DISTINCT x_team FROM bill") == [("risk",)]
    [(details, extra)] = ask('SELECT "SkuPriceDetails", x_extra FROM bill WHERE x_row = 1')
    assert json.loads(details) == {"InstanceType": "g5.xlarge"}
    assert json.loads(extra)["line_item_iam_principal"] == "arn:aws:iam::222222222222:role/kyc"


def test_pitfall_13_no_resource_and_no_key_are_not_an_empty_tag(write: Any, load: Any, ask: Any) -> None:
    given = {"resourceTags/user:Team": "", "lineItem/ResourceId": "", "lineItem/UsageAccountId": ""}
    load(write("cur.csv", [line() | given, line()]))
    assert ask('SELECT "ResourceId", "SubAccountId", "Tags", x_team FROM bill ORDER BY x_row') == [
        (None, None, None, None),
        ("i-0abc", "222222222222", '{"user:Team":"risk"}', "risk"),
    ]


def test_damaged_amounts_wait_in_quarantine_with_their_row(write: Any, load: Any, held: Any) -> None:
    damaged = line("SavingsPlanRecurringFee", "8", **PLAN, savingsPlan__TotalCommitmentToDate="8",
                   savingsPlan__UsedCommitment="many")  # fmt: skip
    lines = [line("Usage", "2"), line("Usage", "two"), line("DiscountedUsage", "0", **RESERVATION), damaged]
    report = load(write("cur.csv", lines))
    # The fee itself can be read; what it left unused cannot, and is held back alone.
    assert (report.rows_loaded, report.rows_quarantined) == (2, 3)
    told = held()
    assert [row for row, _ in told] == [2, 3, 5]
    assert "'two' is no readable amount" in told[0][1]
    assert told[1][1] == "EffectiveCost is missing"
    assert "'8 - many' is no readable amount" in told[2][1]


def test_exponents_are_subtracted_to_the_last_digit(write: Any, load: Any, ask: Any) -> None:
    fee = line("SavingsPlanRecurringFee", "8", **PLAN, savingsPlan__TotalCommitmentToDate="8.000000000001",
               savingsPlan__UsedCommitment="1.5E-11")  # fmt: skip
    load(write("cur.csv", [fee]))
    unused = ask('SELECT "EffectiveCost" FROM bill WHERE "CommitmentDiscountStatus" = \'Unused\'')
    assert unused == [(Decimal("7.999999999986"),)]


def test_an_unknown_kind_of_line_is_an_adjustment_and_told(write: Any, load: Any, ask: Any) -> None:
    report = load(write("cur.csv", [line("Usage"), line("NewThing", "5")]))
    assert ask('SELECT "EffectiveCost" FROM bill WHERE "ChargeCategory" = \'Adjustment\'') == [(Decimal(5),)]
    assert any(finding.rule == "line-item-type" and "NewThing" in finding.text for finding in report.findings)


def test_a_report_with_a_column_missing_or_twice_is_refused(write: Any, load: Any) -> None:
    short = line()
    del short["lineItem/UsageEndDate"]
    with pytest.raises(LakeError, match="lacks the column line_item_usage_end_date"):
        load(write("short.csv", [short]))
    both: dict[str, str] = line() | {"line_item_unblended_cost": "1"}
    path: Path = write("both.csv", [both])
    with pytest.raises(LakeError, match="has the column line_item_unblended_cost twice"):
        load(path)


def test_two_tags_that_differ_in_case_alone_are_two_tags(write: Any, load: Any, ask: Any) -> None:
    load(write("cur.csv", [line() | {"resourceTags/user:team": "kyc"}]))
    [(tags,)] = ask('SELECT "Tags" FROM bill')
    assert json.loads(tags) == {"user:Team": "risk", "user:team": "kyc"}


def test_the_athena_form_with_typed_columns_is_the_same_bill(parquet: Any, load: Any, ask: Any) -> None:
    rows = []
    for given in a_month():
        row: dict[str, Any] = {
            snake(name): value or None for name, value in given.items() if not name.startswith("resourceTags")
        }
        for name in row:
            if name.endswith(("start_date", "end_date")):
                row[name] = datetime.fromisoformat(row[name].removesuffix("Z"))
            elif name.endswith(("_cost", "_fee", "_period", "_commitment", "_to_date", "usage_amount")) and row[name]:
                row[name] = float(row[name])
        rows.append(row | {"resource_tags_user_team": "risk"})
    report = load(parquet("athena.parquet", rows))
    assert report.rows_quarantined == 0
    assert ask('SELECT sum("BilledCost"), sum("EffectiveCost") FROM bill') == [(Decimal("23.36"), Decimal("23.36"))]
    assert ask('SELECT DISTINCT x_team, "Tags" FROM bill') == [("risk", '{"user_team":"risk"}')]
    assert {finding.rule for finding in report.findings} >= {"floating-point", "commitment-unused"}
    assert "no-zone" not in {finding.rule for finding in report.findings}
