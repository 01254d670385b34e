"""Which days a pull asks for: providers go on restating the last days, and a bill is replaced by whole months.

Trailing 7 days each time, trailing 35 days once a week, and the current and the previous month the first time.
Whatever a touched month lacks among the kept days is asked for too, so that no month is ever replaced by a part of it.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, timedelta

from lake.period import add_months

NARROW, WIDE = timedelta(days=7), timedelta(days=35)
WIDE_EVERY = timedelta(days=7)
LONGEST_REQUEST = 31  # days


def window(*, now: datetime, kept: Collection[date], last_wide: datetime | None, since: date | None) -> list[date]:
    """The days to ask for, from the first to before the end, as [first, end]; `since` reaches back further."""
    today = now.astimezone(UTC).date()
    end = today + timedelta(days=1)
    trailing = WIDE if is_wide(now=now, last_wide=last_wide) else NARROW
    first = end - trailing if kept else add_months(today, -1)
    if since is not None:
        first = min(first, since)
    month, known = first.replace(day=1), set(kept)
    while month < first and month in known:
        month += timedelta(days=1)
    return [min(month, first), end]


def is_wide(*, now: datetime, last_wide: datetime | None) -> bool:
    """Whether it is time for the trailing 35 days again."""
    return last_wide is None or now - last_wide >= WIDE_EVERY


def months(first: date, end: date) -> list[date]:
    """The first days of the months that these days touch."""
    found = [first.replace(day=1)]
    while add_months(found[-1], 1) < end:
        found.append(add_months(found[-1], 1))
    return found


def stretches(first: date, end: date, longest: int = LONGEST_REQUEST) -> Iterator[tuple[date, date]]:
    """The days in stretches that one request may span, the last one shorter."""
    while first < end:
        until = min(end, first + timedelta(days=longest))
        yield first, until
        first = until
