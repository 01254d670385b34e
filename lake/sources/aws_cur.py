"""AWS Cost and Usage Reports: the legacy CSV, its Athena and Parquet form, and CUR 2.0, read as FOCUS charges.

`BilledCost` is the unblended cost of every line, so its sum is what the report's lines add up to, whatever they are.
`EffectiveCost` follows FOCUS: what a commitment covers costs its share of the commitment, buying one costs nothing by
itself, and what it leaves unused is a charge of its own, split off the fee's line. So the effective cost of a
commitment, used and unused, is what was paid for it.
"""

import re

import duckdb

from lake import duck
from lake.report import Finding
from lake.sources import aws_services
from lake.sources.cells import NONE, Cells, as_json, in_utc, one_of
from lake.sources.computed import Computed, How, column
from lake.sources.port import LINE, Reading, Rows
from lake.sources.table_file import TableFile, from_table

_NEEDED = (
    "line_item_line_item_type", "line_item_unblended_cost", "line_item_currency_code", "line_item_product_code",
    "line_item_usage_start_date", "line_item_usage_end_date", "bill_billing_period_start_date",
    "bill_billing_period_end_date", "bill_payer_account_id",
)  # fmt: skip
# Kept letter by letter in a column of FOCUS; everything else is kept in x_extra as well.
_CARRIED = (
    "line_item_unblended_cost", "line_item_currency_code", "line_item_usage_start_date", "line_item_usage_end_date",
    "bill_billing_period_start_date", "bill_billing_period_end_date", "bill_payer_account_id",
    "bill_payer_account_name", "bill_invoice_id", "line_item_usage_account_id", "line_item_usage_account_name",
    "line_item_resource_id", "line_item_line_item_description", "line_item_availability_zone", "line_item_usage_type",
    "pricing_rate_code", "pricing_public_on_demand_rate", "resource_tags",
)  # fmt: skip
_MONEY = (
    "line_item_unblended_cost", "reservation_effective_cost", "savings_plan_savings_plan_effective_cost",
    "pricing_public_on_demand_cost", "line_item_usage_amount",
)  # fmt: skip
_TYPE = "line_item_line_item_type"
_COVERED = ("DiscountedUsage", "SavingsPlanCoveredUsage")
_USED = ("Usage", *_COVERED)
_FEES = ("RIFee", "SavingsPlanRecurringFee", "SavingsPlanUpfrontFee")
_DISCOUNTS = (
    "EdpDiscount", "PrivateRateDiscount", "Discount", "BundledDiscount", "DistributorDiscount", "RiVolumeDiscount",
    "SppDiscount", "SolutionProviderProgramDiscount", "MigrationDiscount", "BetaDiscount",
    "EnterpriseDiscountProgramDiscount",
)  # fmt: skip
CATEGORIES = {
    **dict.fromkeys((*_USED, "SavingsPlanNegation"), "Usage"),
    **dict.fromkeys((*_FEES, "Fee"), "Purchase"),
    **dict.fromkeys(("Credit", *_DISCOUNTS), "Credit"),
    "Tax": "Tax",
    "Refund": "Adjustment",
}
_UNITS = {"Hrs": "'Hours'", "Hours": "'Hours'", "hours": "'Hours'", "GB-Mo": "'GB-Months'", "Tokens": "'Tokens'"}


