"""Fiscal years and quarters: which months they are, and what an answer says of them."""

from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from app.errors import Problem
from app.fiscal import fiscal_calendar
from lake.errors import LakeError
from lake.period import Period
from tests.tools.small_bill import charge, days_of, desk_of, lake_of
from tools.anomalies import find_anomalies
from tools.fiscal import FiscalCalendar
from tools.periods import compared, understood
from tools.spend import query_spend

TODAY = date(2026, 11, 23)
NOVEMBER, CALENDAR, JULY = FiscalCalendar(11), FiscalCalendar(), FiscalCalendar(7)
WORDS = [
    ("FY2026 Q1", NOVEMBER, "2025-11-01..2026-01-31"),
    ("fy26-q4", NOVEMBER, "2026-08-01..2026-10-31"),
    ("Q2 FY2026", JULY, "2025-10-01..2025-12-31"),
    ("FY2026", JULY, "2025-07-01..2026-06-30"),
    ("fiscal year 2026", CALENDAR, "2026"),
    ("FY2026 Q1", CALENDAR, "2026-Q1"),
    ("last fiscal quarter", NOVEMBER, "2026-08-01..2026-10-31"),
    ("this fiscal quarter", NOVEMBER, "2026-11-01..2026-11-23"),
    ("this fiscal year", JULY, "2026-07-01..2026-11-23"),
    ("since FY2026 Q4", NOVEMBER, "2026-08-01..2026-11-23"),
    ("last fy", JULY, "2025-07-01..2026-06-30"),
    ("Q4", NOVEMBER, "2026-Q4"),
    ("2026-10", NOVEMBER, "2026-10"),
    ("last 7 days", NOVEMBER, "2026-11-16..2026-11-22"),
]


@pytest.mark.parametrize(("words", "calendar", "label"), WORDS, ids=[f"{w} {c.first_month}" for w, c, _ in WORDS])
def test_words(words: str, calendar: FiscalCalendar, label: str) -> None:
    assert understood(words, today=TODAY, fiscal=calendar) == Period.parse(label)


@pytest.mark.parametrize("first", range(1, 13))
def test_four_quarters_are_a_year_and_years_follow_each_other(first: int) -> None:
    calendar = FiscalCalendar(first)
    year, quarters = calendar.year(2026), [calendar.quarter(2026, number) for number in range(1, 5)]
    assert (quarters[0].start, quarters[3].end, calendar.year(2027).start) == (year.start, year.end, year.end)
    assert all(one.end == other.start for one, other in pairwise(quarters))
    assert calendar.year_of(year.start) == calendar.year_of(quarters[3].start) == 2026


BEFORE = [
    # the words, the calendar, the day, what "previous" means
    ("this fiscal year", JULY, TODAY, "2025-07-01..2025-11-23"),
    ("this fiscal quarter", FiscalCalendar(2), TODAY, "2026-08-01..2026-08-23"),
    ("the current fy", FiscalCalendar(4), date(2026, 5, 20), "2025-04-01..2025-05-20"),
    ("this fq", FiscalCalendar(12), date(2027, 1, 31), "2026-09-01..2026-11-01"),
    ("this fiscal year", CALENDAR, TODAY, "2025-01-01..2025-11-23"),
    ("this fiscal year", JULY, date(2026, 6, 30), "2024-07-01..2025-06-30"),
    ("last fiscal quarter", NOVEMBER, TODAY, "2026-05-01..2026-07-31"),
    ("this quarter", FiscalCalendar(4), date(2026, 5, 20), "2026-01-01..2026-02-19"),
]


@pytest.mark.parametrize(
    ("words", "calendar", "today", "label"), BEFORE, ids=[f"{w} {c.first_month}" for w, c, *_ in BEFORE]
)
def test_a_fiscal_period_to_date_meets_the_same_days_of_the_one_before(
    words: str, calendar: FiscalCalendar, today: date, label: str
) -> None:
    period = understood(words, today=today, fiscal=calendar)
    assert compared("previous", period=period, today=today, fiscal=calendar, named=words) == Period.parse(label)


def test_a_question_and_anomalies_go_by_the_fiscal_year(tmp_path: Path) -> None:
    rows = [charge(day, "4") for day in days_of(date(2026, 5, 1), 184)]
    desk = desk_of(
        lake_of(tmp_path, rows, final=True), now=datetime(2026, 10, 20, 9, tzinfo=UTC), fiscal=FiscalCalendar(8)
    )
    told = query_spend(desk, period="this fiscal quarter", compare="previous")
    assert "against 1 May 2026 to 20 July 2026" in told.title
    assert "1 August 2026 to 31 October 2026" in find_anomalies(desk, period="FY2027 Q1").title


def test_a_year_of_no_calendar_is_no_period() -> None:
    with pytest.raises(LakeError, match="no period"):
        understood("FY0000", today=TODAY, fiscal=NOVEMBER)


def test_an_answer_says_which_days_a_fiscal_period_is(tmp_path: Path) -> None:
    lake = lake_of(tmp_path, [charge(date(2026, 8, 15), "4"), charge(date(2026, 10, 15), "5")], final=True)
    desk = desk_of(lake, now=datetime(2026, 11, 23, 9, tzinfo=UTC), fiscal=NOVEMBER)
    fiscal, plain = query_spend(desk, period="FY2026 Q4"), query_spend(desk, period="Q4 2026")
    assert "FY2026 Q4 is 1 August 2026 to 31 October 2026: fiscal years begin in November." in fiscal.notes
    assert "Q4 2026 is the quarter of the calendar year; a fiscal one is asked for as FY2026 Q1." in plain.notes
    totals = [one.figure(one.totals[0].figures["effective"]) for one in (fiscal, plain)]
    assert [figure and figure.display for figure in totals] == ["$9.00", "$5.00"]


@pytest.mark.parametrize("given", ["0", "13", "november", "²", "1.5"])
def test_a_month_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(Problem, match="SPENDGATE_FISCAL_YEAR_START cannot be used"):
        fiscal_calendar({"SPENDGATE_FISCAL_YEAR_START": given})


def test_the_month_is_a_setting() -> None:
    assert fiscal_calendar({"SPENDGATE_FISCAL_YEAR_START": "7"}) == JULY
    assert fiscal_calendar({}) == CALENDAR
