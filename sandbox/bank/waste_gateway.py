"""The bank's LiteLLM proxy on request: keys that run away in the last hours, and others that only look so.

Its log goes on to the morning after the bank's last day, as it would be pulled then. Rows are requests in the form of
the proxy's own log; amounts follow from the plan alone, so that the truth is summed past every rule.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from math import ceil
from typing import Any

from sandbox.bank.waste import HOURS_PER_MONTH

DAYS, WINDOW = 14, 6
"""Days of hours, and how many newest hours the rules hold against the rest."""
END = time(7)
HEADROOM = Decimal("1.1")
RUNAWAY, RETRIES, LOOP = "key_runaway", "retry_storm", "agent_loop"


@dataclass(frozen=True)
class Hour:
    """What a key does in one hour: requests, each at `price` dollars, how many fail, how many are of one session."""

    requests: int
    price: Decimal
    failed: int = 0
    session: int = 1


Plan = Callable[[int, bool], Hour]
"""(hour of day, whether it is among the newest) → what it does"""


@dataclass(frozen=True)
class PlantedKey:
    """One key: what it does, and what each rule must say of it, with the reason; what a rule does not say is silence.
    `told` False: its log tells neither status nor session; `new`: it was not there before the newest hours."""

    name: str
    team: str
    plan: Plan
    says: dict[str, str]
    why: str
    told: bool = True
    new: bool = False

    def hash(self) -> str:
        """How the proxy stores the key."""
        return sha256(f"sk-bank-{self.name}".encode()).hexdigest()


def _office(at: int) -> int:
    return 4 if 8 <= at < 18 else 2


def _chat(at: int, newest: bool) -> Hour:
    return Hour(_office(at), Decimal("0.80"))


def _runaway(at: int, newest: bool) -> Hour:
    return Hour(12, Decimal("6.25")) if newest else Hour(_office(at), Decimal("1.00"))


def _retries(at: int, newest: bool) -> Hour:
    return Hour(20, Decimal("0.30"), failed=9) if newest else Hour(_office(at) + 2, Decimal("0.55"))


def _loop(at: int, newest: bool) -> Hour:
    return Hour(160, Decimal("0.05"), session=150) if newest else Hour(_office(at), Decimal("1.40"), session=2)


def _busy(at: int, newest: bool) -> Hour:
    return Hour(9, Decimal("0.60")) if newest else Hour(_office(at), Decimal("1.20"))


def _failing(at: int, newest: bool) -> Hour:
    return Hour(_office(at), Decimal("1.80"), failed=2 if newest else 0)


def _crawler(at: int, newest: bool) -> Hour:
    calls = 125 if newest else 45 if at in (8, 9) else 2
    return Hour(calls, Decimal("0.01") if newest else Decimal("0.02"), session=calls)


def _cheap(at: int, newest: bool) -> Hour:
    return Hour(140, Decimal("0.002"), session=130) if newest else Hour(1, Decimal("0.01"))


NOTHING_YET = {RUNAWAY: "fine", RETRIES: "fine", LOOP: "fine"}
KEYS: tuple[PlantedKey, ...] = (
    PlantedKey("chat", "fraud-analytics", _chat, NOTHING_YET, "an ordinary chat"),
    PlantedKey("kyc-agent", "financial-crime", _runaway, NOTHING_YET | {RUNAWAY: "waste"},
               "twelve requests an hour with a context of its whole history"),
    PlantedKey("claims-sync", "claims-automation", _retries, NOTHING_YET | {RETRIES: "waste"},
               "nearly half of five times as many requests fail"),
    PlantedKey("research-agent", "credit-risk", _loop, NOTHING_YET | {LOOP: "waste"},
               "one session asks the same for hours"),
    PlantedKey("month-end", "treasury", _busy, NOTHING_YET, "many requests by night, each of which succeeds"),
    PlantedKey("flaky", "data-platform", _failing, NOTHING_YET, "requests fail, and nobody repeats them"),
    PlantedKey("crawler", "data-platform", _crawler, NOTHING_YET, "one session calls often, as on every day"),
    PlantedKey("toy", "digital-channels", _cheap, {}, "runs in a circle for cents"),
    PlantedKey("old-proxy", "payments", _runaway,
               {RUNAWAY: "waste", RETRIES: "unknown", LOOP: "unknown"}, "its log tells neither failures nor sessions",
               told=False),
    PlantedKey("launch", "digital-channels", _chat, NOTHING_YET | {RUNAWAY: "unknown"},
               "is new, so that it has no level of its own", new=True),
)  # fmt: skip


def _end(until: date) -> datetime:
    return datetime.combine(until + timedelta(days=1), END, tzinfo=UTC)


def _hours(planted: PlantedKey, until: date) -> Iterator[tuple[datetime, bool, Hour]]:
    count = DAYS * 24
    for number in range(count):
        newest = number >= count - WINDOW
        at = _end(until) - timedelta(hours=count - number)
        if newest or not planted.new:
            yield at, newest, planted.plan(at.hour, newest)


def gateway_log(until: date) -> list[dict[str, Any]]:
    """The proxy's requests up to the morning after `until`, as `/spend/logs/v2` tells them."""
    return [row for planted in KEYS for at, _, hour in _hours(planted, until) for row in _rows(planted, at, hour)]


