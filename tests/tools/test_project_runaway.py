"""The rule about projects at OpenAI: as a table, on bills of either kind, and on the bank with planted runaways."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from approvals.changes.change import parse_change
from lake.engine import Lake
from lake.errors import LakeError
from lake.load import ingest
from lake.project_days import ProjectDays
from lake.sources import api_charges
from lake.sources.openai_api import COSTS, OpenAI
from lake.sources.paged_api import PagedApi
from sandbox.bank.write import write_bank
from tests.tools.small_bill import Asked, Charge, charge, days_of, desk_of, lake_of
from tools.desk import Desk
from tools.project_rules import judged_projects, of_projects
from tools.propose import propose_change
from tools.rules import project_runaway
from tools.rules.configured import thresholds_of
from tools.rules.evidence import Verdict
from tools.rules.thresholds import SavingsThresholds
from tools.savings import find_savings

WASTE, FINE, UNKNOWN = Verdict.WASTE, Verdict.FINE, Verdict.UNKNOWN
LIMITS = SavingsThresholds()
TODAY = date(2026, 11, 20)
END = TODAY.toordinal()
PAST, NEWEST = range(END - 30, END - 2), range(END - 2, END)
ALL = frozenset(range(END - 60, END))
PROJECT = "proj_kyc"


def project(before: str = "50", now: str = "400", **more: Any) -> ProjectDays:
    """So many dollars on each day of the four weeks before and on the newest two."""
    costs = dict.fromkeys(range(END - 60, END - 2), Decimal(before)) | dict.fromkeys(NEWEST, Decimal(now))
    made = ProjectDays(PROJECT, "USD", END, ALL, costs, teams=frozenset({"kyc"}))
    return replace(made, **more)


def costs(**days: str) -> dict[int, Decimal]:
    """The ordinary costs but for some days, each named by how far it lies back: `b3` is three days before the end."""
    return {**project().costs, **{END - int(name[1:]): Decimal(cost) for name, cost in days.items()}}


def shifted(days: int) -> ProjectDays:
    """The same project by a bill that ends so many days earlier."""
    made = project()
    moved = {day - days: cost for day, cost in made.costs.items()}
    return replace(made, end=END - days, costs=moved, known=frozenset(day - days for day in ALL))


CASES: list[tuple[str, Any, ProjectDays, Verdict | None, str]] = [
    # 400 a day, 55 of which are an ordinary day's most: 345 on each of 730 / 24 days
    ("eight times its level on both days", project_runaway, project(), WASTE, "10493.75"),
    ("three times its level, to the dollar", project_runaway, project(now="150"), WASTE, "2889.58"),
    ("just below three times its level", project_runaway, project(now="149.99"), FINE, ""),
    ("yesterday was an ordinary day", project_runaway, project(costs=costs(b1="50")), FINE, ""),
    ("only yesterday was dear", project_runaway, project(costs=costs(b2="50")), FINE, ""),
    ("one day of four weeks was as dear: no level", project_runaway, project(costs=costs(b9="900")), WASTE, "10493.75"),
    ("two days of four weeks were as dear: that is its level", project_runaway,
     project(costs=costs(b9="390", b17="390")), FINE, ""),
    ("dearer days lie more than four weeks back", project_runaway, project(costs=costs(b40="390", b41="390")), WASTE,
     "10493.75"),
    ("nineteen dollars a day call nobody", project_runaway, project("1", "19"), None, ""),
    ("a limit would refuse less than twenty dollars a day", project_runaway, project("9", "29"), FINE, ""),
    ("it is new: nothing to hold it against", project_runaway, project("0"), UNKNOWN, ""),
    ("its first day was two weeks before", project_runaway, project(since=END - 16), WASTE, "10493.75"),
    ("its first day was thirteen days before: its start is no level", project_runaway, project(since=END - 15),
     UNKNOWN, ""),
    ("its days are known since the month began", project_runaway, project(known=frozenset(range(END - 19, END))),
     WASTE, "10493.75"),
    ("thirteen days before are known", project_runaway, project(known=frozenset(range(END - 15, END))), UNKNOWN, ""),
    ("of yesterday nothing is known", project_runaway, project(known=ALL - {END - 1}), UNKNOWN, ""),
    ("of a day since the month began nothing is known", project_runaway,
     project(known=ALL - {date(2026, 11, 2).toordinal()}), UNKNOWN, ""),
    ("the bill ends the day before yesterday", project_runaway, shifted(1), WASTE, "10493.75"),
    ("the bill ends three days ago", project_runaway, shifted(2), UNKNOWN, ""),
    ("other teams use it too, which the asker does not see", project_runaway, project(whole=False), UNKNOWN, ""),
    ("euros are no limit of OpenAI's", project_runaway, project(currency="EUR"), UNKNOWN, ""),
]  # fmt: skip


@pytest.mark.parametrize(("what", "rule", "use", "verdict", "saving"), CASES, ids=[row[0] for row in CASES])
def test_the_rule_says(what: str, rule: Any, use: ProjectDays, verdict: Verdict | None, saving: str) -> None:
    said = rule.judge(use, LIMITS, today=TODAY)
    assert (said.finding.verdict if said else None) == verdict, what
    if said is None:
        return
    assert (said.finding.missing != ()) == (verdict == UNKNOWN)
    assert (said.money is not None) == (said.change is not None) == bool(saving)
    if saving:
        assert round(said.money.cash, 2) == Decimal(saving)
        assert said.money.low <= said.money.cash <= said.money.high
        assert parse_change(said.change).kind == project_runaway.FORM.kind


ROOM: list[tuple[str, date, ProjectDays, int]] = [
    # 17 days of 50 and two of 400 were spent, today counts as 400, and ten days are left at 55
    ("on the twentieth, told up to yesterday", TODAY, project(), 850 + 800 + 400 + 550),
    ("a day that is not told yet counts as the newest did", TODAY, shifted(1), 16 * 50 + 800 + 2 * 400 + 550),
    ("whole dollars, upwards", TODAY, project(now="400.005"), 850 + 801 + 400 + 550),
]


@pytest.mark.parametrize(("what", "today", "use", "dollars"), ROOM, ids=[row[0] for row in ROOM])
def test_the_limit_leaves_room_for_ordinary_days_until_the_month_ends(
    what: str, today: date, use: ProjectDays, dollars: int
) -> None:
    said = project_runaway.judge(use, LIMITS, today=today)
    assert said is not None
    assert said.change is not None
    assert said.change["after"] == {"cents": dollars * 100}


def test_on_the_first_of_a_month_nothing_was_spent_in_it_yet() -> None:
    first = date(2026, 11, 1)
    said = project_runaway.judge(shifted((TODAY - first).days), LIMITS, today=first)
    assert said is not None
    assert said.change is not None
    assert said.change["after"] == {"cents": (400 + 29 * 55) * 100}


@pytest.mark.parametrize(("days", "verdict"), [(14, WASTE), (13, UNKNOWN)])
def test_its_level_takes_two_weeks(days: int, verdict: Verdict) -> None:
    """On the tenth: what was spent since the month began is known either way."""
    tenth = date(2026, 11, 10)
    use = shifted((TODAY - tenth).days)
    known = frozenset(range(use.end - 2 - days, use.end))
    said = project_runaway.judge(replace(use, known=known), LIMITS, today=tenth)
    assert said is not None
    assert said.finding.verdict == verdict
    assert said.finding.missing == (() if days == 14 else ("14 known days before them (there are 13)",))


def test_a_project_that_the_bill_does_not_name_by_its_id_is_not_changed() -> None:
    said = project_runaway.judge(project(project="no project"), LIMITS, today=TODAY)
    assert said is not None
    assert (said.finding.verdict, said.change) == (WASTE, None)


def test_the_organisation_is_called_as_the_home_says() -> None:
    limits = thresholds_of('[project_runaway]\norganisation = "bank-eu"\n', name="savings.toml")
    said = project_runaway.judge(project(), limits, today=TODAY)
    assert said is not None
    assert said.change is not None
    assert said.change["account"] == "bank-eu"


@pytest.mark.parametrize("text", ["window_days = 0", "window_days = 8", "level_percent = 101"])
def test_limits_by_which_nothing_could_be_judged_are_refused(text: str) -> None:
    with pytest.raises(LakeError):
        thresholds_of(f"[project_runaway]\n{text}\n", name="savings.toml")


NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
FIRST = date(2026, 10, 1)


def daily(day: date, *, dear: str = "400", ordinary: str = "50") -> str:
    return dear if day >= TODAY - timedelta(days=2) else ordinary


def test_costs_that_were_pulled_from_the_interface_tell_it(tmp_path: Path) -> None:
    source = OpenAI(cast("PagedApi", None))
    buckets = [
        {
            "object": "bucket", "start_time": int(datetime.combine(day, time(), UTC).timestamp()),
            "results": [{
                "object": "organization.costs.result", "amount": {"value": daily(day), "currency": "usd"},
                "line_item": "gpt-5-mini-2025-08-07, output", "project_id": PROJECT, "api_key_id": None,
            }],
        }
        for day in days_of(FIRST, 50)
    ]  # fmt: skip
    read = source.probe(TODAY).by_day({"data": buckets})
    made = source.joined({COSTS: read}, now=NOW)
    lake = Lake(tmp_path / "lake")
    ingest(lake, api_charges.write(made.charges, tmp_path, "openai"), now=NOW, source="openai")
    (one,) = judged_projects(desk_of(lake, now=NOW))
    assert (one.resource.resource_id, one.verdict) == (f"openai/{PROJECT}", WASTE)
    assert one.judged.change is not None
    assert one.judged.change["after"] == {"cents": (850 + 800 + 400 + 550) * 100}


def shared(folder: Path) -> Lake:
    """A project that one team uses as ever, and another one beyond all measure; and a project of one team alone."""
    rows: list[Charge] = []
    for day in days_of(FIRST, 50):
        for team, cost, name in (
            ("kyc", "30", PROJECT), ("claims", daily(day, dear="370", ordinary="20"), PROJECT),
            ("kyc", daily(day), "proj_own"),
        ):  # fmt: skip
            given = {"ProviderName": "OpenAI", "SubAccountId": name, "x_use_case": team}
            rows.append(charge(day, cost, team=team, service="OpenAI API", **given))
    return lake_of(folder, rows, now=NOW)


def test_a_project_that_teams_share_is_judged_only_by_who_sees_all_of_it(tmp_path: Path) -> None:
    lake = shared(tmp_path)
    everybody = {one.resource.resource_id: one for one in judged_projects(desk_of(lake, now=NOW))}
    assert {name: str(one.verdict) for name, one in everybody.items()} == {
        f"openai/{PROJECT}": "waste", "openai/proj_own": "waste",
    }  # fmt: skip
    assert everybody[f"openai/{PROJECT}"].resource.team == "(several)"
    claims = judged_projects(Desk(lake=lake, now=NOW, speaker="p-1", scope=("claims",)))
    assert [(one.resource.resource_id, str(one.verdict)) for one in claims] == [(f"openai/{PROJECT}", "unknown")]
    kyc = judged_projects(Desk(lake=lake, now=NOW, speaker="p-1", scope=("kyc",)))
    assert {one.resource.resource_id: str(one.verdict) for one in kyc} == {
        f"openai/{PROJECT}": "unknown", "openai/proj_own": "waste",
    }  # fmt: skip


def test_a_bill_without_openai_has_no_projects(tmp_path: Path) -> None:
    lake = lake_of(tmp_path, [charge(day, "500", team="kyc") for day in days_of(FIRST, 50)], now=NOW)
    assert of_projects(lake, since=FIRST) == []
    assert judged_projects(desk_of(lake, now=NOW)) == ()


def test_a_project_that_began_last_week_has_no_level_yet(tmp_path: Path) -> None:
    """Its weeks before are no ordinary days without a cost: there was no such project."""
    days = days_of(FIRST, 50)
    given = {"ProviderName": "OpenAI", "x_use_case": "kyc"}
    rows = [charge(day, "50", team="kyc", service="OpenAI API", SubAccountId="proj_old", **given) for day in days]
    for day, cost in zip(days[-9:], ["5"] * 7 + ["400"] * 2, strict=True):
        rows.append(charge(day, cost, team="kyc", service="OpenAI API", SubAccountId=PROJECT, **given))
    told = judged_projects(desk_of(lake_of(tmp_path, rows, now=NOW), now=NOW))
    assert {one.resource.resource_id: str(one.verdict) for one in told} == {
        f"openai/{PROJECT}": "unknown", "openai/proj_old": "fine",
    }  # fmt: skip
    (one,) = (one for one in told if one.verdict == UNKNOWN)
    assert one.judged.finding.missing == ("14 known days before them (there are 7)",)


UNTIL = date(2026, 10, 31)
MORNING = datetime(2026, 11, 1, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("bank")
    write_bank(folder, until=UNTIL, months=6, waste=True)
    told: dict[str, Any] = json.loads((folder / "truth.json").read_text())
    return told | {"folder": folder}


@pytest.fixture(scope="module")
def desk(truth: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    lake = Lake(tmp_path_factory.mktemp("home"))
    ingest(lake, [truth["folder"] / "bill" / "openai" / "2026-10.parquet"], now=MORNING)
    return desk_of(lake, now=MORNING, propose=Asked())


def test_of_the_banks_projects_all_that_was_planted_is_found_and_nothing_else(
    desk: Desk, truth: dict[str, Any]
) -> None:
    told = {one.resource.resource_id: str(one.verdict) for one in judged_projects(desk)}
    planted = {one["resource"]: one["verdict"] for one in truth["projects"]}
    # The bank's other projects spend as they always did.
    assert {told[name] for name in told.keys() - planted.keys()} == {"fine"}
    assert {name: told.get(name, "") for name in planted} == planted


def test_the_money_and_the_limit_are_the_planted_truth(desk: Desk, truth: dict[str, Any]) -> None:
    told = {one.resource.resource_id: one.judged for one in judged_projects(desk)}
    waste = [one for one in truth["projects"] if one["verdict"] == "waste"]
    assert len(waste) == 2
    for one in waste:
        judged, saving = told[one["resource"]], Decimal(one["saving_per_month"])
        assert judged.money is not None
        assert abs(judged.money.cash - saving) <= saving / 1_000_000
        pace = saving / 730 * 24 + Decimal(one["ordinary_day"]) * Decimal("1.1")
        room = pace + 29 * Decimal(one["ordinary_day"]) * Decimal("1.1")
        assert judged.change is not None
        assert judged.change["after"]["cents"] == int(round(room, 6).to_integral_value(ROUND_CEILING)) * 100


def test_it_is_in_the_list_and_in_no_total(desk: Desk, truth: dict[str, Any]) -> None:
    result = find_savings(desk, where={"rule": "project_runaway"}, top=100)
    assert {row.names["resource"] for row in result.rows if row.texts["verdict"] == "waste"} == {
        one["resource"] for one in truth["projects"] if one["verdict"] == "waste"
    }
    assert not result.totals
    assert any("in no total" in note for note in result.notes)


def test_what_is_asked_for_promises_no_saving_and_says_for_which_case_it_is_reckoned(
    desk: Desk, truth: dict[str, Any]
) -> None:
    one = next(one for one in truth["projects"] if one["verdict"] == "waste")
    assert propose_change(desk, target=one["resource"], kind="set_openai_spend_limit").error is None
    wanted = desk.propose.wanted[-1]  # type: ignore[attr-defined]
    assert (wanted.evidence["rule"], wanted.evidence["saving"]) == ("project_runaway", None)
    assert Decimal(wanted.evidence["amount"]) > 0
    money = [figure["label"] for figure in wanted.evidence["figures"] if "a month" in figure["label"]]
    assert money
    assert all("if it goes on" in label for label in money)
