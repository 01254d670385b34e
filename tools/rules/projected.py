"""What a load would take of another size of machine: of each thing what was used, times what the machine has of it,
divided by what the other one has. What was not measured stays unknown.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from lake.machine_shapes import MachineShape
from tools.detection.contributions import EXACT
from tools.rules.evidence import Check
from tools.rules.judged import Load


class Headroom(Protocol):
    """Which percentage of the hours must fit, and how much of the size they may take at most."""

    @property
    def percentile(self) -> Decimal: ...
    @property
    def most_percent(self) -> Decimal: ...


@dataclass(frozen=True)
class Part:
    """One thing that a machine has so much of, and which percentage of it was used (None: not measured)."""

    label: str
    used: Decimal | None
    has: Decimal
    smaller: Decimal

    @property
    def projected(self) -> Decimal | None:
        return None if self.used is None else round(EXACT.divide(EXACT.multiply(self.used, self.has), self.smaller), 2)


def parts(own: MachineShape, shape: MachineShape, load: Load) -> tuple[Part, ...]:
    """Each thing that the machine has, and how much of it the other size has."""
    plain = (
        Part("CPU", load.cpu_percent, Decimal(own.vcpus), Decimal(shape.vcpus)),
        Part("main memory", load.memory_percent, own.memory_gib, shape.memory_gib),
    )
    if not own.gpus:
        return plain
    return (
        *plain,
        Part("GPU activity", load.gpu_percent, own.gpus, shape.gpus),
        Part("GPU memory", load.gpu_memory_percent, own.gpu_memory_gib, shape.gpu_memory_gib),
    )


def checks(own: MachineShape, shape: MachineShape, load: Load, limits: Headroom) -> tuple[Check, ...]:
    """Of each thing what the load would take of this size."""
    said = f"of {shape.instance_type}, {limits.percentile} % of hours"
    return tuple(
        Check(
            name=part.label.replace(" ", "_").lower(),
            label=f"{part.label} {said}",
            measured=part.projected,
            limit=limits.most_percent,
            unit="%",
            strict=False,
        )
        for part in parts(own, shape, load)
    )


def broken(own: MachineShape, shape: MachineShape, load: Load, limits: Headroom) -> bool:
    """Whether something that was measured would not fit."""
    return any(check.holds is False for check in checks(own, shape, load, limits))
