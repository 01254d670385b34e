"""What moved most in an event: the part that a reader would ask about next."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from tools.desk import Desk
from tools.detection.contributions import EXACT, ZERO, Contribution, add, contributions, percent
from tools.detection.grid import Leaf
from tools.judging import Found
from tools.usage_days import asked_of, daily

DRIVERS = ("token_class", "resource", "model", "use_case", "environment", "service", "team")  # most telling first
DRIVER_PERCENT = 50


def driven(desk: Desk, one: Found, *, ai: bool | None, where: dict[str, tuple[str, ...]]) -> Found:
    """The same with what moved most, looked for once in a bill."""
    key = ("driver", asked_of(desk, ai=ai, where=where), repr(one.incident))
    return desk.lake.remembered(key, lambda: _with_driver(desk, one, ai=ai, where=where), lambda _: 1)


def _with_driver(desk: Desk, one: Found, *, ai: bool | None, where: dict[str, tuple[str, ...]]) -> Found:
    """The part that moved most against the same weekdays just before: of the first dimension in which one part made
    at least half of all that moved, else of the dimension in which one made the largest share."""
    here = _series(one, where)
    parts = _parts(desk, one, ai=ai, where=here)
    tried = [_part(parts, dimension, one) for dimension in DRIVERS if dimension not in here]
    telling = [(part, share) for part, share, alone in tried if part and not alone and share >= DRIVER_PERCENT]
    whole = [(part, share) for part, share, _ in tried if part]
    if not whole:
        return one
    chosen = telling[0][0] if telling else max(whole, key=lambda pair: pair[1])[0]
    return Found(one.incident, one.actual, one.expected, chosen)


def resource_behind(desk: Desk, one: Found) -> str | None:
    """The id of the resource that made at least half of all that moved in an event of the whole bill, by its rise; None
    where no resource did."""
    parts = _parts(desk, one, ai=None, where=_series(one, {}))
    part, share, _ = _part(parts, "resource", one)
    return part[1].name if part and part[1].change > ZERO and share >= DRIVER_PERCENT else None


def _series(one: Found, where: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {**where, **{name: (value,) for name, value in one.incident.names}}


def _parts(desk: Desk, one: Found, *, ai: bool | None, where: dict[str, tuple[str, ...]]) -> list[Leaf]:
    since = one.event.start - _weeks_before(one)
    parts = daily(desk, DRIVERS, ai=ai or one.incident.ai_alone or None, where=where, since=since, until=one.period.end)
    return [part for part in parts if part.currency == one.incident.currency]


def _part(parts: Sequence[Leaf], dimension: str, one: Found) -> tuple[tuple[str, Contribution] | None, Decimal, bool]:
    """The element of `dimension` that moved most, its share of all that moved in percent, and whether it is alone."""
    back = _weeks_before(one)
    after = _sums(parts, dimension, one.event.start, one.event.end)
    before = _sums(parts, dimension, one.event.start - back, one.event.end - back)
    explained = contributions(before, after, limit=1)
    if not explained.named or explained.named[0].name.startswith("("):
        return None, ZERO, False
    largest = explained.named[0]
    moved = add(abs(EXACT.subtract(after.get(name, ZERO), before.get(name, ZERO))) for name in {**before, **after})
    return (dimension, largest), percent(abs(largest.change), moved) or ZERO, len({**before, **after}) == 1


def _weeks_before(one: Found) -> timedelta:
    """How far back the same weekdays are, over which nothing of the event lies."""
    return timedelta(days=-(-one.event.days // 7) * 7)


def _sums(parts: Sequence[Leaf], dimension: str, start: date, end: date) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for part in parts:
        if value := part.total(start, end):
            sums[part.names[dimension]] = EXACT.add(sums.get(part.names[dimension], ZERO), value)
    return sums
