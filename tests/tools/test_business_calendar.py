"""The organisation's calendar: what a file of days means, what is refused, and that a season is expected."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from app.calendar import calendar_here
from app.home import Home
from lake.errors import LakeError
from tests.tools.small_bill import charge, days_of, desk_of, lake_of
from tools.anomalies import find_anomalies
from tools.business_calendar import BusinessCalendar, parsed
from tools.desk import Desk
from tools.fiscal import FiscalCalendar

FIRST = date(2026, 1, 1)
SEASON = days_of(date(2026, 9, 20), 40)


def quarter_ends(first_month: int) -> list[date]:
    clock = BusinessCalendar(fiscal=FiscalCalendar(first_month)).clock(FIRST, 365)
    return [FIRST + timedelta(days=column) for column in sorted(clock.kinds)]


def test_a_file_names_days_and_a_day_may_be_two_things() -> None:
    calendar = parsed("\ufeffkind, Date\nHoliday,2026-12-25\nshopping,2026-12-25\n\nshopping,2026-12-24\n", "c.csv")
    assert calendar.days == {date(2026, 12, 25): ("holiday", "shopping"), date(2026, 12, 24): ("shopping",)}
    clock = calendar.clock(date(2026, 12, 20), 10)
    assert dict(clock.kinds) == {4: ("shopping",), 5: ("holiday", "shopping"), 9: ("quarter_end",)}


def test_the_last_three_days_of_each_fiscal_quarter_are_known() -> None:
    ends = [date(2026, 3, 31), date(2026, 6, 30), date(2026, 9, 30), date(2026, 12, 31)]
    assert quarter_ends(1) == sorted(end - timedelta(days=back) for end in ends for back in range(3))
    assert quarter_ends(11)[:3] == [date(2026, 1, 29), date(2026, 1, 30), date(2026, 1, 31)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no column date"),
        ("date,name\n2026-01-01,x\n", "no column kind"),
        ("date,kind\n01.01.2026,holiday\n", "Line 2 has no date"),
        ("date,kind\n2026-01-01,holiday\n2026-01-02\n", "Line 3 has fewer columns"),
        ("date,kind\n2026-01-01,\n", "Line 2 has no kind"),
        (f"date,kind\n2026-12-25,{'x' * 140_000}\n", "Line 2 is no line of a CSV file"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text: str, why: str) -> None:
    with pytest.raises(LakeError) as refused:
        parsed(text, "calendar.csv")
    assert why in str(refused.value.why)


def test_the_homes_file_counts_and_the_variable_goes_before_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert calendar_here(home, {}).days == {}
    home.calendar.write_text("date,kind\n2026-12-25,holiday\n")
    assert list(calendar_here(home, {}).days) == [date(2026, 12, 25)]
    other = tmp_path / "other.csv"
    other.write_bytes(b"date,kind\n2026-12-26,holiday\n")
    assert list(calendar_here(home, {"SPENDGATE_CALENDAR": str(other)}).days) == [date(2026, 12, 26)]
    other.write_bytes(b"\xff\xfe")
    for named in (other, tmp_path / "missing.csv"):
        with pytest.raises(LakeError, match="cannot be read"):
            calendar_here(home, {"SPENDGATE_CALENDAR": str(named)})


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Four services of a shop: three of them cost a third more in the season, the fourth six times as much."""
    random = np.random.default_rng(8)
    rows = []
    for day in days_of(FIRST, 300):
        for service in ("Amazon CloudFront", "AWS Lambda", "Amazon DynamoDB", "AWS WAF"):
            grown = (6.0 if service == "AWS WAF" else 1.35) if day in SEASON else 1.0
            cost = 300 * grown * float(np.exp(random.normal(0, 0.04)))
            rows.append(charge(day, f"{cost:.4f}", team="shop", service=service))
    return desk_of(lake_of(tmp_path_factory.mktemp("season"), rows))


def told(desk: Desk) -> list[str]:
    return [row.names.get("service", "all") for row in find_anomalies(desk, period="2026-09-20..2026-10-27").rows]


@pytest.mark.slow
def test_a_season_that_the_calendar_names_is_expected_and_what_is_out_of_all_proportion_is_told(desk: Desk) -> None:
    assert len(told(desk)) > 1
    desk.calendar = BusinessCalendar(dict.fromkeys(SEASON, ("shopping",)))
    assert told(desk) == ["AWS WAF"]
