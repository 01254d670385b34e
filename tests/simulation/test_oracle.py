"""The oracle reads the rules by itself, and agrees with the product where both are asked the same."""

from decimal import Decimal
from itertools import product

import pytest

from approvals.rules import Slot
from approvals.rules_file import load_rules
from tests.simulation.cases import asked_for
from tests.simulation.cast import RULES, fills, read_rules

KINDS = ("stop_instance", "resize_instance", "delete_volume", "scale_node_group")
AMOUNTS = ("0.01", "1000", "1000.01", "10000", "99999", "100000.5", "1000001", None)


@pytest.mark.parametrize("name", RULES)
def test_both_ask_for_the_same_votes(name: str) -> None:
    mine, theirs = read_rules(RULES[name]), load_rules(RULES[name])
    places = ((None,), ("development", None), ("development", "production"), (" Dev ", "qa"), ("moon", None))
    askers = (frozenset[str](), frozenset({"owner"}), frozenset({"owner", "director"}))
    for kind, place, amount, currency, asker in product(KINDS, places, AMOUNTS, ("USD", "EUR", None), askers):
        value = None if amount is None else Decimal(amount)
        wanted = theirs.requirement(kind, theirs.environment(*place), value, currency, asker).slots
        found = mine.needed(kind, place, mine.column(amount, currency), asker)
        assert tuple(map(Slot, found)) == wanted, (kind, place, amount, currency, asker)


@pytest.mark.parametrize(
    ("slots", "held", "filled"),
    [
        ((), (), False),
        (("owner",), (), False),
        (("owner",), ("owner",), True),
        (("owner", "sre"), ("owner sre",), False),
        (("owner", "sre"), ("owner sre", "owner"), True),
        (("owner", "sre"), ("owner", "owner"), False),
        (("owner sre", "owner"), ("sre", "owner"), True),
    ],
)
def test_nobody_fills_two_slots(slots: tuple[str, ...], held: tuple[str, ...], filled: bool) -> None:
    split = [tuple(frozenset(text.split()) for text in texts) for texts in (slots, held)]
    assert fills(split[0], split[1]) == filled


def test_what_a_resize_asks_for_is_worked_out_without_the_product() -> None:
    change = {"kind": "resize_instance", "account": "1", "region": "r", "instance_id": "i-1", "to_type": "t.big"}
    operations = [
        [one["operation"] for one in asked_for(change | {"found": found})] for found in ("running", "stopped")
    ]
    assert operations == [
        ["ec2:StopInstances", "ec2:ModifyInstanceAttribute", "ec2:StartInstances"],
        ["ec2:ModifyInstanceAttribute"],
    ]
