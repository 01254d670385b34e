"""Which days are unlike others here: those of `SPENDGATE_CALENDAR`, else of the home's `calendar.csv`, if any, and the
ends of fiscal quarters.

The file is no rule of the gate and needs no vote: it says what to expect, and hides nothing that is not expected.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from app.fiscal import fiscal_calendar
from app.home import Home
from lake.errors import LakeError
from tools.business_calendar import BusinessCalendar, parsed

VARIABLE = "SPENDGATE_CALENDAR"


def calendar_here(home: Home, env: Mapping[str, str] = os.environ) -> BusinessCalendar:
    """The calendar that counts here. Raises LakeError, with the line, for a file that cannot be used."""
    fiscal = fiscal_calendar(env)
    named = env.get(VARIABLE, "").strip()
    path = Path(named) if named else home.calendar
    if not named and not path.exists():
        return BusinessCalendar(fiscal=fiscal)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = "It is no UTF-8 text." if isinstance(error, UnicodeDecodeError) else f"{error.strerror}."
        do = f"Make it readable, or name another file with {VARIABLE}."
        raise LakeError(f"The calendar {path} cannot be read.", why=why, do=do) from error
    return parsed(text, str(path), fiscal)
