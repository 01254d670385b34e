"""Who could approve a change, and what a rules file and its people cannot do together."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.caps import Claimed
from approvals.check import Finding, check
from approvals.errors import GateError
from approvals.explain import Question, could_approve, explain, fillable
from approvals.person import Lent, People, Person, load_people
from approvals.policy import quorum
from approvals.rules import NON_PRODUCTION, PRODUCTION, Slot
from approvals.rules_file import load_rules
from tests.approvals.gate_stubs import ARJUN, DANA, EDITH, OLIVIA, PEOPLE, RULES, SAM
from tests.approvals.test_rules_tables import EXAMPLES

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
KNOWN = load_people(PEOPLE)
SHIPPED = load_rules(RULES)
OWNER, SRE, DIRECTOR, CFO = (Slot(frozenset({role})) for role in ("owner", "sre", "director", "cfo"))


def test_who_could_approve_and_why_the_others_could_not() -> None:
    found = {one.person: one for one in could_approve((DIRECTOR, OWNER), KNOWN, requester=OLIVIA, editors=(SAM,))}
    assert set(found) == set(KNOWN.by_id)
    assert (found[DANA].slots, found[ARJUN].slots) == ((0,), (1,))
    assert (found[OLIVIA].code, found[OLIVIA].why_not) == ("own_proposal", "asked for it")
    assert (found[SAM].code, found[SAM].why_not) == ("own_proposal", "edited it")
    assert (found[EDITH].code, found[EDITH].why_not) == ("no_role", "holds auditor, not director, owner")


FILLINGS = [
    ("two owners for two votes", (OWNER, OWNER), OLIVIA, ""),
    ("two owners, of whom one asked", (OWNER, OWNER), ARJUN, "nobody left: p-05e00005 is needed for another vote"),
    ("one person for two votes", (SRE, Slot(frozenset({"sre", "cfo"}))), OLIVIA, "is needed for another vote"),
    ("a role that nobody holds", (OWNER, CFO), OLIVIA, "nobody could approve it: nobody holds cfo"),
    (
        "a role that the requester alone holds",
        (DIRECTOR,),
        DANA,
        "only p-0d1e0004, who asked for it or edited it, holds",
    ),
    ("a person who must give way to fill both", (OWNER, SRE), OLIVIA, ""),
    ("no vote at all", (), OLIVIA, "it asks for no vote"),
]


@pytest.mark.parametrize(("what", "slots", "requester", "says"), FILLINGS, ids=[row[0] for row in FILLINGS])
def test_whether_different_people_could_give_every_vote(
    what: str, slots: tuple[Slot, ...], requester: str, says: str
) -> None:
    found = fillable(slots, KNOWN, requester=requester)
    assert found.possible is (says == "")
    assert says in found.sentence
    assert bool(found.short) is (not found.possible and bool(slots))


ROLES = st.frozensets(st.sampled_from("abcd"), max_size=3)


@given(
    slots=st.lists(ROLES.filter(bool).map(lambda roles: Slot(roles=roles)), min_size=1, max_size=3),
    held=st.lists(ROLES, max_size=5),
)
def test_it_says_nobody_could_exactly_where_nobody_could(slots: list[Slot], held: list[frozenset[str]]) -> None:
    people = People({f"p-{number}": Person(f"p-{number}", "x", roles=roles) for number, roles in enumerate(held)})
    free = held[1:]
    wanted = any(
        all(slot.roles & free[seat] for slot, seat in zip(slots, seats, strict=True))
        for seats in permutations(range(len(free)), len(slots))
    )
    assert fillable(slots, people, requester="p-0").possible is wanted


LENDINGS = [
    ("a role that was lent", (CFO,), {SAM: [("cfo", DANA)]}, OLIVIA, True),
    ("a role that the requester lent", (CFO,), {SAM: [("cfo", OLIVIA)]}, OLIVIA, False),
    ("the giver beside who votes by that loan", (DIRECTOR, SRE), {ARJUN: [("sre", DANA)]}, SAM, False),
    ("another voter instead of the giver", (OWNER, SRE), {ARJUN: [("sre", DANA)]}, OLIVIA, True),
    ("a loan that gives way to another", (OWNER, DIRECTOR), {SAM: [("director", ARJUN)]}, DANA, False),
    ("two votes by one person's two roles", (OWNER, CFO), {SAM: [("cfo", DANA)]}, ARJUN, False),
]


@pytest.mark.parametrize(("what", "slots", "lent", "requester", "possible"), LENDINGS, ids=[row[0] for row in LENDINGS])
def test_lent_roles_count_as_in_a_vote(
    what: str, slots: tuple[Slot, ...], lent: dict[str, list[tuple[str, str]]], requester: str, possible: bool
) -> None:
    by_id = {
        one.id: replace(one, lent=tuple(Lent(role, giver, "d") for role, giver in lent.get(one.id, [])))
        for one in KNOWN.by_id.values()
    }
    people = People(by_id)
    assert fillable(slots, people, requester=requester).possible is possible
    votes = [frozenset(voters) for voters in permutations([one for one in by_id if one != requester], len(slots))]
    assert any(quorum(slots, tuple(voters), people, (requester,)) for voters in votes) is possible


def test_the_whole_answer() -> None:
    rules = load_rules(EXAMPLES)
    question = Question("stop_instance", PRODUCTION, Decimal(24000), "USD", requester=OLIVIA, account="1", team="fraud")
    claims = [Claimed(NOW - timedelta(minutes=number), "1", Decimal(1), "USD") for number in range(15)]
    found = explain(rules, KNOWN, question, now=NOW, claims=claims)
    assert (found.class_name, found.column) == ("reversible", "up to 100,000 USD")
    assert [slot.words() for slot in found.slots] == ["director", "owner"]
    assert found.filling.possible
    assert found.may_ask is not None
    assert found.may_ask.allowed
    assert (found.freeze, found.next_freeze) == (None, None)
    assert found.cap is not None
    assert found.cap.code == "cap_account"
    assert len(found.caps) == 4


def test_a_freeze_that_outlasts_every_vote_is_told() -> None:
    rules = load_rules(EXAMPLES)
    question = Question("stop_instance", PRODUCTION, Decimal(24000), "USD")
    held = explain(rules, KNOWN, question, now=datetime(2026, 12, 29, tzinfo=UTC))
    assert held.freeze is not None
    assert held.freeze_outlasts
    late = explain(rules, KNOWN, question, now=datetime(2027, 1, 5, tzinfo=UTC))
    assert late.freeze is not None
    assert not late.freeze_outlasts
    before = explain(rules, KNOWN, question, now=datetime(2026, 12, 27, tzinfo=UTC))
    assert before.freeze is None
    assert before.next_freeze is not None
    assert before.next_freeze[0].name == "quarter close"


def test_an_owner_who_asks_is_answered_with_the_next_column() -> None:
    found = explain(SHIPPED, KNOWN, Question("stop_instance", PRODUCTION, Decimal(9), "USD", requester=ARJUN), now=NOW)
    assert [slot.words() for slot in found.slots] == ["sre"]


def test_a_kind_that_the_rules_do_not_name() -> None:
    with pytest.raises(GateError, match="Nobody could vote"):
        explain(SHIPPED, KNOWN, Question("delete_everything", PRODUCTION, None, None), now=NOW)


EVERYBODY = "".join(
    f'\n[[person]]\nid = "p-{number}{role}"\nname = "{role}"\nroles = ["{role}"]\n'
    for number in (1, 2)
    for role in SHIPPED.roles
).replace("_", "")


def everybody() -> People:
    return load_people(re.sub(r'roles = \["opsmanager"\]', 'roles = ["ops_manager"]', EVERYBODY))


def findings(rules: str = RULES, people: str | None = None, *, severity: str = "warning") -> list[Finding]:
    known = everybody() if people is None else load_people(people)
    return [one for one in check(load_rules(rules), known, now=NOW) if one.severity == severity]


def test_the_shipped_rules_and_two_people_of_each_role_have_no_warning() -> None:
    assert findings() == []
    assert findings(EXAMPLES) == []


def edited(old: str, new: str) -> str:
    assert old in RULES
    return RULES.replace(old, new, 1)


RULE_FINDINGS = [
    (
        "a dearer column that asks for less",
        edited('["owner", "sre"], ["director", "owner"]', '["owner", "sre"], ["owner"]'),
        "reversible in production: column 3 (owner) asks for less than column 2 (owner and sre)",
        'votes = [["owner"], ["owner", "sre"], ["owner"]',
    ),
    (
        "production laxer than the rest",
        edited('[["owner"], ["owner"], ["manager|approver"]', '[["owner", "sre"], ["owner"], ["vp"]'),
        "reversible in production: column 1 (owner) asks for less than outside production (owner and sre)",
        'votes = [["owner"], ["owner", "sre"]',
    ),
    (
        "a day that allows less than the limits",
        edited('amount_per_day = "5000000"', 'amount_per_day = "50000"'),
        "a change of more than 50,000 USD can be approved",
        "amount_per_day",
    ),
    (
        "an account's cap that is never reached",
        edited("changes_per_account_per_hour = 15", "changes_per_account_per_hour = 31"),
        "31 changes an hour in one account are never reached",
        "changes_per_account_per_hour",
    ),
    (
        "a role that is lent for nothing",
        RULES + '\n[delegation]\nmax_days = 9\nroles = ["ops_manager"]\n',
        "ops_manager may be delegated, and no column asks for it",
        "roles = ",
    ),
    (
        "a freeze that is over",
        RULES + '\n[[freeze]]\nname = "x"\nzone = "UTC"\nstart = 2025-01-01T00:00:00\nend = 2025-01-02T00:00:00\n',
        "is over since 2025-01-02",
        "[[freeze]]",
    ),
    (
        "an emergency that cannot be undone",
        EXAMPLES.replace('classes = ["reversible"]\nvote', 'classes = ["irreversible"]\nvote'),
        "an emergency covers irreversible",
        "[break_glass]",
    ),
    (
        "an emergency that leaves nobody to look",
        EXAMPLES.replace('slots = ["owner|sre", "director|vp"]', 'slots = ["board", "cfo"]').replace(
            'reviewers = ["risk", "finops"]', 'reviewers = ["cfo"]'
        ),
        "",
        "",
    ),
    (
        "nobody who may propose",
        edited('may_propose = ["ops_manager"', 'may_propose = []\n#["ops_manager"'),
        "may_propose names no role",
        "may_propose",
    ),
]


@pytest.mark.parametrize(("what", "rules", "says", "line"), RULE_FINDINGS, ids=[row[0] for row in RULE_FINDINGS])
def test_what_rules_alone_say_that_is_not_meant(what: str, rules: str, says: str, line: str) -> None:
    from approvals.place import Place

    found = findings(rules)
    if not says:
        assert found == []
        return
    (first,) = [one for one in found if says in one.sentence]
    number = Place("rules.toml", rules, "").line(table=first.table, at=first.at, key=first.key)
    assert number is not None
    assert rules.splitlines()[number - 1].startswith(line)


def without(*roles: str, keep: int = 0) -> str:
    """Everybody, but of these roles only so many."""
    blocks = EVERYBODY.replace('"opsmanager"]', '"ops_manager"]').split("\n[[person]]")
    kept, left = [], dict.fromkeys(roles, keep)
    for block in blocks[1:]:
        role = next((role for role in roles if f'roles = ["{role}"]' in block), None)
        if role is not None and left[role] == 0:
            continue
        if role is not None:
            left[role] -= 1
        kept.append("\n[[person]]" + block)
    return "".join(kept)


def test_a_cell_that_nobody_could_fill_is_named_with_the_role_that_is_missing() -> None:
    told = [one.sentence for one in findings(people=without("vp"))]
    assert "reversible in non-production, column 5: nobody could approve it; nobody holds vp" in told
    assert "irreversible in production, column 4: nobody could approve it; nobody holds vp" in told


def test_a_cell_that_only_some_requesters_could_not_get_through_names_them() -> None:
    told = [one.sentence for one in findings(people=without("finops", keep=1))]
    assert any(
        "policy in production, columns 1, 2, 3, 4, 5: nobody could approve what p-1finops (finops) may" in one
        for one in told
    )
    assert any(one.startswith("only p-1finops can fill finops") for one in told)


def test_nobody_at_all() -> None:
    assert [one.sentence for one in findings(people="")] == [
        "the people file names nobody, so nobody can propose or approve anything"
    ]
    assert check(SHIPPED, None) == [one for one in check(SHIPPED, None) if one.file == "rules"]


def test_a_role_that_no_rule_knows_stands_in_the_people_file() -> None:
    people = without() + '\n[[person]]\nid = "p-x"\nname = "X"\nroles = ["ownr"]\n'
    (found,) = findings(people=people)
    assert (found.file, found.table, found.at, found.key) == ("people", "person", 2 * len(SHIPPED.roles), "roles")
    assert "no role 'ownr'" in found.sentence


def test_an_emergency_that_nobody_could_vote_on_or_review() -> None:
    glass = '\n[break_glass]\nroles = ["sre"]\nslots = ["cfo", "vp"]\nvote_within_hours = 1\nreview_within_hours = 24\n'
    alone = RULES + glass + 'reviewers = ["cfo"]\n'
    told = [one.sentence for one in findings(alone, without("cfo", keep=1)) if one.table == "break_glass"]
    assert told == [
        "an emergency change of p-1sre would leave nobody to review it who took no part",
        "an emergency change of p-2sre would leave nobody to review it who took no part",
    ]
    told = [one.sentence for one in findings(alone, without("cfo")) if one.table == "break_glass"]
    assert told == ["nobody could vote for an emergency change of p-1sre, p-2sre"]
    told = [one.sentence for one in findings(alone, without("sre")) if one.table == "break_glass"]
    assert told == ["nobody holds a role that may break the glass"]


def test_notes_are_no_warnings() -> None:
    rules = RULES.replace('votes = [["owner"], ["owner"],', 'votes = [["auto"], ["owner"],', 1)
    told = [one.sentence for one in findings(rules, severity="note")]
    assert 'reversible in non-production: "auto" is read as owner, since every change needs a person\'s vote' in told
    assert findings(rules) == []
    assert any(one.sentence == "nobody holds the role vp" for one in findings(people=without("vp"), severity="note"))


@pytest.mark.parametrize("environment", [PRODUCTION, NON_PRODUCTION])
def test_a_sum_is_explained_too(environment: str) -> None:
    from approvals.split import Earlier, summed

    together = summed(Decimal(900), "USD", [Earlier("a", Decimal(200), "USD")], scope="team fraud")
    question = Question("stop_instance", environment, Decimal(900), "USD", together=together)  # type: ignore[arg-type]
    assert "1,100 USD with 1 other of team fraud" in explain(SHIPPED, KNOWN, question, now=NOW).reason
