"""What a home tells detection: the calendar, and from what on each team wants to hear of an event."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from app.expectations import expectations_here
from app.home import open_home
from lake.errors import LakeError
from tests.tools.small_bill import charge, days_of, desk_of, lake_of
from tools.anomalies import find_anomalies
from tools.detection.thresholds import AnomalyThresholds


def test_without_files_the_shipped_limits_hold_for_everybody(tmp_path: Path) -> None:
    told = expectations_here(open_home(tmp_path))
    assert (told["anomalies"], told["team_anomalies"], told["calendar"].days) == (AnomalyThresholds(), {}, {})


def test_a_teams_limits_are_everybodys_but_for_its_own(tmp_path: Path) -> None:
    (tmp_path / "anomalies.toml").write_text("least_excess = 50\n[team.fraud]\nleast_percent = 40\n[team.'k y c']\n")
    told = expectations_here(open_home(tmp_path))
    fraud = told["team_anomalies"]["fraud"]
    amounts = (told["anomalies"].least_excess, fraud.least_excess, fraud.least_percent)
    assert amounts == (Decimal(50), Decimal(50), Decimal(40))
    assert told["team_anomalies"]["k y c"] == told["anomalies"]


def test_hours_have_limits_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "anomalies.toml").write_text(
        "least_excess = 50\n[hours]\nleast_excess = 5\n[team.fraud.hours]\nnews_hours = 10\n"
    )
    told = expectations_here(open_home(tmp_path))
    everybody, fraud = told["anomalies"], told["team_anomalies"]["fraud"]
    assert (everybody.least_excess, everybody.hours.least_excess) == (Decimal(50), Decimal(5))
    assert (fraud.hours.least_excess, fraud.hours.news_hours, everybody.hours.news_hours) == (Decimal(5), 10, 72)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[hours]\nleast = 1", "hours least is no limit"),
        ("[hours]\nnews_hours = 1.5", "hours news_hours must be a whole number"),
        ("[team.fraud]\nhours = 5", r"\[team.fraud\] hours is a table"),
        ("least_excess =", "It is no TOML"),
        ("least = 1", "least is no limit"),
        ("[team.fraud]\nleast_excess = -1", r"\[team.fraud\] least_excess must be a number"),
        ("[team]\nfraud = 5", "stand in a table"),
        ("team = 5", "stand in a table"),
    ],
)
def test_what_is_no_limit_is_refused(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "anomalies.toml").write_text(text)
    with pytest.raises(LakeError) as refused:
        expectations_here(open_home(tmp_path))
    assert re.search(why, str(refused.value.why))


def test_each_team_hears_from_its_own_amount_on(tmp_path: Path) -> None:
    """Two teams' cost is up by 300 for a day; one of them wants to hear from 1,000 on."""
    last = date(2026, 10, 20)
    rows = [
        charge(day, f"{100 + (at * 7 + number) % 5 + (300 if day == last else 0)}", team=team)
        for number, team in enumerate(("fraud", "claims"))
        for at, day in enumerate(days_of(date(2026, 5, 1), 190))
    ]
    desk = desk_of(lake_of(tmp_path, rows))
    (tmp_path / "home").mkdir()
    home = open_home(tmp_path / "home")
    home.anomalies.write_text("[team.claims]\nleast_excess = 1000\n")
    desk.team_anomalies = expectations_here(home)["team_anomalies"]
    told = find_anomalies(desk, period="2026-10-20")
    assert "fraud" in {row.names.get("team") for row in told.rows}
    assert "claims" not in {row.names.get("team") for row in told.rows}
    assert any("limits of their own" in note for note in told.notes)
