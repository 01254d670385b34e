"""What was used and what it cost, part by part, in two periods: from which prices and volumes are told apart."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lake import expressions, measures
from lake.engine import Lake
from lake.money import add, product
from lake.period import Period
from lake.question import Metric, Question


@dataclass(frozen=True)
class Side:
    """A part in one period: how much of its unit, and what that cost (effectively)."""

    quantity: Decimal
    cost: Decimal


@dataclass(frozen=True)
class Part:
    """One part of the spend in one unit, before and after; None where that period has no such usage."""

    names: tuple[str, ...]
    unit: str
    before: Side | None
    after: Side | None


@dataclass(frozen=True)
class Parts:
    """All parts that have a quantity, with the query that found them."""

    found: tuple[Part, ...]
    query: str


def parts(lake: Lake, question: Question) -> Parts:
    """The usage of the question's period and of the one it is compared with, by its dimensions and by unit.

    The question names one currency, since costs of two are never added, and its names as the bill writes them.
    """
    compare = question.compare
    if compare is None or question.currency is None:
        raise ValueError("parts are of two periods and of one currency")
    key = ("parts", question.model_dump_json())
    return lake.remembered(key, lambda: _found(lake, question, compare), lambda parts: 5 * len(parts.found))


def _found(lake: Lake, question: Question, compare: Period) -> Parts:
    counting = question.model_copy(update={"metric": Metric.QUANTITY, "limit": None})
    touched = (question.period, compare)
    read = [one for one in lake.snapshots() if any(one.charged.overlaps(period) for period in touched)]
    with lake.reader(read or lake.snapshots()[:1], tags=expressions.tags(counting)) as reader:
        rows, query = reader.fetch(expressions.quantities, counting)
    keys = expressions.keys(question.by).values()
    groups: dict[tuple[tuple[str, ...], str], list[Side | None]] = {}
    for row in rows:
        unit, factor = measures.one_unit(row["unit"])
        sides = groups.setdefault((tuple(row[key] for key in keys), unit), [None, None])
        for at, (quantity, cost) in enumerate(((row["previous"], row["previous_cost"]), (row["value"], row["cost"]))):
            sides[at] = _taken(sides[at], quantity, cost, factor)
    return Parts(tuple(Part(*key, *sides) for key, sides in sorted(groups.items(), key=lambda item: item[0])), query)


def _taken(side: Side | None, quantity: Any, cost: Any, factor: Decimal) -> Side | None:
    if quantity is None:
        return side
    had = side or Side(Decimal(), Decimal())
    return Side(add([had.quantity, product(quantity, factor)]), add([had.cost, cost or Decimal()]))
