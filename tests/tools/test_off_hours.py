"""Machines for development outside working hours, as a table; and working hours themselves, where clocks change."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from approvals.changes.change import parse_change
from approvals.changes.stop_schedule import ScheduleStop
from lake.errors import LakeError
from lake.metered import Metered
from tests.tools.test_bill_rules import AT, FINE, LAST, LOOK, UNKNOWN, WASTE, machine
from tools.rules import off_hours
from tools.rules.configured import thresholds_of
from tools.rules.evidence import Verdict
from tools.rules.judged import Look, MachineHour
from tools.rules.office_hours import office_hours

START = datetime(2026, 10, 18, tzinfo=UTC)
GROUP_TAG = "aws:autoscaling:groupName"


def hours(busy: Any, *, count: int = 336, gpu: str | None = None) -> tuple[MachineHour, ...]:
    """A fortnight in which it is used in the hours that `busy` says, by their weekday and hour in UTC."""
    told = []
    for at in range(count):
        hour = START + timedelta(hours=at)
        cpu = Decimal(40) if busy(hour.weekday(), hour.hour) else Decimal("1.5")
        told.append(MachineHour(hour, cpu, Decimal("0.4"), None if gpu is None else Decimal(gpu)))
    return tuple(told)


def by_day(weekday: int, hour: int) -> bool:
    return weekday < 5 and 8 <= hour < 18


DAY = hours(by_day)
HOURS: dict[str, tuple[MachineHour, ...]] = {
    "by day": DAY,
    "nights too": hours(lambda weekday, hour: by_day(weekday, hour) or hour == 2),
    "one Saturday": hours(lambda weekday, hour: by_day(weekday, hour) or (weekday, hour) == (5, 11)),
    "never": hours(lambda *_: False),
    "gaps": DAY[:200],
    "stale": tuple(replace(one, hour=one.hour - timedelta(days=7)) for one in DAY),
    "no network": tuple(replace(one, network_mb=None) for one in DAY),
    "network at night": tuple(replace(one, network_mb=Decimal(4)) if one.hour.hour == 3 else one for one in DAY),
    "gpus by day": hours(by_day, gpu="0"),
    "gpus at night": tuple(
        replace(one, gpu_percent=Decimal(80 if one.hour.hour == 3 else 0)) for one in hours(by_day, gpu="0")
    ),
    "in New York": hours(lambda weekday, hour: weekday < 5 and 12 <= hour < 23),
}
IDS = {name: f"i-0aaaaaaaaaaaaaa{at:02x}" for at, name in enumerate((*HOURS, "unmeasured"))}
SEEN = replace(
    LOOK, machine_hours={IDS[name]: told for name, told in HOURS.items()}, group_tag=GROUP_TAG,
)  # fmt: skip


def desk(name: str, kind: str = "m6a.4xlarge", price: str = "0.70", *, of: str = "development", **more: Any) -> Metered:
    made = machine(kind, price, **more)
    return replace(made, resource_id=IDS[name], environment=of)


def tagged(name: str, **tags: str) -> Look:
    return replace(SEEN, tags={IDS[name]: {key.replace("_", "-"): value for key, value in tags.items()}})


def working(**limits: Any) -> Look:
    changed = replace(SEEN.limits.off_hours, **limits)
    return replace(SEEN, limits=replace(SEEN.limits, off_hours=changed))


HOLIDAY = replace(SEEN, holidays=frozenset({date(2026, 10, 26)}))
GROUPED = replace(SEEN, tags={IDS["by day"]: {GROUP_TAG: "web"}})
CASES: list[tuple[str, Metered, Look, Verdict | None, str]] = [
    # 0.70 dollars an hour, 103 of 168 hours outside working hours: 0.70 * 730 * 103 / 168
    ("used by day, runs day and night", desk("by day"), SEEN, WASTE, "313.29"),
    ("a job at two o'clock is use", desk("nights too"), SEEN, FINE, ""),
    ("somebody worked on a Saturday", desk("one Saturday"), SEEN, FINE, ""),
    ("one such hour is allowed where the limits say so", desk("one Saturday"), working(most_busy_hours=2), WASTE,
     "313.29"),
    ("data is sent at night, though CPU sleeps", desk("network at night"), SEEN, FINE, ""),
    ("never used at all: that is for another rule", desk("never"), SEEN, None, ""),
    ("switched off at some hours already", desk("by day", least="12"), SEEN, FINE, ""),
    ("not billed on every day", desk("by day", days=10), SEEN, FINE, ""),
    ("production is left alone", desk("by day", of="production"), SEEN, None, ""),
    ("whose environment nobody knows", desk("by day", of="(untagged)"), SEEN, None, ""),
    ("a tag says that it is to run", desk("by day"), tagged("by day", always_on="yes"), FINE, ""),
    ("a tag that says no says nothing", desk("by day"), tagged("by day", always_on="no"), WASTE, "313.29"),
    ("a machine of a scaling group, which would replace it", desk("by day"), GROUPED, None, ""),
    ("two fifths of its hours were never measured", desk("gaps"), SEEN, UNKNOWN, ""),
    ("measured until a week ago", desk("stale"), SEEN, UNKNOWN, ""),
    ("its network was never measured", desk("no network"), SEEN, UNKNOWN, ""),
    ("nothing was measured", desk("unmeasured"), SEEN, None, ""),
    ("its GPUs rest too", desk("gpus by day", "g5.2xlarge", "1.212"), SEEN, WASTE, "542.44"),
    ("its GPUs work at night", desk("gpus at night", "g5.2xlarge", "1.212"), SEEN, FINE, ""),
    ("what its GPUs did was never measured", desk("by day", "g5.2xlarge", "1.212"), SEEN, UNKNOWN, ""),
    ("used on a holiday, on which nobody works", desk("by day"), HOLIDAY, FINE, ""),
    ("by New York's clock, judged by UTC's", desk("in New York"), SEEN, FINE, ""),
    ("by New York's clock, judged by its own", desk("in New York"), working(time_zone="America/New_York"), WASTE,
     "313.29"),
    ("working hours are shorter elsewhere: 50 of 168", desk("by day"), working(working_hours="08:00-18:00"), WASTE,
     "358.92"),
    ("a few dollars are not worth a schedule", desk("by day", price="0.01"), SEEN, FINE, ""),
    ("a plan covers it: no cash is saved", desk("by day", bare="0"), SEEN, FINE, ""),
    ("stopped two days ago", desk("by day", last=LAST - timedelta(days=2)), SEEN, None, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sentence", "what", "look", "verdict", "saving"), CASES, ids=[row[0] for row in CASES]
)  # fmt: skip
def test_the_rule_says(sentence: str, what: Metered, look: Look, verdict: Verdict | None, saving: str) -> None:
    said = off_hours.judge(what, look)
    assert (said.finding.verdict if said else None) == verdict, sentence
    if verdict == UNKNOWN:
        assert said is not None
        assert said.finding.missing
    if saving:
        assert said is not None
        assert said.money is not None
        assert round(said.money.cash, 2) == Decimal(saving)
        assert said.change is None  # no role is named that might stop it


def test_the_finding_tells_the_exact_schedule() -> None:
    said = off_hours.judge(desk("by day"), working(time_zone="Europe/Berlin"))
    assert said is not None
    assert "start cron(0 7 ? 1-12 MON,TUE,WED,THU,FRI 1970-2199)" in said.why
    assert "stop cron(0 20 ? 1-12 MON,TUE,WED,THU,FRI 1970-2199)" in said.why
    assert "Europe/Berlin" in said.why


def test_with_a_role_it_is_a_change_that_ends_after_a_quarter() -> None:
    said = off_hours.judge(desk("by day"), working(time_zone="Europe/Berlin", scheduler_role="evenings"))
    assert said is not None
    assert said.change is not None
    change = parse_change(said.change)
    assert isinstance(change, ScheduleStop)
    assert change.words() == "daily at 20:00 Europe/Berlin until 2027-01-31"
    assert change.opt_out_tags == ("always-on", "no-off-hours", "standby")  # for whoever looks at the machine itself


BERLIN = office_hours("07:00-20:00", ("mon", "tue", "wed", "thu", "fri"), "Europe/Berlin")
MOMENTS = [
    ("in summer seven o'clock is five in UTC", datetime(2026, 10, 23, 5, tzinfo=UTC), True),
    ("an hour before that", datetime(2026, 10, 23, 4, tzinfo=UTC), False),
    ("after the clocks went back it is six", datetime(2026, 10, 26, 6, tzinfo=UTC), True),
    ("and five is too early", datetime(2026, 10, 26, 5, tzinfo=UTC), False),
    ("the last hour begins at nineteen", datetime(2026, 10, 26, 18, tzinfo=UTC), True),
    ("and ends at twenty", datetime(2026, 10, 26, 19, tzinfo=UTC), False),
    ("a Saturday", datetime(2026, 10, 24, 10, tzinfo=UTC), False),
    ("Monday begins in Berlin while it is Sunday in UTC", datetime(2026, 10, 25, 23, tzinfo=UTC), False),
]


@pytest.mark.parametrize(("what", "moment", "wanted"), MOMENTS, ids=[row[0] for row in MOMENTS])
def test_a_machine_is_wanted(what: str, moment: datetime, wanted: bool) -> None:
    assert BERLIN.wanted(moment, frozenset()) == wanted
    assert not BERLIN.wanted(moment, frozenset({moment.astimezone(BERLIN.zone).date()}))


WRONG = [
    ("hours that end before they begin", 'working_hours = "20:00-07:00"', "of one day"),
    ("half hours", 'working_hours = "07:30-20:00"', "whole hours"),
    ("no hours", 'working_hours = "office"', "of the form"),
    ("a day that is none", 'working_days = ["monday"]', "monday"),
    ("a zone that is none", 'time_zone = "Mars/Olympus"', "Mars/Olympus"),
]


@pytest.mark.parametrize(("what", "line", "says"), WRONG, ids=[row[0] for row in WRONG])
def test_settings_that_are_none_are_refused(what: str, line: str, says: str) -> None:
    with pytest.raises(LakeError, match=says):
        thresholds_of(f"[off_hours]\n{line}\n", name="savings.toml")


def test_the_look_back_of_the_table_ends_where_the_others_do() -> None:
    assert START + timedelta(days=14) == datetime(2026, 11, 1, tzinfo=UTC)
    assert START.date() + timedelta(days=13) == LAST
    assert START + timedelta(days=14) < AT
