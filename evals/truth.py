"""What is right: figures computed straight from the bill's Parquet files, past the lake and the tools.

The definitions are written out here once more on purpose. "AI" is a charge in the AI service category, of a named
model, of a machine with GPUs, or tagged with one of the bank's AI use cases. Money is summed as DuckDB decimals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from pathlib import Path

import duckdb

from evals.case import EVERYONE, Expected, Want
from evals.days import Days, days

EXACT = Context(prec=76)
COSTS = {
    "effective": "EffectiveCost",
    "billed": "BilledCost",
    "list": "ListCost",
    "contracted": "ContractedCost",
}
AI_USE_CASES = (
    "fraud-detection",
    "credit-scoring",
    "claims",
    "treasury-forecasting",
    "kyc-assistant",
    "developer-copilot",
)
_MODEL = "coalesce(x_model, json_extract_string(Tags, '$.model'))"
_USE_CASE = "json_extract_string(Tags, '$.use_case')"
DIMENSIONS = {
    "team": "coalesce(json_extract_string(Tags, '$.team'), '(untagged)')",
    "use_case": f"coalesce({_USE_CASE}, '(untagged)')",
    "environment": "coalesce(json_extract_string(Tags, '$.environment'), '(untagged)')",
    "model": f"coalesce({_MODEL}, '(none)')",
    "workload": "coalesce(x_workload, json_extract_string(Tags, '$.workload'), '(none)')",
    "token_class": "coalesce(x_token_class, '(none)')",
    "service": "ServiceName",
    "provider": "ProviderName",
    "region": "coalesce(RegionId, '(none)')",
    "account": "SubAccountId",
    "resource": "coalesce(ResourceId, '(none)')",
    "charge_category": "ChargeCategory",
    "month": "strftime(timezone('UTC', ChargePeriodStart), '%Y-%m')",
    "day": "strftime(timezone('UTC', ChargePeriodStart), '%Y-%m-%d')",
}
_LISTED = ", ".join(f"'{name}'" for name in AI_USE_CASES)
AI = (
    f"(coalesce(ServiceCategory = 'AI and Machine Learning', false) OR {_MODEL} IS NOT NULL"
    " OR coalesce(TRY_CAST(json_extract_string(SkuPriceDetails, '$.GpuCount') AS INTEGER) > 0, false)"
    f" OR coalesce({_USE_CASE} IN ({_LISTED}), false))"
)


@dataclass(frozen=True)
class Fact:
    """One figure that is right: its number, its unit, the days it is of and the names that its label must show."""

    value: Decimal
    unit: str
    periods: tuple[Days, ...]
    names: tuple[str, ...]
    metric: str
    ai: bool
    want: Want = Want.VALUE
    either: "Fact | None" = None
    """the same of everything, where an answer may speak of AI or of everything"""

    @property
    def said(self) -> str:
        """The fact in a few words, for a reason."""
        spans = " against ".join(f"{span.first}..{span.last}" for span in self.periods)
        about = ", ".join([*(["AI"] if self.ai else []), *self.names])
        return f"{self.want} of {self.metric} cost{f' ({about})' if about else ''}, {spans}: {self.value:f} {self.unit}"


class Bill:
    """The charges of one bill, read where it lies."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = [str(path) for path in files]
        self._connection = duckdb.connect()
        self._sees: tuple[str, ...] = EVERYONE

    def facts(self, expected: Expected, *, sees: Sequence[str] = EVERYONE) -> list[Fact]:
        """What the bill says to an expectation: one fact, or one for each element of its split, largest first.

        `sees`: the asker's teams, which bound what is summed and which no label needs to name.
        """
        if expected.ai is None:
            either = [self.facts(expected.model_copy(update={"ai": ai}), sees=sees) for ai in (True, False)]
            return [replace(one, either=other) for one, other in zip(*either, strict=True)]
        self._sees = tuple(sees)
        span = days(expected.period)
        now = self.sums(expected, span)
        if expected.want is Want.SHARE:
            return [self._share(expected, span, now)]
        against = days(expected.compare) if expected.compare else None
        then = self.sums(expected, against) if against else {}
        order = sorted({**now, **then}, key=lambda key: (-now.get(key, Decimal(0)), key))
        chosen = order[: expected.top or None]
        return [_fact(expected, key, now=now, then=then, span=span, against=against) for key in chosen]

    def sums(self, expected: Expected, span: Days) -> dict[tuple[str, ...], Decimal]:
        """Exact cost by the names of the split (one empty name without one) over these days."""
        ai = bool(expected.ai)
        return self._sums(expected.metric, span, expected.where, expected.by, expected.currency, ai=ai)

    def _share(self, expected: Expected, span: Days, part: Mapping[tuple[str, ...], Decimal]) -> Fact:
        whole = self._sums(expected.metric, span, expected.of, (), expected.currency, ai=expected.of_ai)[()]
        value = EXACT.divide(EXACT.multiply(part[()], Decimal(100)), whole)
        names = tuple(name for chosen in expected.where.values() for name in chosen)
        return Fact(value, "%", (span,), names, expected.metric, bool(expected.ai), Want.SHARE)

    def _sums(
        self, metric: str, span: Days, where: Mapping[str, Sequence[str]], by: Sequence[str], currency: str, *, ai: bool
    ) -> dict[tuple[str, ...], Decimal]:
        conditions = ["CAST(timezone('UTC', ChargePeriodStart) AS DATE) BETWEEN ? AND ?", "BillingCurrency = ?"]
        values: list[object] = [self.files, span.first, span.last, currency]
        if ai:
            conditions.append(AI)
        scope = {"team": self._sees} if self._sees != EVERYONE else {}
        for name, chosen in (*where.items(), *scope.items()):
            conditions.append(f"{DIMENSIONS[name]} IN ({', '.join('?' * len(chosen))})")
            values += chosen
        keys = "".join(f"{DIMENSIONS[name]}, " for name in by)
        query = (
            f"SELECT {keys}sum({COSTS[metric]}) FROM read_parquet(?, union_by_name = true) "  # noqa: S608
            f"WHERE {' AND '.join(conditions)} {'GROUP BY ALL' if by else 'HAVING count(*) > 0'}"
        )
        rows = self._connection.execute(query, values).fetchall()
        return {tuple(str(name) for name in row[:-1]): row[-1] for row in rows}


def _fact(
    expected: Expected,
    key: tuple[str, ...],
    *,
    now: Mapping[tuple[str, ...], Decimal],
    then: Mapping[tuple[str, ...], Decimal],
    span: Days,
    against: Days | None,
) -> Fact:
    zero = Decimal(0)
    value, before = now.get(key, zero), then.get(key, zero)
    change = EXACT.subtract(value, before)
    number = {
        Want.VALUE: lambda: value,
        Want.BEFORE: lambda: before,
        Want.CHANGE: lambda: change,
        Want.CHANGE_PCT: lambda: EXACT.divide(EXACT.multiply(change, Decimal(100)), before),
    }[expected.want]()
    unit = "%" if expected.want is Want.CHANGE_PCT else expected.currency
    spans = {Want.VALUE: (span,), Want.BEFORE: (against or span,)}.get(expected.want, (span, against or span))
    filters = (name for dimension, chosen in expected.where.items() if dimension not in expected.by for name in chosen)
    return Fact(number, unit, spans, (*filters, *key), expected.metric, bool(expected.ai), expected.want)
