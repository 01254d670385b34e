"""`spendgate spend`: what was spent, by what one names; the exact amounts with their query and completeness."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.commands.console import hint, print_json, print_table
from lake.completeness import SourceCompleteness
from lake.engine import Answered, Lake, Row, Unknown, reaches_back
from lake.errors import CannotBeAsked
from lake.money import percent, plain, rounded
from lake.period import Period
from lake.question import EVERY_TEAM, Question
from lake.uncategorised import rounded_share


def run(
    *,
    home: Path,
    by: str = "",
    period: str | None = None,
    where: Sequence[str] = (),
    metric: str = "effective",
    compare: str | None = None,
    top: int | None = None,
    ai: bool = False,
    currency: str | None = None,
    teams_seen: tuple[str, ...] = (EVERY_TEAM,),
    as_json: bool = False,
) -> Answered:
    """Answers from the lake of this home; without a period, for its last complete month. Raises LakeError."""
    lake = Lake(home / "lake")
    question = _question(
        {
            "metric": metric.strip().lower(),
            "period": Period.parse(period) if period else _default(lake),
            "by": tuple(name.strip() for name in by.split(",") if name.strip()),
            "where": _filters(where),
            "compare": Period.parse(compare) if compare else None,
            "ai": ai or None,
            "currency": currency.strip().upper() if currency else None,
            "limit": top,
            "teams_seen": teams_seen,
        }
    )
    answered = lake.ask(question)
    if as_json:
        print_json(_document(answered))
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
        filters[name.strip()] = (*filters.get(name.strip(), ()), value.strip())
    return filters


def _document(answered: Answered) -> dict[str, Any]:
    return {
        "rows": [{name: _exact(value) for name, value in row.items()} for row in answered.rows],
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
    """A total for each currency of either period; None is no data, which is not a zero."""
    now, before = dict(answered.totals), dict(answered.previous_totals)
    lacking = {one.currency for one in (*answered.unknown, *answered.previous_unknown)}
    currencies = sorted({*now, *before, *lacking})
    if not answered.question.compare:
        return [{"currency": currency, "value": now.get(currency)} for currency in currencies]
    return [
        {"currency": currency, "value": now.get(currency), "previous": before.get(currency)} for currency in currencies
    ]


def _exact(value: str | Decimal | None) -> str | None:
    return plain(value) if isinstance(value, Decimal) else value


def _source(state: SourceCompleteness) -> dict[str, Any]:
    return {"source": state.source, "data_through": state.data_through, "final": state.final, "reason": state.reason}


def _tell(answered: Answered, lake: Lake) -> None:
    question = answered.question
    amounts = ["value", *(("previous", "difference") if question.compare else ())]
    columns = (*question.by, "currency", *amounts)
    if answered.rows and question.by:
        rows = [[_shown(row[column]) for column in columns] for row in answered.rows]
        print_table(columns, rows, right=frozenset(amounts))
    for total in _totals(answered):
        before = f" (before: {_shown(total['previous'])})" if question.compare else ""
        print_table(("total",), [[f"total {total['currency']} {_shown(total['value'])}{before}"]])
    if not answered.holds:
        held = lake.store.current()
        first, last = min(one.first_day for one in held), max(one.last_day for one in held)
        hint(f"No charge of {question.period.label} is in scope: no data, not zero. The bill holds {first} to {last}.")
    _tell_untagged(answered)
    _tell_unknown(answered)
    _tell_reach(answered)
    if answered.truncated:
        hint(f"Only {len(answered.rows)} rows are shown; the totals count all.")
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
            charges = f"{one.charges:,} charge{'s' if one.charges > 1 else ''} without a {question.metric} cost"
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


def _shown(cell: str | Decimal | None) -> str:
    if cell is None:
        return "no data"
    return cell if isinstance(cell, str) else rounded(cell)
