"""What the rules about keys of a gateway share: a key's newest hours held against its own level before them.

Nobody can say from a bill that an agent runs in a circle, and the bill comes days later. A gateway tells it within the
hour, by its own estimates; so what is reckoned here is an estimate, and counts in no total.
"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any

from lake.key_hours import KeyHours
from tools.detection.contributions import EXACT, add
from tools.rules.evidence import Check
from tools.rules.form import Limit
from tools.rules.model_thresholds import GatewayThresholds
from tools.rules.money import Money
from tools.rules.own_level import Held, going_on, parted
from tools.rules.thresholds import SavingsThresholds

SECTION = "gateway"
DAY = 24
OURS = "ours"
KeyHeld = Held[KeyHours]
HEADROOM = Limit("headroom_percent", "% above its dearest day for the budget that is proposed", OURS)
NOTICED = Limit("noticed_hours", "hours that the least saving reckons with", "ours: by then somebody notices")
DRIFT = ("resource", "alias", "team", "blocked", "max_budget", "budget_duration", "expires", "tags")
"""What of a key must not have changed between seal and claim."""
WINDOW = Limit("window_hours", "newest settled hours, each of them known", OURS)
COMMON = (
    WINDOW,
    Limit("least_history_hours", "known hours before them, at least", "ours: a week, so that nights are among them"),
    Limit("freshest_hours", "hours since the gateway's log was pulled, at most", "ours: an old log tells of no now"),
    Limit("least_per_hour", "US dollars an hour in the newest hours, at least", "ours: below it nobody is called"),
)
"""The limits that all of these rules keep to."""
ESTIMATE = "by the gateway's estimate"
HASH_LENGTH = 64


def held(use: KeyHours, look_back_days: int, limits: GatewayThresholds) -> KeyHeld:
    """The key's hours as the rules divide them."""
    return parted(use, first=use.end - look_back_days * DAY, newest=limits.window_hours)


def missing(it: KeyHeld, limits: GatewayThresholds, *, now: Any) -> tuple[str, ...]:
    """What is missing for a verdict about money, in words."""
    lacks = [] if it.use.whole else ["what else it did: teams share it, and you see only some of them"]
    if now - it.use.loaded_at > timedelta(hours=limits.freshest_hours):
        lacks.append(f"a log that was pulled within {limits.freshest_hours} hours (the last: {_at(it.use)})")
    unknown = [hour for hour in it.window if hour not in it.use.known]
    if unknown:
        lacks.append(f"{len(unknown)} of the newest {len(it.window)} hours, of which the log tells nothing")
    if len(it.history) < limits.least_history_hours:
        lacks.append(f"{limits.least_history_hours} known hours before them (there are {len(it.history)})")
    return tuple(lacks)


def _at(use: KeyHours) -> str:
    return f"{use.loaded_at:%Y-%m-%d %H:%M} UTC"


def untold(counts: Mapping[int, Decimal], it: KeyHeld, what: str) -> tuple[str, ...]:
    """That the log does not tell `what` of an hour in which there was something to tell."""
    hours = [hour for hour in (*it.history, *it.window) if it.use.costs.get(hour) is not None and hour not in counts]
    return (f"{what} in {len(hours)} hours: the log of those hours does not tell it",) if hours else ()


def burning(it: KeyHeld, beyond: Decimal, limits: SavingsThresholds) -> Money:
    """What it costs to let it go on: `beyond` an hour, for a month; at least what it costs until somebody notices."""
    noticed = Decimal(limits.gateway.noticed_hours)
    return going_on(it, beyond, per_month=Decimal(limits.hours_per_month), noticed=noticed)


def budget_of(it: KeyHeld, level: Decimal, limits: GatewayThresholds) -> Decimal | None:
    """A day's budget in whole dollars: its dearest whole day and a headroom; None where no whole day is known.

    An hour above its level counts as its level, so that a single hour's mishap does not make room for a runaway.
    """
    days: dict[int, list[Decimal]] = {}
    for hour in it.history:
        days.setdefault(hour // DAY, []).append(min(it.cost(hour), level))
    whole = [add(hours) for hours in days.values() if len(hours) == DAY]
    if not whole:
        return None
    most = max(whole) * (1 + limits.headroom_percent / 100)
    return max(most.to_integral_value(ROUND_CEILING), Decimal(1))


def beyond_budget(it: KeyHeld, budget: Decimal | None) -> Decimal | None:
    """What the newest hours cost an hour beyond that budget: so much at most would be refused."""
    return None if budget is None else it.pace - EXACT.divide(budget, Decimal(DAY))


def cut(it: KeyHeld, budget: Decimal | None, limits: GatewayThresholds) -> Check:
    """Whether the budget would refuse anything worth it."""
    said = "cost an hour beyond a budget of its dearest day"
    return Check("beyond_budget", said, beyond_budget(it, budget), limits.least_per_hour, it.use.currency,
                 at_most=False)  # fmt: skip


def setting(it: KeyHeld, budget: Decimal) -> dict[str, Any] | None:
    """The change that sets this budget for every day; None for a key that the log does not name by its hash."""
    after = {"max_budget": str(budget), "duration": "1d"}
    change = {"kind": "set_gateway_budget", "account": it.use.source, "key": it.use.key, "after": after}
    return change if _addressed(it.use) else None


def block_of(it: KeyHeld) -> dict[str, Any] | None:
    """The change that blocks it; None for a key that the log does not name by its hash."""
    if not _addressed(it.use):
        return None
    return {"kind": "block_gateway_key", "account": it.use.source, "key": it.use.key}


def _addressed(use: KeyHours) -> bool:
    return len(use.key) == HASH_LENGTH and set(use.key) <= set("0123456789abcdef")
