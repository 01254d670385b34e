"""The shipped matrix as finops.md's table says, and every fault of a rules or people file named with its place."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.changes.reversibility import BY_KIND
from approvals.errors import PolicyError
from approvals.person import load_people
from approvals.rules import NON_PRODUCTION, PRODUCTION, Environment, Rules, Slot, asks_less
from approvals.rules_file import load_rules
from approvals.split import Earlier, Summed, summed
from tests.approvals.gate_stubs import PEOPLE, RULES

SHIPPED = load_rules(RULES)

MATRIX: list[tuple[str, Environment, str | None, str]] = [
    ("cheap and not production: the owner, where the table says auto", NON_PRODUCTION, "900", "owner"),
    ("at the limit it is still the lower column", NON_PRODUCTION, "10000", "owner"),
    ("a cent above the limit", NON_PRODUCTION, "10000.01", "approver or manager"),
    ("a GPU machine in development", NON_PRODUCTION, "49000", "approver or manager"),
    ("dear and not production", NON_PRODUCTION, "500000", "director"),
    ("above every limit", NON_PRODUCTION, "1000000.01", "vp"),
    ("not known counts as above every limit", NON_PRODUCTION, None, "vp"),
    ("cheap production", PRODUCTION, "900", "owner"),
    ("production needs two", PRODUCTION, "9000", "owner and sre"),
    ("dear production", PRODUCTION, "49000", "director and owner"),
    ("very dear production", PRODUCTION, "500000", "owner and vp"),
    ("production above every limit", PRODUCTION, None, "cfo"),
    ("a negative amount is judged by its size", PRODUCTION, "-49000", "director and owner"),
]


@pytest.mark.parametrize(("what", "environment", "amount", "needs"), MATRIX, ids=[row[0] for row in MATRIX])
def test_the_shipped_matrix(what: str, environment: Environment, amount: str | None, needs: str) -> None:
    value = None if amount is None else Decimal(amount)
    found = SHIPPED.requirement("stop_instance", environment, value, "USD")
    assert " and ".join(sorted(slot.words() for slot in found.slots)) == needs
    assert needs.split(" ")[0] in found.reason


AUTHORITY = {
    "reversible": (
        ("owner", "owner", "approver or manager", "director", "vp"),
        ("owner", "owner + sre", "director + owner", "owner + vp", "cfo"),
    ),
    "irreversible": (("owner + peer", "manager + owner", "director + finops", "risk + vp", "board + risk"),) * 2,
    "commitment": (("finops", "finops + manager", "director + finance", "cfo", "board + cfo"),) * 2,
    "budget": (("manager", "director", "finance + vp", "cfo", "board"),) * 2,
    "policy": (("finops + risk",) * 5,) * 2,
}
"""The delegation of authority that Spendgate ships, row by row: outside production, in production."""


@pytest.mark.parametrize("name", AUTHORITY)
def test_the_shipped_delegation_of_authority(name: str) -> None:
    for environment, wanted in zip((NON_PRODUCTION, PRODUCTION), AUTHORITY[name], strict=True):
        cells = SHIPPED.matrix[(name, environment)]
        assert tuple(" + ".join(sorted(slot.words() for slot in slots)) for slots in cells) == wanted
    assert {key for key, _ in SHIPPED.matrix} == set(AUTHORITY)


@pytest.mark.parametrize("kind", [kind for kind, known in BY_KIND.items() if known == "irreversible"])
@pytest.mark.parametrize("environment", [NON_PRODUCTION, PRODUCTION])
def test_what_cannot_be_undone_needs_two_people_though_its_amount_is_not_known(
    kind: str, environment: Environment
) -> None:
    found = SHIPPED.requirement(kind, environment, None, None)
    assert "amount not known" in found.reason
    assert [slot.words() for slot in found.slots] == ["board", "risk"]


def test_what_was_split_is_judged_by_its_sum() -> None:
    before = [Earlier("a", Decimal(30000), "USD"), Earlier("b", Decimal(50000), "USD")]
    together = summed(Decimal(24000), "USD", before, scope="team fraud")
    found = SHIPPED.requirement("stop_instance", PRODUCTION, Decimal(24000), "USD", together=together)
    assert found.reason == (
        "reversible in production, up to 1,000,000 USD a year"
        " (24,000 USD alone, 104,000 USD with 2 others of team fraud within 30 days): vp and owner"
    )
    assert (found.band, found.class_name) == (3, "reversible")


def test_an_unknown_part_counts_as_above_every_limit() -> None:
    together = summed(Decimal(24000), "USD", [Earlier("a", None, None)])
    found = SHIPPED.requirement("stop_instance", PRODUCTION, Decimal(24000), "USD", together=together)
    assert [slot.words() for slot in found.slots] == ["cfo"]
    assert "of which 1 cannot be added in USD" in found.reason


def test_a_sum_never_lowers_the_column_of_the_amount_alone() -> None:
    low = Summed(Decimal(1), "USD", alone=Decimal(24000), others=1)
    assert SHIPPED.requirement("stop_instance", PRODUCTION, Decimal(24000), "USD", together=low).band == 2


def test_an_amount_that_is_no_number_counts_as_above_every_limit() -> None:
    assert SHIPPED.requirement("stop_instance", PRODUCTION, Decimal("NaN"), "USD").band == 4
    assert SHIPPED.requirement("stop_instance", PRODUCTION, Decimal("Infinity"), "USD").band == 4


def test_an_owner_who_asks_never_makes_a_column_shorter() -> None:
    two = RULES.replace('[["owner"], ["owner", "sre"],', '[["owner", "owner"], ["owner", "sre"],', 1)
    rules = load_rules(two)
    found = rules.requirement("stop_instance", PRODUCTION, Decimal(1), "USD", frozenset({"owner"}))
    assert [slot.words() for slot in found.slots] == ["sre", "director"]
    owners = "votes = [" + ", ".join(['["owner", "owner"]'] * 5) + "]"
    alone = load_rules(re.sub(r'votes = \[\["owner"\], \["owner", "sre"\].*', owners, RULES))
    found = alone.requirement("stop_instance", PRODUCTION, Decimal(1), "USD", frozenset({"owner"}))
    assert [slot.words() for slot in found.slots] == ["owner", "owner"]


LAXER = [
    ("the same", "a b", "a b", False),
    ("a vote fewer", "a", "a b", True),
    ("a vote more", "a b", "a", False),
    ("either of two instead of one", "a|b", "a", True),
    ("one instead of either of two", "a", "a|b", False),
    ("another role instead of two", "c", "a b", False),
    ("the same votes in another order", "b a", "a b", False),
    ("two votes that one person's role could give twice", "a a", "a", False),
    ("one of two that are alike", "a", "a a", True),
    ("one of two, with a choice", "a|b", "a b", True),
]


@pytest.mark.parametrize(("what", "one", "other", "laxer"), LAXER, ids=[row[0] for row in LAXER])
def test_which_of_two_cells_plainly_asks_less(what: str, one: str, other: str, laxer: bool) -> None:
    def cell(text: str) -> tuple[Slot, ...]:
        return tuple(Slot(frozenset(names.split("|"))) for names in text.split())

    assert asks_less(cell(one), cell(other)) is laxer


AMOUNTS = st.none() | st.decimals(-(10**8), 10**8, allow_nan=False, allow_infinity=False, places=2)
ENVIRONMENT = st.sampled_from([NON_PRODUCTION, PRODUCTION])
HELD = st.frozensets(st.sampled_from(sorted(SHIPPED.roles)))


def of_class(name: str) -> Rules:
    return replace(SHIPPED, classes={"stop_instance": name})


@given(st.sampled_from(sorted(AUTHORITY)), ENVIRONMENT, AMOUNTS, st.sampled_from(["USD", "EUR", None]), HELD)
def test_every_change_needs_a_vote(
    name: str, environment: Environment, amount: Decimal | None, currency: str | None, held: frozenset[str]
) -> None:
    found = of_class(name).requirement("stop_instance", environment, amount, currency, held)
    assert found.slots
    assert all(slot.roles for slot in found.slots)
    assert len(found.slots) == len(SHIPPED.matrix[(name, environment)][found.band])


@given(st.sampled_from(sorted(AUTHORITY)), ENVIRONMENT, AMOUNTS.filter(bool), AMOUNTS.filter(bool), HELD)
def test_more_money_never_asks_for_less(
    name: str, environment: Environment, one: Decimal, other: Decimal, held: frozenset[str]
) -> None:
    low, high = sorted((abs(one), abs(other)))
    rules = of_class(name)
    less = rules.requirement("stop_instance", environment, low, "USD", held)
    more = rules.requirement("stop_instance", environment, high, "USD", held)
    assert more.band >= less.band
    assert not asks_less(more.slots, less.slots)
    if len(more.slots) < len(less.slots):  # only where one higher role stands for several lower ones
        below = SHIPPED.matrix[(name, environment)][: more.band]
        lower = {role for slots in below for slot in slots for role in slot.roles}
        assert not {role for slot in more.slots for role in slot.roles} & lower


@given(
    parts=st.lists(st.decimals(0, 10**6, allow_nan=False, allow_infinity=False, places=2), min_size=1, max_size=8),
    environment=ENVIRONMENT,
    held=HELD,
)
def test_splitting_an_amount_never_lowers_what_its_last_part_needs(
    parts: list[Decimal], environment: Environment, held: frozenset[str]
) -> None:
    whole = SHIPPED.requirement("stop_instance", environment, sum(parts, Decimal(0)), "USD", held)
    before = [Earlier(f"r{number}", part, "USD") for number, part in enumerate(parts[:-1])]
    together = summed(parts[-1], "USD", before, resource="last")
    last = SHIPPED.requirement("stop_instance", environment, parts[-1], "USD", held, together=together)
    assert (last.band, last.slots) == (whole.band, whole.slots)


OWNERS = [
    ("cheap, not production: the manager instead", NON_PRODUCTION, "900", "approver or manager"),
    ("cheap production: the SRE instead", PRODUCTION, "900", "sre"),
    ("production: the director beside the SRE", PRODUCTION, "9000", "director and sre"),
    ("dear production: the VP beside the director", PRODUCTION, "49000", "director and vp"),
    ("very dear production: the CFO beside the VP", PRODUCTION, "500000", "cfo and vp"),
]


@pytest.mark.parametrize(("what", "environment", "amount", "needs"), OWNERS, ids=[row[0] for row in OWNERS])
def test_where_the_owner_asks_the_next_column_decides(
    what: str, environment: Environment, amount: str, needs: str
) -> None:
    found = SHIPPED.requirement("stop_instance", environment, Decimal(amount), "USD", frozenset({"owner"}))
    assert " and ".join(sorted(slot.words() for slot in found.slots)) == needs
    assert "requester is an owner" in found.reason


def test_another_currency_counts_as_above_every_limit() -> None:
    found = SHIPPED.requirement("stop_instance", NON_PRODUCTION, Decimal("1"), "EUR")
    assert found.slots == SHIPPED.requirement("stop_instance", NON_PRODUCTION, None, None).slots
    assert "EUR" in found.reason


@pytest.mark.parametrize(
    ("names", "environment"),
    [
        (("development",), NON_PRODUCTION),
        (("Staging ", "dev"), NON_PRODUCTION),
        (("dev", "production"), PRODUCTION),
        (("prod",), PRODUCTION),
        (("something new",), PRODUCTION),
        ((None,), PRODUCTION),
        (("", None), PRODUCTION),
        ((), PRODUCTION),
    ],
)
def test_an_environment_is_production_unless_every_source_says_otherwise(
    names: tuple[str | None, ...], environment: Environment
) -> None:
    assert SHIPPED.environment(*names) == environment


FAULTS = [
    (
        "a cell without a vote",
        '[["owner"], ["owner"], ["manager|approver"]',
        '[[], ["owner"], ["manager|approver"]',
        "needs no vote",
    ),
    ("a column too few", '["director"], ["vp"]]', '["director"]]', "must have 5"),
    ("a role that is not listed", '["cfo"]]', '["cto"]]', "'cto' is not in [roles]"),
    ("a proposer's role that is not listed", '"finops"]\n', '"finop"]\n', "'finop' is not in [roles]"),
    ("a kind without a class", 'stop_instance = "reversible"\n', "", "nobody would vote on it"),
    ("a class without a row", 'stop_instance = "reversible"', 'stop_instance = "harmless"', "no row for"),
    ("a kind that is none", "stop_instance =", "stop_everything =", "is no kind of change"),
    ("an unknown key", 'currency = "USD"', 'currency = "USD"\nauto = true', "unknown key 'auto'"),
    ("a missing key", 'currency = "USD"', "", "currency is missing"),
    ("limits that fall", '"1000", "10000"', '"10000", "1000"', "do not rise"),
    ("a limit that is a number", '"1000", ', "1000, ", "amounts as texts"),
    ("a limit that is no number", '"1000", ', '"a lot", ', "no number"),
    ("a limit without end", '"1000", ', '"Infinity", ', "no number"),
    ("hours that are none", "vote_within_hours = 72", "vote_within_hours = 0", "from 1 to 720"),
    ("hours that are a word", "vote_within_hours = 72", 'vote_within_hours = "soon"', "from 1 to 720"),
    ("an environment that is none", 'environment = "production"', 'environment = "prod"', "is no environment"),
    ("a currency that is none", 'currency = "USD"', 'currency = "dollars"', "three-letter code"),
    ("broken TOML", "[roles]", "[roles", "line"),
]


@pytest.mark.parametrize(("what", "old", "new", "says"), FAULTS, ids=[row[0] for row in FAULTS])
def test_a_fault_in_the_rules_is_named_with_its_place(what: str, old: str, new: str, says: str) -> None:
    assert old in RULES
    with pytest.raises(PolicyError) as caught:
        load_rules(RULES.replace(old, new, 1))
    assert says in str(caught.value)
    assert "rules.toml" in caught.value.why
    assert caught.value.do


def test_the_line_of_a_fault_is_the_editors_line() -> None:
    broken = RULES.replace('["director", "owner"]', "[]", 1)
    line = next(number for number, text in enumerate(broken.splitlines(), 1) if "[]," in text)
    with pytest.raises(PolicyError, match=rf"rules.toml, line {line}, \[class\] \(number 2\), votes"):
        load_rules(broken)


PEOPLE_FAULTS = [
    ("an id twice", 'id = "p-0a0d1703"', 'id = "p-0a11ce01"', "stands twice"),
    ("an id that is a name", 'id = "p-0a11ce01"', 'id = "olivia"', "no opaque id"),
    ("one Slack account for two people", 'user = "U0ARJUN"', 'user = "U0OLIVIA"', "already belongs to p-0a11ce01"),
    ("a Slack account without a team", 'team = "T0BANK", user = "U0ARJUN"', 'user = "U0ARJUN"', "a team and a user"),
    ("roles that are a text", 'roles = ["director"]', 'roles = "director"', "no list of texts"),
    ("an unknown key", 'name = "Dana Director"', 'name = "Dana Director"\nadmin = true', "unknown key 'admin'"),
    ("no name", 'name = "Dana Director"\n', "", "name is missing"),
    ("an unknown table", "[[person]]", "[[people]]", "unknown key 'people'"),
]


@pytest.mark.parametrize(("what", "old", "new", "says"), PEOPLE_FAULTS, ids=[row[0] for row in PEOPLE_FAULTS])
def test_a_fault_in_the_people_is_named_with_its_place(what: str, old: str, new: str, says: str) -> None:
    assert old in PEOPLE
    with pytest.raises(PolicyError) as caught:
        load_people(PEOPLE.replace(old, new, 1))
    assert says in str(caught.value)
    assert "people.toml, line" in caught.value.why


def test_people_are_found_by_each_of_their_names() -> None:
    people = load_people(PEOPLE + '\n[[channel]]\nteam = "T0BANK"\nid = "C1"\nsees_teams = ["fraud"]\n')
    olivia = people.by_slack[("T0BANK", "U0OLIVIA")]
    assert olivia.id == "p-0a11ce01"
    assert people.by_os_user["olivia"] is olivia
    assert people.channel_sees("T0BANK", "C1") == ("fraud",)
    assert people.channel_sees("T0BANK", "C2") == ()
    assert people.roles("p-unknown") == frozenset()
