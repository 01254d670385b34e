"""The generated rows keep the rules of FOCUS 1.2, to the last decimal."""

from typing import Any

import pyarrow.csv
import pyarrow.parquet
import pytest

from sandbox.bank.write import write_bank
from tests.sandbox.bank.conftest import UNTIL, Ask

NEVER_NULL = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
)
MAY_BE_NULL = (
    "AvailabilityZone",
    "BillingAccountName",
    "ChargeClass",
    "ChargeDescription",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountQuantity",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "CommitmentDiscountUnit",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedUnitPrice",
    "InvoiceId",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
)
RULES = {
    "list cost = list unit price × quantity": "ListUnitPrice * PricingQuantity::DECIMAL(38,6) <> ListCost",
    "contracted cost = contracted unit price × quantity": (
        "ContractedUnitPrice * PricingQuantity::DECIMAL(38,6) <> ContractedCost"
    ),
    "a cost that no commitment touches is billed as contracted": (
        "CommitmentDiscountId IS NULL AND (BilledCost <> ContractedCost OR EffectiveCost <> ContractedCost)"
    ),
    "what a commitment covers is not billed again": (
        "CommitmentDiscountStatus IS NOT NULL AND (BilledCost <> 0 OR EffectiveCost <= 0)"
    ),
    "buying a commitment has no effective cost": (
        "ChargeCategory = 'Purchase' AND CommitmentDiscountId IS NOT NULL AND (EffectiveCost <> 0 OR BilledCost <= 0)"
    ),
    "the contracted price is at most the list price": "ContractedUnitPrice > ListUnitPrice",
    "only credits and corrections are negative": (
        "(BilledCost < 0 OR EffectiveCost < 0) AND ChargeCategory <> 'Credit' AND ChargeClass IS NULL"
    ),
    "quantity consumed only by usage that a commitment did not leave unused": (
        "(ConsumedQuantity IS NOT NULL) <> (ChargeCategory = 'Usage' AND ChargeClass IS NULL AND "
        "coalesce(CommitmentDiscountStatus, '') <> 'Unused')"
    ),
    "a quantity has its unit": (
        "(ConsumedQuantity IS NULL) <> (ConsumedUnit IS NULL) OR (PricingQuantity IS NULL) <> (PricingUnit IS NULL)"
    ),
    "usage and purchases are priced, taxes are not": (
        "(PricingQuantity IS NOT NULL) <> (ChargeCategory IN ('Usage', 'Purchase') AND ChargeClass IS NULL) OR "
        "(SkuPriceId IS NULL) <> (PricingQuantity IS NULL) OR (PricingCategory IS NULL) <> (PricingQuantity IS NULL)"
    ),
    "a purchase is never usage-based": "ChargeCategory = 'Purchase' AND ChargeFrequency = 'Usage-Based'",
    "a used or unused commitment is committed": (
        "(CommitmentDiscountStatus IS NOT NULL) <> (coalesce(PricingCategory, '') = 'Committed')"
    ),
    "a commitment comes with its columns": (
        "CommitmentDiscountId IS NOT NULL AND (CommitmentDiscountCategory IS NULL OR CommitmentDiscountType IS NULL OR "
        "CommitmentDiscountQuantity IS NULL OR CommitmentDiscountUnit IS NULL)"
    ),
    "a charge starts in its billing month, unless it corrects an earlier one": (
        "(ChargePeriodStart < BillingPeriodStart AND ChargeClass IS NULL) OR ChargePeriodStart >= BillingPeriodEnd"
    ),
    "a daily charge ends where the next begins": (
        "ChargeFrequency = 'Usage-Based' AND ChargePeriodEnd <> ChargePeriodStart + INTERVAL 1 DAY"
    ),
    "a billing month is a calendar month": (
        "BillingPeriodStart <> date_trunc('month', BillingPeriodStart) OR "
        "BillingPeriodEnd <> BillingPeriodStart + INTERVAL 1 MONTH"
    ),
    "a region has a name": "(RegionId IS NULL) <> (RegionName IS NULL)",
    "tags and details are JSON": (
        "(Tags IS NOT NULL AND NOT json_valid(Tags)) OR "
        "(SkuPriceDetails IS NOT NULL AND NOT json_valid(SkuPriceDetails))"
    ),
    "tokens are whole and priced by the million": (
        "x_token_class IS NOT NULL AND (ConsumedUnit <> 'Tokens' OR ConsumedQuantity <> round(ConsumedQuantity, 0) OR "
        "ConsumedQuantity <> PricingQuantity::DECIMAL(38,6) * 1000000)"
    ),
    "no row without cost or quantity": "PricingQuantity = 0",
}


