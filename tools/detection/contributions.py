"""Who is responsible for a difference: ranked contributions that add up to it, to the last digit.

What is not named stands as an explicit remainder. A list that does not sum to the change invites a reader to believe
that the first line explains it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal

ZERO = Decimal(0)
# The default context keeps 28 digits: fewer than DECIMAL(38,12) holds, so a large sum would lose its cents in silence.
EXACT = Context(prec=76)


def add(values: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    total = ZERO
    for value in values:
        total = EXACT.add(total, value)
    return total


@dataclass(frozen=True)
class Contribution:
    """One element's part: what it was, what it is, the difference; `new` and `gone` say that a side is absent."""

    name: str
    before: Decimal
    after: Decimal
    new: bool = False
    gone: bool = False

    @property
    def change(self) -> Decimal:
        return EXACT.subtract(self.after, self.before)


@dataclass(frozen=True)
class Explained:
    """`named` (largest effect first) and `remainder` sum to `change` exactly."""

    named: tuple[Contribution, ...]
    remainder: Decimal
    remainder_count: int
    change: Decimal


def contributions(before: Mapping[str, Decimal], after: Mapping[str, Decimal], *, limit: int = 5) -> Explained:
    """The `limit` largest changes by size; the rest is the remainder."""
    parts = [
        Contribution(name, before.get(name, ZERO), after.get(name, ZERO), name not in before, name not in after)
        for name in {**before, **after}
    ]
    parts.sort(key=lambda part: (-abs(part.change), part.name))
    named, rest = parts[:limit], parts[limit:]
    change = EXACT.subtract(add(after.values()), add(before.values()))
    remainder = add(part.change for part in rest)
    return Explained(tuple(named), remainder, sum(1 for part in rest if part.change), change)


def percent(part: Decimal, whole: Decimal) -> Decimal | None:
    """`part` of `whole` in percent; None where there is no whole to compare with."""
    return None if whole == 0 else EXACT.divide(part * 100, whole)


def percent_change(before: Decimal, after: Decimal) -> Decimal | None:
    """The change in percent of what was; None from nothing or from a credit, where a percentage would mislead."""
    return None if before <= 0 else EXACT.divide(EXACT.subtract(after, before) * 100, before)
