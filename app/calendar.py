"""Which days are unlike others here: those of `SPENDGATE_CALENDAR`, else of the home's `calendar.csv`, if any, and the
ends of fiscal quarters.

The file is no rule of the gate and needs no vote: it says what to expect, and hides nothing that is not expected.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from app.fiscal import fiscal_calendar
from app.home import Home
from app.own_text import own_text
from tools.business_calendar import BusinessCalendar, parsed

VARIABLE = "SPENDGATE_CALENDAR"


def calendar_here(home: Home, env: Mapping[str, str] = os.environ) -> BusinessCalendar:
    """The calendar that counts here. Raises LakeError, with the line, for a file that cannot be used."""
    fiscal = fiscal_calendar(env)
    named = env.get(VARIABLE, "").strip()
    path = Path(named) if named else home.calendar
    if not named and not path.exists():
        return BusinessCalendar(fiscal=fiscal)
    return parsed(own_text(path), str(path), fiscal)