def _rows(planted: PlantedKey, at: datetime, hour: Hour) -> Iterator[dict[str, Any]]:
    for number in range(hour.requests):
        moment, named = at + timedelta(seconds=number * 20), f"{planted.name}-{at:%Y%m%d%H}"
        row = {
            "request_id": f"{named}-{number}", "api_key": planted.hash(), "spend": str(hour.price),
            "total_tokens": 1200, "prompt_tokens": 1000, "completion_tokens": 200, "startTime": moment.isoformat(),
            "model": "claude-sonnet-4-5", "custom_llm_provider": "anthropic", "request_tags": [],
            "team_id": planted.team, "metadata": {},
        }  # fmt: skip
        if planted.told:
            row["status"] = "failure" if number < hour.failed else "success"
            row["session_id"] = f"{named}-loop" if number < hour.session else f"{named}-{number}"
        yield row


def gateway_truth(until: date) -> list[dict[str, Any]]:
    """What each rule must say of each key, and what a month would save if its newest hours went on."""
    return [
        {
            "rule": rule, "resource": f"litellm:key/{planted.hash()}", "name": planted.name, "team": planted.team,
            "verdict": verdict, "why": planted.why,
            "saving_per_month": str(_saving(planted, until, rule) if verdict == "waste" else Decimal(0)),
        }
        for planted in KEYS
        for rule, verdict in planted.says.items()
    ]  # fmt: skip


def _saving(planted: PlantedKey, until: date, rule: str) -> Decimal:
    """What the change would stop: of a loop all beyond an ordinary hour, of others what is beyond the budget, and of
    retries no more than they are."""
    newest = [hour for _, new, hour in _hours(planted, until) if new]
    before = [hour for _, new, hour in _hours(planted, until) if not new]
    now, usual = (sum((one.requests * one.price for one in part), Decimal()) / len(part) for part in (newest, before))
    if rule == LOOP:
        return (now - usual) * HOURS_PER_MONTH
    day = [planted.plan(at, False) for at in range(24)]
    budget = ceil(sum(one.requests * one.price for one in day) * HEADROOM)
    refused = now - Decimal(budget) / 24
    if rule == RETRIES:
        same = sum(planted.plan(at.hour, False).requests for at, new, _ in _hours(planted, until) if new)
        more = sum(hour.requests for hour in newest) - same
        refused = min(refused, Decimal(more) * newest[0].price / WINDOW)
    return refused * HOURS_PER_MONTH
