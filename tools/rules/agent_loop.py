"""A key of a gateway by which one session calls a model over and over: an agent that runs in a circle.

Many calls of many sessions are a busy day. Many calls of one session, hour after hour and more than it ever was, are
not; and since nothing that such a session does comes to an end, the key is to be blocked until somebody has looked.
"""

from datetime import datetime
from decimal import Decimal

from lake.key_hours import KeyHours
from tools.detection.contributions import EXACT
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.gateway_use import COMMON, DRIFT, ESTIMATE, NOTICED, OURS, block_of, burning, held, missing, untold
from tools.rules.judged import Judgement, finding
from tools.rules.own_level import rank
from tools.rules.thresholds import SavingsThresholds

FORM = Form(
    number="26",
    name="agent_loop",
    title="Key of a gateway by which one session calls a model over and over",
    evidence=("requests of the key's busiest session, hour by hour", "what they cost, by the gateway's estimate"),
    fires="in each of the newest hours one session sent so many requests, and so many times what it ever was",
    limits=(
        *COMMON,
        Limit("least_calls", "requests of one session in each of the newest hours, at least", OURS),
        Limit("level_percent", "% of its hours had at most so many of one session", "p99.5 of its own history"),
        Limit("times_calls", "times that, at least", OURS),
        NOTICED,
    ),
    saving="what its newest hours cost beyond an ordinary hour of it, for a month if it goes on; an estimate",
    risk="high: whatever uses the key is refused until it is let in again",
    reversibility="reversible: the key can be let in again",
    kind="block_gateway_key",
    undo="unblock_gateway_key",
    drift=DRIFT,
    order=10,
    estimate=ESTIMATE,
)


def judge(use: KeyHours, limits: SavingsThresholds, *, now: datetime) -> Judgement | None:
    """The verdict on a key; None for one that spends too little for anybody to be called."""
    mine = limits.gateway
    it = held(use, limits.look_back_days, mine)
    if it.pace < mine.least_per_hour:
        return None
    lacks = (*missing(it, mine, now=now), *untold(use.session, it, "which requests belong together"))
    if lacks:
        return Judgement(FORM, finding(FORM, missing=lacks), "whether one session calls over and over is not known")
    calls = min(use.session.get(hour, Decimal(0)) for hour in it.window)
    level = max(rank((use.session.get(hour, Decimal(0)) for hour in it.history), mine.level_percent / 100), Decimal(1))
    said = finding(
        FORM,
        Check("calls", "requests of one session in the least of the newest hours", calls, Decimal(mine.least_calls),
              "requests", at_most=False),
        Check("times_calls", "requests of one session ÷ its level", EXACT.divide(calls, level), mine.times_calls,
              "times", at_most=False),
    )  # fmt: skip
    why = f"one session sent at least {calls} requests in each of {len(it.window)} hours; its level is {level}"
    if not said.verdict.saves:
        return Judgement(FORM, said, why)
    beyond = max(it.pace - it.usual, Decimal(0))
    return Judgement(FORM, said, why, burning(it, beyond, limits), block_of(it))
