"""What happened near a change of cost is attached to the answer, as far as the reader may hear of it."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from lake.engine import Lake
from lake.errors import LakeError
from lake.period import Period
from tests.tools.small_bill import charge, days_of, desk_of, lake_of
from tools.anomalies import find_anomalies
from tools.business_calendar import BusinessCalendar
from tools.desk import Desk
from tools.explain import explain_change
from tools.happenings import Happening, parsed
from tools.nearby import near

FIRST = date(2026, 7, 1)
DAYS = Period(date(2026, 9, 21), date(2026, 9, 24))
RETRIEVER = Happening(date(2026, 9, 20), "retriever v2", "fraud", "Amazon Bedrock")
DONE = Happening(date(2026, 9, 22), "P-0000000001 (Stop EC2 instance i-1)", "claims")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder: Path = tmp_path_factory.mktemp("nearby")
    rows = [
        charge(day, "900" if day in (DAYS.start, date(2026, 9, 22)) and team == "fraud" else "100", team=team)
        for day in days_of(FIRST, 92)
        for team in ("fraud", "claims")
    ]
    return lake_of(folder, rows)


def desk(lake: Lake, *, scope: tuple[str, ...] = ("*",), deploys: Sequence[Happening] = (RETRIEVER,)) -> Desk:
    one = desk_of(lake, scope=scope)
    one.deploys = tuple(deploys)
    one.carried_out = lambda days: [done for done in (DONE,) if days.start <= done.day < days.end]
    one.calendar = BusinessCalendar({date(2026, 9, 21): ("holiday",), date(2026, 9, 22): ("holiday",)})
    return one


@pytest.mark.parametrize(
    ("scope", "names", "told"),
    [
        (("*",), {}, ["holiday on 21 to 22 September 2026", "retriever v2", "P-0000000001"]),
        (("fraud",), {}, ["holiday", "retriever v2"]),
        (("claims",), {}, ["holiday", "P-0000000001"]),
        (("*",), {"team": ("FRAUD",)}, ["holiday", "retriever v2"]),
        (("*",), {"team": ("fraud",), "service": ("Claude API",)}, ["holiday"]),
        (("*",), {"service": ("amazon bedrock",)}, ["holiday", "retriever v2", "P-0000000001"]),
    ],
    ids=["everything", "one team's", "another's", "asked of a team", "of another service", "of a service"],
)
def test_who_hears_of_what(
    lake: Lake, scope: tuple[str, ...], names: dict[str, tuple[str, ...]], told: list[str]
) -> None:
    note = near(desk(lake, scope=scope), DAYS, names) or ""
    assert note.startswith("Near it, which need not be its cause: ")
    for one in ("holiday", "retriever v2", "P-0000000001"):
        assert (one in note) == any(one in wanted for wanted in told), note
    assert all(wanted in note for wanted in told)


def test_what_is_far_is_not_told_and_nothing_is_no_note(lake: Lake) -> None:
    far = Period(date(2026, 9, 10), date(2026, 9, 12))
    assert near(desk(lake), far, {}) is None


def test_of_very_many_the_nearest_are_told(lake: Lake) -> None:
    many = [Happening(DAYS.start + timedelta(days=at % 3), f"build {at:03d}") for at in range(60)]
    note = near(desk(lake, deploys=many), DAYS, {}) or ""
    assert note.count("deploy") == 3
    assert "build 000" in note


def test_an_explanation_carries_it_as_a_note_and_its_figures_stay_the_same(lake: Lake) -> None:
    with_it = explain_change(desk(lake), period="2026-09-21..2026-09-23")
    without = explain_change(desk_of(lake), period="2026-09-21..2026-09-23")
    assert any("retriever v2" in note for note in with_it.notes)
    assert [figure.value for figure in with_it.figures] == [figure.value for figure in without.figures]
    assert not any("Near" in note for note in without.notes)


def test_an_unusual_event_is_told_with_what_happened_as_it_began(lake: Lake) -> None:
    told = find_anomalies(desk(lake), period="2026-09")
    [note] = [one for one in told.notes if one.startswith("Near")]
    assert note.startswith("Near the event of team fraud")
    assert "retriever v2" in note
    assert "P-0000000001" not in note, "another team's"


def test_an_amount_in_a_deploys_name_is_none_of_ours(lake: Lake) -> None:
    lie = Happening(DAYS.start, "saves $1,000,000 a month")
    assert "1,000,000" not in (near(desk(lake, deploys=[lie]), DAYS, {}) or "1,000,000")


def test_a_file_of_deploys() -> None:
    text = 'date,what,team,service\n2026-11-25,retriever v2,fraud,\n\n2026-11-20,"a, b",,Amazon Bedrock\n'
    assert parsed(text, "deploys.csv") == (
        Happening(date(2026, 11, 20), "a, b", "", "Amazon Bedrock"),
        Happening(date(2026, 11, 25), "retriever v2", "fraud", ""),
    )
    assert parsed("\ufeffWhat,Date\nx,2026-11-25\n", "d") == (Happening(date(2026, 11, 25), "x"),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column date and no column what"),
        ("date,team\n2026-11-25,fraud\n", "no column what"),
        ("date,what\nsoon,x\n", "Line 2 has no date"),
        ("date,what\n2026-11-25,\n", "Line 2 does not say what was done"),
        ("date,what\n2026-11-25\n", "Line 2 has 1 columns, the heading 2"),
        ("date,what\n2026-11-25,a,b\n", "Line 2 has 3 columns, the heading 2"),
        ("date,what\n2026-11-25," + "x" * 200_000, "Line 2 is no line of a CSV file: field larger than field limit"),
    ],
)
def test_a_file_that_cannot_be_used_says_which_line(text: str, says: str) -> None:
    with pytest.raises(LakeError) as refused:
        parsed(text, "deploys.csv")
    assert says in refused.value.why
    assert "deploys.csv" in refused.value.what
