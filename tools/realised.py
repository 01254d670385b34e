"""What changes saved that were carried out, held against the bill; and what rehearsed ones would have saved.

Only the bill is asked here. Which changes there were is handed in, since who may see a proposal is decided elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from lake.period import Period
from lake.resources import daily_costs, last_billed
from tools.desk import Desk
from tools.detection.contributions import EXACT, add
from tools.rules.realised import Cost, Measured, measure, window


@dataclass(frozen=True)
class Deed:
    """One change as far as money goes: `ids` are the names that the bill may know its resource by.

    `at` is the day on which it was carried out or rehearsed; `promised` a month's saving in cash.
    """

    proposal: str
    title: str
    name: str
    rule: str
    team: str
    ids: tuple[str, ...]
    at: date
    promised: Decimal
    currency: str


@dataclass(frozen=True)
class Followed:
    """A deed with what the bill says of it; `measured` is None while the bill says nothing, with `why`."""

    deed: Deed
    measured: Measured | None
    why: str = ""


def follow(desk: Desk, deeds: Sequence[Deed]) -> list[Followed]:
    """Each change held against the bill of the days around it."""
    if not deeds:
        return []
    limits = desk.thresholds
    reach = desk.lake.latest_period()  # raises, with what to do, when the lake is empty
    first = min(deed.at for deed in deeds) - timedelta(days=limits.look_back_days)
    period = Period(min(first, reach.start), reach.end)
    billed = last_billed(desk.lake, Period(reach.start, reach.end), ids=".", teams_seen=desk.scope)
    last = (billed or reach.start) - timedelta(days=limits.settle_days)
    costs = daily_costs(desk.lake, period, (one for deed in deeds for one in deed.ids), teams_seen=desk.scope)
    by_id = {key: {day: Cost(one.effective, one.uncovered) for day, one in days.items()} for key, days in costs.items()}
    return [_followed(deed, by_id, last, look_back=limits.look_back_days, hours=limits.hours_per_month)
            for deed in deeds]  # fmt: skip


def _followed(
    deed: Deed, costs: dict[tuple[str, str], dict[date, Cost]], last: date, *, look_back: int, hours: int
) -> Followed:
    mine = next((costs[one, deed.currency] for one in deed.ids if (one, deed.currency) in costs), {})
    before, after = window(deed.at, look_back=look_back, last=last)
    found = measure(mine, before, after, promised_per_month=deed.promised, hours_per_month=hours)
    if found is not None:
        return Followed(deed, found)
    why = (
        f"the bill's settled days reach to {last.isoformat()} only"
        if not after
        else "the bill knows no cost of it in the days before"
    )
    return Followed(deed, None, why)


def shadow(followed: Followed) -> Decimal | None:
    """What a rehearsed change would have saved so far: the promised share of what its resource went on to cost."""
    found = followed.measured
    if found is None or found.counterfactual <= 0:
        return None
    share = min(Decimal(1), EXACT.divide(found.promised, found.counterfactual))
    return EXACT.quantize(EXACT.multiply(found.actual, share), Decimal("0.000001"))


def together(amounts: Sequence[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """One sum for each currency, never across them."""
    return {
        name: add(value for unit, value in amounts if unit == name) for name in sorted({unit for unit, _ in amounts})
    }
