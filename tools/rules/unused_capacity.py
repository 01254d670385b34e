"""A capacity reservation of EC2 in which nothing ran: its machines are paid by the hour as if they did.

AWS bills what is unused of a reservation under the reservation's own id, and what is used with the machines that use
it. By the day the bill does not tell whether one of two machines was unused all day or both for half of it; so only one
in which nothing ran at all is called waste.
"""

import re
from decimal import Decimal

from lake.metered import Metered
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.judged import Judgement, Look, finding
from tools.rules.money import money

RESERVATION = re.compile(r":capacity-reservation/(cr-[0-9a-f]{8,17})$")
_UNUSED = re.compile(r"Unused(?:Box|Ded)\b", re.IGNORECASE)
"""the usage types of unused capacity (AWS Data Exports guide, "Monitoring your On-Demand capacity reservations")"""
FORM = Form(
    number="13",
    name="unused_capacity",
    title="Capacity reservation of EC2 in which nothing runs",
    evidence=("hours billed as unused under the reservation's own id, and whether any were billed as used",),
    fires="it was billed as unused on each of the newest days, and at no hour of the look-back as used",
    limits=(
        Limit("least_days", "days billed as unused", "ours: capacity for a launch is reserved days ahead"),
        Limit("least_per_month", "of the bill's currency a month", "ours: below it asking its owner costs more"),
    ),
    saving="hours billed as unused × their effective rate, without what a plan or a reserved instance covers",
    risk="high: large GPUs may not be had again at once; somebody may hold it for a disaster, and what another account"
    " uses of a shared one stands on that account's bill",
    reversibility="reversible only while there is capacity: another one can be asked for, at no promise",
    kind="",
    undo="asking for another reservation",
    drift=(),
    order=10,
    otherwise="Ask whom it is held for and look in EC2 whether another account that shares it uses any of it; then make"
    " it smaller or cancel it. One that was booked for a future date is paid until its commitment ends.",
)


def judge(resource: Metered, look: Look) -> Judgement | None:
    """The verdict on a reservation of which something was billed as unused on the last day; None for anything else."""
    unused = tuple(one for one in resource.hours if _UNUSED.search(one.name))
    if not unused or RESERVATION.search(resource.resource_id) is None or resource.last_day != look.last_day:
        return None
    limits, days = look.limits.unused_capacity, max(one.days for one in unused)
    used = [one for one in resource.meters if one not in unused and one.quantity > 0]
    counted = sum((one.quantity for one in unused), start=Decimal(0))
    why = f"{counted:.0f} machine hours billed as unused on {days} days"
    if used:
        lacks = ("how many were unused in every hour: the bill tells it by the day, and some were used",)
        return Judgement(FORM, finding(FORM, missing=lacks), why)
    made = money(unused, days=days, share=Decimal(1), hours_per_month=look.limits.hours_per_month)
    checks = (
        Check("unused_days", "days billed as unused", Decimal(days), Decimal(limits.least_days), "days", at_most=False),
        Check("worth", "saving a month", made.cash, limits.least_per_month, resource.currency, at_most=False),
    )
    return Judgement(FORM, finding(FORM, *checks), f"{why}, none as used", made)
