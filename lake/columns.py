"""The columns of a FOCUS charge row, as this lake stores them: FOCUS 1.2, which other versions are read as.

FOCUS is the FinOps Open Cost and Usage Specification; names, kinds, nulls and allowed values are those of its 1.2.
"""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from lake.money import MONEY_SCALE, QUANTITY_SCALE, decimal_type


class Kind(StrEnum):
    """What a column holds, and so how its text is read."""

    TEXT = "text"
    JSON = "JSON"
    TIME = "time"
    MONEY = "money"
    QUANTITY = "quantity"


SQL_TYPES = {
    Kind.TEXT: "VARCHAR",
    Kind.JSON: "VARCHAR",
    Kind.TIME: "TIMESTAMPTZ",
    Kind.MONEY: decimal_type(MONEY_SCALE),
    Kind.QUANTITY: decimal_type(QUANTITY_SCALE),
}


@dataclass(frozen=True)
class Column:
    """One FOCUS column. `required` values decide whether a row can be loaded at all."""

    name: str
    kind: Kind = Kind.TEXT
    mandatory: bool = False
    nullable: bool = True
    required: bool = False
    allowed: tuple[str, ...] = ()


def _mandatory(name: str, kind: Kind = Kind.TEXT, *, nullable: bool = False, allowed: tuple[str, ...] = ()) -> Column:
    return Column(name, kind, mandatory=True, nullable=nullable, allowed=allowed)


def _required(name: str, kind: Kind) -> Column:
    return Column(name, kind, mandatory=True, nullable=False, required=True)


SERVICE_CATEGORIES = (
    "AI and Machine Learning", "Analytics", "Business Applications", "Compute", "Databases", "Developer Tools",
    "Multicloud", "Identity", "Integration", "Internet of Things", "Management and Governance", "Media", "Migration",
    "Mobile", "Networking", "Security", "Storage", "Web", "Other",
)  # fmt: skip

COLUMNS = (
    Column("AvailabilityZone"),
    _required("BilledCost", Kind.MONEY),
    _mandatory("BillingAccountId"),
    _mandatory("BillingAccountName", nullable=True),
    Column("BillingAccountType"),
    _required("BillingCurrency", Kind.TEXT),
    _required("BillingPeriodEnd", Kind.TIME),
    _required("BillingPeriodStart", Kind.TIME),
    Column("CapacityReservationId"),
    Column("CapacityReservationStatus", allowed=("Used", "Unused")),
    _mandatory("ChargeCategory", allowed=("Usage", "Purchase", "Tax", "Credit", "Adjustment")),
    _mandatory("ChargeClass", nullable=True, allowed=("Correction",)),
    _mandatory("ChargeDescription", nullable=True),
    Column("ChargeFrequency", nullable=False, allowed=("One-Time", "Recurring", "Usage-Based")),
    _required("ChargePeriodEnd", Kind.TIME),
    _required("ChargePeriodStart", Kind.TIME),
    Column("CommitmentDiscountCategory", allowed=("Spend", "Usage")),
    Column("CommitmentDiscountId"),
    Column("CommitmentDiscountName"),
    Column("CommitmentDiscountQuantity", Kind.QUANTITY),
    Column("CommitmentDiscountStatus", allowed=("Used", "Unused")),
    Column("CommitmentDiscountType"),
    Column("CommitmentDiscountUnit"),
    Column("ConsumedQuantity", Kind.QUANTITY),
    Column("ConsumedUnit"),
    _mandatory("ContractedCost", Kind.MONEY),
    Column("ContractedUnitPrice", Kind.QUANTITY),
    _required("EffectiveCost", Kind.MONEY),
    Column("InvoiceId"),
    _mandatory("InvoiceIssuerName"),
    _mandatory("ListCost", Kind.MONEY),
    Column("ListUnitPrice", Kind.QUANTITY),
    Column("PricingCategory", allowed=("Standard", "Dynamic", "Committed", "Other")),
    Column("PricingCurrency"),
    Column("PricingCurrencyContractedUnitPrice", Kind.QUANTITY),
    Column("PricingCurrencyEffectiveCost", Kind.QUANTITY),
    Column("PricingCurrencyListUnitPrice", Kind.QUANTITY),
    _mandatory("PricingQuantity", Kind.QUANTITY, nullable=True),
    _mandatory("PricingUnit", nullable=True),
    _mandatory("ProviderName"),
    _mandatory("PublisherName"),
    Column("RegionId"),
    Column("RegionName"),
    Column("ResourceId"),
    Column("ResourceName"),
    Column("ResourceType"),
    _mandatory("ServiceCategory", allowed=SERVICE_CATEGORIES),
    _mandatory("ServiceName"),
    Column("ServiceSubcategory", nullable=False),
    Column("SkuId"),
    Column("SkuMeter"),
    Column("SkuPriceDetails", Kind.JSON),
    Column("SkuPriceId"),
    Column("SubAccountId"),
    Column("SubAccountName"),
    Column("SubAccountType"),
    Column("Tags", Kind.JSON),
)

