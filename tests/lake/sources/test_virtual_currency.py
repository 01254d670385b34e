"""Credits bought with cash and burned later, as FOCUS has them: no cent counts twice, and units keep theirs."""

from decimal import Decimal
from typing import Any

import duckdb

from lake.engine import Lake
from lake.period import Period
from lake.question import Metric, Question

OCTOBER, NOVEMBER = Period.parse("2026-10"), Period.parse("2026-11")
SOFTWARE = {
    "ProviderName": "Vector Store",
    "ServiceCategory": "Databases",
    "ServiceName": "Vectors",
    "PricingCurrency": "Token",
}
# 500 tokens for 1,000 dollars in October; in November 245 executions burn a token each, worth two dollars.
BOUGHT = {
    **SOFTWARE,
    "ChargeCategory": "Purchase",
    "BilledCost": "1000.00",
    "EffectiveCost": "0.00",
    "ContractedCost": "1000.00",
    "ListCost": "1000.00",
    "PricingQuantity": "500",
    "PricingUnit": "Tokens",
    "PricingCurrencyEffectiveCost": "0",
    "ChargeFrequency": "One-Time",
}
BURNED = {
    **SOFTWARE,
    "ChargeCategory": "Usage",
    "BilledCost": "0.00",
    "EffectiveCost": "490",
    "ContractedCost": "490",
    "ListCost": "490",
    "ConsumedQuantity": "245",
    "ConsumedUnit": "Executions",
    "PricingQuantity": "245",
    "PricingUnit": "Executions",
    "PricingCurrencyEffectiveCost": "245",
    "PricingCurrencyContractedUnitPrice": "1",
    "PricingCurrencyListUnitPrice": "1",
    "ChargeFrequency": "Usage-Based",
}


def test_cash_is_billed_when_it_is_paid_and_costs_when_it_is_burned(
    write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    bought, burned = charge(day="2026-10-05") | BOUGHT, charge(day="2026-11-03") | BURNED
    report = load(write("credits.csv", [bought, burned]), final=True)
    assert [finding.rule for finding in report.findings] == []
    told = {
        (metric, period.label): lake.ask(Question(period=period, metric=metric)).totals
        for metric in (Metric.BILLED, Metric.EFFECTIVE)
        for period in (OCTOBER, NOVEMBER)
    }
    assert told == {
        (Metric.BILLED, "2026-10"): [("USD", Decimal(1000))],
        (Metric.EFFECTIVE, "2026-10"): [("USD", Decimal(0))],
        (Metric.BILLED, "2026-11"): [("USD", Decimal(0))],
        (Metric.EFFECTIVE, "2026-11"): [("USD", Decimal(490))],
    }
    used = lake.ask(Question(period=NOVEMBER, metric=Metric.QUANTITY)).totals
    assert used == [("Executions", Decimal(245))]
    files = [str(lake.folder / file.path) for snapshot in lake.current() for file in snapshot.files]
    kept = duckdb.execute(
        f"SELECT PricingCurrency, sum(PricingCurrencyEffectiveCost) FROM read_parquet({files}) GROUP BY 1"
    )
    assert kept.fetchall() == [("Token", Decimal(245))]


def test_units_of_a_virtual_currency_are_never_counted_as_tokens_of_a_model(
    write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    """They share a name: what is bought in Tokens is no usage, and what is used is counted in its own unit."""
    load(write("credits.csv", [charge(day="2026-10-05") | BOUGHT, charge(day="2026-10-06") | BURNED]), final=True)
    assert lake.ask(Question(period=OCTOBER, metric=Metric.TOKENS)).totals == []
