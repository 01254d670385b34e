"""OpenAI's organization interface: what it costs and what was used, by project, key and model.

Costs come in dollars, as lines such as "gpt-5-2025-08-07, cached input"; usage comes in counts. Field names and the
spelling of parameters are those of OpenAI's own Python client (3.54).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from lake import tokens
from lake.sources.api_charges import amount
from lake.sources.api_source import disagreements, next_page
from lake.sources.billed_usage import Joined, Line, Provider, Use, join
from lake.sources.kept_pages import Request, Results
from lake.sources.paged_api import PagedApi, Params
from lake.tokens import TokenClass, TokensDisagree

BASE_URL = "https://api.openai.com/v1"
BUCKETS = 31
NO_PROJECT, NO_KEY = "no project", "no key"
COSTS = "costs"
# What is counted in tokens, by the parameters it can be grouped by, and as which workload.
TOKEN_USAGE = {
    "completions": (("project_id", "api_key_id", "model", "batch", "service_tier"), "inference"),
    "embeddings": (("project_id", "api_key_id", "model"), "embedding"),
}
# What is counted otherwise, by the field of its count and the unit. (Moderations are free of charge.)
COUNTED_USAGE = {
    "images": ("images", "Images", ("project_id", "api_key_id", "model")),
    "audio_speeches": ("characters", "Characters", ("project_id", "api_key_id", "model")),
    "audio_transcriptions": ("seconds", "Seconds", ("project_id", "api_key_id", "model")),
    "web_search_calls": ("num_requests", "Requests", ("project_id", "api_key_id", "model")),
    "file_search_calls": ("num_requests", "Requests", ("project_id", "api_key_id")),
    "code_interpreter_sessions": ("num_sessions", "Sessions", ("project_id",)),
    "vector_stores": ("usage_bytes", "Bytes", ("project_id",)),
}
UNITS = {
    "tokens": ("Tokens", 1), "1000_tokens": ("Tokens", 1000), "duration_seconds": ("Seconds", 1),
    "duration_minutes": ("Minutes", 1), "duration_hours": ("Hours", 1), "gibibyte_hours": ("GiB-Hours", 1),
    "images": ("Images", 1), "characters": ("Characters", 1),
}  # fmt: skip
# The words of a line after its model. A line with any other word is not understood, and stays unmatched.
_KINDS = {
    frozenset({"input"}): TokenClass.INPUT_UNCACHED,
    frozenset({"input", "cached"}): TokenClass.INPUT_CACHE_READ,
    frozenset({"input", "write"}): TokenClass.INPUT_CACHE_WRITE,
    frozenset({"write"}): TokenClass.INPUT_CACHE_WRITE,
    frozenset({"input", "write", "30m"}): TokenClass.INPUT_CACHE_WRITE_30M,
    frozenset({"input", "write", "12h"}): TokenClass.INPUT_CACHE_WRITE_12H,
    frozenset({"output"}): TokenClass.OUTPUT,
    frozenset({"input", "audio"}): TokenClass.AUDIO_IN,
    frozenset({"input", "audio", "cached"}): TokenClass.AUDIO_IN_CACHE_READ,
    frozenset({"output", "audio"}): TokenClass.AUDIO_OUT,
    frozenset({"input", "image"}): TokenClass.IMAGE_IN,
    frozenset({"input", "image", "cached"}): TokenClass.IMAGE_IN_CACHE_READ,
    frozenset({"output", "image"}): TokenClass.IMAGE_OUT,
}
_SILENT = frozenset({"tokens", "token", "text", "cache"})
_TIERS = frozenset({"priority", "flex", "scale"})


@dataclass
class OpenAI:
    """The organization that an administrator's key belongs to; `account` is how its bill is named in the lake."""

    api: PagedApi
    account: str = "organization"
    name: str = "openai"
    kinds: tuple[str, ...] = (COSTS, *TOKEN_USAGE, *COUNTED_USAGE)
    is_gateway: bool = False

    def requests(self, first: date, end: date) -> list[Request]:
        """Costs, then each kind of usage, in daily buckets."""
        asked = [_request(COSTS, "/organization/costs", first, end, ("project_id", "line_item", "api_key_id"))]
        groups = {kind: fields for kind, (fields, _) in TOKEN_USAGE.items()}
        groups |= {kind: fields for kind, (_, _, fields) in COUNTED_USAGE.items()}
        return asked + [
            _request(kind, f"/organization/usage/{kind}", first, end, fields) for kind, fields in groups.items()
        ]

    def probe(self, day: date) -> Request:
        """The costs of one day."""
        return _request(COSTS, "/organization/costs", day, day + timedelta(days=1), ("project_id", "line_item"))

    def joined(self, days: Mapping[str, Results], *, now: datetime) -> Joined:
        """The bill's lines with the usage that fits them."""
        lines = [_line(day, row) for day, rows in days.get(COSTS, {}).items() for row in rows]
        uses: list[Use] = []
        faults: list[str] = []
        for kind, (_, workload) in TOKEN_USAGE.items():
            for day, rows in days.get(kind, {}).items():
                for row in rows:
                    try:
                        uses += _token_uses(day, row, workload)
                    except TokensDisagree as fault:
                        faults.append(f"{day} {row.get('model')}: {fault}")
        for kind, (field, unit, _) in COUNTED_USAGE.items():
            for day, rows in days.get(kind, {}).items():
                uses += [_counted_use(day, row, field, unit) for row in rows if row.get(field)]
        provider = Provider("openai", "OpenAI", "OpenAI API", self.account, "Project", "openai")
        made = join(provider, [line for line in lines if line.amount or line.quantity], uses, now=now)
        made.findings += disagreements(self.name, faults)
        return made


