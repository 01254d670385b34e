"""What many savings are worth together: one after the other, so that nothing is saved twice.

Two rules about one resource each look good alone. Whoever adds them up promises more than the resource costs; so the
first in the order of the rules takes its part, and the next one takes its part of what is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from tools.detection.contributions import EXACT

_PLACES = Decimal("0.000001")


@dataclass(frozen=True)
class Part:
    """One saving of a month: `takes` is which share of the resource's cost it does away with (0 to 1), and `also` are
    other resources whose whole cost goes with it.
    """

    resource: str
    order: int
    cash: Decimal
    takes: Decimal
    also: tuple[str, ...] = ()


def booked(parts: Sequence[Part]) -> list[Decimal]:
    """What each part adds to the whole, in the order given: its own saving, less what earlier ones already took."""
    left: dict[str, Decimal] = {}
    added = [Decimal(0)] * len(parts)
    for at in sorted(range(len(parts)), key=lambda at: (parts[at].order, -parts[at].cash, at)):
        part = parts[at]
        # Of several resources the one of which least is left decides: what one part of the sum lacks is not known.
        rest = min(left.get(name, Decimal(1)) for name in (part.resource, *part.also))
        added[at] = EXACT.quantize(EXACT.multiply(part.cash, rest), _PLACES)
        left[part.resource] = EXACT.multiply(rest, 1 - part.takes)
        left |= dict.fromkeys(part.also, Decimal(0))
    return added
