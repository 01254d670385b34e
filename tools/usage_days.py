"""What usage cost day by day, as whoever asks may see it: what is judged, and what an explanation of it is made of."""

from collections.abc import Hashable, Sequence
from datetime import date

from lake.errors import NameNotKnown
from tools.desk import Desk
from tools.detection.grid import Leaf

USAGE = {"charge_category": ("Usage",)}


def daily(
    desk: Desk,
    by: Sequence[str],
    *,
    ai: bool | None,
    where: dict[str, tuple[str, ...]],
    since: date | None = None,
    until: date | None = None,
) -> list[Leaf]:
    """Daily effective cost of usage in the speaker's scope; purchases, taxes and credits are no use of anything."""
    key = ("daily", tuple(by), asked_of(desk, ai=ai, where=where), since, until)
    return desk.lake.remembered(
        key,
        lambda: _daily(desk, by, ai=ai, where=where, since=since, until=until),
        lambda found: sum(len(leaf.values) for leaf in found),
    )


def _daily(
    desk: Desk,
    by: Sequence[str],
    *,
    ai: bool | None,
    where: dict[str, tuple[str, ...]],
    since: date | None,
    until: date | None,
) -> list[Leaf]:
    used = {**where, **USAGE}
    try:
        found = desk.lake.daily(by=tuple(by), ai=ai, where=used, teams_seen=desk.scope, since=since, until=until)
    except NameNotKnown as error:
        if error.dimension == "charge_category":
            return []  # a bill without a single usage charge
        raise
    return [Leaf(series.key, series.currency, series.first, tuple(series.values)) for series in found if series.values]


def asked_of(desk: Desk, *, ai: bool | None, where: dict[str, tuple[str, ...]]) -> Hashable:
    """Of whose bill an answer is, and of what of it."""
    return desk.scope, ai, tuple(sorted(where.items()))
