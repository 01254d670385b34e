"""What a change saved, measured on the bill: a row is a history of days, what is realised, and the cause of the gap."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.commands.savings_follow import report
from app.saved import STATES, Stage, first_rehearsals
from lake.engine import Lake
from lake.inventory import Inventory, ListedSnapshot, keep
from lake.load import ingest
from tests.tools.small_bill import Charge, charge, days_of, desk_of, lake_of, machine_day, written
from tools.realised import Deed, follow, shadow
from tools.rules.realised import Cost, measure, window

AT = date(2026, 10, 15)  # a Thursday
BEFORE, AFTER = window(AT, look_back=14, last=date(2026, 10, 29))


def costs(before: str, after: list[str], *, bare: str = "1") -> dict[date, Cost]:
    """Ten dollars a day before, or as given; then a cost for each day from the one after the change on."""
    told = {day: Decimal(before) for day in BEFORE} | {
        day: Decimal(cost) for day, cost in zip(AFTER, after, strict=False) if cost
    }
    return {day: Cost(cost, cost * Decimal(bare)) for day, cost in told.items()}


GONE = [""] * 14
ROWS: list[tuple[str, dict[date, Cost], str, str, str]] = [
    ("all of it gone", costs("10", GONE), "300", "140", "as promised"),
    ("it runs again from the eighth day on", costs("10", [""] * 7 + ["10"] * 7), "300", "70",
     "billed as before on 7 of 14 days"),
    ("never stopped", costs("10", ["10"] * 14), "300", "0", "billed as before on 14 of 14 days"),
    ("half was covered by a commitment", costs("10", GONE, bare="0.5"), "300", "70", "a commitment covered part"),
    ("something is still billed", costs("10", ["4"] * 14), "300", "84", "part of it is still billed"),
    ("dearer than before", costs("10", ["15"] * 14), "300", "-70", "costs more than before"),
    ("more than was promised", costs("10", GONE), "100", "140", "more than promised"),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "days", "promised", "cash", "cause"), ROWS, ids=[row[0] for row in ROWS])
def test_it_realised(sentence: str, days: dict[date, Cost], promised: str, cash: str, cause: str) -> None:
    found = measure(days, BEFORE, AFTER, promised_per_month=Decimal(promised), hours_per_month=730)
    assert found is not None
    assert found.cash == Decimal(cash)
    assert cause in found.cause
    assert found.counterfactual - found.actual == found.realised
    assert found.gap == found.promised - found.cash
    assert found.dearer == (found.realised < 0)


def test_a_day_is_held_against_the_same_weekdays_before() -> None:
    """A machine that rests at weekends would have rested on these too: that is no saving."""
    office = {day: Cost(Decimal(10), Decimal(10)) for day in BEFORE if day.weekday() < 5}
    found = measure(office, BEFORE, AFTER, promised_per_month=Decimal(217), hours_per_month=730)
    assert found is not None
    assert found.counterfactual == Decimal(10) * sum(day.weekday() < 5 for day in AFTER) == Decimal(100)


def test_the_day_of_the_change_counts_on_neither_side_and_a_year_is_the_most() -> None:
    before, after = window(AT, look_back=14, last=date(2028, 1, 1))
    assert AT not in before + after
    assert len(after) == 365


def test_without_days_on_both_sides_nothing_is_measured() -> None:
    assert measure(costs("10", GONE), BEFORE, [], promised_per_month=Decimal(1), hours_per_month=730) is None
    assert measure({}, BEFORE, AFTER, promised_per_month=Decimal(1), hours_per_month=730) is None


NOW = datetime(2026, 11, 10, 9, tzinfo=UTC)
AT_ONCE = date(2026, 10, 26)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """One machine stopped on 26 October, one that was rehearsed then and runs on; 5 dollars an hour."""
    rows = [machine_day(day, "stopped", 1) for day in days_of(date(2026, 10, 5), 21)]
    rows += [machine_day(day, "rehearsed", 2) for day in days_of(date(2026, 10, 5), 36)]
    rows += [charge(day, "1", team="other") for day in days_of(date(2026, 10, 5), 36)]
    return lake_of(tmp_path_factory.mktemp("realised"), rows)


def deed(number: int, at: date = date(2026, 10, 26), **more: Any) -> Deed:
    given: dict[str, Any] = {
        "proposal": f"P-{number}", "title": "Stop it", "name": f"machine-{number}", "rule": "idle_gpu_instance",
        "team": "fraud", "ids": (f"arn:aws:ec2:x:y:instance/i-0{number:016x}", f"i-0{number:016x}"), "at": at,
        "promised": Decimal(3650), "currency": "USD",
    }  # fmt: skip
    return Deed(**(given | more))


def test_it_is_measured_on_the_bill_up_to_its_settled_days(lake: Lake) -> None:
    (one,) = follow(desk_of(lake, now=NOW), [deed(1)])
    assert one.measured is not None
    # The bill reaches to 9 November; its last two days may still be restated.
    assert one.measured.days == (date(2026, 11, 7) - date(2026, 10, 26)).days == 12
    assert one.measured.cash == Decimal(120) * 12
    assert one.measured.promised == Decimal(3650) / Decimal(730) * 24 * 12
    assert one.measured.cause == "as promised"


def test_what_the_bill_does_not_tell_is_said(lake: Lake) -> None:
    desk = desk_of(lake, now=NOW)
    late, stranger, foreign = follow(desk, [deed(1, NOW.date()), deed(9), deed(1, currency="EUR")])
    assert "settled days reach to 2026-11-07 only" in late.why
    assert "no cost of it" in stranger.why
    assert foreign.measured is None
    assert follow(desk, []) == []


def bills(folder: Path, *files: list[Charge]) -> Lake:
    """A lake into which these bills were loaded one after another."""
    lake = Lake(folder / "lake")
    for number, rows in enumerate(files):
        ingest(lake, [written(folder / f"{number}.csv", rows)], now=NOW)
    return lake


def test_days_that_its_own_bill_has_not_reached_are_no_saving(tmp_path: Path) -> None:
    """The machine's provider has delivered to 27 October, another one to 9 November."""
    of_aws = [machine_day(day, "stopped", 1) for day in days_of(date(2026, 10, 5), 16)]
    of_aws += [charge(date(2026, 10, 27), "1")]
    of_openai = [charge(day, "1", ProviderName="OpenAI") for day in days_of(date(2026, 11, 1), 9)]
    lake = bills(tmp_path, of_aws, of_openai)
    stopped, late = follow(desk_of(lake, now=NOW), [deed(1, date(2026, 10, 21)), deed(1, date(2026, 10, 30))])
    assert late.measured is None
    assert "settled days reach to 2026-10-25 only" in late.why
    assert stopped.measured is not None
    assert (stopped.measured.days, stopped.measured.cash) == (4, Decimal(120) * 4)


