"""A key of a gateway that spends, hour after hour, far beyond anything that it ever spent before.

Its level is its own: the dearest hours of its last weeks, but for the one in two hundred that was dearer still. A
budget of its dearest day stops what goes beyond that, and leaves its ordinary work alone; so only what that budget
would refuse is promised.
"""

from datetime import datetime
from decimal import Decimal

from lake.key_hours import KeyHours
from tools.rules.form import Form, Limit
from tools.rules.gateway_use import (
    COMMON,
    DRIFT,
    ESTIMATE,
    HEADROOM,
    NOTICED,
    OURS,
    beyond_budget,
    budget_of,
    burning,
    cut,
    held,
    missing,
    setting,
)
from tools.rules.judged import Judgement, finding
from tools.rules.own_level import far_above, rank
from tools.rules.thresholds import SavingsThresholds

FORM = Form(
    number="24",
    name="key_runaway",
    title="Key of a gateway that spends far beyond its own level, hour after hour",
    evidence=("what the key's requests cost, hour by hour, by the gateway's estimate",),
    fires="each of the newest hours cost so many times its level, and a budget would refuse at least so much an hour",
    limits=(
        *COMMON,
        Limit("level_percent", "% of its hours cost at most its level", "p99.5 of its own history"),
        Limit("times_level", "times its level, in each of the newest hours, at least", OURS),
        HEADROOM,
        NOTICED,
    ),
    saving="what its newest hours cost beyond the budget that is proposed, for a month if it goes on; an estimate",
    risk="medium: what is above the budget is refused until the next day, whatever it is for",
    reversibility="reversible: the earlier budget can be set again",
    kind="set_gateway_budget",
    undo="set_gateway_budget with the earlier budget",
    drift=DRIFT,
    order=20,
    estimate=ESTIMATE,
)


def judge(use: KeyHours, limits: SavingsThresholds, *, now: datetime) -> Judgement | None:
    """The verdict on a key; None for one that spends too little for anybody to be called."""
    mine = limits.gateway
    it = held(use, limits.look_back_days, mine)
    lacks = missing(it, mine, now=now)
    if it.pace < mine.least_per_hour and (not lacks or not it.history or it.usual < mine.least_per_hour):
        return None
    level = rank((it.cost(hour) for hour in it.history), mine.level_percent / 100)
    budget = budget_of(it, level, mine)
    if level == 0 and not lacks:
        lacks = ("a level of its own: it never spent anything before",)
    checks = (far_above(it, level, mine.times_level, each="hour"), cut(it, budget, mine))
    said = finding(FORM, missing=lacks) if lacks else finding(FORM, *checks)
    why = (
        f"spends {it.pace:.2f} {use.currency} an hour for {len(it.window)} hours now; its level is {level:.2f}"
        f" and an ordinary hour {it.usual if it.history else Decimal(0):.2f}"
    )
    beyond = beyond_budget(it, budget)
    if not said.verdict.saves or budget is None or beyond is None:
        return Judgement(FORM, said, why)
    return Judgement(FORM, said, why, burning(it, beyond, limits), setting(it, budget))
