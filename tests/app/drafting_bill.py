"""A bill with an idle GPU machine behind unusual spend, and what a scan of it is told."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from app.database import writing
from app.drafting_rules import turn
from app.home import Home
from app.scan import Scanned, scan
from app.scan_drafts import desks
from lake.engine import Lake
from tests.tools.small_bill import Charge, charge, days_of, lake_of, machine_day, usage_hours

FIRST, DAYS = date(2026, 5, 20), 180
BEGAN = 160
"""The day on which somebody starts a machine of the team fraud and forgets it."""
LAST = FIRST + timedelta(days=DAYS - 1)
NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
MACHINE = f"i-0{1:016x}"
OLIVIA, ARJUN = "p-0a11ce01", "p-0b0b0002"
RULE = "idle_gpu_instance"


def charges(days: int = DAYS, *, first: date = FIRST) -> list[Charge]:
    """Two quiet teams, and from `BEGAN` on the machine."""
    rows: list[Charge] = []
    for number, team in enumerate(("fraud", "claims")):
        for at, day in enumerate(days_of(first, days)):
            wave = 1 + 0.03 * ((at * 7 + number * 3) % 5 - 2)
            rows.append(charge(day, f"{400 * wave:.4f}", team=team, service="Amazon Bedrock"))
    return rows + [machine_day(day, "forgotten", 1, rate="40.00") for day in days_of(first, days)[BEGAN:]]


def bill(folder: Path, *, days: int = DAYS, cpu: str = "2", first: date = FIRST) -> Lake:
    """The bill, with hours of the machine; `cpu`: what it is at most busy, in percent."""
    hours = usage_hours(1, days_of(first, days)[BEGAN:], cpu_max_pct=cpu)
    loaded = datetime.combine(first + timedelta(days=days), NOW.timetz())
    return lake_of(folder, charges(days, first=first), usage=hours, now=loaded)


def switch(engine: Engine, rule: str = RULE, person: str = OLIVIA, *, on: bool = True) -> None:
    """A person turns the rule."""
    with writing(engine) as (session, now):
        verdict = turn(session, now=now, rule=rule, person=person, on=on)
    assert verdict.allowed, verdict


def scanned(engine: Engine, home: Home, lake: Lake, by: str = "scan-a") -> Scanned:
    """A scan as the command runs it."""
    return scan(engine, lake, by=by, desk_for=desks(home, lake))
