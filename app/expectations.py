"""What detection is told in this home beside the bill: the calendar, what was deployed when, and from what on a team
wants to hear of an event (`anomalies.toml`, if there is one).
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from app.calendar import calendar_here
from app.home import Home
from app.own_text import own_text
from tools import happenings
from tools.business_calendar import BusinessCalendar
from tools.detection.thresholds import AnomalyThresholds
from tools.happenings import Happening
from tools.rules.configured import by_team, document_of

VARIABLE = "SPENDGATE_DEPLOYS"


class Expectations(TypedDict, total=False):
    """As a desk takes them."""

    calendar: BusinessCalendar
    anomalies: AnomalyThresholds
    team_anomalies: Mapping[str, AnomalyThresholds]
    deploys: tuple[Happening, ...]


def expectations_here(home: Home) -> Expectations:
    """Raises LakeError for a file that cannot be read or names a limit that there is not."""
    path, everybody, teams = home.anomalies, AnomalyThresholds(), dict[str, AnomalyThresholds]()
    if path.exists():
        everybody, teams = by_team(document_of(own_text(path), name=str(path)), everybody, file=str(path))
    return Expectations(
        calendar=calendar_here(home), anomalies=everybody, team_anomalies=teams, deploys=deploys_here(home)
    )


def deploys_here(home: Home, env: Mapping[str, str] = os.environ) -> tuple[Happening, ...]:
    """What was deployed when: of `SPENDGATE_DEPLOYS`, else of the home's `deploys.csv`, if any. Raises LakeError, with
    the line, for a file that cannot be used."""
    named = env.get(VARIABLE, "").strip()
    path = Path(named) if named else home.deploys
    return happenings.parsed(own_text(path), str(path)) if named or path.exists() else ()
