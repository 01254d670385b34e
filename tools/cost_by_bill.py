"""What a resource costs a year by the bill, for a change that a person wrote down and no rule was asked about."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from lake.period import Period
from lake.question import EVERY_TEAM
from lake.resources import daily_costs
from tools.desk import Desk
from tools.detection.contributions import EXACT, add
from tools.periods import spoken
from tools.sheet import Sheet
from tools.shown import shown

DAYS_A_YEAR = Decimal(365)
OLDEST = timedelta(days=14)
"""Of a resource that the bill last knew longer ago nothing tells what it costs now: it is gone, or the bill is old."""
_PLACES = Decimal("0.000001")


def yearly_by_bill(desk: Desk, names: Sequence[str]) -> dict[str, Any] | None:
    """The evidence of its cost, as a proposal keeps it: the mean of its newest days, as many as the look-back has, for
    a year. `names` are those that the bill may know it by, its full one first.

    None where the bill does not know it, tells several currencies, is old, or shows this person only a part of it: an
    amount that is too small would ask too few people. Raises LakeError for a bill that cannot be read.
    """
    days = timedelta(days=desk.thresholds.look_back_days)
    reach = desk.lake.latest_period()
    wide = Period(reach.start - days, reach.end)
    seen, whole = (
        {key: one.days for key, one in daily_costs(desk.lake, wide, names, teams_seen=scope).items()}
        for scope in (desk.scope, (EVERY_TEAM,))
    )
    if len(whole) != 1 or seen != whole:
        return None
    (((name, currency), costs),) = whole.items()
    last = max(costs)
    if desk.today - last > OLDEST:
        return None
    end = last + timedelta(days=1)
    window = Period(max(min(costs), end - days), end)
    spent = add(cost.effective for day, cost in costs.items() if day >= window.start)
    mean = EXACT.divide(spent, Decimal((window.end - window.start).days))
    amount = EXACT.quantize(EXACT.multiply(mean, DAYS_A_YEAR), _PLACES)
    if amount <= 0:
        return None
    sheet = Sheet(desk, "proposals new")
    row = sheet.row({"resource": name})
    label = f"Effective cost a year of {shown(name, keep_end=True)}"
    sheet.put(row, "annual_cost", amount, label=label, unit=currency, period=f"at the rate of {spoken(window)}")
    return {
        "amount": format(amount, "f"),
        "currency": currency,
        "window": spoken(window),
        "figures": [figure.model_dump(mode="json") for figure in sheet.figures],
    }
