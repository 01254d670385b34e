"""What a type of machine is: processors, memory, accelerators, architecture, generation, and where it is offered."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

_FAMILY = re.compile(r"([a-z]+)-?([0-9]+)(.*)")


@dataclass(frozen=True)
class MachineShape:
    """One instance type as its provider describes it. Memory is in GiB of 1,073,741,824 bytes.

    `gpus` may be a part of one (0.125); `gpu_memory_gib` is that of all of them together. `current` is the provider's
    own word for whether it counts the type among its present generation. `offered_in` is empty where it is not known.
    """

    instance_type: str
    vcpus: int
    memory_gib: Decimal
    gpus: Decimal
    gpu: str
    gpu_memory_gib: Decimal
    architectures: tuple[str, ...]
    current: bool
    offered_in: frozenset[str]
    list: str

    @cached_property
    def family(self) -> str:
        """`g5` of `g5.12xlarge`: what all sizes of one kind share."""
        return self.instance_type.partition(".")[0]

    @cached_property
    def size(self) -> str:
        """`12xlarge` of `g5.12xlarge`."""
        return self.instance_type.partition(".")[2]

    @cached_property
    def generation(self) -> int | None:
        """The number in the family's name: 5 of `g5.12xlarge`; None if it has none."""
        found = _FAMILY.fullmatch(self.family)
        return int(found[2]) if found else None

    @cached_property
    def series(self) -> str:
        """The family's name without its number, so that `g5` and `g6` are of one series: `g`; `m7g` is of `mg`."""
        found = _FAMILY.fullmatch(self.family)
        return found[1] + found[3] if found else self.family

    def offered(self, region: str) -> bool | None:
        """Whether the provider offers it in this region; None if the book does not tell where it is offered."""
        return region in self.offered_in if self.offered_in else None
