"""Periods: every form is read, shown in its shortest form, and followed by its neighbour without a gap."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.period import Period

days = st.dates(date(1990, 1, 1), date(2100, 1, 1))


@pytest.mark.parametrize(
    ("text", "start", "end", "label", "previous"),
    [
        ("2026-10", "2026-10-01", "2026-11-01", "2026-10", "2026-09"),
        ("2026-01", "2026-01-01", "2026-02-01", "2026-01", "2025-12"),
        ("2026-Q3", "2026-07-01", "2026-10-01", "2026-Q3", "2026-Q2"),
        ("2026q1", "2026-01-01", "2026-04-01", "2026-Q1", "2025-Q4"),
        ("2026", "2026-01-01", "2027-01-01", "2026", "2025"),
        ("2026-10-05", "2026-10-05", "2026-10-06", "2026-10-05", "2026-10-04"),
        ("2024-02-01..2024-02-29", "2024-02-01", "2024-03-01", "2024-02", "2024-01"),
        ("2026-10-05..2026-10-11", "2026-10-05", "2026-10-12", "2026-10-05..2026-10-11", "2026-09-28..2026-10-04"),
        ("2026-10-01..2026-11-30", "2026-10-01", "2026-12-01", "2026-10-01..2026-11-30", "2026-08-01..2026-09-30"),
    ],
)
def test_forms(text: str, start: str, end: str, label: str, previous: str) -> None:
    period = Period.parse(text)
    assert (period.start.isoformat(), period.end.isoformat()) == (start, end)
    assert (period.label, period.previous().label) == (label, previous)


@given(days, st.integers(1, 800))
def test_a_label_is_read_back_and_the_previous_touches(start: date, length: int) -> None:
    period = Period(start, start + timedelta(days=length))
    assert Period.parse(period.label) == period
    assert period.previous().end == period.start
    assert not period.overlaps(period.previous())
    assert period.overlaps(period)
