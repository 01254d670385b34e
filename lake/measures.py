"""What was used, and what a unit of it cost: quantities, tokens, GPU hours, and the ratios of cost to them.

Quantities of different units are never added, and a ratio is taken of sums, never summed itself. A cost is set against
the very charges that were counted: taxes, credits and fees have no quantity and are in no unit cost.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lake import expressions
from lake.ai import ACCELERATOR
from lake.expressions import CURRENCY, NO_TEAM, PREVIOUS, UNKNOWN, UNKNOWN_CHARGES, VALUE
from lake.instance_type import instance_type
from lake.machine_shapes import MachineShape
from lake.metered import HOUR_UNITS
from lake.money import add, per, product
from lake.price_book import PriceBook, shipped
from lake.question import NONE, RATIOS, TIME_DIMENSIONS, Metric, Question

Row = dict[str, Any]
TOKENS, GPU_HOURS = "tokens", "GPU hours"
# `Tokens`, `1000 Tokens` (both FOCUS), `1K tokens`: how bills write it.
_TOKENS = re.compile(r"(?:([0-9]{1,9})\s*)?([KM]?)\s*tokens?", re.IGNORECASE)
_SCALE = {"": 1, "K": 1_000, "M": 1_000_000}
_GPU_HOURS = re.compile(r"gpu[- ]?hours?|gpu[- ]?hrs?", re.IGNORECASE)
_PER = {
    Metric.COST_PER_MILLION_TOKENS: (1_000_000, "per million tokens"),
    Metric.COST_PER_GPU_HOUR: (1, "per GPU hour"),
}


@dataclass
class _Sums:
    """What the charges of one group add up to in one of two periods; None where that has no such charge."""

    quantity: Decimal | None = None
    cost: Decimal | None = None

    def take(self, quantity: Decimal | None, cost: Decimal | None) -> None:
        if quantity is not None:
            self.quantity = add([self.quantity or Decimal(), quantity])
            self.cost = add([self.cost or Decimal(), cost or Decimal()])


@dataclass
class _Group:
    now: _Sums = field(default_factory=_Sums)
    before: _Sums = field(default_factory=_Sums)
    no_team: Decimal = Decimal()


@dataclass(frozen=True)
class Counted:
    """Rows in the order of an answer (not cut), and totals, both as the sums of a cost come out of a query."""

    rows: list[Row]
    totals: list[Row]


def counted(question: Question, found: Sequence[Row], *, prices: Callable[[], PriceBook] = shipped) -> Counted:
    """What `expressions.quantities` found, in the unit that was asked for. How many GPUs a machine has is told by the
    book of `prices`, which is read only for GPU hours."""
    of_gpus = RATIOS.get(question.metric, question.metric) is Metric.GPU_HOURS
    kinds = prices().kinds if of_gpus else {}
    keys = expressions.keys(question.by)
    groups: dict[tuple[str, ...], _Group] = {}
    totals: dict[str, _Group] = {}
    lacking: dict[str, Row] = {}
    for row in found:
        unit, factor = _factor(question.metric, row, kinds)
        if factor is None:
            if unit:
                _lack(lacking, row)
            continue
        if question.metric in _PER:
            unit = f"{row[CURRENCY]} {_PER[question.metric][1]}"
        for group in (
            groups.setdefault((*(row[key] for key in keys.values()), unit), _Group()),
            totals.setdefault(unit, _Group()),
        ):
            group.now.take(_scaled(row[VALUE], factor), row["cost"])
            group.before.take(_scaled(row.get(PREVIOUS), factor), row.get("previous_cost"))
            group.no_team = add([group.no_team, _scaled(row[NO_TEAM], factor) or Decimal()])
    rows = [dict(zip((*keys.values(), CURRENCY), key, strict=True)) | _values(question, groups[key]) for key in groups]
    sums = [{CURRENCY: unit} | _values(question, totals[unit]) for unit in sorted(totals)]
    return Counted(_ordered(question, rows), [*sums, *lacking.values()])


def one_unit(unit: str | None) -> tuple[str, Decimal]:
    """The unit that a bill's unit is one or many of, and how many: `1000 Tokens` are a thousand tokens."""
    written = (unit or "").strip()
    if found := _TOKENS.fullmatch(written):
        return TOKENS, Decimal(int(found[1] or 1) * _SCALE[found[2].upper()])
    return written or NONE, Decimal(1)


