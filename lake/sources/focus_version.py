"""Which version of FOCUS a file seems to follow, by the columns that each version added or took away.

Versions add columns and seldom remove one, so the newest column decides: 1.1 and 1.2 added pricing, commitment and
invoice columns; 1.3 named the parties anew and added split allocation and contracts; 1.4 drops the old parties' names.
"""

from collections.abc import Iterable

ADDED = {
    "1.1": (
        "CapacityReservationId", "CapacityReservationStatus", "CommitmentDiscountQuantity", "CommitmentDiscountUnit",
        "ServiceSubcategory", "SkuMeter", "SkuPriceDetails",
    ),
    "1.2": (
        "BillingAccountType", "InvoiceId", "PricingCurrency", "PricingCurrencyContractedUnitPrice",
        "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice", "SubAccountType",
    ),
    "1.3": (
        "AllocatedMethodDetails", "AllocatedMethodId", "AllocatedResourceId", "AllocatedResourceName", "AllocatedTags",
        "ContractApplied", "HostProviderName", "ServiceProviderName",
    ),
}  # fmt: skip
# Deprecated in 1.3 in favour of ServiceProviderName and HostProviderName, gone in 1.4.
PARTIES = ("ProviderName", "PublisherName")
# Those whose columns are all among the lake's own: nothing is read in another way, so nothing is to be told.
STORED = ("1.0", "1.1", "1.2")
_OF = {name.lower(): version for version, names in ADDED.items() for name in names}


def added_by(name: str) -> str:
    """The version that added this column; empty for one that 1.0 had already, or that FOCUS never had."""
    return _OF.get(name.lower(), "")


def seems(names: Iterable[str]) -> str:
    """The version that a file with these columns seems to follow: "1.0" to "1.4"."""
    lower = {name.lower() for name in names}
    newest = max((_OF[name] for name in lower if name in _OF), default="1.0")
    if newest == "1.3" and not any(party.lower() in lower for party in PARTIES):
        return "1.4"
    return newest