class AwsCur:
    """AWS Cost and Usage Report, legacy or 2.0."""

    name = "AWS Cost and Usage Report (legacy or CUR 2.0)"

    def recognises(self, file: TableFile) -> bool:
        """By its line items: no other bill names its columns so."""
        return len([name for name in file.names if plain(name).startswith("line_item_")]) >= 3

    def reading(self, file: TableFile) -> Reading:
        """Refuses a report that lacks what tells a line's kind, cost, time or payer."""
        cells = Cells(file, plain)
        do = "Export the report anew with these columns; CUR 2.0 lets them be chosen."
        cells.require(_NEEDED, bill=self.name, do=do)
        values = _values(cells)
        rows = [Rows(values, rest=cells.rest(_CARRIED))]
        reckoned = {}
        for kind, (name, one) in _unused(cells).items():
            reckoned[name] = one
            rows.append(_split(cells, values, kind, column(name)))
        return Reading(rows, cells.floating(_MONEY), reckoned)

    def look(self, connection: duckdb.DuckDBPyConnection, file: TableFile, number: int) -> list[Finding]:
        """Tells of lines of an unknown kind, and of those that Marketplace bills for Bedrock."""
        cells = Cells(file, plain)
        known = ", ".join(duck.text(kind) for kind in CATEGORIES)
        kinds = connection.execute(
            f"SELECT {cells.text(_TYPE)} AS kind, count(*) FROM {from_table(file)} "  # noqa: S608
            f"WHERE kind NOT IN ({known}) GROUP BY kind ORDER BY kind"
        ).fetchall()
        findings = [
            Finding(
                rule="line-item-type",
                file=file.name,
                column=cells.written(_TYPE),
                rows=rows,
                text=f"lines of the kind {kind[:40]}, which is not known here, are read as adjustments",
            )
            for kind, rows in kinds
        ]
        sold = connection.execute(
            f"SELECT count(*) FROM {from_table(file)} WHERE {cells.text('bill_billing_entity')} = 'AWS Marketplace' "  # noqa: S608
            f"AND ({_is_bedrock(cells)} OR {_in_units(cells)})"
        ).fetchone()
        if sold and sold[0]:
            text = "models that AWS Marketplace bills; do not load the seller's own invoice of them as well"
            findings.append(Finding(rule="marketplace-model", file=file.name, rows=sold[0], text=text))
        return findings


def plain(name: str) -> str:
    """`lineItem/UnblendedCost` as Athena and CUR 2.0 write it: `line_item_unblended_cost`. A tag's key stays."""
    group, slash, own = name.partition("/")
    if not slash:
        return name.lower()
    if group == "resourceTags":
        return f"resource_tags_{own}"
    return f"{_snake(group)}_{_snake(own)}"


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def _product(cells: Cells, attribute: str, *more: str) -> str:
    names = [attribute, *more]
    kept = [cells.text(f"product_{name}") for name in names if f"product_{name}" in cells]
    return f"coalesce({', '.join([*kept, *(cells.member('product', name) for name in names)])})"


def _is(cells: Cells, *kinds: str) -> str:
    return f"{cells.text(_TYPE)} IN ({', '.join(duck.text(kind) for kind in kinds)})"


def _is_bedrock(cells: Cells) -> str:
    return aws_services.is_bedrock(
        code=cells.text("line_item_product_code"),
        product=_product(cells, "product_name"),
        entity=cells.text("bill_billing_entity"),
        usage=cells.text("line_item_usage_type"),
    )


def _in_units(cells: Cells) -> str:
    return aws_services.in_consumption_units(
        product=_product(cells, "product_name"),
        entity=cells.text("bill_billing_entity"),
        description=cells.text("line_item_line_item_description"),
        usage=cells.text("line_item_usage_type"),
    )


def _values(cells: Cells) -> dict[str, str]:
    text = cells.text
    entity = text("bill_invoicing_entity", "line_item_legal_entity")
    return {
        **_costs(cells),
        **_kinds(cells),
        **_quantities(cells),
        **_services(cells),
        "BillingAccountId": text("bill_payer_account_id"),
        "BillingAccountName": text("bill_payer_account_name"),
        "BillingAccountType": "'Payer account'",
        "BillingCurrency": text("line_item_currency_code"),
        "BillingPeriodStart": in_utc(text("bill_billing_period_start_date")),
        "BillingPeriodEnd": in_utc(text("bill_billing_period_end_date")),
        "ChargePeriodStart": in_utc(text("line_item_usage_start_date")),
        "ChargePeriodEnd": in_utc(text("line_item_usage_end_date")),
        "ChargeDescription": text("line_item_line_item_description"),
        "InvoiceId": text("bill_invoice_id"),
        "InvoiceIssuerName": f"coalesce({entity}, 'AWS')",
        "ProviderName": "'AWS'",
        "PublisherName": f"coalesce({text('line_item_legal_entity')}, 'AWS')",
        "AvailabilityZone": text("line_item_availability_zone"),
        "RegionId": _product(cells, "region_code", "region"),
        "RegionName": _product(cells, "location"),
        "ResourceId": text("line_item_resource_id"),
        "SkuId": _product(cells, "sku"),
        "SkuMeter": text("line_item_usage_type"),
        "SkuPriceId": text("pricing_rate_code"),
        "SkuPriceDetails": as_json([("InstanceType", _product(cells, "instance_type"))]),
        "SubAccountId": text("line_item_usage_account_id"),
        "SubAccountName": text("line_item_usage_account_name"),
        "SubAccountType": "'Account'",
        "Tags": _tags(cells),
    }


