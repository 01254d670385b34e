"""A project at OpenAI that spends, day after day, far beyond anything that it ever spent before.

Its level is its own: the dearest days of its last weeks, but for the one in twenty that was dearer still. OpenAI
refuses what goes beyond a limit until the month ends, so the limit leaves room for what was spent so far and for the
dearest ordinary day on each day that is left; only what it would refuse is promised.
"""

import re
from calendar import monthrange
from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import Any

from lake.project_days import ProjectDays
from tools.detection.contributions import EXACT, add
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.judged import Judgement, finding
from tools.rules.model_thresholds import ProjectRunawayThresholds
from tools.rules.own_level import Held, far_above, going_on, parted, rank
from tools.rules.thresholds import SavingsThresholds

OURS = "ours"
HOURS_PER_DAY = Decimal(24)
PROJECT = re.compile(r"proj_[A-Za-z0-9]{1,64}")
FORM = Form(
    number="24b",
    name="project_runaway",
    title="Project at OpenAI that spends far beyond its own level, day after day",
    evidence=("what the project costs, day by day, as OpenAI's interface of costs or its bill tells it",),
    fires="each of the newest days cost so many times its level, and a limit would refuse at least so much a day",
    limits=(
        Limit("organisation", "as the worker's settings call the organisation that owns the project", "yours"),
        Limit("window_days", "newest days that were delivered, each of them known", OURS),
        Limit("history_days", "days before them that its level is taken from", "ours: four weeks, each weekday alike"),
        Limit("least_history_days", "known days among these, at least", OURS),
        Limit("freshest_days", "days since the newest day that was told, at most", "ours: an old bill tells of no now"),
        Limit("level_percent", "% of its days cost at most its level", "ours: one dear day in four weeks is no level"),
        Limit("times_level", "times its level, on each of the newest days, at least", OURS),
        Limit("least_per_day", "US dollars a day, of the newest days and beyond the limit, at least", OURS),
        Limit("headroom_percent", "% above its level for each day that the limit leaves room for", OURS),
        Limit("noticed_days", "days that the least saving reckons with", "ours: by then somebody notices"),
    ),
    saving="what its newest days cost beyond its level and the headroom, for a month if it goes on",
    risk="medium: what is above the limit is refused until the month ends, whatever it is for",
    reversibility="reversible: the earlier limit can be set again",
    kind="set_openai_spend_limit",
    undo="set_openai_spend_limit with the earlier limit",
    drift=("account", "resource", "project", "status", "spend_limit"),
    order=20,
    estimate="if it goes on",
    otherwise="Set a limit in OpenAI's own settings: the bill does not name the project by its id.",
)


def judge(use: ProjectDays, limits: SavingsThresholds, *, today: date) -> Judgement | None:
    """The verdict on a project; None for one that spends too little for anybody to be called."""
    mine = limits.project_runaway
    first = max(use.since, use.end - mine.window_days - mine.history_days)
    it = parted(use, first=first, newest=mine.window_days)
    if it.pace < mine.least_per_day:
        return None
    lacks = _missing(it, mine, today=today)
    level = rank((it.cost(day) for day in it.history), mine.level_percent / 100)
    if level == 0 and not lacks:
        lacks = ("a level of its own: it never spent anything before",)
    ordinary = EXACT.multiply(level, 1 + mine.headroom_percent / 100)
    beyond = it.pace - ordinary
    why = f"spends {it.pace:.2f} {use.currency} a day for {len(it.window)} days now; its level is {level:.2f}"
    if lacks:
        return Judgement(FORM, finding(FORM, missing=lacks), why)
    said = finding(
        FORM,
        far_above(it, level, mine.times_level, each="day"),
        Check("beyond_limit", "cost a day beyond a limit of its dearest ordinary day", beyond, mine.least_per_day,
              use.currency, at_most=False),
    )  # fmt: skip
    if not said.verdict.saves:
        return Judgement(FORM, said, why)
    a_month = EXACT.divide(Decimal(limits.hours_per_month), HOURS_PER_DAY)
    money = going_on(it, beyond, per_month=a_month, noticed=Decimal(mine.noticed_days))
    return Judgement(FORM, said, why, money, _setting(it, ordinary, mine, today=today))


def _missing(it: Held[ProjectDays], limits: ProjectRunawayThresholds, *, today: date) -> tuple[str, ...]:
    """What is missing for a verdict about money, in words."""
    last = date.fromordinal(it.use.end - 1)
    lacks = [] if it.use.whole else ["what else it did: teams share it, and you see only some of them"]
    if it.use.currency != "USD":
        lacks.append(f"costs in USD, as OpenAI's limits are (they are in {it.use.currency})")
    if (today - last).days > limits.freshest_days:
        lacks.append(f"costs of the last {limits.freshest_days} days (the last: {last})")
    if not set(it.window) <= it.use.known:
        lacks.append(f"each of the newest {len(it.window)} days")
    if not set(range(today.replace(day=1).toordinal(), it.use.end)) <= it.use.known:
        lacks.append("what it cost since the month began, which the limit counts")
    if len(it.history) < limits.least_history_days:
        lacks.append(f"{limits.least_history_days} known days before them (there are {len(it.history)})")
    return tuple(lacks)


def _setting(
    it: Held[ProjectDays], ordinary: Decimal, limits: ProjectRunawayThresholds, *, today: date
) -> dict[str, Any] | None:
    """The change that sets the limit; None for a project that the bill does not name by its id."""
    if not PROJECT.fullmatch(it.use.project):
        return None
    after = {"cents": _limit(it, ordinary, today=today) * 100}
    return {"kind": FORM.kind, "account": limits.organisation, "project": it.use.project, "after": after}


def _limit(it: Held[ProjectDays], ordinary: Decimal, *, today: date) -> int:
    """Whole dollars of this calendar month: what was spent, what is spent until people have decided, and an ordinary
    day's most for each day that is left.

    Days that are not told yet, today among them, count as the newest ones did: whatever the limit leaves out of them
    would be missing from the ordinary work at the month's end.
    """
    begin, now = today.replace(day=1).toordinal(), today.toordinal()
    left = monthrange(today.year, today.month)[1] - today.day
    untold = max(now + 1 - max(it.use.end, begin), 0)
    spent = add(it.cost(day) for day in range(begin, min(it.use.end, now + 1)))
    room = add((spent, EXACT.multiply(it.pace, Decimal(untold)), EXACT.multiply(ordinary, Decimal(left))))
    return int(max(room, Decimal(1)).to_integral_value(ROUND_CEILING))
