"""When machines for development are wanted: working hours on working days, in the local time of a zone, holidays apart.

Reckoned hour by hour from the moments themselves, so that a clock change moves nothing by an hour.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOURS_A_WEEK = 168


@dataclass(frozen=True)
class OfficeHours:
    """From `start` to before `end` on these days of the week (0 is Monday), in the local time of `zone`."""

    start: time
    end: time
    days: frozenset[int]
    zone: ZoneInfo

    @property
    def a_week(self) -> int:
        """How many hours of a week they are."""
        return (self.end.hour - self.start.hour) * len(self.days)

    def wanted(self, moment: datetime, holidays: frozenset[date]) -> bool:
        """Whether a machine is wanted in the hour that begins at this moment."""
        local = moment.astimezone(self.zone)
        working = local.weekday() in self.days and local.date() not in holidays
        return working and self.start <= local.time() < self.end

    def schedule(self) -> str:
        """When to start and to stop, as EventBridge Scheduler writes it; no asterisks, since chats take them away."""
        days = ",".join(DAYS[day].upper() for day in sorted(self.days))
        start, end = (f"cron(0 {at.hour} ? 1-12 {days} 1970-2199)" for at in (self.start, self.end))
        return f"start {start}, stop {end}, time zone {self.zone.key}"


def office_hours(hours: str, days: tuple[str, ...], zone: str) -> OfficeHours:
    """Those of `07:00-20:00`, ("mon", "tue") and `Europe/Berlin`; ValueError, for people, for what is none.

    Whole hours only: both the bill and what was measured tell no shorter ones.
    """
    try:
        start, end = (time.fromisoformat(part.strip()) for part in hours.split("-"))
    except ValueError:
        raise ValueError(f"working_hours '{hours}' is not of the form 07:00-20:00") from None
    if start.minute or end.minute or not start < end:
        raise ValueError(f"working_hours '{hours}' must begin and end at whole hours of one day")
    unknown = [day for day in days if day.lower() not in DAYS]
    if unknown or not days:
        raise ValueError(f"working_days knows no '{', '.join(unknown)}'; days are {', '.join(DAYS)}")
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"time_zone '{zone}' is none; one is Europe/Berlin") from None
    return OfficeHours(start, end, frozenset(DAYS.index(day.lower()) for day in days), place)
