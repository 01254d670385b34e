"""The period that someone meant: from words ("last month", "Q3", "September") to days, and back to words.

Read from the calendar of `today` in code, since a language model does not know today's date and counts days badly.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta

from lake.errors import CannotBeAsked, LakeError
from lake.period import Period, add_months
from tools.fiscal import FiscalCalendar

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH_NAMES = {name[:length]: number for number, name in enumerate(MONTHS, 1) for length in (3, len(name))}
_MONTH_NAMES["sept"] = 9
CALENDAR = FiscalCalendar()
"""Fiscal years that are calendar years."""

_UNITS = {"day": 1, "week": 7}
_PREVIOUS = re.compile(
    r"(the )?(previous|prior)( period| week| month| quarter)?|(the )?((period|week|month|quarter) )?before"
    r"|last period|month over month|mom|yes|true"
)
_YEAR_BEFORE = re.compile(r"(the )?(same period )?(last|previous) year|(a )?year (before|ago)|year over year|yoy")
_SHORT = {
    "mtd": "this month",
    "month to date": "this month",
    "qtd": "this quarter",
    "quarter to date": "this quarter",
    "ytd": "this year",
    "year to date": "this year",
}


def understood(text: str, *, today: date, fiscal: FiscalCalendar = CALENDAR) -> Period:
    """The period that `text` means on `today`; raises LakeError naming the forms that are read.

    A quarter without a word is one of the calendar year; `fiscal` years and quarters are asked for as such.
    """
    words = _words(text)
    try:
        if named := fiscal.understood(words, today):
            return named
    except ValueError:  # a year that no calendar has
        words = ""
    for reader in (_relative, _counted, _month, _quarter):
        if found := reader(words, today):
            return found
    if found := _since(words, today, fiscal):
        return found
    try:
        return Period.parse(text)
    except LakeError:
        raise CannotBeAsked(
            f"'{text}' is no period that is understood here.",
            why="A period is a month, a quarter, a year, a day, a range of days, or words such as 'last month'.",
            do="Write it as 2026-10, 2026-Q3, FY2026 Q1, 2026, 2026-10-05, 2026-10-01..2026-10-31, or 'last 7 days'.",
        ) from None


def compared(
    text: str, *, period: Period, today: date, fiscal: FiscalCalendar = CALENDAR, named: str | None = None
) -> Period:
    """The period to compare `period` with: 'previous', 'last year', or a period of its own.

    `named`: the words that meant `period`; days of a fiscal year or quarter look like any others.
    """
    words = re.sub(r"[\s_]+", " ", text.strip().lower())
    if _YEAR_BEFORE.fullmatch(words):
        return Period(_year_earlier(period.start), _year_earlier(period.end))
    if _PREVIOUS.fullmatch(words):
        if months := fiscal.to_date(_words(named or "")):
            return _fiscal_before(period, months)
        monday = today - timedelta(days=today.weekday())
        return _week_earlier(period) if period == Period(monday, today + timedelta(days=1)) else before(period)
    return understood(text, today=today, fiscal=fiscal)


def before(period: Period) -> Period:
    """What a reader compares with: the month before a month; for a week, month, quarter or year that is not over, the
    same first days of the one before (weekends cost less, so days of a week meet their own weekdays)."""
    if period.start.weekday() == 0 and 1 < period.days < 7:
        return _week_earlier(period)
    if period.start.day == 1 and period.months is None and period.days < 31:
        start = add_months(period.start, -1)
        return Period(start, min(start + timedelta(days=period.days), period.start))
    if period.months is None and (period.start.month, period.start.day) == (1, 1) and period.days < 366:
        return Period(_year_earlier(period.start), _year_earlier(period.end))
    if period.months is None and period.start == _quarter_start(period.start) and period.days < 92:
        start = add_months(period.start, -3)
        return Period(start, min(start + timedelta(days=period.days), period.start))
    return period.previous()


def _fiscal_before(period: Period, months: int) -> Period:
    """The same first days of the fiscal year or quarter before; all of it, where this one is over."""
    start = add_months(period.start, -months)
    if period.months == months:
        return Period(start, period.start)
    if months == 12:
        return Period(start, _year_earlier(period.end))
    return Period(start, min(start + timedelta(days=period.days), period.start))


def _week_earlier(period: Period) -> Period:
    return Period(period.start - timedelta(days=7), period.end - timedelta(days=7))


def spoken(period: Period) -> str:
    """The period as people say it: `October 2026`, `Q3 2026`, `1 to 22 November 2026`."""
    last = period.end - timedelta(days=1)
    if period.months == 1:
        return f"{period.start:%B %Y}"
    if period.months == 3 and period.start.month % 3 == 1:
        return f"Q{(period.start.month + 2) // 3} {period.start.year}"
    if period.months == 12 and period.start.month == 1:
        return f"{period.start.year}"
    if period.days == 1:
        return spoken_day(period.start)
    if (period.start.year, period.start.month) == (last.year, last.month):
        return f"{period.start.day} to {spoken_day(last)}"
    return f"{spoken_day(period.start)} to {spoken_day(last)}"


def spoken_day(day: date) -> str:
    """`5 October 2026`."""
    return f"{day.day} {day:%B %Y}"


def _words(text: str) -> str:
    return re.sub(r"[\s_]+", " ", text.strip().lower()).removeprefix("in ").removeprefix("the ")


def _relative(words: str, today: date) -> Period | None:
    tomorrow = today + timedelta(days=1)
    monday = today - timedelta(days=today.weekday())
    month, quarter, year = today.replace(day=1), _quarter_start(today), today.replace(month=1, day=1)
    meant: dict[str, Callable[[], Period]] = {
        "today": lambda: Period(today, tomorrow),
        "yesterday": lambda: Period(today - timedelta(days=1), today),
        "this week": lambda: Period(monday, tomorrow),
        "last week": lambda: Period(monday - timedelta(days=7), monday),
        "this month": lambda: Period(month, tomorrow),
        "last month": lambda: Period(add_months(month, -1), month),
        "this quarter": lambda: Period(quarter, tomorrow),
        "last quarter": lambda: Period(add_months(quarter, -3), quarter),
        "this year": lambda: Period(year, tomorrow),
        "last year": lambda: Period(year.replace(year=year.year - 1), year),
    }
    for written, same in (("current", "this"), ("previous", "last"), ("past", "last")):
        words = re.sub(rf"^{written} ", f"{same} ", words)
    words = _SHORT.get(words, words)
    return meant[words]() if words in meant else None


def _counted(words: str, today: date) -> Period | None:
    match = re.fullmatch(r"(?:last|past|previous) (\d{1,3}) (day|week|month)s?", words)
    if match is None or int(match[1]) == 0:
        return None
    count, unit = int(match[1]), match[2]
    if unit == "month":
        return Period.of_months(add_months(today, -count), count) if count <= 120 else None
    return Period(today - timedelta(days=count * _UNITS[unit]), today)


def _month(words: str, today: date) -> Period | None:
    match = re.fullmatch(r"([a-z]+)\.?(?: (\d{4}))?|(\d{4}) ([a-z]+)", words)
    if match is None:
        return None
    number = _MONTH_NAMES.get(match[1] or match[4] or "")
    if number is None:
        return None
    year = int(match[2] or match[3] or 0) or today.year - (number > today.month)
    return Period.of_months(date(year, number, 1), 1)


def _quarter(words: str, today: date) -> Period | None:
    match = re.fullmatch(r"q([1-4])(?: (\d{4}))?|(\d{4}) ?q([1-4])", words)
    if match is None:
        return None
    first_month = int(match[1] or match[4]) * 3 - 2
    year = int(match[2] or match[3] or 0) or today.year - (first_month > today.month)
    return Period.of_months(date(year, first_month, 1), 3)


def _since(words: str, today: date, fiscal: FiscalCalendar) -> Period | None:
    match = re.fullmatch(r"(?:since|from) (.+)", words)
    if match is None:
        return None
    start = understood(match[1], today=today, fiscal=fiscal).start
    return Period(start, today + timedelta(days=1)) if start <= today else None


def _quarter_start(day: date) -> date:
    return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)


def _year_earlier(day: date) -> date:
    # 29 February has no day a year earlier; the end of a period may be its first of March.
    return date(day.year - 1, 3, 1) if (day.month, day.day) == (2, 29) else day.replace(year=day.year - 1)
