"""The rule about projects at OpenAI, run over every project of the bill that the speaker may see.

Its days are those that were delivered, settled or not: what is restated later only makes a runaway dearer. What would
be saved if it went on stands in the list of savings and in none of its totals.
"""

from datetime import date, timedelta
from decimal import Decimal

from lake.engine import Lake
from lake.errors import NameNotKnown
from lake.metered import Metered
from lake.money import add
from lake.period import Period
from lake.project_days import ProjectDays
from lake.question import EVERY_TEAM, NONE, UNTAGGED
from lake.series import DailySeries
from tools.desk import Desk
from tools.metered_days import meter_of_days
from tools.opportunity import Opportunity
from tools.rules import project_runaway

PROVIDER, SEVERAL = "OpenAI", "(several)"
MONTH = 31


def judged_projects(desk: Desk) -> tuple[Opportunity, ...]:
    """What the rule says of each project. Raises LakeError for a bill that cannot be read."""
    limits, found = desk.thresholds.project_runaway, []
    back = max(limits.window_days + limits.history_days + limits.freshest_days, MONTH) + MONTH
    for use in of_projects(desk.lake, since=desk.today - timedelta(days=back), teams_seen=desk.scope):
        said = project_runaway.judge(use, desk.thresholds, today=desk.today)
        if said is None:
            continue
        first = use.end - limits.window_days - limits.history_days
        period = Period(date.fromordinal(first), date.fromordinal(use.end))
        found.append(Opportunity(_resource(use, period), said, period))
    return tuple(found)


def of_projects(lake: Lake, *, since: date, teams_seen: tuple[str, ...] = (EVERY_TEAM,)) -> list[ProjectDays]:
    """Every project's costs of days from `since` on, as far as the asker may see, in the order of their names."""
    series = _days(lake, since, teams_seen)
    if not series:
        return []
    whole = series if EVERY_TEAM in teams_seen else _days(lake, since, (EVERY_TEAM,))
    begin = min(one.first for one in whole).toordinal()
    found = []
    for project, currency in sorted({(one.key["account"], one.currency) for one in series}):
        mine, all_ = (
            [one for one in part if (one.key["account"], one.currency) == (project, currency)]
            for part in (series, whole)
        )
        end = min(one.first.toordinal() + len(one.values) for one in all_)
        found.append(
            ProjectDays(
                project, currency, end, frozenset(range(begin, end)), _by_day(mine, end),
                whole=_by_day(mine, end) == _by_day(all_, end),
                teams=frozenset(one.key["team"] for one in mine) - {NONE, UNTAGGED},
                since=min(_by_day(all_, end), default=end),
            )
        )  # fmt: skip
    return found


def _days(lake: Lake, since: date, teams_seen: tuple[str, ...]) -> list[DailySeries]:
    def read() -> list[DailySeries]:
        where: dict[str, tuple[str, ...]] = {"provider": (PROVIDER,), "charge_category": ("Usage",)}
        try:
            return lake.daily(by=("account", "team"), since=since, where=where, teams_seen=teams_seen, settled=False)
        except NameNotKnown:
            return []  # a bill without a single charge of OpenAI's

    return lake.remembered(("projects", since, teams_seen), read, lambda made: 1 + sum(len(one.values) for one in made))


def _by_day(series: list[DailySeries], end: int) -> dict[int, Decimal]:
    days: dict[int, list[Decimal]] = {}
    for one in series:
        for offset, cost in enumerate(one.values):
            if cost and one.first.toordinal() + offset < end:
                days.setdefault(one.first.toordinal() + offset, []).append(cost)
    return {day: add(costs) for day, costs in days.items()}


def _resource(use: ProjectDays, period: Period) -> Metered:
    """The project as lists and cards name a resource."""
    team = next(iter(use.teams)) if len(use.teams) == 1 else SEVERAL if use.teams else UNTAGGED
    days = {day: cost for day, cost in use.costs.items() if day >= period.start.toordinal()}
    return Metered(
        resource_id=f"openai/{use.project}", name=f"project {use.project}", provider=PROVIDER, service="OpenAI API",
        account=use.project, region=NONE, team=team, use_case=NONE, environment=UNTAGGED, currency=use.currency,
        details="", instance_type="", meters=(meter_of_days("cost", days, period, unit=use.currency),),
    )  # fmt: skip
