"""`spendgate spend`: what was spent, by what one names; the exact amounts with their query and completeness."""

import csv
import sys
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.commands.console import hint, print_json, print_table
from app.lake_here import lake_here
from audit.export import harmless
from lake.completeness import SourceCompleteness
from lake.engine import Answered, Lake, Row, Unknown, reaches_back
from lake.errors import CannotBeAsked
from lake.money import percent, plain, rounded
from lake.period import Period
from lake.question import EVERY_TEAM, MEASURES, RATIOS, Question
from lake.uncategorised import rounded_share
from tools.fiscal import FiscalCalendar
from tools.periods import CALENDAR, compared, understood
from tools.wording import dimension


def run(
    *,
    home: Path,
    today: date,
    by: str = "",
    period: str | None = None,
    where: Sequence[str] = (),
    metric: str = "effective",
    compare: str | None = None,
    top: int | None = None,
    ai: bool = False,
    currency: str | None = None,
    teams_seen: tuple[str, ...] = (EVERY_TEAM,),
    granularity: str | None = None,
    fiscal: FiscalCalendar = CALENDAR,
    as_json: bool = False,
    as_csv: bool = False,
) -> Answered:
    """Answers from the lake of this home; without a period, for its last complete month. Raises LakeError."""
    lake = lake_here(home / "lake")
    days = understood(period, today=today, fiscal=fiscal) if period else _default(lake)
    other = compared(compare, period=days, today=today, fiscal=fiscal, named=period) if compare else None
    names = (granularity or "", *by.split(","))
    question = _question(
        {
            "metric": metric.strip().lower().replace("-", "_"),
            "period": days,
            "by": tuple(dict.fromkeys(dimension(name) for name in names if name.strip())),
            "where": _filters(where),
            "compare": other,
            "ai": ai or None,
            "currency": currency.strip().upper() if currency else None,
            "limit": top,
            "teams_seen": teams_seen,
        }
    )
    answered = lake.ask(question)
    if as_json:
        print_json(_document(answered))
    elif as_csv:
        _write_csv(answered)
    else:
        _tell(answered, lake)
    return answered


def _question(fields: dict[str, Any]) -> Question:
    try:
        return Question(**fields)
    except ValidationError as error:
        wrong = error.errors()[0]
        place = str(wrong["loc"][0]) if wrong["loc"] else "the question"
        raise CannotBeAsked(
            "The question cannot be asked like this.",
            why=f"{place}: {wrong['msg'].removeprefix('Value error, ')}.",
            do="spendgate spend --help shows what can be named.",
        ) from None


def _default(lake: Lake) -> Period:
    period = lake.last_complete_period()
    if period is None:
        period = lake.latest_period()
        hint(f"No month is complete; this is {period.label}, the newest that has charges.")
    else:
        hint(f"No period was named; this is {period.label}, the last complete month.")
    return period


def _filters(pairs: Sequence[str]) -> dict[str, tuple[str, ...]]:
    filters: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise CannotBeAsked(
                f"'{pair}' is no filter.",
                why="A filter is a name, an equals sign and a value.",
                do="Write --where team=payments.",
            )
        known = dimension(name)
        filters[known] = (*filters.get(known, ()), value.strip())
    return filters


def _document(answered: Answered) -> dict[str, Any]:
    return {
        "rows": [{name: _exact(value) for name, value in row.items()} for row in answered.rows],
        "others": [{name: _exact(value) for name, value in row.items()} for row in answered.others],
        "totals": [{name: _exact(value) for name, value in total.items()} for total in _totals(answered)],
        "query": answered.query,
        "read": answered.read,
        "snapshots": answered.snapshots,
        "complete": answered.complete,
        "completeness": [_source(state) for state in answered.completeness],
        "truncated": answered.truncated,
        "metric": answered.question.metric,
        "period": answered.question.period.label,
        "compare": answered.question.compare.label if answered.question.compare else None,
        "comparable": answered.comparable if answered.question.compare else None,
        "untagged": [{"currency": currency, "value": plain(value)} for currency, value in answered.untagged],
        "unknown": [_lacking(one) for one in answered.unknown],
        "previous_unknown": [_lacking(one) for one in answered.previous_unknown],
    }


def _lacking(unknown: Unknown) -> dict[str, Any]:
    return {"currency": unknown.currency, "charges": unknown.charges, "billed": plain(unknown.billed)}


