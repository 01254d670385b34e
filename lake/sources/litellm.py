"""LiteLLM's log of spend: who used which model through the gateway, by key, team and tag. Estimates, never a cost.

Rows are requests; what is kept of one is what allocation needs: no prompt, no answer, no address, no user. A request
with several tags stays one row with several tags, so that no sum over tags ever counts it twice.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from lake import tokens
from lake.sources.api_charges import (
    TOKENS,
    Charge,
    CostSource,
    amount,
    charge,
    costs,
    hour_from,
    labels,
    quantities,
    utc_day,
    utc_time,
)
from lake.sources.api_source import disagreements
from lake.sources.billed_usage import Joined
from lake.sources.kept_pages import Request, Results
from lake.sources.paged_api import PagedApi, Params
from lake.sources.windows import stretches
from lake.tokens import TokensDisagree

Following = Callable[[Mapping[str, Any], Params], Params | None]

SPEND = "spend"
PAGE_SIZE = 100
_KEPT = (
    "request_id", "api_key", "spend", "total_tokens", "prompt_tokens", "completion_tokens", "startTime", "model",
    "model_group", "custom_llm_provider", "request_tags", "team_id", "status",
)  # fmt: skip
FAILED = "failure"
REQUESTS, FAILED_REQUESTS, SESSION_REQUESTS = "Requests", "Failed Requests", "Session Requests"
"""Units of rows that only count: all requests of a group, those that failed, and those of its busiest session."""
_KEPT_COUNTS = ("cache_read_input_tokens", "cache_creation_input_tokens")
_KEPT_DETAILS = ("cached_tokens", "cache_creation_tokens")


@dataclass
class LiteLLM:
    """The proxy at the configured address; `account` is how it is named among other gateways."""

    api: PagedApi
    account: str = "litellm"
    name: str = "litellm"
    kinds: tuple[str, ...] = (SPEND,)
    is_gateway: bool = True

    def requests(self, first: date, end: date) -> list[Request]:
        """One list for each day."""
        return [_request(stretch, PAGE_SIZE, _following) for stretch in stretches(first, end, longest=1)]

    def probe(self, day: date) -> Request:
        """One request of one day."""
        return _request((day, day + timedelta(days=1)), 1, lambda page, params: None)

    def joined(self, days: Mapping[str, Results], *, now: datetime) -> Joined:
        """One row for each hour, key, team, model, set of tags and token class."""
        made = Joined()
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        seen: set[str] = set()
        for rows in days.get(SPEND, {}).values():
            for row in rows:
                if row.get("request_id") in seen:
                    continue  # on two pages: rows came in while they were read, or a list went on from its last second
                seen.add(str(row.get("request_id")))
                groups.setdefault(_group(row), []).append(row)
        faults: list[str] = []
        for group, rows in groups.items():
            made.charges += self._charges(group, rows, faults)
        made.findings += disagreements(self.name, faults)
        return made

    def _charges(self, group: tuple[Any, ...], rows: list[dict[str, Any]], faults: list[str]) -> list[Charge]:
        hour, provider, model, key, team, tags = group
        counts: dict[str | None, int] = {}
        for row in rows:
            try:
                for kind, count in tokens.litellm(row).counts.items():
                    counts[kind.value] = counts.get(kind.value, 0) + count
            except TokensDisagree as fault:
                faults.append(f"{hour:%Y-%m-%d %H:%M} {model}: {fault}")
        spend = sum((amount(row.get("spend") or 0) for row in rows), Decimal())
        counting: list[tuple[str | None, int]] = [(REQUESTS, len(rows)), *_counted(rows)]
        # The gateway prices a request, not its classes of tokens: the estimate stands on one row, tokens on the others.
        counted: list[tuple[str | None, int]] = sorted(counts.items(), key=lambda item: str(item[0])) or [(None, 0)]
        return [
            charge("LiteLLM", "LiteLLM gateway", self.account, day=hour.date(), currency="USD")
            | hour_from(hour)
            | {
                "ChargeDescription": f"{model} through the gateway, {len(rows)} requests",
                "PublisherName": provider,
                "ResourceId": model,
                "ResourceType": "Model",
                "SkuMeter": f"{model} {kind}" if kind else model,
                "SubAccountId": key,
                "SubAccountType": "Key",
                "Tags": labels(dict(tags)),
                **costs(Decimal(), effective=spend if number == 0 else Decimal()),
                **(quantities(count, kind if kind in UNITS else TOKENS) if kind else {}),
                "x_api_key_id": key,
                "x_cost_source": CostSource.GATEWAY.value,
                "x_is_allocation": "true",
                "x_model": model,
                "x_team": team,
                "x_token_class": None if kind in UNITS else kind,
                "x_workload": "inference",
            }
            for number, (kind, count) in enumerate([*counted, *counting])
        ]


UNITS = (REQUESTS, FAILED_REQUESTS, SESSION_REQUESTS)


def _counted(rows: list[dict[str, Any]]) -> list[tuple[str | None, int]]:
    """How many of them failed, and how many the busiest session sent; what the log does not tell is no zero."""
    found: list[tuple[str | None, int]] = []
    if any(row.get("status") for row in rows):
        found.append((FAILED_REQUESTS, sum(row.get("status") == FAILED for row in rows)))
    sessions = Counter(row["session"] for row in rows if row.get("session"))
    if sessions:
        found.append((SESSION_REQUESTS, max(sessions.values())))
    return found


def _group(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        utc_time(row["startTime"]).replace(minute=0, second=0, microsecond=0),
        row.get("custom_llm_provider") or "unknown",
        row.get("model") or row.get("model_group") or "no model",
        row.get("api_key") or "no key",
        row.get("team_id") or None,
        tuple(sorted(_tags(row.get("request_tags")).items())),
    )


def _tags(given: object) -> dict[str, str]:
    """Tags such as "job:42" as key and value; others as a key whose value is true, as FOCUS has it."""
    found = {}
    for tag in given if isinstance(given, list) else []:
        key, colon, value = str(tag).partition(":")
        found[key.strip() if colon else str(tag)] = value.strip() if colon else "true"
    return found


def _request(stretch: tuple[date, date], size: int, following: Following) -> Request:
    params: Params = [
        # Both ends are within the list; what starts at the end belongs to the next day and is dropped by its day.
        ("start_date", f"{stretch[0]} 00:00:00"),
        ("end_date", f"{stretch[1]} 00:00:00"),
        ("sort_by", "startTime"),
        ("sort_order", "asc"),
        ("page_size", str(size)),
        ("page", "1"),
    ]
    return Request(f"{SPEND} {stretch[0]}", SPEND, "/spend/logs/v2", params, stretch, following, _by_day)


def _following(page: Mapping[str, Any], params: Params) -> Params | None:
    """The next page. A list that is cut off (LiteLLM counts to 10,000) goes on from the time of its last row."""
    number = int(page["page"])
    if number < int(page["total_pages"]):
        return _with(params, page=str(number + 1))
    if not page.get("total_is_capped"):
        return None
    last = datetime.fromisoformat(page["data"][-1]["startTime"]).replace(tzinfo=None, microsecond=0)
    if dict(params)["start_date"] == str(last):
        raise ValueError("the list is cut off within one second")
    return _with(params, start_date=str(last), page="1")


def _with(params: Params, **changed: str) -> Params:
    return [(name, changed.get(name, value)) for name, value in params]


def _by_day(page: Mapping[str, Any]) -> Results:
    days: Results = {}
    for row in page["data"]:
        amount(row.get("spend") or 0)
        days.setdefault(utc_day(row["startTime"]), []).append(_needed(row))
    return days


def _needed(row: Mapping[str, Any]) -> dict[str, Any]:
    """What allocation needs of a request. Everything else, above all what people wrote, is not even kept."""
    used = (row.get("metadata") or {}).get("usage_object") or {}
    details = used.get("prompt_tokens_details") or {}
    kept = {name: used[name] for name in _KEPT_COUNTS if used.get(name) is not None}
    kept["prompt_tokens_details"] = {name: details[name] for name in _KEPT_DETAILS if details.get(name) is not None}
    session = row.get("session_id")
    # Which requests belong together is all that is needed of a session; its name may be somebody's.
    told = {"session": sha256(str(session).encode()).hexdigest()[:16] if session else None}
    return {name: row.get(name) for name in _KEPT} | told | {"metadata": {"usage_object": kept}}
