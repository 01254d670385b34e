"""What a reader may not see is nowhere: not in rows, totals, comparisons, anomalies, savings, candidates or notes."""

import json
from collections.abc import Callable
from datetime import date

import pytest

from lake.engine import Lake
from tests.tools.small_bill import Asked, Charge, charge, days_of, desk_of, lake_of, machine_day, usage_hours
from tools.anomalies import find_anomalies
from tools.catalogue import content
from tools.desk import Desk
from tools.explain import explain_change
from tools.propose import propose_change
from tools.result import ToolResult
from tools.savings import find_savings
from tools.spend import query_spend

FIRST = date(2026, 6, 1)
DAYS = days_of(FIRST, 162)  # to 9 November
SECRET = ("secret", "Hidden Service", "4242", "i-0000000000000000b", "hidden-machine")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    rows: list[Charge] = []
    for number, day in enumerate(DAYS):
        spike = 4242 if day == date(2026, 10, 20) else 0
        rows.append(charge(day, str(100 + number % 7), team="mine", service="Amazon Bedrock"))
        rows.append(charge(day, str(4242 + number % 5 + 10 * spike), team="secret", service="Hidden Service"))
    tags = {"Tags": json.dumps({"team": "secret"})}
    for day in DAYS[-25:]:
        rows.append(machine_day(day, "my-machine", 10, Tags=json.dumps({"team": "mine"})))
        rows.append(machine_day(day, "hidden-machine", 11, **tags))
    usage = usage_hours(10, DAYS[-14:]) + usage_hours(11, DAYS[-14:])
    return lake_of(tmp_path_factory.mktemp("scope"), rows, usage=usage)


QUESTIONS: dict[str, Callable[[Desk], ToolResult]] = {
    "total": lambda desk: query_spend(desk, period="2026-10"),
    "by team": lambda desk: query_spend(desk, period="2026-10", by=["team", "service", "resource"]),
    "top": lambda desk: query_spend(desk, period="2026-10", by=["team"], top=1),
    "compared": lambda desk: query_spend(desk, period="2026-10", by=["service"], compare="previous"),
    "by their name": lambda desk: query_spend(desk, period="2026-10", where={"service": "Hidden Service"}),
    "by a name near theirs": lambda desk: query_spend(desk, period="2026-10", where={"team": "secre"}),
    "why": explain_change,
    "why by team": lambda desk: explain_change(desk, by="team"),
    "anomalies": find_anomalies,
    "anomalies of theirs": lambda desk: find_anomalies(desk, where={"team": "secret"}),
    "savings": find_savings,
    "savings of theirs": lambda desk: find_savings(desk, where={"team": "secret"}),
    "stop theirs": lambda desk: propose_change(desk, target="hidden-machine"),
    "start theirs": lambda desk: propose_change(desk, target=f"i-0{11:016x}", kind="start_instance"),
}
# What the asker wrote is repeated; only what the lake adds would be a leak.
REPEATED = {"by their name": "Hidden Service", "anomalies of theirs": "secret", "savings of theirs": "secret",
            "stop theirs": "hidden-machine", "start theirs": "i-0000000000000000b"}  # fmt: skip


@pytest.mark.parametrize("name", QUESTIONS)
def test_nothing_of_another_team_is_told(lake: Lake, name: str) -> None:
    asked = Asked()
    result = QUESTIONS[name](desk_of(lake, scope=("mine",), propose=asked))
    told = json.dumps([result.to_json() | {"query": ""}, content(result)])
    told = told.replace(REPEATED.get(name, "\0"), "")
    assert [word for word in SECRET if word in told] == []
    assert asked.wanted == []


def test_the_same_questions_tell_it_to_who_may_see_it(lake: Lake) -> None:
    for name in ("by team", "compared", "savings", "stop theirs"):
        told = json.dumps(QUESTIONS[name](desk_of(lake, propose=Asked())).to_json())
        assert any(word in told for word in SECRET), name
    events = find_anomalies(desk_of(lake))
    assert events.rows[0].names["service"] == "Hidden Service"
    assert {row.names["team"] for row in events.rows[1:]} == {"mine", "secret"}  # two machines that began on one day


def test_the_total_is_of_what_is_seen_and_says_so(lake: Lake) -> None:
    result = query_spend(desk_of(lake, scope=("mine",)), period="2026-10", ai=True)
    machine = 16 * 120  # its days in October, at 5.00 an hour; a GPU machine is AI
    assert result.figures[0].value == machine + sum(100 + DAYS.index(day) % 7 for day in DAYS if day.month == 10)
    assert "Only what you may see: team mine." in result.notes


def test_who_may_see_nothing_gets_no_figure(lake: Lake) -> None:
    for question in (QUESTIONS["total"], QUESTIONS["why"], QUESTIONS["anomalies"], QUESTIONS["savings"]):
        result = question(desk_of(lake, scope=()))
        assert result.figures == ()
