"""A machine whose load would fit a smaller size of its own kind, by the hours that it worked hardest.

A size is projected, never guessed: what was used of processors, memory and GPUs, times what the machine has of each,
divided by what the smaller one has. Only sizes that the machine's image surely starts on are looked at: its own family,
and those of its generation and maker that differ in nothing but how much memory comes with a processor. What was not
measured makes the verdict unknown: a machine that is idle by its processors may hold a database in its memory.
"""

import re
from decimal import Decimal

from lake.errors import LakeError
from lake.machine_shapes import MachineShape
from lake.metered import Meter, Metered
from lake.price_book import OnDemand
from tools.detection.contributions import EXACT
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.judged import Judgement, Load, Look, finding
from tools.rules.machine import INSTANCE, has_accelerator, priced_otherwise
from tools.rules.measured import missing_metrics
from tools.rules.money import money
from tools.rules.projected import broken, checks, parts

SIBLINGS = ("c", "m", "r")
"""AWS's families of one board that differ in memory for each processor alone (naming conventions of instance types)."""
BURSTABLE = re.compile(r"^t\d|-flex")
OPTSCALE = "OptScale, rightsizing of instances: what 99 % of the time stays within, projected on the smaller size"
FORM = Form(
    number="2",
    name="rightsize_machine",
    title="Machine whose load a smaller size of its kind would hold",
    evidence=(
        "CPU and main memory hour by hour, of a machine with GPUs their activity and memory too",
        "metrics for most of the billed hours, the last of them recent",
        "shape and price of it and of smaller sizes, in the price book, for this region and for Linux",
    ),
    fires="a smaller size of the same family, or of its siblings of the same generation and maker, is offered in the"
    " region, costs less, and would hold all that was measured with headroom",
    limits=(
        Limit("percentile", "% of the hours whose load must fit, at least", OPTSCALE),
        Limit("most_percent", "% of the smaller size that the load takes, at most", OPTSCALE),
        Limit("least_metric_hours", "hours with metrics, at least", "AWS Compute Optimizer, EC2 instances"),
        Limit("least_metric_share_percent", "% of the billed hours with metrics, at least", "ours: stricter than AWS"),
        Limit("freshest_metric_hours", "hours since the last metric, at most", "AWS's last day, and one of delivery"),
        Limit("least_per_month", "of the bill's currency a month", "ours: a restart must be worth it"),
        Limit("least_percent", "% cheaper, at least", "ours: below it the next growth takes it back"),
    ),
    saving="cost of the machine's hours × (1 - price of the smaller size ÷ price of its own)",
    risk="medium: it is down for the restart, its network and disks get a smaller share, and what its busiest hours of"
    " another season need was not seen",
    reversibility="reversible: the type can be changed back by the same three steps",
    kind="resize_instance",
    undo="undo_instance, the sealed inverses in reverse",
    drift=("instance_id", "state", "type", "launched_at", "scaling_group", "stop_protection", "tags", "disks"),
    order=25,
)
ACTIVE, GPU_ACTIVE = Decimal(5), Decimal(1)
"""% below which a processor or a GPU does nothing at all: the machine is another rule's, and is to be stopped."""


def judge(resource: Metered, look: Look) -> Judgement | None:
    """The verdict on a machine that runs on the last day and works; None where nothing was measured of it, or where no
    smaller size could hold what was."""
    found, hours, load = INSTANCE.search(resource.resource_id), resource.hours, look.loads.get(resource.resource_id)
    if found is None or not hours or not resource.instance_type or resource.last_day != look.last_day:
        return None
    try:
        own = look.book.shape(resource.instance_type)
    except LakeError:
        return None  # the rule of old types says what the book lacks
    if load is None or still(resource, load, look):
        return None
    if (own.instance_type, resource.region) not in look.book.prices:
        return _unpriced(resource, look, own, load)
    smaller = cheaper_sizes(look, own, resource)
    if not smaller:
        return None
    if lacks := _lacks(resource, own, load, hours, look):
        if all(broken(own, shape, load, look.limits.rightsize) for shape, _ in smaller):
            return None  # what was measured is too high for any: what was not would change nothing
        return Judgement(FORM, finding(FORM, missing=lacks), "; ".join(lacks))
    for shape, price in smaller:
        if not broken(own, shape, load, look.limits.rightsize):
            return _saving(resource, look, found[1], own, load, shape, price)
    nearest = smaller[-1][0]
    failed = checks(own, nearest, load, look.limits.rightsize)
    return Judgement(FORM, finding(FORM, *failed), f"{nearest.instance_type} would not hold its load with headroom")


