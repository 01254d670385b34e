"""What the rules have in common that go by a list of what stands in EC2: how fresh it is, who wants a thing kept, and
what a copy costs that stays behind.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from lake.inventory import Inventory
from lake.metered import Metered
from tools.detection.contributions import EXACT
from tools.rules.evidence import Check
from tools.rules.judged import Look
from tools.shown import quoted

_GP2_TO_GP3 = Decimal("0.8")  # Amazon EBS price list, us-east-1: 0.08 against 0.10 dollars
_LOOKED_AFTER = (
    ("aws:backup:", "AWS Backup"), ("aws:dlm:", "Data Lifecycle Manager"), ("dlm:managed", "Data Lifecycle Manager"),
    ("kubernetes.io/", "Kubernetes"), ("ebs.csi.aws.com/", "Kubernetes"),
)  # fmt: skip
"""how the tags begin of what others make and delete: by hand it would be missed, or made again"""
_ASTRAY = timedelta(minutes=10)
"""by how much the clocks of two machines may differ"""


def days_between(start: datetime, end: datetime) -> Decimal:
    """Whole days."""
    return Decimal((end - start).days)


def too_old(listed: Inventory, look: Look, freshest_hours: int) -> tuple[str, ...]:
    """What is missing where the list is old, or lies ahead: a clock was wrong; nothing where it is fresh."""
    if -_ASTRAY <= look.now - listed.loaded_at <= timedelta(hours=freshest_hours):
        return ()
    where = f"{listed.account}, {listed.region}"
    return (f"a list of {where} of the last {freshest_hours} hours (the last: {listed.loaded_at:%Y-%m-%d %H:%M})",)


def kept_by(tags: Mapping[str, str], keep_tags: tuple[str, ...]) -> str:
    """Why it is to stay, by the first tag that says so or tells that something else looks after it; else empty."""
    wanted = {one.casefold() for one in keep_tags}
    for key, value in tags.items():
        if (by := next((who for start, who in _LOOKED_AFTER if key.startswith(start)), "")) != "":
            return f"{by} looks after it, by its tag {quoted(key)}"
        if {key.strip().casefold(), value.strip().casefold()} & wanted:
            return f"its tag {quoted(key)} says to keep it"
    return ""


def left_alone(reasons: int) -> Check:
    """The condition that nothing speaks for leaving it where it is."""
    return Check("reasons", "reasons to leave it alone", Decimal(reasons), Decimal(1), "")


def snapshot_cost(gib: int, resource: Metered, look: Look, percent: Decimal) -> Decimal | None:
    """What a snapshot of so many GiB costs a month at most, in the resource's currency: as if every block were written,
    at a share of what this bill says of a GB-month of gp3; None where it tells neither gp3's nor gp2's.
    """
    where = (resource.currency, resource.region)
    price = look.disk_prices.get((*where, "gp3"))
    if price is None and (older := look.disk_prices.get((*where, "gp2"))) is not None:
        price = EXACT.multiply(older, _GP2_TO_GP3)
    return None if price is None else EXACT.multiply(gib * percent / 100, price)