def _totals(answered: Answered) -> list[Row]:
    """A total for each currency or unit of either period; None is no data, which is not a zero."""
    question = answered.question
    unit = "unit" if question.metric in MEASURES else "currency"
    now, before = dict(answered.totals), dict(answered.previous_totals)
    lacking = {one.currency for one in (*answered.unknown, *answered.previous_unknown) if unit == "currency"}
    names = sorted({*now, *before, *lacking})
    if not question.compare:
        return [{unit: name, "value": now.get(name)} for name in names]
    return [{unit: name, "value": now.get(name), "previous": before.get(name)} for name in names]


def _columns(answered: Answered) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns of the rows, and which of them are amounts."""
    question = answered.question
    amounts = ("value", "previous", "difference") if question.compare else ("value",)
    return (*question.by, "unit" if question.metric in MEASURES else "currency", *amounts), amounts


def _write_csv(answered: Answered) -> None:
    """Exact amounts with a heading; the rows that were not asked for as one, so that the whole adds up."""
    columns, _ = _columns(answered)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for row in (*answered.rows, *answered.others):
        cells = [row[name] for name in columns]
        writer.writerow([plain(cell) if isinstance(cell, Decimal) else harmless(cell or "") for cell in cells])


def _exact(value: str | Decimal | None) -> str | None:
    return plain(value) if isinstance(value, Decimal) else value


def _source(state: SourceCompleteness) -> dict[str, Any]:
    return {"source": state.source, "data_through": state.data_through, "final": state.final, "reason": state.reason}


def _tell(answered: Answered, lake: Lake) -> None:
    question = answered.question
    columns, amounts = _columns(answered)
    if answered.rows and question.by:
        rows = [[_shown(row[name], question) for name in columns] for row in (*answered.rows, *answered.others)]
        print_table(columns, rows, right=frozenset(amounts))
    for total in _totals(answered):
        name, value, *previous = (_shown(cell, question) for cell in total.values())
        before = f" (before: {previous[0]})" if question.compare else ""
        print_table(("total",), [[f"total {name} {value}{before}"]])
    if not answered.holds:
        held = lake.current()
        first, last = min(one.first_day for one in held), max(one.last_day for one in held)
        hint(f"No charge of {question.period.label} is in scope: no data, not zero. The bill holds {first} to {last}.")
    _tell_untagged(answered)
    _tell_unknown(answered)
    _tell_reach(answered)
    if answered.truncated:
        hint(f"Only {len(answered.rows)} rows are shown; what the others come to stands last.")
    for state in answered.completeness:
        if state.reason:
            hint(f"  not complete: {state.source}: {state.reason}")


def _tell_untagged(answered: Answered) -> None:
    """Says what of each total has no team."""
    if "team" in (*answered.question.by, *answered.question.where):
        return
    totals = dict(answered.totals)
    for currency, value in answered.untagged:
        share = percent(value, totals[currency])
        if value:
            told = f" ({rounded_share(share)} %)" if share is not None else ""
            hint(f"  untagged: {rounded(value)} {currency} of it{told} has no team")


def _tell_unknown(answered: Answered) -> None:
    """Says what is in no sum above, since it has no such cost."""
    question = answered.question
    for period, unknown in ((question.period, answered.unknown), (question.compare, answered.previous_unknown)):
        for one in unknown if period else ():
            what = "known number of GPUs" if question.metric in MEASURES else f"{question.metric} cost"
            charges = f"{one.charges:,} charge{'s' if one.charges > 1 else ''} without a {what}"
            billed = f"billed {rounded(one.billed)} {one.currency}"
            hint(f"  not known: {charges} in {period.label if period else ''}, {billed}: in no sum above.")


def _tell_reach(answered: Answered) -> None:
    """Says where the bill does not reach back to the period that it is compared with."""
    compare = answered.question.compare
    if compare is None:
        return
    if not answered.previous_totals and not answered.previous_unknown:
        hint(f"No charge of {compare.label} is in scope: no data, not zero.")
    elif not reaches_back(answered.completeness, compare):
        hint(f"{compare.label} is not wholly covered, so no difference is taken.")
    for state in answered.completeness:
        if state.begins > compare.start:
            hint(f"  not covered: the bill of {state.source} begins on {state.begins}")


def _shown(cell: str | Decimal | None, question: Question) -> str:
    if cell is None:
        return "no data"
    if isinstance(cell, str):
        return cell
    if question.metric in MEASURES and question.metric not in RATIOS:
        return plain(cell).removesuffix(".00")
    return rounded(cell)
