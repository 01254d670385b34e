"""Price, volume and mix: worked figures, and that the reasons always add up to the change to the last digit."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from lake.parts import Part, Side
from tests.tools.small_bill import charge, desk_of, lake_of
from tools.detection.contributions import EXACT, add
from tools.explain import REASONS, explain_change
from tools.price_volume import Effects, effects

SEPTEMBER, OCTOBER = date(2026, 9, 15), date(2026, 10, 15)


def part(name: str, before: tuple[str, str] | None, after: tuple[str, str] | None, unit: str = "tokens") -> Part:
    """A part of (quantity, cost) before and after."""
    sides = [Side(Decimal(one[0]), Decimal(one[1])) if one else None for one in (before, after)]
    return Part((name,), unit, *sides)


def reckoned(*parts: Part, other: str = "0") -> Effects:
    change = add((part.after.cost if part.after else Decimal()) for part in parts)
    change = EXACT.subtract(change, add((part.before.cost if part.before else Decimal()) for part in parts))
    return effects(parts, change=EXACT.add(change, Decimal(other)))


def told(found: Effects) -> dict[str, str]:
    return {name: format(getattr(found, name).normalize(), "f") for name in REASONS if getattr(found, name)}


def test_a_dearer_price_alone() -> None:
    assert told(reckoned(part("a", ("10", "20"), ("10", "25")))) == {"price": "5"}


def test_more_of_everything_alone() -> None:
    both = part("a", ("10", "20"), ("15", "30")), part("b", ("2", "8"), ("3", "12"))
    assert told(reckoned(*both)) == {"volume": "14"}


def test_the_same_volume_of_a_dearer_kind_is_mix() -> None:
    both = part("cheap", ("10", "10"), ("5", "5")), part("dear", ("10", "30"), ("15", "45"))
    assert told(reckoned(*both)) == {"mix": "10"}


def test_all_three_at_once() -> None:
    """100 at 1 and 100 at 3 become 90 at 1.1 and 210 at 3: half as much again, of which the dear part is more."""
    both = part("cheap", ("100", "100"), ("90", "99")), part("dear", ("100", "300"), ("210", "630"))
    assert told(reckoned(*both)) == {"price": "9", "volume": "200", "mix": "120"}


def test_units_are_never_mixed_and_new_and_vanished_parts_have_no_price() -> None:
    found = reckoned(
        part("hours", ("10", "10"), ("20", "20"), "Hours"),
        part("tokens", ("1000000", "5"), ("500000", "2.5")),
        part("new", None, ("3", "7")),
        part("old", ("9", "4"), None),
        other="-1.25",
    )
    assert told(found) == {"volume": "7.5", "new": "7", "gone": "-4", "unmeasured": "-1.25"}


def test_what_is_corrected_below_nothing_has_no_price() -> None:
    assert told(reckoned(part("a", ("10", "20"), ("-1", "-2")))) == {"unmeasured": "-22"}


AMOUNTS = st.decimals(min_value=-(10**15), max_value=10**15, places=12, allow_nan=False)
QUANTITIES = st.decimals(min_value=-5, max_value=10**15, places=6, allow_nan=False)
SIDES = st.none() | st.builds(Side, QUANTITIES, AMOUNTS)
PARTS = st.lists(st.builds(Part, st.tuples(st.text(max_size=3)), st.sampled_from(["tokens", "Hours"]), SIDES, SIDES))


@settings(max_examples=300, deadline=None)
@given(PARTS, AMOUNTS)
def test_the_reasons_add_up_to_the_change_to_the_last_digit(parts: list[Part], change: Decimal) -> None:
    assert effects(parts, change=change).change == change


@settings(max_examples=200, deadline=None)
@given(PARTS)
def test_the_same_again_has_no_reason(parts: list[Part]) -> None:
    again = [Part(one.names, one.unit, one.before, one.before) for one in parts]
    assert told(effects(again, change=Decimal(0))) == {}


def test_an_explanation_tells_the_reasons_beside_the_contributions(tmp_path: Path) -> None:
    tokens = {"ConsumedUnit": "Tokens", "x_token_class": "output"}
    rows = [
        charge(SEPTEMBER, "20", team="kyc", x_model="small", ConsumedQuantity="10000000", **tokens),
        charge(
            OCTOBER,
            "45",
            team="kyc",
            x_model="small",
            ConsumedQuantity="15000",
            **tokens | {"ConsumedUnit": "1000 Tokens"},
        ),
        charge(OCTOBER, "8", team="kyc", x_model="large", ConsumedQuantity="1000000", **tokens),
        charge(OCTOBER, "-3", team="kyc", ChargeCategory="Credit", ConsumedQuantity="", ConsumedUnit=""),
    ]
    result = explain_change(desk_of(lake_of(tmp_path, rows, final=True)), period="2026-10", compare="2026-09")
    figures = {figure.id: figure for figure in result.figures}
    reasons = {
        row.texts["part"]: figures[row.figures["change"]]
        for row in result.rows
        if row.texts.get("within") == "price, volume and mix"
    }
    assert {part: figure.display for part, figure in reasons.items()} == {
        "unit prices": "+$15.00",
        "volume": "+$10.00",
        "new usage": "+$8.00",
        "charges without a quantity": "-$3.00",
    }
    whole = figures[result.totals[0].figures["change"]]
    assert add(figure.value for figure in reasons.values()) == whole.value == Decimal(30)
    assert '"ConsumedUnit"' in result.query
