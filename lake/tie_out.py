"""Holds what the lake has billed against what the invoices say: FOCUS has BilledCost sum to each invoice's total.

Source: FOCUS 1.2, BilledCost ("the sum of the BilledCost for rows in an InvoiceId MUST match the payable amount").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from lake.engine import Lake
from lake.money import add, difference
from lake.period import Period
from lake.reading import Reader

NO_INVOICE = "(no invoice)"


@dataclass(frozen=True)
class Invoice:
    """One invoice in one currency: what the lake holds of it, what was stated, and the difference (held - stated)."""

    source: str
    period: str
    invoice: str
    currency: str
    charges: int
    billed: Decimal
    stated: Decimal | None
    difference: Decimal | None

    @property
    def ties(self) -> bool | None:
        """Whether the two agree to the last digit; None if nothing was stated."""
        return None if self.difference is None else not self.difference


@dataclass(frozen=True)
class TieOut:
    """Every invoice of the period, and the stated ones that the lake knows nothing of."""

    invoices: tuple[Invoice, ...]
    unknown: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether everything that was stated was found and ties."""
        return not self.unknown and all(one.ties is not False for one in self.invoices)


def tie_out(lake: Lake, period: Period, stated: Mapping[str, Decimal], *, source: str | None = None) -> TieOut:
    """Billed cost by invoice of the billing periods that begin in `period`; raises LakeError for an empty lake.

    An invoice is judged in the billing period that it stands in, so a credit of an earlier month counts where it was
    billed. `stated` is by invoice id; an invoice in two currencies cannot be held against one amount and is left open.
    """
    held = [one for one in lake.files().snapshots() if source in (None, one.source)]
    held = [one for one in held if period.start <= one.period_start < period.end]
    found: list[tuple[str, str, str, str, int, Decimal]] = []
    for snapshot in held:
        with Reader(lake.folder, [snapshot]) as reader:
            rows = reader.query(
                'SELECT coalesce("InvoiceId", \'\'), "BillingCurrency", count(*), sum("BilledCost") '
                "FROM charges GROUP BY ALL ORDER BY ALL"
            )
        found += [(snapshot.source, snapshot.period, *row) for row in rows]
    currencies: dict[str, set[str]] = {}
    for one in found:
        currencies.setdefault(one[2], set()).add(one[3])
    totals: dict[str, Decimal] = {}
    for one in found:
        totals[one[2]] = add([totals.get(one[2], Decimal()), one[5]])
    made = []
    for where, billing, invoice, currency, count, billed in found:
        said = stated.get(invoice) if len(currencies[invoice]) == 1 else None
        # An invoice may reach over two snapshots: what was stated is held against all that there is of it.
        off = None if said is None else difference(totals[invoice], said)
        made.append(Invoice(where, billing, invoice or NO_INVOICE, currency, count, billed, said, off))
    return TieOut(tuple(made), tuple(sorted(set(stated) - set(currencies))))
