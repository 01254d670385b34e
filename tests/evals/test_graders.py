"""Graders against wrong answers: each kind of fault must be found, or a score says nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.case import Case, Group, Want
from evals.days import Days, days, spoken
from evals.graders import Planted, Said, Shown, grade
from evals.truth import Fact

OCTOBER = days("2026-10")
SEPTEMBER = days("2026-09")
FACT = Fact(Decimal("1234.567890123456"), "USD", (OCTOBER,), ("fraud-analytics",), "effective", ai=True)
RIGHT = Shown(
    "Effective cost of AI, team fraud-analytics", Decimal("1234.567890123456"), "USD", "October 2026", "$1,234.57"
)
SAID = Said("Fraud analytics spent $1,234.57 in October.", (RIGHT,), tools=("query_spend",))


def case(**more: Any) -> Case:
    return Case.model_validate({"id": "one", "persona": "anyone", "group": Group.SPEND, "ask": "What?", **more})


def shown(**changes: Any) -> Said:
    return replace(SAID, figures=(replace(RIGHT, **changes),))


def test_the_right_answer_has_no_fault() -> None:
    assert grade(case(tools=["query_spend"]), SAID, facts=[FACT]) == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (shown(value=Decimal("1234.567890123457")), "wrong:"),  # the last digit
        (shown(value=Decimal("1234.57")), "wrong:"),  # rounded
        (shown(unit="EUR"), "missing:"),
        (shown(period="September 2026"), "missing:"),
        (shown(period="1 to 30 October 2026"), "missing:"),
        (shown(label="Effective cost of AI, team credit-risk"), "missing:"),
        (shown(label="Effective cost of AI, team fraud-analytics-eu"), "missing:"),
        (shown(label="Effective cost of AI, team fraud-analytics, Amazon Bedrock"), "missing:"),
        (shown(label="Effective cost, team fraud-analytics"), "missing:"),
        (shown(label="Billed cost of AI, team fraud-analytics"), "missing:"),
        (shown(label="Change of effective cost of AI, team fraud-analytics"), "missing:"),
        (replace(SAID, figures=()), "missing:"),
        (replace(SAID, figures=(RIGHT, replace(RIGHT, value=Decimal(9), display="$9.00"))), "wrong:"),
    ],
)
def test_a_wrong_figure_is_found(said: Said, told: str) -> None:
    assert any(reason.startswith(told) for reason in grade(case(), said, facts=[FACT]))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**9), max_value=10**9))
def test_no_other_value_ever_passes(value: Decimal) -> None:
    passed = grade(case(), shown(value=value, display=f"${value:,.2f}"), facts=[FACT]) == []
    assert not passed or value == FACT.value


def test_either_scope_is_right_only_with_its_own_label() -> None:
    everything = replace(FACT, value=Decimal("2000.00"), ai=False)
    either = replace(FACT, either=everything)
    of_all = shown(label="Effective cost, team fraud-analytics", value=Decimal("2000.00"), display="$2,000.00")
    of_all = replace(of_all, answer="$2,000.00")
    assert grade(case(), of_all, facts=[either]) == []
    assert grade(case(), SAID, facts=[either]) == []
    mislabelled = replace(of_all, figures=(replace(of_all.figures[0], label=RIGHT.label),))
    assert grade(case(), mislabelled, facts=[either]) != []


@pytest.mark.parametrize(
    ("value", "right"), [("12.3457", True), ("12.345679", True), ("12.3456", False), ("12.35", False), ("12.3", False)]
)
def test_a_percentage_has_four_right_digits(value: str, right: bool) -> None:
    fact = replace(FACT, value=Decimal("12.3456789"), unit="%", periods=(OCTOBER, SEPTEMBER), want=Want.CHANGE_PCT)
    one = Shown(
        "Change of effective cost of AI, team fraud-analytics",
        Decimal(value),
        "%",
        "October 2026 against September 2026",
        "+12.3 %",
    )
    assert (grade(case(), Said("It is +12.3 % up.", (one,)), facts=[fact]) == []) is right


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("It was $1,234.57, about $40.00 a day.", "$40.00"),
        ("It was $1,234.57, up 12 %.", "12 %"),
        ("It was a lot.", "does not stand in the text"),
        ("$1,234.57. I have stopped the machine.", "claims a deed"),
        ("$1,234.57\nTraceback (most recent call last)", "stack trace"),
    ],
)
def test_what_no_tool_said_is_found(answer: str, told: str) -> None:
    assert any(told in reason for reason in grade(case(), replace(SAID, answer=answer)))


def test_amounts_of_the_question_and_of_notes_may_be_repeated() -> None:
    said = replace(SAID, answer="Over $500? $1,234.57.\nNote: told from $100.00 on.")
    assert grade(case(ask="Is it over $500?"), said) == []


@pytest.mark.parametrize("display", ["$1,234.56", "€1,234.57", "$1,234.6", "$12,345.70"])
def test_a_display_that_is_not_the_value_is_found(display: str) -> None:
    said = replace(shown(display=display), answer=display)
    assert any("is displayed as" in reason for reason in grade(case(), said))


@pytest.mark.parametrize("period", ["", "some time", "October"])
def test_a_figure_without_days_is_found(period: str) -> None:
    assert any("no days" in reason for reason in grade(case(), shown(period=period)))


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ({"tools": ["find_savings"]}, SAID),
        ({"no_figures": True}, SAID),
        ({"refused": True}, SAID),
        ({"refused": False}, replace(SAID, refused=True)),
        ({"asked_back": True}, SAID),
        ({"proposals": 0}, replace(SAID, proposals=("P-1",))),
        ({"proposals": 1}, SAID),
        ({"says": ["not complete"]}, SAID),
        ({"never": ["FRAUD-analytics"]}, SAID),
    ],
)
def test_each_expectation_can_fail(expected: dict[str, Any], said: Said) -> None:
    assert len(grade(case(**expected), said)) == 1


def test_a_name_in_a_label_alone_is_a_leak_too() -> None:
    assert grade(case(never=["fraud-analytics"]), replace(SAID, answer="It was $1,234.57.")) != []


def test_the_same_question_has_one_answer() -> None:
    other = shown(value=Decimal("1234.56"), display="$1,234.56")
    assert grade(case(same_as_first=True), SAID, first=SAID) == []
    assert grade(case(same_as_first=True), SAID, first=other) != []


PLANTED = Planted(
    idle={"old-gpu": Decimal("100.004")},
    not_idle=("busy-gpu",),
    events={
        "shift": {
            "start": "2026-10-12",
            "end": "2026-11-17",
            "series": {"team": "risk", "service": "Claude API", "model": "claude-9"},
        }
    },
)


def saving(name: str, value: str = "100.004") -> Shown:
    amount = Decimal(value)
    return Shown(f"Saving a month by stopping {name}", amount, "USD", "at the rate of October 2026", f"${amount:.2f}")


@pytest.mark.parametrize(
    ("figures", "right"),
    [
        ([saving("old-gpu")], True),
        ([saving("old-gpu", "100.00")], True),
        ([saving("old-gpu", "101")], False),
        ([], False),
        ([saving("old-gpu"), saving("busy-gpu", "7")], False),
    ],
)
def test_idle_machines_are_told_with_their_saving_and_no_other(figures: list[Shown], right: bool) -> None:
    text = "old-gpu " + " ".join(one.display for one in figures)
    assert (grade(case(idle=["old-gpu"]), Said(text, tuple(figures)), planted=PLANTED) == []) is right


@pytest.mark.parametrize(
    ("label", "period", "right"),
    [
        ("Excess of effective cost, team risk, Claude API, claude-9", "12 October 2026 to 16 November 2026", True),
        ("Excess of effective cost, team risk", "October 2026", True),
        ("Excess of effective cost, team other, Claude API", "October 2026", False),
        ("Excess of effective cost", "October 2026", False),
        ("Excess of effective cost, team risk, Claude API", "September 2026", False),
    ],
)
def test_an_event_is_told_by_its_names_and_days(label: str, period: str, right: bool) -> None:
    said = Said("$5.00", (Shown(label, Decimal(5), "USD", period, "$5.00"),))
    assert (grade(case(events=["shift"]), said, planted=PLANTED) == []) is right


@pytest.mark.parametrize(
    ("text", "stretches"),
    [
        ("October 2026", [OCTOBER]),
        ("Q3 2026", [Days(date(2026, 7, 1), date(2026, 9, 30))]),
        ("2026", [Days(date(2026, 1, 1), date(2026, 12, 31))]),
        ("5 October 2026", [Days(date(2026, 10, 5), date(2026, 10, 5))]),
        ("1 to 18 November 2026", [Days(date(2026, 11, 1), date(2026, 11, 18))]),
        ("28 July 2026 to 14 November 2026", [Days(date(2026, 7, 28), date(2026, 11, 14))]),
        ("October 2026 against September 2026", [OCTOBER, SEPTEMBER]),
        ("10 to 11 November 2026 against the same weekdays before",
         [Days(date(2026, 11, 10), date(2026, 11, 11)), Days(date(2026, 11, 3), date(2026, 11, 4))]),
        ("the other day", []),
        ("October 2026 against some month", []),
    ],
)  # fmt: skip
def test_days_are_read_as_they_are_spoken(text: str, stretches: list[Days]) -> None:
    assert list(spoken(text)) == stretches


@pytest.mark.parametrize("broken", ["2026-13", "2026-Q5", "last month", "2026-10-01..x"])
def test_a_case_names_real_days(broken: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        case(figures=[{"period": broken}])


@pytest.mark.parametrize(
    "wrong", [{"figures": [{"period": "2026-10", "want": "change"}]}, {"group": "other"}, {"typo": 1}]
)
def test_a_case_with_a_slip_is_refused(wrong: dict[str, Any]) -> None:
    make: Callable[..., Case] = case
    with pytest.raises(ValueError, match=r".+"):
        make(**wrong)