def rest(question: Question, rows: Iterable[Row], unit: str, side: str) -> Decimal | None:
    """What these rows of one unit come to together: a sum, or for a ratio the ratio of the sums."""
    sums = _Sums()
    for row in rows:
        if row[CURRENCY] == unit:
            sums.take(*row[f"_{side}"])
    return _value(question.metric, sums)


def _factor(metric: Metric, row: Row, kinds: Mapping[str, MachineShape]) -> tuple[str, Decimal | None]:
    """The unit of what a row counts, and by what to multiply it; no unit for what was not asked for, a unit without a
    factor for what was and cannot be converted."""
    unit = (row["unit"] or "").strip()
    base = RATIOS.get(metric, metric)
    if base is Metric.QUANTITY:
        return unit or NONE, Decimal(1)
    if base is Metric.TOKENS:
        named, factor = one_unit(unit)
        return (TOKENS, factor) if named == TOKENS else ("", None)
    if _GPU_HOURS.fullmatch(unit):
        return GPU_HOURS, Decimal(1)
    return _gpus(unit, row, kinds)


def _gpus(unit: str, row: Row, kinds: Mapping[str, MachineShape]) -> tuple[str, Decimal | None]:
    if unit.lower() not in HOUR_UNITS:
        return "", None
    facts = (row["details"], row["meter"], row["description"])
    kind = instance_type(*facts).removeprefix("ml.")
    shape = kinds.get(kind)
    if shape is not None:
        return (GPU_HOURS, shape.gpus) if shape.gpus else ("", None)
    return (GPU_HOURS if any(ACCELERATOR.search(fact or "") for fact in facts) else "", None)


def _lack(lacking: dict[str, Row], row: Row) -> None:
    """Adds a group whose quantity cannot be converted to what is told beside the totals."""
    told = lacking.setdefault(row[CURRENCY], {CURRENCY: row[CURRENCY], VALUE: None, PREVIOUS: None, NO_TEAM: None})
    for side in (VALUE, PREVIOUS):
        if row.get(UNKNOWN_CHARGES[side]):
            told[UNKNOWN_CHARGES[side]] = told.get(UNKNOWN_CHARGES[side], 0) + row[UNKNOWN_CHARGES[side]]
            told[UNKNOWN[side]] = add([told.get(UNKNOWN[side], Decimal()), row[UNKNOWN[side]]])


def _scaled(quantity: Decimal | None, factor: Decimal) -> Decimal | None:
    return None if quantity is None else product(quantity, factor)


def _values(question: Question, group: _Group) -> Row:
    made: Row = {VALUE: _value(question.metric, group.now), "_value": (group.now.quantity, group.now.cost)}
    if question.compare:
        made |= {PREVIOUS: _value(question.metric, group.before)}
        made |= {"_previous": (group.before.quantity, group.before.cost)}
    return made | {NO_TEAM: None if question.metric in RATIOS else group.no_team}


def _value(metric: Metric, sums: _Sums) -> Decimal | None:
    if metric not in _PER or sums.quantity is None:
        return sums.quantity
    return None if sums.quantity <= 0 else per(sums.cost or Decimal(), sums.quantity, times=_PER[metric][0])


def _ordered(question: Question, rows: list[Row]) -> list[Row]:
    """Days and months in order of time, then the largest first; the largest first of all if only some are wanted."""
    keys = expressions.keys(question.by)
    times = [key for name, key in keys.items() if name in TIME_DIMENSIONS]
    others = [key for name, key in keys.items() if name not in TIME_DIMENSIONS]

    def place(row: Row) -> tuple[Any, ...]:
        value = (row[VALUE] is None, -(row[VALUE] or Decimal()))
        when, names = tuple(row[key] for key in times), tuple(row[key] for key in others)
        return (value, when, names, row[CURRENCY]) if question.limit else (when, value, names, row[CURRENCY])

    return sorted(rows, key=place)