def _unpriced(resource: Metered, look: Look, own: MachineShape, load: Load) -> Judgement | None:
    """Unknown where a smaller size would hold what was measured, and no list tells what the machine itself costs."""
    less = [
        shape
        for shape in _alike(look, own)
        if shape.vcpus < own.vcpus
        and shape.memory_gib <= own.memory_gib
        and shape.offered(resource.region) is not False
    ]
    if all(broken(own, shape, load, look.limits.rightsize) for shape in less):
        return None
    lacks = f"a price of {own.instance_type} in {resource.region}"
    return Judgement(FORM, finding(FORM, missing=(lacks,)), lacks)


def still(resource: Metered, load: Load, look: Look) -> bool:
    """Whether it does nothing at all: what is idle is to be stopped, and other rules say so."""
    use = look.uses.get(resource.resource_id)
    highest = use.cpu_max_percent if use is not None else load.cpu_percent
    if load.gpu_percent is not None and load.gpu_percent >= GPU_ACTIVE:
        return False
    network = use.network_mb_per_day if use is not None else None
    quiet = network is None or network < look.limits.idle_machine.network_mb_per_day
    return highest is not None and highest < ACTIVE and quiet


def cheaper_sizes(look: Look, own: MachineShape, resource: Metered) -> list[tuple[MachineShape, OnDemand]]:
    """What could take its place in this region for less, the cheapest first; nothing without a price of its own."""
    price = look.book.prices.get((own.instance_type, resource.region))
    if price is None:
        return []
    found = []
    for shape in _alike(look, own):
        theirs = look.book.prices.get((shape.instance_type, resource.region))
        if theirs is None or theirs.currency != price.currency or theirs.per_hour >= price.per_hour:
            continue
        if shape.offered(resource.region) is not False:
            found.append((shape, theirs))
    return sorted(found, key=lambda pair: (pair[1].per_hour, pair[0].instance_type))


def _alike(look: Look, own: MachineShape) -> list[MachineShape]:
    """On which an image of this machine surely starts: sizes of the same board with the same GPUs."""
    families = [own.family]
    if own.family[:1] in SIBLINGS and not own.gpus:
        families += [letter + own.family[1:] for letter in SIBLINGS if letter != own.family[:1]]
    return [
        shape
        for family in families
        for shape in look.book.family(family)
        if set(own.architectures) & set(shape.architectures) and own.gpu == shape.gpu
    ]


def _lacks(resource: Metered, own: MachineShape, load: Load, hours: tuple[Meter, ...], look: Look) -> tuple[str, ...]:
    billed = sum((meter.quantity for meter in hours), start=Decimal(0))
    lacks = [part.label for part in parts(own, own, load) if part.used is None]
    lacks += missing_metrics(load.hours, load.last_at, billed=billed, limits=look.limits.rightsize, now=look.now)
    if BURSTABLE.search(own.family):
        lacks.append("how its CPU credits are used, of which each size has its own")
    if has_accelerator(own.instance_type, look) and not own.gpus:
        lacks.append("how its accelerators are used")
    if priced_otherwise(resource):
        lacks.append("prices for its operating system (the price book is for Linux)")
    price = look.book.prices[own.instance_type, resource.region]
    if price.currency != resource.currency:
        lacks.append(f"a price of {own.instance_type} in {resource.region} in {resource.currency}")
    return tuple(lacks)


def _saving(
    resource: Metered, look: Look, instance: str, own: MachineShape, load: Load, shape: MachineShape, theirs: OnDemand
) -> Judgement:
    limits = look.limits.rightsize
    price = look.book.prices[own.instance_type, resource.region]
    share = 1 - EXACT.divide(theirs.per_hour, price.per_hour)
    made = money(
        resource.hours, days=look.days_since(resource.hours), share=share,
        hours_per_month=look.limits.hours_per_month, priced_by_bill=False,
    )  # fmt: skip
    all_checks = (
        *checks(own, shape, load, look.limits.rightsize),
        Check("cheaper", "cheaper", round(share * 100, 2), limits.least_percent, "%", at_most=False),
        Check("saving", "saving a month", made.cash, limits.least_per_month, resource.currency, at_most=False),
    )
    change = {
        "kind": FORM.kind, "account": resource.account, "region": resource.region, "instance_id": instance,
        "from_type": own.instance_type, "to_type": shape.instance_type,
    }  # fmt: skip
    told = ", ".join(f"{part.label} {part.projected} %" for part in parts(own, shape, load))
    why = f"{shape.instance_type} would hold its load: {told} of it (prices of {theirs.dated.isoformat()})"
    return Judgement(FORM, finding(FORM, *all_checks), why, made, change, share)
