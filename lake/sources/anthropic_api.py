"""Anthropic's organization interfaces: the analytics endpoints, and the legacy reports before them.

Both write amounts in cents, as decimal text ("123.45" is $1.23), also where they speak of "USD". Field names of the
analytics endpoints are those of Anthropic's own Python client (2.14), of the legacy reports those of its documentation;
neither was tried here against the real service.

What they do not tell: the cost of the Priority Tier, whose tokens stand in the usage alone; and in the legacy cost
report the key. A workspace that is null is the default workspace, and usage without a key came from the Console: both
are known, and neither is a missing tag.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from lake import tokens
from lake.money import product
from lake.sources.api_charges import amount, moment, utc_day
from lake.sources.api_source import disagreements, next_page
from lake.sources.billed_usage import Joined, Line, Provider, Use, join
from lake.sources.kept_pages import Request, Results
from lake.sources.paged_api import PagedApi, Params
from lake.sources.windows import stretches
from lake.tokens import TokenClass, TokensDisagree

BASE_URL = "https://api.anthropic.com"
VERSION = "2023-06-01"
BETA = "analytics-usage-cost-2026-08-24"
DEFAULT_WORKSPACE, CONSOLE = "default workspace", "console"
COSTS, USAGE = "costs", "usage"
CENT = Decimal("0.01")
# One row for each of these; the analytics endpoints take five besides cost and token type.
DIMENSIONS = ("workspace_id", "api_key_id", "model", "service_tier", "context_window")
TOKEN_TYPES = {
    "uncached_input_tokens": TokenClass.INPUT_UNCACHED,
    "cache_read_input_tokens": TokenClass.INPUT_CACHE_READ,
    "cache_creation.ephemeral_5m_input_tokens": TokenClass.INPUT_CACHE_WRITE_5M,
    "cache_creation.ephemeral_1h_input_tokens": TokenClass.INPUT_CACHE_WRITE_1H,
    "output_tokens": TokenClass.OUTPUT,
}


def headers(key: str, *, legacy: bool) -> dict[str, str]:
    """The headers of every request; the analytics endpoints are in beta and want to be named."""
    plain = {"x-api-key": key, "anthropic-version": VERSION}
    return plain if legacy else plain | {"anthropic-beta": BETA}


@dataclass
class Anthropic:
    """The organization that an administrator's key belongs to; `legacy` asks the older reports."""

    api: PagedApi
    legacy: bool = False
    account: str = "organization"
    name: str = "anthropic"
    kinds: tuple[str, ...] = (COSTS, USAGE)
    is_gateway: bool = False

    def requests(self, first: date, end: date) -> list[Request]:
        """Costs and usage by day, in stretches that one request may span."""
        return [
            request
            for stretch in stretches(first, end)
            for request in (self._costs(stretch, DIMENSIONS), self._usage(stretch))
        ]

    def probe(self, day: date) -> Request:
        """The costs of one day."""
        return self._costs((day, day + timedelta(days=1)), ("workspace_id",))

    def joined(self, days: Mapping[str, Results], *, now: datetime) -> Joined:
        """The bill's lines with the usage that fits them."""
        lines = [_line(day, row) for day, rows in days.get(COSTS, {}).items() for row in rows]
        uses: list[Use] = []
        faults: list[str] = []
        for day, rows in days.get(USAGE, {}).items():
            for row in rows:
                try:
                    uses += _uses(day, row)
                except TokensDisagree as fault:
                    faults.append(f"{day} {row.get('model')}: {fault}")
        provider = Provider("anthropic", "Anthropic", "Claude API", self.account, "Workspace", "anthropic")
        made = join(provider, [line for line in lines if line.amount or line.listed], uses, now=now)
        made.findings += disagreements(self.name, faults)
        return made

    def _costs(self, stretch: tuple[date, date], dimensions: tuple[str, ...]) -> Request:
        if self.legacy:
            fields: tuple[str, ...] = ("workspace_id", "description")
            return _request(COSTS, "/v1/organizations/cost_report", stretch, fields, legacy=True)
        fields = (*dimensions, "cost_type", "token_type")
        return _request(COSTS, "/v1/organizations/analytics/cost", stretch, fields, legacy=False)

    def _usage(self, stretch: tuple[date, date]) -> Request:
        path = "/v1/organizations/usage_report/messages" if self.legacy else "/v1/organizations/analytics/usage"
        return _request(USAGE, path, stretch, DIMENSIONS, legacy=self.legacy)


def _request(kind: str, path: str, stretch: tuple[date, date], fields: tuple[str, ...], *, legacy: bool) -> Request:
    width = [("bucket_width", "1d"), ("limit", "31")]
    if not legacy:
        width = [("time_bucket_width", "1d"), ("limit", "1000"), ("order_by", "time"), ("order", "asc")]
    params: Params = [
        ("starting_at", moment(stretch[0])),
        ("ending_at", moment(stretch[1])),
        *width,
        *(("group_by[]", field) for field in fields),
    ]
    return Request(f"{kind} {stretch[0]}", kind, path, params, stretch, next_page, _by_day)


def _by_day(page: Mapping[str, Any]) -> Results:
    """A legacy page holds buckets of results; an analytics page holds rows with their period, group and figures."""
    days: Results = {}
    for item in page["data"]:
        rows = item["results"] if "results" in item else [_flat(item)]
        for row in rows:
            if "amount" in row:
                amount(row["amount"])  # a page with an amount that is none is refused before it is kept
        days.setdefault(utc_day(item["starting_at"]), []).extend(rows)
    return days


def _flat(item: Mapping[str, Any]) -> dict[str, Any]:
    figures = item["cost"] if "cost" in item else item["usage"]
    return {key: value for key, value in item["group"].items() if value is not None} | dict(figures)


def _line(day: date, row: Mapping[str, Any]) -> Line:
    kind = TOKEN_TYPES.get(str(row.get("token_type")))
    listed = row.get("list_amount")
    tier = row.get("service_tier")
    told = [row.get("model"), row.get("token_type") or row.get("cost_type"), tier, row.get("context_window")]
    return Line(
        day=day,
        account=row.get("workspace_id") or DEFAULT_WORKSPACE,
        amount=product(amount(row["amount"]), CENT),
        currency=str(row.get("currency") or "USD").upper(),
        description=row.get("description") or ", ".join(str(one) for one in told if one) or "no description",
        model=row.get("model") if kind else None,
        kind=kind,
        key=row.get("api_key_id"),  # a bill without a key does not say that there was none
        tier=tier,
        batch=None if tier is None else tier == "batch",
        context=row.get("context_window"),
        geo=row.get("inference_geo"),
        listed=None if listed is None else product(amount(listed), CENT),
    )


def _uses(day: date, row: Mapping[str, Any]) -> list[Use]:
    tier = row.get("service_tier")
    return [
        Use(
            day=day,
            account=row.get("workspace_id") or DEFAULT_WORKSPACE,
            model=row.get("model"),
            kind=kind,
            count=count,
            key=row.get("api_key_id") or CONSOLE,
            tier=tier,
            batch=None if tier is None else tier == "batch",
            context=row.get("context_window"),
            workload="inference",
            priceable=not str(tier).startswith("priority"),
        )
        for kind, count in tokens.anthropic(row).counts.items()
    ]
