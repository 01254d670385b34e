"""Providers' interfaces on respx: they answer by path and day, in pages, and count what they were asked."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import httpx
import respx

Rows = dict[date, list[dict[str, Any]]]


@dataclass
class Fake:
    """`answers` holds rows by path and day; each page holds `per_page` buckets. `before` may answer in its place."""

    base_url: str
    answers: dict[str, Rows] = field(default_factory=dict)
    per_page: int = 5
    asked: list[httpx.Request] = field(default_factory=list)
    before: Callable[[httpx.Request], httpx.Response | None] | None = None

    def mount(self, router: respx.MockRouter) -> "Fake":
        router.get(url__startswith=self.base_url).mock(side_effect=self._answer)
        return self

    def paths(self) -> list[str]:
        return [request.url.path for request in self.asked]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        instead = self.before(request) if self.before else None
        if instead is not None:
            return instead
        path = request.url.path.removeprefix(httpx.URL(self.base_url).path.rstrip("/"))
        rows = self.answers.get(path, {})
        first, end = _asked_days(request.url.params)
        days = [first + timedelta(days=offset) for offset in range((end - first).days)]
        start = int(request.url.params.get("page", "0"))
        shown = days[start : start + self.per_page]
        more = start + self.per_page < len(days)
        data = [item for day in shown for item in _items(path, day, rows.get(day, []))]
        body = {"data": data, "has_more": more, "next_page": str(start + self.per_page) if more else None}
        return httpx.Response(200, json=body)


def _asked_days(params: httpx.QueryParams) -> tuple[date, date]:
    if "start_time" in params:
        first, end = (datetime.fromtimestamp(int(params[name]), UTC).date() for name in ("start_time", "end_time"))
        return first, end
    return date.fromisoformat(params["starting_at"][:10]), date.fromisoformat(params["ending_at"][:10])


def _items(path: str, day: date, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    begins, ends = datetime.combine(day, time(), UTC), datetime.combine(day + timedelta(days=1), time(), UTC)
    if "/organization/" in path:
        bucket = {"object": "bucket", "start_time": int(begins.timestamp()), "end_time": int(ends.timestamp())}
        return [bucket | {"results": list(rows)}]
    period = {"starting_at": f"{begins:%Y-%m-%dT%H:%M:%SZ}", "ending_at": f"{ends:%Y-%m-%dT%H:%M:%SZ}"}
    if "/analytics/" in path:
        figures = "cost" if path.endswith("cost") else "usage"
        return [period | {"group": row["group"], figures: row[figures]} for row in rows]
    return [period | {"results": list(rows)}]


def cost(item: str, value: object, project: str | None = "proj_a", key: str | None = "key_1", **more: Any) -> Any:
    """A result of OpenAI's costs endpoint."""
    return {
        "object": "organization.costs.result",
        "amount": {"value": value, "currency": "usd"},
        "line_item": item,
        "project_id": project,
        "api_key_id": key,
        "quantity": None,
        "quantity_unit": None,
    } | more


def completions(model: str, tokens: int, out: int = 0, cached: int = 0, **more: Any) -> Any:
    """A result of OpenAI's completions endpoint; `tokens` is all input, cached or not."""
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": tokens,
        "input_cached_tokens": cached,
        "output_tokens": out,
        "num_model_requests": 10,
        "project_id": "proj_a",
        "api_key_id": "key_1",
        "model": model,
        "batch": False,
        "service_tier": "default",
    } | more
