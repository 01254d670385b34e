"""Which days are asked for again: a table, and the rule that no month is replaced by a part of it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.period import add_months
from lake.sources.windows import months, stretches, window


def days(first: str, last: str) -> set[date]:
    begins, ends = date.fromisoformat(first), date.fromisoformat(last)
    return {begins + timedelta(days=offset) for offset in range((ends - begins).days + 1)}


YEAR = days("2026-01-01", "2026-11-29")
CASES = [
    # what, now, kept days, days since the last wide pull, --since, first day asked for
    ("the first time: this month and the one before", "2026-11-29T12:00", set[date](), None, None, "2026-10-01"),
    ("the first time on the first of a year", "2027-01-01T00:00", set[date](), None, None, "2026-12-01"),
    ("each day: seven days", "2026-11-29T12:00", YEAR, 1, None, "2026-11-23"),
    ("once a week: thirty-five days", "2026-11-29T12:00", YEAR, 7, None, "2026-10-26"),
    ("not yet a week", "2026-11-29T12:00", YEAR, 6, None, "2026-11-23"),
    ("over a month's edge", "2026-11-03T12:00", YEAR, 1, None, "2026-10-28"),
    ("a gap in the touched month is filled", "2026-11-29T12:00", YEAR - days("2026-11-09", "2026-11-11"), 1, None,
     "2026-11-09"),
    ("a touched month that was never pulled whole", "2026-11-03T12:00", days("2026-10-20", "2026-11-02"), 1, None,
     "2026-10-01"),
    ("a gap in a month that is not touched stays", "2026-11-29T12:00", YEAR - days("2026-05-01", "2026-05-03"), 1, None,
     "2026-11-23"),
    ("--since reaches back, to a whole month", "2026-11-29T12:00", set[date](), None, "2026-07-15", "2026-07-01"),
    ("--since into days that are kept", "2026-11-29T12:00", YEAR, 1, "2026-07-15", "2026-07-15"),
    ("--since yesterday asks no less than without", "2026-11-29T12:00", YEAR, 1, "2026-11-28", "2026-11-23"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("now", "kept", "ago", "since", "first"), [row[1:] for row in CASES], ids=[r[0] for r in CASES]
)
def test_the_days_that_are_asked_for(now: str, kept: set[date], ago: int | None, since: str | None, first: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    wide = None if ago is None else at - timedelta(days=ago)
    found = window(now=at, kept=kept, last_wide=wide, since=date.fromisoformat(since) if since else None)
    assert found == [date.fromisoformat(first), at.date() + timedelta(days=1)]


@given(
    today=st.dates(date(2025, 3, 1), date(2027, 3, 1)),
    kept=st.sets(st.dates(date(2025, 1, 1), date(2027, 3, 1)), max_size=60),
    ago=st.integers(0, 20),
)
def test_every_touched_month_is_whole_afterwards(today: date, kept: set[date], ago: int) -> None:
    at = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)
    first, end = window(now=at, kept=kept, last_wide=at - timedelta(days=ago), since=None)
    held = kept | {first + timedelta(days=offset) for offset in range((end - first).days)}
    for month in months(first, end):
        day = month
        while day < min(add_months(month, 1), end):
            assert day in held
            day += timedelta(days=1)


def test_stretches_cover_every_day_once() -> None:
    found = list(stretches(date(2026, 1, 1), date(2026, 3, 10)))
    assert [(end - first).days for first, end in found] == [31, 31, 6]
    assert found[0][1] == found[1][0]
