"""Who may lend a role, and what a lent role is good for: tables with a sentence a row."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from approvals.mandate import Mandate, lent, may_delegate
from approvals.person import load_people
from approvals.rules_file import load_rules
from tests.approvals.gate_stubs import ARJUN, DANA, EDITH, OLIVIA, PEOPLE, RULES, SAM

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
KNOWN = load_people(PEOPLE)
LENDING = load_rules(RULES + '\n[delegation]\nmax_days = 21\nroles = ["owner", "director"]\n')
ASKED: dict[str, Any] = {
    "giver": ARJUN,
    "receiver": OLIVIA,
    "roles": {"owner"},
    "start": NOW,
    "end": NOW + 7 * DAY,
    "people": KNOWN,
    "rules": LENDING,
    "now": NOW,
}
ROWS: list[tuple[str, dict[str, Any], str]] = [
    ("an owner lends the role for a week", {}, "ok"),
    ("a director lends a director's", {"giver": DANA, "roles": ["director"]}, "ok"),
    ("for the longest time there is", {"end": NOW + 21 * DAY}, "ok"),
    ("a moment longer", {"end": NOW + 21 * DAY + timedelta(microseconds=1)}, "too_long"),
    ("to oneself", {"receiver": ARJUN}, "self"),
    ("to nobody known", {"receiver": "p-ffffffff"}, "unknown_person"),
    ("by nobody known", {"giver": "p-ffffffff"}, "unknown_person"),
    ("nothing", {"roles": ()}, "no_role"),
    ("a role that the rules do not let be lent", {"roles": {"approver"}}, "not_delegable"),
    ("a role that the giver does not hold", {"roles": {"director"}}, "not_held"),
    ("one held and one not", {"roles": {"owner", "director"}}, "not_held"),
    ("by the auditor, who holds none of them", {"giver": EDITH}, "not_held"),
    ("backwards", {"end": NOW - DAY}, "ends_before_start"),
    ("for no time", {"end": NOW}, "ends_before_start"),
    ("in hindsight", {"start": NOW - timedelta(seconds=1)}, "past"),
    ("all of it in the past", {"start": NOW - 9 * DAY, "end": NOW - DAY}, "past"),
    ("where the rules lend nothing", {"rules": load_rules(RULES)}, "delegation_off"),
]


@pytest.mark.parametrize(("what", "changed", "code"), ROWS, ids=[row[0] for row in ROWS])
def test_may_delegate(what: str, changed: dict[str, Any], code: str) -> None:
    verdict = may_delegate(**(ASKED | changed))
    assert (verdict.code, verdict.allowed) == (code, code == "ok")
    assert verdict.reason


def mandate(**changed: Any) -> Mandate:
    given = {"giver": ARJUN, "receiver": OLIVIA, "roles": frozenset({"owner"}), "start": NOW, "end": NOW + DAY}
    return Mandate(**(given | changed))


LENT: list[tuple[str, Mandate, dict[str, Any], dict[str, str]]] = [
    ("while it lasts", mandate(), {}, {"owner": ARJUN}),
    ("to its last moment", mandate(), {"now": NOW + DAY - timedelta(microseconds=1)}, {"owner": ARJUN}),
    ("its end is excluded", mandate(), {"now": NOW + DAY}, {}),
    ("before it begins", mandate(start=NOW + timedelta(hours=1)), {}, {}),
    ("somebody else's", mandate(receiver=SAM), {}, {}),
    ("a role that the giver lost", mandate(giver=DANA), {}, {}),
    ("a role that may be lent no more", mandate(roles=frozenset({"approver"})), {}, {}),
    ("on what the giver asked for", mandate(), {"involved": (ARJUN,)}, {}),
    ("on what somebody else asked for", mandate(), {"involved": (SAM,)}, {"owner": ARJUN}),
    ("where the rules lend nothing", mandate(), {"rules": load_rules(RULES)}, {}),
]


@pytest.mark.parametrize(("what", "given", "changed", "roles"), LENT, ids=[row[0] for row in LENT])
def test_what_is_lent(what: str, given: Mandate, changed: dict[str, Any], roles: dict[str, str]) -> None:
    asked: dict[str, Any] = {"people": KNOWN, "rules": LENDING, "now": NOW}
    assert lent(OLIVIA, [given], **(asked | changed)) == roles


def test_what_was_lent_cannot_be_lent_on() -> None:
    chain = [mandate(), mandate(giver=OLIVIA, receiver=EDITH)]
    assert lent(OLIVIA, chain, people=KNOWN, rules=LENDING, now=NOW) == {"owner": ARJUN}
    assert lent(EDITH, chain, people=KNOWN, rules=LENDING, now=NOW) == {}
