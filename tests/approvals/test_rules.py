"""The shipped matrix as finops.md's table says, and every fault of a rules or people file named with its place."""

from decimal import Decimal

import pytest

from approvals.errors import PolicyError
from approvals.person import load_people
from approvals.rules import NON_PRODUCTION, PRODUCTION, Environment
from approvals.rules_file import load_rules
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