def read_line_item(text: str) -> tuple[str | None, TokenClass | None, str | None, bool | None]:
    """The model, token class, tier and batch that a line item such as "gpt-5, cached input" names; None if untold."""
    model, comma, rest = text.rpartition(", ")
    if not comma:
        return (text.strip() or None, None, None, None) if " " not in text.strip() else (None, None, None, None)
    words = frozenset(rest.lower().replace("_", " ").replace("-", " ").split())
    tier = next(iter(words & _TIERS), None)
    kind = _KINDS.get(words - _SILENT - _TIERS - {"batch"})
    if kind is None or " " in model.strip():
        return None, None, None, None
    return model.strip(), kind, tier, True if "batch" in words else None


def _request(kind: str, path: str, first: date, end: date, fields: tuple[str, ...]) -> Request:
    params: Params = [
        ("start_time", str(_unix(first))),
        ("end_time", str(_unix(end))),
        ("bucket_width", "1d"),
        ("limit", str(BUCKETS)),
        *(("group_by[]", field) for field in fields),
    ]
    return Request(kind, kind, path, params, (first, end), next_page, _by_day)


def _unix(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())


def _by_day(page: Mapping[str, Any]) -> Results:
    days: Results = {}
    for bucket in page["data"]:
        day = datetime.fromtimestamp(int(bucket["start_time"]), UTC).date()
        for result in bucket["results"]:
            if "amount" in result and result["amount"] is not None:
                amount(result["amount"]["value"])  # a page with an amount that is none is refused before it is kept
            days.setdefault(day, []).append({key: value for key, value in result.items() if key != "object"})
    return days


def _line(day: date, row: Mapping[str, Any]) -> Line:
    item = str(row.get("line_item") or "no line item")
    model, kind, tier, batch = read_line_item(item)
    money = row.get("amount") or {}
    unit, times = UNITS.get(str(row.get("quantity_unit")), (None, 1))
    quantity = row.get("quantity")
    return Line(
        day=day,
        account=row.get("project_id") or NO_PROJECT,
        amount=amount(money.get("value", 0)),
        currency=str(money.get("currency") or "USD").upper(),
        description=item,
        model=model,
        kind=kind,
        key=row.get("api_key_id"),  # a bill without a key does not say that there was none
        tier=tier,
        batch=batch,
        quantity=amount(quantity) * times if quantity is not None and unit else None,
        unit=unit,
    )


def _token_uses(day: date, row: Mapping[str, Any], workload: str) -> list[Use]:
    return [
        Use(
            day=day,
            account=row.get("project_id") or NO_PROJECT,
            model=row.get("model"),
            kind=kind,
            count=count,
            key=row.get("api_key_id") or NO_KEY,
            tier=row.get("service_tier"),
            batch=row.get("batch"),
            workload=workload,
        )
        for kind, count in tokens.openai(row).counts.items()
    ]


def _counted_use(day: date, row: Mapping[str, Any], field: str, unit: str) -> Use:
    return Use(
        day=day,
        account=row.get("project_id") or NO_PROJECT,
        model=row.get("model"),
        kind=None,
        count=int(row[field]),
        unit=unit,
        key=row.get("api_key_id") or NO_KEY,
    )