def _costs(cells: Cells) -> dict[str, str]:
    billed = cells.text("line_item_unblended_cost")
    listed = cells.text("pricing_public_on_demand_cost")
    reserved = cells.text("reservation_reservation_a_r_n")
    effective = {
        "DiscountedUsage": cells.text("reservation_effective_cost"),
        "SavingsPlanCoveredUsage": cells.text("savings_plan_savings_plan_effective_cost"),
        **dict.fromkeys(("SavingsPlanNegation", *_FEES), "'0'"),
        "Fee": f"CASE WHEN {reserved} IS NOT NULL THEN '0' ELSE {billed} END",
    }
    kind = cells.text(_TYPE)
    return {
        "BilledCost": billed,
        "EffectiveCost": one_of(kind, effective, otherwise=billed),
        # Without a list price nothing is known; what a negation takes back was never listed.
        "ListCost": one_of(kind, dict.fromkeys(_USED, listed) | {"SavingsPlanNegation": "'0'"}, otherwise=billed),
        # The contract's price is billed, except where a reservation has set the line to zero.
        "ContractedCost": one_of(kind, {"DiscountedUsage": listed, "SavingsPlanNegation": "'0'"}, otherwise=billed),
        "ListUnitPrice": cells.text("pricing_public_on_demand_rate"),
    }


def _kinds(cells: Cells) -> dict[str, str]:
    kind = cells.text(_TYPE)
    start, bill = cells.text("line_item_usage_start_date"), cells.text("bill_billing_period_start_date")
    spot = f"regexp_matches(concat_ws(' ', {cells.text('line_item_usage_type')}, {cells.text('pricing_term')}), 'Spot')"
    savings, reserved = cells.text("savings_plan_savings_plan_a_r_n"), cells.text("reservation_reservation_a_r_n")
    by_plan = _is(cells, "SavingsPlanCoveredUsage", "SavingsPlanNegation", *_FEES[1:])
    by_reservation = f"({_is(cells, 'DiscountedUsage', 'RIFee')} OR ({_is(cells, 'Fee')} AND {reserved} IS NOT NULL))"
    committed = f"({by_plan} OR {by_reservation})"
    used = _is(cells, *_COVERED, "SavingsPlanNegation")
    return {
        "ChargeCategory": one_of(
            kind, {name: duck.text(value) for name, value in CATEGORIES.items()}, otherwise="'Adjustment'"
        ),
        # Only what corrects a period that was invoiced before is a correction; in the open period nothing marks one.
        "ChargeClass": f"CASE WHEN {_is(cells, 'Refund')} AND left({start}, 10) < left({bill}, 10) "
        "THEN 'Correction' END",
        "ChargeFrequency": f"CASE WHEN {_is(cells, *_USED, 'SavingsPlanNegation')} THEN 'Usage-Based' "
        f"WHEN {_is(cells, 'RIFee', 'SavingsPlanRecurringFee')} THEN 'Recurring' ELSE 'One-Time' END",
        "PricingCategory": f"CASE WHEN {committed} THEN 'Committed' WHEN {_is(cells, 'Usage')} AND {spot} "
        f"THEN 'Dynamic' WHEN {_is(cells, 'Usage', 'Fee')} THEN 'Standard' END",
        "CommitmentDiscountId": f"CASE WHEN {by_plan} THEN {savings} WHEN {by_reservation} THEN {reserved} END",
        "CommitmentDiscountCategory": f"CASE WHEN {by_plan} THEN 'Spend' WHEN {by_reservation} THEN 'Usage' END",
        "CommitmentDiscountType": f"CASE WHEN {by_plan} THEN 'Savings Plan' "
        f"WHEN {by_reservation} THEN 'Reserved Instance' END",
        "CommitmentDiscountStatus": f"CASE WHEN {used} THEN 'Used' END",
    }


