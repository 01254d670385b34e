"""`spendgate spend`: what was spent, by what one names; the exact amounts with their query and completeness."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.commands.console import hint, print_json, print_table
from lake.completeness import SourceCompleteness
from lake.engine import Answered, Lake
from lake.errors import LakeError
from lake.money import plain
from lake.period import Period
from lake.question import EVERY_TEAM, Question


def run(
    *,
    home: Path,
    now: datetime,
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
        _tell(answered, now)
    return answered


def _question(fields: dict[str, Any]) -> Question:
    try:
        return Question(**fields)
    except ValidationError as error:
        wrong = error.errors()[0]
        place = str(wrong["loc"][0]) if wrong["loc"] else "the question"
        raise LakeError(
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
            raise LakeError(
                f"'{pair}' is no filter.",
                why="A filter is a name, an equals sign and a value.",
                do="Write --where team=payments.",
            )
        filters[name.strip()] = (*filters.get(name.strip(), ()), value.strip())
    return filters


def _document(answered: Answered) -> dict[str, Any]:
    totals: list[dict[str, Any]] = [{"currency": name, "value": plain(value)} for name, value in answered.totals]
    for total, (_, previous) in zip(totals, answered.previous_totals, strict=False):
        total["previous"] = plain(previous)
    return {
        "rows": [
            {name: value if isinstance(value, str) else plain(value) for name, value in row.items()}
            for row in answered.rows
        ],
        "totals": totals,
        "query": answered.query,
        "snapshots": answered.snapshots,
        "complete": answered.complete,
        "completeness": [_source(state) for state in answered.completeness],
        "truncated": answered.truncated,
        "metric": answered.question.metric,
        "period": answered.question.period.label,
        "compare": answered.question.compare.label if answered.question.compare else None,
    }


def _source(state: SourceCompleteness) -> dict[str, Any]:
    return {"source": state.source, "data_through": state.data_through, "final": state.final, "reason": state.reason}


def _tell(answered: Answered, now: datetime) -> None:
    question = answered.question
    amounts = ["value", *(("previous", "difference") if question.compare else ())]
    columns = (*question.by, "currency", *amounts)
    rows = [[value if isinstance(value, str) else plain(value) for value in row.values()] for row in answered.rows]
    if rows and question.by:
        print_table(columns, rows, right=frozenset(amounts))
    if not answered.totals:
        hint(f"No charge of {question.period.label} is in scope (loaded until {now:%Y-%m-%d}).")
    previous = dict(answered.previous_totals)
    for currency, value in answered.totals:
        before = f" (before: {plain(previous[currency])})" if currency in previous else ""
        print_table(("total",), [[f"total {currency} {plain(value)}{before}"]])
    if answered.truncated:
        hint(f"Only {len(answered.rows)} rows are shown; the totals count all.")
    for state in answered.completeness:
        if state.reason:
            hint(f"  not complete: {state.source}: {state.reason}")
