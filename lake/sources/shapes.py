"""The kinds of bill that can be loaded, in the order in which a file is tried: the most telling columns first."""

from lake.sources.aws_cur import AwsCur
from lake.sources.azure_cost import AzureCost
from lake.sources.focus import Focus
from lake.sources.gcp_billing import GcpBilling
from lake.sources.invoice import Invoice
from lake.sources.invoice_mapping import InvoiceMapping, standard
from lake.sources.port import Shape


def known(mapping: InvoiceMapping | None = None) -> list[Shape]:
    """All shapes; with a mapping, the invoice that it describes before all others."""
    described: list[Shape] = [Invoice(mapping)] if mapping else []
    return [*described, AwsCur(), AzureCost(), GcpBilling(), Invoice(standard(), exact=True), Focus()]
