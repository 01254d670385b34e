"""A provider's bill and its usage, joined: money from the bill alone, tokens and keys from the usage beside it.

Each line of the bill becomes one row or several whose costs add up to it exactly, to the last digit; a line that no
usage fits stays one row and is told as unmatched. Usage that no line fits costs nothing as long as the bill reaches
its day, since the bill says so, and is told; after that day it is priced as an early signal, marked, and replaced by
the bill when that arrives. So nothing is counted twice, and nothing disappears.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from lake.completeness import settle_lag
from lake.money import add, difference, rounded, share
from lake.prices import Price, Terms, price
from lake.report import Finding
from lake.sources.api_charges import TOKENS, Charge, CostSource, charge, costs, details, quantities
from lake.tokens import TokenClass

_DATED = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8})$")
_THOUSANDS = re.compile(r"(\d+)k-")
_MAY_BE_UNTOLD = ("key", "tier", "batch", "context")


@dataclass(frozen=True)
class Provider:
    """Whose rows these are: the lake's source, FOCUS names, and the provider's id in the price book."""

    source: str
    name: str
    service: str
    account: str
    account_type: str
    book: str


@dataclass(frozen=True)
class Line:
    """One line of the bill: an amount of one day, and what it says it is for. None is "the bill does not tell"."""

    day: date
    account: str
    amount: Decimal
    currency: str
    description: str
    model: str | None = None
    kind: TokenClass | None = None
    key: str | None = None
    tier: str | None = None
    batch: bool | None = None
    context: str | None = None
    geo: str | None = None
    listed: Decimal | None = None
    quantity: Decimal | None = None
    unit: str | None = None


@dataclass(frozen=True)
class Use:
    """What was used of one kind on one day. A count that is no token has no kind and another unit.

    `priceable` is False where no published price can be the one that applies, such as tokens of a commitment.
    """

    day: date
    account: str
    model: str | None
    kind: TokenClass | None
    count: int
    unit: str = TOKENS
    key: str | None = None
    tier: str | None = None
    batch: bool | None = None
    context: str | None = None
    workload: str | None = None
    priceable: bool = True


@dataclass
class Joined:
    """The rows, and what was noticed on the way."""

    charges: list[Charge] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def join(provider: Provider, lines: Iterable[Line], uses: Iterable[Use], *, now: datetime) -> Joined:
    """The rows of these lines and this usage; the bill reaches as far as its last day with a line."""
    made = Joined()
    lines = sorted(lines, key=lambda line: (-_told(line), -abs(line.amount), line.day, line.description))
    left: dict[tuple[object, ...], list[Use]] = {}
    for use in uses:
        left.setdefault(_place(use, exactly=True), []).append(use)
    unmatched = [line for line in lines if not _match(provider, line, left, made, now=now, exactly=True)]
    by_family: dict[tuple[object, ...], list[Use]] = {}
    for rest in left.values():
        for use in rest:
            by_family.setdefault(_place(use, exactly=False), []).append(use)
    unmatched = [line for line in unmatched if not _match(provider, line, by_family, made, now=now, exactly=False)]
    for line in unmatched:
        made.charges.append(_row(provider, line, None, line.amount, line.listed, line.quantity, "unmatched"))
    made.findings += _unmatched(provider, unmatched)
    reach = max((line.day for line in lines), default=None)
    _unbilled(provider, [use for rest in by_family.values() for use in rest], reach, made)
    return made


def _told(line: Line) -> int:
    return sum(getattr(line, name) is not None for name in _MAY_BE_UNTOLD)


def _place(one: Line | Use, *, exactly: bool) -> tuple[object, ...]:
    model = (one.model or "").lower()
    return one.day, one.account, model if exactly else _DATED.sub("", model), one.kind


def _match(
    provider: Provider, line: Line, left: dict[tuple[object, ...], list[Use]], made: Joined, *, now: datetime,
    exactly: bool,
) -> bool:  # fmt: skip
    """Takes what fits the line out of `left` and adds its rows; False if nothing fits."""
    here = left.get(_place(line, exactly=exactly), [])
    fits = [use for use in here if line.amount >= 0 and use.count and _fits(line, use)]
    if not fits or not line.model:
        return False
    left[_place(line, exactly=exactly)] = [use for use in here if use not in fits]
    by_key = [_merged([use for use in fits if use.key == key]) for key in dict.fromkeys(use.key for use in fits)]
    used = sum(use.count for use in by_key)
    counts: list[Decimal] = [Decimal(use.count) for use in by_key]
    if line.quantity is not None and line.unit in (None, by_key[0].unit) and line.quantity != used:
        if _midnight_after(line.day) + settle_lag(provider.source) <= now:
            made.findings.append(_differs(provider, line, used))
        if len(by_key) == 1:
            counts = [line.quantity]  # what the money is for
    amounts = _shares(line.amount, [use.count for use in by_key])
    listed = [None] * len(by_key) if line.listed is None else _shares(line.listed, [use.count for use in by_key])
    for use, billed, list_cost, count in zip(by_key, amounts, listed, counts, strict=True):
        made.charges.append(_row(provider, line, use, billed, list_cost, count, "matched"))
    return True


def _fits(line: Line, use: Use) -> bool:
    return all(getattr(line, name) in (None, getattr(use, name)) for name in _MAY_BE_UNTOLD)


def _merged(uses: Sequence[Use]) -> Use:
    """One use of all of them; what they do not agree on is not told."""
    first = uses[0]

    def agreed(name: str) -> bool:
        return all(getattr(use, name) == getattr(first, name) for use in uses)

    return replace(
        first,
        count=sum(use.count for use in uses),
        model=first.model if agreed("model") else None,
        tier=first.tier if agreed("tier") else None,
        batch=first.batch if agreed("batch") else None,
        context=first.context if agreed("context") else None,
        workload=first.workload if agreed("workload") else None,
    )


def _shares(whole: Decimal, counts: Sequence[int]) -> list[Decimal]:
    """The amount in parts as these counts; the last part takes what rounding leaves, so that nothing is lost."""
    total = sum(counts)
    parts = [share(whole, count, total) for count in counts[:-1]]
    return [*parts, difference(whole, add(parts))]


def _row(
    provider: Provider, line: Line, use: Use | None, billed: Decimal, listed: Decimal | None,
    count: Decimal | None, match: str,
) -> Charge:  # fmt: skip
    of = use or Use(line.day, line.account, line.model, line.kind, 0)
    known = replace(
        of,
        model=of.model or line.model,
        key=line.key or of.key,
        tier=line.tier or of.tier,
        batch=of.batch if line.batch is None else line.batch,
        context=line.context or of.context,
    )
    unit = use.unit if use else line.unit
    is_credit = billed < 0
    return _charge(
        provider,
        known,
        currency=line.currency,
        described=line.description,
        money=costs(billed, listed=listed),
        quantity={} if is_credit or unit is None else quantities(count, unit),
        source=CostSource.BILL,
        match=match,
        geo=line.geo,
        category="Credit" if is_credit else "Usage",
    )


def _charge(
    provider: Provider, use: Use, *, currency: str, described: str, money: Charge, quantity: Charge, source: CostSource,
    match: str, geo: str | None = None, category: str = "Usage", price_id: str | None = None,
) -> Charge:  # fmt: skip
    sku = f"{use.model} {use.kind}" if use.model and use.kind else described
    return charge(
        provider.name,
        provider.service,
        provider.account,
        day=use.day,
        currency=currency,
    ) | {
        "ChargeCategory": category,
        "ChargeDescription": described,
        "ResourceId": use.model,
        "ResourceType": "Model" if use.model else None,
        "SkuId": sku,
        "SkuMeter": sku,
        "SkuPriceId": price_id,
        "SubAccountId": use.account,
        "SubAccountType": provider.account_type,
        **money,
        **quantity,
        **details(context_window=use.context, inference_geo=geo),
        "x_api_key_id": use.key,
        "x_cost_source": source.value,
        "x_is_batch": None if use.batch is None else str(use.batch).lower(),
        "x_match": match,
        "x_model": use.model,
        "x_service_tier": use.tier,
        "x_token_class": use.kind.value if use.kind else None,
        "x_workload": use.workload,
    }


def _unbilled(provider: Provider, uses: list[Use], reach: date | None, made: Joined) -> None:
    """Rows for tokens without a line: without cost where the bill is there, at a published price where it is not."""
    free: list[Use] = []
    priced: list[tuple[Use, Price]] = []
    unknown: list[Use] = []
    for use in uses:
        billed_day = reach is not None and use.day <= reach
        if use.kind is None:
            unknown += [] if billed_day else [use]
            continue
        found = None if billed_day or not use.priceable else _price(provider, use)
        if found is None:
            (free if billed_day or not use.priceable else unknown).append(use)
        else:
            priced.append((use, found))
        source = CostSource.BILL if billed_day else CostSource.PRICED
        made.charges.append(_without_line(provider, use, found, source))
    made.findings += _told_of_uses(provider, free, priced, unknown)


def _without_line(provider: Provider, use: Use, found: Price | None, source: CostSource) -> Charge:
    amount = found.of(use.count) if found else Decimal()
    return _charge(
        provider,
        use,
        currency="USD",
        described=f"{use.model or 'no model'}, {use.kind}: usage without a line of the bill",
        money=costs(amount, listed=amount if found else None),
        quantity=quantities(use.count, use.unit),
        source=source,
        match="priced" if found else "no cost",
        price_id=found.id if found else None,
    )


def _price(provider: Provider, use: Use) -> Price | None:
    if not use.model or use.kind is None:
        return None
    at = datetime.combine(use.day, time(), UTC)
    size = _THOUSANDS.match(use.context or "")
    least = int(size[1]) * 1000 if size else (0 if (use.context or "").startswith("0-") else None)
    return price(provider.book, use.model, use.kind, at=at, terms=Terms(use.tier, use.batch, least))


def _midnight_after(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def _finding(provider: Provider, rule: str, text: str, rows: int = 0) -> Finding:
    return Finding(rule=rule, file=provider.source, rows=rows, text=text)


def _differs(provider: Provider, line: Line, used: int) -> Finding:
    text = (
        f"the bill of {line.day} says {line.quantity} for '{line.description}', and the usage says {used}: "
        "look before you trust a price per token"
    )
    return _finding(provider, "tokens-differ", text, 1)


def _unmatched(provider: Provider, lines: Sequence[Line]) -> list[Finding]:
    findings = []
    for currency in sorted({line.currency for line in lines}):
        own = [line for line in lines if line.currency == currency]
        names = sorted({line.description for line in own})
        shown = ", ".join(f"'{name}'" for name in names[:3]) + (" …" if len(names) > 3 else "")
        total = rounded(add(line.amount for line in own))
        text = f"{len(own)} lines of the bill, {total} {currency}, fit no usage ({shown}); they count as they are"
        findings.append(_finding(provider, "unmatched", text, len(own)))
    return findings


def _told_of_uses(
    provider: Provider, free: Sequence[Use], priced: Sequence[tuple[Use, Price]], unknown: Sequence[Use]
) -> list[Finding]:
    findings = []
    committed = [use for use in free if not use.priceable]
    if committed:
        text = (
            f"{sum(use.count for use in committed)} tokens were served at the tier "
            f"{', '.join(sorted({str(use.tier) for use in committed}))}, whose cost this interface does not report: "
            "load the commitment's invoice, or the spend is understated"
        )
        findings.append(_finding(provider, "priority-tier", text, len(committed)))
    others = [use for use in free if use.priceable]
    if others:
        text = f"{sum(use.count for use in others)} tokens ({_models(others)}) have no line in the bill of their day"
        findings.append(_finding(provider, "unbilled", text, len(others)))
    if priced:
        total = rounded(add(found.of(use.count) for use, found in priced))
        days = sorted({use.day for use, _ in priced})
        text = (
            f"no bill yet for {days[0]} to {days[-1]}: usage counts at published prices, {total} USD, "
            "until the bill replaces it"
        )
        findings.append(_finding(provider, "priced", text, len(priced)))
        for doubt in sorted({doubt for _, found in priced for doubt in found.doubts}):
            findings.append(_finding(provider, "price-doubt", doubt))
    if unknown:
        text = f"usage without a bill and without a published price: {_models(unknown)}; it costs nothing here yet"
        findings.append(_finding(provider, "no-price", text, len(unknown)))
    return findings


def _models(uses: Sequence[Use]) -> str:
    names = sorted({f"{use.model or 'no model'} ({use.unit})" if use.kind is None else str(use.model) for use in uses})
    return ", ".join(names[:4]) + (" …" if len(names) > 4 else "")
