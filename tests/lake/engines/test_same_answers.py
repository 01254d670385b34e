"""The same question on the embedded engine and on a real PostgreSQL: the same rows and totals, to the last digit."""

import itertools
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from lake.engine import Answered
from lake.errors import NameNotKnown
from lake.machines import machines
from lake.period import Period
from lake.question import DIMENSIONS, EVERY_TEAM, Metric, Question
from lake.resources import daily_costs, last_billed, resources
from lake.uncategorised import uncategorised
from tests.lake.engines.conftest import Twice

OCTOBER, SEPTEMBER, BOTH = (Period.parse(text) for text in ("2026-10", "2026-09", "2026-09-10..2026-10-20"))
NAMES = (*DIMENSIONS, "tag:cost center", "tag:k'ey", "tag:none such")
FILTERS: tuple[dict[str, tuple[str, ...]], ...] = (
    {},
    {"service": ("it's", 'say "hi"', "back\\slash")},
    {"service": ("two\nlines", "tab\there", "%s {x}", "\\N")},
    {"team": ("risk", "(untagged)")},
    {"tag:cost center": ("it's", "(untagged)"), "provider": ("AWS",)},
    {"region": ("(none)",)},
    {"service": ("MACHINES",)},
)


def questions(seed: int, count: int) -> list[Question]:
    """So many questions, each of another kind; every dimension is among them."""
    dice, made = random.Random(seed), []
    names = itertools.cycle(dice.sample(NAMES, len(NAMES)))
    for _ in range(count):
        compare = dice.choice((None, None, SEPTEMBER))
        times = () if compare else dice.choice(((), ("month",), ("day",)))
        by = tuple(dict.fromkeys([*times, *(next(names) for _ in range(dice.randrange(3)))]))
        made.append(
            Question(
                metric=dice.choice(list(Metric)),
                period=OCTOBER if compare else dice.choice((OCTOBER, BOTH)),
                by=by,
                where=dice.choice(FILTERS),
                compare=compare,
                ai=dice.choice((None, None, True, False)),
                currency=dice.choice((None, "USD")),
                limit=dice.choice((None, 3)),
                teams_seen=dice.choice(((EVERY_TEAM,), ("risk", "Treasury"), ())),
            )
        )
    return made


def said(answered: Answered) -> Any:
    return (
        answered.rows,
        answered.totals,
        answered.previous_totals,
        answered.unknown,
        answered.previous_unknown,
        answered.snapshots,
        answered.complete,
        answered.completeness,
        answered.truncated,
        answered.question,
    )


def ask(lake: Any, question: Question) -> Any:
    try:
        return said(lake.ask(question))
    except NameNotKnown as refusal:
        return str(refusal)


def compared(twice: Twice, seed: int, count: int) -> tuple[list[Question], int]:
    """The questions that the two answer differently, and how many of all had rows to tell."""
    differing, told = [], 0
    for question in questions(seed, count):
        files, served = ask(twice.files, question), ask(twice.served, question)
        differing += [question] if served != files else []
        told += bool(files[0])
    return differing, told


@pytest.mark.slow
def test_two_dozen_questions(twice: Twice) -> None:
    differing, told = compared(twice, 1, 24)
    assert differing == []
    assert told > 8, "questions with nothing to say prove nothing"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_hundred_questions(twice: Twice) -> None:
    differing, told = compared(twice, 2, 100)
    assert differing == []
    assert told > 33


def test_the_answer_names_the_query_that_the_server_ran(twice: Twice) -> None:
    answered = twice.served.ask(Question(period=OCTOBER, by=("service",)))
    assert '"spendgate_lake"."charges"' in answered.query
    assert answered.read == "charges"


@pytest.mark.parametrize("name", ["service", "team", "tag:k'ey"])
def test_values_come_in_the_same_order(twice: Twice, name: str) -> None:
    assert twice.served.values(name) == twice.files.values(name)


def test_a_nul_in_a_tag_is_its_picture_on_the_server(twice: Twice) -> None:
    assert twice.files.values("tag:odd").count("nul\x00l") == 1
    assert "nul␀l" in twice.served.values("tag:odd")


@pytest.mark.parametrize("by", [(), ("team",), ("provider", "service")])
def test_daily_series(twice: Twice, by: tuple[str, ...]) -> None:
    for settled in (True, False):
        assert twice.served.daily(by=by, settled=settled) == twice.files.daily(by=by, settled=settled)


def test_machines_coverage_and_periods(twice: Twice) -> None:
    found = machines(twice.files, OCTOBER).found
    assert {one.instance_type for one in found} <= {"g5.12xlarge", "m7g.large"}
    assert found
    assert machines(twice.served, OCTOBER).found == found
    assert resources(twice.files, BOTH, ids="^vol-").found
    assert resources(twice.served, BOTH, ids="^vol-").found == resources(twice.files, BOTH, ids="^vol-").found
    assert daily_costs(twice.served, BOTH, ["i-1"]) == daily_costs(twice.files, BOTH, ["i-1"])
    assert last_billed(twice.served, BOTH, ids=".") == last_billed(twice.files, BOTH, ids=".")
    assert uncategorised(twice.served, BOTH).found == uncategorised(twice.files, BOTH).found
    assert twice.served.coverage() == twice.files.coverage()
    assert twice.served.last_complete_period() == twice.files.last_complete_period()
    assert twice.served.latest_period() == twice.files.latest_period()
    assert datetime.fromisoformat(twice.served.coverage()[0].data_through).tzinfo == UTC