def test_a_month_that_was_never_loaded_is_no_saving(tmp_path: Path) -> None:
    september = [machine_day(day, "stopped", 1) for day in days_of(date(2026, 9, 1), 28)]
    november = [charge(day, "1") for day in days_of(date(2026, 11, 1), 9)]
    lake = bills(tmp_path, september, november)
    one, other = follow(desk_of(lake, now=NOW), [deed(1, date(2026, 9, 27)), deed(2, date(2026, 9, 27))])
    assert one.measured is not None
    # 28 to 30 September, and 1 to 7 November; of October nobody knows.
    assert one.measured.days == 3 + 7
    assert one.measured.counterfactual == Decimal(120) * 10
    assert one.measured.actual == Decimal(120)
    assert other.measured is None


def test_days_before_the_bill_begins_are_not_held_against_it(tmp_path: Path) -> None:
    """Seven days of the look-back lie before the first charge: they are no days of rest."""
    rows = [machine_day(day, "x", 1) for day in days_of(date(2026, 10, 20), 6)]
    rows += [charge(day, "1") for day in days_of(date(2026, 10, 20), 21)]
    (one,) = follow(desk_of(lake_of(tmp_path, rows), now=NOW), [deed(1)])
    assert one.measured is not None
    assert one.measured.counterfactual == Decimal(120) * one.measured.days


