"""When fiscal years begin: one setting, for everybody who asks."""

import os
from collections.abc import Mapping

from app.settings import wrong
from tools.fiscal import FiscalCalendar

VARIABLE = "SPENDGATE_FISCAL_YEAR_START"


def fiscal_calendar(env: Mapping[str, str] = os.environ) -> FiscalCalendar:
    """The calendar of `SPENDGATE_FISCAL_YEAR_START`; without it, fiscal years are calendar years."""
    given = env.get(VARIABLE, "").strip() or "1"
    if not (given.isascii() and given.isdigit() and 1 <= int(given[:3]) <= 12):
        raise wrong(VARIABLE, given, "It is no month.", "Write the month in which your fiscal year begins, 1 to 12.")
    return FiscalCalendar(int(given))
