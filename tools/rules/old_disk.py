"""A disk of the type gp2 that costs more than gp3 would at the same speed.

The bill alone proves it: the type stands in its meter and the size follows from what was billed. gp2 gives speed with
size and gp3 sells it apart, so the speed that a large gp2 disk has is bought on top; where that eats the saving,
nothing is proposed. A rule that only compared the price of storage would slow databases down.
"""

import re
from decimal import Decimal

from lake.metered import Meter, Metered
from tools.detection.contributions import EXACT
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.judged import Judgement, Look, finding
from tools.rules.money import money
from tools.rules.storage_thresholds import OldDiskThresholds

VOLUME = re.compile(r"(?:^|/)(vol-[0-9a-f]{8,17})$")
GB_MONTHS = re.compile(r"^gb[- ]?(months?|mo)$")
_TYPE = re.compile(r"\bgp[23]\b")
PRICES = "Amazon EBS price list, us-east-1"
FORM = Form(
    number="31a",
    name="gp2_to_gp3",
    title="Disk of the type gp2 that gp3 would replace for less",
    evidence=(
        "the disk's type, in the meter of the bill",
        "its size, the same on every day of the look-back",
        "what a GB-month of gp3 costs, from this bill or from the table",
    ),
    fires="gp3 of the same size, with the IOPS and the throughput that gp2 gives at that size, costs less",
    limits=(
        Limit("gp3_price_percent", "% of gp2's price, where the bill shows no gp3", PRICES),
        Limit("gp3_iops_percent", "% of gp3's GB-month for one IOPS-month above those included", PRICES),
        Limit("gp3_throughput_percent", "% of gp3's GB-month for one MB/s-month above that included", PRICES),
        Limit("least_per_month", "of the bill's currency a month", "ours: below it a person's vote costs more"),
    ),
    saving="cost of the disk × (1 - price of gp3 ÷ price of gp2) - IOPS and throughput bought on top",
    risk="low: the disk stays attached and usable; it may be slower while AWS moves its data",
    reversibility="reversible: the type can be changed back, though AWS refuses a second change for some hours",
    kind="change_volume_type",
    undo="change_volume_type back to gp2",
    drift=("volume_id", "type", "size_gib", "state", "tags"),
    order=30,
)


def judge(resource: Metered, look: Look) -> Judgement | None:
    """The verdict on a disk that is billed as gp2; None for anything else."""
    meter = next((one for one in resource.meters if type_of(one) == "gp2"), None)
    found = VOLUME.search(resource.resource_id)
    if meter is None or found is None or resource.last_day != look.last_day:
        return None
    limits = look.limits.old_disk
    size = _size(meter)
    if size is None:
        why = "its size changed within the look-back, or is not billed in GB-months"
        return Judgement(FORM, finding(FORM, missing=("one size on every billed day",)), why)
    ratio, ours = _ratio(resource, meter, look)
    iops, throughput = speed(size)
    gp3 = EXACT.multiply(EXACT.divide(meter.effective, meter.quantity), ratio)
    extra = EXACT.multiply(_extra(iops, throughput, limits), gp3)
    made = money(
        (meter,), days=meter.days, share=1 - ratio, less=extra,
        hours_per_month=look.limits.hours_per_month, priced_by_bill=ours,
    )  # fmt: skip
    worth = Check(
        "saving", "saving a month", made.cash, limits.least_per_month, resource.currency, at_most=False
    )  # fmt: skip
    change = {
        "kind": FORM.kind, "account": resource.account, "region": resource.region, "volume_id": found[1],
        "size_gib": size, "from_type": "gp2", "to_type": "gp3", "iops": iops, "throughput": throughput,
    }  # fmt: skip
    why = f"{size} GiB of gp2; gp3 with {iops} IOPS and {throughput} MB/s is as fast"
    return Judgement(FORM, finding(FORM, worth), why, made, change, 1 - ratio)


def type_of(meter: Meter) -> str:
    """`gp2` or `gp3` as the meter's name tells; empty for what counts no storage (IOPS, throughput, snapshots)."""
    found = _TYPE.search(meter.name.lower())
    counts = GB_MONTHS.match(meter.unit.lower()) and not re.search(r"iops|throughput|snapshot", meter.name.lower())
    return found[0] if found and counts else ""


def speed(size_gib: int) -> tuple[int, int]:
    """The IOPS and MB/s that gp3 must have to be as fast as gp2 of this size: 3 IOPS a GiB up to 16,000, and 250 MB/s
    from 170 GiB on (Amazon EBS user guide, General Purpose SSD volumes); gp3 includes 3,000 and 125."""
    return max(3000, min(16_000, 3 * size_gib)), 250 if size_gib >= 170 else 125


def _size(meter: Meter) -> int | None:
    """GiB, if they were the same on every day: a month's days all bill the same part of it."""
    held = meter.held
    whole = int(held.to_integral_value())
    steady = meter.most_quantity * 100 <= meter.least_quantity * 112  # months of 28 to 31 days bill unlike days
    return whole if whole > 0 and steady and abs(held - whole) * 200 <= whole else None


def _ratio(resource: Metered, meter: Meter, look: Look) -> tuple[Decimal, bool]:
    """The price of gp3 over that of gp2, and whether this bill tells it."""
    own = EXACT.divide(meter.list_cost, meter.quantity) if meter.quantity and meter.list_cost else Decimal(0)
    other = look.disk_prices.get((resource.currency, resource.region, "gp3"))
    if own > 0 and other is not None:
        return min(Decimal(1), EXACT.divide(other, own)), True
    return look.limits.old_disk.gp3_price_percent / 100, False


def _extra(iops: int, throughput: int, limits: OldDiskThresholds) -> Decimal:
    """What speed beyond that included costs a month, in GB-months of gp3."""
    bought = (iops - 3000) * limits.gp3_iops_percent + (throughput - 125) * limits.gp3_throughput_percent
    return bought / 100
