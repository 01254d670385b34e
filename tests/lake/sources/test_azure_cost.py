"""Azure's own exports: actual and amortized, several currencies, prices that are not known, ids in several cases."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from lake.errors import LakeError, SourceConflict

ID = "/subscriptions/AAAA-1/resourceGroups/RG-Risk/providers/Microsoft.Compute/virtualMachines/vm-1"
LINE = {
    "BillingAccountId": "8608480", "BillingAccountName": "Northern Bank", "BillingPeriodStartDate": "10/01/2026",
    "BillingPeriodEndDate": "10/31/2026", "Date": "10/05/2026", "SubscriptionId": "AAAA-1", "ResourceId": ID,
    "MeterCategory": "Virtual Machines", "MeterSubCategory": "NCas T4 v3", "MeterName": "NC4as T4 v3", "MeterId": "m-1",
    "ServiceFamily": "Compute", "UnitOfMeasure": "1 Hour", "Quantity": "10", "CostInBillingCurrency": "5.26",
    "BillingCurrencyCode": "EUR", "UnitPrice": "0.526", "PayGPrice": "0.6", "ChargeType": "Usage",
    "PricingModel": "OnDemand", "Frequency": "UsageBased", "ReservationId": "", "ReservationName": "",
    "PublisherName": "Microsoft", "Tags": '"team": "risk","env": "prod"', "ResourceLocation": "westeurope",
}  # fmt: skip


def line(cost: str = "5.26", **more: str) -> dict[str, str]:
    return LINE | {"CostInBillingCurrency": cost} | more


RESERVED = {"PricingModel": "Reservation", "ReservationId": "R-9", "ReservationName": "three years"}
AMORTIZED = [
    line("2.10", **RESERVED),
    line("0.90", **RESERVED | {"ChargeType": "UnusedReservation", "ResourceId": ""}),
    line("5.26"),
]
ACTUAL = [
    line("0", **RESERVED),
    line("108", **RESERVED | {"ChargeType": "Purchase", "ResourceId": "", "Frequency": "OneTime"}),
    line("5.26"),
]


def test_an_enterprise_export_keeps_every_cent_and_reads_its_days(write: Any, load: Any, ask: Any) -> None:
    report = load(write("ea.csv", [line(), line("0.000000123456", Date="10/31/2026")]))
    assert (report.rows_in, report.rows_loaded) == (2, 2)
    assert [str(one.billed) for one in report.totals] == ["5.260000123456"]
    assert ask(
        'SELECT x_day::VARCHAR, epoch("BillingPeriodEnd" - "BillingPeriodStart") / 86400, "ListCost", '
        '"ContractedCost", "ConsumedUnit", x_team, x_environment, "ServiceCategory", "RegionId" '
        "FROM bill ORDER BY x_row"
    ) == [
        (day, 31.0, Decimal(6), Decimal("5.26"), "Hours", "risk", "prod", "Compute", "westeurope")
        for day in ("2026-10-05", "2026-10-31")
    ]


def test_amortized_costs_have_used_and_unused_and_are_billed_elsewhere(write: Any, load: Any, ask: Any) -> None:
    report = load(write("amortized.csv", AMORTIZED))
    assert ask(
        'SELECT "CommitmentDiscountStatus", "BilledCost", "EffectiveCost", "ConsumedQuantity" FROM bill ORDER BY x_row'
    ) == [
        ("Used", Decimal(0), Decimal("2.10"), Decimal(10)),
        ("Unused", Decimal(0), Decimal("0.90"), None),
        (None, Decimal("5.26"), Decimal("5.26"), Decimal(10)),
    ]
    assert [finding.rows for finding in report.findings if finding.rule == "azure-amortized"] == [2]


def test_pitfall_06_actual_costs_tell_that_a_purchase_is_no_use(write: Any, load: Any, ask: Any) -> None:
    report = load(write("actual.csv", ACTUAL))
    assert ask('SELECT "BilledCost" FROM bill WHERE "ChargeCategory" = \'Purchase\'') == [(Decimal(108),)]
    assert [finding.rows for finding in report.findings if finding.rule == "azure-actual"] == [2]


def test_pitfall_05_actual_and_amortized_are_never_added(write: Any, load: Any, lake: Any) -> None:
    with pytest.raises(SourceConflict, match=r"twice in 2026-10"):
        load(write("actual.csv", ACTUAL), write("amortized.csv", AMORTIZED))
    assert lake.store.current() == ()


def test_pitfall_14_each_row_keeps_its_currency_and_its_rate(write: Any, load: Any, ask: Any) -> None:
    more = {"ExchangeRatePricingToBilling": "0.91", "ExchangeRateDate": "10/01/2026", "PricingCurrency": "USD"}
    report = load(write("mca.csv", [line(**more), line("7", **more | {"BillingCurrencyCode": "CHF"})]))
    assert [(one.currency, one.billed) for one in report.totals] == [("CHF", Decimal(7)), ("EUR", Decimal("5.26"))]
    # The prices are in dollars: multiplied by a quantity they are no cost in euros.
    assert (
        ask("SELECT \"PricingCurrency\", \"ListCost\", x_extra->>'$.x_fx_rate', x_extra->>'$.x_fx_date' FROM bill")
        == [("USD", None, "0.91", "2026-10-01T00:00:00Z")] * 2
    )


def test_pitfall_15_a_list_price_of_zero_is_not_known(write: Any, load: Any, ask: Any) -> None:
    lines = [line(PayGPrice="0"), line(PayGPrice="0.0000"), line(PayGPrice=""), line(PaygCostInBillingCurrency="9")]
    report = load(write("ea.csv", [LINE | {"PaygCostInBillingCurrency": ""} | given for given in lines]))
    assert [row[0] for row in ask('SELECT "ListCost" FROM bill ORDER BY x_row')] == [None, None, None, Decimal(9)]
    assert [finding.rows for finding in report.findings if finding.rule == "list-cost-unknown"] == [3]


def test_ids_meet_whatever_their_case(write: Any, load: Any, ask: Any) -> None:
    load(write("ea.csv", [line(), line(ResourceId=ID.upper(), SubscriptionId="aaaa-1")]))
    assert ask('SELECT DISTINCT "ResourceId", "SubAccountId", "ResourceType" FROM bill') == [
        (ID.lower(), "aaaa-1", "microsoft.compute/virtualmachines")
    ]
    assert ask("SELECT x_extra->>'$.ResourceId' FROM bill WHERE x_row = 2") == [(ID.upper(),)]


def test_openai_meters_are_ai_with_their_class_of_tokens(write: Any, load: Any, ask: Any) -> None:
    meters = [
        "gpt-4o-0806-Inp-glbl Tokens",
        "gpt-4o-0806-cchd-Inp-glbl Tokens",
        "gpt 4o 0513 Output global Tokens",
        "Hosting",
    ]
    load(write("ea.csv", [line(MeterCategory="Azure OpenAI", MeterSubCategory="", MeterName=name) for name in meters]))
    assert ask('SELECT x_ai, x_token_class FROM bill ORDER BY x_row') == [
        (True, "input_uncached"), (True, "input_cache_read"), (True, "output"), (True, None),
    ]  # fmt: skip


def test_damaged_rows_wait_in_quarantine_with_their_row(write: Any, load: Any, held: Any) -> None:
    report = load(write("ea.csv", [line(), line("5,26"), line(Date="25/10/2026"), line(BillingCurrencyCode="€")]))
    assert (report.rows_loaded, report.rows_quarantined) == (1, 3)
    assert [row for row, _ in held()] == [2, 3, 4]
    told = [finding.text for finding in report.findings if finding.rule == "held-back"]
    assert len(told) == 1
    assert "row 2: BilledCost '5,26' is no readable amount" in told[0]


def test_a_column_missing_or_twice_in_another_case_is_refused(write: Any, load: Any) -> None:
    short = line()
    del short["ChargeType"]
    with pytest.raises(LakeError, match="lacks the column chargetype"):
        load(write("short.csv", [short]))
    with pytest.raises(LakeError, match="has the column costinbillingcurrency twice"):
        load(write("twice.csv", [line() | {"costinbillingcurrency": "1"}]))


def test_parquet_with_days_as_dates_and_names_in_another_case(parquet: Any, load: Any, ask: Any) -> None:
    row: dict[str, Any] = {name[0].lower() + name[1:]: value for name, value in line().items()}
    row |= {"date": date(2026, 10, 5), "billingPeriodStartDate": datetime.fromisoformat("2026-10-01")}
    row |= {
        "billingPeriodEndDate": datetime.fromisoformat("2026-10-31"),
        "costInBillingCurrency": Decimal("5.260000000001"),
    }
    report = load(parquet("mca.parquet", [row]))
    assert report.rows_quarantined == 0
    assert ask(
        'SELECT "BilledCost", x_day::VARCHAR, epoch("ChargePeriodEnd" - "ChargePeriodStart"), '
        'epoch("BillingPeriodEnd" - "BillingPeriodStart") / 86400 FROM bill'
    ) == [(Decimal("5.260000000001"), "2026-10-05", 86400.0, 31.0)]
