"""Who may lend a role, and what a lent role is good for: tables with a sentence a row."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from approvals.lending import Lending, may_delegate, with_lendings
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


def lending(**changed: Any) -> Lending:
    given: dict[str, Any] = {
        "id": "D-1",
        "giver": ARJUN,
        "receiver": OLIVIA,
        "roles": frozenset({"owner"}),
        "start": NOW,
        "end": NOW + DAY,
    }
    return Lending(**(given | changed))


LENT: list[tuple[str, Lending, dict[str, Any], dict[str, str]]] = [
    ("while it lasts", lending(), {}, {"owner": ARJUN}),
    ("to its last moment", lending(), {"now": NOW + DAY - timedelta(microseconds=1)}, {"owner": ARJUN}),
    ("its end is excluded", lending(), {"now": NOW + DAY}, {}),
    ("before it begins", lending(start=NOW + timedelta(hours=1)), {}, {}),
    ("somebody else's", lending(receiver=SAM), {}, {}),
    ("a role that the giver lost", lending(giver=DANA), {}, {}),
    ("a role that may be lent no more", lending(roles=frozenset({"approver"})), {}, {}),
    ("on what the giver asked for", lending(), {"involved": (ARJUN,)}, {}),
    ("on what somebody else asked for", lending(), {"involved": (SAM,)}, {"owner": ARJUN}),
    ("where the rules lend nothing", lending(), {"rules": load_rules(RULES)}, {}),
]


def lent(receiver: str, *lendings: Lending, involved: tuple[str, ...] = (), **changed: Any) -> dict[str, str]:
    given: dict[str, Any] = {"rules": LENDING, "now": NOW}
    people = with_lendings(KNOWN, lendings, **(given | changed))
    return {one.role: one.giver for one in people.by_id[receiver].lent if one.giver not in involved}


@pytest.mark.parametrize(("what", "given", "changed", "roles"), LENT, ids=[row[0] for row in LENT])
def test_what_is_lent(what: str, given: Lending, changed: dict[str, Any], roles: dict[str, str]) -> None:
    assert lent(OLIVIA, given, **changed) == roles


def test_a_lent_role_does_not_count_apart_from_its_giver() -> None:
    people = with_lendings(KNOWN, [lending()], rules=LENDING, now=NOW)
    assert "owner" in people.roles(OLIVIA)
    assert "owner" not in people.roles(OLIVIA, (ARJUN,))


def test_what_was_lent_cannot_be_lent_on() -> None:
    chain = (lending(), lending(giver=OLIVIA, receiver=EDITH))
    assert lent(OLIVIA, *chain) == {"owner": ARJUN}
    assert lent(EDITH, *chain) == {}