def test_the_columns_are_those_of_focus_and_a_few_of_ours(ask: Ask) -> None:
    columns = {name: kind for name, kind, *_ in ask("DESCRIBE bill")}
    assert set(columns) == {*NEVER_NULL, *MAY_BE_NULL, "x_model", "x_token_class", "x_workload"}
    money = {name for name, kind in columns.items() if kind == "DECIMAL(38,12)"}
    assert money == {
        "BilledCost",
        "EffectiveCost",
        "ListCost",
        "ContractedCost",
        "ListUnitPrice",
        "ContractedUnitPrice",
    }
    quantities = {name for name, kind in columns.items() if kind == "DECIMAL(38,18)"}
    assert quantities == {"PricingQuantity", "ConsumedQuantity", "CommitmentDiscountQuantity"}
    times = {name for name, kind in columns.items() if kind == "TIMESTAMP WITH TIME ZONE"}
    assert times == {"BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd"}


@pytest.mark.parametrize("column", NEVER_NULL)
def test_a_column_that_must_have_a_value_has_one(ask: Ask, column: str) -> None:
    assert ask(f'SELECT count(*) FROM bill WHERE "{column}" IS NULL') == [(0,)]


@pytest.mark.parametrize("rule", RULES)
def test_no_row_breaks_the_rule(ask: Ask, rule: str) -> None:
    assert ask(f"SELECT * FROM bill WHERE {RULES[rule]} LIMIT 3") == []


def test_every_kind_of_charge_occurs(ask: Ask) -> None:
    kinds = {tuple(row) for row in ask("SELECT DISTINCT ChargeCategory, ChargeClass FROM bill")}
    assert kinds == {("Usage", None), ("Usage", "Correction"), ("Purchase", None), ("Tax", None), ("Credit", None)}


def test_what_a_plan_covered_and_left_unused_is_what_was_billed_for_it_each_day(ask: Ask) -> None:
    days = ask(
        "SELECT ChargePeriodStart::DATE, sum(BilledCost), sum(EffectiveCost), "
        "sum(EffectiveCost) FILTER (CommitmentDiscountStatus = 'Unused') FROM bill "
        "WHERE CommitmentDiscountType = 'Compute Savings Plans' GROUP BY ALL"
    )
    assert len(days) == 418
    assert all(billed == effective > unused > 0 for _, billed, effective, unused in days)


def test_an_upfront_reservation_is_billed_once_and_spread_over_its_year(ask: Ask) -> None:
    [(bought,)] = ask("SELECT BilledCost FROM bill WHERE ChargeFrequency = 'One-Time' AND ChargeCategory = 'Purchase'")
    shares = ask(
        "SELECT DISTINCT EffectiveCost FROM bill WHERE CommitmentDiscountType = 'Reservation' "
        "AND CommitmentDiscountStatus = 'Used'"
    )
    assert shares == [(bought / 365,)]


def test_token_classes_are_rows_of_their_own_and_never_twice_a_day(ask: Ask) -> None:
    classes = ask("SELECT DISTINCT ProviderName, x_token_class FROM bill WHERE x_token_class IS NOT NULL")
    by_provider: dict[str, set[str]] = {}
    for provider, name in classes:
        by_provider.setdefault(provider, set()).add(name)
    three = {"input_uncached", "input_cache_read", "output"}
    assert by_provider == {
        "OpenAI": three,
        "Microsoft": three,
        "Anthropic": {*three, "input_cache_write_5m"},
        "AWS": {*three, "input_cache_write_5m"},
    }
    assert (
        ask(
            "SELECT ChargePeriodStart::DATE, ResourceId, SubAccountId, Tags, x_token_class, count(*) FROM bill "
            "WHERE x_token_class IS NOT NULL GROUP BY ALL HAVING count(*) > 1"
        )
        == []
    )


def test_an_open_month_has_no_invoice_yet(ask: Ask) -> None:
    invoiced: dict[str, bool] = dict(
        ask("SELECT strftime(BillingPeriodStart, '%Y-%m'), count(InvoiceId) = count(*) FROM bill GROUP BY ALL")
    )
    assert invoiced.pop("2026-11") is False
    assert all(invoiced.values())


def test_csv_says_the_same_as_parquet(tmp_path: Any) -> None:
    write_bank(tmp_path / "text", until=UNTIL, months=6, csv=True)
    write_bank(tmp_path / "binary", until=UNTIL, months=6)
    for folder in ("aws", "microsoft", "openai", "anthropic"):
        binary = pyarrow.parquet.read_table(tmp_path / "binary" / "bill" / folder / "2026-10.parquet")
        path = tmp_path / "text" / "bill" / folder / "2026-10.csv"
        kinds = {name: binary.schema.field(name).type for name in binary.column_names}
        options = pyarrow.csv.ConvertOptions(
            column_types=kinds, strings_can_be_null=True, quoted_strings_can_be_null=False
        )
        text = pyarrow.csv.read_csv(path, convert_options=options)
        assert text.equals(binary), folder
        assert "2026-10-01T00:00:00Z" in path.read_text()
