"""Days as cases write them and as answers speak of them, read here anew: a grader that borrowed the product's calendar
would agree with its mistakes.
"""

import re
from datetime import date, timedelta
from typing import NamedTuple

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DAY_MONTH_YEAR = rf"(\d{{1,2}}) ({'|'.join(MONTHS)}) (\d{{4}})"


class Days(NamedTuple):
    """A stretch of days, both ends included."""

    first: date
    last: date

    def meets(self, other: "Days") -> bool:
        """Whether the two share a day."""
        return self.first <= other.last and other.first <= self.last


def days(text: str) -> Days:
    """`2026-10`, `2026-Q3`, `2026`, `2026-10-05` or `2026-10-01..2026-10-05` of a case. Raises ValueError."""
    if match := re.fullmatch(r"(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)", text):
        return Days(date.fromisoformat(match[1]), date.fromisoformat(match[2]))
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return Days(date.fromisoformat(text), date.fromisoformat(text))
    if match := re.fullmatch(r"(\d{4})-(\d\d)", text):
        return _months(int(match[1]), int(match[2]), 1)
    if match := re.fullmatch(r"(\d{4})-Q([1-4])", text):
        return _months(int(match[1]), int(match[2]) * 3 - 2, 3)
    if re.fullmatch(r"\d{4}", text):
        return _months(int(text), 1, 12)
    raise ValueError(f"'{text}' is no stretch of days that a case may name")


def spoken(text: str) -> tuple[Days, ...]:
    """The stretches that an answer's words name, in their order: two for `October 2026 against September 2026`.

    Empty if any part is not understood.
    """
    found: list[Days] = []
    for part in re.split(r" against | and (?=\d|q\d|[a-z]+ \d{4})", text.strip().lower()):
        if part == "the same weekdays before" and found:
            found.append(_weekdays_before(found[-1]))
            continue
        one = _spoken(re.sub(r"^(?:at the rates? of|in|from) ", "", part))
        if one is None:
            return ()
        found.append(one)
    return tuple(found)


def _weekdays_before(after: Days) -> Days:
    weeks = -(-((after.last - after.first).days + 1) // 7)
    return Days(after.first - timedelta(weeks=weeks), after.last - timedelta(weeks=weeks))


def _spoken(text: str) -> Days | None:
    if match := re.fullmatch(rf"({'|'.join(MONTHS)}) (\d{{4}})", text):
        return _months(int(match[2]), MONTHS.index(match[1]) + 1, 1)
    if match := re.fullmatch(r"q([1-4]) (\d{4})", text):
        return _months(int(match[2]), int(match[1]) * 3 - 2, 3)
    if re.fullmatch(r"\d{4}", text):
        return _months(int(text), 1, 12)
    if match := re.fullmatch(_DAY_MONTH_YEAR, text):
        return Days(*[_day(*match.groups())] * 2)
    if match := re.fullmatch(rf"(\d{{1,2}}) to {_DAY_MONTH_YEAR}", text):
        last = _day(*match.groups()[1:])
        return Days(last.replace(day=int(match[1])), last)
    if match := re.fullmatch(rf"{_DAY_MONTH_YEAR} to {_DAY_MONTH_YEAR}", text):
        return Days(_day(*match.groups()[:3]), _day(*match.groups()[3:]))
    return None


def _day(day: str, month: str, year: str) -> date:
    return date(int(year), MONTHS.index(month) + 1, int(day))


def _months(year: int, month: int, count: int) -> Days:
    after = year * 12 + month - 1 + count
    return Days(date(year, month, 1), date(after // 12, after % 12 + 1, 1) - timedelta(days=1))
