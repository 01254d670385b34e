"""A machine of a type that its provider no longer counts as current, where a newer one at least as large costs less.

Prices and shapes come from the dated price book; what no list holds makes the verdict unknown. A machine that a
commitment covers saves nothing in cash, and a cheaper type that is smaller in anything is no successor. Machines with
GPUs are left out: two GPUs with as much memory can be twice as fast as each other, which is measured and not looked up.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from lake.errors import LakeError
from lake.machine_shapes import MachineShape
from lake.metered import Metered
from lake.price_book import PriceBook
from tools.detection.contributions import EXACT
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.judged import Judgement, Look, finding
from tools.rules.machine import INSTANCE, has_accelerator, priced_otherwise
from tools.rules.money import money

_LETTERS = re.compile(r"^[a-z]+-?\d+(.*)$")
_EXTRAS = {"d": "the local disks", "n": "the higher network speed"}
"""by the letters after the generation in the name of a family (AWS, naming conventions of instance types)"""
BURSTABLE = "-flex"
FORM = Form(
    number="3",
    name="old_generation",
    title="Machine of an old generation, without GPUs, that a newer one would replace for less",
    evidence=(
        "the instance type, in the bill",
        "shape and price of it and of newer types, in the price book, for this region and for Linux",
    ),
    fires="a current type of the same series and a later generation, at least as large in processors and memory, of the"
    " same architecture and offered in the region, costs less",
    limits=(
        Limit("least_per_month", "of the bill's currency a month", "ours: a restart must be worth it"),
        Limit("least_percent", "% cheaper, at least", "OptScale asks for any; ours covers what prices differ by date"),
    ),
    saving="cost of the machine's hours × (1 - price of the newer type ÷ price of the old one)",
    risk="medium: it is down for the restart; a very old image may lack the drivers that newer types need, and"
    " processors of another maker may be slower at single tasks; local disks and network speed of the old type may be"
    " lost, which the finding says",
    reversibility="reversible: the type can be changed back by the same three steps",
    kind="resize_instance",
    undo="undo_instance, the sealed inverses in reverse",
    drift=("instance_id", "state", "type", "launched_at", "scaling_group", "stop_protection", "tags", "disks"),
    order=20,
)


def judge(resource: Metered, look: Look) -> Judgement | None:
    """The verdict on a machine of an old type that runs on the last day; None for one of a current type."""
    found, hours = INSTANCE.search(resource.resource_id), resource.hours
    if found is None or not hours or not resource.instance_type or resource.last_day != look.last_day:
        return None
    own, lacks = _shape(look.book, resource.instance_type)
    if own is None:
        return Judgement(FORM, finding(FORM, missing=(lacks,)), lacks)
    if own.current or has_accelerator(own.instance_type, look):
        return None
    if priced_otherwise(resource):
        lacks = "prices for its operating system (the price book is for Linux)"
        return Judgement(FORM, finding(FORM, missing=(lacks,)), lacks)
    price = look.book.prices.get((own.instance_type, resource.region))
    if price is None or price.currency != resource.currency:
        lacks = f"a price of {own.instance_type} in {resource.region} in {resource.currency}"
        return Judgement(FORM, finding(FORM, missing=(lacks,)), lacks)
    newer = successor(look, own, resource.region)
    if newer is None:
        why = f"no newer type that is as large as {own.instance_type} costs less in {resource.region}"
        return Judgement(FORM, finding(FORM, Check("newer", "newer types that cost less", Decimal(0), Decimal(1), "",
                                                   at_most=False)), why)  # fmt: skip
    return _saving(resource, look, found[1], newer, EXACT.divide(newer.per_hour, price.per_hour))


def _saving(resource: Metered, look: Look, instance: str, newer: "Newer", ratio: Decimal) -> Judgement:
    limits = look.limits.old_generation
    made = money(
        resource.hours, days=look.days_since(resource.hours), share=1 - ratio,
        hours_per_month=look.limits.hours_per_month, priced_by_bill=False,
    )  # fmt: skip
    checks = (
        Check("cheaper", "cheaper", round((1 - ratio) * 100, 2), limits.least_percent, "%", at_most=False),
        Check("saving", "saving a month", made.cash, limits.least_per_month, resource.currency, at_most=False),
    )
    change = {
        "kind": FORM.kind, "account": resource.account, "region": resource.region, "instance_id": instance,
        "from_type": resource.instance_type, "to_type": newer.shape.instance_type,
    }  # fmt: skip
    why = f"{newer.shape.instance_type} is as large and newer than {resource.instance_type} (prices of {newer.dated})"
    if lost := losses(resource.instance_type, newer.shape.instance_type):
        why += f"; it lacks {' and '.join(lost)} of the old one: make sure that nothing needs that"
    return Judgement(FORM, finding(FORM, *checks), why, made, change, 1 - ratio)


def losses(old: str, new: str) -> list[str]:
    """What the old type's name promises and the new one's does not, in words: `m5d` has local disks."""
    had, has = (_LETTERS.sub(r"\1", one.partition(".")[0]) for one in (old, new))
    return [words for letter, words in _EXTRAS.items() if letter in had and letter not in has]


@dataclass(frozen=True)
class Newer:
    """A type that could take the place of another, with its price an hour and the date of that price."""

    shape: MachineShape
    per_hour: Decimal
    dated: str


def successor(look: Look, own: MachineShape, region: str) -> Newer | None:
    """The cheapest current type that is as large in everything and costs less than `own`; None if there is none."""
    price = look.book.prices.get((own.instance_type, region))
    if price is None:
        return None
    for shape, theirs in look.book.current(region):  # the cheapest first
        if theirs.per_hour >= price.per_hour:
            return None
        fits = theirs.currency == price.currency and _replaces(shape, own)
        if fits and not has_accelerator(shape.instance_type, look):
            return Newer(shape, theirs.per_hour, theirs.dated.isoformat())
    return None


def _replaces(shape: MachineShape, own: MachineShape) -> bool:
    later = (shape.generation or 0) > (own.generation or 0) and shape.series[:1] == own.series[:1]
    larger = shape.vcpus >= own.vcpus and shape.memory_gib >= own.memory_gib
    # A flexible type gives its full speed for part of the time only: it is not as large as its name.
    same = bool(set(shape.architectures) & set(own.architectures)) and BURSTABLE not in shape.family
    return later and larger and same


def _shape(book: PriceBook, instance_type: str) -> tuple[MachineShape | None, str]:
    try:
        return book.shape(instance_type), ""
    except LakeError:
        return None, f"the shape of {instance_type}: it stands in no list of the price book of {book.dated}"
