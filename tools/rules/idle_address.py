"""A public address that AWS bills as attached to nothing.

The bill's own meter is the evidence: AWS counts idle addresses apart from used ones. An address once released is gone,
and whatever still names it (a partner's firewall, a DNS record) would then reach somebody else's machine.
"""

import re
from decimal import Decimal

from lake.metered import Metered
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.judged import Judgement, Look, finding
from tools.rules.money import money

ADDRESS = re.compile(r"(?:^|/)(eipalloc-[0-9a-f]{8,17})$")
_IDLE = re.compile(r"idle\s?address", re.IGNORECASE)
FORM = Form(
    number="31b",
    name="idle_address",
    title="Public address that is attached to nothing",
    evidence=("hours billed as an idle address, on every day of the look-back",),
    fires="it was billed as idle on every day of the look-back, and at no hour as in use",
    limits=(Limit("least_days", "days billed as idle", "OptScale: addresses unused for 7 days; ours is longer"),),
    saving="hours billed as idle × their effective rate",
    risk="medium: partners' firewalls and DNS records may still name the address",
    reversibility="irreversible: AWS gives a released address to others",
    kind="release_address",
    undo="none",
    drift=("allocation_id", "public_ip", "attached_to", "tags"),
    order=10,
)


def judge(resource: Metered, look: Look) -> Judgement | None:
    """The verdict on an address; None for anything else, and for one that is billed no longer."""
    found = ADDRESS.search(resource.resource_id)
    idle = tuple(meter for meter in resource.meters if _IDLE.search(meter.name))
    if found is None or not idle or resource.last_day != look.last_day:
        return None
    days = max(meter.days for meter in idle)
    checks = (
        Check("idle_days", "days billed as idle", Decimal(days), Decimal(look.limits.idle_address.least_days), "days",
              at_most=False),
        Check("meters_in_use", "meters billed as in use", Decimal(len(resource.meters) - len(idle)), Decimal(1), ""),
    )  # fmt: skip
    made = money(idle, days=days, share=Decimal(1), hours_per_month=look.limits.hours_per_month)
    change = {
        "kind": FORM.kind, "account": resource.account, "region": resource.region, "allocation_id": found[1],
    }  # fmt: skip
    return Judgement(FORM, finding(FORM, *checks), f"billed as idle on {days} days", made, change)
