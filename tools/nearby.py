"""What happened near a change of cost: days of the calendar, deploys that were told, proposals that were carried out.

It is attached and never a cause: what happened at the same time may have nothing to do with it, and nothing is left out
of an answer because of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from lake.period import Period
from tools.desk import Desk
from tools.happenings import Happening
from tools.periods import spoken, spoken_day
from tools.shown import shown, unpriced

BEFORE = timedelta(days=3)
"""What was done shows in the bill within days."""
MOST = 3
"""Of each kind; the nearest to the beginning."""
DAY = timedelta(days=1)


def near(desk: Desk, days: Period, names: Mapping[str, Sequence[str]], *, of: str = "it") -> str | None:
    """A note of what happened in `days` and shortly before, to what `names` say (teams, services; none: anything);
    None where nothing did."""
    around = Period(days.start - BEFORE, days.end)
    deploys = _fitting(desk, desk.deploys, around, names)
    done = _fitting(desk, desk.carried_out(around), around, names)
    told = [
        *_days_of_the_calendar(desk, around),
        *(f"deploy “{unpriced(one.what)}” on {_when(one)}" for one in deploys),
        *(f"{one.what}, carried out on {_when(one)}" for one in done),
    ]
    return f"Near {of}, which need not be its cause: {'; '.join(told)}." if told else None


def _when(one: Happening) -> str:
    whose = [f"team {shown(one.team)}"] if one.team else []
    whose += [shown(one.service)] if one.service else []
    of = f" ({', '.join(whose)})" if whose else ""
    return f"{spoken_day(one.day)}{of}"


def _fitting(
    desk: Desk, happened: Iterable[Happening], around: Period, names: Mapping[str, Sequence[str]]
) -> list[Happening]:
    """Those in these days that the reader may hear of and that may touch what is asked, the nearest first."""
    fitting = [
        one
        for one in happened
        if around.start <= one.day < around.end
        and (not one.team or "*" in desk.scope or one.team in desk.scope)
        and _touches(one.team, names.get("team", ()))
        and _touches(one.service, names.get("service", ()))
    ]
    begins = around.start + BEFORE
    return sorted(fitting, key=lambda one: (abs((one.day - begins).days), one.day, one.what))[:MOST]


def _touches(own: str, asked: Sequence[str]) -> bool:
    return not own or not asked or own.lower() in [name.lower() for name in asked]


def _days_of_the_calendar(desk: Desk, around: Period) -> list[str]:
    """Each kind's run of days, the earliest first."""
    runs: dict[str, list[Period]] = {}
    for at in range((around.end - around.start).days):
        day = around.start + at * DAY
        for kind in desk.calendar.kinds(day):
            mine = runs.setdefault(kind, [])
            if mine and mine[-1].end == day:
                mine[-1] = Period(mine[-1].start, day + DAY)
            else:
                mine.append(Period(day, day + DAY))
    found = sorted((run.start, kind, run) for kind, each in runs.items() for run in each)
    return [f"{shown(kind.replace('_', ' '))} on {spoken(run)}" for _, kind, run in found[:MOST]]
