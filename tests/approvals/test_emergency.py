"""Stopping everything and breaking the glass: who may, tables with a sentence a row."""

from typing import Any

import pytest

from approvals.emergency import emergency_requirement, may_break_glass, may_review, may_stop
from approvals.person import load_people
from approvals.rules import NON_PRODUCTION, PRODUCTION
from approvals.rules_file import load_rules
from tests.approvals.gate_stubs import ARJUN, DANA, EDITH, OLIVIA, PEOPLE, RULES, SAM

KNOWN = load_people(PEOPLE)
PLAIN = load_rules(RULES)
GLASS = """
[break_glass]
roles = ["ops_manager"]
slots = ["owner", "director"]
vote_within_hours = 1
review_within_hours = 24
reviewers = ["sre"]
"""
RULES_WITH = load_rules(RULES + GLASS)
ONLY_START = load_rules(RULES + GLASS + 'kinds = ["start_instance"]\n')

STOPS = [
    ("an ops manager", OLIVIA, PLAIN, "ok"),
    ("an owner", ARJUN, PLAIN, "ok"),
    ("the auditor, who would become a party", EDITH, PLAIN, "no_role"),
    ("the auditor, where the rules say so", EDITH, load_rules(RULES + '\n[kill_switch]\nroles = ["auditor"]\n'), "ok"),
    (
        "an owner, where the rules name others",
        ARJUN,
        load_rules(RULES + '\n[kill_switch]\nroles = ["vp"]\n'),
        "no_role",
    ),
    ("somebody unknown", "p-ffffffff", PLAIN, "unknown_person"),
]


@pytest.mark.parametrize(("what", "person", "rules", "code"), STOPS, ids=[row[0] for row in STOPS])
def test_may_stop(what: str, person: str, rules: Any, code: str) -> None:
    verdict = may_stop(person=person, people=KNOWN, rules=rules)
    assert (verdict.code, verdict.allowed) == (code, code == "ok")


BREAKS: list[tuple[str, dict[str, Any], str]] = [
    ("an ops manager", {}, "ok"),
    ("somebody without the role", {"person": ARJUN}, "no_role"),
    ("somebody unknown", {"person": "p-ffffffff"}, "unknown_person"),
    ("a kind that is not covered", {"rules": ONLY_START}, "not_covered"),
    ("a kind that is covered by name", {"rules": ONLY_START, "change_kind": "start_instance"}, "ok"),
    ("a kind that nobody knows", {"change_kind": "stop_everything"}, "not_covered"),
    ("while an earlier one waits for its review", {"unreviewed": ["P-0000000001"]}, "review_due"),
    ("where the rules know no emergency", {"rules": PLAIN}, "break_glass_off"),
]


@pytest.mark.parametrize(("what", "changed", "code"), BREAKS, ids=[row[0] for row in BREAKS])
def test_may_break_glass(what: str, changed: dict[str, Any], code: str) -> None:
    asked: dict[str, Any] = {
        "person": OLIVIA,
        "change_kind": "stop_instance",
        "people": KNOWN,
        "rules": RULES_WITH,
    }
    verdict = may_break_glass(**(asked | changed))
    assert (verdict.code, verdict.allowed) == (code, code == "ok")
    assert verdict.reason


REVIEWS = [
    ("a reviewer who took no part", SAM, (OLIVIA, ARJUN, DANA), RULES_WITH, "ok"),
    ("a reviewer who voted on it", SAM, (OLIVIA, SAM, DANA), RULES_WITH, "own_proposal"),
    ("somebody else", ARJUN, (OLIVIA,), RULES_WITH, "no_role"),
    ("somebody unknown", "p-ffffffff", (), RULES_WITH, "unknown_person"),
    ("where the rules know no emergency", SAM, (), PLAIN, "break_glass_off"),
]


@pytest.mark.parametrize(("what", "person", "involved", "rules", "code"), REVIEWS, ids=[row[0] for row in REVIEWS])
def test_may_review(what: str, person: str, involved: tuple[str, ...], rules: Any, code: str) -> None:
    verdict = may_review(person=person, involved=involved, people=KNOWN, rules=rules)
    assert (verdict.code, verdict.allowed) == (code, code == "ok")


@pytest.mark.parametrize("environment", [PRODUCTION, NON_PRODUCTION])
def test_an_emergency_needs_its_own_votes_whatever_the_amount(environment: Any) -> None:
    found = emergency_requirement("stop_instance", environment, RULES_WITH)
    assert [slot.words() for slot in found.slots] == ["owner", "director"]
    assert found.reason == "break-glass, to be reviewed within 24 hours: owner and director"
    assert (found.class_name, found.environment) == ("reversible", environment)
    with pytest.raises(ValueError, match="no \\[break_glass\\]"):
        emergency_requirement("stop_instance", environment, PLAIN)
