"""Several rules about one resource: none saves what another saved before it."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tools.rules.portfolio import Part, booked


def test_two_rules_about_one_resource_are_not_added_up() -> None:
    parts = [
        Part("i-1", 20, Decimal(100), Decimal("0.5")),  # goes second: half of what the first leaves
        Part("i-1", 10, Decimal(120), Decimal("0.6")),
        Part("i-2", 20, Decimal(7), Decimal(1)),
    ]
    assert booked(parts) == [Decimal(40), Decimal(120), Decimal(7)]


shares = st.decimals(min_value=0, max_value=1, places=2)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 3), shares), max_size=6))
def test_what_is_booked_never_exceeds_what_the_resource_costs(given_: list[tuple[str, int, Decimal]]) -> None:
    cost = Decimal(100)
    parts = [Part(name, order, cost * takes, takes) for name, order, takes in given_]
    for name in "ab":
        assert sum(got for part, got in zip(parts, booked(parts), strict=True) if part.resource == name) <= cost + 1
