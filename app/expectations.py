"""What detection is told in this home beside the bill: the calendar, and from what on a team wants to hear of an event
(`anomalies.toml`, if there is one).
"""

from collections.abc import Mapping
from typing import TypedDict

from app.calendar import calendar_here
from app.home import Home
from app.own_text import own_text
from tools.business_calendar import BusinessCalendar
from tools.detection.thresholds import AnomalyThresholds
from tools.rules.configured import by_team, document_of


class Expectations(TypedDict, total=False):
    """As a desk takes them."""

    calendar: BusinessCalendar
    anomalies: AnomalyThresholds
    team_anomalies: Mapping[str, AnomalyThresholds]


def expectations_here(home: Home) -> Expectations:
    """Raises LakeError for a file that cannot be read or names a limit that there is not."""
    path, everybody, teams = home.anomalies, AnomalyThresholds(), dict[str, AnomalyThresholds]()
    if path.exists():
        everybody, teams = by_team(document_of(own_text(path), name=str(path)), everybody, file=str(path))
    return Expectations(calendar=calendar_here(home), anomalies=everybody, team_anomalies=teams)