BY_NAME = {column.name: column for column in COLUMNS}
MANDATORY = tuple(column.name for column in COLUMNS if column.mandatory)
# A file with none of these is no FOCUS file at all; one that lacks only some is one with columns missing.
SIGNATURE = ("BilledCost", "EffectiveCost", "ChargePeriodStart", "ChargeCategory", "BillingCurrency")
# Renamed in FOCUS 1.3.
RENAMED = {"ServiceProviderName": "ProviderName"}

# Our own columns, promoted from tags or from a column of the same name in the file.
LABELS = (
    "x_owner", "x_team", "x_project", "x_use_case", "x_environment", "x_model", "x_workload", "x_token_class",
    "x_cost_source", "x_service_tier", "x_is_batch", "x_api_key_id",
)  # fmt: skip

# How the labels were found: of the team, by which method and which tag or rule; of every label, the same as text.
ALLOCATION = (
    ("x_allocation_method", "VARCHAR"),
    ("x_allocation_rule_id", "VARCHAR"),
    ("x_allocated_by", "VARCHAR"),
)

# A stored charge: the FOCUS columns, then ours.
STORED = (
    *((column.name, SQL_TYPES[column.kind]) for column in COLUMNS),
    *((label, "VARCHAR") for label in LABELS),
    *ALLOCATION,
    ("x_tags", "MAP(VARCHAR, VARCHAR)"),
    ("x_ai", "BOOLEAN"),
    ("x_ai_rule", "VARCHAR"),
    ("x_day", "DATE"),
    ("x_source", "VARCHAR"),
    ("x_file", "VARCHAR"),
    ("x_row", "BIGINT"),
    ("x_extra", "VARCHAR"),
)


def tag_column(key: str) -> str:
    """The column that holds the values of one tag.

    Of a hash, since a key may be any text and the engines differ in what a column may be called and how long.
    """
    return f"x_tag_{sha256(key.encode()).hexdigest()[:16]}"


# How many charges a row of a table stands for: one in a snapshot, more in its rollup.
CHARGES_COUNTED = "x_charges"

# Hourly utilisation of a resource: shares, 0 to 100, and counts of the hour. `cpu_cores_pct`, `gpu_cards_pct` and
# `gpu_memory_cards_pct` are sums over the cores or GPUs of one machine, 0 to 100 for each of them, as
# SageMaker tells them.
PERCENTS = (
    "cpu_max_pct", "gpu_active_pct", "gpu_encoder_pct", "gpu_memory_pct", "memory_pct", "cpu_avg_pct", "cpu_cores_pct",
    "gpu_cards_pct", "gpu_memory_cards_pct",
)  # fmt: skip
COUNTS = ("network_bytes", "invocations", "requests", "tokens", "group_min", "group_in_service")
PERCENT_TYPE = "DECIMAL(9,4)"
