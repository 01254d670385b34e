"""What the rules about machines share: which resource is one, and whether its work shows in CPU and network at all.

An accelerator can be busy while the processors beside it and the network sleep, so a machine that has one is never
judged by these alone.
"""

import re

from lake.ai import ACCELERATOR
from lake.errors import LakeError
from lake.metered import Metered
from tools.rules.judged import Look

INSTANCE = re.compile(r"(?:^|/)(i-[0-9a-f]{8,17})$")
"""an EC2 instance's id at the end of the bill's resource id, which may be an ARN"""
_OTHER_PRICE = re.compile(r"windows|rhel|red hat|suse|sql", re.IGNORECASE)
_FAMILY = re.compile(r"([a-z]+)\d")


def in_families(instance_type: str, families: tuple[str, ...]) -> bool:
    """Whether `g5.12xlarge` is of one of these families, told by the letters before the generation: `g`."""
    family = _FAMILY.match(instance_type.lower().removeprefix("ml."))
    return family is not None and family[1] in families


def has_accelerator(instance_type: str, look: Look) -> bool:
    """Whether the limits, the table of AI hardware or the price book know GPUs or other accelerators of this type."""
    limits = look.limits
    if in_families(instance_type, limits.idle_gpu.families + limits.idle_machine.accelerator_families):
        return True
    if ACCELERATOR.search(instance_type):
        return True
    try:
        return look.book.shape(instance_type).gpus > 0
    except LakeError:
        return False  # a type that stands in no list is known by its letters alone


def priced_otherwise(resource: Metered) -> bool:
    """Whether its hours are priced with a licence, of which the price book, which is for Linux, tells nothing."""
    return any(_OTHER_PRICE.search(f"{meter.name} {resource.details}") for meter in resource.hours)