def _quantities(cells: Cells) -> dict[str, str]:
    amount = cells.text("line_item_usage_amount")
    given = cells.text("pricing_unit")
    in_units = _in_units(cells)
    unit = f"CASE WHEN {in_units} THEN {duck.text(aws_services.CONSUMPTION_UNITS)} "
    unit += f"ELSE {one_of(given, dict(_UNITS), otherwise=given)} END"
    # A negation takes money back; its quantity was counted on the line that it takes it from.
    counted = f"({_is(cells, *_USED)} AND {amount} IS NOT NULL)"
    priced = f"({_is(cells, *_USED, 'Fee')} AND {amount} IS NOT NULL)"
    return {
        "PricingQuantity": f"CASE WHEN {priced} THEN {amount} END",
        "PricingUnit": f"CASE WHEN {priced} THEN {unit} END",
        "ConsumedQuantity": f"CASE WHEN {counted} THEN {amount} END",
        "ConsumedUnit": f"CASE WHEN {counted} THEN {unit} END",
        "PricingCurrency": f"CASE WHEN {in_units} THEN 'CCU' END",
        "PricingCurrencyEffectiveCost": f"CASE WHEN {in_units} THEN {amount} END",
    }


def _services(cells: Cells) -> dict[str, str]:
    code, usage = cells.text("line_item_product_code"), cells.text("line_item_usage_type")
    product = _product(cells, "product_name")
    bedrock, in_units = _is_bedrock(cells), _in_units(cells)
    return {
        "ServiceName": f"CASE WHEN {in_units} THEN {duck.text(aws_services.CLAUDE_PLATFORM)} "
        f"WHEN {bedrock} THEN {duck.text(aws_services.BEDROCK)} ELSE coalesce({product}, {code}) END",
        "ServiceCategory": aws_services.category(code=code, usage=usage, is_ai=f"({bedrock} OR {in_units})"),
        "ServiceSubcategory": f"CASE WHEN {bedrock} OR {in_units} THEN 'Generative AI' END",
        "x_workload": aws_services.workload(code=code, usage=usage),
        "x_token_class": aws_services.token_class(is_bedrock=bedrock, usage=usage),
        "x_model": aws_services.model(is_bedrock=bedrock, named=_product(cells, "model"), product=product, usage=usage),
    }


def _tags(cells: Cells) -> str:
    if "resource_tags" in cells:
        return f"nullif({cells.text('resource_tags')}, '{{}}')"
    start = "resource_tags_"
    keys = cells.beginning(start)
    return as_json([(key.removeprefix(start), cells.text(key)) for key in keys]) if keys else NONE


def _unused(cells: Cells) -> dict[str, tuple[str, Computed]]:
    """By line item type: what of a commitment nobody used, where the report has the columns to tell it."""
    found = {}
    upfront, recurring = (
        "reservation_unused_amortized_upfront_fee_for_billing_period",
        "reservation_unused_recurring_fee",
    )
    if upfront in cells or recurring in cells:
        terms = (cells.text(upfront), cells.text(recurring))
        found["RIFee"] = ("unused_reservation", Computed(How.SUM, terms))
    total, used = "savings_plan_total_commitment_to_date", "savings_plan_used_commitment"
    if total in cells and used in cells:
        terms = (cells.text(total), cells.text(used))
        found["SavingsPlanRecurringFee"] = ("unused_savings_plan", Computed(How.DIFFERENCE, terms))
    return found


def _split(cells: Cells, values: dict[str, str], kind: str, unused: str) -> Rows:
    described = cells.text("line_item_line_item_description")
    changed = {
        "BilledCost": "'0'",
        "EffectiveCost": unused,
        "ListCost": "'0'",
        "ContractedCost": "'0'",
        "ChargeCategory": "'Usage'",
        "ChargeFrequency": "'Usage-Based'",
        "ChargeDescription": f"concat_ws(': ', 'Unused', {described})",
        "CommitmentDiscountStatus": "'Unused'",
    }
    some = f"{_is(cells, kind)} AND NOT regexp_full_match({unused}, '[+-]?0*([.]0*)?')"
    rest = as_json(
        [("x_split_from_row", f"CAST({LINE} AS VARCHAR)"), ("identity", cells.text("identity_line_item_id"))]
    )
    text = f"charges were added for what {kind} lines tell as unused; the fee has no effective cost itself"
    return Rows(values | changed, rest, f"(SELECT * FROM lines WHERE {some})", told=("commitment-unused", text))  # noqa: S608
