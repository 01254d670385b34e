"""The fiscal calendar of an organisation: which months its years and quarters are."""

import re
from dataclasses import dataclass
from datetime import date

from lake.period import Period, add_months

_YEAR = r"(?:fy|fiscal year) ?'?(\d{4}|\d{2})"
_NAMED = re.compile(rf"{_YEAR}(?:[ ,-]*q([1-4]))?|q([1-4])[ ,-]*(?:of )?{_YEAR}")
_RELATIVE = re.compile(r"(this|current|last|previous) (?:fiscal (year|quarter)|f(y|q))")


@dataclass(frozen=True)
class FiscalCalendar:
    """Years of twelve months from the first of `first_month`, named after the calendar year in which they end."""

    first_month: int = 1

    @property
    def differs(self) -> bool:
        """Whether it is another than the calendar year."""
        return self.first_month != 1

    def year(self, number: int) -> Period:
        """The fiscal year of this number."""
        return Period.of_months(date(number - (1 if self.differs else 0), self.first_month, 1), 12)

    def quarter(self, number: int, quarter: int) -> Period:
        """One of its quarters, 1 to 4."""
        return Period.of_months(add_months(self.year(number).start, 3 * (quarter - 1)), 3)

    def year_of(self, day: date) -> int:
        """The number of the fiscal year that this day is in."""
        return day.year + (1 if self.differs and day.month >= self.first_month else 0)

    def understood(self, words: str, today: date) -> Period | None:
        """The period that words in small letters mean, if they name a fiscal one: `fy2026 q1`, `last fiscal quarter`.

        A year or quarter that is not over reaches to today, as `this month` does.
        """
        if named := _NAMED.fullmatch(words):
            written = named[1] or named[4]
            number = int(written) + (2000 if len(written) == 2 else 0)
            quarter = named[2] or named[3]
            return self.quarter(number, int(quarter)) if quarter else self.year(number)
        if relative := _RELATIVE.fullmatch(words):
            begins = self.year(self.year_of(today)).start
            months = 12 if relative[2] == "year" or relative[3] == "y" else 3
            while add_months(begins, months) <= today:
                begins = add_months(begins, months)
            if relative[1] in ("last", "previous"):
                return Period.of_months(add_months(begins, -months), months)
            return Period(begins, date.fromordinal(today.toordinal() + 1))
        return None

    def to_date(self, words: str) -> int | None:
        """The months of the fiscal year or quarter that words in small letters mean as far as it has come, 12 or 3."""
        relative = _RELATIVE.fullmatch(words)
        if relative is None or relative[1] in ("last", "previous"):
            return None
        return 12 if relative[2] == "year" or relative[3] == "y" else 3
