"""Words to days, as a table."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.errors import LakeError
from lake.period import Period
from tools.periods import before, compared, spoken, understood

TODAY = date(2026, 11, 23)  # a Monday
MEANT = [
    ("last month", "2026-10"),
    ("Previous month", "2026-10"),
    ("this month", "2026-11-01..2026-11-23"),
    ("MTD", "2026-11-01..2026-11-23"),
    ("yesterday", "2026-11-22"),
    ("today", "2026-11-23"),
    ("last week", "2026-11-16..2026-11-22"),
    ("last 7 days", "2026-11-16..2026-11-22"),
    ("past 2 weeks", "2026-11-09..2026-11-22"),
    ("last 3 months", "2026-Q3 shifted"),
    ("last quarter", "2026-Q3"),
    ("this quarter", "2026-10-01..2026-11-23"),
    ("Q3", "2026-Q3"),
    ("Q4 2025", "2025-Q4"),
    ("2025 Q4", "2025-Q4"),
    ("september", "2026-09"),
    ("Sep 2025", "2025-09"),
    ("in December", "2025-12"),
    ("november", "2026-11"),
    ("last year", "2025"),
    ("since september", "2026-09-01..2026-11-23"),
    ("2026-10", "2026-10"),
    ("2026-Q3", "2026-Q3"),
    ("2026-10-01..2026-10-31", "2026-10"),
]


@pytest.mark.parametrize(("words", "expected"), MEANT)
def test_understood(words: str, expected: str) -> None:
    wanted = Period.parse("2026-08-01..2026-10-31") if expected.endswith("shifted") else Period.parse(expected)
    assert understood(words, today=TODAY) == wanted


@pytest.mark.parametrize("words", ["", "soon", "last 0 days", "the 32nd", "2026-13", "from tomorrow's perspective"])
def test_not_understood_says_what_is(words: str) -> None:
    with pytest.raises(LakeError, match="2026-10"):
        understood(words, today=TODAY)


def test_compared() -> None:
    october = Period.parse("2026-10")
    assert compared("previous", period=october, today=TODAY) == Period.parse("2026-09")
    assert compared("last year", period=october, today=TODAY) == Period.parse("2025-10")
    assert compared("2026-07", period=october, today=TODAY) == Period.parse("2026-07")


def test_a_month_that_is_not_over_is_compared_with_the_same_first_days() -> None:
    assert before(understood("this month", today=TODAY)) == Period.parse("2026-10-01..2026-10-23")
    assert before(Period.parse("2026-03-01..2026-03-30")) == Period.parse("2026-02")


@pytest.mark.parametrize(
    ("words", "today", "expected"),
    [
        ("this week", date(2026, 11, 18), "2026-11-09..2026-11-11"),
        ("this week", date(2026, 11, 23), "2026-11-16"),
        ("this month", date(2026, 11, 18), "2026-10-01..2026-10-18"),
        ("this quarter", date(2026, 11, 18), "2026-07-01..2026-08-18"),
        ("this year", date(2026, 11, 18), "2025-01-01..2025-11-18"),
        ("2026-11-16..2026-11-18", date(2026, 11, 23), "2026-11-09..2026-11-11"),
        ("yesterday", date(2026, 11, 18), "2026-11-16"),
    ],
)
def test_what_is_not_over_meets_the_same_days_before(words: str, today: date, expected: str) -> None:
    period = understood(words, today=today)
    assert compared("previous", period=period, today=today) == Period.parse(expected)


@given(st.dates(date(2000, 1, 31), date(2100, 1, 1)))
def test_words_work_on_every_day(today: date) -> None:
    for words in ("yesterday", "last week", "last month", "last quarter", "last year", "last 7 days", "last 3 months"):
        assert understood(words, today=today).end <= today
    for words in ("this week", "this month", "this quarter", "this year"):
        period = understood(words, today=today)
        assert period.end == today + timedelta(days=1)
        assert compared("previous", period=period, today=today).end <= period.start
        assert compared("last year", period=period, today=today).days in range(period.days - 1, period.days + 2)


def test_spoken() -> None:
    said = {text: spoken(Period.parse(text)) for text in ("2026-10", "2026-Q3", "2026", "2026-10-05")}
    assert list(said.values()) == ["October 2026", "Q3 2026", "2026", "5 October 2026"]
    assert spoken(Period.parse("2026-11-01..2026-11-22")) == "1 to 22 November 2026"
    assert spoken(Period.parse("2026-10-25..2026-11-02")) == "25 October 2026 to 2 November 2026"
