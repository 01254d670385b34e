"""A key of a gateway that sends far more requests than at this time of day, while many of them fail: retries.

A failed request mostly costs nothing by itself. What costs is what the retries add: so the saving is what the requests
beyond the usual number cost, and where failures alone went up, nothing is promised.
"""

from datetime import datetime
from decimal import Decimal

from lake.key_hours import KeyHours
from tools.detection.contributions import EXACT, add
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.gateway_use import (
    COMMON,
    DAY,
    DRIFT,
    ESTIMATE,
    HEADROOM,
    NOTICED,
    OURS,
    KeyHeld,
    beyond_budget,
    budget_of,
    burning,
    cut,
    held,
    missing,
    setting,
    untold,
)
from tools.rules.judged import Judgement, finding
from tools.rules.own_level import rank
from tools.rules.thresholds import SavingsThresholds

HALF = Decimal("0.5")
FORM = Form(
    number="25",
    name="retry_storm",
    title="Key of a gateway whose requests fail and are sent again and again",
    evidence=("requests and failed requests of the key, hour by hour", "what they cost, by the gateway's estimate"),
    fires="enough of the newest requests failed, there are many times those of the same hours of other days, and a"
    " budget would refuse at least so much an hour",
    limits=(
        *COMMON,
        Limit("failed_percent", "% of the newest requests that failed, at least", OURS),
        Limit("times_requests", "times the requests of the same hours of other days, at least", OURS),
        Limit("level_percent", "% of its hours cost at most its level", "p99.5 of its own history"),
        HEADROOM,
        NOTICED,
    ),
    saving="requests beyond the usual number × what a request of these hours cost, but no more than the budget that is"
    " proposed would refuse, for a month if it goes on; an estimate",
    risk="medium: what is above the budget is refused until the next day, whatever it is for",
    reversibility="reversible: the earlier budget can be set again",
    kind="set_gateway_budget",
    undo="set_gateway_budget with the earlier budget",
    drift=DRIFT,
    order=21,
    estimate=ESTIMATE,
)


def judge(use: KeyHours, limits: SavingsThresholds, *, now: datetime) -> Judgement | None:
    """The verdict on a key; None for one that spends too little for anybody to be called."""
    mine = limits.gateway
    it = held(use, limits.look_back_days, mine)
    if it.pace < mine.least_per_hour:
        return None
    lacks = (
        *missing(it, mine, now=now),
        *untold(use.requests, it, "the number of requests"),
        *untold(use.failed, it, "whether requests failed"),
    )
    if lacks:
        return Judgement(FORM, finding(FORM, missing=lacks), "whether its requests are retries is not known")
    sent = _in(use.requests, it.window)
    failed, usual = _in(use.failed, it.window), _usual(it)
    share = EXACT.divide(failed * 100, sent) if sent else Decimal(0)
    times = EXACT.divide(sent, usual) if usual else None
    budget = budget_of(it, rank((it.cost(hour) for hour in it.history), mine.level_percent / 100), mine)
    said = finding(
        FORM,
        Check("failed_percent", "requests that failed", share, mine.failed_percent, "%", at_most=False),
        Check("times_requests", "requests ÷ those of the same hours of other days", times, mine.times_requests,
              "times", at_most=False),
        cut(it, budget, mine),
        missing=() if usual else ("requests in the same hours of other days",),
    )  # fmt: skip
    beyond = EXACT.divide(EXACT.multiply(it.pace, max(sent - usual, Decimal(0))), sent) if sent else Decimal(0)
    why = f"{share:.0f} % of {sent} requests failed in {len(it.window)} hours, in which it usually sends {usual:.0f}"
    refused = beyond_budget(it, budget)
    if not said.verdict.saves or budget is None or refused is None:
        return Judgement(FORM, said, why)
    return Judgement(FORM, said, why, burning(it, min(beyond, refused), limits), setting(it, budget))


def _usual(it: KeyHeld) -> Decimal:
    """How many requests the same hours of day have: the middle one of the days before, hour by hour."""
    by_hour: dict[int, list[Decimal]] = {}
    for hour in it.history:
        by_hour.setdefault(hour % DAY, []).append(it.use.requests.get(hour, Decimal(0)))
    return add(rank(by_hour.get(hour % DAY, ()), HALF) for hour in it.window)


def _in(counts: dict[int, Decimal], hours: tuple[int, ...]) -> Decimal:
    return add(counts.get(hour, Decimal(0)) for hour in hours)
