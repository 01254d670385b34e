"""A stretch of days in UTC, as people name it: a month, a quarter, a year, a day, or from … to."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

from lake.errors import CannotBeAsked

_MONTH = re.compile(r"(\d{4})-(\d{2})")
_QUARTER = re.compile(r"(\d{4})-?[qQ]([1-4])")
_YEAR = re.compile(r"\d{4}")
_RANGE = re.compile(r"(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})")


def add_months(first: date, months: int) -> date:
    """The first of the month that lies `months` after the month of `first`."""
    index = first.year * 12 + first.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


@dataclass(frozen=True, order=True)
class Period:
    """From `start` to the day before `end`; charges belong to it by their ChargePeriodStart."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise CannotBeAsked(
                f"The period {self.start} to {self.end} holds no day.",
                why="Its end lies before or on its start.",
                do="Name a period such as 2026-10, 2026-Q3, 2026 or 2026-10-01..2026-10-31.",
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """'2026-10', '2026-Q3', '2026', '2026-10-05', or '2026-10-01..2026-10-31' with the last day included."""
        text = text.strip()
        try:
            if match := _RANGE.fullmatch(text):
                return cls(date.fromisoformat(match[1]), date.fromisoformat(match[2]) + timedelta(days=1))
            if match := _MONTH.fullmatch(text):
                return cls.of_months(date(int(match[1]), int(match[2]), 1), 1)
            if match := _QUARTER.fullmatch(text):
                return cls.of_months(date(int(match[1]), int(match[2]) * 3 - 2, 1), 3)
            if _YEAR.fullmatch(text):
                return cls.of_months(date(int(text), 1, 1), 12)
            day = date.fromisoformat(text)
            return cls(day, day + timedelta(days=1))
        except (ValueError, OverflowError):
            raise CannotBeAsked(
                f"'{text}' is no period.",
                why="A period is a month, a quarter, a year, a day, or two days with '..' between them.",
                do="Write it as 2026-10, 2026-Q3, 2026, 2026-10-05 or 2026-10-01..2026-10-31.",
            ) from None

    @classmethod
    def of_months(cls, first: date, months: int) -> Self:
        """So many whole months from the month of `first`."""
        return cls(first.replace(day=1), add_months(first, months))

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def months(self) -> int | None:
        """How many whole calendar months this is; None if it is not."""
        if self.start.day != 1 or self.end.day != 1:
            return None
        return (self.end.year - self.start.year) * 12 + self.end.month - self.start.month

    @property
    def label(self) -> str:
        """The shortest of the forms that `parse` reads."""
        if self.months == 1:
            return f"{self.start:%Y-%m}"
        if self.months == 3 and self.start.month % 3 == 1:
            return f"{self.start.year}-Q{(self.start.month + 2) // 3}"
        if self.months == 12 and self.start.month == 1:
            return f"{self.start.year}"
        if self.days == 1:
            return self.start.isoformat()
        return f"{self.start.isoformat()}..{(self.end - timedelta(days=1)).isoformat()}"

    def previous(self) -> "Period":
        """The stretch of the same length just before: the month before a month, the quarter before a quarter."""
        if self.months is not None:
            return Period(add_months(self.start, -self.months), self.start)
        return Period(self.start - timedelta(days=self.days), self.start)

    def overlaps(self, other: "Period") -> bool:
        return self.start < other.end and other.start < self.end
