"""Freezes: what they hold, until when, and what a clock change, a leap day and a month of 31 days do to them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from approvals.freeze import HORIZON, LONGEST_GAP, Freeze, Frozen, frozen, upcoming, warnings


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def hold(freeze: Freeze | list[Freeze], moment: datetime, **more: object) -> Frozen | None:
    given = {"environment": "production", "class_name": "reversible", "account": "1", "team": "fraud", **more}
    return frozen(freeze if isinstance(freeze, list) else [freeze], at=moment, **given)  # type: ignore[arg-type]


def fixed(start: str, end: str, zone: str = "UTC", **more: object) -> Freeze:
    return Freeze("f", zone, datetime.fromisoformat(start), datetime.fromisoformat(end), **more)  # type: ignore[arg-type]


NY = "America/New_York"
QUARTER = Freeze("quarter close", NY, around="quarter_end", from_days=-3, to_days=5)
EDGES = [
    ("the moment before it begins", "2026-12-27T23:59:59", False),
    ("the first moment of three days before the quarter's last day", "2026-12-28T00:00:00", True),
    ("the quarter's last day", "2026-12-31T12:00:00", True),
    ("the last moment of the fifth day after it", "2027-01-05T23:59:59", True),
    ("the first moment after that day: the end is excluded", "2027-01-06T00:00:00", False),
    ("the end of a month that ends no quarter", "2026-11-30T12:00:00", False),
]


@pytest.mark.parametrize(("what", "moment", "held"), EDGES, ids=[row[0] for row in EDGES])
def test_a_quarter_close_in_local_days(what: str, moment: str, held: bool) -> None:
    found = hold(QUARTER, at(moment, NY))
    assert (found is not None) is held
    if found is not None:
        assert found.until == at("2027-01-06T00:00:00", NY)
        assert "quarter close" in found.reason
        assert NY in found.reason


PERIODS = [
    ("a month of 31 days", "month_end", 1, "2027-01-31T12:00:00", "2027-01-30T12:00:00"),
    ("a February of 28 days", "month_end", 1, "2027-02-28T12:00:00", "2027-02-27T12:00:00"),
    ("a leap day", "month_end", 1, "2028-02-29T12:00:00", "2028-02-28T12:00:00"),
    ("a year that ends in December", "year_end", 1, "2026-12-31T12:00:00", "2027-01-31T12:00:00"),
    ("a fiscal year that starts in April", "year_end", 4, "2027-03-31T12:00:00", "2026-12-31T12:00:00"),
    ("a fiscal year that ends on a leap day", "year_end", 3, "2028-02-29T12:00:00", "2028-12-31T12:00:00"),
    ("a fiscal quarter that ends in January", "quarter_end", 2, "2027-01-31T12:00:00", "2026-12-31T12:00:00"),
]


@pytest.mark.parametrize(("what", "around", "starts", "inside", "outside"), PERIODS, ids=[row[0] for row in PERIODS])
def test_the_last_day_of_a_period(what: str, around: str, starts: int, inside: str, outside: str) -> None:
    freeze = Freeze("end", "UTC", around=around, fiscal_year_starts=starts)
    assert hold(freeze, at(inside)) is not None
    assert hold(freeze, at(outside)) is None


CLOCKS = [
    (
        "a start that is left out in spring: the earlier reading",
        "2027-03-28T02:30",
        "2027-03-28T06:00",
        "00:30",
        "04:00",
    ),
    ("an end that is left out in spring: the later reading", "2027-03-28T00:30", "2027-03-28T02:30", "23:30", "01:30"),
    ("a start that comes twice in autumn: the first time", "2026-10-25T02:30", "2026-10-25T06:00", "00:30", "05:00"),
    ("an end that comes twice in autumn: the second time", "2026-10-25T00:30", "2026-10-25T02:30", "22:30", "01:30"),
]


@pytest.mark.parametrize(("what", "start", "end", "first", "until"), CLOCKS, ids=[row[0] for row in CLOCKS])
def test_a_clock_change_never_shortens_a_freeze(what: str, start: str, end: str, first: str, until: str) -> None:
    freeze = fixed(start, end, "Europe/Berlin")
    (window,) = freeze.windows(at("2026-01-01"), at("2028-01-01"))
    assert (f"{window.start:%H:%M}", f"{window.end:%H:%M}") == (first, until)


def test_a_day_that_begins_at_no_midnight_is_frozen_whole() -> None:
    day = fixed("2024-03-10T00:00", "2024-03-11T00:00", "America/Havana")  # the clock went from 23:59 to 01:00
    assert hold(day, at("2024-03-10T01:00", "America/Havana")) is not None
    assert hold(day, at("2024-03-11T00:00", "America/Havana")) is None


SELECTORS = [
    ("another environment", {"environments": {"production"}}, {"environment": "non_production"}, False),
    ("the environment", {"environments": {"production"}}, {}, True),
    ("another class", {"classes": {"irreversible"}}, {}, False),
    ("another account", {"accounts": {"2"}}, {}, False),
    ("an account that is not known", {"accounts": {"2"}}, {"account": None}, True),
    ("another team", {"teams": {"risk"}}, {}, False),
    ("the team, written otherwise", {"teams": {"fraud"}}, {"team": " Fraud "}, True),
    ("a team that is not known", {"teams": {"risk"}}, {"team": None}, True),
    ("an emergency", {}, {"break_glass": True}, False),
    ("an emergency that it holds too", {"break_glass": False}, {"break_glass": True}, True),
    ("a change of the gate itself, which could otherwise not lift it", {}, {"class_name": "policy"}, False),
]


@pytest.mark.parametrize(("what", "selects", "asked", "held"), SELECTORS, ids=[row[0] for row in SELECTORS])
def test_whom_a_freeze_holds(what: str, selects: dict[str, object], asked: dict[str, object], held: bool) -> None:
    chosen: dict[str, Any] = {
        key: frozenset(value) if isinstance(value, set) else value for key, value in selects.items()
    }
    freeze = fixed("2026-12-01", "2026-12-10", **chosen)
    assert (hold(freeze, at("2026-12-05"), **asked) is not None) is held


def test_freezes_that_follow_each_other_end_together() -> None:
    rows = [fixed("2026-12-01", "2026-12-05"), fixed("2026-12-05", "2026-12-08"), fixed("2026-12-07", "2026-12-10")]
    apart = fixed("2026-12-10T00:00:01", "2026-12-20")
    found = hold([*rows, apart], at("2026-12-02"))
    assert found is not None
    assert found.until == at("2026-12-10")


def test_one_that_does_not_mean_the_change_does_not_lengthen_it() -> None:
    rows = [fixed("2026-12-01", "2026-12-05"), fixed("2026-12-04", "2026-12-30", teams=frozenset({"risk"}))]
    found = hold(rows, at("2026-12-02"))
    assert found is not None
    assert found.until == at("2026-12-05")


def test_what_comes_is_told_before_anybody_runs_into_it() -> None:
    asked = {"environment": "production", "class_name": "reversible", "account": None, "team": None}
    found = upcoming([QUARTER], at=at("2026-12-26"), until=at("2026-12-29"), **asked)  # type: ignore[arg-type]
    assert found is not None
    assert found[1].start == at("2026-12-28T00:00:00", NY)
    assert upcoming([QUARTER], at=at("2026-12-20"), until=at("2026-12-22"), **asked) is None  # type: ignore[arg-type]


def test_what_is_probably_not_meant_is_told() -> None:
    rows = [
        fixed("2026-01-01", "2026-01-05"),
        fixed("2026-11-01", "2027-03-01"),
        fixed("2027-03-28T02:30", "2027-03-29", "Europe/Berlin"),
        fixed("2026-12-01", "2026-12-05"),
    ]
    told = warnings(rows, now=at("2026-11-20"))
    assert [number for number, _ in told] == [0, 1, 2]
    assert "is over since 2026-01-05" in told[0][1]
    assert "lasts 120 days" in told[1][1]
    assert "does not exist or comes twice in Europe/Berlin" in told[2][1]


ZONES = st.sampled_from(["UTC", "Europe/Berlin", NY, "America/Havana", "Asia/Kathmandu", "Australia/Lord_Howe"])
FIRST, LAST = datetime.fromisoformat("2024-01-01"), datetime.fromisoformat("2030-01-01")
MOMENTS = st.datetimes(FIRST, LAST, timezones=st.just(UTC))
LOCAL = st.datetimes(FIRST, LAST)
FIXED = st.builds(
    lambda zone, start, hours: Freeze("fixed", zone, start, start + timedelta(hours=hours)),
    ZONES,
    LOCAL,
    st.integers(1, 2000),
)
RECURRING = st.builds(
    lambda zone, around, since, days, starts: Freeze(
        "recurring",
        zone,
        around=around,
        from_days=since,
        to_days=since + min(days, LONGEST_GAP[around] - 2),
        fiscal_year_starts=starts,
    ),
    ZONES,
    st.sampled_from(list(LONGEST_GAP)),
    st.integers(-40, 40),
    st.integers(0, 40),
    st.integers(1, 12),
)


@given(freezes=st.lists(FIXED | RECURRING, min_size=1, max_size=4), moment=MOMENTS)
def test_until_is_the_first_moment_outside_every_freeze(freezes: list[Freeze], moment: datetime) -> None:
    found = hold(freezes, moment)
    assume(found is not None and found.until < moment + HORIZON)
    assert found is not None
    assert found.until > moment
    assert hold(freezes, found.until) is None
    assert hold(freezes, found.until - timedelta(microseconds=1)) is not None


@given(freeze=FIXED | RECURRING, moment=MOMENTS)
def test_a_recurring_freeze_is_found_from_every_moment_in_it(freeze: Freeze, moment: datetime) -> None:
    wide = freeze.windows(moment - timedelta(days=500), moment + timedelta(days=500))
    inside = any(window.start <= moment < window.end for window in wide)
    assert (hold(freeze, moment) is not None) is inside