def test_no_day_counts_for_two_changes_of_one_resource(tmp_path: Path) -> None:
    """Made smaller on 20 October, stopped on the 30th: each has the days up to the next, against the days before it."""
    rows = [machine_day(day, "x", 1, rate="5.00") for day in days_of(date(2026, 10, 5), 15)]
    rows += [machine_day(day, "x", 1, rate="2.00") for day in days_of(date(2026, 10, 20), 10)]
    rows += [charge(day, "1") for day in days_of(date(2026, 10, 5), 36)]
    desk = desk_of(lake_of(tmp_path, rows), now=NOW)
    deeds = [deed(1, date(2026, 10, 30)), deed(1, date(2026, 10, 20), rule="old_generation")]
    stop, resize = (one.measured for one in follow(desk, deeds))
    assert stop is not None
    assert resize is not None
    assert (resize.days, resize.cash) == (9, Decimal(72) * 9)
    assert (stop.days, stop.cash) == (8, Decimal(48) * 8)
    first, second = follow(desk, [deed(1), deed(1, rule="old_generation")])
    assert "another change of it followed on 2026-10-26" in first.why
    assert second.measured is None
    (_, after_it) = follow(desk, [deed(1), deed(1, rule="old_generation")], rehearsed=True)
    assert after_it.measured is not None


def disk_day(day: date, name: str) -> Charge:
    return charge(day, "3", service="Amazon Elastic Block Store", ResourceId=name, team="fraud")


def test_of_a_machine_that_stood_still_its_disks_tell_what_was_saved(tmp_path: Path) -> None:
    """It was terminated on 26 October with one disk; the other stayed. The machine itself was on no bill."""
    rows = [disk_day(day, "vol-0a") for day in days_of(date(2026, 10, 5), 21)]
    rows += [disk_day(day, "vol-0b") for day in days_of(date(2026, 10, 5), 36)]
    rows += [charge(day, "1") for day in days_of(date(2026, 10, 5), 36)]
    disks = (("arn:aws:ec2:x:y:volume/vol-0a", "vol-0a"), ("arn:aws:ec2:x:y:volume/vol-0b", "vol-0b"))
    desk = desk_of(lake_of(tmp_path, rows), now=NOW)
    gone = deed(1, disks=disks, promised=Decimal(90))
    (one,) = follow(desk, [gone])
    assert one.measured is not None
    assert (one.measured.counterfactual, one.measured.actual) == (Decimal(6) * 12, Decimal(3) * 12)
    assert one.measured.cash == Decimal(3) * 12
    (alone,) = follow(desk, [replace(gone, disks=())])
    assert "no cost of it" in alone.why


def snapshot(name: str, day: date, **tags: str) -> ListedSnapshot:
    at = datetime.combine(day, datetime.min.time(), UTC)
    return ListedSnapshot(name, "vol-0a", 500, "completed", at, {"spendgate:copy-of": "vol-0a", **tags})


def test_what_a_copy_costs_that_stays_is_no_saving(tmp_path: Path) -> None:
    """A disk of three dollars a day was deleted on 26 October behind a snapshot of one dollar a day."""
    rows = [disk_day(day, "vol-0a") for day in days_of(date(2026, 10, 5), 21)]
    for name in ("snap-0a", "snap-0b", "snap-0c"):
        rows += [charge(day, "1", ResourceId=name, team="fraud") for day in days_of(date(2026, 10, 27), 14)]
    rows += [charge(day, "1") for day in days_of(date(2026, 10, 5), 36)]
    desk = desk_of(lake_of(tmp_path, rows), now=NOW)
    gone = deed(1, ids=("arn:aws:ec2:x:y:volume/vol-0a", "vol-0a"), promised=Decimal("60.83"))
    gone = replace(gone, copy_tags={"spendgate:copy-of": "vol-0a", "spendgate:copy": "1"})
    (unlisted,) = follow(desk, [gone])
    assert unlisted.measured is not None
    assert unlisted.measured.cash == Decimal(3) * 12
    assert "what its copy costs since is not taken off" in unlisted.measured.cause
    copies = (
        snapshot("snap-0a", AT_ONCE, **{"spendgate:copy": "1"}),
        snapshot("snap-0b", AT_ONCE, **{"spendgate:copy": "2"}),  # of another change
        snapshot("snap-0c", date(2026, 10, 20), **{"spendgate:copy": "1"}),  # of an earlier attempt
    )
    keep(desk.lake.store.folder, Inventory("y", "x", NOW, snapshots=copies))
    (listed,) = follow(desk, [gone])
    assert listed.measured is not None
    assert (listed.measured.actual, listed.measured.cash) == (Decimal(12), Decimal(2) * 12)
    assert listed.measured.cause == "as promised"


