"""A snapshot that is older than anything asks for, that no image needs, and of a disk that is gone or has newer ones.

Snapshots hold what changed since the one before. What a deleted one alone held is freed, the rest moves to the next: so
its cost on the bill is the most that can be saved, and the interval begins at nothing.
"""

import re
from dataclasses import replace
from decimal import Decimal

from lake.inventory import Inventory, ListedSnapshot
from lake.metered import Metered
from tools.detection.contributions import ZERO
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.judged import Judgement, Look, finding
from tools.rules.listed import days_between, kept_by, left_alone, too_old
from tools.rules.money import Confidence, money

SNAPSHOT = re.compile(r"(?:^|/)(snap-[0-9a-f]{8,17})$")
COPY = "vol-ffffffff"
"""what EC2 writes for the disk of a snapshot that was copied from another"""
FORM = Form(
    number="31d",
    name="old_snapshot",
    title="Old snapshot that nothing needs",
    evidence=(
        "a list of the snapshots, images and disks of its account and region that is not old",
        "its own cost on the bill, on every day of the look-back",
    ),
    fires="it is older than the limit, no image is made of it, its disk is gone or has a newer snapshot, no tag says to"
    " keep it, and neither AWS Backup nor Data Lifecycle Manager looks after it",
    limits=(
        Limit("least_days", "days old, at least", "ours: a year's closing is behind it"),
        Limit("freshest_hours", "hours since the last list, at most", "ours: an old list tells of no now"),
        Limit("keep_tags", "tags, by key or value, that keep it", "ours"),
        Limit("least_per_month", "of the bill's currency a month", "ours: below it two people's votes cost more"),
    ),
    saving="its cost on the bill, at most: what later snapshots need of it stays",
    risk="high: where its disk is gone it may be the only copy of what was on it",
    reversibility="irreversible: what it alone holds is lost",
    kind="delete_snapshot",
    undo="none",
    drift=("snapshot_id", "state", "volume_id", "images", "shared_with", "lock", "tags"),
    order=10,
)


def judge(resource: Metered, look: Look) -> Judgement | None:
    """The verdict on a snapshot that is on the bill and on the list; None for anything else."""
    found = SNAPSHOT.search(resource.resource_id)
    listed = look.inventories.get((resource.account, resource.region))
    if found is None or listed is None or resource.last_day != look.last_day:
        return None
    snapshot = listed.snapshot.get(found[1])
    if snapshot is None:
        return None
    limits = look.limits.old_snapshot
    age = days_between(snapshot.started_at, listed.loaded_at)
    old = Check("age_days", "days old", age, Decimal(limits.least_days), "days", at_most=False)
    reasons = _reasons(snapshot, listed, limits.keep_tags)
    why = f"made on {snapshot.started_at:%Y-%m-%d}"
    if old.holds is False or reasons:
        return Judgement(FORM, finding(FORM, old, left_alone(len(reasons))), "; ".join((why, *reasons)))
    missing = too_old(listed, look, limits.freshest_hours)
    if snapshot.volume_id == COPY:
        missing = (*missing, "of which disk it is: it was copied from another snapshot")
    if missing:
        return Judgement(FORM, finding(FORM, missing=missing), why)
    days = max(meter.days for meter in resource.meters)
    made = money(resource.meters, days=days, share=Decimal(1), hours_per_month=look.limits.hours_per_month)
    made = replace(made, low=ZERO, confidence=Confidence.LOW)
    checks = (
        old,
        Check("billed_days", "days on the bill", Decimal(days), Decimal(look.days), "days", at_most=False),
        Check("worth", "saving a month", made.cash, limits.least_per_month, resource.currency, at_most=False),
    )
    change = {"kind": FORM.kind, "account": resource.account, "region": resource.region, "snapshot_id": found[1]}
    return Judgement(FORM, finding(FORM, *checks), f"{why}; {_of(snapshot, listed)}", made, change)


def _newer(snapshot: ListedSnapshot, listed: Inventory) -> list[ListedSnapshot]:
    return [
        one
        for one in listed.snapshots_of[snapshot.volume_id]
        if one.state == "completed" and one.started_at > snapshot.started_at
    ]


def _there(snapshot: ListedSnapshot, listed: Inventory) -> bool:
    return snapshot.volume_id in listed.disk


def _of(snapshot: ListedSnapshot, listed: Inventory) -> str:
    """What is left of what it holds, for whoever decides."""
    newer = len(_newer(snapshot, listed))
    disk = "its disk stands" if _there(snapshot, listed) else "its disk is gone"
    return f"{disk}, and {newer} newer snapshots of it" if newer else f"{disk}, and this is its last snapshot"


def _reasons(snapshot: ListedSnapshot, listed: Inventory, keep_tags: tuple[str, ...]) -> list[str]:
    """Why it is to be left alone, in words."""
    images = listed.images_of.get(snapshot.snapshot_id, ())
    told = {
        f"the image {', '.join(images)} is made of it": bool(images),
        f"it is {snapshot.state}": snapshot.state != "completed",
        "it is the newest of a disk that stands": _there(snapshot, listed) and not _newer(snapshot, listed),
    }
    kept = kept_by(snapshot.tags, keep_tags)
    return [words for words, so in told.items() if so] + ([kept] if kept else [])
