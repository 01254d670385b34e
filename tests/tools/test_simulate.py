"""What would happen if: reckoned from the machine's own hours, told with what is not known, and nobody is asked."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from lake.engine import Lake
from tests.tools.small_bill import Asked, days_of, desk_of, lake_of, machine_day
from tools.desk import Desk
from tools.result import ToolResult
from tools.simulate import simulate_change

DAYS = days_of(date(2026, 10, 20), 21)
COVERED = {"CommitmentDiscountId": "sp-1", "CommitmentDiscountStatus": "Used"}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """At 5 dollars an hour: one that is paid by the hour, one that a plan covers, and two of one name."""
    rows = [machine_day(day, "plain", 1) for day in DAYS]
    rows += [machine_day(day, "covered", 2, **COVERED) for day in DAYS]
    rows += [machine_day(day, "twin", number) for day in DAYS for number in (3, 4)]
    return lake_of(tmp_path_factory.mktemp("simulate"), rows)


@pytest.fixture
def desk(lake: Lake) -> Desk:
    return desk_of(lake, propose=Asked())


def told(result: ToolResult) -> dict[str, Decimal]:
    assert result.error is None, result.error
    (row,) = result.rows
    values = {column: result.figure(address) for column, address in row.figures.items()}
    return {column: figure.value for column, figure in values.items() if figure is not None}


def test_a_machine_stopped(desk: Desk) -> None:
    assert told(simulate_change(desk, target="plain")) == {"now": 3650, "then": 0, "difference": -3650}


def test_what_a_plan_covers_is_paid_all_the_same(desk: Desk) -> None:
    assert told(simulate_change(desk, target="covered")) == {"now": 3650, "then": 3650, "difference": 0}


def test_another_type_by_the_price_book(desk: Desk) -> None:
    result = simulate_change(desk, target="plain", to_type="g5.2xlarge")
    book = desk.prices
    ratio = book.price("g5.2xlarge", "us-east-1").per_hour / book.price("g5.12xlarge", "us-east-1").per_hour
    assert abs(told(result)["then"] - 3650 * ratio) < Decimal("0.01")
    assert any("less processors, memory, GPUs, GPU memory" in note for note in result.notes)
    arm = simulate_change(desk, target="plain", to_type="g5g.16xlarge")
    assert any("another processor architecture" in note for note in arm.notes)


REFUSED = [
    ("a type that no list prices", "plain", "g99.huge", "price of g99.huge"),
    ("a name of two", "twin", "", "names 2 machines"),
    ("a name of none", "nobody", "", "names no machine"),
]


@pytest.mark.parametrize(("what", "target", "to_type", "says"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_cannot_be_reckoned_is_said(desk: Desk, what: str, target: str, to_type: str, says: str) -> None:
    result = simulate_change(desk, target=target, to_type=to_type)
    assert result.error is not None
    assert says in str(result.error)


def test_nothing_is_asked_of_people_and_nothing_of_others_is_told(desk: Desk, lake: Lake) -> None:
    simulate_change(desk, target="plain")
    assert desk.propose.wanted == []  # type: ignore[attr-defined]
    assert simulate_change(desk_of(lake, scope=("other",)), target="plain").error is not None


def test_an_empty_lake_says_what_to_do(tmp_path: Path) -> None:
    assert simulate_change(desk_of(Lake(tmp_path / "empty")), target="plain").error is not None
