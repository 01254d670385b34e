"""A gateway's log made by hand: requests by the hour, in the gateways' lake beside a lake of bills."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from lake import allocation
from lake.engine import Lake
from lake.load import ingest
from lake.sources import api_charges
from lake.sources.litellm import SPEND, LiteLLM
from lake.sources.paged_api import PagedApi

FIRST = datetime(2026, 9, 7, tzinfo=UTC)  # a Monday
Key = tuple[str, str, str]
"""Team, model and key."""
CHAT: Key = ("fraud", "claude-sonnet-4-5", "key-chat")
BATCH: Key = ("fraud", "claude-haiku-4-5", "key-batch")
CLAIMS: Key = ("claims", "claude-sonnet-4-5", "key-claims")


def office(hour: int) -> Decimal:
    """A chat's cost in an hour counted from a Monday's midnight: office hours, a quiet weekend, a little unrest."""
    day, at = hour // 24 % 7, hour % 24
    level = Decimal(10) if day < 5 and 8 <= at < 18 else Decimal(1) if day < 5 else Decimal("0.5")
    return (level * (1 + Decimal((hour * 7 + hour // 24 * 3) % 11 - 5) / 60)).quantize(Decimal("0.0001"))


def log_of(hours: int, more: Mapping[tuple[Key, int], str] | None = None, *, missing: Sequence[int] = ()) -> list[Any]:
    """Requests of three keys over so many hours; `more` adds to an hour of a key, of `missing` hours nothing came."""
    rows = []
    for hour in range(hours):
        if hour in missing:
            continue
        for number, key in enumerate((CHAT, BATCH, CLAIMS)):
            cost = office(hour + number) + Decimal((more or {}).get((key, hour), "0"))
            rows.append(request(key, FIRST + timedelta(hours=hour, minutes=20), cost))
    return rows


def request(key: Key, at: datetime, cost: Decimal) -> dict[str, Any]:
    """One row as the proxy keeps it; the same key and time are the same request."""
    team, model, name = key
    return {
        "request_id": f"{name}-{at.isoformat()}", "api_key": name, "spend": str(cost), "total_tokens": 120,
        "prompt_tokens": 100, "completion_tokens": 20, "startTime": at.isoformat(), "model": model,
        "custom_llm_provider": "anthropic", "request_tags": [], "team_id": team, "metadata": {},
    }  # fmt: skip


def pulled(folder: Path, rows: Sequence[Any], *, now: datetime) -> Lake:
    """A lake beside which this log was loaded at `now`, as a pull loads it."""
    lake = Lake(folder / "lake")
    source = LiteLLM(cast("PagedApi", None))
    days = source.probe(now.date()).by_day({"data": rows})
    made = source.joined({SPEND: days}, now=now)
    making = folder / f"making-{now:%Y%m%d%H%M}"
    making.mkdir(parents=True)
    ingest(allocation.beside(lake), api_charges.write(made.charges, making, "litellm"), now=now, source="litellm")
    return lake
