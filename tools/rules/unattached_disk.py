"""A disk that has been attached to nothing for weeks.

A bill charges an unattached disk like any other, so a list of what stands in EC2 is the evidence; and as EC2 tells no
time, only lists that follow each other show that nobody attached it in between. A snapshot is made before it goes, and
that costs money too: what the saving is told without.
"""

from dataclasses import replace
from decimal import Decimal

from lake.inventory import Inventory, ListedDisk
from lake.metered import Metered
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.judged import Judgement, Look, finding
from tools.rules.listed import days_between, kept_by, left_alone, snapshot_cost, too_old
from tools.rules.money import money
from tools.rules.old_disk import PRICES, VOLUME

OURS = "ours"
FORM = Form(
    number="31c",
    name="unattached_disk",
    title="Disk that is attached to nothing",
    evidence=(
        "lists of what stands in its account and region, at most a week apart, that saw it unattached each time",
        "a list that is not old",
        "its cost on every day of the look-back",
        "what a GB-month of gp3 or gp2 costs there, from this bill",
    ),
    fires="it has been unattached for as long as the limit says, and no tag says to keep it",
    limits=(
        Limit("least_days", "days unattached, at least", "Cloud Custodian: a grace of 30 days"),
        Limit("freshest_hours", "hours since the last list, at most", "ours: an old list tells of no now"),
        Limit("keep_tags", "tags, by key or value, that keep it", OURS),
        Limit("snapshot_price_percent", "% of gp3's GB-month for one of a snapshot", PRICES),
        Limit("least_per_month", "of the bill's currency a month", "ours: below it two people's votes cost more"),
    ),
    saving="cost of the disk - what its snapshot costs at most, as if every block of it were written",
    risk="medium: whoever kept it for later must restore it from the snapshot, which takes hours to be as fast again",
    reversibility="irreversible: the disk is gone, and another one can be made of its snapshot",
    kind="delete_volume",
    undo="none; people make another disk of the snapshot",
    drift=("volume_id", "state", "attached_to", "size_gib", "copy", "tags"),
    order=10,
)


def judge(resource: Metered, look: Look) -> Judgement | None:
    """The verdict on a disk that the list says is unattached; None for anything else."""
    found = VOLUME.search(resource.resource_id)
    listed = look.inventories.get((resource.account, resource.region))
    if found is None or listed is None or resource.last_day != look.last_day:
        return None
    disk = listed.disk.get(found[1])
    if disk is None or not disk.unattached or disk.unattached_since is None:
        return None
    limits = look.limits.unattached_disk
    seen, most = days_between(disk.unattached_since, listed.loaded_at), _most(disk, listed)
    why = f"{disk.size_gib} GiB of {disk.type}, seen unattached since {disk.unattached_since:%Y-%m-%d}"
    least = Decimal(limits.least_days)
    long = Check("unattached_days", "days seen unattached", min(seen, most), least, "days", at_most=False)
    reason = kept_by(disk.tags, limits.keep_tags)
    if reason or most < least:
        return Judgement(
            FORM, finding(FORM, long, left_alone(1 if reason else 0)), f"{why}; {reason}" if reason else why
        )
    copy = snapshot_cost(disk.size_gib, resource, look, limits.snapshot_price_percent)
    missing = _missing(disk, listed, seen, copy, look)
    if missing or copy is None:
        return Judgement(FORM, finding(FORM, missing=missing), why)
    days = max(meter.days for meter in resource.meters)
    hours = look.limits.hours_per_month
    whole = money(resource.meters, days=days, share=Decimal(1), hours_per_month=hours)
    made = money(
        resource.meters, days=days, share=Decimal(1), less=copy, hours_per_month=hours, priced_by_bill=False
    )  # fmt: skip
    made = replace(made, high=whole.high)  # blocks that were never written are in no snapshot
    checks = (
        long,
        Check("billed_days", "days on the bill", Decimal(days), Decimal(look.days), "days", at_most=False),
        Check("worth", "saving a month", made.cash, limits.least_per_month, resource.currency, at_most=False),
    )
    change = {
        "kind": FORM.kind, "account": resource.account, "region": resource.region, "volume_id": found[1],
        "snapshot": "first",
    }  # fmt: skip
    said = f"{why}; its snapshot costs up to {copy:.2f} {resource.currency} a month"
    return Judgement(FORM, finding(FORM, *checks), said, made, change)


def _most(disk: ListedDisk, listed: Inventory) -> Decimal:
    """For how long it can have been unattached: it was made, or seen attached, then."""
    return days_between(max(disk.created_at, disk.attached_at or disk.created_at), listed.loaded_at)


def _missing(disk: ListedDisk, listed: Inventory, seen: Decimal, copy: Decimal | None, look: Look) -> tuple[str, ...]:
    limits = look.limits.unattached_disk
    missing = list(too_old(listed, look, limits.freshest_hours))
    if seen < limits.least_days:
        first = f"{disk.unattached_since:%Y-%m-%d}"
        missing.append(f"lists of {limits.least_days} days in a row that saw it unattached (the first: {first})")
    if copy is None:
        missing.append("what a GB-month of gp3 or gp2 costs there")
    return tuple(missing)
