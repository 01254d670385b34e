"""Events at several levels, told once: the total, a team and a service all rise when one team's service does.

An event is told at the finest level that carries it. What only a coarser level shows (many small rises at once) is
told there, which is why coarser levels are watched at all. What a finer event carries of a coarser one is known, also
when it is too old to be news: the coarser one is judged by the rest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tools.detection.runs import Event

CARRIED = 0.6  # of a coarser event's excess; then the finer ones tell it
MANY = 3  # finer events that begin together,
SMALL = 1 / 2  # each of them less than this of the coarser one: a large part is told by itself
TOGETHER_DAYS = 7


@dataclass(frozen=True)
class Incident:
    """An event and where: names by dimension (none for the total; `ai_alone`: the total of AI)."""

    names: tuple[tuple[str, str], ...]
    currency: str
    event: Event
    ai_alone: bool = False

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The level that it was found at."""
        return tuple(name for name, _ in self.names)

    def within(self, other: "Incident") -> bool:
        """Whether this is a finer part of `other`: its names and more, and days in common."""
        return (
            self.currency == other.currency
            and set(self.names) > set(other.names)
            and self.event.start <= other.event.end
            and other.event.start <= self.event.end
            and (self.event.excess > 0) == (other.event.excess > 0)
        )


def told_once(
    incidents: Sequence[Incident],
    *,
    known: Sequence[Incident] = (),
    worth: Callable[[Incident, float], bool] = lambda _one, _rest: True,
) -> list[Incident]:
    """`incidents` without the coarser ones that finer ones carry, without the many finer ones that a coarser one sums
    up, and without those that add no more than a name to the same money; largest excess first. `known`: older ones,
    which are not told but carry as well; `worth`: whether the rest of a coarser one's excess is worth telling."""
    summed = {id(part) for one in incidents for part in _summed_up(one, incidents)}
    kept = [one for one in incidents if id(one) not in summed]
    kept = [one for one in kept if _summed_up(one, incidents) or not _carried(one, [*kept, *known], worth)]
    kept = [one for one in kept if not any(_same_money(one, other) for other in kept)]
    return sorted(kept, key=lambda one: (-abs(one.event.excess), one.names))


def _summed_up(one: Incident, incidents: Sequence[Incident]) -> list[Incident]:
    """The finer ones that began with `one`, if they are many and small: they are one event."""
    finer = [other for other in incidents if other.within(one) and _together(one, other)]
    by_level: dict[tuple[str, ...], list[Incident]] = {}
    for other in finer:
        by_level.setdefault(other.dimensions, []).append(other)
    largest = max((abs(other.event.excess) for other in finer), default=0.0)
    many = any(len(level) >= MANY for level in by_level.values())
    return finer if many and largest < SMALL * abs(one.event.excess) else []


def _together(one: Incident, other: Incident) -> bool:
    return abs((one.event.start - other.event.start).days) <= TOGETHER_DAYS


def _carried(one: Incident, incidents: Sequence[Incident], worth: Callable[[Incident, float], bool]) -> bool:
    by_level: dict[tuple[str, ...], float] = {}
    for other in incidents:
        if other.within(one):
            carried = abs(other.event.beyond_during(one.event))
            by_level[other.dimensions] = by_level.get(other.dimensions, 0.0) + carried
    size, most = abs(one.event.excess), max(by_level.values(), default=0.0)
    return bool(by_level) and (most >= CARRIED * size or not worth(one, size - most))


def _same_money(one: Incident, other: Incident) -> bool:
    """Whether `other` tells the same days of the same money from another side, and comes first."""
    if one is other or one.currency != other.currency:
        return False
    mine, theirs = dict(one.names), dict(other.names)
    if any(mine[name] != theirs[name] for name in mine.keys() & theirs.keys()):
        return False  # two machines of two teams that began on one day cost the same and are two events
    same = abs(one.event.excess - other.event.excess) < 0.01 and one.event.start == other.event.start
    return same and (len(other.names), other.names) > (len(one.names), one.names)
