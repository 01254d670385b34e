"""Why a cost changed, by arithmetic: dearer, more, another mix, new, gone, and what has no quantity.

Price is what today's quantities cost more than at yesterday's prices; volume, what all of a unit grew by at yesterday's
prices and mix; mix, what is left of a part that was there before. New and vanished parts have no price to compare. The
six add up to the change to the last digit (the price-volume-mix analysis of management accounting).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from lake.money import MONEY_SCALE
from lake.parts import Part, Side
from tools.detection.contributions import EXACT, ZERO, add


@dataclass(frozen=True)
class Effects:
    """What each reason adds to the change; `unmeasured` is the rest, of charges without a quantity."""

    price: Decimal
    volume: Decimal
    mix: Decimal
    new: Decimal
    gone: Decimal
    unmeasured: Decimal

    @property
    def change(self) -> Decimal:
        """All of it."""
        return add((self.price, self.volume, self.mix, self.new, self.gone, self.unmeasured))


def effects(parts: Sequence[Part], *, change: Decimal) -> Effects:
    """The reasons of `change`, the whole difference of which these parts are some or all."""
    price = volume = mix = new = gone = ZERO
    for unit in sorted({part.unit for part in parts}):
        lasting = [(part.before, part.after) for part in parts if part.unit == unit]
        both = [(old, now) for old, now in lasting if _measured(old) and _measured(now) and old and now]
        new = EXACT.add(new, add(now.cost for old, now in lasting if old is None and now and _measured(now)))
        gone = EXACT.subtract(gone, add(old.cost for old, now in lasting if now is None and old and _measured(old)))
        grown = _ratio((now.quantity for _, now in both), (old.quantity for old, _ in both))
        for old, now in both:
            dearer = _money(Fraction(now.cost) - Fraction(old.cost) * Fraction(now.quantity) / Fraction(old.quantity))
            more = _money(Fraction(old.cost) * (grown - 1))
            price, volume = EXACT.add(price, dearer), EXACT.add(volume, more)
            left = EXACT.subtract(EXACT.subtract(EXACT.subtract(now.cost, old.cost), dearer), more)
            mix = EXACT.add(mix, left)
    unmeasured = EXACT.subtract(change, add((price, volume, mix, new, gone)))
    return Effects(price, volume, mix, new, gone, unmeasured)


def _measured(side: Side | None) -> bool:
    """Whether a side has a quantity that a price can be taken of; a correction below nothing has none."""
    return side is not None and side.quantity > 0


def _ratio(now: Iterable[Decimal], before: Iterable[Decimal]) -> Fraction:
    whole = sum((Fraction(one) for one in before), Fraction())
    return sum((Fraction(one) for one in now), Fraction()) / whole if whole else Fraction(1)


def _money(exact: Fraction) -> Decimal:
    """The fraction at the places that money has; what is rounded off falls to the mix, so that nothing is lost."""
    return EXACT.scaleb(Decimal(round(exact * 10**MONEY_SCALE)), -MONEY_SCALE)