def test_a_days_saving_is_not_both_the_machines_and_its_disks(tmp_path: Path) -> None:
    rows = [disk_day(day, "vol-0a") for day in days_of(date(2026, 10, 5), 21)]
    rows += [charge(day, "1") for day in days_of(date(2026, 10, 5), 36)]
    disk = deed(2, date(2026, 10, 20), ids=("arn:aws:ec2:x:y:volume/vol-0a", "vol-0a"), rule="gp2_to_gp3")
    machine = deed(1, disks=(disk.ids,))
    first, second = (one.measured for one in follow(desk_of(lake_of(tmp_path, rows), now=NOW), [disk, machine]))
    assert first is not None
    assert second is not None
    assert (first.days, second.days) == (5, 12)  # up to the 25th, and from the 27th on
    assert second.counterfactual == Decimal(3) * 12  # against the days after the disk was changed


def test_a_rehearsal_saved_nothing_and_is_told_apart(lake: Lake) -> None:
    (one,) = follow(desk_of(lake, now=NOW), [deed(2)])
    assert one.measured is not None
    assert one.measured.cash == 0
    assert shadow(one) == Decimal(120) * 12


def test_another_teams_cost_is_not_read(lake: Lake) -> None:
    (one,) = follow(desk_of(lake, now=NOW, scope=("other",)), [deed(1)])
    assert one.measured is None


def test_what_is_rehearsed_again_counts_once_from_its_first_time() -> None:
    again = [deed(1, date(2026, 11, 1)), deed(1), deed(1, rule="old_generation"), deed(2)]
    assert first_rehearsals(again) == again[1:]


def test_no_proposal_counts_at_two_stages() -> None:
    every = [state for states in STATES.values() for state in states]
    assert len(every) == len(set(every))


def test_the_report_says_what_was_saved_and_what_would_have_been(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = desk_of(lake, now=NOW)
    report(desk, Stage.REALISED, [deed(1), deed(2)], as_json=False)
    told = capsys.readouterr()
    assert "P-1\tmachine-1\tidle_gpu_instance\t2026-10-26\t12\t$1,440.00\t$1,440.00\tas promised" in told.out
    assert "billed as before on 12 of 12 days" in told.out
    assert "Saved in cash: $1,440.00, measured on the bill." in told.err
    report(desk, Stage.SHADOW, [deed(2)], as_json=False)
    assert "Would have saved: $1,440.00" in capsys.readouterr().err
    report(desk, Stage.PROPOSED, [deed(1)], as_json=True)
    assert '"promised_per_month": "3650"' in capsys.readouterr().out
    report(desk, Stage.APPROVED, [], as_json=False)
    assert "No saving is approved" in capsys.readouterr().err


def test_one_that_became_dearer_names_its_undoing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [machine_day(day, "x", 1, rate="1.00") for day in days_of(date(2026, 10, 5), 21)]
    rows += [machine_day(day, "x", 1, rate="3.00") for day in days_of(date(2026, 10, 26), 15)]
    report(desk_of(lake_of(tmp_path, rows), now=NOW), Stage.REALISED, [deed(1, promised=Decimal(100))], as_json=False)
    assert "spendgate proposals undo P-1" in capsys.readouterr().err
