"""What two rules tell of an endpoint's machines: how many ran, how many always stay, and how hard they worked.

SageMaker's metrics bear an endpoint's name alone, and its bill hours of machines: so what is told of each is held
against the other, and said to be missing where they do not fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal

from lake.errors import LakeError
from lake.machine_shapes import MachineShape
from lake.metered import Metered
from tools.detection.contributions import EXACT
from tools.rules.endpoint_names import unlike
from tools.rules.judged import EndpointHour, Look
from tools.rules.serving_thresholds import OversizedEndpointThresholds


@dataclass(frozen=True)
class Worked:
    """Each hour of which everything was measured that its type has, with the use of its busiest machine, 0 to 100."""

    hours: tuple[tuple[EndpointHour, Decimal], ...]
    last_at: datetime | None

    @property
    def used(self) -> tuple[Decimal, ...]:
        return tuple(use for _, use in self.hours)


def worked(told: Sequence[EndpointHour], shape: MachineShape | None) -> Worked:
    """Of a type that no list describes nothing is known."""
    found = [(hour, use) for hour in told if shape is not None and (use := _used(hour, shape)) is not None]
    last = max((hour.hour for hour, _ in found), default=None)
    return Worked(tuple(found), last)


def shape_of(resource: Metered, look: Look) -> MachineShape | None:
    """SageMaker's types are EC2's of the same name."""
    try:
        return look.book.shape(resource.instance_type.removeprefix("ml."))
    except LakeError:
        return None


def running(resource: Metered, limits: OversizedEndpointThresholds) -> int | None:
    """How many machines ran on every day, told by the hours billed; None where that is no one whole number."""
    if len(resource.hours) != 1:
        return None
    (meter,) = resource.hours
    machines = int(EXACT.divide(meter.most_quantity, Decimal(24)).to_integral_value())
    whole, apart = Decimal(machines * 24), Decimal(machines * 24) * limits.most_apart_percent / 100
    told = (meter.least_quantity, meter.most_quantity)
    return machines if machines and all(abs(one - whole) <= apart for one in told) else None


def always(resource: Metered, look: Look) -> int | None:
    """How many always stay, by the limit or by its own tag; None where the tag says no number."""
    least, written = look.limits.oversized_endpoint.least_machines, look.endpoint_minimums.get(resource.resource_id)
    if written is None:
        return least
    return max(least, int(written)) if written.isascii() and written.isdigit() else None


def enough_always(used: Sequence[Decimal], machines: int, least: int, limits: OversizedEndpointThresholds) -> int:
    """How many would have done in all but the busiest of the hours, below the target."""
    busiest = at_percent(used, limits.needed_in_percent)
    return max(ceiling(EXACT.divide(busiest * machines, limits.target_percent)), least)


def at_percent(values: Sequence[Decimal], percent: Decimal) -> Decimal:
    """What so many % of the values stay at or below."""
    return sorted(values)[max(ceiling(percent * len(values) / 100), 1) - 1]


def ceiling(value: Decimal) -> int:
    """The next whole number."""
    return int(value.to_integral_value(ROUND_CEILING))


def doubts(
    resource: Metered, look: Look, machines: int | None, least: int | None, shape: MachineShape | None
) -> tuple[str, ...]:
    """What else would have to be known, in words."""
    missing = list(unlike(resource, look))
    if machines is None:
        missing.append("one number of machines of one kind that stood unchanged over the look-back")
    if least is None:
        missing.append(f"a whole number in its tag {look.limits.oversized_endpoint.minimum_tag}")
    if shape is None:
        missing.append(f"how many cores and GPUs {resource.instance_type or 'its type'} has")
    return tuple(missing)


def _used(hour: EndpointHour, shape: MachineShape) -> Decimal | None:
    """The busier of CPU and GPUs, 0 to 100; None where one that the type has was not measured."""
    if hour.cpu_cores_percent is None or (shape.gpus > 0 and hour.gpu_cards_percent is None):
        return None
    cpu = EXACT.divide(hour.cpu_cores_percent, Decimal(shape.vcpus))
    return max(cpu, EXACT.divide(hour.gpu_cards_percent or Decimal(0), Decimal(shape.gpus))) if shape.gpus > 0 else cpu
