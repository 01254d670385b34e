"""Freezes: times in which what was approved waits, such as a quarter's close or the week before earnings.

A calendar is kept in the local time of a zone. Where a clock change makes a local time ambiguous, or leaves it out, the
earlier reading begins a freeze and the later one ends it: it is never shorter than whoever wrote it could mean. Fiscal
calendars of 4-4-5 weeks are not computed; their closes are written as fixed windows. Pure.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from approvals.governance import POLICY

MONTH_END, QUARTER_END, YEAR_END = "month_end", "quarter_end", "year_end"
PERIODS = {MONTH_END: 1, QUARTER_END: 3, YEAR_END: 12}
LONGEST_GAP = {MONTH_END: 31, QUARTER_END: 92, YEAR_END: 366}
"""The most days from one such end to the next."""
HORIZON = timedelta(days=3 * 366)
"""How far the end of overlapping freezes is followed; what is frozen beyond is frozen for good."""
LONG = timedelta(days=31)


class Window(NamedTuple):
    """From `start`, until just before `end`; aware, UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Freeze:
    """One `[[freeze]]`: a fixed window (`start`, `end`), or one around each end of a period.

    An empty selector selects everything, but never class "policy": a freeze of that could not be lifted.
    """

    name: str
    zone: str
    start: datetime | None = None
    end: datetime | None = None
    around: str | None = None
    from_days: int = 0
    to_days: int = 0
    fiscal_year_starts: int = 1
    environments: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    break_glass: bool = True

    def covers(
        self, *, environment: str, class_name: str, account: str | None, team: str | None, break_glass: bool = False
    ) -> bool:
        """Whether such a change is meant; an account or team that is not known counts as one that is."""
        if class_name == POLICY or (break_glass and self.break_glass):
            return False
        return (
            (not self.environments or environment in self.environments)
            and (not self.classes or class_name in self.classes)
            and (not self.accounts or account is None or account in self.accounts)
            and (not self.teams or team is None or team.strip().lower() in self.teams)
        )

    def windows(self, since: datetime, until: datetime) -> Iterator[Window]:
        """Each window that has a moment in `since` to `until`, in order."""
        zone = ZoneInfo(self.zone)
        for start, end in self._local(since, until, zone):
            window = Window(_utc(start, zone, min), _utc(end, zone, max))
            if window.start <= until and window.end > since:
                yield window

    def _local(self, since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
        if self.start is not None and self.end is not None:
            yield self.start, self.end
            return
        first = since.astimezone(zone).date() - timedelta(days=max(self.to_days, 0) + 2)
        last = until.astimezone(zone).date() + timedelta(days=max(-self.from_days, 0) + 2)
        for day in _period_ends(self.around or YEAR_END, self.fiscal_year_starts, first, last):
            yield (
                datetime.combine(day + timedelta(days=self.from_days), time()),
                datetime.combine(day + timedelta(days=self.to_days + 1), time()),
            )


@dataclass(frozen=True)
class Frozen:
    """What holds a change, and until when: the end of all freezes that follow each other without a gap."""

    name: str
    until: datetime
    zone: str
    code: str = "frozen"
    allowed: Literal[False] = False

    @property
    def reason(self) -> str:
        """The sentence, in the freeze's own time and in UTC."""
        local = self.until.astimezone(ZoneInfo(self.zone))
        ends = f"{self.until:%Y-%m-%d %H:%M} UTC ({local:%Y-%m-%d %H:%M} in {self.zone})"
        return f'the freeze "{self.name}" holds it until {ends}'


def frozen(
    freezes: Sequence[Freeze],
    *,
    at: datetime,
    environment: str,
    class_name: str,
    account: str | None,
    team: str | None,
    break_glass: bool = False,
) -> Frozen | None:
    """The freeze that holds such a change at `at`, with the first moment at which nothing holds it; None: go ahead.

    >>> close = Freeze(name="close", zone="UTC", start=datetime(2026, 12, 30), end=datetime(2027, 1, 4))
    >>> frozen([close], at=datetime(2026, 12, 31, tzinfo=UTC), environment="production", class_name="reversible",
    ...        account=None, team=None).until
    datetime.datetime(2027, 1, 4, 0, 0, tzinfo=datetime.timezone.utc)
    """
    meant = [
        one
        for one in freezes
        if one.covers(
            environment=environment, class_name=class_name, account=account, team=team, break_glass=break_glass
        )
    ]
    holding = [(window.end, one) for one in meant for window in one.windows(at, at)]
    if not holding:
        return None
    until, longest = max(holding, key=lambda found: found[0])
    for window in sorted(window for one in meant for window in one.windows(at, at + HORIZON)):
        if window.start > until:
            break
        until = max(until, window.end)
    return Frozen(longest.name, until, longest.zone)


def upcoming(
    freezes: Sequence[Freeze],
    *,
    at: datetime,
    until: datetime,
    environment: str,
    class_name: str,
    account: str | None,
    team: str | None,
) -> tuple[Freeze, Window] | None:
    """The first freeze that begins after `at` and by `until`, with its window: what a proposal may run into."""
    found = [
        (window, number)
        for number, one in enumerate(freezes)
        if one.covers(environment=environment, class_name=class_name, account=account, team=team)
        for window in one.windows(at, until)
        if window.start > at
    ]
    if not found:
        return None
    window, number = min(found)
    return freezes[number], window


def warnings(freezes: Sequence[Freeze], *, now: datetime | None = None) -> list[tuple[int, str]]:
    """What is allowed and probably not meant: (which freeze, from 0; a sentence)."""
    found = []
    for number, one in enumerate(freezes):
        if one.start is None or one.end is None:
            continue
        zone = ZoneInfo(one.zone)
        if now is not None and _utc(one.end, zone, max) <= now:
            found.append((number, f'the freeze "{one.name}" is over since {one.end:%Y-%m-%d}; it holds nothing'))
        elif one.end - one.start > LONG:
            days = (one.end - one.start).days
            found.append((number, f'the freeze "{one.name}" lasts {days} days; what is approved meanwhile expires'))
        for local, edge in ((one.start, "start"), (one.end, "end")):
            if _utc(local, zone, min) != _utc(local, zone, max):
                which = "does not exist or comes twice"
                found.append(
                    (number, f'{edge} of the freeze "{one.name}", {local:%Y-%m-%d %H:%M}, {which} in {one.zone}')
                )
    return found


def _utc(local: datetime, zone: ZoneInfo, choose: Callable[[list[datetime]], datetime]) -> datetime:
    """A local time in UTC: of its two readings around a clock change the one that `choose` takes (min or max)."""
    return choose([local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)])


def _period_ends(around: str, fiscal_year_starts: int, first: date, last: date) -> Iterator[date]:
    """The last day of each month, fiscal quarter or fiscal year from `first` to `last`."""
    year, month = first.year, first.month
    while True:
        following = (year + month // 12, month % 12 + 1)
        day = date(*following, 1) - timedelta(days=1)
        if day > last:
            return
        if day >= first and (following[1] - fiscal_year_starts) % PERIODS[around] == 0:
            yield day
        year, month = following
